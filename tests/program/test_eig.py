"""absa-eig: closed forms of known matrices lie in the intervals, one matrix written in many ways is
one matrix, and what is no symmetric matrix gets one line with its place.
Usage: test_eig.py ABSA_EIG"""

import math
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap

PROGRAM = sys.argv[1]
HEAD = "%%MatrixMarket matrix coordinate real symmetric\n"


def run(*words, text=None):
    """Run the program; text is written to its standard input."""
    return subprocess.run([PROGRAM, *words], capture_output=True, check=False, timeout=60,
                          input=text if isinstance(text, bytes) else (text or "").encode())


def solve(text, *words):
    """Return rows of four numbers and the words of the last line."""
    done = run("--matrix", "-", *words, text=text)
    if done.returncode or done.stderr:
        raise AssertionError(f"{words}: {done.returncode} {done.stderr}")
    lines = done.stdout.decode().splitlines()
    return [[float(x) for x in line.split()] for line in lines[:-1]], lines[-1].split()


def symmetric(n, entries, field="real"):
    """Return a file of the lower triangle: entries (row, column, value), from 1."""
    pattern = field == "pattern"
    lines = [f"{i} {j}" if pattern else f"{i} {j} {x!r}" for i, j, x in entries]
    return "\n".join([f"%%MatrixMarket matrix coordinate {field} symmetric",
                      f"{n} {n} {len(lines)}", *lines, ""])


def laplacian(n):
    """Return the file of the 1-D Laplacian and its eigenvalues, rising."""
    entries = [(i, i, 2.0) for i in range(1, n + 1)] + [(i + 1, i, -1.0) for i in range(1, n)]
    return symmetric(n, entries), [2 - 2 * math.cos(k * math.pi / (n + 1)) for k in range(1, n + 1)]


def path_graph(n):
    """The adjacency matrix of a path, as a pattern."""
    values = sorted(2 * math.cos(k * math.pi / (n + 1)) for k in range(1, n + 1))
    return symmetric(n, [(i + 1, i, 1) for i in range(1, n)], "pattern"), values


def complete_graph(n):
    """The adjacency matrix of the complete graph: n - 1 once, -1 for the rest."""
    entries = [(i, j, 1) for i in range(2, n + 1) for j in range(1, i)]
    return symmetric(n, entries, "pattern"), [-1.0, n - 1.0]


def star(n):
    """The adjacency matrix of a star."""
    root = math.sqrt(n - 1)
    return symmetric(n, [(i, 1, 1) for i in range(2, n + 1)], "pattern"), [-root, 0.0, root]


def diagonal(values):
    return symmetric(len(values), [(i, i, float(x)) for i, x in enumerate(values, 1)]), \
        sorted(set(map(float, values)))


def grid(side):
    """The 2-D Laplacian of a square, a sum of two 1-D ones."""
    entries = []
    for r in range(side):
        for c in range(side):
            at = r * side + c + 1
            entries.append((at, at, 4.0))
            if c:
                entries.append((at, at - 1, -1.0))
            if r:
                entries.append((at, at - side, -1.0))
    one = [2 - 2 * math.cos(k * math.pi / (side + 1)) for k in range(1, side + 1)]
    values = sorted(a + b for i, a in enumerate(one) for b in one[i:])
    # Of values that only rounding parts the first one stays.
    return symmetric(side * side, entries), [v for i, v in enumerate(values)
                                             if i == 0 or v - values[i - 1] > 1e-12]


def wanted(values, which, k):
    """Return the distinct eigenvalues that are asked for, in the program's order."""
    falling = values[::-1]
    if which == "both":
        return falling[:k] + values[:k]
    if which == "lm":
        return sorted(values, key=abs, reverse=True)[:k]
    return (falling if which == "la" else values)[:k]


