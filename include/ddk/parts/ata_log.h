/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The pages of the general purpose log, and other data of ATA commands, as in the ACS and Serial
 * ATA standards. Included by ata.h. */
#ifndef DDK_PARTS_ATA_LOG_H
#define DDK_PARTS_ATA_LOG_H

#include "../ntdef.h"

#define IDE_GP_LOG_SECTOR_SIZE 0x200
#define IDE_GP_LOG_VERSION     0x0001

#define IDE_GP_LOG_DIRECTORY_ADDRESS		  0x00
#define IDE_GP_SUMMARY_SMART_ERROR		  0x01
#define IDE_GP_COMPREHENSIVE_SMART_ERROR	  0x02
#define IDE_GP_EXTENDED_COMPREHENSIVE_SMART_ERROR 0x03
#define IDE_GP_LOG_DEVICE_STATISTICS_ADDRESS	  0x04
#define IDE_GP_SMART_SELF_TEST			  0x06
#define IDE_GP_EXTENDED_SMART_SELF_TEST		  0x07
#define IDE_GP_LOG_POWER_CONDITIONS		  0x08
#define IDE_GP_SELECTIVE_SELF_TEST		  0x09
#define IDE_GP_DEVICE_STATISTICS_NOTIFICATION	  0x0A
#define IDE_GP_PENDING_DEFECTS			  0x0C
#define IDE_GP_LPS_MISALIGNMENT			  0x0D
#define IDE_GP_LOG_NCQ_COMMAND_ERROR_ADDRESS	  0x10
#define IDE_GP_LOG_PHY_EVENT_COUNTER_ADDRESS	  0x11
#define IDE_GP_LOG_NCQ_NON_DATA_ADDRESS		  0x12
#define IDE_GP_LOG_NCQ_SEND_RECEIVE_ADDRESS	  0x13
#define IDE_GP_LOG_HYBRID_INFO_ADDRESS		  0x14
#define IDE_GP_LOG_REBUILD_ASSIST		  0x15
#define IDE_GP_LOG_LBA_STATUS			  0x19
#define IDE_GP_LOG_WRITE_STREAM_ERROR		  0x21
#define IDE_GP_LOG_READ_STREAM_ERROR		  0x22
#define IDE_GP_LOG_CURRENT_DEVICE_INTERNAL_STATUS 0x24
#define IDE_GP_LOG_SAVED_DEVICE_INTERNAL_STATUS	  0x25
#define IDE_GP_LOG_IDENTIFY_DEVICE_DATA_ADDRESS	  0x30
#define IDE_GP_LOG_SCT_COMMAND_STATUS		  0xE0
#define IDE_GP_LOG_SCT_DATA_TRANSFER		  0xE1

/* pages of a log */
#define IDE_GP_LOG_SUPPORTED_PAGES				    0x00
#define IDE_GP_LOG_DEVICE_STATISTICS_GENERAL_PAGE		    0x01
#define IDE_GP_LOG_DEVICE_STATISTICS_TEMPERATURE_PAGE		    0x05
#define IDE_GP_LOG_IDENTIFY_DEVICE_DATA_SUPPORTED_CAPABILITIES_PAGE 0x03
#define IDE_GP_LOG_IDENTIFY_DEVICE_DATA_SATA_PAGE		    0x08

#pragma pack(push, 1)

typedef struct _CURRENT_DEVICE_INTERNAL_STATUS_LOG {
	UCHAR LogAddress;
	UCHAR Reserved0[3];
	ULONG OrganizationID;
	USHORT Area1LastLogPage;
	USHORT Area2LastLogPage;
	USHORT Area3LastLogPage;
	UCHAR Reserved2[368];
	UCHAR SavedDataAvailable;
	UCHAR SavedDataGenerationNumber;
	UCHAR ReasonIdentifier[128];
} CURRENT_DEVICE_INTERNAL_STATUS_LOG, *PCURRENT_DEVICE_INTERNAL_STATUS_LOG;
DDK_OFFSET(CURRENT_DEVICE_INTERNAL_STATUS_LOG, SavedDataAvailable, 382);
DDK_SIZE(CURRENT_DEVICE_INTERNAL_STATUS_LOG, 512);

