"""absa-train --block measures on some of the parameters, says on which and what it cost, and
refuses what names none. Usage: test_train_blocks.py PROGRAM"""

from train import SMALL, events, logged, path, run, train, without_seconds

# Every measurement is a full one, so that its interval can be compared; the batch cannot grow, so
# that every run is at the same theta in each of them.
CERTIFIED = [*SMALL, "--estimator", "certified", "--strategy", "abs", "--batch", "32", "--batch-max",
             "32", "--set", "keep_hint=0"]


def by_kind(log, kind):
    return [event for event in log if event["event"] == kind]


def a_block_is_named_with_its_size_and_cost():
    # lenet on glyphs of 28 x 28 pixels: 120, 84 and as many units as there are classes.
    done, log = logged("two", *SMALL, "--block", "last:2")
    if done.returncode:
        yield done.stderr
        return
    start, final = log[0], log[-1]
    classes = (start["block_parameters"] - 84 * 121) / 85
    if start["block"] != "last:2" or classes != int(classes) or not 2 <= classes <= 100:
        yield f"the start says {start}"
    if not final["product_gradients"] > 0:
        yield f"the cost is {final['product_gradients']}"
    if f"measuring on the {start['block_parameters']} parameters of last:2" not in done.stdout:
        yield f"the first lines are {done.stdout.splitlines()[:2]}"
    if "a product took as long as" not in done.stdout:
        yield f"the last line is {done.stdout.splitlines()[-1]}"


def the_whole_is_the_default_and_is_not_spoken_of():
    done, log = logged("default", *SMALL)
    also, same = logged("full", *SMALL, "--block", "full")
    if done.returncode or also.returncode:
        yield done.stderr + also.stderr
        return
    if log[0]["block"] != "full" or log[0]["block_parameters"] != log[0]["parameters"]:
        yield f"the start says {log[0]}"
    if [without_seconds(e) for e in log] != [without_seconds(e) for e in same]:
        yield "full is not the default"
    if "measuring on" in done.stdout:
        yield "the default speaks of blocks"


def a_block_of_all_layers_measures_what_the_whole_does():
    base = [*CERTIFIED, "--model", "logreg"]
    _, whole = logged("whole", *base)
    _, block = logged("block", *base, "--block", "last:1")
    wholes, blocks = by_kind(whole, "measurement"), by_kind(block, "measurement")
    if len(wholes) < 3 or len(wholes) != len(blocks):
        yield f"{len(wholes)} and {len(blocks)} measurements"
    for one, other in zip(wholes, blocks):
        if abs(one["value"] - other["value"]) > 1e-5 * abs(one["value"]):
            yield f"{one['value']} and {other['value']}"


def no_block_is_above_the_whole():
    _, whole = logged("whole", *CERTIFIED)
    wholes = by_kind(whole, "measurement")
    for text in ("last:1", "last:3", "share:0.5", "conv*", "dense1.bias,range:0+10"):
        done, log = logged("block", *CERTIFIED, "--block", text)
        if done.returncode:
            yield done.stderr
            continue
        blocks = by_kind(log, "measurement")
        if len(blocks) != len(wholes) or not blocks:
            yield f"{text}: {len(blocks)} measurements, not {len(wholes)}"
        for one, other in zip(wholes, blocks):
            if other["value"] > one["upper"]:
                yield f"{text}: {other['value']} is above {one['upper']}"
            if abs(other["value"] - one["value"]) < 1e-7 * abs(one["value"]):
                yield f"{text}: the whole was measured"


def what_names_no_parameters_is_refused():
    for text, word in (("last:9", "there are 5"), ("nothing", 'no name matches "nothing"'),
                       ("", "--block"), ("share:2", "share 2"), ("range:0+999999", "range")):
        done = train("--log", path("none"), *SMALL, "--block", text)
        lines = done.stderr.splitlines()
        if done.returncode != 2 or len(lines) != 1 or "--block" not in lines[0]:
            yield f"{text}: status {done.returncode}: {done.stderr}"
        if text and text.split(":")[0] not in done.stderr:
            yield f"{text} is not in {done.stderr}"


def a_checkpoint_keeps_its_block():
    done = train("--checkpoint", path("state"), *SMALL, "--block", "last:1")
    again = train("--resume", path("state"), "--log", path("again"))
    other = train("--resume", path("state"), "--block", "last:2")
    if done.returncode or again.returncode or events("again")[0]["block"] != "last:1":
        yield done.stderr + again.stderr
    if other.returncode != 2 or "--block last:1" not in other.stderr:
        yield f"status {other.returncode}: {other.stderr}"


CHECKS = [
    ("names a block with its size and its cost", a_block_is_named_with_its_size_and_cost),
    ("measures on the whole by default", the_whole_is_the_default_and_is_not_spoken_of),
    ("measures on all layers what it does on the whole",
     a_block_of_all_layers_measures_what_the_whole_does),
    ("finds no block above the whole", no_block_is_above_the_whole),
    ("refuses what names no parameters", what_names_no_parameters_is_refused),
    ("keeps the block in its checkpoints", a_checkpoint_keeps_its_block),
]
run(CHECKS)
