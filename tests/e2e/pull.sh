#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# A SCSI Port miniport: a file system goes in and comes out; on other machines, engines and seeds every byte is right; what
# is wrong with such a driver is told.
. "$(dirname "$0")/lib.sh"
need mke2fs e2fsck debugfs sg_raw

pull=$SOURCE_ROOT/examples/pull

mke2fs -q -t ext4 -d "$SOURCE_ROOT/include" "$work/image" 64M
status 0 "$DRYPORT" run "$pull" --size 64M -- sh -ec "nbdcopy '$work/image' \"\$uri\"; nbdcopy \"\$uri\" '$work/copy'"
says 'driver +pull, device simple'
cmp "$work/image" "$work/copy"
e2fsck -f -n "$work/copy"
mkdir "$work/files"
debugfs -R "rdump / $work/files" "$work/copy" 2>"$work/err"
rm -rf "$work/files/lost+found"
diff -r "$SOURCE_ROOT/include" "$work/files"

# rings of two and of four: the next request is asked for when there is room; lists of three elements; a device of 32
# address bits behind each engine
for machine in '--cpus 1' '--cpus 3' '--cpus 4 --hw simple:ring=4' '--hw simple:ring=2' '--hw simple:max-elements=3' \
  '--block-size 4096 --memory high' '--cpus 3 --seed 7' '--engine bounce --hw simple:width=32 --memory high' \
  '--engine iommu --cpus 2' '--engine iommu --hw simple:width=32 --memory high' '--engine iommu --strict --seed 11' \
  '--dma-width 32 --memory high --engine bounce --map-registers 64 --seed 5' '--dma-width 32 --memory high --engine bounce --map-registers 16'; do
  # shellcheck disable=SC2086
  status 0 "$DRYPORT" run "$pull" $machine --summary "$work/summary" --workload rw:ops=2000,verify
  [ "$(number srbs)" -ge 2000 ] || fail "$machine: $(number srbs) SRBs for 2000 operations"
  [ "$(number lists_got)" -ge 2000 ] || fail "$machine: $(number lists_got) lists for 2000 operations"
  grep -q '"verdict": "good"' "$work/summary" || fail "$machine: $(cat "$work/summary")"
done
status 0 "$DRYPORT" run "$pull" --cpus 2 --workload rw:ops=200,verify --seeds 20

# the same from its events: one request after the other, at the interrupt's IRQL
status 0 "$DRYPORT" run "$pull" --trace "$work/trace" --workload rw:ops=100
grep -q ' hw.startio ' "$work/trace" || fail 'no hw.startio in the trace'
! grep -q ' hw.buildio ' "$work/trace" || fail 'a pulling miniport has no HwStorBuildIo'

