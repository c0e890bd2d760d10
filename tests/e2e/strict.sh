#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# --strict: the first broken rule about lists ends the run, and the message names the call, the list and its history.
. "$(dirname "$0")/lib.sh"

# stops NAME TEXT...: the driver $work/NAME is stopped.
stops() {
  local name=$1 text
  shift
  status 1 "$DRYPORT" run "$work/$name" --strict --seed 1 --workload rw:ops=50
  for text; do
    says "$text"
  done
  ! grep -q 'verdict' "$work/out" || fail "$name: the run went on"
}

# where the driver asks for its list, and where it gives a request back
line=$(grep -n '= StorPortGetScatterGatherList(Adapter, Srb' "$simple/simple.c" | cut -d: -f1)
end=$(grep -n '^.if (Done->Status == 0 && Request' "$simple/simple.c" | cut -d: -f1)
get='s/^\tList = StorPortGetScatterGatherList\(Adapter, Srb\);/&'
# at HwStorBuildIo's IRQL Put may be called, for what Build made (SG-25)
variant_of_simple foreign "$get if (List != NULL) StorPortPutScatterGatherList(Adapter, List, FALSE);/"
stops foreign 'Put of the list at .*made by the port and dies with its request' "driver: SimpleBuildScsi \(simple\.c:$line\)"

# SG-31: it is read, and nothing else
variant_of_simple written "$get if (List != NULL) List->NumberOfElements = 1;/"
stops written 'list of request [0-9]+, which is the port.s and must not be modified, was written to' \
  "driver: SimpleBuildScsi \(simple\.c:$line\)"
variant_of_simple late 's/^\tif \(Done->Status == 0 && Request.*/PSTOR_SCATTER_GATHER_LIST List = StorPortGetScatterGatherList(Adapter, Request->Srb);if (List != NULL) {SimpleComplete(Adapter, Request, SRB_STATUS_SUCCESS);(VOID)*(volatile ULONG *)\&List->NumberOfElements;} else&/'
stops late 'list of request [0-9]+, which died with its completion, was read' "driver: SimpleFinish \(simple\.c:$end\)"

# 0xF1/0x1002: half a second for a routine of the driver's, by the machine's clock or the processor's
variant_of_simple slow 's/^\tList = StorPortGetScatterGatherList\(Adapter, Srb\);/for (ULONG Stall = 0; Stall < 6; Stall++) StorPortStallExecution(100000);&/'
stops slow 'HwBuildIo took [0-9]+ ms; it has to be back within half a second'
status 1 "$DRYPORT" run "$work/slow" --strict --workload rw:ops=5
says 'HwBuildIo took [0-9]+ ms; it has to be back within half a second'
sed -i 's/Stall < 6/Stall < 4/' "$work/slow/simple.c"
status 0 "$DRYPORT" run "$work/slow" --strict --seed 1 --workload rw:ops=5

# SG-3, X-15: exactly DISPATCH_LEVEL
variant_of_simple irql 's/^\treturn SimpleStart\(Extension\);/\tStorPortPutScatterGatherList(Extension, Extension, FALSE);&/'
stops irql 'StorPortPutScatterGatherList at IRQL 0; it must be called at DISPATCH_LEVEL' 'driver: SimplePassiveInitialize'

# X-12: a list that Build made, put twice
mkdir "$work/twice"
cp "$simple"/* "$work/twice/"
cat >"$work/twice/twice.c" <<'C'
#include "simple.h"

static UCHAR Buffer[64];

static VOID Called(PVOID *DeviceObject, PVOID *Irp, PSTOR_SCATTER_GATHER_LIST List, PVOID Extension)
{
	StorPortPutScatterGatherList(Extension, List, TRUE);
	StorPortPutScatterGatherList(Extension, List, TRUE);
}

VOID Twice(PVOID Extension)
{
	static PMDL Mdl;

	if (Mdl == NULL && StorPortAllocateMdl(Extension, Extension, 64, (PVOID *)&Mdl) == STOR_STATUS_SUCCESS &&
		StorPortBuildMdlForNonPagedPool(Extension, Mdl) == STOR_STATUS_SUCCESS)
		StorPortBuildScatterGatherList(Extension, Mdl, Extension, 64, Called, Extension, TRUE, Buffer, sizeof(Buffer));
}
C
sed -i 's/^\tPSIMPLE_REQUEST Request = SrbGetMiniportContext(Srb);/&\n\n\tVOID Twice(PVOID);\n\tTwice(Extension);/' "$work/twice/simple.c"
stops twice 'Put of the list at .*: it has been put already, at Called \(twice\.c:7\); it was asked for at Twice \(twice\.c:17\), 64 bytes in 1 elements to write to the device' \
  'driver: Called \(twice\.c:8\)'
