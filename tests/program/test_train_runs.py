"""absa-train runs: every strategy, preset and estimator; the log has exactly its fields; what it
prints fits the screen. Usage: test_train_runs.py PROGRAM"""

import os
import random
import shutil
import subprocess
import xml.etree.ElementTree

from train import PROGRAM, SMALL, events, logged, path, run, train

EVENT_FIELDS = {
    "measurement": ["event", "update", "samples", "epoch", "value", "lower", "upper", "residual",
                    "products", "stop", "answer", "converged", "consistent", "reason", "batch", "lr", "gamma"],
    "epoch": ["event", "epoch", "updates", "samples", "batch", "lr", "gamma", "loss", "accuracy",
              "robust_clean", "robust_fgsm", "robust_pgd"],
    "prediction": ["event", "processes", "seconds", "computing", "exchange", "measuring",
                   "allreduce", "speed_up"],
    "final": ["event", "accuracy", "robust_clean", "robust_fgsm", "robust_pgd", "loss", "updates",
              "samples", "hvps", "measurements", "batch", "lr", "product_gradients", "seconds"],
}


def ran(done):
    if done.returncode != 0:
        yield f"exit status {done.returncode}: {done.stderr}"


def strategy_runs(strategy):
    done, lines = logged("run.jsonl", "--strategy", strategy, *SMALL)
    yield from ran(done)
    if not lines:
        return
    measured = [e for e in lines if e["event"] == "measurement"]
    batches = [e["batch"] for e in lines if e["event"] == "epoch"]
    lrs = [e["lr"] for e in lines if e["event"] == "epoch"]
    shares = [e["gamma"] for e in lines if e["event"] == "epoch"]
    if lines[0]["strategy"] != strategy:
        yield f"the log says {lines[0]['strategy']}"
    if bool(measured) != (strategy in ("abs", "absa")):
        yield f"{len(measured)} measurements"
    if strategy == "bl" and (batches != [32] * 4 or lrs != sorted(lrs, reverse=True)):
        yield f"batches {batches}, lrs {lrs}"
    if strategy == "fb" and batches != [512] * 4:
        yield f"batches {batches}"
    # Decays after epochs 2 and 3, by 5 each: 32, 160, then 800 capped at 512.
    if strategy == "gg" and batches != [32, 32, 160, 512]:
        yield f"batches {batches}"
    if (shares[0] > 0) != (strategy == "absa"):
        yield f"shares {shares}"


def fields_are_exact():
    done, lines = logged("run.jsonl", *SMALL)
    yield from ran(done)
    kinds = [e["event"] for e in lines]
    # Measurements follow the epochs, but for the last one, which nothing follows.
    if kinds != ["start"] + ["epoch", "measurement"] * 3 + ["epoch", "final"]:
        yield f"events {kinds}"
    for event in lines[1:]:
        if list(event) != EVENT_FIELDS[event["event"]]:
            yield f"fields of {event['event']}: {list(event)}"
    final = lines[-1]
    measured = [e for e in lines if e["event"] == "measurement"]
    if final["hvps"] != sum(e["products"] for e in measured):
        yield "the products do not add up"
    if final["measurements"] != len(measured):
        yield "the measurements do not add up"
    if final["samples"] != 4 * 600 or not 0 <= final["accuracy"] <= 1:
        yield f"final {final}"
    for event in measured:
        if event["stop"] == "decided":
            if event["value"] is not None or event["lower"] is None:
                yield f"not below is no value: {event}"
        elif not event["lower"] <= event["value"] <= event["upper"]:
            yield f"the interval does not hold the value: {event}"
    start = lines[0]
    for name, value in {"data": "glyphs", "model": "lenet", "train_rows": 600, "test_rows": 200,
                        "probe": 64, "epochs": 4, "seed": 0, "momentum": 0.9, "batch": 32,
                        "batch_max": 512, "preset": "recommended"}.items():
        if start.get(name) != value:
            yield f"start says {name} = {start.get(name)}"


def infinities_are_null():
    done, lines = logged("run.jsonl", "--preset", "paper", *SMALL)
    yield from ran(done)
    measured = [e for e in lines if e["event"] == "measurement"]
    if not measured or any(e["upper"] is not None for e in measured):
        yield "power iteration has an upper bound"


def authors_normalise_over_micro_batches():
    # Nothing else of the presets matters to a batch that never grows; the others take 32 rows.
    found = {}
    for preset in ("recommended", "authors"):
        for micro in (32, 64):
            done, lines = logged("run.jsonl", "--model", "resnet8", "--preset", preset, "--strategy",
                                 "bl", "--batch", "64", "--batch-max", "64", "--set",
                                 f"micro_batch={micro}", "--train-limit", "128", "--test-limit",
                                 "50", "--epochs", "1", "--probe", "64")
            yield from ran(done)
            found[preset, micro] = lines[-1]["loss"] if lines else None
    if found["recommended", 32] != found["authors", 32]:
        yield f"micro-batches of 32 rows: {found}"
    if found["recommended", 64] == found["authors", 64]:
        yield f"micro-batches of 64 rows: {found}"


