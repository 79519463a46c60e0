"""The structs and constants of the public headers keep their rules and their frozen numbers.

Usage: layout.py SOURCE_DIR [--write]. tests/abi/layout.txt holds every struct with the offset and
size of its members, and every numbered constant. What stands there must still be true; structs may
have grown at their end and constants may have been added. --write makes the file anew (a release
does that, see doc/RELEASING.md)."""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import public
import tap

SOURCE = sys.argv[1]
FROZEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layout.txt")
# Structs that stand in arrays never grow, so they carry no struct_size.
IN_ARRAYS = ("absa_block_range", "absa_segment", "absa_refnet_layer")
STRUCT = re.compile(r"typedef\s+struct\s+(\w+)\s*\{(.*?)\}\s*(\w+)\s*;", re.DOTALL)
ENUM = re.compile(r"enum\s+(\w+)\s*\{(.*?)\}\s*;", re.DOTALL)
MEMBER = re.compile(r"^(?P<type>.*?)(?:\(\*(?P<call>\w+)\)\s*\(.*\)|(?P<name>\w+)"
                    r"(?:\[[^\]]*\])*)$", re.DOTALL)
SCALARS = ("size_t", "double", "float", "char", "unsigned char", "int8_t", "uint8_t", "int16_t",
           "uint16_t", "int32_t", "uint32_t", "int64_t", "uint64_t")


def declarations():
    """Return ({struct: [(member, type)]}, {enum: [(constant, text after it)]})."""
    structs, enums = {}, {}
    for header in public.headers(SOURCE):
        with open(header, encoding="utf-8") as content:
            code = public.strip(content.read())
        for tag, body, _ in STRUCT.findall(code):
            members = [MEMBER.match(" ".join(m.split())) for m in body.split(";") if m.strip()]
            structs[tag] = [(m["call"] or m["name"], m["type"].strip() + (" *" if m["call"] else ""))
                            for m in members]
        for tag, body in ENUM.findall(code):
            enums[tag] = [re.match(r"\s*(\w+)(.*)", c, re.DOTALL).groups()
                          for c in body.split(",") if c.strip()]
    return structs, enums


STRUCTS, ENUMS = declarations()


def measure():
    """Compile and run a program that prints every number; return {line without it: number}."""
    names = [os.path.basename(h) for h in public.headers(SOURCE)]
    code = "".join(f"#include <absa/{n}>\n" for n in names) + "#include <stdio.h>\nint main(void)\n{\n"
    for tag, members in STRUCTS.items():
        code += f'printf("size {tag} %zu\\n", sizeof({tag}));\n'
        for name, _ in members:
            code += (f'printf("offset {tag}.{name} %zu\\nsize {tag}.{name} %zu\\n", '
                     f"offsetof({tag}, {name}), sizeof((({tag} *)0)->{name}));\n")
    for constants in ENUMS.values():
        for name, _ in constants:
            code += f'printf("constant {name} %d\\n", (int){name});\n'
    code += "return 0;\n}\n"
    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "layout")
        subprocess.run(["cc", "-x", "c", "-", "-I", os.path.join(SOURCE, "include"), "-o", made],
                       input=code, text=True, check=True)
        out = subprocess.run([made], capture_output=True, text=True, check=True).stdout
    return {key: int(number) for key, number in (s.rsplit(" ", 1) for s in out.splitlines())}


NOW = measure()


def no_padding():
    for tag, members in STRUCTS.items():
        end = 0
        for name, _ in members:
            if NOW[f"offset {tag}.{name}"] != end:
                yield f"a hole before {tag}.{name}: spell it out as reservedN"
            end = NOW[f"offset {tag}.{name}"] + NOW[f"size {tag}.{name}"]
        if NOW[f"size {tag}"] != end:
            yield f"a hole at the end of {tag}: spell it out as reservedN"


def sized():
    for tag, members in STRUCTS.items():
        if tag not in IN_ARRAYS and members[0] != ("struct_size", "size_t"):
            yield f"{tag} must begin with size_t struct_size"


def fixed_width():
    for tag, members in STRUCTS.items():
        for name, kind in members:
            plain = kind.replace("const ", "").strip()
            if not (plain.endswith(("*", "_fn")) or plain in SCALARS or plain in STRUCTS):
                yield f"{tag}.{name} has type {kind}"


def numbered():
    for tag, constants in ENUMS.items():
        for name, value in constants:
            if "=" not in value:
                yield f"{name} of enum {tag} has no number"


def frozen():
    with open(FROZEN, encoding="utf-8") as content:
        lines = content.read().splitlines()
    if NOW["size absa_segment"] != 16:
        return  # written on a machine with pointers of 8 bytes
    for line in lines:
        key, was = line.rsplit(" ", 1)
        now = NOW.get(key)
        grew = key.startswith("size ") and "." not in key and key[5:] not in IN_ARRAYS
        if now is None or now != int(was) and not (grew and now > int(was)):
            yield f"{key} was {was}, is {now}"


if sys.argv[2:] == ["--write"]:
    with open(FROZEN, "w", encoding="utf-8") as content:
        content.writelines(f"{key} {number}\n" for key, number in sorted(NOW.items()))
    sys.exit(0)
tap.run([
    ("structs have no hidden padding", no_padding),
    ("structs begin with their size", sized),
    ("members have types of fixed width", fixed_width),
    ("constants are numbered in the header", numbered),
    ("frozen offsets, sizes and constants are as they were", frozen),
])
