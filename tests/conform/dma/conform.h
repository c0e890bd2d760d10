/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A driver that uses each operation of DMA_OPERATIONS as its page documents it, and sees whether it
 * answers so. See README.md. main.c is the miniport around it; ../kit prints outcomes, buffer.c has
 * memory with a pattern and a device that moves it, call.c the driver's routines; the other files
 * are checks, a subject each. Numbers (CH-1, X-34, 2.2 ...) are those of the project's list of
 * facts.
 */
#include <storport.h>
#include "../kit/kit.h"

#define CF_TAG 'mrfC'

/* ---- what a member of DMA_OPERATIONS returns ---- */

#define STATUS_IS(Member, Wanted, Call) CfReturns(#Member, (ULONG)(Wanted), (ULONG)(Call), __LINE__)
#define IS_NULL(Member, Call)		CfReturns(#Member, 0, (ULONG_PTR)(Call), __LINE__)
#define IS_FALSE(Member, Call)		CfReturns(#Member, FALSE, (Call), __LINE__)

/* ---- buffer.c: memory, and the device ---- */

#define CF_PARTS 4
#define CF_BLOCK 512

typedef struct _CF_BUFFER {
	ULONG Parts, Length;
	PMDL Mdl; /* of the first part, the others behind it */
	struct {
		PUCHAR Base, Va; /* the allocation, and where the data begins */
		ULONG Length;
		PMDL Mdl;
	} Part[CF_PARTS];
} CF_BUFFER, *PCF_BUFFER;

/* Page offset and length of each part. The rest of its pages is guarded. */
typedef struct _CF_SPAN {
	ULONG Offset, Length;
} CF_SPAN;

BOOLEAN CfBufferNew(PCF_BUFFER Buffer, ULONG Parts, const CF_SPAN *Span);
VOID CfBufferFree(PCF_BUFFER Buffer);
/* Where byte From of the chain is, and in which MDL. */
PVOID CfBufferAt(const CF_BUFFER *Buffer, ULONG From, PMDL *Mdl);
/* Room for a list. */
#define CF_ELEMENTS 20
typedef struct _CF_LIST {
	ULONG64 Room[2 + 3 * CF_ELEMENTS];
} CF_LIST;
C_ASSERT(sizeof(CF_LIST) ==
	 sizeof(SCATTER_GATHER_LIST) + CF_ELEMENTS * sizeof(SCATTER_GATHER_ELEMENT));

/* Before, during and after a transfer of bytes [From, From + Length). */
VOID CfBefore(PCF_BUFFER Buffer, ULONG From, ULONG Length, BOOLEAN Write);
VOID CfMove(PSCATTER_GATHER_LIST List, ULONG Length, BOOLEAN Write);
VOID CfAfter(PCF_BUFFER Buffer, ULONG From, ULONG Length, BOOLEAN Write);
/* The same for memory that the device always reaches. */
VOID CfCommon(PUCHAR Va, ULONG64 Address, ULONG Length);
/* The controller's status for a transfer of a block at this address: 0, done; 4, no memory. */
ULONG CfTouch(ULONG64 Address, BOOLEAN Write);
UCHAR CfPattern(ULONG Seed, ULONG At);
BOOLEAN CfDeviceStart(VOID);
VOID CfDeviceStop(VOID);
/* main.c: rings the bell for one command; the completion's status, -1: it never came. */
ULONG CfCommand(BOOLEAN Write, ULONG64 List, ULONG Elements);

/* ---- call.c: adapters, and routines of a driver's ---- */

extern PDEVICE_OBJECT CfPhysical, CfFunctional;
extern PDMA_ADAPTER CfAdapter; /* version 3, scatter/gather, 64 KiB */
extern ULONG CfRegisters;      /* that it was granted */
extern BOOLEAN CfIommu, CfBounces, CfLimited;

#define OPS(Adapter) ((Adapter)->DmaOperations)
#define CF_MAXIMUM   0x10000

/* 128 bytes, opaque. */
typedef struct _CF_CONTEXT {
	ULONG64 Room[DMA_TRANSFER_CONTEXT_SIZE_V1 / sizeof(ULONG64)];
} CF_CONTEXT, *PCF_CONTEXT;

VOID CfDescribe(PDEVICE_DESCRIPTION Description, ULONG Version);
PDMA_ADAPTER CfAdapterNew(
	ULONG Version, BOOLEAN ScatterGather, ULONG MaximumLength, PULONG Registers);
VOID CfAdapterPut(PDMA_ADAPTER Adapter);
BOOLEAN CfOpen(VOID);
VOID CfClose(VOID);

typedef struct _CF_CALL {
	KEVENT Event;
	ULONG Calls;
	KIRQL Irql;
	PDEVICE_OBJECT Device;
	struct _IRP *Irp;
	PVOID Base;
	PSCATTER_GATHER_LIST List;
	IO_ALLOCATION_ACTION Action;	       /* what the AdapterControl routine returns */
	VOID (*Inside)(struct _CF_CALL *Call); /* done in the routine */
	PVOID Context;
} CF_CALL, *PCF_CALL;

VOID CfCallInitialize(PCF_CALL Call, IO_ALLOCATION_ACTION Action);
/* Waits until it was called once more; then that was at DISPATCH_LEVEL with this device object. */
BOOLEAN CfCalled(PCF_CALL Call, PDEVICE_OBJECT Device);
BOOLEAN CfNotCalled(PCF_CALL Call);
DRIVER_CONTROL CfControl;
DRIVER_LIST_CONTROL CfListControl;
/* Adapter channels for who only wants one: the MapRegisterBase, NULL: none was to be had. */
PVOID CfChannel(PDMA_ADAPTER Adapter, ULONG Registers, IO_ALLOCATION_ACTION Action);
/* channel.c: AllocateAdapterChannel and FreeAdapterChannel, at DISPATCH_LEVEL. */
NTSTATUS CfAsk(PDMA_ADAPTER Adapter, PDEVICE_OBJECT Device, ULONG Registers,
	PDRIVER_CONTROL Routine, PCF_CALL Call);
VOID CfRelease(PDMA_ADAPTER Adapter);
VOID CfFreeRegisters(PDMA_ADAPTER Adapter, PVOID Base, ULONG Registers);
/* All map registers that an adapter of 2 GiB is granted; NULL: there is no such limit. */
BOOLEAN CfTakeAll(VOID);
VOID CfGiveAll(VOID);
/* Get's list of bytes [From, From + Length), and its return. */
PSCATTER_GATHER_LIST CfGet(
	PDMA_ADAPTER Adapter, PCF_BUFFER Buffer, ULONG From, ULONG Length, BOOLEAN Write);
VOID CfPut(PDMA_ADAPTER Adapter, PSCATTER_GATHER_LIST List, BOOLEAN Write);

/* ---- the checks ---- */

extern const CF_CHECK CfAdapterChecks[], CfCommonChecks[], CfMdlChecks[], CfDomainChecks[],
	CfChannelChecks[], CfChannelExChecks[], CfMapExChecks[], CfListChecks[], CfListFailures[],
	CfListExChecks[], CfShortageChecks[];
VOID CfIrqlChecks(VOID);
