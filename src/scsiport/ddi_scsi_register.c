/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The accessors of registers and ports under SCSI Port's names: those of src/bus
 * (ddi_hal_register.c), without a device extension.
 */
#define DRY_MODULE "scsiport.sys"
#include "util/export.h"
#include <miniport.h>
#include <scsi.h>

#define ACCESSORS(space, SPACE, width, type)                                                       \
	type NTAPI ScsiPortRead##space##width(type *Address)                                       \
	{                                                                                          \
		return READ_##SPACE##_##type(Address);                                             \
	}                                                                                          \
	DRY_EXPORT(ScsiPortRead##space##width)                                                     \
                                                                                                   \
	VOID NTAPI ScsiPortWrite##space##width(type *Address, type Value)                          \
	{                                                                                          \
		WRITE_##SPACE##_##type(Address, Value);                                            \
	}                                                                                          \
	DRY_EXPORT(ScsiPortWrite##space##width)                                                    \
                                                                                                   \
	VOID NTAPI ScsiPortRead##space##Buffer##width(type *Address, type *Buffer, ULONG Count)    \
	{                                                                                          \
		READ_##SPACE##_BUFFER_##type(Address, Buffer, Count);                              \
	}                                                                                          \
	DRY_EXPORT(ScsiPortRead##space##Buffer##width)                                             \
                                                                                                   \
	VOID NTAPI ScsiPortWrite##space##Buffer##width(type *Address, type *Buffer, ULONG Count)   \
	{                                                                                          \
		WRITE_##SPACE##_BUFFER_##type(Address, Buffer, Count);                             \
	}                                                                                          \
	DRY_EXPORT(ScsiPortWrite##space##Buffer##width)

ACCESSORS(Register, REGISTER, Uchar, UCHAR)
ACCESSORS(Register, REGISTER, Ushort, USHORT)
ACCESSORS(Register, REGISTER, Ulong, ULONG)
ACCESSORS(Port, PORT, Uchar, UCHAR)
ACCESSORS(Port, PORT, Ushort, USHORT)
ACCESSORS(Port, PORT, Ulong, ULONG)
