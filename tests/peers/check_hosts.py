"""Third-party trainers as hosts: FANN (C) and dlib (C++), which have gradients only, and libtorch
(C++), which has exact products. Each is compiled against the library, has its products checked, is
trained with the controller, and its certified top eigenvalue is compared with NumPy's of the whole
Hessian, which the program prints. Usage: check_hosts.py BUILD"""

import os
import re
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))

import tap  # noqa: E402

LIB = os.path.join(os.path.abspath(sys.argv[1]), "lib")


def pkg_config(name):
    done = subprocess.run(["pkg-config", "--cflags", "--libs", name], capture_output=True,
                          text=True, check=False)
    return done.stdout.split()


# Program, its compiler and what it links, and how far the table and the interval may be apart,
# relative to the eigenvalue. The table's central differences are right to 1e-9 in double precision;
# the products of differences to some 1e-5 (their step is 2.5e-3 of the parameters); a gradient in
# single precision has 1e-7, over a step of 3e-3.
HOSTS = [
    ("fann_host.c", ["cc", "-std=c11"], ["-ldoublefann"], 1e-4),
    ("dlib_host.cpp", ["c++", "-std=c++17"], pkg_config("dlib-1"), 1e-3),
    ("libtorch_host.cpp",
     ["c++", "-std=c++17", "-isystem", "/usr/include/torch/csrc/api/include"],
     ["-ltorch", "-ltorch_cpu", "-lc10"], 1e-6),
]


def host(name, compiler, libraries, tolerance):
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "host")
        command = [*compiler, "-O1", "-I", os.path.join(SOURCE, "include"),
                   os.path.join(HERE, "hosts", name), "-o", program, "-L", LIB, "-labsa",
                   *libraries, "-lm", f"-Wl,-rpath,{LIB}"]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            yield made.stderr[-2000:]
            return
        done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        yield f"ended with {done.returncode}: {done.stderr}"
        return
    lines = done.stdout.splitlines()
    if not lines[0].startswith("check good"):
        yield lines[0]
    before, after = map(float, re.fullmatch(r"loss (\S+) (\S+)", lines[1]).groups())
    if not after < 0.5 * before:
        yield f"trained from {before} to {after}"
    updates, plain, batch = map(int, re.fullmatch(r"updates (\d+) of (\d+), batch (\d+)",
                                                  lines[2]).groups())
    if not (updates < plain and batch > 16):
        yield f"the batch did not grow: {lines[2]}"
    value, lower, upper = map(float, lines[3].split()[1:])
    table = np.array([[float(x) for x in line.split()] for line in lines[4:]])
    truth = np.linalg.eigvalsh((table + table.T) / 2)[-1]
    margin = tolerance * truth
    if not lower - margin <= truth <= upper + margin:
        yield f"{truth} is not in [{lower}, {upper}]"
    # CERTIFIED to 1 %.
    if abs(value - truth) > 0.01 * truth + margin:
        yield f"{value} instead of {truth}"


tap.run([(f"{name}: products, eigenvalue and training hold", lambda h=(name, *rest): host(*h))
         for name, *rest in HOSTS])
