#!/bin/sh
# Installs into a fresh prefix and builds strangers' programs against it: C by pkg-config, shared
# and static, C++ by CMake, Python by ctypes, and as a meson subproject. The prefix is moved before
# it is used. Usage: install_smoke.sh SOURCE_DIR. Prints TAP.
#
# The functions are called by name, and pkg-config's answers are lists of words:
# shellcheck disable=SC2317,SC2046,SC2086
set -eu
export LC_ALL=C

source=$(cd "$1" && pwd)
here=$source/tests/install
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
unset DESTDIR LD_LIBRARY_PATH PKG_CONFIG_PATH CFLAGS CXXFLAGS LDFLAGS
libdir=$tmp/moved/lib
number=0
bad=0

# check NAME FUNCTION: one TAP line; what the function printed only when it failed.
check() {
    number=$((number + 1))
    # Not as a condition: "set -e" would be off inside it.
    set +e
    (
        set -ex
        "$2"
    ) >log 2>&1 </dev/null
    result=$?
    set -e
    if [ $result -eq 0 ]; then
        echo "ok $number - $1"
    else
        bad=1
        echo "not ok $number - $1"
        sed 's/^/# /' log
    fi
}

install_and_move() {
    meson setup built "$source" --prefix "$tmp/prefix" --libdir lib -Dtests=disabled \
        -Dexamples=disabled -Drefnet=enabled -Ddefault_library=both -Dbuildtype=release
    ninja -C built
    meson install -C built --no-rebuild
    mv prefix moved
}

# Only the moved prefix is seen, so a .pc that needs another package's .pc to give the headers fails.
flags() {
    PKG_CONFIG_LIBDIR=$1/lib/pkgconfig pkg-config --define-prefix "$2" "$3"
}

c_shared() {
    cc -std=c11 $(flags moved --cflags absa) "$here/user.c" $(flags moved --libs absa) -lm -o shared
    LD_LIBRARY_PATH=$libdir ./shared
    LD_LIBRARY_PATH=$libdir ldd shared | grep "$libdir/libabsa.so.0"
}

# A prefix that holds archives only.
c_static() {
    cp -r moved archives
    rm archives/lib/*.so*
    for package in absa absa-refnet; do
            cc -std=c11 $(flags archives --cflags $package) "$here/user.c" \
            $(PKG_CONFIG_LIBDIR=archives/lib/pkgconfig pkg-config --define-prefix --static \
                --libs $package) -o static
        ./static
        if ldd static | grep libabsa; then return 1; fi
    done
}

cpp_header() {
    c++ -std=c++17 $(flags moved --cflags absa) "$source/examples/cpp/adaptive_loop.cpp" \
        $(flags moved --libs absa) -o looped
    LD_LIBRARY_PATH=$libdir ./looped
}

cmake_cxx() {
    for static in OFF ON; do
        cmake -S "$here/cmake" -B cmake$static -DCMAKE_PREFIX_PATH="$tmp/moved" \
            -DUSER_SOURCE="$here/user.c" -Dabsa_USE_STATIC=$static
        cmake --build cmake$static
        cmake$static/user
        cmake$static/user_refnet
    done
    ldd cmakeOFF/user | grep libabsa.so.0
    if ldd cmakeON/user | grep libabsa; then return 1; fi
}

cmake_refuses() {
    rm -rf without
    cp -r moved without
    rm without/lib/libabsa-refnet*
    if cmake -S "$here/cmake" -B cmakewithout -DCMAKE_PREFIX_PATH="$tmp/without" \
        -DUSER_SOURCE="$here/user.c" >refused 2>&1; then return 1; fi
    grep 'installed without refnet' refused
}

python_ctypes() {
    python3 "$here/user.py" "$libdir/libabsa.so.0" "$(flags moved --modversion absa)"
}

subproject() {
    mkdir -p host/subprojects
    cp "$here/subproject/meson.build" "$here/user.c" host
    mkdir host/subprojects/libabsa
    cp -r "$source/meson.build" "$source/meson_options.txt" "$source/include" "$source/lib" \
        host/subprojects/libabsa
    mkdir host/subprojects/libabsa/bindings
    cp -r "$source/bindings/cpp" host/subprojects/libabsa/bindings
    meson setup hostbuilt host --wrap-mode=forcefallback
    meson test -C hostbuilt
}

no_trace() {
    [ -d moved ]
    grep -rIl "$tmp/prefix" moved/include moved/lib/cmake && return 1
    # The prefix= line is the one that --define-prefix replaces.
    grep -h "$tmp/prefix" moved/lib/pkgconfig/*.pc | grep -v ^prefix= && return 1
    return 0
}

echo 'TAP version 13'
check 'installs into a fresh prefix, which is moved' install_and_move
check 'a C program builds and runs by pkg-config' c_shared
check 'a C program links the archives by pkg-config --static' c_static
check 'the C++ header is found by pkg-config, and its example runs' cpp_header
check 'a C++ program builds and runs by CMake, shared and static' cmake_cxx
check 'CMake refuses a component that is not installed' cmake_refuses
check 'Python loads the library' python_ctypes
check 'a meson project takes libabsa as a subproject' subproject
check 'installed files do not remember where they were made' no_trace
echo "1..$number"
exit $bad
