"""absa-schedule: the paper's counts from the command line, times, refusals.
Usage: test_schedule.py ABSA_SCHEDULE"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap

PROGRAM = sys.argv[1]
CIFAR = ["--samples", "50000", "--epochs", "200", "--batch", "128", "--decay", "60,120,160"]


def run(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False,
                          timeout=60)


def last_line(*words):
    done = run(*words)
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout.splitlines()[-1]


def counts():
    """Table 1 of the paper, C3; 1024 is a misprint there for the fixed batches."""
    table = {128: (78125, None), 256: (39062, 50700), 512: (19531, 37050), 1024: (9765, 31980),
             2048: (4882, 30030), 4096: (2441, 29191), 8192: (1220, 28947), 16384: (610, 28828)}
    for most, (fixed, grown) in table.items():
        for strategy, want in (("fb", fixed), ("gg", grown)):
            if want is not None:
                got = last_line("--strategy", strategy, "--batch-max", str(most), *CIFAR)
                if got != f"updates {want}":
                    yield f"{strategy} {most}: {got}, not {want}"


def tails():
    """7 samples, batches of 3: 2 1/3 batches an epoch."""
    for tail, want in (("carry", 7), ("drop", 6), ("short", 6)):
        got = last_line("--strategy", "bl", "--samples", "7", "--epochs", "3", "--batch", "3",
                        "--epoch-tail", tail)
        if got != f"updates {want}":
            yield f"{tail}: {got}"


def times():
    """Table 3 of the paper, BL: 16666 s for 450045 updates; its constants have two digits, and the
    rule gives 450410 updates."""
    words = last_line("--strategy", "bl", "--samples", "1281167", "--epochs", "90", "--batch", "256",
                      "--processes", "512", "--t-comp", "2.2e-2", "--params", "11689512").split()
    if words[0] != "updates" or words[2] != "seconds":
        yield f"the last line is {words}"
    elif abs(float(words[3]) / 16666 - 1) > 0.05:
        yield f"{words[3]} s"


def short_updates_take_their_time():
    """100 samples in batches of 64, three times: one whole and one short update an epoch."""
    got = last_line("--strategy", "bl", "--samples", "100", "--epochs", "3", "--batch", "64",
                    "--epoch-tail", "short", "--t-comp", "2")
    if got != "updates 3 seconds 12":
        yield got


def says_when_it_cannot_write():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM, "--strategy", "gg", *CIFAR], stdout=full,
                              stderr=subprocess.PIPE, check=False, timeout=60)
    if done.returncode != 1 or b"written" not in done.stderr:
        yield f"{done.returncode}: {done.stderr}"


def fractions():
    decimal = last_line("--strategy", "gg", *CIFAR, "--rho", "0.2", "--t-comp", "0.25")
    for words in (["--rho", "1/5", "--t-comp", "0.25"], ["--rho", "0.2", "--t-comp", "1/4"]):
        if (got := last_line("--strategy", "gg", *CIFAR, *words)) != decimal:
            yield f"{words}: {got}, not {decimal}"


def refusals():
    base = ["--strategy", "bl", "--samples", "100", "--epochs", "2"]
    for words in ([], ["--strategy", "bl"], ["--strategy", "abs", *base[2:]], [*base, "--what"],
                  [*base, "--batch"], [*base, "--batch", "0"], [*base, "--batch", "x"],
                  [*base, "--t-comp", "-1"], [*base, "--processes", "0"],
                  [*base, "--processes", "1.5"], [*base, "--bandwidth", "0"], [*base, "word"],
                  [*base, "--decay", "2,1"], [*base, "--t-comp", "nan"],
                  [*base, "--t-comp", "1/"], [*base, "--t-comp", "/2"],
                  [*base, "--t-comp", "1/2/3"], [*base, "--t-comp", "1/0"],
                  [*base, "--t-comp", "1 /2"], [*base, "--rho", "1/0"]):
        done = run(*words)
        if done.returncode != 2 or len(done.stderr.splitlines()) != 1 or done.stdout:
            yield f"{words}: status {done.returncode}, {done.stderr!r}"


tap.run([("the paper's counts come out to the update", counts),
         ("tails are carried, dropped or cut", tails),
         ("times follow the model", times),
         ("short updates take their time", short_updates_take_their_time),
         ("says when it cannot write", says_when_it_cannot_write),
         ("fractions are numbers", fractions),
         ("wrong options get one line and status 2", refusals)])