def authors_measure_little():
    done, lines = logged("run.jsonl", "--preset", "authors", *SMALL)
    yield from ran(done)
    measured = [e for e in lines if e["event"] == "measurement"]
    if not measured or any(e["products"] > 10 for e in measured):
        yield "more than ten products"
    if lines and not lines[0]["probe_fresh"]:
        yield "the probe is fixed"


def decide_needs_fewer_products():
    """The same batches as with full certified estimates, and fewer products for them."""
    runs = {}
    for rule in ("certified", "decide"):
        done, lines = logged("run.jsonl", "--estimator", rule, "--measure-every", "150", *SMALL)
        yield from ran(done)
        runs[rule] = [e for e in lines if e["event"] == "measurement"], lines[-1]
    if [e["batch"] for e in runs["certified"][0]] != [e["batch"] for e in runs["decide"][0]]:
        yield "the schedules differ"
    if not runs["decide"][1]["hvps"] < runs["certified"][1]["hvps"]:
        yield f"{runs['decide'][1]['hvps']} products, {runs['certified'][1]['hvps']} certified"
    if not any(e["stop"] == "decided" for e in runs["decide"][0]):
        yield "no measurement was settled without an estimate"


TINY = ["--train-limit", "128", "--test-limit", "50", "--probe", "32", "--epochs", "2"]


def option_reaches(arguments, name, value, size=SMALL):
    done, lines = logged("run.jsonl", *arguments, *size)
    yield from ran(done)
    if lines and lines[0].get(name) != value:
        yield f"{name} is {lines[0].get(name)}"


def decay_changes_the_rate():
    done, lines = logged("run.jsonl", "--strategy", "bl", "--lr", "0.01", "--decay", "1,3", "--rho",
                         "0.5", *SMALL)
    yield from ran(done)
    lrs = [e["lr"] for e in lines if e["event"] == "epoch"]
    if lrs != [0.01, 0.005, 0.005, 0.0025]:
        yield f"lrs {lrs}"


def measure_every_counts_samples():
    done, lines = logged("run.jsonl", "--measure-every", "200", *SMALL)
    yield from ran(done)
    seen = [e["samples"] for e in lines if e["event"] == "measurement"]
    # 2,400 samples cross 12 multiples; the window that ends on the last one ends the training too.
    if len(seen) not in (11, 12) or any(b - a < 100 for a, b in zip(seen, seen[1:])):
        yield f"measured at {seen}"


def seeds_differ_and_repeat():
    finals = []
    for seed in ("1", "1", "2"):
        done, lines = logged("run.jsonl", "--seed", seed, *SMALL)
        yield from ran(done)
        finals.append(lines[-1]["loss"] if lines else None)
    if finals[0] != finals[1]:
        yield "the same seed gave another loss"
    if finals[0] == finals[2]:
        yield "another seed gave the same loss"


def micro_batches_change_rounding_only():
    losses = []
    for micro in ("0", "5"):
        # Two updates: later the network amplifies rounding.
        done, lines = logged("run.jsonl", "--strategy", "bl", "--set", "micro_batch=" + micro,
                             "--train-limit", "64", "--test-limit", "10", "--epochs", "1")
        yield from ran(done)
        losses.append(lines[-1]["loss"] if lines else 0)
    # Single precision: 2^-24 relative an operation, some hundred of them in a chain.
    if losses[0] == losses[1] or abs(losses[0] - losses[1]) > 1e-4 * losses[0]:
        yield f"losses {losses}"


def momentum_and_weight_decay_matter():
    losses = set()
    for extra in ([], ["--momentum", "0"], ["--weight-decay", "0.1"]):
        done, lines = logged("run.jsonl", *extra, *SMALL)
        yield from ran(done)
        losses.add(lines[-1]["loss"] if lines else 0)
    if len(losses) != 3:
        yield f"losses {losses}"


def every_epoch_has_its_own_order():
    # Two of three rows an epoch: with one order for all epochs the third would never be seen, and
    # its loss alone would be above log(10) / 3, what guessing costs.
    done, lines = logged("run.jsonl", "--model", "logreg", "--strategy", "bl", "--batch", "2",
                         "--batch-max", "2", "--set", "epoch_tail=drop", "--train-limit", "3",
                         "--test-limit", "10", "--lr", "0.05", "--decay", "none", "--epochs", "100")
    yield from ran(done)
    if lines and lines[-1]["loss"] > 0.3:
        yield f"loss {lines[-1]['loss']}"


