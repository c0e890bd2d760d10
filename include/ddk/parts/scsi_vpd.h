/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Vital product data pages. Included by scsi.h. */
#ifndef DDK_PARTS_SCSI_VPD_H
#define DDK_PARTS_SCSI_VPD_H

#include "../ntdef.h"

#define VPD_MAX_BUFFER_SIZE		       0xff
#define VPD_SUPPORTED_PAGES		       0x00
#define VPD_SERIAL_NUMBER		       0x80
#define VPD_DEVICE_IDENTIFIERS		       0x83
#define VPD_MEDIA_SERIAL_NUMBER		       0x84
#define VPD_SOFTWARE_INTERFACE_IDENTIFIERS     0x84
#define VPD_NETWORK_MANAGEMENT_ADDRESSES       0x85
#define VPD_EXTENDED_INQUIRY_DATA	       0x86
#define VPD_MODE_PAGE_POLICY		       0x87
#define VPD_SCSI_PORTS			       0x88
#define VPD_ATA_INFORMATION		       0x89
#define VPD_THIRD_PARTY_COPY		       0x8F
#define VPD_BLOCK_LIMITS		       0xB0
#define VPD_BLOCK_DEVICE_CHARACTERISTICS       0xB1
#define VPD_LOGICAL_BLOCK_PROVISIONING	       0xB2
#define VPD_ZONED_BLOCK_DEVICE_CHARACTERISTICS 0xB6

typedef struct _VPD_SUPPORTED_PAGES_PAGE {
	UCHAR DeviceType : 5;
	UCHAR DeviceTypeQualifier : 3;
	UCHAR PageCode;
	UCHAR Reserved;
	UCHAR PageLength;
	UCHAR SupportedPageList[];
} VPD_SUPPORTED_PAGES_PAGE, *PVPD_SUPPORTED_PAGES_PAGE;
DDK_SIZE(VPD_SUPPORTED_PAGES_PAGE, 4);

typedef struct _VPD_SERIAL_NUMBER_PAGE {
	UCHAR DeviceType : 5;
	UCHAR DeviceTypeQualifier : 3;
	UCHAR PageCode;
	UCHAR Reserved;
	UCHAR PageLength;
	UCHAR SerialNumber[];
} VPD_SERIAL_NUMBER_PAGE, *PVPD_SERIAL_NUMBER_PAGE;
DDK_SIZE(VPD_SERIAL_NUMBER_PAGE, 4);

/* ---- device identification ---- */

typedef enum _VPD_CODE_SET {
	VpdCodeSetReserved = 0,
	VpdCodeSetBinary = 1,
	VpdCodeSetAscii = 2,
	VpdCodeSetUTF8 = 3
} VPD_CODE_SET,
	*PVPD_CODE_SET;

typedef enum _VPD_ASSOCIATION {
	VpdAssocDevice = 0,
	VpdAssocPort = 1,
	VpdAssocTarget = 2,
	VpdAssocReserved1 = 3,
	VpdAssocReserved2 = 4
} VPD_ASSOCIATION,
	*PVPD_ASSOCIATION;

typedef enum _VPD_IDENTIFIER_TYPE {
	VpdIdentifierTypeVendorSpecific = 0,
	VpdIdentifierTypeVendorId = 1,
	VpdIdentifierTypeEUI64 = 2,
	VpdIdentifierTypeFCPHName = 3,
	VpdIdentifierTypePortRelative = 4,
	VpdIdentifierTypeTargetPortGroup = 5,
	VpdIdentifierTypeLogicalUnitGroup = 6,
	VpdIdentifierTypeMD5LogicalUnitId = 7,
	VpdIdentifierTypeSCSINameString = 8
} VPD_IDENTIFIER_TYPE,
	*PVPD_IDENTIFIER_TYPE;

typedef struct _VPD_IDENTIFICATION_DESCRIPTOR {
	UCHAR CodeSet : 4;
	UCHAR Reserved : 4;
	UCHAR IdentifierType : 4;
	UCHAR Association : 2;
	UCHAR Reserved2 : 2;
	UCHAR Reserved3;
	UCHAR IdentifierLength;
	UCHAR Identifier[];
} VPD_IDENTIFICATION_DESCRIPTOR, *PVPD_IDENTIFICATION_DESCRIPTOR;
DDK_SIZE(VPD_IDENTIFICATION_DESCRIPTOR, 4);

