#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# Work made inside the machine, without a client.
. "$(dirname "$0")/lib.sh"

ops=20000
[ "$SANITIZED" = 0 ] || ops=4000
for machine in '--memory contiguous' '--memory scattered --cpus 2' '--memory high --block-size 4096'; do
  # shellcheck disable=SC2086
  status 0 "$DRYPORT" run "$simple" --size 32M $machine --summary "$work/summary" \
    --workload "rw:ops=$ops,sizes=4k-256k,depth=8,verify"
  grep -q 'verdict' "$work/out" || fail "no summary: $(cat "$work/out")"
  [ "$(number srbs)" -ge $ops ] || fail "$(number srbs) SRBs for $ops operations"
  [ "$(number lists_got)" -ge $ops ] || fail "$(number lists_got) lists for $ops operations"
  [ "$(number dma_read)" = $(($(number client_written) + $(number port_written))) ] || fail "the bytes do not add up"
  [ "$(number dma_written)" = $(($(number client_read) + $(number port_read))) ] || fail "the bytes do not add up"
done

# one request in 16 has its latency measured, whichever way it goes
for cpus in 1 2; do
  status 0 "$DRYPORT" run "$simple" --cpus $cpus --summary "$work/summary" --workload rw:ops=3200,sizes=512-512
  [ "$(number latency_samples)" -ge 190 ] || fail "$(number latency_samples) samples of 3200 requests"
done

# uncounted: nothing is claimed of what nobody knows
status 0 "$DRYPORT" run "$simple" --no-stats --summary "$work/summary" --workload rw:ops=100,verify
[ "$(number srbs)$(number lists_got)$(number latency_samples)" = 000 ] || fail "counted: $(cat "$work/summary")"
! grep -q 'every byte is accounted for' "$work/out" || fail "$(cat "$work/out")"

# a driver that keeps a write through all resets: it is said, the adapter is given up, and all that wait for it hear so
cp -r "$SOURCE_ROOT/examples/ramdisk" "$work/keeps"
sed -i -E 's/^(\tif \(Function == SRB_FUNCTION_EXECUTE_SCSI\))$/\tstatic int Writes;\n\tif (Function == SRB_FUNCTION_EXECUTE_SCSI \&\& SrbGetCdb(Srb)->AsByte[0] == SCSIOP_WRITE \&\& ++Writes == 5)\n\t\treturn TRUE;\n\1/' "$work/keeps/ramdisk.c"
! cmp -s "$SOURCE_ROOT/examples/ramdisk/ramdisk.c" "$work/keeps/ramdisk.c" || fail "nothing is changed"
cat >"$work/short.reg" <<'R'
Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\keeps\Parameters]
"IoTimeoutValue"=dword:00000001
R
random "$work/in" 8M
for by in '--cpus 2 --workload rw:ops=500,verify' '--seed 1 --workload rw:ops=500,verify' "--size 16M -- nbdcopy $work/in {uri}"; do
  # shellcheck disable=SC2086 # words
  status 1 timeout 60 "$DRYPORT" run "$work/keeps" --registry "$work/short.reg" $by
  says 'is still with the miniport after a bus reset \(R-5\)'
  says '1 requests never came back'
done
