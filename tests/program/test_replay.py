"""absa-replay: the run's own settings give the run, others give another one, what an interval does
not settle ends it with status 3. Usage: test_replay.py ABSA_TRAIN ABSA_REPLAY"""

import subprocess
import sys

REPLAY = sys.argv.pop(2)
from train import SMALL, logged, path, run


def replay(*words):
    return subprocess.run([REPLAY, *words], capture_output=True, text=True, check=False, timeout=60)


def rows(done):
    return [line.split() for line in done.stdout.splitlines()[1:]]


def recorded(name, *more):
    done, lines = logged(name, *SMALL, "--robust", "0", "--measure-every", "200", *more)
    if done.returncode:
        raise AssertionError(done.stderr)
    return [e for e in lines if e["event"] == "measurement"]


def own_settings_give_the_run():
    for preset in ("recommended", "paper", "authors"):
        measured = recorded("run.jsonl", "--preset", preset)
        done = replay(path("run.jsonl"))
        if done.returncode:
            yield f"{preset}: {done.returncode} {done.stderr}"
            continue
        if len(rows(done)) != len(measured):
            yield f"{preset}: {len(rows(done))} rows, {len(measured)} measurements"
        for row, event in zip(rows(done), measured):
            if row[3] != row[6] or int(row[3]) != event["batch"] or row[5] != row[8]:
                yield f"{preset}: {row} is not {event}"


def other_settings_give_another_run():
    recorded("full.jsonl", "--measure", "full")
    done = replay(path("full.jsonl"), "--set", "patience=1")
    if done.returncode or int(rows(done)[-1][6]) <= int(rows(done)[-1][3]):
        yield f"{done.returncode}: {done.stdout} {done.stderr}"


def an_open_interval_ends_it():
    measured = recorded("decided.jsonl")
    first = measured[0]["value"]
    open_one = next(e for e in measured if e["stop"] == "decided")
    ratio = first / (open_one["lower"] * 1.0001)
    done = replay(path("decided.jsonl"), "--set", f"eigenvalue_ratio={max(ratio, 1):.17g}")
    if done.returncode != 3 or "undetermined" not in done.stdout.splitlines()[-1]:
        yield f"{done.returncode}: {done.stdout} {done.stderr}"


def refusals():
    recorded("good.jsonl")
    with open(path("good.jsonl"), encoding="utf-8") as log:
        lines = log.read().splitlines()
    broken = {"cut": lines[0][:-5], "foreign": '{"event":"x"}', "headless": lines[1], "empty": ""}
    for name, text in broken.items():
        with open(path(name), "w", encoding="utf-8") as out:
            out.write(text)
    for words in ([], ["a", "b"], [path("missing")], [path("good.jsonl"), "--set", "x=1"],
                  [path("good.jsonl"), "--set", "patience"], [path("good.jsonl"), "--what"],
                  [path("good.jsonl"), "--set", "patience=0"], *([path(n)] for n in broken)):
        done = replay(*words)
        if done.returncode != 2 or len(done.stderr.splitlines()) != 1 or done.stdout:
            yield f"{words}: {done.returncode} {done.stderr!r} {done.stdout!r}"


run([("gives the run with its own settings", own_settings_give_the_run),
     ("gives another run with others", other_settings_give_another_run),
     ("stops where an interval does not settle the threshold", an_open_interval_ends_it),
     ("refuses what is not a log", refusals)])
