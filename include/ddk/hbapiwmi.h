/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * WMI's classes for host bus adapters, as structures: those of the Storage Management API (SM-HBA)
 * that query an adapter and its ports. A driver defines MS_SM_HBA_API before it includes this. What
 * the tool for WMI would make of hbaapi.mof: for each method NAME its number, NAME_IN and NAME_OUT,
 * and their sizes. A string of up to N characters is a length in bytes and N characters; the size
 * of an array of variable length is not counted.
 */
#ifndef DDK_HBAPIWMI_H
#define DDK_HBAPIWMI_H

#include "ntdef.h"

/* The size up to and with the last member. */
#define DDK_WMI_SIZE(type, last) RTL_SIZEOF_THROUGH_FIELD(type, last)

#ifdef MS_SM_HBA_API

#define MS_SM_AdapterInformationQueryGuid                                                          \
	{                                                                                          \
		0xbdc67efa, 0xe5e7, 0x4777,                                                        \
		{                                                                                  \
			0xb1, 0x3c, 0x62, 0x14, 0x59, 0x65, 0x70, 0x99                             \
		}                                                                                  \
	}
#define MS_SM_PortInformationMethodsGuid                                                           \
	{                                                                                          \
		0x5b6a8b86, 0x708d, 0x4ec6,                                                        \
		{                                                                                  \
			0x82, 0xa6, 0x39, 0xad, 0xcf, 0x6f, 0x64, 0x33                             \
		}                                                                                  \
	}

typedef struct _MS_SM_AdapterInformationQuery {
	ULONGLONG UniqueAdapterId;
	ULONG HBAStatus;
	ULONG NumberOfPorts;
	ULONG VendorSpecificID;
	WCHAR Manufacturer[64 + 1];
	WCHAR SerialNumber[64 + 1];
	WCHAR Model[256 + 1];
	WCHAR ModelDescription[256 + 1];
	WCHAR HardwareVersion[256 + 1];
	WCHAR DriverVersion[256 + 1];
	WCHAR OptionROMVersion[256 + 1];
	WCHAR FirmwareVersion[256 + 1];
	WCHAR DriverName[256 + 1];
	WCHAR HBASymbolicName[256 + 1];
	WCHAR RedundantOptionROMVersion[256 + 1];
	WCHAR RedundantFirmwareVersion[256 + 1];
	WCHAR MfgDomain[256 + 1];
} MS_SM_AdapterInformationQuery, *PMS_SM_AdapterInformationQuery;
#define MS_SM_AdapterInformationQuery_SIZE DDK_WMI_SIZE(MS_SM_AdapterInformationQuery, MfgDomain)
DDK_OFFSET(MS_SM_AdapterInformationQuery, Manufacturer, 20);
DDK_OFFSET(MS_SM_AdapterInformationQuery, MfgDomain, 20 + 2 * 130 + 10 * 514);

typedef struct _MS_SMHBA_FC_Port {
	UCHAR NodeWWN[8];
	UCHAR PortWWN[8];
	ULONG FcId;
	ULONG PortSupportedClassofService;
	UCHAR PortSupportedFc4Types[32];
	UCHAR PortActiveFc4Types[32];
	UCHAR FabricName[8];
	ULONG NumberofDiscoveredPorts;
	UCHAR NumberofPhys;
	WCHAR PortSymbolicName[256 + 1];
} MS_SMHBA_FC_Port, *PMS_SMHBA_FC_Port;
#define MS_SMHBA_FC_Port_SIZE DDK_WMI_SIZE(MS_SMHBA_FC_Port, PortSymbolicName)
DDK_OFFSET(MS_SMHBA_FC_Port, NumberofPhys, 100);
DDK_OFFSET(MS_SMHBA_FC_Port, PortSymbolicName, 102);

