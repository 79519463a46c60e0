"""What the tests of absa-train share: running it, its log, a directory for its files."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

PROGRAM = sys.argv[1]
DIRECTORY = tempfile.mkdtemp(prefix="absa-train-")
# Seconds of work on glyphs become tenths.
SMALL = ["--train-limit", "600", "--test-limit", "200", "--probe", "64", "--epochs", "4"]

# Single steps of this size collapse on the small network within two epochs: FGSM's accuracy rises
# where PGD's is none.
COLLAPSING = ["--model", "mlp", "--epochs", "4", "--lr", "0.05", "--epsilon", "0.2", "--gamma", "1",
              "--train-limit", "4000", "--test-limit", "500", "--set", "adversarial_end=100"]


def path(name):
    """Return the name of a file in the test's own directory."""
    return os.path.join(DIRECTORY, name)


def train(*arguments):
    """Run absa-train and return what subprocess.run does."""
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=280)


def events(name):
    """Return the log's lines as dictionaries; a number that is no JSON raises ValueError."""
    def no_constant(word):
        raise ValueError(f"{word} is not JSON")
    with open(path(name), encoding="utf-8") as log:
        return [json.loads(line, parse_constant=no_constant) for line in log]


def logged(name, *arguments):
    """Run with a log; return the result and the events."""
    done = train("--log", path(name), *arguments)
    return done, events(name) if done.returncode == 0 else []


def without_seconds(event):
    """Return an event without what a clock says."""
    return {key: value for key, value in event.items() if key not in ("seconds", "product_gradients")}


def run(checks):
    """Run the checks as TAP, then remove the directory."""
    import tap
    try:
        tap.run(checks)
    finally:
        shutil.rmtree(DIRECTORY)