def compare(name, text, values, which, k, tol, *words):
    rows, last = solve(text, "--which", which, "--k", str(k), "--tol", repr(tol), *words)
    truth = wanted(values, which, k)
    size = max(abs(v) for v in truth)
    if len(rows) != len(truth) or last[:1] != ["products"] or last[2] != "stop":
        yield f"{name} {which} {k} {words}: {rows} {last}"
        return
    if last[3] not in ("converged", "exact"):
        yield f"{name} {which} {k} {words}: stopped by {last[3]}"
    for (value, lower, upper, residual), true in zip(rows, truth):
        # CERTIFIED: what is wanted lies no further out than tolerance; rounding beside it.
        slack = (1e-12 if "f32" not in words else 1e-5) * size
        if not abs(value - true) <= tol * size + slack:
            yield f"{name} {which} {k} {words}: {value}, not {true}"
        if not lower - slack <= true <= upper + slack:
            yield f"{name} {which} {k} {words}: {true} is not in [{lower}, {upper}]"
        if not 0 <= residual <= size:
            yield f"{name} {which} {k} {words}: residual {residual}"


KNOWN = {"laplacian": laplacian(100), "path": path_graph(60), "complete": complete_graph(12),
         "star": star(30), "diagonal": diagonal([3, -7.5, 2, 5, 5, 1e-3]), "grid": grid(12),
         "one": diagonal([-4]), "two": diagonal([-4, 4]), "equal": diagonal([2, 2, 2]),
         "indefinite": diagonal([i / 10 - 9 for i in range(171)] + [-9.5])}


def closed_forms():
    """Every end of every matrix; with K = 1 no cluster is too tight for distinct intervals."""
    for name, (text, values) in KNOWN.items():
        for which in ("la", "sa", "both", "lm"):
            if which == "lm" and name in ("path", "star", "two"):
                continue  # two of equal magnitude: either would be right
            yield from compare(name, text, values, which, 1, 1e-6, "--rule", "certified")


