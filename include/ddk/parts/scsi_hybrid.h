/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * IO_CONTROL requests for disks with a cache in flash memory: hybrid disks, and before those the NV
 * cache of ATA8-ACS, whose subcommands are the numbers of its functions. Numbers that neither that
 * standard nor a public page has (HYBRID_*, NvCache*, the queries of NRB_FUNCTION_*, the order of
 * NRB_*) are ours. Included by ntddscsi.h.
 */
#ifndef DDK_PARTS_SCSI_HYBRID_H
#define DDK_PARTS_SCSI_HYBRID_H

#include "../ntdef.h"

/* ---- IOCTL_SCSI_MINIPORT_HYBRID ---- */

#define HYBRID_REQUEST_BLOCK_STRUCTURE_VERSION 0x1
#define HYBRID_REQUEST_INFO_STRUCTURE_VERSION  1

#define HYBRID_FUNCTION_GET_INFO	       0x01
#define HYBRID_FUNCTION_DISABLE_CACHING_MEDIUM 0x10
#define HYBRID_FUNCTION_ENABLE_CACHING_MEDIUM  0x11
#define HYBRID_FUNCTION_SET_DIRTY_THRESHOLD    0x12
#define HYBRID_FUNCTION_DEMOTE_BY_SIZE	       0x13

#define HYBRID_STATUS_SUCCESS		      0x0
#define HYBRID_STATUS_ILLEGAL_REQUEST	      0x1
#define HYBRID_STATUS_INVALID_PARAMETER	      0x2
#define HYBRID_STATUS_OUTPUT_BUFFER_TOO_SMALL 0x3
#define HYBRID_STATUS_ENABLE_REFCOUNT_HOLD    0x10

typedef struct _HYBRID_REQUEST_BLOCK {
	ULONG Version;
	ULONG Size;
	ULONG Function;
	ULONG Flags;
	ULONG DataBufferOffset; /* from the beginning of the SRB_IO_CONTROL */
	ULONG DataBufferLength;
} HYBRID_REQUEST_BLOCK, *PHYBRID_REQUEST_BLOCK;
DDK_SIZE(HYBRID_REQUEST_BLOCK, 24);

typedef enum _NVCACHE_STATUS {
	NvCacheStatusUnknown = 0,
	NvCacheStatusDisabling = 1,
	NvCacheStatusDisabled = 2,
	NvCacheStatusEnabled = 3
} NVCACHE_STATUS,
	*PNVCACHE_STATUS;

typedef enum _NVCACHE_TYPE {
	NvCacheTypeUnknown = 0,
	NvCacheNone = 1,
	NvCacheTypeWriteBack = 2,
	NvCacheTypeWriteThrough = 3
} NVCACHE_TYPE,
	*PNVCACHE_TYPE;

typedef struct _NVCACHE_PRIORITY_LEVEL_DESCRIPTOR {
	UCHAR PriorityLevel;
	UCHAR Reserved0[3];
	ULONG ConsumedNVMSizeFraction;
	ULONG ConsumedMappingResourcesFraction;
	ULONG ConsumedNVMSizeForDirtyDataFraction;
	ULONG ConsumedMappingResourcesForDirtyDataFraction;
	ULONG Reserved1;
} NVCACHE_PRIORITY_LEVEL_DESCRIPTOR, *PNVCACHE_PRIORITY_LEVEL_DESCRIPTOR;

typedef struct _HYBRID_INFORMATION {
	ULONG Version;
	ULONG Size;
	BOOLEAN HybridSupported;
	NVCACHE_STATUS Status;
	NVCACHE_TYPE CacheTypeEffective;
	NVCACHE_TYPE CacheTypeDefault;
	ULONG FractionBase;
	ULONGLONG CacheSize; /* in blocks */
	struct {
		ULONG WriteCacheChangeable : 1;
		ULONG WriteThroughIoSupported : 1;
		ULONG FlushCacheSupported : 1;
		ULONG Removable : 1;
		ULONG ReservedBits : 28;
	} Attributes;
	struct {
		UCHAR PriorityLevelCount;
		BOOLEAN MaxPriorityBehavior;
		UCHAR OptimalWriteGranularity;
		UCHAR Reserved;
		ULONG DirtyThresholdLow;
		ULONG DirtyThresholdHigh;
		struct {
			ULONG CacheDisable : 1;
			ULONG SetDirtyThreshold : 1;
			ULONG PriorityDemoteBySize : 1;
			ULONG PriorityChangeByLbaRange : 1;
			ULONG Evict : 1;
			ULONG ReservedBits : 27;
			ULONG MaxEvictCommands;
			ULONG MaxLbaRangeCountForEvict;
			ULONG MaxLbaRangeCountForChangeLba;
		} SupportedCommands;
		NVCACHE_PRIORITY_LEVEL_DESCRIPTOR Priority[];
	} Priorities;
} HYBRID_INFORMATION, *PHYBRID_INFORMATION;
DDK_OFFSET(HYBRID_INFORMATION, CacheSize, 32);
DDK_OFFSET(HYBRID_INFORMATION, Priorities, 44);
DDK_SIZE(HYBRID_INFORMATION, 72);

