/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Adapter channels of version 3: contexts, channels had at once, cancelled ones; 2.5. See
 * conform.h. */
#include "conform.h"

#define SYNCHRONOUS DMA_SYNCHRONOUS_CALLBACK

static CF_CONTEXT Context, Other;

static VOID Fresh(PCF_CONTEXT Which)
{
	STATUS_IS(InitializeDmaTransferContext, STATUS_SUCCESS,
		OPS(CfAdapter)->InitializeDmaTransferContext(CfAdapter, Which));
}

static NTSTATUS Ask(PCF_CONTEXT Which, ULONG Registers, ULONG Flags, PDRIVER_CONTROL Routine,
	PCF_CALL Call, PVOID *Base)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();
	NTSTATUS Status = OPS(CfAdapter)->AllocateAdapterChannelEx(
		CfAdapter, CfFunctional, Which, Registers, Flags, Routine, Call, Base);

	KeLowerIrql(Irql);
	return Status;
}

static VOID Free(IO_ALLOCATION_ACTION Action)
{
	KIRQL Irql = KeRaiseIrqlToDpcLevel();

	OPS(CfAdapter)->FreeAdapterObject(CfAdapter, Action);
	KeLowerIrql(Irql);
}

/* W:pinitialize_dma_transfer_context, X-30. covers: DMA_OPERATIONS.InitializeDmaTransferContext,
 * DMA_OPERATIONS.AllocateAdapterChannelEx, DMA_OPERATIONS.CancelAdapterChannel */
static VOID ContextsWrong(VOID)
{
	CF_CALL Call;

	CfCallInitialize(&Call, DeallocateObject);
	CfViolates(0, "InitializeDmaTransferContext: there is no transfer context");
	STATUS_IS(InitializeDmaTransferContext, STATUS_INVALID_PARAMETER,
		OPS(CfAdapter)->InitializeDmaTransferContext(CfAdapter, NULL));
	CfViolates(0, "AllocateAdapterChannelEx: there is no transfer context");
	STATUS_IS(AllocateAdapterChannelEx, STATUS_INVALID_PARAMETER,
		Ask(NULL, 1, 0, CfControl, &Call, NULL));
	RtlZeroMemory(&Context, sizeof(Context));
	CfViolates(0, "AllocateAdapterChannelEx: the transfer context was not made");
	STATUS_IS(AllocateAdapterChannelEx, STATUS_INVALID_PARAMETER,
		Ask(&Context, 1, 0, CfControl, &Call, NULL));
	CfViolates(0, "CancelAdapterChannel: the transfer context was not made");
	IS_FALSE(CancelAdapterChannel,
		OPS(CfAdapter)->CancelAdapterChannel(CfAdapter, CfFunctional, &Context));
	/* It must be unique among all requests that have not ended. */
	CfChannel(CfAdapter, 1, KeepObject);
	Fresh(&Context);
	STATUS_IS(AllocateAdapterChannelEx, STATUS_SUCCESS,
		Ask(&Context, 1, 0, CfControl, &Call, NULL));
	CfViolates(0, "AllocateAdapterChannelEx: the transfer context is that of a request");
	STATUS_IS(AllocateAdapterChannelEx, STATUS_INVALID_PARAMETER,
		Ask(&Context, 1, 0, CfControl, &Call, NULL));
	CfViolates(0, "InitializeDmaTransferContext: the transfer context is that of a request");
	STATUS_IS(InitializeDmaTransferContext, STATUS_INVALID_PARAMETER,
		OPS(CfAdapter)->InitializeDmaTransferContext(CfAdapter, &Context));
	CfNotCalled(&Call);
	CfRelease(CfAdapter);
	CfCalled(&Call, CfFunctional);
	/* It has ended, and its context serves the next. */
	STATUS_IS(AllocateAdapterChannelEx, STATUS_SUCCESS,
		Ask(&Context, 1, 0, CfControl, &Call, NULL));
	CfCalled(&Call, CfFunctional);
}

/* W:pallocate_adapter_channel_ex, CH-5. covers: DMA_OPERATIONS.AllocateAdapterChannelEx,
 * DMA_OPERATIONS.FreeAdapterObject */
