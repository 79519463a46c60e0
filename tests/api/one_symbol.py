"""A program that uses one public function alone links with the archive: no object in it leans on
what only another function would have pulled in. Usage: one_symbol.py MAP WORD...; the words follow
the object on the command line, for example lib/libabsa.a -lm."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import public
import tap

MAP, WORDS = sys.argv[1], sys.argv[2:]


def links(name):
    # volatile: a compiler knows that a function's address is not 0 and would not refer to it.
    code = f"void {name}(void); int main(void) {{ void (*volatile f)(void) = {name};"
    code += " return f == 0; }\n"
    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "one")
        command = ["cc", "-w", "-x", "c", "-", "-x", "none", *WORDS, "-o", made]
        done = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
    return [" ".join(command) + "\n" + done.stderr] if done.returncode else []


tap.run([(f"{name} links alone", lambda n=name: links(n)) for name in public.mapped(MAP)])
