"""absa-train refuses what it cannot do: one line on stderr that names the culprit, exit status 2,
nothing on stdout, no file touched. Usage: test_train_options.py PROGRAM"""

import os

from train import SMALL, logged, path, run, train

MISSING = path("missing")
NO_DIRECTORY = path("no-directory/file")
A_DIRECTORY = path("directory")

# Arguments, and what the line must say.
WRONG = [
    (["--foo"], "--foo"),
    (["extra"], "extra"),
    (["--lr"], "--lr needs a value"),
    (["--help=3"], "--help=3"),
    (["--lr", "1", "--lr", "2"], "--lr is given twice"),
    (["--lr", "abc"], "--lr: 'abc'"),
    (["--lr", ""], "--lr: ''"),
    (["--lr", "-1"], "lr is -1"),
    (["--lr", "nan"], "--lr: 'nan'"),
    (["--lr", "0x"], "--lr"),
    (["--epsilon", "8/"], "--epsilon: '8/'"),
    (["--epsilon", "/255"], "--epsilon: '/255'"),
    (["--epsilon", "1/2/3"], "--epsilon: '1/2/3'"),
    (["--epsilon", "1/0"], "--epsilon: '1/0'"),
    (["--epsilon", "8 / 255"], "--epsilon: '8 / 255'"),
    (["--momentum", "9/"], "--momentum is '9/'"),
    (["--momentum", "1/0"], "--momentum is '1/0'"),
    (["--set", "eta=1/0"], "eta"),
    (["--epochs", "0"], "epochs is 0"),
    (["--epochs", "1.5"], "--epochs"),
    (["--epochs", "99999999999999999999"], "--epochs"),
    (["--epochs", "1000001"], "epochs is 1000001"),
    (["--data", "x"], "--data is 'x'"),
    (["--data", "mnist"], "--data mnist needs --data-dir"),
    (["--data", "cifar10", "--data-dir", MISSING], MISSING),
    (["--data", "cifar100", "--data-dir", MISSING], MISSING),
    (["--data", "mushroom", "--data-dir", MISSING], MISSING),
    (["--model", "x"], "--model is 'x'"),
    (["--strategy", "x"], "'x'"),
    (["--strategy", "gg", "--decay", "none"], "--decay"),
    (["--preset", "x"], "--preset is 'x'"),
    (["--batch", "0"], "batch is 0"),
    (["--batch", "100", "--batch-max", "50"], "batch_max is 50"),
    (["--batch-ref", "-1"], "batch_ref is -1"),
    (["--decay", "5,3"], "decay"),
    (["--decay", "x"], "--decay: 'x'"),
    (["--rho", "0"], "lr_decay is 0"),
    (["--momentum", "1"], "--momentum is '1'"),
    (["--momentum", "-0.1"], "--momentum is '-0.1'"),
    (["--weight-decay", "nan"], "--weight-decay is 'nan'"),
    (["--measure-every", "-1"], "measure_every is -1"),
    (["--probe", "0"], "--probe is '0'"),
    (["--estimator", "x"], "--estimator is 'x'"),
    (["--estimator", "power"], "no interval"),
    (["--set", "which=smallest"], "--set which"),
    (["--set", "gradient=sum"], "--set gradient"),
    (["--set", "across=mean"], "--set across"),
    (["--set", "momentum=sum"], "--set momentum"),
    (["--preset", "authors", "--set", "batch_ratio=1.5"], "batch_ratio is 1.5"),
    (["--set", "which=top"], "which is 'top'"),
    (["--seed", "-1"], "--seed is '-1'"),
    (["--seed", "1x"], "--seed is '1x'"),
    (["--augment", "x"], "--augment is 'x'"),
    (["--augment", "crop-flip", "--data", "mushroom", "--data-dir", MISSING], MISSING),
    (["--threads", "0"], "--threads is '0'"),
    (["--threads", "65"], "--threads is '65'"),
    (["--train-limit", "0"], "--train-limit is '0'"),
    (["--test-limit", "-3"], "--test-limit is '-3'"),
    (["--set", "patience"], "NAME=VALUE"),
    (["--set", "=1"], "NAME=VALUE"),
    (["--set", "nothing=1"], "--set nothing"),
    (["--set", "patience=0"], "patience is 0"),
    (["--set", "patience=x"], "patience: 'x'"),
    (["--set", "samples=5"], "--train-limit"),
    (["--set", "tolerance=2"], "tolerance is '2'"),
    (["--set", "tolerance=0"], "tolerance is 0"),
    (["--set", "max_products=0"], "max_products is '0'"),
    (["--set", "keep_hint=1", "--set", "memory=value"], "keep_hint"),
    (["--log", NO_DIRECTORY], NO_DIRECTORY),
    (["--log", A_DIRECTORY], A_DIRECTORY),
    (["--checkpoint", NO_DIRECTORY], NO_DIRECTORY),
    (["--checkpoint", A_DIRECTORY], A_DIRECTORY),
    (["--report", NO_DIRECTORY], NO_DIRECTORY),
    (["--predict", "0"], "--predict is '0'"),
    (["--predict", "2,"], "--predict is '2,'"),
    (["--predict", "2;4"], "--predict is '2;4'"),
    (["--predict", ",".join("2" * 17)], "--predict"),
    (["--latency", "1e-6"], "--predict"),
    (["--strategy", "abs", "--attack", "fgsm"], "--attack is for --strategy absa"),
    (["--strategy", "abs", "--collapse", "end"], "--collapse is for --strategy absa"),
    (["--strategy", "bl", "--gamma", "0.1"], "--gamma is for --strategy absa"),
    (["--strategy", "gg", "--decay", "2", "--select", "keyed"], "--select is for --strategy absa"),
    (["--predict", "2", "--latency", "-1"], "--latency is '-1'"),
    (["--predict", "2", "--bandwidth", "0"], "--bandwidth is '0'"),
    (["--log", path("a"), "--report", path("a")], "the same file"),
    (["--resume", MISSING], MISSING),
    (["--resume", A_DIRECTORY], "is not a file"),
    (["--resume", __file__], "not a checkpoint"),
]


