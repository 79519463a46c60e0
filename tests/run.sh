#!/bin/sh
# Builds libabsa with all its tests and runs them. Installs what is missing on a Debian machine.
# The last line is the summary. Tests on real data run when ABSA_TEST_DATA names its directory.
set -eu
export LC_ALL=C

cd "$(dirname "$0")/.."
build='build-tests'
sh tests/need.sh build test

set -- -Dtests=enabled -Dexamples=enabled -Drefnet=enabled
if [ -f $build/build.ninja ]; then
    meson setup --reconfigure $build "$@" || meson setup --wipe $build "$@"
else
    meson setup $build "$@"
fi
ninja -C $build
# A log of an earlier run must not be counted.
rm -f $build/meson-logs/testlog.json
meson_status=0
meson test -C $build --no-rebuild --print-errorlogs </dev/null || meson_status=$?

status=0
summary=$(python3 tests/summary.py $build) || status=$?
if [ $meson_status -ne 0 ] && [ $status -eq 0 ]; then
    echo "meson test ended with $meson_status"
    status=1
fi
echo "$summary"
exit $status
