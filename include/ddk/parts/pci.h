/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* PCI configuration space, as StorPortGetBusData(PCIConfiguration) returns it. */
#ifndef DDK_PARTS_PCI_H
#define DDK_PARTS_PCI_H

#include "../ntdef.h"

#define PCI_TYPE0_ADDRESSES   6
#define PCI_TYPE1_ADDRESSES   2
#define PCI_MAX_DEVICES	      32
#define PCI_MAX_FUNCTION      8
#define PCI_MAX_BRIDGE_NUMBER 0xFF
#define PCI_INVALID_VENDORID  0xFFFF
#define PCI_COMMON_HDR_LENGTH (FIELD_OFFSET(PCI_COMMON_CONFIG, DeviceSpecific))

typedef struct _PCI_SLOT_NUMBER {
	union {
		struct {
			ULONG DeviceNumber : 5;
			ULONG FunctionNumber : 3;
			ULONG Reserved : 24;
		} bits;
		ULONG AsULONG;
	} u;
} PCI_SLOT_NUMBER, *PPCI_SLOT_NUMBER;
DDK_SIZE(PCI_SLOT_NUMBER, 4);

struct _PCI_HEADER_TYPE_0 {
	ULONG BaseAddresses[PCI_TYPE0_ADDRESSES];
	ULONG CIS;
	USHORT SubVendorID;
	USHORT SubSystemID;
	ULONG ROMBaseAddress;
	UCHAR CapabilitiesPtr;
	UCHAR Reserved1[3];
	ULONG Reserved2;
	UCHAR InterruptLine;
	UCHAR InterruptPin;
	UCHAR MinimumGrant;
	UCHAR MaximumLatency;
};

struct _PCI_HEADER_TYPE_1 {
	ULONG BaseAddresses[PCI_TYPE1_ADDRESSES];
	UCHAR PrimaryBus;
	UCHAR SecondaryBus;
	UCHAR SubordinateBus;
	UCHAR SecondaryLatency;
	UCHAR IOBase;
	UCHAR IOLimit;
	USHORT SecondaryStatus;
	USHORT MemoryBase;
	USHORT MemoryLimit;
	USHORT PrefetchBase;
	USHORT PrefetchLimit;
	ULONG PrefetchBaseUpper32;
	ULONG PrefetchLimitUpper32;
	USHORT IOBaseUpper16;
	USHORT IOLimitUpper16;
	UCHAR CapabilitiesPtr;
	UCHAR Reserved1[3];
	ULONG ROMBaseAddress;
	UCHAR InterruptLine;
	UCHAR InterruptPin;
	USHORT BridgeControl;
};

struct _PCI_HEADER_TYPE_2 {
	ULONG SocketRegistersBaseAddress;
	UCHAR CapabilitiesPtr;
	UCHAR Reserved;
	USHORT SecondaryStatus;
	UCHAR PrimaryBus;
	UCHAR SecondaryBus;
	UCHAR SubordinateBus;
	UCHAR SecondaryLatency;
	struct {
		ULONG Base;
		ULONG Limit;
	} Range[4];
	UCHAR InterruptLine;
	UCHAR InterruptPin;
	USHORT BridgeControl;
};

typedef struct _PCI_COMMON_HEADER {
	USHORT VendorID;
	USHORT DeviceID;
	USHORT Command;
	USHORT Status;
	UCHAR RevisionID;
	UCHAR ProgIf;
	UCHAR SubClass;
	UCHAR BaseClass;
	UCHAR CacheLineSize;
	UCHAR LatencyTimer;
	UCHAR HeaderType;
	UCHAR BIST;
	union {
		struct _PCI_HEADER_TYPE_0 type0;
		struct _PCI_HEADER_TYPE_1 type1;
		struct _PCI_HEADER_TYPE_2 type2;
	} u;
} PCI_COMMON_HEADER, *PPCI_COMMON_HEADER;
DDK_SIZE(PCI_COMMON_HEADER, 64);
DDK_OFFSET(PCI_COMMON_HEADER, u.type0.CapabilitiesPtr, 0x34);
DDK_OFFSET(PCI_COMMON_HEADER, u.type0.InterruptLine, 0x3c);
DDK_OFFSET(PCI_COMMON_HEADER, u.type1.CapabilitiesPtr, 0x34);
DDK_OFFSET(PCI_COMMON_HEADER, u.type2.CapabilitiesPtr, 0x14);
DDK_OFFSET(PCI_COMMON_HEADER, u.type2.InterruptLine, 0x3c);

