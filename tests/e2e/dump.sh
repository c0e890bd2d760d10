#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# The machine crashes in the middle of a workload, and its driver writes the memory to the disk in crash-dump mode: what is
# on the disk is what memory held, whatever the moment; drivers that cannot do it, or do what they must not, are told.
. "$(dirname "$0")/lib.sh"

workload=rw:ops=300,verify

# the disk and a copy that the host made are the same; what was there before the image stays
random "$work/disk" 24M
for machine in 'simple' 'nvme' 'simple --memory high' 'nvme --memory high' 'nvme --cpus 3' 'simple --cpus 2 --seed 3' \
  'simple --memory high --engine bounce --hw simple:width=32' 'nvme --engine bounce --dma-width 32' \
  'simple --hw simple:intx' 'nvme --hw nvme:vectors=0' 'nvme --block-size 4096' 'simple --hw simple:max-elements=3'; do
  cp "$work/disk" "$work/now"
  # shellcheck disable=SC2086
  status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/"$machine --disk "$work/now" --workload $workload,span=8M --dump \
    --dump-offset 12M --dump-size 9M --dump-image "$work/image" --summary "$work/summary"
  [ "$(stat -c %s "$work/image")" = $((9 << 20)) ] || fail "$machine: the image has $(stat -c %s "$work/image") bytes"
  cmp -i 12M:0 -n 9M "$work/now" "$work/image"
  cmp -i 8M -n 4M "$work/now" "$work/disk"
  cmp -i 21M "$work/now" "$work/disk"
  [ "$(number dump_bytes)" = $((9 << 20)) ] || fail "$machine: $(number dump_bytes) bytes"
  [ "$(number dump_writes)" -ge 144 ] || fail "$machine: $(number dump_writes) writes"
  [ "$(number crash_operations)" -ge 150 ] || [[ $machine = *seed* ]] || fail "$machine: $(number crash_operations) operations"
done
# memory is no zeros: data of the workload is in it
[ "$(tr -d '\0' <"$work/image" | wc -c)" -gt 4096 ] || fail 'the image is empty'

# without a size: all that there is room for; with the number of operations
status 0 "$DRYPORT" run "$simple" --size 16M --workload $workload --dump --dump-after 20 --summary "$work/summary"
[ "$(number dump_bytes)" = $((16 << 20)) ] || fail "$(number dump_bytes) bytes"
[ "$(number crash_operations)" -ge 20 ] && [ "$(number crash_operations)" -lt 300 ] || fail "$(number crash_operations) operations"
status 0 "$DRYPORT" run "$simple" --size 128M --ram 64M --workload $workload --dump --summary "$work/summary"
[ "$(number dump_bytes)" = $((64 << 20)) ] || fail "$(number dump_bytes) bytes"

status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/nvme" --cpus 2 --seed 2 --size 1M --workload $workload --dump --summary "$work/summary"
[ "$(number crash_outstanding)" -ge 1 ] || fail 'no request was outstanding'

# at other moments; the same seed is the same crash
count=40
[ "$SANITIZED" = 0 ] || count=8
for machine in 'simple --cpus 2' 'nvme --cpus 3' 'nvme --memory high'; do
  # shellcheck disable=SC2086
  status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/"$machine --size 1M --workload rw:ops=60,verify --dump --seeds $count
done
for run in 1 2; do
  status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/nvme" --cpus 2 --size 4M --workload rw:ops=60 --dump --seed 9 --trace "$work/trace$run" --dump-image "$work/image$run"
done
cmp "$work/trace1" "$work/trace2"
cmp "$work/image1" "$work/image2"
grep -q ' irql=15 .*hw.startio\|hw.startio.* irql=15\|15 .* hw.startio ' "$work/trace1" || fail 'HwStorStartIo was not called at HIGH_LEVEL'

# NAME EXPRESSION: a copy of the driver with one line changed
variant() {
  cp -r "$SOURCE_ROOT/examples/simple" "$work/$1"
  sed -i -E "$2" "$work/$1/simple.c"
  [ "$(diff "$simple/simple.c" "$work/$1/simple.c" | grep -c '^>')" = 1 ] || fail "$1: the expression does not change exactly one line: $2"
}
dump_of() { status "$1" "$DRYPORT" run "$work/$2" --size 1M --workload rw:ops=40 --dump "${@:3}"; }

