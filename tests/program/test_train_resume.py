"""absa-train stops on a signal, and goes on to the same numbers; it refuses checkpoints that are
damaged or belong elsewhere. Usage: test_train_resume.py PROGRAM"""

import os
import signal
import subprocess
import time

from train import PROGRAM, events, path, run, train, without_seconds

# A window of 32 rows in micro-batches of 5 is open at almost every moment.
BASE = ["--train-limit", "1500", "--test-limit", "200", "--probe", "64", "--epochs", "5", "--set",
        "micro_batch=5", "--measure-every", "700"]
SETTINGS = {
    "absa": BASE,
    "a block": BASE + ["--block", "last:2"],
    "absa without a hint": BASE + ["--set", "keep_hint=0"],
    "a network with batch normalisation":
        ["--train-limit", "200", "--test-limit", "50", "--probe", "32", "--epochs", "5", "--model",
         "resnet8", "--set", "max_products=12", "--set", "micro_batch=5"],
    "attacks": ["--attack", "pgd:2", "--select", "keyed", "--inputs", "normalised", "--robust", "50",
                *BASE],
    "crops and flips in two threads": ["--augment", "crop-flip", "--threads", "2", *BASE],
    "authors": ["--preset", "authors", *BASE[:-2]],
    "gg": ["--strategy", "gg", *BASE],
}