def several_at_once():
    for name in ("laplacian", "diagonal", "grid", "indefinite"):
        text, values = KNOWN[name]
        for which, k in (("la", 4), ("sa", 3), ("both", 2), ("lm", 3)):
            if name == "indefinite" and which == "lm":
                continue
            yield from compare(name, text, values, which, min(k, len(values) // 2), 1e-6,
                               "--rule", "certified")


def fewer_than_asked():
    """Two distinct eigenvalues are all there is."""
    rows, last = solve(KNOWN["complete"][0], "--k", "5")
    if len(rows) != 2 or last[3] != "exact":
        yield f"{rows} {last}"


def single_precision():
    for name in ("laplacian", "grid", "star"):
        text, values = KNOWN[name]
        yield from compare(name, text, values, "la", 1, 1e-3, "--precision", "f32")


def any_scale():
    """A power of two moves all that is printed by itself, and nothing else."""
    text, _ = laplacian(30)
    head, entries = text.splitlines()[:2], [e.split() for e in text.splitlines()[2:]]
    for precision in ("f64", "f32"):
        rows, last = solve(text, "--precision", precision)
        for exponent in (-1000, -600, -130, 130, 600, 1000):
            scaled = [f"{i} {j} {math.ldexp(float(x), exponent)!r}" for i, j, x in entries]
            got, end = solve("\n".join(head + scaled) + "\n", "--precision", precision)
            want = [[math.ldexp(x, exponent) for x in row] for row in rows]
            if got != want or end != last:
                yield f"{precision}, 2^{exponent}: {got} {end}, not {want} {last}"


def a_zero_matrix():
    rows, last = solve(HEAD + "3 3 0\n")
    if rows != [[0.0, 0.0, 0.0, 0.0]] or last != ["products", "1", "stop", "exact"]:
        yield f"{rows} {last}"


def rules():
    text, values = laplacian(400)
    top = values[-1]
    for rule, stop in (("fixed", "converged"), ("residual", "converged"), ("checked", "converged"),
                       ("certified", "converged"), ("power", "converged")):
        limit = ["--max-products", "30"] if rule == "fixed" else []
        rows, last = solve(text, "--rule", rule, "--tol", "1e-2", *limit)
        value, lower, upper, residual = rows[0]
        if last[3] != stop or (rule == "fixed") != (last[1] == "30"):
            yield f"{rule}: {last}"
        if not lower - 1e-12 <= top <= upper or not value <= top + 1e-12:
            yield f"{rule}: {rows}"
        if (rule == "power") != math.isinf(upper):
            yield f"{rule}: upper is {upper}"
        if rule == "residual" and not residual <= 1e-2 * value:
            yield f"residual {residual}"
        if rule == "certified" and not upper - value <= 1e-2 * value:
            yield f"{upper} - {value}"
    rows, last = solve(text, "--max-products", "5", "--tol", "1e-9")
    if last != ["products", "5", "stop", "budget"]:
        yield f"budget: {last}"


def options_count():
    """Seeds give other starts, eta another bound, few vectors more products."""
    text, _ = laplacian(400)
    def fixed(*words):
        return solve(text, "--rule", "fixed", "--max-products", "20", *words)[0][0]
    if fixed() != fixed() or fixed("--seed", "0") != fixed():
        yield "one seed, two results"
    if fixed("--seed", "1") == fixed():
        yield "the seed changes nothing"
    if not fixed("--eta", "1e-4")[2] > fixed()[2]:
        yield "a smaller eta gives no larger bound"
    few, many = (int(solve(text, "--tol", "1e-4", "--max-vectors", m)[1][1]) for m in ("4", "64"))
    if not few > many:
        yield f"{few} products with 4 vectors, {many} with 64"


def one_matrix_in_many_ways():
    n = 9
    text, _ = laplacian(n)
    lines = text.splitlines()
    upper = "\n".join(lines[:2] + [" ".join([w.split()[1], w.split()[0], w.split()[2]])
                                   for w in lines[2:]])
    full = [(i, j, 2 if i == j else -1) for i in range(1, n + 1)
            for j in range(max(1, i - 1), min(n, i + 1) + 1)]
    general = "\n".join(["%%MatrixMarket matrix coordinate integer general",
                         f"{n} {n} {len(full)}", *(f"{i} {j} {x}" for i, j, x in full)])
    dense = [[2.0 if i == j else -1.0 if abs(i - j) == 1 else 0.0 for i in range(n)]
             for j in range(n)]
    array = "\n".join(["%%MatrixMarket matrix array real general", f"{n} {n}",
                       *(repr(x) for column in dense for x in column)])
    half = "\n".join(["%%MatrixMarket matrix array real symmetric", f"{n} {n}",
                      *(repr(dense[j][i]) for j in range(n) for i in range(j, n))])
    # Springs between the ends of every element, one after the other, and to a wall at both ends.
    elements = [(1, 1, 1.0), (n, n, 1.0)]
    for i in range(1, n):
        elements += [(i, i, 1.0), (i + 1, i + 1, 1.0), (i + 1, i, -1.0)]
    ways = {
        "comments and blank lines": "\n".join([lines[0], "%", "", "% 1 1 x", " \t", lines[1],
                                               "  % more", *lines[2:], "", "%end", ""]),
        "CRLF": text.replace("\n", "\r\n"), "CR": text.replace("\n", "\r"),
        "no last line end": text.rstrip("\n"),
        "tabs and spaces": text.replace(" ", " \t ").replace("\n", "  \n").replace(
            "%%MatrixMarket \t ", "%%MatrixMarket "),
        "capitals": text.replace("matrix coordinate real symmetric",
                                 "MATRIX Coordinate REAL SYMMETRIC"),
        "double": text.replace("real", "double"),
        "other order": "\n".join(lines[:2] + lines[:1:-1]),
        "upper triangle": upper, "general": general, "array": array, "half an array": half,
        "summed elements": symmetric(n, elements),
        "explicit zeros": general.replace(f"{len(full)}", f"{len(full) + 1}", 1) + "\n1 9 0",
        "signs and exponents": text.replace("2.0", "+0.2e1").replace("-1.0", "-10E-1"),
    }
    want = run("--matrix", "-", text=text)
    for name, way in ways.items():
        got = run("--matrix", "-", text=way)
        if (got.returncode, got.stdout, got.stderr) != (0, want.stdout, b""):
            yield f"{name}: {got.returncode} {got.stdout} {got.stderr}"
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "a.mtx")
        with open(name, "w", encoding="ascii") as out:
            out.write(text)
        if run("--matrix", name).stdout != want.stdout:
            yield "a file is not its text"


