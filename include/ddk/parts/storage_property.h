/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * IOCTL_STORAGE_QUERY_PROPERTY: what is asked, the descriptors of units and adapters, among them
 * the types of buses; and those of a protocol's own data, of the temperature and of the physical
 * topology, which a miniport gets as IO_CONTROL requests, with a signature that ntddscsi.h has.
 * Included by ntddstor.h.
 */
#ifndef DDK_PARTS_STORAGE_PROPERTY_H
#define DDK_PARTS_STORAGE_PROPERTY_H

#include "../devioctl.h"
#include "../ntdef.h"

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

#define IOCTL_STORAGE_QUERY_PROPERTY                                                               \
	CTL_CODE(FILE_DEVICE_MASS_STORAGE, 0x0500, METHOD_BUFFERED, FILE_ANY_ACCESS)
#define IOCTL_STORAGE_SET_PROPERTY                                                                 \
	CTL_CODE(FILE_DEVICE_MASS_STORAGE, 0x04FF, METHOD_BUFFERED, FILE_WRITE_ACCESS)

typedef enum _STORAGE_QUERY_TYPE {
	PropertyStandardQuery = 0,
	PropertyExistsQuery,
	PropertyMaskQuery,
	PropertyQueryMaxDefined
} STORAGE_QUERY_TYPE,
	*PSTORAGE_QUERY_TYPE;

typedef enum _STORAGE_PROPERTY_ID {
	StorageDeviceProperty = 0,
	StorageAdapterProperty,
	StorageDeviceIdProperty,
	StorageDeviceUniqueIdProperty,
	StorageDeviceWriteCacheProperty,
	StorageMiniportProperty,
	StorageAccessAlignmentProperty,
	StorageDeviceSeekPenaltyProperty,
	StorageDeviceTrimProperty,
	StorageDeviceWriteAggregationProperty,
	StorageDeviceDeviceTelemetryProperty,
	StorageDeviceLBProvisioningProperty,
	StorageDevicePowerProperty,
	StorageDeviceCopyOffloadProperty,
	StorageDeviceResiliencyProperty,
	StorageDeviceMediumProductType,
	StorageAdapterRpmbProperty,
	StorageAdapterCryptoProperty,
	StorageDeviceIoCapabilityProperty = 48,
	StorageAdapterProtocolSpecificProperty,
	StorageDeviceProtocolSpecificProperty,
	StorageAdapterTemperatureProperty,
	StorageDeviceTemperatureProperty,
	StorageAdapterPhysicalTopologyProperty,
	StorageDevicePhysicalTopologyProperty,
	StorageDeviceAttributesProperty
} STORAGE_PROPERTY_ID,
	*PSTORAGE_PROPERTY_ID;

typedef struct _STORAGE_PROPERTY_QUERY {
	STORAGE_PROPERTY_ID PropertyId;
	STORAGE_QUERY_TYPE QueryType;
	UCHAR AdditionalParameters[1];
} STORAGE_PROPERTY_QUERY, *PSTORAGE_PROPERTY_QUERY;
DDK_OFFSET(STORAGE_PROPERTY_QUERY, AdditionalParameters, 8);

/* Each descriptor begins like this: its structure's size, and its own. */
typedef struct _STORAGE_DESCRIPTOR_HEADER {
	ULONG Version;
	ULONG Size;
} STORAGE_DESCRIPTOR_HEADER, *PSTORAGE_DESCRIPTOR_HEADER;
DDK_SIZE(STORAGE_DESCRIPTOR_HEADER, 8);

/* Offsets are from its beginning, of strings that end with a zero; 0: there is none. */
typedef struct _STORAGE_DEVICE_DESCRIPTOR {
	ULONG Version;
	ULONG Size;
	UCHAR DeviceType;
	UCHAR DeviceTypeModifier;
	BOOLEAN RemovableMedia;
	BOOLEAN CommandQueueing;
	ULONG VendorIdOffset;
	ULONG ProductIdOffset;
	ULONG ProductRevisionOffset;
	ULONG SerialNumberOffset;
	STORAGE_BUS_TYPE BusType;
	ULONG RawPropertiesLength;
	UCHAR RawDeviceProperties[1];
} STORAGE_DEVICE_DESCRIPTOR, *PSTORAGE_DEVICE_DESCRIPTOR;
DDK_SIZE(STORAGE_DEVICE_DESCRIPTOR, 40);
DDK_OFFSET(STORAGE_DEVICE_DESCRIPTOR, RawDeviceProperties, 36);

