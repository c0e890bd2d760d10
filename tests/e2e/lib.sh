# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# What the end-to-end tests share. Each test is a script of one subject that begins with
#
#	. "$(dirname "$0")/lib.sh"
#
# It ends with status 0 (passed), 77 (skipped, after a line that says why) or another (failed). meson gives
# DRYPORT, the built program; SOURCE_ROOT, the tree; SANITIZED, 1 in a sanitized build, where data is smaller.
# shellcheck shell=bash
set -euo pipefail

: "${DRYPORT:?the built program}" "${SOURCE_ROOT:?the tree}"
SANITIZED=${SANITIZED:-0}
PATH=$PATH:/usr/sbin:/sbin
# unit tests look for leaks; here the machine reports its own
if [ "$SANITIZED" = 1 ]; then export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0; fi
simple=$SOURCE_ROOT/examples/simple

work=$(mktemp -d "${TMPDIR:-/tmp}/dryport-test-XXXXXX")
children=()

finish() {
  local status=$? pid
  for pid in ${children[@]+"${children[@]}"}; do
    kill "$pid" 2>/dev/null || true
  done
  wait || true
  if mountpoint -q "$work/mnt" 2>/dev/null; then umount "$work/mnt"; fi
  rm -rf "$work"
  exit $status
}
trap finish EXIT

fail() {
  echo "FAIL (${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}): $*" >&2
  exit 1
}

skip() {
  echo "skipped: $*"
  exit 77
}

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
  done
}

# status N COMMAND...: COMMAND's exit status must be N. Its output is in $work/out and $work/err.
status() {
  local want=$1 got=0
  shift
  "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
  [ $got = "$want" ] && return
  cat "$work/out" "$work/err" >&2
  fail "status $got, expected $want: $*"
}

# says PATTERN: one line of the last command's standard error matches.
says() {
  grep -qE -- "$1" "$work/err" && return
  cat "$work/err" >&2
  fail "no line says: $1"
}

# one_line: the last command said one line and no more.
one_line() {
  [ "$(wc -l <"$work/err")" = 1 ] && return
  cat "$work/err" >&2
  fail "more or less than one line"
}

# random FILE SIZE (K, M): bytes without a pattern, the same at each run.
random() {
  python3 - "$2" >"$1" <<'PY'
import random, sys
size = sys.argv[1]
left = int(size[:-1]) << {"K": 10, "M": 20}[size[-1]]
source = random.Random(2)
while left:
    chunk = min(left, 1 << 20)
    sys.stdout.buffer.write(source.randbytes(chunk))
    left -= chunk
PY
}

# number KEY: from the summary that --summary "$work/summary" has written.
number() {
  sed -nE "s/^ *\"$1\": ([0-9]+),?\$/\1/p" "$work/summary"
}

# serve ARGUMENTS...: dryport run ... --nbd in the background; $uri leads to it, $server is its process.
serve() {
  : >"$work/serve.out"
  "$DRYPORT" run "$@" --nbd "$work/nbd" >"$work/serve.out" 2>"$work/serve.err" &
  server=$!
  children+=("$server")
  for _ in $(seq 300); do
    uri=$(head -n 1 "$work/serve.out")
    [ -z "$uri" ] || return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/serve.err" >&2
  fail "no server: $*"
}

# serve_stop STATUS [SIGNAL]
serve_stop() {
  local got=0
  kill "-${2:-INT}" "$server"
  wait "$server" || got=$?
  [ $got = "$1" ] && return
  cat "$work/serve.out" "$work/serve.err" >&2
  fail "the server's status is $got, expected $1"
}

# A copy of examples/simple in $work/NAME, one line changed by sed's EXPRESSION. It must change one.
variant_of_simple() { # NAME EXPRESSION
  mkdir -p "$work/$1"
  cp "$simple"/* "$work/$1/"
  sed -i -E "$2" "$work/$1"/*.c
  [ "$(cat "$simple"/*.c | diff - <(cat "$work/$1"/*.c) | grep -c '^>')" = 1 ] ||
    fail "$1: the expression does not change exactly one line: $2"
}