typedef struct _VPD_IDENTIFICATION_PAGE {
	UCHAR DeviceType : 5;
	UCHAR DeviceTypeQualifier : 3;
	UCHAR PageCode;
	UCHAR Reserved;
	UCHAR PageLength;
	UCHAR Descriptors[];
} VPD_IDENTIFICATION_PAGE, *PVPD_IDENTIFICATION_PAGE;
DDK_SIZE(VPD_IDENTIFICATION_PAGE, 4);

/* ---- block devices ---- */

typedef struct _VPD_BLOCK_LIMITS_PAGE {
	UCHAR DeviceType : 5;
	UCHAR DeviceTypeQualifier : 3;
	UCHAR PageCode;
	UCHAR PageLength[2];
	union {
		struct {
			UCHAR Reserved0;
			UCHAR MaximumCompareAndWriteLength;
			UCHAR OptimalTransferLengthGranularity[2];
			UCHAR MaximumTransferLength[4];
			UCHAR OptimalTransferLength[4];
			UCHAR MaxPrefetchXDReadXDWriteTransferLength[4];
			UCHAR MaximumUnmapLBACount[4];
			UCHAR MaximumUnmapBlockDescriptorCount[4];
			UCHAR OptimalUnmapGranularity[4];
			union {
				struct {
					UCHAR UnmapGranularityAlignmentByte3 : 7;
					UCHAR UGAValid : 1;
					UCHAR UnmapGranularityAlignmentByte2;
					UCHAR UnmapGranularityAlignmentByte1;
					UCHAR UnmapGranularityAlignmentByte0;
				};
				UCHAR UnmapGranularityAlignment[4];
			};
			UCHAR Reserved1[28];
		};
		UCHAR Descriptors[60];
	};
} VPD_BLOCK_LIMITS_PAGE, *PVPD_BLOCK_LIMITS_PAGE;
DDK_OFFSET(VPD_BLOCK_LIMITS_PAGE, MaximumTransferLength, 8);
DDK_OFFSET(VPD_BLOCK_LIMITS_PAGE, MaximumUnmapLBACount, 20);
DDK_OFFSET(VPD_BLOCK_LIMITS_PAGE, UnmapGranularityAlignment, 32);
DDK_SIZE(VPD_BLOCK_LIMITS_PAGE, 64);

typedef struct _VPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE {
	UCHAR DeviceType : 5;
	UCHAR DeviceTypeQualifier : 3;
	UCHAR PageCode;
	UCHAR Reserved;
	UCHAR PageLength;
	UCHAR MediumRotationRateMsb;
	UCHAR MediumRotationRateLsb;
	UCHAR MediumProductType;
	UCHAR NominalFormFactor : 4;
	UCHAR Reserved2 : 4;
	UCHAR VBULS : 1;
	UCHAR FUAB : 1;
	UCHAR BOCS : 1;
	UCHAR Reserved3 : 1;
	UCHAR ZONED : 2;
	UCHAR Reserved4 : 2;
	UCHAR Reserved5[55];
} VPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE, *PVPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE;
DDK_SIZE(VPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE, 64);

#define PROVISIONING_TYPE_UNKNOWN  0x0
#define PROVISIONING_TYPE_RESOURCE 0x1
#define PROVISIONING_TYPE_THIN	   0x2

typedef struct _VPD_LOGICAL_BLOCK_PROVISIONING_PAGE {
	UCHAR DeviceType : 5;
	UCHAR DeviceTypeQualifier : 3;
	UCHAR PageCode;
	UCHAR PageLength[2];
	UCHAR ThresholdExponent;
	UCHAR DP : 1;
	UCHAR ANC_SUP : 1;
	UCHAR LBPRZ : 1;
	UCHAR Reserved0 : 2;
	UCHAR LBPWS10 : 1;
	UCHAR LBPWS : 1;
	UCHAR LBPU : 1;
	UCHAR ProvisioningType : 3;
	UCHAR Reserved1 : 5;
	UCHAR Reserved2;
	UCHAR ProvisioningGroupDescr[];
} VPD_LOGICAL_BLOCK_PROVISIONING_PAGE, *PVPD_LOGICAL_BLOCK_PROVISIONING_PAGE;
DDK_SIZE(VPD_LOGICAL_BLOCK_PROVISIONING_PAGE, 8);

