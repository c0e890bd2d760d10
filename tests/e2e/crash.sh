#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# A crash in the driver names the driver's function, file and line, and the SRB in flight.
. "$(dirname "$0")/lib.sh"

# the write's SRB arrives, and the driver follows a null pointer
variant_of_simple crash 's/^(\t+Entry->Head = Request->Command.Head = Head;)/\tif (Request->Command.Opcode == SIMPLE_WRITE) *(volatile ULONG *)NULL = 1; \1/'
place=$(grep -nH 'ULONG \*)NULL' "$work"/crash/*.c | head -n 1)
file=$(basename "${place%%:*}")
line=$(cut -d: -f2 <<<"$place")

random "$work/in" 1M
truncate -s 16M "$work/disk"
"$DRYPORT" run "$work/crash" --disk "$work/disk" -- nbdcopy "$work/in" '{uri}' >"$work/out" 2>"$work/err" &&
  fail "the run succeeded"
if [ "$SANITIZED" = 1 ] && grep -q 'ERROR: AddressSanitizer\|runtime error' "$work/err"; then
  says "$file:$line"
else
  says "the driver crashed in Simple[A-Za-z]* \($file:$line\)"
fi
says 'SRB in flight: .*command (0x)?(2a|8a)'
says 'verdict .*the machine did not stop in good order'

# by itself, with COMMAND's success, the crash is the run's failure
status 1 "$DRYPORT" run "$work/crash" --size 16M -- sh -c 'nbdcopy "$0" "$uri" 2>/dev/null || true' "$work/in"

# the same in dryport's own process
status 1 "$DRYPORT" run "$work/crash" --size 16M --workload rw:ops=100
says "$file:$line"

# a bug check is an end with its code; an import that we lack, with its name and the caller's place
variant_of_simple bugcheck 's/^(\t+Entry->Head = Request->Command.Head = Head;)/\tif (Request->Command.Opcode == SIMPLE_WRITE) KeBugCheckEx(0xE2, 1, 2, 3, 4); \1/'
sed -i 's/#include <storport.h>/&\n#include <ntddk.h>/' "$work"/bugcheck/*.[ch]
status 1 "$DRYPORT" run "$work/bugcheck" --size 16M --workload rw:ops=100
says '(0x)?0*[eE]2'
