"""TAP output for tests written in Python: a list of named checks, each a function that returns the
complaints it has, none for success."""

import sys


def run(checks):
    """Run [(name, function)] and exit with the result."""
    print("TAP version 13")
    print(f"1..{len(checks)}")
    bad = 0
    for number, (name, check) in enumerate(checks, 1):
        complaints = list(check())
        bad += bool(complaints)
        print(f"{'not ok' if complaints else 'ok'} {number} - {name}")
        for complaint in complaints:
            for line in str(complaint).splitlines():
                print(f"# {line}")
    if not checks:
        print("Bail out! nothing to check")
    sys.exit(1 if bad or not checks else 0)
