#!/bin/sh
# Freezes the ABI as it is now: layout.txt and one libabigail description a library. Done for a
# release, see doc/RELEASING.md. Needs gcc and abigail-tools.
set -eu
export LC_ALL=C

cd "$(dirname "$0")/../.."
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
CC=gcc meson setup "$build" -Dtests=disabled -Dexamples=disabled -Drefnet=enabled >/dev/null
ninja -C "$build" >/dev/null
python3 tests/abi/layout.py . --write
sh tests/abi/describe.sh . "$build/lib/libabsa.so" >tests/abi/libabsa.abi
sh tests/abi/describe.sh . "$build/lib/refnet/libabsa-refnet.so" >tests/abi/libabsa-refnet.abi