def refused(arguments, word):
    before = sorted(os.listdir(os.path.dirname(MISSING)))
    done = train(*arguments)
    if done.returncode != 2:
        yield f"exit status {done.returncode}"
    if done.stdout:
        yield f"stdout: {done.stdout[:200]}"
    lines = done.stderr.splitlines()
    if len(lines) != 1 or not lines[0].startswith("absa-train: ") or word not in lines[0]:
        yield f"stderr: {done.stderr}"
    if sorted(os.listdir(os.path.dirname(MISSING))) != before:
        yield "left a file behind"


def damaged_data(name, content, data, word):
    directory = path("data-" + data)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as file:
        file.write(content)
    return refused(["--data", data, "--data-dir", directory], word)


def old_files_survive_a_refusal():
    for option in ("--log", "--checkpoint", "--report"):
        with open(path("kept"), "w", encoding="utf-8") as file:
            file.write("kept")
        train(option, path("kept"), "--batch", "0")
        with open(path("kept"), encoding="utf-8") as file:
            if file.read() != "kept":
                yield f"{option} was overwritten"
    os.remove(path("kept"))


def without_gnuplot():
    old = os.environ["PATH"]
    os.environ["PATH"] = A_DIRECTORY
    try:
        yield from refused(["--report", path("x.svg"), *SMALL], "gnuplot")
    finally:
        os.environ["PATH"] = old


def a_full_disk_is_said():
    if not os.path.exists("/dev/full"):
        return
    done = train("--log", "/dev/full", *SMALL)
    if done.returncode != 1 or "/dev/full" not in done.stderr:
        yield f"status {done.returncode}: {done.stderr}"


def help_and_version():
    for option in ("--help", "--version"):
        done = train(option)
        if done.returncode != 0 or done.stderr or not done.stdout:
            yield f"{option}: {done.returncode} {done.stderr}"
        if any(len(line) > 80 for line in done.stdout.splitlines()):
            yield f"{option}: a line of more than 80 columns"


def fractions_are_numbers():
    done, lines = logged("fractions", *SMALL, "--epsilon", "8/255", "--momentum",
                         "3/4", "--set", "eigenvalue_ratio=3/2")
    if done.returncode:
        yield done.stderr
        return
    for name, want in (("epsilon", 8 / 255), ("momentum", 0.75), ("eigenvalue_ratio", 1.5),
                       ("lr_cap_momentum", 0.75)):
        if lines[0][name] != want:
            yield f"{name} is {lines[0][name]}, not {want}"


os.mkdir(A_DIRECTORY)
CHECKS = [("refuses " + " ".join(a)[-60:].replace("#", ""), lambda a=a, w=w: refused(a, w))
          for a, w in WRONG]
CHECKS += [
    ("refuses a damaged table", lambda: damaged_data("agaricus-lepiota.data", b"p,x\ne\n",
                                                     "mushroom", "record 1 (byte 4)")),
    ("refuses a truncated batch of images", lambda: damaged_data("data_batch_1.bin", b"\1" * 4000,
                                                                 "cifar10", "byte 4000")),
    ("refuses a truncated image file", lambda: damaged_data("train-images-idx3-ubyte.gz",
                                                            b"\x1f\x8b\x08", "mnist", "labels")),
    ("leaves old files alone when it refuses", old_files_survive_a_refusal),
    ("says in one line that gnuplot is missing", without_gnuplot),
    ("says that the log cannot be written", a_full_disk_is_said),
    ("takes fractions for numbers", fractions_are_numbers),
    ("prints help and version in 80 columns", help_and_version),
]
run(CHECKS)