# what is broken is told with the driver's line
variant pool 's/^\treturn Adapter->Commands != NULL \?.*/\t{PVOID P;StorPortAllocatePool(Adapter, 64, 0x6c6d6953, \&P);}&/'
line=$(grep -n 'StorPortAllocatePool' "$work/pool/simple.c" | cut -d: -f1)
dump_of 1 pool
says "extended function AllocatePool in dump mode: .*SimpleFindAdapter.*simple.c:$line"
variant dpc 's/^\tif \(!\(\(PSIMPLE_ADAPTER\)Extension\)->IsDump\)$/\tif (TRUE)/'
dump_of 1 dpc --seed 1
says 'StorPortIssueDpc in dump mode'
says 'a write was not completed within its 10 s'
variant time 's/^\tAdapter->IsDump = Config->DumpMode != 0;/&{LARGE_INTEGER T;if (Adapter->IsDump) StorPortQuerySystemTime(\&T);}/'
dump_of 1 time
says 'StorPortQuerySystemTime in dump mode: .*SimpleFindAdapter'
variant passive 's/^\tif \(\(\(PSIMPLE_ADAPTER\)Extension\)->IsDump\)$/\tif (FALSE)/'
dump_of 1 passive
says 'StorPortEnablePassiveInitialization in dump mode'
says 'HwStorInitialize failed in dump mode'
variant large 's/^\t\tAdapter->Entries \* \(sizeof\(SIMPLE_COMMAND\).*/\t\tAdapter->IsDump ? 65537 : &/'
dump_of 1 large
says 'StorPortGetUncachedExtension of 65537 bytes in dump mode'
variant greedy 's/^\t\tAdapter->Entries \* \(sizeof\(SIMPLE_COMMAND\).*/\t\tAdapter->IsDump ? 40000 : &/'
dump_of 0 greedy
says 'in dump mode a driver should not take more than 32768'

# drivers that refuse, and a device that does
variant refuses 's/^\treturn StorPortInitialize\(/\treturn RegistryPath == NULL ? 0xC00000BB : StorPortInitialize(/'
dump_of 1 refuses
says 'dump_refuses: DriverEntry failed with status c00000bb'
variant unfound 's/^\tif \(!Registers \|\| /&Config->DumpMode || /'
dump_of 1 unfound
says 'dump_unfound: in dump mode HwStorFindAdapter does not take .*: it returned'
for seed in $(seq 20); do # of which the first that begins with a read
  status 1 "$DRYPORT" run "$simple" --size 1M --read-only --workload "rw:ops=1,depth=1,seed=$seed" --dump
  if ! grep -q 'the request failed' "$work/err"; then break; fi
done
says "in dump mode a write to block 0 failed: SRB status 04, SCSI status 02, sense 07/27/00"

# a controller that is not reset still has the commands of the driver that was there before
variant unreset 's/^\t\treturn SimpleControl\(Extension, 0\) && SimpleStart\(Extension\);/\t\treturn SimpleStart(Extension);/'
dump_of 1 unreset --seed 1
says 'was not completed within its 10 s|HwStorInitialize failed'
# wrong data is seen by the host
variant wrong 's/^\tSimpleSetList\(Adapter, Request, List\);/{&if (Adapter->IsDump) Request->List[1] = Request->List[0];}/'
dump_of 1 wrong
says 'byte [0-9]+ of the disk is [0-9a-f]{2}; what dump_wrong was given for it is'

# a bug check of the driver is followed by a dump
variant bugcheck 's/^\tif \(!\(\(PSIMPLE_ADAPTER\)Extension\)->IsDump\)$/\tif (!((PSIMPLE_ADAPTER)Extension)->IsDump \&\& ((PSIMPLE_ADAPTER)Extension)->Submitted >= 30) KeBugCheckEx(0xE2, 1, 2, 3, 4);&/'
sed -i 's/#include <storport.h>/#include <ntddk.h>\n&/' "$work/bugcheck/simple.h"
status 1 "$DRYPORT" run "$work/bugcheck" --hw simple:intx --size 1M --workload rw:ops=400 --dump
says '1048576 bytes of memory are on the disk, in 16 writes of dump_bugcheck'
says 'bug check 0xE2 \(MANUALLY_INITIATED_CRASH\)'

# while there is no unit yet, or none any more, it is a bug check and no more
for place in unload start; do
  variant $place 's/^(\treturn )(StorPortInitialize\(.*\));/\1SimplePlace(DriverObject, RegistryPath, \2);/'
  sed -i -E 's/#include <storport.h>/#include <ntddk.h>\n&\nstatic inline VOID SimpleEnd(PDRIVER_OBJECT D) { KeBugCheckEx(0xE2, 1, 2, 3, 4); }/' "$work/$place/simple.h"
done
echo 'static inline NTSTATUS SimplePlace(PDRIVER_OBJECT D, PVOID Path, NTSTATUS S) { if (Path) D->DriverUnload = SimpleEnd; return S; }' >>"$work/unload/simple.h"
echo 'static inline NTSTATUS SimplePlace(PDRIVER_OBJECT D, PVOID Path, NTSTATUS S) { if (Path) SimpleEnd(D); return S; }' >>"$work/start/simple.h"
for place in unload start; do
  status 1 "$DRYPORT" run "$work/$place" --size 1M --dump -- true
  says 'bug check 0xE2 \(MANUALLY_INITIATED_CRASH\)'
  ! grep -q 'no dump\|crashed\|Segmentation' "$work/err" || fail "$place: $(cat "$work/err")"
done

# nor can it be written to a unit that has been pulled out
status 1 "$DRYPORT" run "$SOURCE_ROOT/examples/nvme" --size 16M --cpus 2 --workload rw:ops=400,verify,span=1M --hold 10 --seed 1 \
  --dump --at 1us:unplug
