#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# ./dryport: quick the second time, and clear when something is missing.
. "$(dirname "$0")/lib.sh"

script=$SOURCE_ROOT/dryport

status 2 "$script" --variant strange run
says "no variant 'strange'"
status 2 "$script" test --fast
says 'no option --fast'
status 2 "$script" setup everything
says 'everything is none of'

# not root, and something missing: what, and nothing changes
mkdir "$work/bin"
printf '#!/bin/sh\nexit 0\n' >"$work/bin/dpkg-query"
printf '#!/bin/sh\ntouch "%s/installed"\n' "$work" >"$work/bin/apt-get"
printf '#!/bin/sh\necho 1000\n' >"$work/bin/id"
chmod +x "$work"/bin/*
PATH=$work/bin:$PATH status 1 "$script" run
says 'these packages are missing: .*clang-.*nbdkit'
says 'sudo apt-get install'
[ ! -e "$work/installed" ] || fail "apt-get was called"
# run does not ask for what only the tests need
! grep -q 'cmocka' "$work/err" || fail "run asks for the tests' packages"
PATH=$work/bin:$PATH status 1 "$script" setup test
says 'cmocka'

# a second start: under a second, all told
build=$SOURCE_ROOT/build/release
[ "$(dirname "$(dirname "$DRYPORT")")" = "$build" ] || {
  echo "not applicable: this is not ./dryport's own build folder"
  exit 0
}
status 0 "$script" version
start=$(date +%s%N)
status 0 "$script" version
took=$((($(date +%s%N) - start) / 1000000))
[ $took -lt 1000 ] || fail "a second start took $took ms"
[ ! -s "$work/err" ] || fail "a second start says: $(cat "$work/err")"
