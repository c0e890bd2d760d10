#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# --gdb: a breakpoint at a driver's function is met, and the driver's source is known.
. "$(dirname "$0")/lib.sh"
need gdb

function=$(sed -nE 's/.*HwStartIo *= *([A-Za-z_0-9]+)[;,].*/\1/p' "$simple"/*.c | head -n 1)
[ -n "$function" ] || fail "examples/simple names no HwStartIo"
printf 'break %s\nrun\nbacktrace 3\ndelete\ncontinue\n' "$function" >"$work/commands"
"$DRYPORT" run "$simple" --quiet --size 1M --gdb -- nbdinfo --size '{uri}' \
  <"$work/commands" >"$work/out" 2>&1 || fail "status $?: $(cat "$work/out")"
grep -q 'hit Breakpoint 1' "$work/out" || fail "the breakpoint was not met: $(cat "$work/out")"
tr -d '\n' <"$work/out" | grep -qE "#[01] [^#]*$function [^#]*simple\.c:[0-9]+" ||
  fail "no function, file and line: $(cat "$work/out")"
grep -q '^1048576$' "$work/out" || fail "COMMAND was not served: $(cat "$work/out")"
