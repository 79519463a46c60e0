#!/bin/sh
# Makes a virtual environment with what tests/peers/requirements.txt names, or brings one up to
# date. Prints the path of its interpreter. Usage: venv.sh [DIRECTORY]
set -eu

here=$(dirname "$0")
wanted=$here/peers/requirements.txt
venv=${1:-$here/../build-venv}
sh "$here/need.sh" peers >&2
if ! cmp -s "$wanted" "$venv/installed"; then
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted" >&2
    cp "$wanted" "$venv/installed"
fi
echo "$venv/bin/python"
