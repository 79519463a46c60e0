"""The MPI examples on 1, 2 and 3 processes: what they print hangs on the data alone.
Usage: test_mpi.py MPIRUN EXAMPLE..."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import tap

MPIRUN, *EXAMPLES = sys.argv[1:]
# More processes than cores, and root inside a container, are no faults here.
ENVIRONMENT = os.environ | {
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_btl_vader_single_copy_mechanism": "none"}


def printed(example, processes):
    done = subprocess.run([MPIRUN, "-n", str(processes), example], capture_output=True, text=True,
                          check=False, timeout=240, env=ENVIRONMENT, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise AssertionError(f"{processes} processes: {done.returncode}: {done.stderr}")
    return done.stdout


def check(example):
    def same():
        alone = printed(example, 1)
        if not alone:
            yield "nothing is printed"
        for processes in 2, 3:
            got = printed(example, processes)
            if got != alone:
                yield f"1 process:\n{alone}{processes} processes:\n{got}"
    return same


tap.run([(f"{os.path.basename(example)} prints the same on 1, 2 and 3 processes", check(example))
         for example in EXAMPLES])
