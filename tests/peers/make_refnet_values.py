"""Write tests/refnet/torch_values.txt anew, from PyTorch alone. Usage: make_refnet_values.py [FILE]"""

import os
import sys

import refnet_cases

HERE = os.path.dirname(os.path.abspath(__file__))
STORED = os.path.join(HERE, "..", "refnet", "torch_values.txt")

if __name__ == "__main__":
    refnet_cases.write(sys.argv[1] if len(sys.argv) > 1 else STORED)
