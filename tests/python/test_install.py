"""What pip installs, in an environment that has NumPy alone, finds its own library."""

import os
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(__file__), "..", "..", "bindings", "python")
USER = """
import os, absa, numpy
r = absa.eigenvalues(lambda v: numpy.arange(100, dtype="float32") * v, 100)
assert abs(r.values[0] - 99) < 1, r
import absa.refnet
print(os.path.dirname(absa.__file__))
"""


def test_pip_install_needs_numpy_alone(tmp_path):
    clean = {name: value for name, value in os.environ.items()
             if name not in ("ABSA_LIBRARY", "PYTHONPATH")}
    home = str(tmp_path / "env")
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    python = os.path.join(home, "bin", "python")
    done = subprocess.run([python, "-m", "pip", "install", "--quiet", SOURCE], env=clean, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    listed = subprocess.run([python, "-m", "pip", "list", "--format=freeze"], env=clean, text=True,
                            capture_output=True, check=True).stdout
    names = {line.split("==")[0] for line in listed.split()}
    assert {"absa", "numpy"} <= names <= {"absa", "numpy", "pip", "setuptools", "wheel"}
    used = subprocess.run([python, "-c", USER], env=clean, text=True, capture_output=True,
                          cwd=str(tmp_path))
    assert used.returncode == 0 and used.stdout.startswith(home), used.stderr
