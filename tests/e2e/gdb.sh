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

# a register that is dereferenced: gdb does not stop at the fault, and a backtrace leads back to the driver
variant_of_simple follow 's/^\tStorPortWriteRegisterUlong\(Adapter, &Adapter->Registers->Control, Value\);/\t*(volatile ULONG *)\&Adapter->Registers->Control = Value;/'
line=$(grep -n '(volatile ULONG \*)' "$work/follow/simple.c" | cut -d: -f1)
printf 'break trap_perform\nrun\nbacktrace 4\ndelete\ncontinue\n' >"$work/commands"
"$DRYPORT" run "$work/follow" --quiet --size 1M --gdb -- nbdinfo --size '{uri}' \
  <"$work/commands" >"$work/out" 2>&1 || fail "status $?: $(cat "$work/out")"
tr -d '\n' <"$work/out" | grep -qE "#2 [^#]*SimpleControl [^#]*simple\.c:$line" ||
  fail "no way back to the driver: $(cat "$work/out")"
grep -q '^1048576$' "$work/out" || fail "COMMAND was not served: $(cat "$work/out")"