typedef struct _MS_SMHBA_SAS_Port {
	ULONG PortProtocol;
	UCHAR LocalSASAddress[8];
	UCHAR AttachedSASAddress[8];
	ULONG NumberofDiscoveredPorts;
	ULONG NumberofPhys;
} MS_SMHBA_SAS_Port, *PMS_SMHBA_SAS_Port;
#define MS_SMHBA_SAS_Port_SIZE DDK_WMI_SIZE(MS_SMHBA_SAS_Port, NumberofPhys)
DDK_SIZE(MS_SMHBA_SAS_Port, 28);

#define SM_PORT_SPECIFIC_ATTRIBUTES_MAXSIZE                                                        \
	(sizeof(MS_SMHBA_FC_Port) > sizeof(MS_SMHBA_SAS_Port) ? sizeof(MS_SMHBA_FC_Port)           \
							      : sizeof(MS_SMHBA_SAS_Port))

/* PortSpecificAttributesSize bytes of MS_SMHBA_FC_Port or MS_SMHBA_SAS_Port stand at its end. */
typedef struct _MS_SMHBA_PORTATTRIBUTES {
	ULONG PortType;
	ULONG PortState;
	ULONG PortSpecificAttributesSize;
	WCHAR OSDeviceName[256 + 1];
	ULONGLONG Reserved;
	UCHAR PortSpecificAttributes[1];
} MS_SMHBA_PORTATTRIBUTES, *PMS_SMHBA_PORTATTRIBUTES;
DDK_OFFSET(MS_SMHBA_PORTATTRIBUTES, Reserved, 528);
DDK_OFFSET(MS_SMHBA_PORTATTRIBUTES, PortSpecificAttributes, 536);

typedef struct _MS_SMHBA_PROTOCOLSTATISTICS {
	LONGLONG SecondsSinceLastReset;
	LONGLONG InputRequests;
	LONGLONG OutputRequests;
	LONGLONG ControlRequests;
	LONGLONG InputMegabytes;
	LONGLONG OutputMegabytes;
} MS_SMHBA_PROTOCOLSTATISTICS, *PMS_SMHBA_PROTOCOLSTATISTICS;
#define MS_SMHBA_PROTOCOLSTATISTICS_SIZE DDK_WMI_SIZE(MS_SMHBA_PROTOCOLSTATISTICS, OutputMegabytes)
DDK_SIZE(MS_SMHBA_PROTOCOLSTATISTICS, 48);

typedef struct _MS_SMHBA_SASPHYSTATISTICS {
	LONGLONG SecondsSinceLastReset;
	LONGLONG TxFrames;
	LONGLONG TxWords;
	LONGLONG RxFrames;
	LONGLONG RxWords;
	LONGLONG InvalidDwordCount;
	LONGLONG RunningDisparityErrorCount;
	LONGLONG LossofDwordSyncCount;
	LONGLONG PhyResetProblemCount;
} MS_SMHBA_SASPHYSTATISTICS, *PMS_SMHBA_SASPHYSTATISTICS;
#define MS_SMHBA_SASPHYSTATISTICS_SIZE DDK_WMI_SIZE(MS_SMHBA_SASPHYSTATISTICS, PhyResetProblemCount)
DDK_SIZE(MS_SMHBA_SASPHYSTATISTICS, 72);

typedef struct _MS_SMHBA_FC_PHY {
	ULONG PhySupportSpeed;
	ULONG PhySpeed;
	UCHAR PhyType;
	ULONG MaxFrameSize;
} MS_SMHBA_FC_PHY, *PMS_SMHBA_FC_PHY;
#define MS_SMHBA_FC_PHY_SIZE DDK_WMI_SIZE(MS_SMHBA_FC_PHY, MaxFrameSize)
DDK_SIZE(MS_SMHBA_FC_PHY, 16);

typedef struct _MS_SMHBA_SAS_PHY {
	UCHAR PhyIdentifier;
	ULONG NegotiatedLinkRate;
	ULONG ProgrammedMinLinkRate;
	ULONG HardwareMinLinkRate;
	ULONG ProgrammedMaxLinkRate;
	ULONG HardwareMaxLinkRate;
	UCHAR domainPortWWN[8];
} MS_SMHBA_SAS_PHY, *PMS_SMHBA_SAS_PHY;
#define MS_SMHBA_SAS_PHY_SIZE DDK_WMI_SIZE(MS_SMHBA_SAS_PHY, domainPortWWN)
DDK_SIZE(MS_SMHBA_SAS_PHY, 32);

