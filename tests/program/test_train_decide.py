"""absa-train --estimator decide makes the decisions of --estimator certified and of its intervals,
for at most a third of the products. Usage: test_train_decide.py PROGRAM"""

from train import logged, run

# A smaller eigenvalue ratio than the default, and more patience, let the eigenvalue itself grow the
# batch several times.
COMMON = ["--strategy", "abs", "--test-limit", "100", "--probe", "128", "--epochs", "24", "--quiet",
          "--set", "patience=10"]
RUNS = {
    "lenet": ["--model", "lenet", "--train-limit", "1000", "--measure-every", "500",
              "--set", "eigenvalue_ratio=1.2"],
    "lenet from another start": ["--model", "lenet", "--train-limit", "1000", "--measure-every",
                                 "500", "--seed", "2", "--set", "eigenvalue_ratio=1.2"],
    "logistic regression": ["--model", "logreg", "--train-limit", "2000", "--measure-every", "750",
                            "--set", "eigenvalue_ratio=1.1"],
}


def measurements(estimator, arguments):
    done, lines = logged("run.jsonl", "--estimator", estimator, *COMMON, *arguments)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return [event for event in lines if event["event"] == "measurement"]


def schedule(measured):
    return [(e["update"], e["reason"], e["batch"], e["lr"], e["gamma"]) for e in measured]


def products(measured):
    return sum(e["products"] for e in measured)


def decides_as_certified(name):
    asked = measurements("decide", RUNS[name])
    full = measurements("certified", RUNS[name])
    if len(full) < 40:
        yield f"only {len(full)} measurements"
    triggers = [e for e in full if e["reason"] == "eigenvalue"]
    if len(triggers) < 3:
        yield f"only {len(triggers)} triggers of the eigenvalue"
    for k, (mine, theirs) in enumerate(zip(schedule(asked), schedule(full))):
        if mine != theirs:
            yield f"measurement {k}: {mine}, certified {theirs}"
            break
    if 3 * products(asked) > products(full):
        yield f"{products(asked)} products, certified {products(full)}"
    decided = [e for e in asked if e["stop"] == "decided"]
    # What needs no value takes about two products, and is no value.
    if products(decided) > 2 * len(decided):
        yield f"{products(decided)} products for {len(decided)} answers"
    if any(e["value"] is not None or e["lower"] is None for e in decided):
        yield "an answer without an estimate is logged as a value"
    # Where the eigenvalue is below, the run goes on to a full estimate: 1 % wide, as asked.
    for event in asked:
        if event["reason"] == "eigenvalue" and (
                event["stop"] not in ("converged", "exact")
                or event["upper"] - event["value"] > 0.01 * event["value"]):
            yield f"a trigger without a full estimate: {event}"


run([(f"decide makes the decisions of certified for a third of the products: {name}",
      lambda name=name: decides_as_certified(name)) for name in RUNS])
