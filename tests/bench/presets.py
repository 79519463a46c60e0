#!/usr/bin/env python3
"""What the constants of the preset `recommended` rest on: real runs of absa-train with each of them
changed, against the small batch that never grows. Accuracy and updates, not seconds: any machine
gives the same table, in about ten minutes.

Usage: presets.py ABSA_TRAIN DATA [PROBLEM...]  (DATA has mnist/, cifar10/ and mushroom/, in their
official files; a problem is named by its data)
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

SEEDS = range(3)
# Enough epochs that patience has its say; batches small enough that there is room to grow.
PROBLEMS = {
    "glyphs, lenet": ["--data", "glyphs", "--train-limit", "3000", "--epochs", "30"],
    "mnist, lenet": ["--data", "mnist", "--data-dir", "mnist", "--train-limit", "3000",
                     "--test-limit", "2000", "--epochs", "30", "--batch", "32",
                     "--batch-max", "512"],
    "cifar10, lenet": ["--data", "cifar10", "--data-dir", "cifar10", "--train-limit", "3000",
                       "--test-limit", "2000", "--epochs", "20", "--batch", "32",
                       "--batch-max", "512"],
    "mushroom, logreg": ["--data", "mushroom", "--data-dir", "mushroom", "--epochs", "30"],
}
SETTINGS = {
    "bl": ["--strategy", "bl"],
    "paper": ["--preset", "paper"],
    "authors": ["--preset", "authors"],
    "recommended": [],
    "patience 3": ["--set", "patience=3"],
    "patience 10": ["--set", "patience=10"],
    "dwell 3 epochs": ["--set", "dwell=9000"],
    "lr_cap 1": ["--set", "lr_cap=1"],
}


def run(program, data, arguments, seed):
    """Return accuracy, updates, last batch and products of a run; accuracy 0 when it diverged."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "run.jsonl")
        given = [os.path.join(data, a) if before == "--data-dir" else a
                 for before, a in zip([""] + arguments, arguments)]
        done = subprocess.run([program, *given, "--seed", str(seed), "--quiet", "--robust", "0",
                               "--log", log], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
        with open(log, encoding="utf-8") as lines:
            final = json.loads(lines.readlines()[-1])
    if final["event"] != "final" or done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return final["accuracy"] or 0.0, final["updates"], final["batch"], final["hvps"]


def main(program, data, *wanted):
    """Print a table a problem."""
    for problem, arguments in PROBLEMS.items():
        if wanted and problem.split(",")[0] not in wanted:
            continue
        print(f"\n{problem}, {len(SEEDS)} seeds\n{'setting':<16}{'acc %':>7}{'+-':>6}"
              f"{'updates':>9}{'of bl':>7}{'last B':>8}{'hvps':>6}", flush=True)
        base = None
        for setting, extra in SETTINGS.items():
            seen = [run(program, data, arguments + extra, seed) for seed in SEEDS]
            accuracy, updates, batch, products = (statistics.mean(v) for v in zip(*seen))
            error = statistics.stdev(s[0] for s in seen) / len(seen) ** 0.5
            base = base or updates
            print(f"{setting:<16}{100 * accuracy:>7.2f}{100 * error:>6.2f}{updates:>9.0f}"
                  f"{updates / base:>7.2f}{batch:>8.0f}{products:>6.0f}", flush=True)
            print(json.dumps({"bench": "presets", "problem": problem, "setting": setting,
                              "accuracy": [s[0] for s in seen], "updates": [s[1] for s in seen],
                              "batch": [s[2] for s in seen], "hvps": [s[3] for s in seen]}),
                  file=sys.stderr, flush=True)


if len(sys.argv) < 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