/* SAT's page; IdentifyDeviceData is what CommandCode returned. */
typedef struct _VPD_ATA_INFORMATION_PAGE {
	UCHAR DeviceType : 5;
	UCHAR DeviceTypeQualifier : 3;
	UCHAR PageCode;
	UCHAR PageLength[2];
	UCHAR Reserved1[4];
	UCHAR VendorId[8];
	UCHAR ProductId[16];
	UCHAR ProductRevisionLevel[4];
	UCHAR DeviceSignature[20];
	UCHAR CommandCode;
	UCHAR Reserved2[3];
	UCHAR IdentifyDeviceData[512];
} VPD_ATA_INFORMATION_PAGE, *PVPD_ATA_INFORMATION_PAGE;
DDK_OFFSET(VPD_ATA_INFORMATION_PAGE, CommandCode, 56);
DDK_SIZE(VPD_ATA_INFORMATION_PAGE, 572);

typedef struct _VPD_EXTENDED_INQUIRY_DATA_PAGE {
	UCHAR DeviceType : 5;
	UCHAR DeviceTypeQualifier : 3;
	UCHAR PageCode;
	UCHAR PageLength[2];
	UCHAR RefChk : 1;
	UCHAR AppChk : 1;
	UCHAR GrdChk : 1;
	UCHAR Spt : 3;
	UCHAR ActivateMicrocode : 2;
	UCHAR SimpSup : 1;
	UCHAR OrdSup : 1;
	UCHAR HeadSup : 1;
	UCHAR PriorSup : 1;
	UCHAR GroupSup : 1;
	UCHAR UaskSup : 1;
	UCHAR Reserved0 : 2;
	UCHAR VSup : 1;
	UCHAR NvSup : 1;
	UCHAR Obsolete0 : 1;
	UCHAR WuSup : 1;
	UCHAR Reserved1 : 4;
	UCHAR LuiClr : 1;
	UCHAR Reserved2 : 3;
	UCHAR PiiSup : 1;
	UCHAR NoPiChk : 1;
	UCHAR Reserved3 : 2;
	UCHAR Obsolete1 : 1;
	UCHAR HssRelef : 1;
	UCHAR Reserved4 : 1;
	UCHAR RtdSup : 1;
	UCHAR RSup : 1;
	UCHAR LuCollectionType : 3;
	UCHAR Multi_i_t_Nexus_Microcode_Download : 4;
	UCHAR Reserved5 : 4;
	UCHAR ExtendedSelfTestCompletionMinutes[2];
	UCHAR Reserved6 : 5;
	UCHAR VsaSup : 1;
	UCHAR HraSup : 1;
	UCHAR PoaSup : 1;
	UCHAR MaxSupportedSenseDataLength;
	UCHAR Nrd0 : 1;
	UCHAR Nrd1 : 1;
	UCHAR Sac : 1;
	UCHAR Reserved7 : 3;
	UCHAR Ias : 1;
	UCHAR Ibs : 1;
	UCHAR MaxInquiryChangeLogs[2];
	UCHAR MaxModePageChangeLogs[2];
	UCHAR Reserved8[45];
} VPD_EXTENDED_INQUIRY_DATA_PAGE, *PVPD_EXTENDED_INQUIRY_DATA_PAGE;
DDK_OFFSET(VPD_EXTENDED_INQUIRY_DATA_PAGE, ExtendedSelfTestCompletionMinutes, 10);
DDK_OFFSET(VPD_EXTENDED_INQUIRY_DATA_PAGE, MaxSupportedSenseDataLength, 13);
DDK_SIZE(VPD_EXTENDED_INQUIRY_DATA_PAGE, 64);

#endif
