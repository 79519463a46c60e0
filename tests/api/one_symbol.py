"""A program that uses one public function alone links, with the shared and the static library.
Usage: one_symbol.py MAP LINKS...; each of LINKS is the words that follow the object on the command
line, for example "lib/libabsa.a -lm"."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import public
import tap

MAP, LINKS = sys.argv[1], [words.split() for words in sys.argv[2:]]


def links(name):
    code = f"void {name}(void); int main(void) {{ return {name} == 0; }}\n"
    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "one")
        for words in LINKS:
            command = ["cc", "-w", "-x", "c", "-", "-x", "none", *words, "-o", made]
            done = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
            if done.returncode:
                yield " ".join(command) + "\n" + done.stderr


tap.run([(f"{name} links alone", lambda n=name: links(n)) for name in public.mapped(MAP)])