def perturbing_matters():
    losses = []
    for extra in (["abs"], ["absa", "--set", "epsilon=0"], ["absa", "--set", "epsilon=0.1"]):
        done, lines = logged("run.jsonl", "--strategy", *extra, *SMALL)
        yield from ran(done)
        losses.append(lines[-1]["loss"] if lines else 0)
    # A step of length 0 copies the bits.
    if losses[0] != losses[1]:
        yield f"a step of no length changes the loss: {losses[:2]}"
    if losses[0] == losses[2]:
        yield "a long step changes nothing"


def spread(*arguments):
    """Measure again and again where the parameters stand still; return largest over smallest."""
    done, lines = logged("run.jsonl", "--lr", "1e-12", "--set", "patience=99", *arguments, *SMALL)
    values = [e["value"] for e in lines if e["event"] == "measurement"]
    return max(values) / min(values) if done.returncode == 0 and min(values) > 0 else None


def probes_are_fixed_or_fresh():
    fixed, fresh = spread("--estimator", "certified"), spread("--preset", "authors")
    # Two estimates of one number, each at most 1 percent below it.
    if not fixed or fixed > 1.01:
        yield f"one probe gives values that differ by a factor of {fixed}"
    if not fresh or fresh < 1.02:
        yield f"fresh probes give values that differ by a factor of {fresh}"


def predictions_follow_the_model():
    """Times differ from run to run; how they hang together does not."""
    done, lines = logged("predict.jsonl", "--predict", "1,4", "--latency", "0", "--bandwidth",
                         "1e6", *SMALL)
    yield from ran(done)
    made = [e for e in lines if e["event"] == "prediction"]
    if [e["processes"] for e in made] != [1, 4]:
        yield f"{len(made)} predictions"
        return
    if any(list(e) != EVENT_FIELDS["prediction"] for e in made):
        yield f"fields {list(made[0])}"
        return
    one, four = made
    final, bits = lines[-1], 32 * lines[0]["parameters"]
    # The ring: 2 (p - 1) / p of the vector's bits over the link, for every update and product.
    allreduce = 2 * 3 / 4 * bits / 1e6
    for name, wanted, seen in (
            ("allreduce of one", 0, one["allreduce"]),
            ("allreduce of four", allreduce, four["allreduce"]),
            ("exchange", final["updates"] * allreduce, four["exchange"]),
            ("measuring", one["measuring"] / 4 + final["hvps"] * allreduce, four["measuring"]),
            ("seconds", four["computing"] + four["exchange"] + four["measuring"],
             four["seconds"]),
            ("speed-up", one["seconds"] / four["seconds"], four["speed_up"])):
        if abs(seen - wanted) > 1e-9 * abs(wanted):
            yield f"{name} is {seen}, the model says {wanted}"
    # The rows are shared out, the optimiser's step is not.
    if not one["computing"] / 4 <= four["computing"] < one["computing"]:
        yield f"computing {one['computing']} becomes {four['computing']}"
    if not 0 < one["seconds"] < final["seconds"]:
        yield f"{one['seconds']} s predicted for one process, {final['seconds']} s measured"
    if "predicted from" not in done.stdout:
        yield "the table does not say it"


def pipes_get_plain_text():
    done = train(*SMALL)
    yield from ran(done)
    text = done.stdout + done.stderr
    if done.stderr:
        yield f"stderr: {done.stderr}"
    if "\r" in text or "\033" in text:
        yield "progress characters in a pipe"
    lines = done.stdout.splitlines()
    if any(len(line) > 80 for line in lines):
        yield "a line of more than 80 columns"
    if len(lines) != 8:  # title, head, four epochs, two lines of results
        yield f"{len(lines)} lines for 4 epochs: {done.stdout}"
    quiet = train("--quiet", *SMALL)
    if quiet.stdout or quiet.stderr:
        yield "--quiet is not quiet"


def the_report_is_a_picture():
    if not shutil.which("gnuplot"):
        return
    done = train("--report", path("run.svg"), *SMALL)
    yield from ran(done)
    root = xml.etree.ElementTree.parse(path("run.svg")).getroot()
    if not root.tag.endswith("svg"):
        yield f"it is a {root.tag}"
    words = "".join(root.itertext())
    for word in ("batch", "learning rate", "test accuracy", "eigenvalue", "adversarial"):
        if word not in words:
            yield f"no {word} in it"
    if os.path.exists(path("run.svg.new")):
        yield "left its scratch file behind"


