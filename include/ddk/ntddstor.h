/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Storage class definitions: the bus types, a disk's number; by parts, properties and attributes of
 * ranges. More of this header comes with the drivers that need it. */
#ifndef _NTDDSTOR_H_
#define _NTDDSTOR_H_

#include "devioctl.h"
#include "ntdef.h"
#include "parts/storage_property.h"
#include "parts/storage_dsm.h"

typedef enum _STORAGE_BUS_TYPE {
	BusTypeUnknown = 0x00,
	BusTypeScsi,
	BusTypeAtapi,
	BusTypeAta,
	BusType1394,
	BusTypeSsa,
	BusTypeFibre,
	BusTypeUsb,
	BusTypeRAID,
	BusTypeiScsi,
	BusTypeSas,
	BusTypeSata,
	BusTypeSd,
	BusTypeMmc,
	BusTypeVirtual,
	BusTypeFileBackedVirtual,
	BusTypeSpaces,
	BusTypeNvme,
	BusTypeSCM,
	BusTypeUfs,
	BusTypeMax,
	BusTypeMaxReserved = 0x7F
} STORAGE_BUS_TYPE,
	*PSTORAGE_BUS_TYPE;

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
