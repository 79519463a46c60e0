"""Every function that the libraries export is called in the C++ headers. Usage: reachable.py SOURCE"""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import tap

source = sys.argv[1]


def functions():
    """The exported names, from the linker's maps."""
    names = set()
    for path in glob.glob(os.path.join(source, "lib", "**", "*.map"), recursive=True):
        with open(path, encoding="ascii") as text:
            names |= set(re.findall(r"\b(absa_\w+);", text.read()))
    return names


def used():
    """What the headers name outside comments; a struct's _init function by its defaults."""
    names = set()
    for path in glob.glob(os.path.join(source, "bindings", "cpp", "absa", "*.hpp")):
        with open(path, encoding="utf-8") as text:
            code = re.sub(r"//[^\n]*|/\*.*?\*/|\"[^\"\n]*\"", "", text.read(), flags=re.S)
        names |= set(re.findall(r"\b(absa_\w+)\b", code))
        names |= {f"{name}_init" for name in re.findall(r"ABSA_CPP_DEFAULTS\((absa_\w+)\)", code)}
    return names


def every_function():
    exported = functions()
    if len(exported) < 150:
        yield f"only {len(exported)} functions in the maps"
    for name in sorted(exported - used()):
        yield f"{name} is in no header"


def one_guard_each():
    for path in glob.glob(os.path.join(source, "bindings", "cpp", "absa", "*.hpp")):
        guard = "ABSA_" + os.path.basename(path).replace(".", "_").upper().replace("ABSA_HPP", "HPP")
        with open(path, encoding="utf-8") as text:
            if f"#ifndef {guard}\n#define {guard}\n" not in text.read():
                yield f"{path}: no {guard}"


tap.run([("every exported function is called in the C++ headers", every_function),
         ("every header has its guard", one_guard_each)])
