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

# how the results of tests are counted: as ./dryport does it, on a log of meson's kind
mkdir -p "$work/build/meson-logs"
cat >"$work/build/meson-logs/testlog.json" <<'JSON'
{"name": "dryport:unit / a", "stdout": "[       OK ] x\n", "result": "OK", "returncode": 0}
{"name": "dryport:unit / b", "stdout": "[  SKIPPED ] inner\n[  SKIPPED ] 1 test(s), listed below:\n[  SKIPPED ] inner\n", "result": "OK"}
{"name": "dryport:e2e / c", "stdout": "not applicable: no AVX-512 here\n", "result": "OK", "returncode": 0}
{"name": "dryport:e2e / d", "stdout": "skipped: no tool\n", "result": "SKIP", "returncode": 77}
{"name": "dryport:e2e / e", "result": "FAIL", "returncode": 1}
{"name": "dryport:e2e / f", "result": "TIMEOUT", "returncode": -9}
JSON
{
  echo 'set -euo pipefail; passed=0 failed=0 skipped=0 skips="" notes=""'
  sed -n '/^say()/p; /^count() {/,/^}/p' "$script"
  echo 'count "$1"; echo "$passed passed, $failed failed, $skipped skipped"; echo "$notes$skips"'
} >"$work/count.sh"
status 0 bash "$work/count.sh" "$work/build"
grep -qx '3 passed, 2 failed, 2 skipped' "$work/out" || fail "counted: $(cat "$work/out")"
grep -qx 'not applicable: no AVX-512 here (dryport:e2e / c)' "$work/out" || fail "no note: $(cat "$work/out")"
grep -qx 'skipped: dryport:unit / b: inner (build)' "$work/out" || fail "no skip: $(cat "$work/out")"

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