says '0:0:0: the request failed'
! grep -q 'Segmentation' "$work/err" || fail "$(cat "$work/err")"
variant pulled 's/^\t\tSimpleGone\(Extension\);/\t\tKeBugCheckEx(0xE2, 1, 2, 3, 4);/'
sed -i 's/#include <storport.h>/#include <ntddk.h>\n&/' "$work/pulled/simple.h"
dump_of 1 pulled --hold 60 --at 1us:unplug
says 'no dump: --dump: its unit has gone\.'
says 'bug check 0xE2 \(MANUALLY_INITIATED_CRASH\)'

# page after page in the order of frames, the first of which is that of the second MiB: a place of the driver's is found there
cp -r "$simple" "$work/place"
sed -i -E 's/^\tAdapter->IsDump = .*/&if (!Adapter->IsDump) {ULONG L; PUCHAR At = (PUCHAR)(Adapter + 1); RtlCopyMemory(At, "here it is", 10); DbgPrint("place %llu\\n", StorPortGetPhysicalAddress(Adapter, NULL, At, \&L).QuadPart);}/
  s/sizeof\(SIMPLE_ADAPTER\),/sizeof(SIMPLE_ADAPTER) + 10,/' "$work/place/simple.c"
sed -i 's/#include <storport.h>/#include <ntddk.h>\n&/' "$work/place/simple.h"
status 0 "$DRYPORT" run "$work/place" --memory contiguous --ram 64M --size 64M --workload rw:ops=40 --dump --dump-image "$work/image"
place=$(sed -n 's/.*place \([0-9]*\)$/\1/p' "$work/err")
[ "$(tail -c +$((place - (1 << 20) + 1)) "$work/image" | head -c 10)" = 'here it is' ] || fail "it is not at $place"

# what the driver says in ordinary mode reaches it in dump mode: requests are as short as it said, and its data comes along
pointers() {
  cp -r "$simple" "$work/$1"
  sed -i -E 's/^\tcase SRB_FUNCTION_FLUSH:/\tcase SRB_FUNCTION_DUMP_POINTERS: {PMINIPORT_DUMP_POINTERS P = SrbGetDataBuffer(Request->Srb);'"$2"'SimpleComplete(Adapter, Request, SRB_STATUS_SUCCESS);return FALSE;}\n\tcase SRB_FUNCTION_FREE_DUMP_POINTERS: DbgPrint("simple: no dump\\n");SimpleComplete(Adapter, Request, SRB_STATUS_SUCCESS);return FALSE;\n&/
    s/^\t\t\.NumberOfAccessRanges = 1,/&.FeatureSupport = STOR_FEATURE_DUMP_POINTERS,/
    s/^\tAdapter->IsDump = .*/&if (Adapter->IsDump \&\& Config->MiniportDumpData != (PVOID)(ULONG_PTR)0x1234) return SP_RETURN_BAD_CONFIG;/' "$work/$1/simple.c"
  sed -i 's/#include <storport.h>/#include <ntddk.h>\n&/' "$work/$1/simple.h"
}
pointers pointers 'P->Version = DUMP_MINIPORT_VERSION_1; P->Size = sizeof(*P);P->MaximumTransferLength = 8192;P->MiniportPrivateDumpData = (PVOID)(ULONG_PTR)0x1234;'
dump_of 0 pointers --summary "$work/summary"
[ "$(number dump_writes)" = 128 ] || fail "$(number dump_writes) writes of a MiB"
# nothing crashed: they are given back
status 0 "$DRYPORT" run "$work/pointers" --size 1M --dump -- true
says 'simple: no dump'
pointers unversioned 'P->Size = sizeof(*P);P->MiniportPrivateDumpData = (PVOID)(ULONG_PTR)0x1234;'
dump_of 1 unversioned
says 'SRB_FUNCTION_DUMP_POINTERS succeeded with Version 0 and Size 112'
says 'HwStorFindAdapter does not take .*: it returned 3'

# memory that the driver marks is in the trace
variant marks 's/^\tAdapter->IsDump = .*/&StorPortMarkDumpMemory(Adapter, Adapter, sizeof(*Adapter), 0);/'
dump_of 0 marks --trace "$work/trace"
[ "$(grep -c ' log .*StorPortMarkDumpMemory: [0-9]* bytes' "$work/trace")" = 2 ] || fail "$(grep ' log ' "$work/trace")"

# what cannot be is refused in a sentence
refused() {
  status 1 "$DRYPORT" run "${@:2}" --workload rw:ops=40
  says "$1"
  one_line
}
refused '--dump: no document says .*iommu' "$simple" --engine iommu --dump
refused '--dump: only Storport' "$SOURCE_ROOT/examples/pull" --dump
refused '--dump: the machine has no device' "$SOURCE_ROOT/examples/ramdisk" --dump
refused '--dump: the machine has no device' "$simple" --hw simple:null --dump
refused '--dump: a device.s delay' "$simple" --hw simple:delay=9 --dump
refused '--dump-size 2097152: .* 1048576' "$simple" --size 1M --dump --dump-size 2M
refused '--dump-offset 2097152: no block' "$simple" --size 1M --dump --dump-offset 2M
refused '--dump: .*go with it' "$simple" --dump-offset 1M
