#!/bin/sh
# Runs the Python package's tests against the library of a build directory, with the virtual
# environment's Python. Usage: run.sh [BUILD [PYTEST-ARGUMENT...]]
set -eu
export LC_ALL=C OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1

cd "$(dirname "$0")/../.."
build=${1:-build-tests}
[ $# -eq 0 ] || shift
ABSA_LIBRARY=$(cd "$build" && pwd)/lib/libabsa.so.0
PYTHONPATH=$PWD/bindings/python
export ABSA_LIBRARY PYTHONPATH
python=$(sh tests/venv.sh)
exec "$python" -m pytest -q -p no:cacheprovider tests/python "$@" </dev/null