def divergence_is_said():
    done = train("--lr", "1e6", "--strategy", "bl", "--log", path("run.jsonl"), *SMALL)
    if done.returncode != 1 or len(done.stderr.splitlines()) != 1 or "--lr" not in done.stderr:
        yield f"status {done.returncode}: {done.stderr}"
    final = events("run.jsonl")[-1]
    if list(final) != EVENT_FIELDS["final"] or final["accuracy"] is not None:
        yield f"the log ends with {final}"


def terminals_see_progress():
    # Long enough for the line to appear, which it does five times a second.
    main, terminal = os.openpty()
    with subprocess.Popen([PROGRAM, "--epochs", "1", "--strategy", "bl", "--model", "resnet8",
                           "--train-limit", "1000", "--test-limit", "10"], stderr=terminal,
                          stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        os.close(terminal)
        text = b""
        try:
            while chunk := os.read(main, 4096):
                text += chunk
        except OSError:  # Linux says so when the other end is closed
            pass
        process.communicate()
    os.close(main)
    if b"rows/s" not in text or b"left" not in text:
        yield f"stderr: {text}"
    if not text.endswith(b"\r\033[K"):
        yield "the line is left standing"


def small_images(name, record, labels):
    """Write made-up records: 60 images of noise, dark for even labels and bright for odd ones."""
    generator = random.Random(1)
    with open(path(name), "wb") as file:
        for _ in range(60):
            label = generator.randrange(100)
            file.write(bytes([label % 20, label][-labels:]))
            shade = 160 * (label % 2)
            file.write(bytes(generator.randrange(shade, shade + 90) for _ in range(record)))


def cifar100_is_read():
    for name in ("train.bin", "test.bin"):
        small_images(name, 3072, 2)
    done, lines = logged("run.jsonl", "--data", "cifar100", "--data-dir", path("."), "--epochs", "1",
                         "--model", "logreg", "--probe", "20")
    yield from ran(done)
    if lines and (lines[0]["train_rows"], lines[0]["parameters"]) != (60, 100 * 3072 + 100):
        yield f"start says {lines[0]}"


CHECKS = [(f"runs strategy {s}", lambda s=s: strategy_runs(s))
          for s in ("bl", "fb", "gg", "abs", "absa")]
CHECKS += [(f"takes estimator {e}", lambda e=e: option_reaches(["--estimator", e], "estimator", e))
           for e in ("decide", "checked", "residual", "certified", "fixed")]
CHECKS += [
    ("takes power iteration with a point trigger",
     lambda: option_reaches(["--estimator", "power", "--set", "trigger=point"], "estimator",
                            "power")),
    ("hands --set to the controller",
     lambda: option_reaches(["--set", "eigenvalue_ratio=1.5"], "eigenvalue_ratio", 1.5)),
    ("hands --set to the estimator",
     lambda: option_reaches(["--set", "max_products=17"], "max_products", 17)),
    ("starts without a hint when told to", lambda: option_reaches(["--set", "keep_hint=0"],
                                                                  "keep_hint", False)),
    ("decides with fewer products than it estimates", decide_needs_fewer_products),
    ("trains the mlp", lambda: option_reaches(["--model", "mlp"], "model", "mlp")),
    ("trains a network with batch normalisation",
     lambda: option_reaches(["--model", "resnet8"], "model", "resnet8", TINY)),
    ("trains logistic regression", lambda: option_reaches(["--model", "logreg"], "model",
                                                          "logreg")),
    ("logs exactly the fields that are promised", fields_are_exact),
    ("logs an infinite bound as null", infinities_are_null),
    ("measures as the authors did", authors_measure_little),
    ("normalises over a micro-batch as the authors did", authors_normalise_over_micro_batches),
    ("decays the learning rate where it is told", decay_changes_the_rate),
    ("measures after every so many samples", measure_every_counts_samples),
    ("repeats itself with a seed and not with another", seeds_differ_and_repeat),
    ("gives the same training in micro-batches, but for rounding",
     micro_batches_change_rounding_only),
    ("uses momentum and weight decay", momentum_and_weight_decay_matter),
    ("shuffles every epoch anew", every_epoch_has_its_own_order),
    ("trains on adversarial inputs", perturbing_matters),
    ("measures on one probe, or on a fresh one as the authors did", probes_are_fixed_or_fresh),
    ("predicts its time on several processes", predictions_follow_the_model),
    ("writes plain lines into a pipe", pipes_get_plain_text),
    ("draws a picture", the_report_is_a_picture),
    ("says in one line that training diverged", divergence_is_said),
    ("shows its progress on a terminal, and wipes it", terminals_see_progress),
    ("reads the files of CIFAR-100", cifar100_is_read),
]
run(CHECKS)
