"""Every function of the public headers is used by the package, and its declarations are those that
the headers give."""

import ast
import glob
import os
import subprocess
import sys

import pytest

from absa import _declarations

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PACKAGE = os.path.join(SOURCE, "bindings", "python", "absa")
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
import public  # noqa: E402

# The products that refnet.py takes by name, behind the prefix of a network or of a block.
PREFIXES = {"absa_refnet_": ("hvp", "gnvp", "hvp_callback", "gnvp_callback"),
            "absa_refnet_block_": ("hvp", "gnvp", "hvp_callback", "gnvp_callback")}


def used(text):
    """Return the functions that a module's code reaches: lib.NAME, NAME_init of the structs c.NAME
    that it fills, and those behind a prefix in quotes."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and node.attr.startswith("absa_"):
            found |= {node.attr, node.attr + "_init"}
        # A prefix in a string of code, which one of these follows.
        elif isinstance(node, ast.Constant) and node.value in PREFIXES:
            found |= {node.value + rest for rest in PREFIXES[node.value]}
    return found


def test_every_function_of_the_headers_is_used():
    reached = set()
    for path in glob.glob(os.path.join(PACKAGE, "**", "*.py"), recursive=True):
        if os.path.basename(path) != "_declarations.py":
            with open(path, encoding="utf-8") as file:
                reached |= used(file.read())
    assert not set(public.functions(SOURCE)) - reached
    assert {name for name in reached if name in _declarations.FUNCTIONS} == set(
        _declarations.FUNCTIONS)


def test_a_function_that_is_only_named_in_words_is_not_used():
    assert used('"""absa_fgsm()"""\nlib.absa_version()  # absa_perturb\nc.absa_plan\n') == {
        "absa_version", "absa_version_init", "absa_plan", "absa_plan_init"}


def test_the_declarations_are_those_of_the_headers():
    script = os.path.join(SOURCE, "bindings", "python", "declare.py")
    if not os.path.exists(script):
        pytest.skip("the package is not in its source tree")
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