/* ---- methods of MS_SM_PortInformationMethods ---- */

#define SM_GetPortType		       1
#define SM_GetAdapterPortAttributes    2
#define SM_GetDiscoveredPortAttributes 3
#define SM_GetPortAttributesByWWN      4
#define SM_GetProtocolStatistics       5
#define SM_GetPhyStatistics	       6
#define SM_GetFCPhyAttributes	       7
#define SM_GetSASPhyAttributes	       8
#define SM_RefreshInformation	       10

typedef struct _SM_GetPortType_IN {
	ULONG PortIndex;
} SM_GetPortType_IN, *PSM_GetPortType_IN;
#define SM_GetPortType_IN_SIZE DDK_WMI_SIZE(SM_GetPortType_IN, PortIndex)

typedef struct _SM_GetPortType_OUT {
	ULONG HBAStatus;
	ULONG PortType;
} SM_GetPortType_OUT, *PSM_GetPortType_OUT;
#define SM_GetPortType_OUT_SIZE DDK_WMI_SIZE(SM_GetPortType_OUT, PortType)

typedef struct _SM_GetAdapterPortAttributes_IN {
	ULONG PortIndex;
	ULONG PortSpecificAttributesMaxSize;
} SM_GetAdapterPortAttributes_IN, *PSM_GetAdapterPortAttributes_IN;
#define SM_GetAdapterPortAttributes_IN_SIZE                                                        \
	DDK_WMI_SIZE(SM_GetAdapterPortAttributes_IN, PortSpecificAttributesMaxSize)

typedef struct _SM_GetAdapterPortAttributes_OUT {
	ULONG HBAStatus;
	MS_SMHBA_PORTATTRIBUTES PortAttributes;
} SM_GetAdapterPortAttributes_OUT, *PSM_GetAdapterPortAttributes_OUT;
#define SM_GetAdapterPortAttributes_OUT_SIZE                                                       \
	DDK_WMI_SIZE(SM_GetAdapterPortAttributes_OUT, PortAttributes)
DDK_OFFSET(SM_GetAdapterPortAttributes_OUT, PortAttributes, 8);

typedef struct _SM_GetDiscoveredPortAttributes_IN {
	ULONG PortIndex;
	ULONG DiscoveredPortIndex;
	ULONG PortSpecificAttributesMaxSize;
} SM_GetDiscoveredPortAttributes_IN, *PSM_GetDiscoveredPortAttributes_IN;
#define SM_GetDiscoveredPortAttributes_IN_SIZE                                                     \
	DDK_WMI_SIZE(SM_GetDiscoveredPortAttributes_IN, PortSpecificAttributesMaxSize)

typedef struct _SM_GetDiscoveredPortAttributes_OUT {
	ULONG HBAStatus;
	MS_SMHBA_PORTATTRIBUTES PortAttributes;
} SM_GetDiscoveredPortAttributes_OUT, *PSM_GetDiscoveredPortAttributes_OUT;
#define SM_GetDiscoveredPortAttributes_OUT_SIZE                                                    \
	DDK_WMI_SIZE(SM_GetDiscoveredPortAttributes_OUT, PortAttributes)

typedef struct _SM_GetPortAttributesByWWN_IN {
	UCHAR PortWWN[8];
	UCHAR DomainPortWWN[8];
	ULONG PortSpecificAttributesMaxSize;
} SM_GetPortAttributesByWWN_IN, *PSM_GetPortAttributesByWWN_IN;
#define SM_GetPortAttributesByWWN_IN_SIZE                                                          \
	DDK_WMI_SIZE(SM_GetPortAttributesByWWN_IN, PortSpecificAttributesMaxSize)