def interrupt(arguments, log, number, after):
    """Start absa-train, send it a signal when its log has so many events; return how it ended."""
    process = subprocess.Popen([PROGRAM, "--log", path(log), *arguments], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while process.poll() is None:
        if os.path.exists(path(log)):
            with open(path(log), encoding="utf-8") as lines:
                if lines.read().count("\n") >= after:
                    process.send_signal(number)
                    break
        time.sleep(0.002)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def body(log):
    """Return a log's events without those that tell how often it was started."""
    return [without_seconds(e) for e in events(log) if e["event"] != "start"]


def goes_on(arguments):
    whole = train("--log", path("whole.jsonl"), *arguments)
    if whole.returncode != 0:
        yield whole.stderr
        return
    for name in ("part.jsonl", "state"):
        if os.path.exists(path(name)):
            os.remove(path(name))
    code, _, err = interrupt(arguments + ["--checkpoint", path("state")], "part.jsonl",
                             signal.SIGINT, 3)
    if code != 130 or len(err.splitlines()) != 1 or "--resume" not in err:
        yield f"interrupted: status {code}: {err}"
        return
    if len(body("part.jsonl")) >= len(body("whole.jsonl")):
        yield "the interruption came too late to prove anything"
    # A second interruption, of the resumed run.
    code, _, err = interrupt(["--resume", path("state"), "--checkpoint", path("state")],
                             "part.jsonl", signal.SIGTERM, len(events("part.jsonl")) + 3)
    if code != 143:
        yield f"interrupted again: status {code}: {err}"
    done = train("--resume", path("state"), "--log", path("part.jsonl"))
    if done.returncode != 0:
        yield f"resumed: status {done.returncode}: {done.stderr}"
        return
    if body("part.jsonl") != body("whole.jsonl"):
        yield f"the events differ\n{body('part.jsonl')[-1]}\n{body('whole.jsonl')[-1]}"
    if os.path.exists(path("state.new")):
        yield "left its scratch file behind"


def stops_without_a_checkpoint():
    code, _, err = interrupt(BASE, "none.jsonl", signal.SIGINT, 2)
    if code != 130 or "nothing was saved" not in err:
        yield f"status {code}: {err}"


def a_finished_run_can_be_resumed():
    first = train("--checkpoint", path("done"), "--log", path("first.jsonl"), *BASE)
    again = train("--resume", path("done"), "--log", path("again.jsonl"))
    if first.returncode or again.returncode:
        yield first.stderr + again.stderr
    elif body("first.jsonl")[-1] != body("again.jsonl")[-1]:
        yield "the final events differ"


def predicted(log):
    return [e for e in events(log) if e["event"] == "prediction"]


def predicts_the_whole_run():
    """What was done and timed before an interruption counts as well."""
    train("--checkpoint", path("timed"), "--predict", "4", "--log", path("first.jsonl"), *BASE)
    train("--resume", path("timed"), "--predict", "4", "--log", path("again.jsonl"))
    if not predicted("first.jsonl") or predicted("first.jsonl") != predicted("again.jsonl"):
        yield f"{predicted('again.jsonl')}, not {predicted('first.jsonl')}"
    os.remove(path("first.jsonl"))
    interrupt(BASE + ["--checkpoint", path("timed")], "first.jsonl", signal.SIGINT, 3)
    done = train("--resume", path("timed"), "--predict", "4", "--log", path("rest.jsonl"))
    if done.returncode:
        yield done.stderr
        return
    made, final = predicted("rest.jsonl")[0], events("rest.jsonl")[-1]
    if events("rest.jsonl")[0]["resumed_at"] in (0, final["updates"]):
        yield "the interruption proves nothing"
    if abs(made["exchange"] / made["allreduce"] - final["updates"]) > 1e-6:
        yield f"{made} is not of {final['updates']} updates"


def refused(content, word, *more):
    with open(path("bad"), "wb") as file:
        file.write(content)
    done = train("--resume", path("bad"), *more)
    lines = done.stderr.splitlines()
    if done.returncode != 2 or len(lines) != 1 or word not in lines[0] or done.stdout:
        yield f"status {done.returncode}: {done.stderr}"


def good():
    with open(path("done"), "rb") as file:
        return file.read()


def refuses_cut_files():
    data = good()
    for cut in [*range(0, 64), *range(64, len(data), len(data) // 50), len(data) - 1]:
        for complaint in refused(data[:cut], "checkpoint"):
            yield f"cut at {cut}: {complaint}"


def refuses_flipped_bytes():
    data = good()
    for at in [*range(0, 64), *range(64, len(data), len(data) // 50), len(data) - 1]:
        flipped = bytearray(data)
        flipped[at] ^= 0x10
        for complaint in refused(bytes(flipped), "bad"):
            yield f"byte {at}: {complaint}"


def refuses_other_data():
    for name in ("train.bin", "test.bin"):
        with open(path(name), "wb") as file:
            file.write(bytes(i % 20 for i in range(10 * 3074)))
    arguments = ["--data", "cifar100", "--data-dir", path("."), "--epochs", "1", "--model",
                 "logreg", "--probe", "5"]
    done = train("--checkpoint", path("data-state"), *arguments)
    again = train("--resume", path("data-state"))
    if done.returncode or again.returncode:
        yield done.stderr + again.stderr
    with open(path("train.bin"), "r+b") as file:
        file.seek(20000)
        file.write(b"\xff")
    other = train("--resume", path("data-state"))
    if other.returncode != 2 or "other data" not in other.stderr:
        yield f"status {other.returncode}: {other.stderr}"


def refuses_to_log_into_itself():
    for option in ("--log", "--report"):
        yield from refused(good(), "--resume is the same file", option, path("bad"))
        with open(path("bad"), "rb") as file:
            if file.read() != good():
                yield f"{option} overwrote the checkpoint"


def refuses_other_settings():
    for more in (["--lr", "0.5"], ["--strategy", "bl"], ["--seed", "3"], ["--set", "patience=3"],
                 ["--data", "mnist"], ["--epochs", "6"]):
        yield from refused(good(), "made with", *more)
    for same in (["--epochs", "5"], ["--set", "micro_batch=5"], []):
        done = train("--resume", path("done"), *same)
        if done.returncode != 0:
            yield f"the same setting is refused: {done.stderr}"


CHECKS = [(f"goes on to the same numbers after a signal: {name}",
           lambda a=arguments: goes_on(a)) for name, arguments in SETTINGS.items()]
CHECKS += [
    ("stops without a checkpoint when none was asked for", stops_without_a_checkpoint),
    ("resumes a finished run to its end", a_finished_run_can_be_resumed),
    ("predicts the whole run after it was resumed", predicts_the_whole_run),
    ("refuses a cut checkpoint", refuses_cut_files),
    ("refuses a checkpoint with a flipped bit", refuses_flipped_bytes),
    ("refuses a file with bytes behind it", lambda: refused(good() + b"x", "bytes too many")),
    ("refuses to go on with other data", refuses_other_data),
    ("refuses to write over what it reads", refuses_to_log_into_itself),
    ("refuses options that the checkpoint was not made with", refuses_other_settings),
]
run(CHECKS)