def broken():
    """What is wrong with a file, the line it is on, and a word of the reason."""
    real = "%%MatrixMarket matrix coordinate real "
    return [
        ("", 1, "empty"), ("\n", 1, "MatrixMarket"), ("2 2 0\n", 1, "MatrixMarket"),
        ("%MatrixMarket matrix coordinate real symmetric\n1 1 0\n", 1, "MatrixMarket"),
        (b"\x1f\x8b\x08\x00", None, "compressed"),
        ("%%MatrixMarket vector coordinate real general\n", 1, "'vector'"),
        ("%%MatrixMarket matrix sparse real general\n", 1, "'sparse'"),
        ("%%MatrixMarket matrix coordinate complex symmetric\n", 1, "'complex'"),
        ("%%MatrixMarket matrix array pattern symmetric\n", 1, "'pattern'"),
        (real + "hermitian\n", 1, "'hermitian'"), (real + "skew-symmetric\n", 1, "'skew-symm"),
        (real + "\n", 1, "''"), (real + "symmetric general\n", 1, "'general'"),
        (HEAD, 1, "sizes"), (HEAD + "% only\n\n", 3, "sizes"),
        (HEAD + "2 3 0\n", 2, "square"), (HEAD + "0 0 0\n", 2, "0 by 0"),
        (HEAD + "2 2\n", 2, "entries"), (HEAD + "2 2 0 1\n", 2, "'1'"),
        (HEAD + "-2 -2 0\n", 2, "'-2'"), (HEAD + "2.0 2 0\n", 2, "'2.0'"),
        (HEAD + "2147483647 2147483647 0\n", 2, "possible"),
        (HEAD + "99999999999999999999 99999999999999999999 0\n", 2, "whole"),
        (HEAD + "2 2 2\n1 1 1\n", 3, "1 of 2"), (HEAD + "2 2 1\n", 2, "0 of 1"),
        (HEAD + "2 2 9000000000000000000\n1 1 1\n", 3, "1 of 9"),
        (HEAD + "2 2 1\n1 1 1\n2 2 1\n", 4, "more entries"),
        (HEAD + "2 2 1\n0 1 1\n", 3, "row"), (HEAD + "2 2 1\n3 1 1\n", 3, "1 to 2"),
        (HEAD + "2 2 1\n1 3 1\n", 3, "column"), (HEAD + "2 2 1\n1\n", 3, "column"),
        (HEAD + "2 2 1\n% c\n\n2 1\n", 5, "value"), (HEAD + "2 2 1\n2 1 x\n", 3, "'x'"),
        (HEAD + "2 2 1\n2 1 1.0.0\n", 3, "'1.0.0'"), (HEAD + "2 2 1\n2 1 0x1p3\n", 3, "0x1p3"),
        (HEAD + "2 2 1\n2 1 1 0\n", 3, "'0'"), (HEAD + "2 2 1\n2 1 nan\n", 3, "finite"),
        (HEAD + "2 2 1\n2 1 -Inf\n", 3, "finite"), (HEAD + "2 2 1\n2 1 1e999\n", 3, "finite"),
        (HEAD + "2 2 1\n2 1 1\0\n", 3, "'1?'"), (HEAD + "2 2 2\n2 1 1\n1 2 1\n", 4, "triangle"),
        (HEAD + "1 1 2\n1 1 1e308\n1 1 1e308\n", 4, "sum"),
        ("%%MatrixMarket matrix coordinate integer symmetric\n1 1 1\n1 1 1.5\n", 3, "integers"),
        ("%%MatrixMarket matrix coordinate pattern symmetric\n1 1 1\n1 1 1\n", 3, "'1'"),
        ("%%MatrixMarket matrix coordinate pattern symmetric\n2 2 2\n2 1\n2 1\n", 4, "twice"),
        (real + "general\n2 2 1\n1 2 5\n", 3, "not symmetric: entry (1, 2) is 5, but (2, 1) is 0"),
        (real + "general\n2 2 2\n1 2 5\n2 1 5.0000001\n", None, "not symmetric"),
        (real + "general\n3 3 3\n1 1 1\n2 1 3\n3 1 2\n", 4, "not symmetric"),
        ("%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n", None, "not symmetric"),
        ("%%MatrixMarket matrix array real symmetric\n2 2\n1\n2\n", 4, "2 of 3"),
    ]