typedef struct _SM_GetPortAttributesByWWN_OUT {
	ULONG HBAStatus;
	MS_SMHBA_PORTATTRIBUTES PortAttributes;
} SM_GetPortAttributesByWWN_OUT, *PSM_GetPortAttributesByWWN_OUT;
#define SM_GetPortAttributesByWWN_OUT_SIZE                                                         \
	DDK_WMI_SIZE(SM_GetPortAttributesByWWN_OUT, PortAttributes)

typedef struct _SM_GetProtocolStatistics_IN {
	ULONG PortIndex;
	ULONG ProtocolType;
} SM_GetProtocolStatistics_IN, *PSM_GetProtocolStatistics_IN;
#define SM_GetProtocolStatistics_IN_SIZE DDK_WMI_SIZE(SM_GetProtocolStatistics_IN, ProtocolType)

typedef struct _SM_GetProtocolStatistics_OUT {
	ULONG HBAStatus;
	MS_SMHBA_PROTOCOLSTATISTICS ProtocolStatistics;
} SM_GetProtocolStatistics_OUT, *PSM_GetProtocolStatistics_OUT;
#define SM_GetProtocolStatistics_OUT_SIZE                                                          \
	DDK_WMI_SIZE(SM_GetProtocolStatistics_OUT, ProtocolStatistics)
DDK_OFFSET(SM_GetProtocolStatistics_OUT, ProtocolStatistics, 8);

typedef struct _SM_GetPhyStatistics_IN {
	ULONG PortIndex;
	ULONG PhyIndex;
	ULONG InNumOfPhyCounters;
} SM_GetPhyStatistics_IN, *PSM_GetPhyStatistics_IN;
#define SM_GetPhyStatistics_IN_SIZE DDK_WMI_SIZE(SM_GetPhyStatistics_IN, InNumOfPhyCounters)

/* OutNumOfPhyCounters of them. */
typedef struct _SM_GetPhyStatistics_OUT {
	ULONG HBAStatus;
	ULONG TotalNumOfPhyCounters;
	ULONG OutNumOfPhyCounters;
	LONGLONG PhyCounter[1];
} SM_GetPhyStatistics_OUT, *PSM_GetPhyStatistics_OUT;
DDK_OFFSET(SM_GetPhyStatistics_OUT, PhyCounter, 16);

typedef struct _SM_GetFCPhyAttributes_IN {
	ULONG PortIndex;
	ULONG PhyIndex;
} SM_GetFCPhyAttributes_IN, *PSM_GetFCPhyAttributes_IN;
#define SM_GetFCPhyAttributes_IN_SIZE DDK_WMI_SIZE(SM_GetFCPhyAttributes_IN, PhyIndex)

typedef struct _SM_GetFCPhyAttributes_OUT {
	ULONG HBAStatus;
	MS_SMHBA_FC_PHY PhyType;
} SM_GetFCPhyAttributes_OUT, *PSM_GetFCPhyAttributes_OUT;
#define SM_GetFCPhyAttributes_OUT_SIZE DDK_WMI_SIZE(SM_GetFCPhyAttributes_OUT, PhyType)
DDK_SIZE(SM_GetFCPhyAttributes_OUT, 20);

typedef struct _SM_GetSASPhyAttributes_IN {
	ULONG PortIndex;
	ULONG PhyIndex;
} SM_GetSASPhyAttributes_IN, *PSM_GetSASPhyAttributes_IN;
#define SM_GetSASPhyAttributes_IN_SIZE DDK_WMI_SIZE(SM_GetSASPhyAttributes_IN, PhyIndex)

typedef struct _SM_GetSASPhyAttributes_OUT {
	ULONG HBAStatus;
	MS_SMHBA_SAS_PHY PhyType;
} SM_GetSASPhyAttributes_OUT, *PSM_GetSASPhyAttributes_OUT;
#define SM_GetSASPhyAttributes_OUT_SIZE DDK_WMI_SIZE(SM_GetSASPhyAttributes_OUT, PhyType)
DDK_SIZE(SM_GetSASPhyAttributes_OUT, 36);

#endif

#endif
