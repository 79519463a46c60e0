"""Public headers, symbol maps and the symbols of the built libraries name the same functions, and the
libraries ask nobody for memory but the allocator of a context. Usage: symbols.py SOURCE_DIR MAP SO [MAP SO]"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import public
import tap

SOURCE = sys.argv[1]
# What gives or takes memory in the C library, and the two that the default allocator is made of.
ALLOCATORS = {"malloc", "calloc", "realloc", "reallocarray", "posix_memalign", "aligned_alloc",
              "memalign", "valloc", "free", "strdup", "strndup", "asprintf", "vasprintf", "getline",
              "getdelim", "open_memstream", "mmap", "mmap64", "brk", "sbrk"}
DEFAULT = {"libabsa.so": {"posix_memalign", "free"}}

LIBRARIES = list(zip(sys.argv[2::2], sys.argv[3::2]))


def symbols(so, which):
    """Return kinds and names of a shared library's dynamic symbols, without the version nodes."""
    out = subprocess.run(["nm", "-D", which, so], capture_output=True, text=True, check=True).stdout
    return [(line.split()[-2], line.split()[-1].split("@")[0]) for line in out.splitlines()]


def exported(so):
    """Return what a shared library defines for others."""
    return sorted(name for kind, name in symbols(so, "--defined-only") if kind != "A")


def foreign_memory(so):
    asked = {name for _, name in symbols(so, "--undefined-only")} & ALLOCATORS
    allowed = DEFAULT.get(os.path.basename(so), set())
    for name in sorted(asked - allowed):
        yield f"{name} is called"
    for name in sorted(allowed - asked):
        yield f"{name} is not called: this check sees nothing"


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
    CHECKS.append((f"{os.path.basename(so)} takes memory from contexts alone",
                   lambda s=so: foreign_memory(s)))
    CHECKS.append((f"{base} lists what {os.path.basename(so)} exports",
                   lambda n=names, b=base, s=so: difference(n, b, exported(s), s)))
tap.run(CHECKS)
