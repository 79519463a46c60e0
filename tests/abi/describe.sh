#!/bin/sh
# Prints the ABI of a library as libabigail sees it, without a trace of the machine.
# Usage: describe.sh SOURCE_DIR SO
set -eu

abidw --headers-dir "$1/include/absa" --drop-private-types --exported-interfaces-only \
    --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed --type-id-style hash "$2" |
    sed "s|path='[^']*/lib/|path='lib/|"