static VOID Asynchronous(VOID)
{
	CF_CALL Call;

	for (IO_ALLOCATION_ACTION Action = KeepObject; Action <= DeallocateObjectKeepRegisters;
		Action++) {
		Fresh(&Context);
		CfCallInitialize(&Call, Action);
		STATUS_IS(AllocateAdapterChannelEx, STATUS_SUCCESS,
			Ask(&Context, CfRegisters, 0, CfControl, &Call, NULL));
		CfCalled(&Call, CfFunctional);
		CfNotCalled(&Call);
		if (Action == KeepObject) {
			Free(KeepObject); /* has no effect */
			EXPECT("a channel that is held", 0,
				(ULONG_PTR)CfChannel(CfAdapter, 1, DeallocateObject));
			Free(DeallocateObject);
		} else if (Action == DeallocateObjectKeepRegisters) {
			CfFreeRegisters(CfAdapter, Call.Base, CfRegisters);
		}
		EXPECT("a channel that is free", TRUE,
			CfChannel(CfAdapter, 1, DeallocateObject) != NULL);
	}
	CfViolates(0xe6000004, "FreeAdapterObject: no channel is held");
	Free(DeallocateObject);
	CfViolates(0, "FreeAdapterObject: the action is no IO_ALLOCATION_ACTION");
	Free((IO_ALLOCATION_ACTION)4);
}

/* X-33; KeGetCurrentThread tells the caller's thread. covers:
 * DMA_OPERATIONS.AllocateAdapterChannelEx */
static PVOID CallersThread;

static VOID SameThread(PCF_CALL Call)
{
	Call->Context = (PVOID)KeGetCurrentThread();
}

static VOID SynchronousRoutine(BOOLEAN WithBase)
{
	PVOID Base = NULL;
	CF_CALL Call;
	NTSTATUS Status;
	ULONG Calls;
	KIRQL Irql;

	Fresh(&Context);
	CfCallInitialize(&Call, DeallocateObjectKeepRegisters);
	Call.Inside = SameThread;
	CallersThread = (PVOID)KeGetCurrentThread();
	Irql = KeRaiseIrqlToDpcLevel();
	Status = OPS(CfAdapter)->AllocateAdapterChannelEx(CfAdapter, CfFunctional, &Context, 2,
		SYNCHRONOUS, CfControl, &Call, WithBase ? &Base : NULL);
	Calls = Call.Calls;
	KeLowerIrql(Irql);
	STATUS_IS(AllocateAdapterChannelEx, STATUS_SUCCESS, Status);
	EXPECT("calls before the return", 1, Calls);
	CfCalled(&Call, CfFunctional);
	EXPECT("the routine's thread", (ULONG_PTR)CallersThread, (ULONG_PTR)Call.Context);
	if (WithBase)
		EXPECT("the MapRegisterBase", (ULONG_PTR)Call.Base, (ULONG_PTR)Base);
	CfFreeRegisters(CfAdapter, Call.Base, 2);
}

/* covers: DMA_OPERATIONS.AllocateAdapterChannelEx, DMA_OPERATIONS.FreeAdapterObject,
 * DMA_OPERATIONS.FreeMapRegisters */
static VOID Synchronous(VOID)
{
	PVOID Base;
	CF_CALL Call;

	SynchronousRoutine(FALSE);
	SynchronousRoutine(TRUE);
	for (IO_ALLOCATION_ACTION Action = DeallocateObject;
		Action <= DeallocateObjectKeepRegisters; Action++) {
		Base = NULL;
		STATUS_IS(AllocateAdapterChannelEx, STATUS_SUCCESS,
			Ask(&Context, 2, SYNCHRONOUS, NULL, NULL, &Base));
		EXPECT("a MapRegisterBase", TRUE, Base != NULL);
		/* Not at once: then not at all. */
		Fresh(&Other);
		CfCallInitialize(&Call, DeallocateObject);
		STATUS_IS(AllocateAdapterChannelEx, STATUS_INSUFFICIENT_RESOURCES,
			Ask(&Other, 2, SYNCHRONOUS, CfControl, &Call, NULL));
		Free(Action);
		CfNotCalled(&Call);
		EXPECT("calls of who was refused", 0, Call.Calls);
		if (Action == DeallocateObjectKeepRegisters)
			CfFreeRegisters(CfAdapter, Base, 2);
		CfViolates(0xe6000005, "its map registers have been freed");
		CfFreeRegisters(CfAdapter, Base, 2);
	}
}

