"""Each public header compiles alone, and twice in a row, as C99, C11, C++11 and C++17 without a
warning, with every compiler of this machine. Usage: headers.py SOURCE_DIR"""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import public
import tap

SOURCE = sys.argv[1]
COMPILERS = {"c": ("gcc", "clang"), "c++": ("g++", "clang++")}
STANDARDS = {"c": ("c99", "c11"), "c++": ("c++11", "c++17")}
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


def compile_alone(compiler, language, standard, name):
    code = f"#include <absa/{name}>\n#include <absa/{name}>\ntypedef int not_empty;\n"
    command = [compiler, "-x", language, f"-std={standard}", "-fsyntax-only", *WARNINGS]
    command += ["-I", os.path.join(SOURCE, "include"), "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
    return [done.stderr or f"{compiler} ended with {done.returncode}"] if done.returncode else []


CHECKS = []
for language, compilers in COMPILERS.items():
    present = [c for c in compilers if shutil.which(c)]
    CHECKS.append((f"there is a {language} compiler",
                   lambda found=present: [] if found else ["none found"]))
    for header in map(os.path.basename, public.headers(SOURCE)):
        for compiler in present:
            for standard in STANDARDS[language]:
                CHECKS.append((f"{header} stands alone as {standard} with {compiler}",
                               lambda a=(compiler, language, standard, header):
                               compile_alone(*a)))
tap.run(CHECKS)
