/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The log page of the simple controller, by IO_CONTROL: the data comes into a buffer of the
 * miniport's own, so it takes an MDL and a list of its own (Build, then Put). See simple.c.
 */
#include "simple.h"

static VOID SimpleStartLog(
	PVOID *DeviceObject, PVOID *Irp, PSTOR_SCATTER_GATHER_LIST List, PVOID Context)
{
	PSIMPLE_REQUEST Request = Context;
	PSIMPLE_ADAPTER Adapter = Request->Adapter;
	STOR_LOCK_HANDLE Lock;

	Request->LogList = List;
	SimpleSetList(Adapter, Request, List);
	StorPortAcquireSpinLock(Adapter, StartIoLock, NULL, &Lock);
	if (Adapter->Gone)
		SimpleComplete(Adapter, Request, SRB_STATUS_NO_DEVICE);
	else if (!SimpleSubmit(Adapter, Request))
		SimpleComplete(Adapter, Request, SRB_STATUS_BUSY);
	StorPortReleaseSpinLock(Adapter, &Lock);
}

VOID SimpleBuildLog(PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request)
{
	PSRB_IO_CONTROL Control = SrbGetDataBuffer(Request->Srb);
	/* The list stands behind the page, which may lie across a page boundary: two elements. */
	ULONG Room = sizeof(STOR_SCATTER_GATHER_LIST) + 2 * sizeof(STOR_SCATTER_GATHER_ELEMENT);

	Request->Command.Opcode = SIMPLE_LOG;
	Request->Adapter = Adapter;
	Request->Log = Request->Mdl = NULL;
	Request->LogList = NULL;
	if (SrbGetDataTransferLength(Request->Srb) < sizeof(*Control) + SIMPLE_LOG_SIZE ||
		memcmp(Control->Signature, "DRYSIMPL", sizeof(Control->Signature)) != 0)
		SimpleComplete(Adapter, Request, SRB_STATUS_INVALID_REQUEST);
	/* Once it is built, SimpleStartLog has the request, maybe before this call returns. */
	else if (StorPortAllocatePool(Adapter, SIMPLE_LOG_SIZE + Room, 'lmiS', &Request->Log) ||
		 StorPortAllocateMdl(Adapter, Request->Log, SIMPLE_LOG_SIZE, &Request->Mdl) ||
		 StorPortBuildMdlForNonPagedPool(Adapter, Request->Mdl) ||
		 StorPortBuildScatterGatherList(Adapter, Request->Mdl, Request->Log,
			 SIMPLE_LOG_SIZE, SimpleStartLog, Request, FALSE,
			 (PUCHAR)Request->Log + SIMPLE_LOG_SIZE, Room))
		SimpleComplete(Adapter, Request, SRB_STATUS_ERROR);
}

/* Gives back what a log request holds, and its page to whom it is for. */
DECLSPEC_NOINLINE VOID SimpleEndLog(PSIMPLE_REQUEST Request, UCHAR SrbStatus)
{
	/* First Put: until then what the controller wrote may lie in a bounce buffer. */
	if (Request->LogList != NULL)
		StorPortPutScatterGatherList(Request->Adapter, Request->LogList, FALSE);
	if (SrbStatus == SRB_STATUS_SUCCESS)
		RtlCopyMemory((PSRB_IO_CONTROL)SrbGetDataBuffer(Request->Srb) + 1, Request->Log,
			SIMPLE_LOG_SIZE);
	if (Request->Mdl != NULL)
		StorPortFreeMdl(Request->Adapter, Request->Mdl);
	if (Request->Log != NULL)
		StorPortFreePool(Request->Adapter, Request->Log);
}