typedef struct _PCI_COMMON_CONFIG {
	USHORT VendorID;
	USHORT DeviceID;
	USHORT Command;
	USHORT Status;
	UCHAR RevisionID;
	UCHAR ProgIf;
	UCHAR SubClass;
	UCHAR BaseClass;
	UCHAR CacheLineSize;
	UCHAR LatencyTimer;
	UCHAR HeaderType;
	UCHAR BIST;
	union {
		struct _PCI_HEADER_TYPE_0 type0;
		struct _PCI_HEADER_TYPE_1 type1;
		struct _PCI_HEADER_TYPE_2 type2;
	} u;
	UCHAR DeviceSpecific[192];
} PCI_COMMON_CONFIG, *PPCI_COMMON_CONFIG;
DDK_OFFSET(PCI_COMMON_CONFIG, DeviceSpecific, 64);
DDK_SIZE(PCI_COMMON_CONFIG, 256);

#define PCI_ENABLE_IO_SPACE		  0x0001
#define PCI_ENABLE_MEMORY_SPACE		  0x0002
#define PCI_ENABLE_BUS_MASTER		  0x0004
#define PCI_ENABLE_SPECIAL_CYCLES	  0x0008
#define PCI_ENABLE_WRITE_AND_INVALIDATE	  0x0010
#define PCI_ENABLE_VGA_COMPATIBLE_PALETTE 0x0020
#define PCI_ENABLE_PARITY		  0x0040
#define PCI_ENABLE_WAIT_CYCLE		  0x0080
#define PCI_ENABLE_SERR			  0x0100
#define PCI_ENABLE_FAST_BACK_TO_BACK	  0x0200
#define PCI_DISABLE_LEVEL_INTERRUPT	  0x0400

#define PCI_STATUS_INTERRUPT_PENDING 0x0008
#define PCI_STATUS_CAPABILITIES_LIST 0x0010

#define PCI_MULTIFUNCTION	0x80
#define PCI_DEVICE_TYPE		0x00
#define PCI_BRIDGE_TYPE		0x01
#define PCI_CARDBUS_BRIDGE_TYPE 0x02

#define PCI_ADDRESS_IO_SPACE		0x00000001
#define PCI_ADDRESS_MEMORY_TYPE_MASK	0x00000006
#define PCI_ADDRESS_MEMORY_PREFETCHABLE 0x00000008
#define PCI_ADDRESS_IO_ADDRESS_MASK	0xfffffffc
#define PCI_ADDRESS_MEMORY_ADDRESS_MASK 0xfffffff0
#define PCI_ADDRESS_ROM_ADDRESS_MASK	0xfffff800
#define PCI_TYPE_32BIT			0
#define PCI_TYPE_20BIT			2
#define PCI_TYPE_64BIT			4

#define PCI_CAPABILITY_ID_POWER_MANAGEMENT 0x01
#define PCI_CAPABILITY_ID_MSI		   0x05
#define PCI_CAPABILITY_ID_PCIX		   0x07
#define PCI_CAPABILITY_ID_VENDOR_SPECIFIC  0x09
#define PCI_CAPABILITY_ID_PCI_EXPRESS	   0x10
#define PCI_CAPABILITY_ID_MSIX		   0x11
#define PCI_CAPABILITY_ID_SATA_CONFIG	   0x12

typedef struct _PCI_CAPABILITIES_HEADER {
	UCHAR CapabilityID;
	UCHAR Next;
} PCI_CAPABILITIES_HEADER, *PPCI_CAPABILITIES_HEADER;
DDK_SIZE(PCI_CAPABILITIES_HEADER, 2);

#define PCI_CLASS_MASS_STORAGE_CTLR    0x01
#define PCI_SUBCLASS_MSC_SCSI_BUS_CTLR 0x00
#define PCI_SUBCLASS_MSC_RAID_CTLR     0x04
#define PCI_SUBCLASS_MSC_AHCI_CTLR     0x06
#define PCI_SUBCLASS_MSC_NVM_CTLR      0x08
#define PCI_SUBCLASS_MSC_OTHER	       0x80

#endif