#define STORAGE_ADDRESS_TYPE_BTL8 0x00

typedef struct _STORAGE_ADAPTER_DESCRIPTOR {
	ULONG Version;
	ULONG Size;
	ULONG MaximumTransferLength;
	ULONG MaximumPhysicalPages;
	ULONG AlignmentMask;
	BOOLEAN AdapterUsesPio;
	BOOLEAN AdapterScansDown;
	BOOLEAN CommandQueueing;
	BOOLEAN AcceleratedTransfer;
	UCHAR BusType;
	USHORT BusMajorVersion;
	USHORT BusMinorVersion;
	UCHAR SrbType; /* this and the next since Windows 8 */
	UCHAR AddressType;
} STORAGE_ADAPTER_DESCRIPTOR, *PSTORAGE_ADAPTER_DESCRIPTOR;
DDK_SIZE(STORAGE_ADAPTER_DESCRIPTOR, 32);
#define NO_SRBTYPE_ADAPTER_DESCRIPTOR_SIZE FIELD_OFFSET(STORAGE_ADAPTER_DESCRIPTOR, SrbType)

typedef struct _STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR {
	ULONG Version;
	ULONG Size;
	ULONG BytesPerCacheLine;
	ULONG BytesOffsetForCacheAlignment;
	ULONG BytesPerLogicalSector;
	ULONG BytesPerPhysicalSector;
	ULONG BytesOffsetForSectorAlignment;
} STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR, *PSTORAGE_ACCESS_ALIGNMENT_DESCRIPTOR;
DDK_SIZE(STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR, 28);

/* ---- names of a unit: designation descriptors of SPC ---- */

typedef enum _STORAGE_IDENTIFIER_CODE_SET {
	StorageIdCodeSetReserved = 0,
	StorageIdCodeSetBinary,
	StorageIdCodeSetAscii,
	StorageIdCodeSetUtf8
} STORAGE_IDENTIFIER_CODE_SET,
	*PSTORAGE_IDENTIFIER_CODE_SET;

typedef enum _STORAGE_IDENTIFIER_TYPE {
	StorageIdTypeVendorSpecific = 0,
	StorageIdTypeVendorId,
	StorageIdTypeEUI64,
	StorageIdTypeFCPHName,
	StorageIdTypePortRelative,
	StorageIdTypeTargetPortGroup,
	StorageIdTypeLogicalUnitGroup,
	StorageIdTypeMD5LogicalUnitIdentifier,
	StorageIdTypeScsiNameString
} STORAGE_IDENTIFIER_TYPE,
	*PSTORAGE_IDENTIFIER_TYPE;

typedef enum _STORAGE_ASSOCIATION_TYPE {
	StorageIdAssocDevice = 0,
	StorageIdAssocPort,
	StorageIdAssocTarget
} STORAGE_ASSOCIATION_TYPE,
	*PSTORAGE_ASSOCIATION_TYPE;

typedef struct _STORAGE_IDENTIFIER {
	STORAGE_IDENTIFIER_CODE_SET CodeSet;
	STORAGE_IDENTIFIER_TYPE Type;
	USHORT IdentifierSize;
	USHORT NextOffset;
	STORAGE_ASSOCIATION_TYPE Association;
	UCHAR Identifier[1];
} STORAGE_IDENTIFIER, *PSTORAGE_IDENTIFIER;
DDK_OFFSET(STORAGE_IDENTIFIER, Identifier, 16);

typedef struct _STORAGE_DEVICE_ID_DESCRIPTOR {
	ULONG Version;
	ULONG Size;
	ULONG NumberOfIdentifiers;
	UCHAR Identifiers[1]; /* STORAGE_IDENTIFIER, one behind the other */
} STORAGE_DEVICE_ID_DESCRIPTOR, *PSTORAGE_DEVICE_ID_DESCRIPTOR;
DDK_OFFSET(STORAGE_DEVICE_ID_DESCRIPTOR, Identifiers, 12);

/* ---- data of a protocol ---- */

