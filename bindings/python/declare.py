"""Make absa/_declarations.py from the public headers: enums, structs, callbacks and the signatures
of all functions, so that the package knows the C interface from one place. A test runs it with
--check. Usage: declare.py [--check]"""

import os
import re
import sys
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..")
TARGET = os.path.join(HERE, "absa", "_declarations.py")
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
import public  # noqa: E402

SCALARS = {"int": "c_int", "size_t": "c_size_t", "double": "c_double", "float": "c_float",
           "absa_status": "c_int"}
for _bits in (8, 16, 32, 64):
    SCALARS[f"int{_bits}_t"] = f"c_int{_bits}"
    SCALARS[f"uint{_bits}_t"] = f"c_uint{_bits}"
REFNET = ("refnet.h", "refdata.h")
OPENING = '''\
"""The C interface of libabsa for ctypes. Made from the headers by declare.py: do not edit."""

from ctypes import (CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_float, c_int, c_int32,
                    c_int64, c_size_t, c_uint32, c_uint64, c_uint8, c_void_p)
'''


def headers():
    """Return [(name, text)] of the public headers, the included ones first."""
    seen = {}

    def visit(name):
        if name in seen:
            return
        seen[name] = None
        with open(os.path.join(SOURCE, "include", "absa", name), encoding="utf-8") as file:
            text = file.read()
        for included in re.findall(r"#include <absa/(\w+\.h)>", text):
            visit(included)
        seen.pop(name)
        seen[name] = text
    for path in public.headers(SOURCE):
        visit(os.path.basename(path))
    return list(seen.items())


class Interface:
    """What the headers declare, in an order in which it can be defined."""

    def __init__(self):
        self.numbers, self.enums, self.types, self.functions = {}, {}, [], {}
        self.structs = set()
        for name, text in headers():
            for macro, value in re.findall(r"^#define (ABSA_\w+) (\d+)$", text, re.MULTILINE):
                self.numbers[macro] = int(value)
            code = public.strip(text)
            for tag, body in re.findall(r"enum (\w+) \{(.*?)\};", code, re.DOTALL):
                found = re.findall(r"(ABSA_\w+)\s*=\s*(-?\d+)", body)
                self.enums[tag] = [(constant, int(value)) for constant, value in found]
            pattern = r"typedef struct (\w+) \{(.*?)\} \1;|typedef ([^;{]*?\(\*\w+\)[^;]*);"
            for tag, body, callback in re.findall(pattern, code, re.DOTALL):
                if tag:
                    self.types.append(self.struct(tag, body))
                else:
                    made, arguments, result = self.signature(" ".join(callback.split()), True)
                    self.types.append(listed("", f"{made} = CFUNCTYPE(", [result, *arguments],
                                             " " * 16) + ")\n")
            for text in re.findall(r"ABSA_API (.*?);", code, re.DOTALL):
                made, arguments, result = self.signature(" ".join(text.split()), False)
                self.functions[made] = (name in REFNET, result, arguments)

    def kind(self, text, inside):
        """Return the ctypes type of a C type. In callbacks and members, numbers behind a pointer
        keep their type; functions take any address there."""
        text = text.replace("const", "").strip()
        stars, base = text.count("*"), text.replace("*", "").strip()
        if base == "char" and stars == 1:
            return "c_char_p"
        if not stars:
            if base == "void":
                return "None"
            return SCALARS.get(base, base)
        if stars == 2:
            return "POINTER(c_void_p)"
        if base in self.structs:
            return f"POINTER({base})"
        if inside and base in SCALARS:
            return f"POINTER({SCALARS[base]})"
        return "c_void_p"

    def signature(self, text, inside):
        """Return (name, [argument types], result type) of a declaration."""
        pattern = r"(.*?)\(\*(\w+)\)\s*\((.*)\)$" if inside else r"(.*?)(\w+)\((.*)\)$"
        result, name, body = re.match(pattern, text).groups()
        arguments = [re.sub(r"(\w+)\[\d+\]$", r"*\1", a.strip()) for a in body.split(",")]
        kinds = [self.kind(re.sub(r"\w+$", "", a), inside) for a in arguments if a != "void"]
        # ctypes makes bytes of a char * that is returned, and an integer of a void *.
        return name, kinds, self.kind(result, inside)

    def struct(self, tag, body):
        """Return the class of a struct."""
        lines = []
        for member in (" ".join(m.split()) for m in body.split(";") if m.strip()):
            if "(*" in member:
                name, arguments, result = self.signature(member, True)
                kind = "\n" + listed(" " * 9, "CFUNCTYPE(", [result, *arguments], " " * 19) + ")"
            else:
                declared, name, count = re.match(r"(.*?)(\w+)(?:\[(\w+)\])?$", member).groups()
                kind = self.kind(declared, False)
                if count:
                    number = int(count) if count.isdigit() else self.numbers[count]
                    kind = f"{kind} * {number}"
            lines.append(f'        ("{name}", {kind}),'.replace(", \n", ",\n"))
        self.structs.add(tag)
        fields = "\n".join(lines)
        return f"\nclass {tag}(Structure):\n    _fields_ = [\n{fields}\n    ]\n"


def words(tag, values):
    """Return the enumerators as the package spells them: ABSA_RULE_CHECKED is "checked"."""
    names = [constant for constant, _ in values if constant != "ABSA_OK"]
    shared = tag.upper() + "_"
    if not names[0].startswith(shared):
        shared = os.path.commonprefix(names).rpartition("_")[0] + "_"
    return [(constant.removeprefix(shared).removeprefix("ABSA_").lower(), value)
            for constant, value in values]


def listed(first, opening, items, rest):
    """Return a call or list of items in lines of at most 100 columns, indented so."""
    return "\n".join(textwrap.wrap(opening + ", ".join(items), 96, initial_indent=first,
                                   subsequent_indent=rest, break_long_words=False))


def text():
    """Return the text of the module."""
    known = Interface()
    parts = [OPENING]
    parts += [f"{name} = {value}" for name, value in sorted(known.numbers.items())]
    parts.append("\n# {enum: {word: number}}\nENUMS = {")
    for tag, values in known.enums.items():
        parts.append(f'    "{tag}": {{')
        parts += [f'        "{word}": {value},' for word, value in words(tag, values)]
        parts.append("    },")
    parts.append("}\n")
    parts += known.types
    for refnet, name in ((False, "FUNCTIONS"), (True, "REFNET_FUNCTIONS")):
        parts.append(f"\n# {{function: (type of its result, types of its arguments)}}\n{name} = {{")
        for function, (of_refnet, result, arguments) in sorted(known.functions.items()):
            if of_refnet == refnet:
                opening = f'"{function}": ({result}, ['
                parts.append(listed(" " * 4, opening, arguments, " " * 8) + "]),")
        parts.append("}")
    return "\n".join(parts) + "\n"


def main():
    """Write the module, or compare it."""
    made = text()
    if "--check" in sys.argv:
        with open(TARGET, encoding="utf-8") as file:
            if file.read() != made:
                sys.exit(f"{TARGET} is not what the headers say: run declare.py")
        return
    with open(TARGET, "w", encoding="utf-8") as file:
        file.write(made)


if __name__ == "__main__":
    main()
