/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What commands return or take: inquiry, capacity, REPORT LUNS, UNMAP, LBA status, reservations.
 * Included by scsi.h. */
#ifndef DDK_PARTS_SCSI_DATA_H
#define DDK_PARTS_SCSI_DATA_H

#include "../ntdef.h"

/* ---- INQUIRY ---- */

#define INQUIRYDATABUFFERSIZE 36

#define VER_DESCRIPTOR_1667_NOVERSION 0xFFC0 /* IEEE 1667, no version claimed */

typedef struct _INQUIRYDATA {
	UCHAR DeviceType : 5;
	UCHAR DeviceTypeQualifier : 3;
	UCHAR DeviceTypeModifier : 7;
	UCHAR RemovableMedia : 1;
	union {
		UCHAR Versions;
		struct {
			UCHAR ANSIVersion : 3;
			UCHAR ECMAVersion : 3;
			UCHAR ISOVersion : 2;
		};
	};
	UCHAR ResponseDataFormat : 4;
	UCHAR HiSupport : 1;
	UCHAR NormACA : 1;
	UCHAR TerminateTask : 1;
	UCHAR AERC : 1;
	UCHAR AdditionalLength;
	union {
		UCHAR Reserved;
		struct {
			UCHAR PROTECT : 1;
			UCHAR Reserved_1 : 2;
			UCHAR ThirdPartyCoppy : 1;
			UCHAR TPGS : 2;
			UCHAR ACC : 1;
			UCHAR SCCS : 1;
		};
	};
	UCHAR Addr16 : 1;
	UCHAR Addr32 : 1;
	UCHAR AckReqQ : 1;
	UCHAR MediumChanger : 1;
	UCHAR MultiPort : 1;
	UCHAR ReservedBit2 : 1;
	UCHAR EnclosureServices : 1;
	UCHAR ReservedBit3 : 1;
	UCHAR SoftReset : 1;
	UCHAR CommandQueue : 1;
	UCHAR TransferDisable : 1;
	UCHAR LinkedCommands : 1;
	UCHAR Synchronous : 1;
	UCHAR Wide16Bit : 1;
	UCHAR Wide32Bit : 1;
	UCHAR RelativeAddressing : 1;
	UCHAR VendorId[8];
	UCHAR ProductId[16];
	UCHAR ProductRevisionLevel[4];
	UCHAR VendorSpecific[20];
	UCHAR Reserved3[2];
	USHORT VersionDescriptors[8];
	UCHAR Reserved4[30];
} INQUIRYDATA, *PINQUIRYDATA;
DDK_OFFSET(INQUIRYDATA, AdditionalLength, 4);
DDK_OFFSET(INQUIRYDATA, VendorId, 8);
DDK_OFFSET(INQUIRYDATA, ProductId, 16);
DDK_OFFSET(INQUIRYDATA, ProductRevisionLevel, 32);
DDK_OFFSET(INQUIRYDATA, VendorSpecific, 36);
DDK_OFFSET(INQUIRYDATA, VersionDescriptors, 58);
DDK_SIZE(INQUIRYDATA, 104);

/* ---- READ CAPACITY: all big endian ---- */

#pragma pack(push, 1)
typedef struct _READ_CAPACITY_DATA {
	ULONG LogicalBlockAddress;
	ULONG BytesPerBlock;
} READ_CAPACITY_DATA, *PREAD_CAPACITY_DATA;
DDK_SIZE(READ_CAPACITY_DATA, 8);

typedef struct _READ_CAPACITY_DATA_EX {
	LARGE_INTEGER LogicalBlockAddress;
	ULONG BytesPerBlock;
} READ_CAPACITY_DATA_EX, *PREAD_CAPACITY_DATA_EX;
DDK_SIZE(READ_CAPACITY_DATA_EX, 12);

typedef struct _READ_CAPACITY16_DATA {
	LARGE_INTEGER LogicalBlockAddress;
	ULONG BytesPerBlock;
	UCHAR ProtectionEnable : 1;
	UCHAR ProtectionType : 3;
	UCHAR RcBasisField : 2;
	UCHAR Reserved : 2;
	UCHAR LogicalPerPhysicalExponent : 4;
	UCHAR ProtectionInfoExponent : 4;
	UCHAR LowestAlignedBlock_MSB : 6;
	UCHAR LBPRZ : 1;
	UCHAR LBPME : 1;
	UCHAR LowestAlignedBlock_LSB;
	UCHAR Reserved3[16];
} READ_CAPACITY16_DATA, *PREAD_CAPACITY16_DATA;
DDK_OFFSET(READ_CAPACITY16_DATA, LowestAlignedBlock_LSB, 15);
DDK_SIZE(READ_CAPACITY16_DATA, 32);
#pragma pack(pop)

/* ---- REPORT LUNS ---- */

