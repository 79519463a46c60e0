"""absa-replay: the run's own settings give the run, others give another one, what an interval does
not settle ends it with status 3. Usage: test_replay.py ABSA_TRAIN ABSA_REPLAY"""

import json
import re
import subprocess
import sys

REPLAY = sys.argv.pop(2)
from train import COLLAPSING, SMALL, logged, path, run


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


def a_cap_of_lr_is_replayed():
    """A run with a cap measures the eigenvalue itself, and other rates are not its log's."""
    free = [e["lr"] for e in recorded("free.jsonl")]
    measured = recorded("capped.jsonl", "--set", "lr_cap=0.02")
    if free == [e["lr"] for e in measured] or any(e["stop"] == "decided" for e in measured):
        yield f"the cap changes nothing, or decisions are left: {measured}"
    done = replay(path("capped.jsonl"))
    if done.returncode:
        yield f"{done.returncode}: {done.stderr}"
    lines = lines_of("capped.jsonl")
    lines[1] = json.dumps({**json.loads(lines[1]), "lr": 0.123}) + "\n"
    write("bent.jsonl", lines)
    done = replay(path("bent.jsonl"))
    if done.returncode != 2 or "do not lead to" not in done.stderr:
        yield f"another rate: {done.returncode} {done.stdout} {done.stderr}"


def a_bound_is_no_value_for_a_cap_or_a_shrink():
    measured = recorded("decided.jsonl")
    first = next(i for i, e in enumerate(measured) if e["stop"] == "decided")
    for setting in ("lr_cap=0.02", "shrink_ratio=2"):
        done = replay(path("decided.jsonl"), "--set", setting)
        if done.returncode != 3 or "undetermined" not in done.stdout or len(rows(done)) != first + 3:
            yield f"{setting}, {first}: {done.returncode} {done.stdout} {done.stderr}"


def power_gives_no_intervals():
    recorded("power.jsonl", "--preset", "paper")
    done = replay(path("power.jsonl"), "--set", "trigger=interval")
    if done.returncode != 2 or "upper bounds" not in done.stderr:
        yield f"{done.returncode}: {done.stdout} {done.stderr}"


def a_decision_that_a_budget_ended_is_replayed():
    measured = recorded("budget.jsonl", "--set", "max_products=9", "--decay", "none")
    done = replay(path("budget.jsonl"))
    below = [e for e in measured if e["stop"] == "budget" and e["answer"] == "below"]
    if done.returncode or not below:
        yield f"{done.returncode}: {done.stdout} {done.stderr} {measured}"


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


def lines_of(name):
    with open(path(name), encoding="utf-8") as log:
        return log.read().splitlines(keepends=True)


def write(name, lines):
    with open(path(name), "w", encoding="utf-8") as log:
        log.writelines(lines)


def predictions_are_passed_over():
    recorded("predicted.jsonl", "--predict", "1,8")
    if not any('"prediction"' in line for line in lines_of("predicted.jsonl")):
        yield "the log has no prediction"
    done = replay(path("predicted.jsonl"))
    if done.returncode:
        yield f"{done.returncode}: {done.stderr}"


def a_killed_and_resumed_run_is_one_run():
    """The run is killed behind each of its events, and goes on from its last epoch's end: what lay
    behind that comes twice."""
    recorded("whole.jsonl", "--measure", "full", "--set", "patience=1")
    lines = lines_of("whole.jsonl")
    wanted = replay(path("whole.jsonl"), "--set", "patience=2")
    if wanted.returncode:
        yield f"{wanted.returncode}: {wanted.stderr}"
    for killed in range(2, len(lines) - 1):
        ends = [i for i in range(1, killed) if '"event":"epoch"' in lines[i]]
        if not ends:
            continue
        write("killed.jsonl", lines[:killed] + [lines[0].replace('"resumed_at":0', '"resumed_at":9')]
              + lines[ends[-1] + 1:])
        done = replay(path("killed.jsonl"), "--set", "patience=2")
        if done.stdout != wanted.stdout or done.returncode != wanted.returncode:
            yield f"killed behind line {killed}: {done.returncode} {done.stderr} {done.stdout}"


def a_collapse_is_replayed():
    done, _ = logged("collapsed.jsonl", *COLLAPSING)
    found = replay(path("collapsed.jsonl"))
    if "ends there" in found.stdout or not any("collapse" in line for line in
                                               lines_of("collapsed.jsonl")[1:]):
        yield f"{found.stdout}"
    other = replay(path("collapsed.jsonl"), "--set", "patience=1")
    if done.returncode or found.returncode or other.returncode:
        yield f"{done.stderr} {found.stderr} {other.stderr}"