typedef struct _DEVICE_STATISTICS_LOG_PAGE_HEADER {
	ULONGLONG RevisionNumber : 16;
	ULONGLONG PageNumber : 8;
	ULONGLONG Reserved : 40;
} DEVICE_STATISTICS_LOG_PAGE_HEADER, *PDEVICE_STATISTICS_LOG_PAGE_HEADER;
DDK_SIZE(DEVICE_STATISTICS_LOG_PAGE_HEADER, 8);

/* A member of a page of statistics: the value, and flags in the topmost byte. */
#define DDK_ATA_STATISTIC(value, bits)                                                             \
	struct {                                                                                   \
		ULONGLONG value : bits;                                                            \
		ULONGLONG Reserved : 56 - (bits);                                                  \
		ULONGLONG ReservedFlags : 3;                                                       \
		ULONGLONG MonitoredConditionMet : 1;                                               \
		ULONGLONG StatisticsSupportsDsn : 1;                                               \
		ULONGLONG Normalized : 1;                                                          \
		ULONGLONG ValidValue : 1;                                                          \
		ULONGLONG Supported : 1;                                                           \
	}

typedef struct _GP_LOG_GENERAL_STATISTICS {
	DEVICE_STATISTICS_LOG_PAGE_HEADER Header;
	DDK_ATA_STATISTIC(Count, 32) LifeTimePoweronResets;
	DDK_ATA_STATISTIC(Count, 32) PoweronHours;
	DDK_ATA_STATISTIC(Count, 48) LogicalSectorsWritten;
	DDK_ATA_STATISTIC(Count, 48) WriteCommandCount;
	DDK_ATA_STATISTIC(Count, 48) LogicalSectorsRead;
	DDK_ATA_STATISTIC(Count, 48) ReadCommandCount;
	DDK_ATA_STATISTIC(TimeStamp, 48) DateAndTime;
	DDK_ATA_STATISTIC(Count, 32) PendingErrorCount;
	UCHAR ReservedRest[440];
} GP_LOG_GENERAL_STATISTICS, *PGP_LOG_GENERAL_STATISTICS;
DDK_OFFSET(GP_LOG_GENERAL_STATISTICS, DateAndTime, 56);
DDK_SIZE(GP_LOG_GENERAL_STATISTICS, 512);

typedef struct _GP_LOG_TEMPERATURE_STATISTICS {
	DEVICE_STATISTICS_LOG_PAGE_HEADER Header;
	DDK_ATA_STATISTIC(Value, 8) CurrentTemperature;
	DDK_ATA_STATISTIC(Value, 8) AverageShortTermTemperature;
	DDK_ATA_STATISTIC(Value, 8) AverageLongTermTemperature;
	DDK_ATA_STATISTIC(Value, 8) HighestTemperature;
	DDK_ATA_STATISTIC(Value, 8) LowestTemperature;
	DDK_ATA_STATISTIC(Value, 8) HighestAverageShortTermTemperature;
	DDK_ATA_STATISTIC(Value, 8) LowestAverageShortTermTemperature;
	DDK_ATA_STATISTIC(Value, 8) HighestAverageLongTermTemperature;
	DDK_ATA_STATISTIC(Value, 8) LowestAverageLongTermTemperature;
	DDK_ATA_STATISTIC(Value, 32) TimeInOverTemperature;
	DDK_ATA_STATISTIC(Value, 8) SpecifiedMaximumOperatingTemperature;
	DDK_ATA_STATISTIC(Value, 32) TimeInUnderTemperature;
	DDK_ATA_STATISTIC(Value, 8) SpecifiedMinimumOperatingTemperature;
	UCHAR Reserved[400];
} GP_LOG_TEMPERATURE_STATISTICS, *PGP_LOG_TEMPERATURE_STATISTICS;
DDK_OFFSET(GP_LOG_TEMPERATURE_STATISTICS, SpecifiedMaximumOperatingTemperature, 88);
DDK_OFFSET(GP_LOG_TEMPERATURE_STATISTICS, SpecifiedMinimumOperatingTemperature, 104);
DDK_SIZE(GP_LOG_TEMPERATURE_STATISTICS, 512);

