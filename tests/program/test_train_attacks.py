"""Adversarial inputs in absa-train: every attack runs, keyed rows, normalised inputs,
accuracy under attack. Usage: test_train_attacks.py PROGRAM"""

from train import COLLAPSING, SMALL, logged, run, train


def final(*arguments):
    done, lines = logged("run.jsonl", *arguments, *SMALL)
    if done.returncode:
        raise AssertionError(done.stderr)
    return lines


def attack_runs(name):
    lines = final("--attack", name, "--epsilon", "0.1", "--gamma", "0.5")
    if not 0 <= lines[-1]["robust_pgd"] <= lines[-1]["robust_clean"] <= 1:
        yield f"{lines[-1]}"


def attacks_differ():
    """Each changes the training: no two end with the same loss."""
    losses = [final("--attack", name, "--epsilon", "0.1", "--gamma", "0.5")[-1]["loss"]
              for name in ("fgsm", "raw", "l2", "rfgsm", "pgd:3")]
    if len(set(losses)) != len(losses):
        yield f"losses {losses}"


def training_with_attacks_hardens():
    """Steps of the size on every row make the network stand up to that size better than none."""
    size = ["--epsilon", "0.05", "--set", "adversarial_end=1000", "--set", "share_ratio=1",
            "--strategy", "absa", "--train-limit", "2000", "--test-limit", "200", "--epochs", "5"]
    ends = []
    for more in (["--gamma", "0"], ["--gamma", "1", "--attack", "pgd:5"]):
        done, lines = logged("run.jsonl", *size, *more)
        yield from [done.stderr] if done.returncode else []
        ends.append(lines[-1]["robust_pgd"])
    if not ends[1] > ends[0] + 0.05:
        yield f"{ends[1]} with attacks, {ends[0]} without"


def keyed_rows_do_not_depend_on_micro_batches():
    """The same rows of a window are chosen however it is cut: equal but for the order of sums."""
    losses = [final("--select", "keyed", "--epsilon", "0.1", "--set", f"micro_batch={micro}",
                    "--lr", "0.001")[-1]["loss"] for micro in ("32", "8")]
    if abs(losses[0] - losses[1]) > 1e-3 * losses[0]:
        yield f"losses {losses}"


def short_windows_have_all_their_rows_chosen():
    """24 rows of a batch of 32, of which 25 are to be attacked: all, by place as by key."""
    short = ["--gamma", "0.8", "--set", "epoch_tail=short", "--train-limit", "24", "--epochs", "2",
             "--strategy", "absa", "--epsilon", "0.1", "--test-limit", "50"]
    ends = []
    for select in ("prefix", "keyed"):
        done, lines = logged("run.jsonl", *short, "--select", select)
        if done.returncode:
            raise AssertionError(done.stderr)
        ends.append(lines[-1]["loss"])
    if ends[0] != ends[1]:
        yield f"losses {ends}"


def normalised_inputs_have_the_same_attack():
    """epsilon is in pixels whatever the inputs: an epsilon of half the range defeats both."""
    for inputs in ("pixels", "normalised"):
        none, much = (final("--inputs", inputs, "--epsilon", e, "--gamma", "0")[-1]
                      for e in ("0", "0.5"))
        if none["robust_fgsm"] is None or abs(none["robust_fgsm"] - none["robust_clean"]) > 1e-9:
            yield f"{inputs}: an attack of size 0 does something: {none}"
        if not much["robust_pgd"] < 0.5 * none["accuracy"]:
            yield f"{inputs}: {much}"


def none_are_attacked_unless_asked():
    lines = final("--strategy", "bl")
    if lines[-1]["robust_fgsm"] is not None or lines[-1]["robust_pgd"] is not None:
        yield f"{lines[-1]}"


def a_collapse_ends_the_attacks():
    done, lines = logged("run.jsonl", *COLLAPSING)
    seen = [e for e in lines if e["event"] == "collapse"]
    if len(seen) != 1 or "collapsed in epoch" not in done.stderr:
        yield f"{seen}: {done.returncode} {done.stderr!r}"
        return
    for epoch in (e for e in lines if e["event"] == "epoch"):
        if (epoch["gamma"] > 0) != (epoch["epoch"] <= seen[0]["epoch"]):
            yield f"{epoch} with {seen}"
    told = next(e for e in lines if e["event"] == "epoch" and e["epoch"] == seen[0]["epoch"])
    if told["robust_pgd"] > 0.05 or told["samples"] != seen[0]["samples"]:
        yield f"{told} with {seen}"


def a_collapse_may_be_ignored():
    for words in (["--collapse", "ignore"], ["--preset", "paper"]):
        done, lines = logged("run.jsonl", *COLLAPSING, *words)
        if done.returncode or done.stderr or any(e["event"] == "collapse" for e in lines):
            yield f"{words}: {done.returncode} {done.stderr!r}"


def refusals():
    for words in (["--attack", "x"], ["--attack", "pgd"], ["--attack", "pgd:0"],
                  ["--attack", "pgd:x"], ["--select", "x"], ["--inputs", "x"], ["--robust", "-1"],
                  ["--epsilon", "-1"], ["--gamma", "2"], ["--collapse", "x"],
                  ["--collapse", "end", "--robust", "0"],
                  ["--preset", "authors", "--select", "keyed"]):
        done = train(*words)
        if done.returncode != 2 or len(done.stderr.splitlines()) != 1 or done.stdout:
            yield f"{words}: {done.returncode} {done.stderr!r}"


CHECKS = [(f"attacks with {a}", lambda a=a: attack_runs(a))
          for a in ("fgsm", "raw", "l2", "rfgsm", "pgd:4")]
CHECKS += [
    ("trains another network with every attack", attacks_differ),
    ("hardens the network that it attacks", training_with_attacks_hardens),
    ("chooses keyed rows whatever the micro-batch", keyed_rows_do_not_depend_on_micro_batches),
    ("chooses as many rows of a short window as the controller says",
     short_windows_have_all_their_rows_chosen),
    ("means pixels by epsilon", normalised_inputs_have_the_same_attack),
    ("attacks nothing unless asked", none_are_attacked_unless_asked),
    ("ends the attacks where single steps collapse", a_collapse_ends_the_attacks),
    ("goes on attacking where it is told to", a_collapse_may_be_ignored),
    ("refuses what it does not know", refusals),
]
run(CHECKS)
