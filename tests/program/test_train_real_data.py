"""absa-train learns real data, with fixed seeds. Skipped without ABSA_TEST_DATA.
Usage: test_train_real_data.py PROGRAM"""

import os
import sys

from train import logged, run

DATA = os.environ.get("ABSA_TEST_DATA")
if not DATA:
    print("1..0 # SKIP ABSA_TEST_DATA is not set")
    sys.exit(0)


def learns(data, least, *more):
    done, lines = logged("run.jsonl", "--data", data, "--data-dir", os.path.join(DATA, data), *more)
    if done.returncode != 0:
        yield f"status {done.returncode}: {done.stderr}"
    elif lines[-1]["accuracy"] <= least:
        yield f"accuracy {lines[-1]['accuracy']}, must be above {least}"
    elif lines[-1]["measurements"] == 0 or lines[-1]["hvps"] == 0:
        yield "nothing was measured"


def mushroom_has_the_papers_parts():
    done, lines = logged("run.jsonl", "--data", "mushroom", "--data-dir",
                         os.path.join(DATA, "mushroom"), "--epochs", "1")
    if done.returncode != 0:
        yield done.stderr
    elif (lines[0]["train_rows"], lines[0]["test_rows"]) != (6305, 1819):
        yield f"{lines[0]['train_rows']} and {lines[0]['test_rows']} rows"


# Chance is 0.5 and 0.1; the limits are what a working network reaches with ease on so few rows.
run([
    ("splits mushroom as the paper does", mushroom_has_the_papers_parts),
    ("learns mushroom beyond 99 percent", lambda: learns("mushroom", 0.99, "--epochs", "10")),
    ("learns MNIST beyond 95 percent from 6,000 rows",
     lambda: learns("mnist", 0.95, "--train-limit", "6000", "--test-limit", "2000", "--epochs",
                    "6")),
    ("learns a slice of CIFAR-10 far beyond chance",
     lambda: learns("cifar10", 0.33, "--train-limit", "4000", "--test-limit", "1000", "--epochs",
                    "6")),
])
