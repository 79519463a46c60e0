"""The programs of examples/python, as a user runs them, on small slices."""

import difflib
import os
import re
import subprocess
import sys

import pytest

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "examples", "python")
PROGRAMS = sorted(name for name in os.listdir(FOLDER)
                  if name.endswith(".py") and not name.endswith("_common.py"))


def run(name, *words, **more):
    return subprocess.run([sys.executable, os.path.join(FOLDER, name), *words], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=300, **more)


def output(name, *words):
    done = run(name, *words)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    return done.stdout


@pytest.fixture
def cifar10():
    folder = os.environ.get("ABSA_TEST_DATA")
    if not folder:
        pytest.skip("ABSA_TEST_DATA is not set")
    return os.path.join(folder, "cifar10")


def updates(text):
    return int(re.search(r"updates (\d+)", text).group(1))


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_fits_a_terminal(name):
    done = run(name, "--help", env={**os.environ, "COLUMNS": "80"})
    assert done.returncode == 0 and max(map(len, done.stdout.splitlines())) <= 80
    data = ["--data", "."] if name.startswith("cifar10") else []
    wrong = run(name, "--epochs" if data else "--what", "x", *data)
    assert wrong.returncode == 2 and ("--epochs" if data else "--what") in wrong.stderr


@pytest.mark.parametrize("name", ["cifar10_plain.py", "cifar10_adaptive.py"])
def test_missing_and_damaged_data_are_named(name, tmp_path):
    missing = run(name, "--data", str(tmp_path))
    assert missing.returncode == 2 and "data_batch_1.bin" in missing.stderr
    (tmp_path / "data_batch_1.bin").write_bytes(b"x" * 3000)
    damaged = run(name, "--data", str(tmp_path))
    assert damaged.returncode == 2 and "3000 bytes are no records" in damaged.stderr
    none = run(name, "--data", str(tmp_path), "--epochs", "0")
    assert none.returncode == 2 and "--epochs" in none.stderr


def test_the_loops_differ_by_a_dozen_lines_and_the_adaptive_one_takes_fewer_updates(cifar10):
    lines = []
    for name in ("cifar10_plain.py", "cifar10_adaptive.py"):
        with open(os.path.join(FOLDER, name), encoding="ascii") as text:
            lines.append(text.read().splitlines()[1:])
    added = [line for line in difflib.ndiff(*lines) if line.startswith("+ ")]
    assert len(added) <= 14, added
    words = ["--data", cifar10, "--rows", "600", "--test-rows", "200", "--epochs", "8",
             "--batch", "20"]
    plain, adaptive = output("cifar10_plain.py", *words), output("cifar10_adaptive.py", *words)
    assert updates(plain) == 8 * 600 // 20
    assert 0 < updates(adaptive) < updates(plain)


def test_a_spectrum_has_intervals_and_a_picture(tmp_path):
    picture = tmp_path / "spectrum.png"
    text = output("hessian_spectrum.py", "--k", "2", "--plot", str(picture))
    assert len(re.findall(r"^ +[-\d.]+ +[-\d.]+ +[-\d.]+ +[-\d.e]+$", text, re.M)) == 2
    assert picture.read_bytes()[:4] == b"\x89PNG"
    nothing = run("hessian_spectrum.py", "--params", "no such layer")
    assert nothing.returncode == 2 and "no such layer" in nothing.stderr


def test_the_jax_loop_trains_with_fewer_updates():
    text = output("jax_loop.py")
    losses = [float(x) for x in re.findall(r"loss ([\d.]+)", text)]
    assert len(losses) == 8 and losses[-1] < losses[0]
    assert updates(text) < int(re.search(r"instead of (\d+)", text).group(1))


def test_scipy_and_libabsa_agree():
    text = output("scipy_interchange.py", "--n", "500")
    rows = re.findall(r"libabsa ([\d.]+)  SciPy ([\d.]+)", text)
    assert len(rows) == 3
    for mine, theirs in rows:
        assert abs(float(mine) - float(theirs)) <= 1e-6 * float(theirs)
