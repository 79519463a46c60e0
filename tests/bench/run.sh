#!/bin/sh
# Builds the benchmarks optimised and prints all their tables, those against Python's packages
# included. Takes minutes; wants a quiet machine. Usage: run.sh [NAME], as in bench_NAME.c or
# peers_NAME.py
set -eu
export LC_ALL=C OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1

cd "$(dirname "$0")/../.."
sh tests/need.sh build test peers
build='build-bench'
[ -f $build/build.ninja ] || meson setup $build -Dbuildtype=release -Dtests=enabled -Drefnet=enabled
ninja -C $build all bench
python=$(sh tests/venv.sh)
grep -m 1 'model name' /proc/cpuinfo || uname -m
for program in "$build"/tests/bench/bench_${1:-*} tests/bench/peers_${1:-*}.py; do
    [ -f "$program" ] || continue
    printf '\n== %s\n' "$(basename "$program")"
    case $program in
    *.py) "$python" "$program" "$build" </dev/null ;;
    *) "$program" </dev/null ;;
    esac
done
