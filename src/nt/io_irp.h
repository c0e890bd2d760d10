/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * IRPs, as io_irp.c (their memory) and io_call.c (their way) share them.
 *
 * Where an IRP is follows from CurrentLocation: StackCount + 1 before it is sent and when a
 * completion routine has stopped the end at its maker's; below that it is with a driver;
 * StackCount + 2 when it has ended. A driver that makes one may take the first location,
 * StackCount, for itself: the IRP is still its maker's there, which IO_IRP_IS_SENT tells.
 */
#ifndef DRY_NT_IO_IRP_H
#define DRY_NT_IO_IRP_H

#include "nt/nt_check.h"

/* Numbers of bug check 0xC9, DRIVER_VERIFIER_IOMANAGER_VIOLATION. */
#define NT_C9(parameter) (0xC9000000ull | (parameter))

/* Bits of IRP.AllocationFlags, which is nobody's else. */
enum {
	IO_IRP_ALLOCATED = 0x10, /* IoAllocateIrp's */
	IO_IRP_BUILT = 0x20,  /* IoBuildSynchronousFsdRequest's, IoBuildDeviceIoControlRequest's */
	IO_IRP_IS_SENT = 0x40 /* location StackCount is that of the driver it was sent to */
};

/* Whether it is an IRP that was initialised and not freed: reads no memory that is nobody's. */
bool io_irp_is(const IRP *irp);
static inline bool io_irp_is_with_driver(const IRP *irp)
{
	return irp->CurrentLocation <= irp->StackCount;
}
/* Whether another than its maker has it. */
static inline bool io_irp_is_below(const IRP *irp)
{
	return irp->CurrentLocation <
	       irp->StackCount + (irp->AllocationFlags & IO_IRP_IS_SENT ? 1 : 0);
}

/* Its last completion routine has run: buffers are copied back, the maker is told, and an IRP that
 * was built, freed. At or below DISPATCH. */
void io_irp_end(PIRP irp);

#endif
