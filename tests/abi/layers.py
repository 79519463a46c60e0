"""Includes obey the table of folders in doc/CODING.md, file names are unique, files are short, and
none names a directory of the machine it was written on. Usage: layers.py SOURCE_DIR"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap

SOURCE = sys.argv[1]
TOPS = ("include", "lib", "examples", "tests", "bindings", "doc", ".ci")
CODE = (".c", ".h", ".hpp", ".py", ".sh")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
MACHINE = re.compile(r"(?<![\w.$}])/(?:work|root|home|Users)/[\w.]")
LONG, TOO_LONG = 400, 500
TOO_LONG_TESTS = 700  # tests are lists


def files():
    for name in os.listdir(SOURCE):
        if os.path.isfile(os.path.join(SOURCE, name)):
            yield name
    for top in TOPS:
        for folder, inner, names in os.walk(os.path.join(SOURCE, top)):
            inner[:] = [d for d in inner if d != "__pycache__" and not d.startswith("build")]
            for name in names:
                yield os.path.relpath(os.path.join(folder, name), SOURCE)


def text(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8", errors="replace") as content:
        return content.read()


def layers():
    """Return {"base": 0, ...}; the folders of other libraries have None."""
    rows = re.findall(r"^\| `lib/(\w+)` \| (\d+|own library) \|", text("doc/CODING.md"), re.M)
    return {folder: int(layer) if layer.isdigit() else None for folder, layer in rows}


FILES = sorted(files())
SOURCES = [f for f in FILES if f.endswith((".c", ".h", ".hpp"))]
LAYER = layers()


def allowed(path, kind, name):
    """Say whether the file may include <name> or "name"."""
    parts = path.split("/")
    if name.startswith("absa/"):
        core = parts[0] == "lib" and parts[1] != "refnet"
        return kind == "<" and not (core and name.startswith("absa/ref"))
    if parts[0] == "include":
        return kind == "<" and name in ("stddef.h", "stdint.h")
    if kind == "<":
        return True
    if parts[0] == "lib":
        folder = name.split("/")[0]
        if folder == parts[1] or "/" not in name:
            return True
        return (LAYER.get(parts[1]) is not None and LAYER.get(folder) is not None
                and LAYER[folder] < LAYER[parts[1]])
    if parts[0] == "examples":
        return ".." not in name and name.split("/")[0] not in LAYER
    return True


def includes():
    for path in SOURCES:
        for kind, name in INCLUDE.findall(text(path)):
            if not allowed(path, kind, name):
                yield f"{path} must not include {kind}{name}"


def folders():
    have = {f.split("/")[1] for f in FILES if f.startswith("lib/") and f.count("/") > 1}
    for folder in sorted(have - set(LAYER)):
        yield f"lib/{folder} is not in the table of doc/CODING.md"


def unique():
    seen = {}
    for path in FILES:
        name = os.path.basename(path)
        if name.endswith(CODE) and name not in ("__init__.py", "run.sh"):
            if name in seen:
                yield f"{path} and {seen[name]} have the same name"
            seen[name] = path


def short():
    for path in FILES:
        # Public headers are mostly manual.
        if path.endswith(CODE) and not path.startswith("include/"):
            if "do not edit" in text(path)[:200]:
                continue  # made by a program, for programs
            lines = text(path).count("\n")
            if lines > (TOO_LONG_TESTS if path.startswith("tests/") else TOO_LONG):
                yield f"{path} has {lines} lines: one topic a file, about {LONG} lines"
            elif lines > LONG:
                print(f"# {path} has {lines} lines, more than {LONG}")


def machine():
    for path in FILES:
        for found in MACHINE.findall(text(path)):
            yield f"{path} names a directory of one machine: {found}"


tap.run([
    ("a file includes its own folder, lower layers and public headers only", includes),
    ("every folder of lib has a layer", folders),
    ("file names are unique", unique),
    (f"no file of code has more than {TOO_LONG} lines", short),
    ("no file names a directory of the machine it was written on", machine),
])
