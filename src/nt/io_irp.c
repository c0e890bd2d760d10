/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Io: IRPs are made, used again and freed. Their way through drivers: io_call.c. */
#include "nt/io_irp.h"
#include "mem/mem.h"
#include "nt/pool.h"
#include "util/export.h"

#include <string.h>

#define IRP_TAG	   0x20707249 /* "Irp " */
#define BUFFER_TAG 0x75427249 /* "IrBu" */

enum { SYSTEM = 4 }; /* the process that all threads here are of */

bool io_irp_is(const IRP *irp)
{
	enum mem_kind kind = mem_owner(irp)->kind;
	struct pool_info info;

	if (kind == MEM_NONE || kind == MEM_FREE || (uintptr_t)irp & 15)
		return false;
	if (kind == MEM_POOL &&
		(!pool_find(irp, &info) ||
			(size_t)((char *)info.start + info.bytes - (char *)irp) < sizeof(*irp)))
		return false;
	return irp->Type == IO_TYPE_IRP && irp->StackCount > 0 &&
	       irp->Size >= IoSizeOfIrp(irp->StackCount);
}

/* ---- made ---- */

static void initialize(PIRP irp, USHORT bytes, CCHAR locations, UCHAR flags)
{
	memset(irp, 0, bytes);
	irp->Type = IO_TYPE_IRP;
	irp->Size = bytes;
	irp->StackCount = locations;
	irp->CurrentLocation = (CHAR)(locations + 1);
	irp->AllocationFlags = flags;
	InitializeListHead(&irp->ThreadListEntry);
	irp->Tail.Overlay.CurrentStackLocation = (PIO_STACK_LOCATION)(irp + 1) + locations;
}

static PIRP make(const char *routine, CCHAR locations, UCHAR flags, void *site)
{
	PIRP irp;

	/* The highest CurrentLocation has to go into a CHAR. */
	if (locations < 1 || locations > 125) {
		nt_violation(0, "%s for a stack of %d locations", routine, locations);
		return NULL;
	}
	irp = pool_take(IoSizeOfIrp(locations), IRP_TAG, NULL, (uintptr_t)site, 0);
	if (irp)
		initialize(irp, IoSizeOfIrp(locations), locations, flags);
	return irp;
}

PIRP NTAPI IoAllocateIrp(CCHAR StackSize, BOOLEAN ChargeQuota)
{
	cpu_poll();
	nt_irql_max("IoAllocateIrp", IRQL_DISPATCH, NT_C4(NT_RULE_IO_DISPATCH));
	return make("IoAllocateIrp", StackSize, IO_IRP_ALLOCATED, __builtin_return_address(0));
}
DRY_EXPORT(IoAllocateIrp)

/* It must not be used for an IRP of IoAllocateIrp: whose memory that is would be forgotten. */
VOID NTAPI IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
	struct pool_info info;

	cpu_poll();
	nt_irql_max("IoInitializeIrp", IRQL_DISPATCH, NT_C4(NT_RULE_IO_DISPATCH));
	if (StackSize < 1 || PacketSize < IoSizeOfIrp(StackSize)) {
		nt_violation(0,
			"IoInitializeIrp: %u bytes are no room for an IRP with %d stack locations",
			PacketSize, StackSize);
		return;
	}
	if (pool_find(Irp, &info) && info.tag == IRP_TAG && info.start == Irp) {
		nt_violation(0, "IoInitializeIrp of an IRP that IoAllocateIrp made: IoReuseIrp is "
				"for it");
		return;
	}
	initialize(Irp, PacketSize, StackSize, 0);
}
DRY_EXPORT(IoInitializeIrp)

static bool may_be_reused(const IRP *irp)
{
	if (!io_irp_is(irp))
		nt_violation(0, "IoReuseIrp of what is no IRP");
	else if (!(irp->AllocationFlags & IO_IRP_ALLOCATED))
		nt_violation(0, "IoReuseIrp of an IRP that IoAllocateIrp did not make");
	else if (io_irp_is_below(irp))
		nt_violation(0, "IoReuseIrp of an IRP that a driver still has");
	else
		return true;
	return false;
}

VOID NTAPI IoReuseIrp(PIRP Irp, NTSTATUS Iostatus)
{
	cpu_poll();
	nt_irql_max("IoReuseIrp", IRQL_DISPATCH, NT_C4(NT_RULE_IO_DISPATCH));
	if (!may_be_reused(Irp))
		return;
	initialize(Irp, Irp->Size, Irp->StackCount, IO_IRP_ALLOCATED);
	Irp->IoStatus.Status = Iostatus;
}
DRY_EXPORT(IoReuseIrp)

/* ---- freed ---- */

static void release(PIRP irp)
{
	irp->Type = 0; /* who looks at it later sees none, also where pool is not filled */
	pool_give(irp, "IoFreeIrp", NULL);
}

