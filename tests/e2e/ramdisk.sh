#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# A virtual miniport: a file system goes in and comes out, processors compete, and nothing is counted as DMA.
. "$(dirname "$0")/lib.sh"
need mke2fs e2fsck debugfs

ramdisk=$SOURCE_ROOT/examples/ramdisk

mke2fs -q -t ext4 -d "$SOURCE_ROOT/include" "$work/image" 64M
status 0 "$DRYPORT" run "$ramdisk" -- sh -ec "nbdcopy '$work/image' \"\$uri\"; nbdcopy \"\$uri\" '$work/copy'"
says 'device none'
says 'device DMA +none'
cmp "$work/image" "$work/copy"
e2fsck -f -n "$work/copy"
mkdir "$work/files"
debugfs -R "rdump / $work/files" "$work/copy" 2>"$work/err"
rm -rf "$work/files/lost+found"
diff -r "$SOURCE_ROOT/include" "$work/files"

# in both kinds of initialization data
cp -r "$ramdisk" "$work/older"
sed -i -E -e 's/^\tHW_INITIALIZATION_DATA Data/\tVIRTUAL_&/; s/\tVIRTUAL_\t/\tVIRTUAL_/' \
  -e '/\.(FeatureSupport|SrbTypeFlags|AddressTypeFlags) =/d' \
  -e '/StorPortInitialize/s/&Data/(PHW_INITIALIZATION_DATA)&/' "$work/older/ramdisk.c"
[ "$(diff "$ramdisk/ramdisk.c" "$work/older/ramdisk.c" | grep -c '^[<>]')" = 7 ] || fail "the older structure is not in use"
for driver in "$ramdisk" "$work/older"; do
  for machine in '--cpus 3' '--cpus 1 --memory high' '--cpus 3 --seed 7'; do
    # shellcheck disable=SC2086
    status 0 "$DRYPORT" run "$driver" $machine --summary "$work/summary" --workload rw:ops=5000,verify
    grep -q 'verdict' "$work/out" || fail "no summary: $(cat "$work/out")"
    [ "$(number srbs)" -ge 5000 ] || fail "$(number srbs) SRBs for 5000 operations"
    [ "$(number client_written)" -gt 0 ] || fail "nothing was written"
    [ "$(number dma_read)$(number dma_written)$(number lists_got)" = 000 ] || fail "DMA without a device"
    grep -q '"has_dma": false' "$work/summary" || fail "$(cat "$work/summary")"
    grep -q '"verdict": "good"' "$work/summary" || fail "$(cat "$work/summary")"
  done
done

# what it stores is seen: one wrong byte is named
cp -r "$ramdisk" "$work/wrong"
sed -i 's/RtlCopyMemory(Place, Data, Blocks \* RAM_BLOCK);/& if (Block > 1000) Place[7] ^= 1;/' "$work/wrong/ramdisk.c"
status 1 "$DRYPORT" run "$work/wrong" --workload rw:ops=500,verify
says 'wrong data: byte [0-9]+ of unit 0:0:0'

# and its memory is missed if it is not given back
cp -r "$ramdisk" "$work/leak"
sed -i 's/^\t\tStorPortFreePool(.*/\t\t(VOID)i;/' "$work/leak/ramdisk.c"
status 1 "$DRYPORT" run "$work/leak" --workload rw:ops=10
grep -q 'left behind at the end' "$work/out" || fail "no leak: $(cat "$work/out")"

# without a device there is no storage to choose
truncate -s 1M "$work/disk"
status 1 "$DRYPORT" run "$ramdisk" --disk "$work/disk" --workload rw:ops=1
one_line
says '--hw none: .*--disk'
# a driver with hardware finds none
status 1 "$DRYPORT" run "$simple" --hw none --workload rw:ops=1
one_line
says 'no mass-storage device for simple'
