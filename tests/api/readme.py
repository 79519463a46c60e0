"""README.md tells the truth: its first C block compiles and runs as a user would build it, every
option of absa-train that it names exists, and so does every file of the repository.
Usage: readme.py SOURCE_DIR BUILD_DIR [ABSA_TRAIN]"""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap

SOURCE, BUILD, TRAIN = sys.argv[1], sys.argv[2], sys.argv[3:]
with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as readme:
    README = readme.read()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def install(folder):
    """Install into a folder; return the environment in which a user would build there."""
    command = ["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for where, _, names in os.walk(folder):
        if "absa.pc" in names:
            return dict(os.environ, PKG_CONFIG_SYSROOT_DIR=folder, PKG_CONFIG_PATH=where,
                        LD_LIBRARY_PATH=os.path.dirname(where))
    raise SystemExit("absa.pc was not installed")


def first_program():
    code = next((text for language, text in BLOCKS if language == "c"), None)
    if code is None:
        yield "there is no C block"
        return
    with tempfile.TemporaryDirectory() as folder:
        env = install(folder)
        with open(os.path.join(folder, "readme.c"), "w", encoding="utf-8") as out:
            out.write(code)
        command = "cc -std=c11 -Wall -Wextra -Werror readme.c -o readme "
        command += "$(pkg-config --cflags --libs absa) -lm && ./readme"
        done = subprocess.run(["sh", "-c", command], cwd=folder, env=env, capture_output=True,
                              text=True, check=False, timeout=60)
        if done.returncode:
            yield f"the program ended with {done.returncode}: {done.stderr}"
        elif not done.stdout:
            yield "the program prints nothing"


def options():
    known = subprocess.run([*TRAIN, "--help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"--[a-z][a-z-]*", known))
    for line in README.replace("\\\n", " ").splitlines():
        if "absa-train" in line:
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", line.split("absa-train", 1)[1]):
                if option not in known:
                    yield f"absa-train has no {option}"


def files():
    tops = "examples|tests|include|lib|doc|bindings"
    for name in re.findall(rf"(?<![\w/.])(?:{tops})/[\w./-]*\w", README):
        if not os.path.exists(os.path.join(SOURCE, name)):
            yield f"there is no {name}"


CHECKS = [("the first C block compiles and runs", first_program),
          ("the files that it names exist", files)]
if TRAIN:
    CHECKS.append(("the options of absa-train that it names exist", options))
tap.run(CHECKS)
