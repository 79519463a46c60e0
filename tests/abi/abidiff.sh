#!/bin/sh
# The built library serves programs that were built against the frozen ABI. New functions are fine.
# Usage: abidiff.sh SOURCE_DIR SO
set -eu

frozen=$(dirname "$0")/$(basename "$2" .so).abi
# A library of another architecture or without debug information cannot be compared.
case $(uname -m) in
x86_64) ;;
*) exit 77 ;;
esac
if ! abidiff --headers-dir2 "$1/include/absa" --drop-private-types --no-added-syms "$frozen" "$2"; then
    echo 'An addition that is meant to stay? tests/abi/update.sh freezes it, see doc/ABI.md.'
    exit 1
fi