# NAME EXPRESSION: a copy of the driver with one line changed
variant() {
  mkdir -p "$work/$1/pull"
  cp -r "$SOURCE_ROOT/examples/simple" "$work/$1/"
  cp "$pull"/* "$work/$1/pull/"
  sed -i -E "$2" "$work/$1/pull/pull.c"
  [ "$(diff "$pull/pull.c" "$work/$1/pull/pull.c" | grep -c '^>')" = 1 ] || fail "$1: the expression does not change exactly one line: $2"
}

# a list that leads elsewhere is seen: the device meets memory that is not the request's, or the data is wrong
variant shifted 's/^\t\tElement->Length = Length;/\t\tElement->Length = Length, Element->Address ^= Length > 512 ? 512 : 0;/'
status 1 "$DRYPORT" run "$work/shifted/pull" --workload rw:ops=500,verify
says 'bus address 0x[0-9a-f]+ failed: the memory there belongs to nobody|wrong data'
status 1 "$DRYPORT" run "$work/shifted/pull" --engine iommu --workload rw:ops=500,verify
says 'bus address 0x[0-9a-f]+ failed: it lies outside what is mapped'

# more may be mapped behind the data: a list that is not clipped is longer than the request, and the device refuses it
variant unclipped 's/^\t\tLength = min\(Length, Left\);/\t\tLeft = Length > Left ? Length : Left;/'
status 1 "$DRYPORT" run "$work/unclipped/pull" --workload rw:ops=50,sizes=512
says 'the request failed'

# data may be asked about, not touched
variant touch 's/^\tPUCHAR Cdb = Srb->Cdb;/&if (Srb->DataTransferLength == 4096) *(volatile UCHAR *)Srb->DataBuffer;/'
status 1 "$DRYPORT" run "$work/touch/pull" --workload rw:ops=500,sizes=4k
says 'without MapBuffers'
says 'PullBuildScsi'

# an address that is nobody's is not converted
variant stray 's/ScsiPortGetPhysicalAddress\(Adapter, Srb, Data, &Length\)/ScsiPortGetPhysicalAddress(Adapter, NULL, Data, \&Length)/'
status 1 "$DRYPORT" run "$work/stray/pull" --workload rw:ops=10
says 'ScsiPortGetPhysicalAddress: .* cannot have'

# completed twice
variant twice 's/^\tScsiPortNotification\(RequestComplete, Adapter, Srb\);/&ScsiPortNotification(RequestComplete, Adapter, Srb);/'
status 1 "$DRYPORT" run "$work/twice/pull" --workload rw:ops=10
says 'a second time'

# the next request of the unit is asked for while a flush, which has no tag, is on its way
variant beside 's/^\tAdapter->Waits = Adapter->Untagged != 0 \|\|/\tAdapter->Waits = /'
status 1 "$DRYPORT" run "$work/beside/pull" --workload rw:ops=10
says 'NextLuRequest: an untagged request of unit 0:0:0 is active'

# a request that the driver forgets: the bus is reset, which completes it, and it is sent again; the rest goes on
variant forgets 's/^\t\tif \(Srb != NULL\)$/\t\tstatic ULONG Count;if (Srb != NULL \&\& ++Count != 60)/'
status 1 "$DRYPORT" run "$work/forgets/pull" --seed 4 --summary "$work/summary" --workload rw:ops=500,verify
says 'request 60 .* was not completed within its'
[ "$(wc -l <"$work/err")" = 1 ] || fail "more is wrong: $(cat "$work/err")"
[ "$(number srb_errors)" = 1 ] || fail "$(number srb_errors) errors"

# without AutoRequestSense the port asks for sense data, and the program gets them
mkdir -p "$work/asked/pull"
cp -r "$SOURCE_ROOT/examples/simple" "$work/asked/"
cp "$pull"/* "$work/asked/pull/"
sed -i -e 's/\.AutoRequestSense = TRUE/.AutoRequestSense = FALSE/' \
  -e 's/^\t\tif (Srb->SenseInfoBufferLength >= sizeof(SENSE_DATA)) {/\t\tKept = Done->Sense;\n\t\tif (0) {/' \
  -e 's/^static VOID PullComplete/static SENSE_DATA Kept;\n&/' \
  -e 's/^\t} else if (!PullBuild(Adapter, Srb, &Command)) {/\t} else if (Srb->Function == SRB_FUNCTION_EXECUTE_SCSI \&\& Srb->Cdb[0] == SCSIOP_REQUEST_SENSE) {\n\t\tRtlCopyMemory(Srb->DataBuffer, \&Kept, sizeof(Kept));\n\t\tSrb->DataTransferLength = sizeof(Kept);\n\t\tPullComplete(Adapter, Srb, SRB_STATUS_DATA_OVERRUN);\n\t} else if (!PullBuild(Adapter, Srb, \&Command)) {/' \
  "$work/asked/pull/pull.c"
[ "$(grep -c Kept "$work/asked/pull/pull.c")" = 4 ] || fail "asked: the driver could not be changed"
for machine in '' '--engine iommu --cpus 2'; do
  # shellcheck disable=SC2086
  status 22 "$DRYPORT" run "$work/asked/pull" $machine --sg --trace "$work/trace" -- \
    sg_raw -r 512 /dev/dryport0 28 00 00 ff ff ff 00 00 01 00 # 22: out of range
  says 'Logical block address out of range'
  [ "$(grep -c ' srb.submit .*command 03' "$work/trace")" = 1 ] || fail 'not one REQUEST SENSE in the trace'
done
status 0 "$DRYPORT" run "$work/asked/pull" --cpus 2 --workload rw:ops=500,verify --seeds 5
