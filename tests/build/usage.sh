# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# Bad input: one clear line each, status 2 for wrong usage and 1 for a failure.
. "$(dirname "$0")/lib.sh"

# refused STATUS TEXT ARGUMENT...
refused() {
  local want=$1 text=$2
  shift 2
  status "$want" "$BUILD" "$@"
  says err "$text"
  lines err 1
  lines out 0
}

echo 'int DriverEntry(void) { return 0; }' >good.c
echo 'int f(void) { return 0; }' >entryless.c
echo 'static int DriverEntry(void) { return 0; } int (*p)(void) = DriverEntry;' >static.c
mkdir empty readonly
touch picture.png
refused 2 "no sources"
refused 2 "nowhere.c: no such source or folder" nowhere.c
refused 2 "empty: no C or C++ source in this folder" empty
refused 2 "picture.png: neither a C or C++ source (.c, .cpp, .cxx, .cc), a folder nor a project (.vcxproj)" picture.png
refused 2 "-I nowhere: no such folder" -I nowhere good.c
refused 2 "--sanitize memory: no such sanitizer; there are address, undefined, thread" --sanitize memory good.c
refused 2 "address and thread exclude each other" --sanitize address,thread good.c
refused 2 "-O 7: no such level" -O7 good.c
refused 2 "-j none: not a number" -j none good.c
refused 2 "-o nowhere/x.so: no such folder: $work/nowhere" -o nowhere/x.so good.c
refused 2 "-o empty: not a regular file" -o empty good.c
refused 1 "no source defines DriverEntry" entryless.c
refused 1 "DriverEntry is static" static.c
status 2 "$BUILD" --nonsense good.c
says err "dryport-build --help lists the options"
status 0 "$BUILD" --help
says out "usage: dryport-build"
status 0 "$BUILD" --version
says out "clang $LLVM."
# no compiler of this LLVM's version
printf '#!/bin/sh\necho "clang version 3.0.0"\n' >clang-$LLVM
cp clang-$LLVM clang
chmod +x clang clang-$LLVM
if [ ! -x /usr/lib/llvm-$LLVM/bin/clang ]; then
  PATH=$work refused 1 "clang $LLVM is missing" good.c
fi
if [ "$(id -u)" != 0 ]; then
  chmod 555 readonly
  refused 1 "-o readonly/x.so: the folder $work/readonly is not writable" -o readonly/x.so good.c
fi
# names: after the folder, or the first source
mkdir driver.v2
cp good.c driver.v2/main.c
status 0 "$BUILD" good.c && [ -s good.so ] || fail "good.c does not give good.so"
status 0 "$BUILD" driver.v2/ && [ -s driver.v2.so ] || fail "driver.v2 does not give driver.v2.so"
(cd driver.v2 && status 0 "$BUILD" . && [ -s driver.v2.so ]) || fail ". does not give driver.v2.so"
