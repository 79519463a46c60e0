#!/bin/sh
# Installs the Debian packages of the named sets (see packages.txt) that are not there yet.
# Usage: need.sh build|test|peers|ci ...
set -eu

list=$(dirname "$0")/packages.txt
missing=
for set in "$@"; do
    # One word a package.
    # shellcheck disable=SC2013
    for package in $(sed -n "s/^$set //p" "$list"); do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "no apt-get here; these have to be installed by hand:$missing" >&2
    exit 0
fi
if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    echo "run as root, or install by hand:$missing" >&2
    exit 1
fi

apt() {
    if [ "$(id -u)" -eq 0 ]; then
        DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$@" </dev/null
    else
        sudo DEBIAN_FRONTEND=noninteractive apt-get -qq -y "$@" </dev/null
    fi
}

install() {
    # One word a package.
    # shellcheck disable=SC2086
    apt install --no-install-recommends $missing
}

echo "installing:$missing"
# The package lists of this machine may be absent or too old: then they are fetched first.
if ! install >/dev/null 2>&1; then
    apt update
    install >/dev/null
fi