def bad_measurements_stay_bad():
    """The third in a row is told of as blind, which says nothing of why it was bad."""
    recorded("bad.jsonl", "--measure", "full")
    lines = lines_of("bad.jsonl")
    first = json.loads(lines[1])
    for i, reason in enumerate(("inconsistent", "inconsistent", "blind")):
        event = {**first, "consistent": False, "reason": reason}
        lines[1 + i] = json.dumps(event) + "\n"
    write("bad.jsonl", lines[:4])
    done = replay(path("bad.jsonl"))
    reasons = [row[5] for row in rows(done)]
    if done.returncode or reasons != ["inconsistent", "inconsistent", "blind"]:
        yield f"{done.returncode}: {done.stdout} {done.stderr}"
    write("bad.jsonl", [line.replace('"consistent": false', '"consistent": true')
                        for line in lines[:4]])
    done = replay(path("bad.jsonl"))
    if done.returncode != 2 or "do not lead to" not in done.stderr:
        yield f"reasons that do not fit: {done.returncode} {done.stdout} {done.stderr}"


def says_where_the_replayed_training_ends():
    recorded("long.jsonl", "--measure", "full")
    done = replay(path("long.jsonl"), "--set", "epochs=2")
    if done.returncode or done.stdout.splitlines()[-1] != "the replayed training ends there":
        yield f"{done.returncode}: {done.stdout} {done.stderr}"


def fits_a_terminal():
    recorded("wide.jsonl")
    for settings in ([], ["--set", "patience=1", "--set", "dwell=100000"],
                     ["--set", "eigenvalue_ratio=1.001"]):
        for line in replay(path("wide.jsonl"), *settings).stdout.splitlines():
            if len(line) > 80:
                yield f"{len(line)} columns: {line}"


def says_when_it_cannot_write():
    recorded("good.jsonl")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([REPLAY, path("good.jsonl")], stdout=full, stderr=subprocess.PIPE,
                              check=False, timeout=60)
    if done.returncode != 1 or b"written" not in done.stderr:
        yield f"{done.returncode}: {done.stderr}"


def refusals():
    recorded("good.jsonl")
    good = lines_of("good.jsonl")
    measured = next(i for i, line in enumerate(good) if '"measurement"' in line)
    write("resumed", [good[0].replace('"resumed_at":0', '"resumed_at":9'), *good[1:]])
    write("endless", [*good[:measured], re.sub('"samples":[0-9]*', '"samples":9000000000000000000',
                                               good[measured])])
    with open(path("good.jsonl"), encoding="utf-8") as log:
        lines = log.read().splitlines()
    broken = {"cut": lines[0][:-5], "foreign": '{"event":"x"}', "headless": lines[1], "empty": "",
              "worded": re.sub(r'"decay":\[[^]]*\]', '"decay":["x"]', lines[0])}
    for name, text in broken.items():
        with open(path(name), "w", encoding="utf-8") as out:
            out.write(text)
    for words in ([], ["a", "b"], [path("missing")], [path("good.jsonl"), "--set", "x=1"],
                  [path("good.jsonl"), "--set", "patience"], [path("good.jsonl"), "--what"],
                  [path("good.jsonl"), "--set", "patience=0"], *([path(n)] for n in [*broken, "resumed", "endless"])):
        done = replay(*words)
        if done.returncode != 2 or len(done.stderr.splitlines()) != 1 or done.stdout:
            yield f"{words}: {done.returncode} {done.stderr!r} {done.stdout!r}"


run([("gives the run with its own settings", own_settings_give_the_run),
     ("replays a cap of lr", a_cap_of_lr_is_replayed),
     ("takes no bound for a value", a_bound_is_no_value_for_a_cap_or_a_shrink),
     ("refuses intervals of POWER", power_gives_no_intervals),
     ("replays decisions that a budget ended", a_decision_that_a_budget_ended_is_replayed),
     ("gives another run with others", other_settings_give_another_run),
     ("stops where an interval does not settle the threshold", an_open_interval_ends_it),
     ("passes over predictions", predictions_are_passed_over),
     ("takes a killed and resumed run for one", a_killed_and_resumed_run_is_one_run),
     ("replays a collapse", a_collapse_is_replayed),
     ("keeps bad measurements bad", bad_measurements_stay_bad),
     ("says where the replayed training ends", says_where_the_replayed_training_ends),
     ("prints 80 columns", fits_a_terminal),
     ("says when it cannot write", says_when_it_cannot_write),
     ("refuses what is not a log", refusals)])
