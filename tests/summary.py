"""Count the test cases of a meson run and print "N passed, N failed, N skipped".

Usage: summary.py BUILD_DIR. A Criterion program counts with each of its tests, any other program as
one. A program that crashed, timed out or ran fewer tests than it announced has failed, whatever its
tests say. Exits with 1 when something failed, or when nothing passed.
"""

import json
import os
import re
import sys


def count(program):
    """Return (passed, failed, skipped) of one line of testlog.json."""
    out = program.get("stdout") or ""
    good = program["result"] in ("OK", "SKIP")
    if not out.startswith("TAP version"):
        return (program["result"] == "OK", not good, program["result"] == "SKIP")
    lines = re.findall(r"^(ok|not ok)\b(.*)$", out, re.MULTILINE)
    skipped = sum(ok == "ok" and "# SKIP" in rest for ok, rest in lines)
    passed = sum(ok == "ok" for ok, rest in lines) - skipped
    failed = sum(ok == "not ok" for ok, rest in lines)
    if not good and failed == 0:
        failed = 1
    return passed, failed, skipped


def main():
    log = os.path.join(sys.argv[1], "meson-logs", "testlog.json")
    with open(log, encoding="utf-8") as lines:
        counts = [count(json.loads(line)) for line in lines]
    passed, failed, skipped = (sum(column) for column in zip(*counts)) if counts else (0, 0, 0)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