typedef enum _STORAGE_PROTOCOL_TYPE {
	ProtocolTypeUnknown = 0x00,
	ProtocolTypeScsi,
	ProtocolTypeAta,
	ProtocolTypeNvme,
	ProtocolTypeSd,
	ProtocolTypeUfs,
	ProtocolTypeProprietary = 0x7E,
	ProtocolTypeMaxReserved = 0x7F
} STORAGE_PROTOCOL_TYPE,
	*PSTORAGE_PROTOCOL_TYPE;

typedef enum _STORAGE_PROTOCOL_ATA_DATA_TYPE {
	AtaDataTypeUnknown = 0,
	AtaDataTypeIdentify,
	AtaDataTypeLogPage
} STORAGE_PROTOCOL_ATA_DATA_TYPE,
	*PSTORAGE_PROTOCOL_ATA_DATA_TYPE;

typedef struct _STORAGE_PROTOCOL_SPECIFIC_DATA {
	STORAGE_PROTOCOL_TYPE ProtocolType;
	ULONG DataType;
	ULONG ProtocolDataRequestValue;
	ULONG ProtocolDataRequestSubValue;
	ULONG ProtocolDataOffset; /* from the beginning of this structure */
	ULONG ProtocolDataLength;
	ULONG FixedProtocolReturnData;
	ULONG ProtocolDataRequestSubValue2;
	ULONG ProtocolDataRequestSubValue3;
	ULONG ProtocolDataRequestSubValue4;
} STORAGE_PROTOCOL_SPECIFIC_DATA, *PSTORAGE_PROTOCOL_SPECIFIC_DATA;
DDK_SIZE(STORAGE_PROTOCOL_SPECIFIC_DATA, 40);

typedef struct _STORAGE_PROTOCOL_DATA_DESCRIPTOR {
	ULONG Version;
	ULONG Size;
	STORAGE_PROTOCOL_SPECIFIC_DATA ProtocolSpecificData;
} STORAGE_PROTOCOL_DATA_DESCRIPTOR, *PSTORAGE_PROTOCOL_DATA_DESCRIPTOR;
DDK_SIZE(STORAGE_PROTOCOL_DATA_DESCRIPTOR, 48);

/* ---- temperature, in degrees Celsius ---- */

#define STORAGE_TEMPERATURE_VALUE_NOT_REPORTED 0x8000

typedef struct _STORAGE_TEMPERATURE_INFO {
	USHORT Index;
	SHORT Temperature;
	SHORT OverThreshold;
	SHORT UnderThreshold;
	BOOLEAN OverThresholdChangable;
	BOOLEAN UnderThresholdChangable;
	BOOLEAN EventGenerated;
	UCHAR Reserved0;
	ULONG Reserved1;
} STORAGE_TEMPERATURE_INFO, *PSTORAGE_TEMPERATURE_INFO;
DDK_SIZE(STORAGE_TEMPERATURE_INFO, 16);

typedef struct _STORAGE_TEMPERATURE_DATA_DESCRIPTOR {
	ULONG Version;
	ULONG Size;
	SHORT CriticalTemperature;
	SHORT WarningTemperature;
	USHORT InfoCount;
	UCHAR Reserved0[2];
	ULONG Reserved1[2];
	STORAGE_TEMPERATURE_INFO TemperatureInfo[ANYSIZE_ARRAY];
} STORAGE_TEMPERATURE_DATA_DESCRIPTOR, *PSTORAGE_TEMPERATURE_DATA_DESCRIPTOR;
DDK_OFFSET(STORAGE_TEMPERATURE_DATA_DESCRIPTOR, TemperatureInfo, 24);

/* ---- physical topology ---- */

typedef enum _STORAGE_DEVICE_FORM_FACTOR {
	FormFactorUnknown = 0,
	FormFactor3_5,
	FormFactor2_5,
	FormFactor1_8,
	FormFactor1_8Less,
	FormFactorEmbedded,
	FormFactorMemoryCard,
	FormFactormSata,
	FormFactorM_2,
	FormFactorPCIeBoard,
	FormFactorDimm
} STORAGE_DEVICE_FORM_FACTOR,
	*PSTORAGE_DEVICE_FORM_FACTOR;

