#!/bin/sh
# The first command: installs what is missing on a Debian machine, builds libabsa and its training
# program in build/, and trains a small network on digits that the program draws itself. Ends with
# the run's table and the path of a picture of it.
set -eu
export LC_ALL=C

cd "$(dirname "$0")/.."
sh tests/need.sh build

set -- -Dexamples=enabled -Drefnet=enabled
if [ -f build/build.ninja ]; then
    meson setup --reconfigure build "$@" || meson setup --wipe build "$@"
else
    meson setup build "$@"
fi
ninja -C build examples/train/absa-train

out=build/quickstart
mkdir -p $out
rm -f $out/*
# OpenBLAS on more threads than cores only slows small products down.
OPENBLAS_NUM_THREADS=1 build/examples/train/absa-train --data glyphs --log $out/run.jsonl \
    --report $out/run.svg </dev/null
echo "picture: $PWD/$out/run.svg"
