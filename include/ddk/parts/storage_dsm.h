/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Attributes of ranges of a disk (IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES), and the size of the
 * log list of a device dump. The numbers of the two NvCache actions stand on no public page.
 * Included by ntddstor.h.
 */
#ifndef DDK_PARTS_STORAGE_DSM_H
#define DDK_PARTS_STORAGE_DSM_H

#include "../ntdef.h"

typedef ULONG DEVICE_DATA_MANAGEMENT_SET_ACTION, DEVICE_DSM_ACTION;

#define DeviceDsmActionFlag_NonDestructive 0x80000000

#define DeviceDsmAction_None			0
#define DeviceDsmAction_Trim			1
#define DeviceDsmAction_Notification		(2 | DeviceDsmActionFlag_NonDestructive)
#define DeviceDsmAction_OffloadRead		(3 | DeviceDsmActionFlag_NonDestructive)
#define DeviceDsmAction_OffloadWrite		4
#define DeviceDsmAction_Allocation		(5 | DeviceDsmActionFlag_NonDestructive)
#define DeviceDsmAction_Repair			(6 | DeviceDsmActionFlag_NonDestructive)
#define DeviceDsmAction_Scrub			(7 | DeviceDsmActionFlag_NonDestructive)
#define DeviceDsmAction_NvCache_Change_Priority (13 | DeviceDsmActionFlag_NonDestructive)
#define DeviceDsmAction_NvCache_Evict		(14 | DeviceDsmActionFlag_NonDestructive)

#define DEVICE_DSM_FLAG_ENTIRE_DATA_SET_RANGE 0x00000001

/* Offsets are from the beginning of it. */
typedef struct _DEVICE_MANAGE_DATA_SET_ATTRIBUTES {
	ULONG Size;
	DEVICE_DSM_ACTION Action;
	ULONG Flags;
	ULONG ParameterBlockOffset;
	ULONG ParameterBlockLength;
	ULONG DataSetRangesOffset;
	ULONG DataSetRangesLength;
} DEVICE_MANAGE_DATA_SET_ATTRIBUTES, *PDEVICE_MANAGE_DATA_SET_ATTRIBUTES, DEVICE_DSM_INPUT,
	*PDEVICE_DSM_INPUT;
DDK_SIZE(DEVICE_MANAGE_DATA_SET_ATTRIBUTES, 28);

typedef struct _DEVICE_DATA_SET_RANGE {
	LONGLONG StartingOffset;
	ULONGLONG LengthInBytes;
} DEVICE_DATA_SET_RANGE, *PDEVICE_DATA_SET_RANGE, DEVICE_DSM_RANGE, *PDEVICE_DSM_RANGE;
DDK_SIZE(DEVICE_DATA_SET_RANGE, 16);

typedef struct _DEVICE_DSM_NVCACHE_CHANGE_PRIORITY_PARAMETERS {
	ULONG Size;
	UCHAR TargetPriority;
	UCHAR Reserved[3];
} DEVICE_DSM_NVCACHE_CHANGE_PRIORITY_PARAMETERS, *PDEVICE_DSM_NVCACHE_CHANGE_PRIORITY_PARAMETERS;
DDK_SIZE(DEVICE_DSM_NVCACHE_CHANGE_PRIORITY_PARAMETERS, 8);

#define TC_PUBLIC_DEVICEDUMP_CONTENT_SMART     0x01
#define TC_PUBLIC_DEVICEDUMP_CONTENT_GPLOG     0x02
#define TC_PUBLIC_DEVICEDUMP_CONTENT_GPLOG_MAX 16

#endif