typedef enum _STORAGE_COMPONENT_HEALTH_STATUS {
	HealthStatusUnknown = 0,
	HealthStatusNormal,
	HealthStatusThrottled,
	HealthStatusWarning,
	HealthStatusDisabled,
	HealthStatusFailed
} STORAGE_COMPONENT_HEALTH_STATUS,
	*PSTORAGE_COMPONENT_HEALTH_STATUS;

typedef union _STORAGE_SPEC_VERSION {
	struct {
		union {
			struct {
				UCHAR SubMinor;
				UCHAR Minor;
			};
			USHORT AsUshort;
		} MinorVersion;
		USHORT MajorVersion;
	};
	ULONG AsUlong;
} STORAGE_SPEC_VERSION, *PSTORAGE_SPEC_VERSION;
DDK_SIZE(STORAGE_SPEC_VERSION, 4);

#define STORAGE_COMPONENT_ROLE_CACHE   0x00000001
#define STORAGE_COMPONENT_ROLE_TIERING 0x00000002
#define STORAGE_COMPONENT_ROLE_DATA    0x00000004

typedef struct _STORAGE_PHYSICAL_DEVICE_DATA {
	ULONG DeviceId;
	ULONG Role;
	STORAGE_COMPONENT_HEALTH_STATUS HealthStatus;
	STORAGE_PROTOCOL_TYPE CommandProtocol;
	STORAGE_SPEC_VERSION SpecVersion;
	STORAGE_DEVICE_FORM_FACTOR FormFactor;
	UCHAR Vendor[8];
	UCHAR Model[40];
	UCHAR FirmwareRevision[16];
	ULONGLONG Capacity; /* in KiB */
	UCHAR PhysicalLocation[32];
	ULONG Reserved[2];
} STORAGE_PHYSICAL_DEVICE_DATA, *PSTORAGE_PHYSICAL_DEVICE_DATA;
DDK_OFFSET(STORAGE_PHYSICAL_DEVICE_DATA, Capacity, 88);
DDK_SIZE(STORAGE_PHYSICAL_DEVICE_DATA, 136);

typedef struct _STORAGE_PHYSICAL_ADAPTER_DATA {
	ULONG AdapterId;
	STORAGE_COMPONENT_HEALTH_STATUS HealthStatus;
	STORAGE_PROTOCOL_TYPE CommandProtocol;
	STORAGE_SPEC_VERSION SpecVersion;
	UCHAR Vendor[8];
	UCHAR Model[40];
	UCHAR FirmwareRevision[16];
	UCHAR PhysicalLocation[32];
	BOOLEAN ExpanderConnected;
	UCHAR Reserved0[3];
	ULONG Reserved1[3];
} STORAGE_PHYSICAL_ADAPTER_DATA, *PSTORAGE_PHYSICAL_ADAPTER_DATA;
DDK_OFFSET(STORAGE_PHYSICAL_ADAPTER_DATA, ExpanderConnected, 112);
DDK_SIZE(STORAGE_PHYSICAL_ADAPTER_DATA, 128);

/* Offsets are from the beginning of the descriptor. */
typedef struct _STORAGE_PHYSICAL_NODE_DATA {
	ULONG NodeId;
	ULONG AdapterCount;
	ULONG AdapterDataLength;
	ULONG AdapterDataOffset;
	ULONG DeviceCount;
	ULONG DeviceDataLength;
	ULONG DeviceDataOffset;
	ULONG Reserved[3];
} STORAGE_PHYSICAL_NODE_DATA, *PSTORAGE_PHYSICAL_NODE_DATA;
DDK_SIZE(STORAGE_PHYSICAL_NODE_DATA, 40);

typedef struct _STORAGE_PHYSICAL_TOPOLOGY_DESCRIPTOR {
	ULONG Version;
	ULONG Size;
	ULONG NodeCount;
	ULONG Reserved;
	STORAGE_PHYSICAL_NODE_DATA Node[ANYSIZE_ARRAY];
} STORAGE_PHYSICAL_TOPOLOGY_DESCRIPTOR, *PSTORAGE_PHYSICAL_TOPOLOGY_DESCRIPTOR;
DDK_OFFSET(STORAGE_PHYSICAL_TOPOLOGY_DESCRIPTOR, Node, 16);

#endif
