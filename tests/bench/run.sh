#!/bin/sh
# Builds the benchmarks optimised and prints all their tables. Takes minutes; wants a quiet machine.
set -eu
export LC_ALL=C OPENBLAS_NUM_THREADS=1

cd "$(dirname "$0")/../.."
sh tests/need.sh build test
build='build-bench'
[ -f $build/build.ninja ] || meson setup $build -Dbuildtype=release -Dtests=enabled -Drefnet=enabled
ninja -C $build bench
grep -m 1 'model name' /proc/cpuinfo || uname -m
for program in "$build"/tests/bench/bench_*; do
    case $program in *.p) continue ;; esac
    printf '\n== %s\n' "$(basename "$program")"
    "$program" </dev/null
done
