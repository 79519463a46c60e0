"""Public headers, symbol maps and the symbols of the built libraries name the same functions.
Usage: symbols.py SOURCE_DIR MAP SO [MAP SO]"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import public
import tap

SOURCE = sys.argv[1]
LIBRARIES = list(zip(sys.argv[2::2], sys.argv[3::2]))


def exported(so):
    """Return what a shared library defines for others, without the version nodes."""
    out = subprocess.run(["nm", "-D", "--defined-only", so], capture_output=True, text=True,
                         check=True).stdout
    symbols = [line.split()[1:] for line in out.splitlines()]
    return sorted(name.split("@")[0] for kind, name in symbols if kind != "A")


def difference(left, left_name, right, right_name):
    for name in sorted(set(left) - set(right)):
        yield f"{name} is in {left_name}, not in {right_name}"
    for name in sorted(set(right) - set(left)):
        yield f"{name} is in {right_name}, not in {left_name}"


def headers_and_maps():
    mapped = [name for path, _ in LIBRARIES for name in public.mapped(path)]
    for name in sorted({n for n in mapped if mapped.count(n) > 1}):
        yield f"{name} is mapped twice"
    yield from difference(public.functions(SOURCE), "the headers", mapped, "the maps")


CHECKS = [("the headers export what the maps list", headers_and_maps)]
for path, so in LIBRARIES:
    base, names = os.path.basename(path), public.mapped(path)
    CHECKS.append((f"{base} is sorted",
                   lambda n=names: [f"{b} stands behind {a}" for a, b in zip(n, n[1:]) if b < a]))
    CHECKS.append((f"{base} lists what {os.path.basename(so)} exports",
                   lambda n=names, b=base, s=so: difference(n, b, exported(s), s)))
tap.run(CHECKS)