/* ---- native command queuing ---- */

typedef struct _GP_LOG_NCQ_COMMAND_ERROR {
	UCHAR NcqTag : 5;
	UCHAR Reserved0 : 1;
	UCHAR UNL : 1;
	UCHAR NonQueuedCmd : 1;
	UCHAR Reserved1;
	UCHAR Status;
	UCHAR Error;
	UCHAR LBA7_0;
	UCHAR LBA15_8;
	UCHAR LBA23_16;
	UCHAR Device;
	UCHAR LBA31_24;
	UCHAR LBA39_32;
	UCHAR LBA47_40;
	UCHAR Reserved2;
	UCHAR Count7_0;
	UCHAR Count15_8;
	UCHAR SenseKey;
	UCHAR ASC;
	UCHAR ASCQ;
	UCHAR Reserved3[239];
	UCHAR Vendor[255];
	UCHAR Checksum;
} GP_LOG_NCQ_COMMAND_ERROR, *PGP_LOG_NCQ_COMMAND_ERROR;
DDK_OFFSET(GP_LOG_NCQ_COMMAND_ERROR, SenseKey, 14);
DDK_OFFSET(GP_LOG_NCQ_COMMAND_ERROR, Vendor, 256);
DDK_SIZE(GP_LOG_NCQ_COMMAND_ERROR, 512);

/* Which subcommands NCQ NON-DATA has. */
typedef struct _GP_LOG_NCQ_NON_DATA {
	struct {
		ULONG AbortNcq : 1;
		ULONG AbortAll : 1;
		ULONG AbortStreaming : 1;
		ULONG AbortNonStreaming : 1;
		ULONG AbortSelectedTTag : 1;
		ULONG Reserved : 27;
	} SubCmd0;
	struct {
		ULONG DeadlineHandling : 1;
		ULONG WriteDataNotContinue : 1;
		ULONG ReadDataNotContinue : 1;
		ULONG Reserved : 29;
	} SubCmd1;
	struct {
		ULONG HybridDemoteBySize : 1;
		ULONG Reserved : 31;
	} SubCmd2;
	struct {
		ULONG HybridChangeByLbaRange : 1;
		ULONG Reserved : 31;
	} SubCmd3;
	struct {
		ULONG HybridControl : 1;
		ULONG Reserved : 31;
	} SubCmd4;
	ULONG ReservedRest[123];
} GP_LOG_NCQ_NON_DATA, *PGP_LOG_NCQ_NON_DATA;
DDK_OFFSET(GP_LOG_NCQ_NON_DATA, SubCmd4, 16);
DDK_SIZE(GP_LOG_NCQ_NON_DATA, 512);

typedef struct _GP_LOG_NCQ_SEND_RECEIVE {
	struct {
		ULONG DataSetManagement : 1;
		ULONG HybridEvict : 1;
		ULONG Reserved : 30;
	} SubCmd;
	struct {
		ULONG Trim : 1;
		ULONG Reserved : 31;
	} DataSetManagement;
	ULONG Reserved[126];
} GP_LOG_NCQ_SEND_RECEIVE, *PGP_LOG_NCQ_SEND_RECEIVE;
DDK_SIZE(GP_LOG_NCQ_SEND_RECEIVE, 512);

/* ---- identify device data, by pages ---- */

typedef struct _IDENTIFY_DEVICE_DATA_LOG_PAGE_HEADER {
	ULONGLONG RevisionNumber : 16;
	ULONGLONG PageNumber : 8;
	ULONGLONG Reserved : 39;
	ULONGLONG Valid : 1;
} IDENTIFY_DEVICE_DATA_LOG_PAGE_HEADER, *PIDENTIFY_DEVICE_DATA_LOG_PAGE_HEADER;
DDK_SIZE(IDENTIFY_DEVICE_DATA_LOG_PAGE_HEADER, 8);