typedef struct _HYBRID_DIRTY_THRESHOLDS {
	ULONG Version;
	ULONG Size;
	ULONG DirtyLowThreshold;
	ULONG DirtyHighThreshold;
} HYBRID_DIRTY_THRESHOLDS, *PHYBRID_DIRTY_THRESHOLDS;
DDK_SIZE(HYBRID_DIRTY_THRESHOLDS, 16);

typedef struct _HYBRID_DEMOTE_BY_SIZE {
	ULONG Version;
	ULONG Size;
	UCHAR SourcePriority;
	UCHAR TargetPriority;
	USHORT Reserved0;
	ULONG Reserved1;
	ULONGLONG LbaCount;
} HYBRID_DEMOTE_BY_SIZE, *PHYBRID_DEMOTE_BY_SIZE;
DDK_SIZE(HYBRID_DEMOTE_BY_SIZE, 24);

/* ---- IOCTL_SCSI_MINIPORT_NVCACHE ---- */

#define NRB_FUNCTION_NVCACHE_POWER_MODE_SET    0x00
#define NRB_FUNCTION_NVCACHE_POWER_MODE_RETURN 0x01
#define NRB_FUNCTION_ADD_LBAS_PINNED_SET       0x10
#define NRB_FUNCTION_REMOVE_LBAS_PINNED_SET    0x11
#define NRB_FUNCTION_QUERY_PINNED_SET	       0x12
#define NRB_FUNCTION_QUERY_CACHE_MISS	       0x13
#define NRB_FUNCTION_FLUSH_NVCACHE	       0x14
#define NRB_FUNCTION_QUERY_ASCENDER_STATUS     0xD0
#define NRB_FUNCTION_QUERY_HYBRID_DISK_STATUS  0xD1
#define NRB_FUNCTION_PASS_HINT_PAYLOAD	       0xE0
#define NRB_FUNCTION_SPINDLE_STATUS	       0xE5 /* CHECK POWER MODE */
#define NRB_FUNCTION_NVCACHE_INFO	       0xEC /* IDENTIFY DEVICE */

#define NRB_SUCCESS		 0
#define NRB_ILLEGAL_REQUEST	 1
#define NRB_INVALID_PARAMETER	 2
#define NRB_INPUT_DATA_OVERRUN	 3
#define NRB_INPUT_DATA_UNDERRUN	 4
#define NRB_OUTPUT_DATA_OVERRUN	 5
#define NRB_OUTPUT_DATA_UNDERRUN 6

typedef struct _NVCACHE_REQUEST_BLOCK {
	ULONG NRBSize;
	USHORT Function;
	ULONG NRBFlags;
	ULONG NRBStatus;
	ULONG Count; /* of 512 bytes */
	ULONGLONG LBA;
	ULONG DataBufSize;
	ULONG NVCacheStatus;
	ULONG NVCacheSubStatus;
} NVCACHE_REQUEST_BLOCK, *PNVCACHE_REQUEST_BLOCK;
DDK_OFFSET(NVCACHE_REQUEST_BLOCK, LBA, 24);
DDK_SIZE(NVCACHE_REQUEST_BLOCK, 48);

/* Words 214 to 219 of IDENTIFY DEVICE. */
typedef struct _NV_FEATURE_PARAMETER {
	USHORT NVPowerModeEnabled;
	USHORT NVParameterReserv1;
	USHORT NVCmdEnabled;
	USHORT NVParameterReserv2;
	USHORT NVPowerModeVer;
	USHORT NVCmdVer;
	ULONG NVSize;
	USHORT NVReadSpeed;
	USHORT NVWrtSpeed;
	ULONG DeviceSpinUpTime;
} NV_FEATURE_PARAMETER, *PNV_FEATURE_PARAMETER;
DDK_SIZE(NV_FEATURE_PARAMETER, 24);

#endif
