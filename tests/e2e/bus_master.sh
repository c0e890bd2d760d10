#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# With the device's bus-master bit off no request completes, and nothing reaches the disk.
. "$(dirname "$0")/lib.sh"

# Writes 3 (memory and I/O on, bus mastering off) into the command register before the first write's doorbell.
variant_of_simple no_master 's/^(\tEntry->Head = Request->Command.Head = Head;)/\tif (Request->Command.Opcode == SIMPLE_WRITE) for (ULONG Slot = 0; Slot < 32; Slot++) StorPortSetBusDataByOffset(Adapter, PCIConfiguration, 0, Slot, \&(USHORT){3}, 4, 2); \1/'
random "$work/in" 1M
truncate -s 16M "$work/disk"

# The client waits in vain; then everything is killed, as the driver's resets would go on for minutes.
timeout -s KILL 20 "$DRYPORT" run "$work/no_master" --disk "$work/disk" -- \
  sh -c 'timeout 4 nbdcopy "$0" "$uri"; echo "client $?"; sleep 30' "$work/in" >"$work/out" 2>"$work/err" || true
pkill -KILL -f "disk=$work/disk" || true
grep -qx 'client 124' "$work/out" || fail "the client was answered: $(cat "$work/out" "$work/err")"
cmp -n 16777216 "$work/disk" /dev/zero || fail "something was written"

# The unchanged driver is served.
"$DRYPORT" run "$simple" --disk "$work/disk" -- nbdcopy "$work/in" '{uri}' >"$work/out" 2>"$work/err" ||
  fail "$(cat "$work/err")"
cmp -n 1048576 "$work/disk" "$work/in"
