/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Mode parameter headers, block descriptors and the mode pages of disks. Included by scsi.h. */
#ifndef DDK_PARTS_SCSI_MODE_H
#define DDK_PARTS_SCSI_MODE_H

#include "../ntdef.h"

#define MODE_PAGE_VENDOR_SPECIFIC    0x00
#define MODE_PAGE_ERROR_RECOVERY     0x01
#define MODE_PAGE_DISCONNECT	     0x02
#define MODE_PAGE_FORMAT_DEVICE	     0x03
#define MODE_PAGE_RIGID_GEOMETRY     0x04
#define MODE_PAGE_FLEXIBILE	     0x05
#define MODE_PAGE_VERIFY_ERROR	     0x07
#define MODE_PAGE_CACHING	     0x08
#define MODE_PAGE_PERIPHERAL	     0x09
#define MODE_PAGE_CONTROL	     0x0A
#define MODE_PAGE_MEDIUM_TYPES	     0x0B
#define MODE_PAGE_POWER_CONDITION    0x1A
#define MODE_PAGE_FAULT_REPORTING    0x1C
#define MODE_PAGE_CAPABILITIES	     0x2A
#define MODE_SENSE_RETURN_ALL	     0x3f
#define MODE_SENSE_CURRENT_VALUES    0x00
#define MODE_SENSE_CHANGEABLE_VALUES 0x40
#define MODE_SENSE_DEFAULT_VAULES    0x80
#define MODE_SENSE_SAVED_VALUES	     0xc0
#define MODE_BLOCK_DESC_LENGTH	     8
#define MODE_HEADER_LENGTH	     4
#define MODE_HEADER_LENGTH10	     8
#define MODE_DSP_FUA_SUPPORTED	     0x10
#define MODE_DSP_WRITE_PROTECT	     0x80

typedef struct _MODE_PARAMETER_HEADER {
	UCHAR ModeDataLength;
	UCHAR MediumType;
	UCHAR DeviceSpecificParameter;
	UCHAR BlockDescriptorLength;
} MODE_PARAMETER_HEADER, *PMODE_PARAMETER_HEADER;
DDK_SIZE(MODE_PARAMETER_HEADER, 4);

typedef struct _MODE_PARAMETER_HEADER10 {
	UCHAR ModeDataLength[2];
	UCHAR MediumType;
	UCHAR DeviceSpecificParameter;
	UCHAR Reserved[2];
	UCHAR BlockDescriptorLength[2];
} MODE_PARAMETER_HEADER10, *PMODE_PARAMETER_HEADER10;
DDK_SIZE(MODE_PARAMETER_HEADER10, 8);

typedef struct _MODE_PARAMETER_BLOCK {
	UCHAR DensityCode;
	UCHAR NumberOfBlocks[3];
	UCHAR Reserved;
	UCHAR BlockLength[3];
} MODE_PARAMETER_BLOCK, *PMODE_PARAMETER_BLOCK;
DDK_SIZE(MODE_PARAMETER_BLOCK, 8);

typedef struct _MODE_CACHING_PAGE {
	UCHAR PageCode : 6;
	UCHAR Reserved : 1;
	UCHAR PageSavable : 1;
	UCHAR PageLength;
	UCHAR ReadDisableCache : 1;
	UCHAR MultiplicationFactor : 1;
	UCHAR WriteCacheEnable : 1;
	UCHAR Reserved2 : 5;
	UCHAR WriteRetensionPriority : 4;
	UCHAR ReadRetensionPriority : 4;
	UCHAR DisablePrefetchTransfer[2];
	UCHAR MinimumPrefetch[2];
	UCHAR MaximumPrefetch[2];
	UCHAR MaximumPrefetchCeiling[2];
} MODE_CACHING_PAGE, *PMODE_CACHING_PAGE;
DDK_SIZE(MODE_CACHING_PAGE, 12);

typedef struct _MODE_CONTROL_PAGE {
	UCHAR PageCode : 6;
	UCHAR SubPageFormat : 1;
	UCHAR PageSavable : 1;
	UCHAR PageLength;
	UCHAR RLEC : 1;
	UCHAR GLTSD : 1;
	UCHAR D_SENSE : 1;
	UCHAR DPICZ : 1;
	UCHAR TMF_ONLY : 1;
	UCHAR TST : 3;
	UCHAR Obsolete1 : 1;
	UCHAR QERR : 2;
	UCHAR NUAR : 1;
	UCHAR QueueAlgorithmModifier : 4;
	UCHAR Obsolete2 : 3;
	UCHAR SWP : 1;
	UCHAR UA_INTLCK_CTRL : 2;
	UCHAR RAC : 1;
	UCHAR VS : 1;
	UCHAR AutoloadMode : 3;
	UCHAR Reserved1 : 1;
	UCHAR RWWP : 1;
	UCHAR ATMPE : 1;
	UCHAR TAS : 1;
	UCHAR ATO : 1;
	UCHAR Obsolete3[2];
	UCHAR BusyTimeoutPeriod[2];
	UCHAR ExtendeSelfTestCompletionTime[2];
} MODE_CONTROL_PAGE, *PMODE_CONTROL_PAGE;
DDK_SIZE(MODE_CONTROL_PAGE, 12);

typedef struct _MODE_READ_WRITE_RECOVERY_PAGE {
	UCHAR PageCode : 6;
	UCHAR Reserved1 : 1;
	UCHAR PSBit : 1;
	UCHAR PageLength;
	UCHAR DCRBit : 1;
	UCHAR DTEBit : 1;
	UCHAR PERBit : 1;
	UCHAR EERBit : 1;
	UCHAR RCBit : 1;
	UCHAR TBBit : 1;
	UCHAR ARRE : 1;
	UCHAR AWRE : 1;
	UCHAR ReadRetryCount;
	UCHAR Reserved4[4];
	UCHAR WriteRetryCount;
	UCHAR Reserved5[3];
} MODE_READ_WRITE_RECOVERY_PAGE, *PMODE_READ_WRITE_RECOVERY_PAGE;
DDK_SIZE(MODE_READ_WRITE_RECOVERY_PAGE, 12);

typedef struct _MODE_INFO_EXCEPTIONS {
	UCHAR PageCode : 6;
	UCHAR Reserved1 : 1;
	UCHAR PSBit : 1;
	UCHAR PageLength;
	union {
		UCHAR Flags;
		struct {
			UCHAR LogErr : 1;
			UCHAR Reserved2 : 1;
			UCHAR Test : 1;
			UCHAR Dexcpt : 1;
			UCHAR Reserved3 : 3;
			UCHAR Perf : 1;
		};
	};
	UCHAR ReportMethod : 4;
	UCHAR Reserved4 : 4;
	UCHAR IntervalTimer[4];
	UCHAR ReportCount[4];
} MODE_INFO_EXCEPTIONS, *PMODE_INFO_EXCEPTIONS;
DDK_SIZE(MODE_INFO_EXCEPTIONS, 12);

typedef struct _POWER_CONDITION_PAGE {
	UCHAR PageCode : 6;
	UCHAR Reserved : 1;
	UCHAR PSBit : 1;
	UCHAR PageLength;
	UCHAR Reserved2;
	UCHAR Standby : 1;
	UCHAR Idle : 1;
	UCHAR Reserved3 : 6;
	UCHAR IdleTimer[4];
	UCHAR StandbyTimer[4];
} POWER_CONDITION_PAGE, *PPOWER_CONDITION_PAGE;
DDK_SIZE(POWER_CONDITION_PAGE, 12);

#endif
