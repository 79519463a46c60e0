#!/bin/sh
# Runs the tests against peers (PyTorch, SciPy and the like): every check_<topic>.py beside this
# script, with the virtual environment's Python. Each gets the build directory and prints TAP.
# Usage: run.sh [BUILD [TOPIC]]
set -eu
export LC_ALL=C OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1

cd "$(dirname "$0")/../.."
build=${1:-build-tests}
python=$(sh tests/venv.sh)
failed=
for check in tests/peers/check_${2:-*}.py; do
    echo "# $check"
    "$python" "$check" "$build" </dev/null || failed="$failed $check"
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
