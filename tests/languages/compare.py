"""C and C++ make the same measurements and decisions, to the bit. Usage: compare.py C CPP"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import tap


def alike():
    c, cpp = (subprocess.run([path], capture_output=True, text=True, check=True).stdout.splitlines()
              for path in sys.argv[1:3])
    if len(c) < 6 or len({line.split()[5] for line in c}) < 3:
        yield f"too little was decided to compare: {c}"
    if c != cpp:
        yield f"C: {c}, C++: {cpp}"


tap.run([("C and C++ decide alike", alike)])