/* Of its capabilities the first two words. */
typedef struct _IDENTIFY_DEVICE_DATA_LOG_PAGE_SUPPORTED_CAPABILITIES {
	IDENTIFY_DEVICE_DATA_LOG_PAGE_HEADER Header;
	struct {
		ULONGLONG WRV : 1;
		ULONGLONG WriteUncorrectable : 1;
		ULONGLONG GplDma : 1;
		ULONGLONG DmMode3 : 1;
		ULONGLONG FreeFall : 1;
		ULONGLONG SenseData : 1;
		ULONGLONG EPC : 1;
		ULONGLONG SmartErrorLogging : 1;
		ULONGLONG SmartSelfTest : 1;
		ULONGLONG Reserved9 : 1;
		ULONGLONG Streaming : 1;
		ULONGLONG GPL : 1;
		ULONGLONG WriteFuaExt : 1;
		ULONGLONG Unload : 1;
		ULONGLONG DownloadMicrocode : 1;
		ULONGLONG Reserved15 : 1;
		ULONGLONG APM : 1;
		ULONGLONG PUIS : 1;
		ULONGLONG SpinUp : 1;
		ULONGLONG Reserved19 : 1;
		ULONGLONG Cmd48Bit : 1;
		ULONGLONG Reserved21 : 1;
		ULONGLONG FlushCacheExt : 1;
		ULONGLONG Smart : 1;
		ULONGLONG VolatileWriteCache : 1;
		ULONGLONG ReadLookahead : 1;
		ULONGLONG Reserved26 : 1;
		ULONGLONG WriteBuffer : 1;
		ULONGLONG ReadBuffer : 1;
		ULONGLONG NOP : 1;
		ULONGLONG Reserved30 : 1;
		ULONGLONG RZAT : 1;
		ULONGLONG Cmd28bit : 1;
		ULONGLONG DownloadMicrocodeDma : 1;
		ULONGLONG Reserved34 : 1;
		ULONGLONG WriteBufferDma : 1;
		ULONGLONG ReadBufferDma : 1;
		ULONGLONG Reserved37 : 1;
		ULONGLONG LpsMisalignmentReporting : 1;
		ULONGLONG DRAT : 1;
		ULONGLONG Reserved : 23;
		ULONGLONG Valid : 1;
	} SupportedCapabilities;
	struct {
		ULONGLONG DmMinTransferSize : 16;
		ULONGLONG DmMaxTransferSize : 16;
		ULONGLONG DmOffsetsImmediateSupported : 1;
		ULONGLONG DmImmediateSupported : 1;
		ULONGLONG DmOffsetsDeferredSupported : 1;
		ULONGLONG Reserved : 28;
		ULONGLONG Valid : 1;
	} DownloadMicrocodeCapabilities;
	UCHAR ReservedRest[488];
} IDENTIFY_DEVICE_DATA_LOG_PAGE_SUPPORTED_CAPABILITIES,
	*PIDENTIFY_DEVICE_DATA_LOG_PAGE_SUPPORTED_CAPABILITIES;
DDK_SIZE(IDENTIFY_DEVICE_DATA_LOG_PAGE_SUPPORTED_CAPABILITIES, 512);

/* ---- hybrid information: a disk with a cache in flash memory ---- */

#define HYBRID_INFORMATION_DISABLED	      0x00
#define HYBRID_INFORMATION_DISABLE_IN_PROCESS 0x80
#define HYBRID_INFORMATION_ENABLED	      0xFF