/* W:pallocate_adapter_channel_ex, X-33. covers: DMA_OPERATIONS.AllocateAdapterChannelEx */
static VOID Refused(VOID)
{
	PVOID Base = NULL;
	CF_CALL Call;

	Fresh(&Context);
	CfCallInitialize(&Call, DeallocateObject);
	CfViolates(0, "only a synchronous caller is given the MapRegisterBase");
	STATUS_IS(AllocateAdapterChannelEx, STATUS_INVALID_PARAMETER,
		Ask(&Context, 1, 0, CfControl, &Call, &Base));
	CfViolates(0, "only a synchronous caller may do without a routine");
	STATUS_IS(AllocateAdapterChannelEx, STATUS_INVALID_PARAMETER,
		Ask(&Context, 1, 0, NULL, NULL, NULL));
	CfViolates(0, "neither a routine nor a place for the MapRegisterBase");
	STATUS_IS(AllocateAdapterChannelEx, STATUS_INVALID_PARAMETER,
		Ask(&Context, 1, SYNCHRONOUS, NULL, NULL, NULL));
	CfViolates(0, "AllocateAdapterChannelEx with flags 0x2");
	STATUS_IS(AllocateAdapterChannelEx, STATUS_INVALID_PARAMETER,
		Ask(&Context, 1, 2, CfControl, &Call, NULL));
	for (ULONG Flags = 0; Flags <= SYNCHRONOUS; Flags++) {
		CfViolates(0xe600000c, "map registers was asked for");
		STATUS_IS(AllocateAdapterChannelEx, STATUS_INSUFFICIENT_RESOURCES,
			Ask(&Context, CfRegisters + 1, Flags, CfControl, &Call, NULL));
	}
	CfNotCalled(&Call);
	EXPECT("a base", 0, (ULONG_PTR)Base);
	/* The context of a request that failed serves the next. */
	STATUS_IS(AllocateAdapterChannelEx, STATUS_SUCCESS,
		Ask(&Context, 1, 0, CfControl, &Call, NULL));
	CfCalled(&Call, CfFunctional);
}

static BOOLEAN Cancel(PDEVICE_OBJECT Device, PCF_CONTEXT Which)
{
	return OPS(CfAdapter)->CancelAdapterChannel(CfAdapter, Device, Which);
}

/* W:pcancel_adapter_channel: TRUE, it waited, and its routine is never called. FALSE: it was
 * called, or is no such request. covers: DMA_OPERATIONS.CancelAdapterChannel,
 * DMA_OPERATIONS.AllocateAdapterChannelEx */
static VOID Cancelled(VOID)
{
	CF_CALL First, Second;

	Fresh(&Context);
	Fresh(&Other);
	CfCallInitialize(&First, DeallocateObject);
	CfCallInitialize(&Second, DeallocateObject);
	IS_FALSE(CancelAdapterChannel, Cancel(CfFunctional, &Context)); /* it asks for nothing */
	CfChannel(CfAdapter, 1, KeepObject);
	STATUS_IS(AllocateAdapterChannelEx, STATUS_SUCCESS,
		Ask(&Context, 1, 0, CfControl, &First, NULL));
	STATUS_IS(AllocateAdapterChannelEx, STATUS_SUCCESS,
		Ask(&Other, 1, 0, CfControl, &Second, NULL));
	IS_FALSE(CancelAdapterChannel, Cancel(CfPhysical, &Context));
	EXPECT("CancelAdapterChannel", TRUE, Cancel(CfFunctional, &Context));
	IS_FALSE(CancelAdapterChannel, Cancel(CfFunctional, &Context));
	CfRelease(CfAdapter);
	CfCalled(&Second, CfFunctional);
	CfNotCalled(&First);
	EXPECT("calls of who was cancelled", 0, First.Calls);
	IS_FALSE(CancelAdapterChannel, Cancel(CfFunctional, &Other));
	STATUS_IS(AllocateAdapterChannelEx, STATUS_SUCCESS,
		Ask(&Context, 1, 0, CfControl, &First, NULL));
	CfCalled(&First, CfFunctional);
}

/* Right after the call the routine may have run, or may not: the answer tells. covers:
 * DMA_OPERATIONS.CancelAdapterChannel */
static VOID CancelledSoon(VOID)
{
	for (ULONG n = 0; n < 8; n++) {
		BOOLEAN Done;
		CF_CALL Call;
		KIRQL Irql;

		Fresh(&Context);
		CfCallInitialize(&Call, DeallocateObject);
		Irql = KeRaiseIrqlToDpcLevel();
		OPS(CfAdapter)->AllocateAdapterChannelEx(
			CfAdapter, CfFunctional, &Context, 1, 0, CfControl, &Call, NULL);
		if (n & 1)
			KeLowerIrql(Irql);
		Done = Cancel(CfFunctional, &Context);
		if (!(n & 1))
			KeLowerIrql(Irql);
		if (Done)
			CfNotCalled(&Call);
		else
			CfCalled(&Call, CfFunctional);
		EXPECT("calls", !Done, Call.Calls);
	}
}

const CF_CHECK CfChannelExChecks[] = {
	{"channel ex/contexts wrong", ContextsWrong},
	{"channel ex/asynchronous", Asynchronous},
	{"channel ex/synchronous", Synchronous},
	{"channel ex/refused", Refused},
	{"channel ex/cancelled", Cancelled},
	{"channel ex/cancelled soon", CancelledSoon},
	{NULL, NULL},
};