def wrong_files():
    for text, line, word in broken():
        done = run("--matrix", "-", text=text)
        said = done.stderr.decode()
        place = "standard input: " if line is None else f"standard input:{line}: "
        if (done.returncode != 2 or done.stdout or said.count("\n") != 1 or word not in said
                or (line is not None and not said.startswith("absa-eig: " + place))):
            yield f"{text!r}: {done.returncode} {said!r}"
    done = run("--matrix", "-", text=HEAD + "2000000000 2000000000 1\n1 1 1\n")
    if done.returncode != 2 or b"2000000000 rows need" not in done.stderr:
        yield f"more rows than memory: {done}"
    # A file that ends early is refused wherever that is.
    text = laplacian(4)[0]
    for n in range(len(text) - 3):
        done = run("--matrix", "-", text=text[:n])
        if done.returncode != 2 or done.stderr.count(b"\n") != 1:
            yield f"{n} bytes: {done}"


def wrong_options():
    text = laplacian(4)[0]
    for words in ([], ["--matrix"], ["--matrix", "/nonexistent/a.mtx"], ["--matrix", "/"],
                  *(["--matrix", "-", *more] for more in (
                      ["word"], ["--what"], ["-xy"], ["--k", "0"], ["--k", "-1"], ["--k", "x"],
                      ["--k", "1000"], ["--which", "top"], ["--rule", "best"],
                      ["--rule", "decide"], ["--tol", "0"], ["--tol", "nan"], ["--tol", "1"],
                      ["--eta", "0"], ["--eta", "0.6"], ["--max-products", "0"],
                      ["--max-vectors", "2"], ["--seed", "-1"], ["--precision", "f16"],
                      ["--rule", "power", "--k", "2"], ["--rule", "power", "--which", "la"]))):
        done = run(*words, text=text)
        if done.returncode != 2 or done.stdout or done.stderr.count(b"\n") != 1:
            yield f"{words}: {done}"
    # A value that cannot be read is told of under the option's name, not the library's.
    for option in ("--tol", "--seed", "--rule", "--max-products"):
        line = run("--matrix", "-", option, "x", text=text).stderr
        if not line.startswith(f"absa-eig: {option}: 'x' is not ".encode()):
            yield f"{option} x: {line}"


def help_and_version():
    done = run("--help")
    for word in ("--matrix", "--which", "--k", "--rule", "--tol", "--eta", "--max-products",
                 "--max-vectors", "--seed", "--precision"):
        if word.encode() not in done.stdout:
            yield f"--help says nothing of {word}"
    if done.returncode or max(map(len, done.stdout.splitlines())) > 80:
        yield f"--help: {done.returncode}, or lines over 80 columns"
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
        if done.returncode != 1 or b"standard output" not in done.stderr:
            yield f"--help >/dev/full: {done}"
    if b"-x:" not in run("--precision", "f64", "-xy").stderr:
        yield "-xy is not named"
    done = run("--version")
    if done.returncode or not done.stdout.startswith(b"absa-eig "):
        yield f"--version: {done}"


tap.run([("closed forms lie in the intervals", closed_forms),
         ("several eigenvalues at once are the outermost ones", several_at_once),
         ("a matrix with fewer eigenvalues gives those", fewer_than_asked),
         ("f32 is right to its precision", single_precision),
         ("the scale of the entries changes nothing", any_scale),
         ("no entries are the zero matrix", a_zero_matrix),
         ("every rule stops as it says", rules),
         ("seed, eta and vectors do what they say", options_count),
         ("one matrix written in many ways gives one answer", one_matrix_in_many_ways),
         ("a wrong file gets one line with its place, and status 2", wrong_files),
         ("wrong options get one line and status 2", wrong_options),
         ("help names every option", help_and_version)])