VOID NTAPI IoFreeIrp(PIRP Irp)
{
	cpu_poll();
	nt_irql_max("IoFreeIrp", IRQL_DISPATCH, NT_C4(NT_RULE_IO_DISPATCH));
	if (!io_irp_is(Irp))
		nt_violation(NT_C9(0x01), "IoFreeIrp of what is no IRP");
	else if (Irp->AllocationFlags & IO_IRP_BUILT)
		nt_violation(NT_C9(0x02),
			"IoFreeIrp of an IRP that belongs to a thread: its completion frees it");
	else if (!(Irp->AllocationFlags & IO_IRP_ALLOCATED))
		nt_violation(0, "IoFreeIrp of an IRP that IoAllocateIrp did not make");
	else if (io_irp_is_below(Irp))
		nt_violation(0, "IoFreeIrp of an IRP that a driver still has");
	else
		release(Irp);
}
DRY_EXPORT(IoFreeIrp)

/* ---- built: they belong to the thread that asks, and end by themselves ---- */

/* A copy of input, with room for output. */
static bool buffer_add(
	PIRP irp, const void *input, ULONG input_bytes, PVOID output, ULONG output_bytes)
{
	ULONG bytes = max_of(input_bytes, output_bytes);

	if (!bytes)
		return true;
	irp->AssociatedIrp.SystemBuffer = nt_pool_alloc(bytes, BUFFER_TAG, NULL, false);
	if (!irp->AssociatedIrp.SystemBuffer)
		return false;
	if (input_bytes)
		memcpy(irp->AssociatedIrp.SystemBuffer, input, input_bytes);
	irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
	irp->UserBuffer = output;
	if (output_bytes)
		irp->Flags |= IRP_INPUT_OPERATION;
	return true;
}

/* number: what the verifier calls a bad buffer of this routine. */
static bool mdl_add(PIRP irp, PVOID buffer, ULONG bytes, uint64_t number)
{
	if (!bytes)
		return true;
	if (!mem_is_valid(buffer, bytes)) {
		nt_violation(number, "an IRP is built with a buffer that is no memory");
		return false;
	}
	irp->MdlAddress = IoAllocateMdl(buffer, bytes, FALSE, FALSE, NULL);
	if (irp->MdlAddress)
		MmProbeAndLockPages(irp->MdlAddress, KernelMode, IoModifyAccess);
	return irp->MdlAddress;
}

static void buffers_free(PIRP irp)
{
	if (irp->Flags & IRP_DEALLOCATE_BUFFER)
		nt_pool_free(irp->AssociatedIrp.SystemBuffer);
	while (irp->MdlAddress) {
		PMDL mdl = irp->MdlAddress;

		irp->MdlAddress = mdl->Next;
		MmUnlockPages(mdl);
		IoFreeMdl(mdl);
	}
}

static PIRP build(const char *routine, PDEVICE_OBJECT device, UCHAR major, PKEVENT event,
	PIO_STATUS_BLOCK status, void *site)
{
	PIRP irp;

	cpu_poll();
	nt_irql_max(routine, IRQL_PASSIVE, 0);
	irp = make(routine, device->StackSize, IO_IRP_BUILT, site);
	if (!irp)
		return NULL;
	irp->Flags = IRP_SYNCHRONOUS_API;
	irp->UserEvent = event;
	irp->UserIosb = status;
	irp->Tail.Overlay.Thread = PsGetCurrentThread();
	IoGetNextIrpStackLocation(irp)->MajorFunction = major;
	return irp;
}

static PIRP built(PIRP irp, bool has_buffers)
{
	if (has_buffers)
		return irp;
	buffers_free(irp);
	release(irp);
	return NULL;
}

PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject,
	PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength,
	BOOLEAN InternalDeviceIoControl, PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock)
{
	PIRP irp = build("IoBuildDeviceIoControlRequest", DeviceObject,
		InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL,
		Event, IoStatusBlock, __builtin_return_address(0));
	PIO_STACK_LOCATION next;

	if (!irp)
		return NULL;
	next = IoGetNextIrpStackLocation(irp);
	next->Parameters.DeviceIoControl.IoControlCode = IoControlCode;
	next->Parameters.DeviceIoControl.InputBufferLength = InputBufferLength;
	next->Parameters.DeviceIoControl.OutputBufferLength = OutputBufferLength;
	switch (METHOD_FROM_CTL_CODE(IoControlCode)) {
	case METHOD_BUFFERED:
		return built(irp, buffer_add(irp, InputBuffer, InputBufferLength, OutputBuffer,
					  OutputBufferLength));
	case METHOD_NEITHER:
		next->Parameters.DeviceIoControl.Type3InputBuffer = InputBuffer;
		irp->UserBuffer = OutputBuffer;
		return irp;
	default: /* METHOD_IN_DIRECT, METHOD_OUT_DIRECT: what is "output" may be input, too */
		return built(
			irp, buffer_add(irp, InputBuffer, InputBufferLength, NULL, 0) &&
				     mdl_add(irp, OutputBuffer, OutputBufferLength, NT_C9(0x09)));
	}
}
DRY_EXPORT(IoBuildDeviceIoControlRequest)

