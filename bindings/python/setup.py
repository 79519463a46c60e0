"""Build libabsa with meson and bundle it: what pyproject.toml cannot say."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..")
HEADER = os.path.join(SOURCE, "include", "absa", "version.h")
NEEDED = "pip builds this package inside the repository: pip install ./bindings/python"


def version():
    """Return the release that version.h states."""
    if not os.path.exists(HEADER):
        sys.exit(f"the C sources of libabsa are not at {SOURCE}. {NEEDED}")
    with open(HEADER, encoding="utf-8") as header:
        return re.search(r'ABSA_VERSION_STRING "(.*)"', header.read()).group(1)


def has_openblas():
    """Return whether pkg-config finds OpenBLAS."""
    try:
        return subprocess.run(["pkg-config", "--exists", "openblas"], check=False).returncode == 0
    except FileNotFoundError:
        return False


class Build(build_py):
    """Adds the shared libraries to the package; libabsa-refnet where zlib is."""

    def run(self):
        super().run()
        target = os.path.join(self.build_lib, "absa", "_lib")
        blas = "openblas" if has_openblas() else "plain"
        print(f"libabsa is built with blas={blas}", flush=True)
        with tempfile.TemporaryDirectory() as build:
            for command in (
                    [sys.executable, "-m", "mesonbuild.mesonmain", "setup", build, SOURCE,
                     "-Dbuildtype=release", "-Ddefault_library=shared", "-Drefnet=auto",
                     "-Dtests=disabled", "-Dexamples=disabled", f"-Dblas={blas}"],
                    [sys.executable, "-m", "mesonbuild.mesonmain", "compile", "-C", build]):
                if subprocess.run(command, check=False).returncode:
                    sys.exit("libabsa could not be built; it needs a C compiler. The lines above "
                             "say more")
            os.makedirs(target, exist_ok=True)
            built = [path for name in ("libabsa.*", "refnet/libabsa-refnet.*")
                     for path in glob.glob(os.path.join(build, "lib", name))
                     if re.search(r"\.so\.\d+$|\.\d+\.dylib$", path)]
            for path in built:
                shutil.copy(path, target)
        if not built:
            sys.exit("meson built no shared library")


class Wheel(bdist_wheel):
    """For this platform, whatever the version of Python: the library is loaded by ctypes."""

    def get_tag(self):
        return ("py3", "none", super().get_tag()[2])


class WithLibrary(Distribution):
    """A distribution that is not pure Python."""

    def has_ext_modules(self):
        return True


setup(version=version(), cmdclass={"build_py": Build, "bdist_wheel": Wheel},
      distclass=WithLibrary)
