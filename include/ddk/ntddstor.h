/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Storage class definitions: a disk's number; by parts, properties with the types of buses, and
 * attributes of ranges. More of this header comes with the drivers that need it. */
#ifndef _NTDDSTOR_H_
#define _NTDDSTOR_H_

#include "devioctl.h"
#include "ntdef.h"
#include "parts/storage_property.h"
#include "parts/storage_dsm.h"

#define IOCTL_STORAGE_BASE FILE_DEVICE_MASS_STORAGE
#define IOCTL_STORAGE_GET_DEVICE_NUMBER                                                            \
	CTL_CODE(IOCTL_STORAGE_BASE, 0x0420, METHOD_BUFFERED, FILE_ANY_ACCESS)

typedef struct _STORAGE_DEVICE_NUMBER {
	ULONG DeviceType; /* DEVICE_TYPE */
	ULONG DeviceNumber;
	ULONG PartitionNumber;
} STORAGE_DEVICE_NUMBER, *PSTORAGE_DEVICE_NUMBER;
DDK_SIZE(STORAGE_DEVICE_NUMBER, 12);

#endif