typedef struct _LUN_LIST {
	UCHAR LunListLength[4];
	UCHAR Reserved[4];
	UCHAR Lun[][8];
} LUN_LIST, *PLUN_LIST;
DDK_OFFSET(LUN_LIST, Lun, 8);

/* ---- UNMAP ---- */

typedef struct _UNMAP_BLOCK_DESCRIPTOR {
	UCHAR StartingLba[8];
	UCHAR LbaCount[4];
	UCHAR Reserved[4];
} UNMAP_BLOCK_DESCRIPTOR, *PUNMAP_BLOCK_DESCRIPTOR;
DDK_SIZE(UNMAP_BLOCK_DESCRIPTOR, 16);

typedef struct _UNMAP_LIST_HEADER {
	UCHAR DataLength[2];
	UCHAR BlockDescrDataLength[2];
	UCHAR Reserved[4];
	UNMAP_BLOCK_DESCRIPTOR Descriptors[];
} UNMAP_LIST_HEADER, *PUNMAP_LIST_HEADER;
DDK_OFFSET(UNMAP_LIST_HEADER, Descriptors, 8);

/* ---- GET LBA STATUS ---- */

#define LBA_STATUS_MAPPED      0x0
#define LBA_STATUS_DEALLOCATED 0x1
#define LBA_STATUS_ANCHORED    0x2

typedef struct _LBA_STATUS_DESCRIPTOR {
	ULONGLONG StartingLBA;
	ULONG LogicalBlockCount;
	UCHAR ProvisioningStatus : 4;
	UCHAR Reserved1 : 4;
	UCHAR Reserved2[3];
} LBA_STATUS_DESCRIPTOR, *PLBA_STATUS_DESCRIPTOR;
DDK_SIZE(LBA_STATUS_DESCRIPTOR, 16);

typedef struct _LBA_STATUS_LIST_HEADER {
	ULONG ParameterLength;
	ULONG Reserved;
	LBA_STATUS_DESCRIPTOR Descriptors[];
} LBA_STATUS_LIST_HEADER, *PLBA_STATUS_LIST_HEADER;
DDK_OFFSET(LBA_STATUS_LIST_HEADER, Descriptors, 8);

/* ---- persistent reservations ---- */

#define RESERVATION_ACTION_READ_KEYS		     0x00
#define RESERVATION_ACTION_READ_RESERVATIONS	     0x01
#define RESERVATION_ACTION_REGISTER		     0x00
#define RESERVATION_ACTION_RESERVE		     0x01
#define RESERVATION_ACTION_RELEASE		     0x02
#define RESERVATION_ACTION_CLEAR		     0x03
#define RESERVATION_ACTION_PREEMPT		     0x04
#define RESERVATION_ACTION_PREEMPT_ABORT	     0x05
#define RESERVATION_ACTION_REGISTER_IGNORE_EXISTING  0x06
#define RESERVATION_SCOPE_LU			     0x00
#define RESERVATION_TYPE_WRITE_EXCLUSIVE	     0x01
#define RESERVATION_TYPE_EXCLUSIVE		     0x03
#define RESERVATION_TYPE_WRITE_EXCLUSIVE_REGISTRANTS 0x05
#define RESERVATION_TYPE_EXCLUSIVE_REGISTRANTS	     0x06

typedef struct _PRI_REGISTRATION_LIST {
	UCHAR Generation[4];
	UCHAR AdditionalLength[4];
	UCHAR ReservationKeyList[][8];
} PRI_REGISTRATION_LIST, *PPRI_REGISTRATION_LIST;

typedef struct _PRI_RESERVATION_DESCRIPTOR {
	UCHAR ReservationKey[8];
	UCHAR ScopeSpecificAddress[4];
	UCHAR Reserved;
	UCHAR Type : 4;
	UCHAR Scope : 4;
	UCHAR Obsolete[2];
} PRI_RESERVATION_DESCRIPTOR, *PPRI_RESERVATION_DESCRIPTOR;
DDK_SIZE(PRI_RESERVATION_DESCRIPTOR, 16);

typedef struct _PRI_RESERVATION_LIST {
	UCHAR Generation[4];
	UCHAR AdditionalLength[4];
	PRI_RESERVATION_DESCRIPTOR Reservations[];
} PRI_RESERVATION_LIST, *PPRI_RESERVATION_LIST;

typedef struct _PRO_PARAMETER_LIST {
	UCHAR ReservationKey[8];
	UCHAR ServiceActionReservationKey[8];
	UCHAR ScopeSpecificAddress[4];
	UCHAR ActivatePersistThroughPowerLoss : 1;
	UCHAR Reserved1 : 7;
	UCHAR Reserved2;
	UCHAR Obsolete[2];
} PRO_PARAMETER_LIST, *PPRO_PARAMETER_LIST;
DDK_SIZE(PRO_PARAMETER_LIST, 24);

#endif