/* Of READ and WRITE; a length of 0 has no buffer. */
static bool transfer_add(PIRP irp, PDEVICE_OBJECT device, PVOID buffer, ULONG bytes, bool is_write)
{
	if (device->Flags & DO_BUFFERED_IO)
		return is_write ? buffer_add(irp, buffer, bytes, NULL, 0)
				: buffer_add(irp, NULL, 0, buffer, bytes);
	if (device->Flags & DO_DIRECT_IO)
		return mdl_add(irp, buffer, bytes, NT_C9(0x08));
	irp->UserBuffer = buffer;
	return true;
}

PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject,
	PVOID Buffer, ULONG Length, PLARGE_INTEGER StartingOffset, PKEVENT Event,
	PIO_STATUS_BLOCK IoStatusBlock)
{
	bool is_write = MajorFunction == IRP_MJ_WRITE;
	PIO_STACK_LOCATION next;
	PIRP irp;

	if (MajorFunction != IRP_MJ_PNP && MajorFunction != IRP_MJ_READ && !is_write &&
		MajorFunction != IRP_MJ_FLUSH_BUFFERS && MajorFunction != IRP_MJ_SHUTDOWN)
		nt_violation(0, "IoBuildSynchronousFsdRequest for major function %#x",
			(unsigned)MajorFunction);
	irp = build("IoBuildSynchronousFsdRequest", DeviceObject, (UCHAR)MajorFunction, Event,
		IoStatusBlock, __builtin_return_address(0));
	if (!irp || (MajorFunction != IRP_MJ_READ && !is_write))
		return irp;
	next = IoGetNextIrpStackLocation(irp);
	next->Parameters.Read.Length = Length;
	next->Parameters.Read.ByteOffset.QuadPart = StartingOffset ? StartingOffset->QuadPart : 0;
	irp->Flags |= is_write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION;
	return built(irp, transfer_add(irp, DeviceObject, Buffer, Length, is_write));
}
DRY_EXPORT(IoBuildSynchronousFsdRequest)

/* How much of the maker's buffer is filled: what the driver says, but not past its end. */
static ULONG_PTR returned(PIRP irp)
{
	PIO_STACK_LOCATION top = (PIO_STACK_LOCATION)(irp + 1) + irp->StackCount - 1;
	ULONG room = top->Parameters.Read.Length; /* or OutputBufferLength, which lies there too */

	if (irp->IoStatus.Information <= room)
		return irp->IoStatus.Information;
	nt_violation(0,
		"an IRP was completed with IoStatus.Information %llu; its maker's buffer has %u "
		"bytes",
		(unsigned long long)irp->IoStatus.Information, (unsigned)room);
	return room;
}

void io_irp_end(PIRP irp)
{
	PKEVENT event = irp->UserEvent;

	if (!(irp->AllocationFlags & IO_IRP_BUILT)) {
		nt_violation(0, "an IRP that was not built for a thread has ended: its maker's "
				"completion routine must answer STATUS_MORE_PROCESSING_REQUIRED");
		return;
	}
	if (irp->Flags & IRP_INPUT_OPERATION && !NT_ERROR(irp->IoStatus.Status))
		memcpy(irp->UserBuffer, irp->AssociatedIrp.SystemBuffer, returned(irp));
	buffers_free(irp);
	*irp->UserIosb = irp->IoStatus;
	release(irp);
	if (event)
		KeSetEvent(event, IO_NO_INCREMENT, FALSE);
}

/* ---- how urgent it is ---- */

#define HINT_SHIFT 17 /* bits of Flags that no IRP_ flag has: as far from normal as the hint is */
#define HINT_MASK  7u

IO_PRIORITY_HINT NTAPI IoGetIoPriorityHint(PIRP Irp)
{
	cpu_poll();
	if (!io_irp_is(Irp))
		return IoPriorityNormal;
	return (IO_PRIORITY_HINT)((Irp->Flags >> HINT_SHIFT & HINT_MASK) ^ IoPriorityNormal);
}
DRY_EXPORT(IoGetIoPriorityHint)

NTSTATUS NTAPI IoSetIoPriorityHint(PIRP Irp, IO_PRIORITY_HINT PriorityHint)
{
	cpu_poll();
	if (!io_irp_is(Irp) || (unsigned)PriorityHint >= MaxIoPriorityTypes)
		return STATUS_INVALID_PARAMETER;
	Irp->Flags &= ~(HINT_MASK << HINT_SHIFT);
	Irp->Flags |= ((ULONG)PriorityHint ^ IoPriorityNormal) << HINT_SHIFT;
	return STATUS_SUCCESS;
}
DRY_EXPORT(IoSetIoPriorityHint)

/* ---- whose it is ---- */

ULONG NTAPI IoGetRequestorProcessId(PIRP Irp)
{
	cpu_poll();
	nt_irql_max("IoGetRequestorProcessId", IRQL_DISPATCH, NT_C4(NT_RULE_IO_DISPATCH));
	return io_irp_is(Irp) && Irp->Tail.Overlay.Thread ? SYSTEM : 0;
}
DRY_EXPORT(IoGetRequestorProcessId)