typedef struct _GP_LOG_HYBRID_INFORMATION_HEADER {
	USHORT HybridInfoDescrCount : 4;
	USHORT Reserved0 : 12;
	UCHAR Enabled;
	UCHAR HybridHealth;
	UCHAR DirtyLowThreshold;
	UCHAR DirtyHighThreshold;
	UCHAR OptimalWriteGranularity;
	UCHAR MaximumHybridPriorityLevel : 4;
	UCHAR Reserved1 : 4;
	UCHAR PowerCondition;
	UCHAR CachingMediumEnabled;
	struct {
		UCHAR MaximumPriorityBehavior : 1;
		UCHAR SupportCacheBehavior : 1;
		UCHAR Reserved : 6;
	} SupportedOptions;
	UCHAR Reserved2;
	ULONG TimeSinceEnabled;
	ULONGLONG NVMSize;
	ULONGLONG EnableCount;
	USHORT MaximumEvictionCommands : 5;
	USHORT Reserved3 : 11;
	USHORT MaximumEvictionDataBlocks;
	UCHAR Reserved[28];
} GP_LOG_HYBRID_INFORMATION_HEADER, *PGP_LOG_HYBRID_INFORMATION_HEADER;
DDK_OFFSET(GP_LOG_HYBRID_INFORMATION_HEADER, TimeSinceEnabled, 12);
DDK_OFFSET(GP_LOG_HYBRID_INFORMATION_HEADER, NVMSize, 16);
DDK_SIZE(GP_LOG_HYBRID_INFORMATION_HEADER, 64);

typedef struct _GP_LOG_HYBRID_INFORMATION_DESCRIPTOR {
	UCHAR HybridPriority;
	UCHAR ConsumedNVMSizeFraction;
	UCHAR ConsumedMappingResourcesFraction;
	UCHAR ConsumedNVMSizeForDirtyDataFraction;
	UCHAR ConsumedMappingResourcesForDirtyDataFraction;
	UCHAR Reserved[11];
} GP_LOG_HYBRID_INFORMATION_DESCRIPTOR, *PGP_LOG_HYBRID_INFORMATION_DESCRIPTOR;
DDK_SIZE(GP_LOG_HYBRID_INFORMATION_DESCRIPTOR, 16);

typedef struct _GP_LOG_HYBRID_INFORMATION {
	GP_LOG_HYBRID_INFORMATION_HEADER Header;
	GP_LOG_HYBRID_INFORMATION_DESCRIPTOR Descriptor[];
} GP_LOG_HYBRID_INFORMATION, *PGP_LOG_HYBRID_INFORMATION;

/* The auxiliary field of a queued command. */
typedef union _ATA_HYBRID_INFO_FIELDS {
	struct {
		UCHAR HybridPriority : 4;
		UCHAR Reserved0 : 1;
		UCHAR InfoValid : 1;
		UCHAR Reserved1 : 2;
	};
	UCHAR AsUchar;
} ATA_HYBRID_INFO_FIELDS, *PATA_HYBRID_INFO_FIELDS;
DDK_SIZE(ATA_HYBRID_INFO_FIELDS, 1);

/* ---- GET PHYSICAL ELEMENT STATUS ---- */

typedef struct _ATA_PHYSICAL_ELEMENT_STATUS_DESCRIPTOR {
	UCHAR Reserved1[4];
	ULONG ElementIdentifier;
	UCHAR Reserved2[6];
	UCHAR PhysicalElementType;
	UCHAR PhysicalElementHealth;
	ULONGLONG AssociatedCapacity;
	UCHAR Reserved3[8];
} ATA_PHYSICAL_ELEMENT_STATUS_DESCRIPTOR, *PATA_PHYSICAL_ELEMENT_STATUS_DESCRIPTOR;
DDK_OFFSET(ATA_PHYSICAL_ELEMENT_STATUS_DESCRIPTOR, AssociatedCapacity, 16);
DDK_SIZE(ATA_PHYSICAL_ELEMENT_STATUS_DESCRIPTOR, 32);

typedef struct _ATA_GET_PHYSICAL_ELEMENT_STATUS_PARAMETER_DATA {
	ULONG NumberOfDescriptors;
	ULONG NumberOfDescriptorsReturned;
	ULONG ElementIdentifierBeingDepoped;
	UCHAR Reserved[20];
	ATA_PHYSICAL_ELEMENT_STATUS_DESCRIPTOR Descriptors[ANYSIZE_ARRAY];
} ATA_GET_PHYSICAL_ELEMENT_STATUS_PARAMETER_DATA, *PATA_GET_PHYSICAL_ELEMENT_STATUS_PARAMETER_DATA;
DDK_OFFSET(ATA_GET_PHYSICAL_ELEMENT_STATUS_PARAMETER_DATA, Descriptors, 32);

#pragma pack(pop)

#endif
