# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# What the tests of dryport-build share. Each is a script of one subject, run once for each LLVM. meson
# gives BUILD, the program under test; LLVM, its version; HOST, a program that loads an object and calls its
# DriverEntry with a number (host.c); HERE, this folder; MADE, where the build left helpers.
# It ends with status 0 (passed), 77 (skipped, after a line that says why) or another (failed).
# shellcheck shell=bash
set -euo pipefail

: "${BUILD:?}" "${LLVM:?}" "${HOST:?}" "${HERE:?}" "${MADE:?}"
export LC_ALL=C
# a compiler that ends leaves its memory to the system
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
drivers=$HERE/drivers
work=$(mktemp -d "${TMPDIR:-/tmp}/dryport-test-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

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

# status N COMMAND...: COMMAND's exit status must be N. Its output is in out and err.
status() {
  local want=$1 got=0
  shift
  "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
  [ $got = "$want" ] && return
  cat "$work/out" "$work/err" >&2
  fail "status $got, expected $want: $*"
}

# says FILE TEXT: the text is in the output that status kept.
says() {
  grep -qF -- "$2" "$work/$1" && return
  cat "$work/$1" >&2
  fail "\"$2\" is not in $1"
}

# lines FILE N: the output has that many lines.
lines() {
  [ "$(wc -l <"$work/$1")" = "$2" ] && return
  cat "$work/$1" >&2
  fail "$1 has not $2 lines"
}
