"""Public structs as ctypes classes, made from the headers' text: no second list to keep."""

import ctypes
import os
import re

import public

SCALARS = {"size_t": ctypes.c_size_t, "double": ctypes.c_double, "float": ctypes.c_float}
for _bits in (8, 16, 32, 64):
    SCALARS[f"int{_bits}_t"] = getattr(ctypes, f"c_int{_bits}")
    SCALARS[f"uint{_bits}_t"] = getattr(ctypes, f"c_uint{_bits}")
MEMBER = re.compile(r"(?:const\s+)?(\w+)\s*(\*?)\s*(\w+)(?:\[(\w+)\])?$")


def text(source):
    """Return all public headers, without comments and preprocessor lines."""
    parts = []
    for header in public.headers(source):
        with open(header, encoding="utf-8") as file:
            parts.append(public.strip(file.read()))
    return "\n".join(parts)


def constants(source):
    """Return the values of all enumerators that are written out as numbers."""
    found = re.findall(r"\b(ABSA_\w+)\s*=\s*(-?\d+)\b", text(source))
    return {name: int(value) for name, value in found}


def struct(source, name):
    """Return the struct of that name; pointers and callbacks are addresses."""
    body = re.search(rf"typedef struct {name} \{{(.*?)\}} {name};", text(source), re.DOTALL)
    numbers = constants(source)
    fields = []
    for declaration in body.group(1).split(";"):
        declaration = " ".join(declaration.split())
        if not declaration:
            continue
        for part in declaration.split(","):
            match = MEMBER.match(part.strip())
            # More members of the same type: "double value, lower".
            kind = match.group(1) if match else kind
            pointer, member, count = match.groups()[1:] if match else ("", part.strip(), None)
            made = ctypes.c_void_p if pointer or kind not in SCALARS else SCALARS[kind]
            if count:
                made *= int(count) if count.isdigit() else numbers[count]
            fields.append((member, made))
    return type(name, (ctypes.Structure,), {"_fields_": fields})


def library(build, source):
    """Return libabsa of a build directory, and a function that makes a struct: make("absa_plan",
    field=value, ...), filled by its _init function first."""
    lib = ctypes.CDLL(os.path.join(build, "lib", "libabsa.so"))

    def make(name, **values):
        made = struct(source, name)()
        init = getattr(lib, name + "_init")
        init.restype = None
        init(ctypes.byref(made), ctypes.c_size_t(ctypes.sizeof(made)))
        assert made.struct_size == ctypes.sizeof(made), name
        for field, value in values.items():
            assert hasattr(made, field), field
            setattr(made, field, value)
        return made

    return lib, make
