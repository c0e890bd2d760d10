/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The 512 bytes that IDENTIFY PACKET DEVICE returns, word by word as in the ACS standard. Included
 * by ata.h. */
#ifndef DDK_PARTS_ATA_PACKET_H
#define DDK_PARTS_ATA_PACKET_H

#include "../ntdef.h"

#pragma pack(push, 1)

typedef struct _IDENTIFY_PACKET_DATA {
	struct {
		USHORT PacketType : 2;
		USHORT IncompleteResponse : 1;
		USHORT Reserved1 : 2;
		USHORT DrqDelay : 2;
		USHORT RemovableMedia : 1;
		USHORT CommandPacketType : 5;
		USHORT Reserved2 : 1;
		USHORT DeviceType : 2;
	} GeneralConfiguration;
	USHORT ReservedWord1;
	USHORT UniqueConfiguration;
	USHORT ReservedWords3[7];
	UCHAR SerialNumber[20];
	USHORT ReservedWords20[3];
	UCHAR FirmwareRevision[8];
	UCHAR ModelNumber[40];
	USHORT ReservedWords47[2];
	struct {
		USHORT VendorSpecific : 8;
		USHORT DmaSupported : 1;
		USHORT LbaSupported : 1;
		USHORT IordyDisabled : 1;
		USHORT IordySupported : 1;
		USHORT Obsolete : 1;
		USHORT OverlapSupported : 1;
		USHORT QueuedCommandsSupported : 1;
		USHORT InterleavedDmaSupported : 1;
		USHORT DeviceSpecificStandbyTimerValueMin : 1;
		USHORT Obsolete1 : 1;
		USHORT ReservedWord50 : 12;
		USHORT WordValid : 2;
	} Capabilities;
	USHORT ObsoleteWords51[2];
	USHORT TranslationFieldsValid : 3;
	USHORT Reserved3 : 13;
	USHORT ReservedWords54[8];
	struct {
		USHORT UDMA0Supported : 1;
		USHORT UDMA1Supported : 1;
		USHORT UDMA2Supported : 1;
		USHORT UDMA3Supported : 1;
		USHORT UDMA4Supported : 1;
		USHORT UDMA5Supported : 1;
		USHORT UDMA6Supported : 1;
		USHORT MDMA0Supported : 1;
		USHORT MDMA1Supported : 1;
		USHORT MDMA2Supported : 1;
		USHORT DMASupported : 1;
		USHORT ReservedWord62 : 4;
		USHORT DMADIRBitRequired : 1;
	} DMADIR;
	USHORT MultiWordDMASupport : 8;
	USHORT MultiWordDMAActive : 8;
	USHORT AdvancedPIOModes : 8;
	USHORT ReservedByte64 : 8;
	USHORT MinimumMWXferCycleTime;
	USHORT RecommendedMWXferCycleTime;
	USHORT MinimumPIOCycleTime;
	USHORT MinimumPIOCycleTimeIORDY;
	USHORT ReservedWords69[2];
	USHORT BusReleaseDelay;
	USHORT ServiceCommandDelay;
	USHORT ReservedWords73[2];
	USHORT QueueDepth : 5;
	USHORT ReservedWord75 : 11;
	struct {
		USHORT Reserved0 : 1;
		USHORT SataGen1 : 1;
		USHORT SataGen2 : 1;
		USHORT SataGen3 : 1;
		USHORT Reserved1 : 5;
		USHORT HIPM : 1;
		USHORT PhyEvents : 1;
		USHORT Reserved2 : 2;
		USHORT HostAutoPS : 1;
		USHORT DeviceAutoPS : 1;
		USHORT Reserved3 : 1;
		USHORT Reserved4 : 1;
		USHORT CurrentSpeed : 3;
		USHORT SlimlineDeviceAttention : 1;
		USHORT HostEnvironmentDetect : 1;
		USHORT Reserved5 : 10;
	} SerialAtaCapabilities;
	struct {
		USHORT Reserved0 : 3;
		USHORT DIPM : 1;
		USHORT Reserved1 : 1;
		USHORT AsynchronousNotification : 1;
		USHORT SoftwareSettingsPreservation : 1;
		USHORT Reserved2 : 9;
	} SerialAtaFeaturesSupported;
	struct {
		USHORT Reserved0 : 3;
		USHORT DIPM : 1;
		USHORT Reserved1 : 1;
		USHORT AsynchronousNotification : 1;
		USHORT SoftwareSettingsPreservation : 1;
		USHORT DeviceAutoPS : 1;
		USHORT Reserved2 : 8;
	} SerialAtaFeaturesEnabled;
	USHORT MajorRevision;
	USHORT MinorRevision;
	struct {
		USHORT SmartCommands : 1;
		USHORT SecurityMode : 1;
		USHORT RemovableMedia : 1;
		USHORT PowerManagement : 1;
		USHORT PacketCommands : 1;
		USHORT WriteCache : 1;
		USHORT LookAhead : 1;
		USHORT ReleaseInterrupt : 1;
		USHORT ServiceInterrupt : 1;
		USHORT DeviceReset : 1;
		USHORT HostProtectedArea : 1;
		USHORT Obsolete1 : 1;
		USHORT WriteBuffer : 1;
		USHORT ReadBuffer : 1;
		USHORT Nop : 1;
		USHORT Obsolete2 : 1;
		USHORT DownloadMicrocode : 1;
		USHORT Reserved1 : 2;
		USHORT AdvancedPm : 1;
		USHORT Msn : 1;
		USHORT PowerUpInStandby : 1;
		USHORT ManualPowerUp : 1;
		USHORT Reserved2 : 1;
		USHORT SetMax : 1;
		USHORT Reserved3 : 3;
		USHORT FlushCache : 1;
		USHORT Reserved4 : 1;
		USHORT WordValid : 2;
	} CommandSetSupport;
	struct {
		USHORT Reserved0 : 5;
		USHORT GpLogging : 1;
		USHORT Reserved1 : 2;
		USHORT WWN64Bit : 1;
		USHORT Reserved2 : 5;
		USHORT WordValid : 2;
	} CommandSetSupportExt;
	struct {
		USHORT SmartCommands : 1;
		USHORT SecurityMode : 1;
		USHORT RemovableMedia : 1;
		USHORT PowerManagement : 1;
		USHORT PacketCommands : 1;
		USHORT WriteCache : 1;
		USHORT LookAhead : 1;
		USHORT ReleaseInterrupt : 1;
		USHORT ServiceInterrupt : 1;
		USHORT DeviceReset : 1;
		USHORT HostProtectedArea : 1;
		USHORT Obsolete1 : 1;
		USHORT WriteBuffer : 1;
		USHORT ReadBuffer : 1;
		USHORT Nop : 1;
		USHORT Obsolete2 : 1;
		USHORT DownloadMicrocode : 1;
		USHORT Reserved1 : 2;
		USHORT AdvancedPm : 1;
		USHORT Msn : 1;
		USHORT PowerUpInStandby : 1;
		USHORT ManualPowerUp : 1;
		USHORT Reserved2 : 1;
		USHORT SetMax : 1;
		USHORT Reserved3 : 3;
		USHORT FlushCache : 1;
		USHORT Reserved4 : 3;
	} CommandSetActive;
	struct {
		USHORT Reserved0 : 5;
		USHORT GpLogging : 1;
		USHORT Reserved1 : 2;
		USHORT WWN64Bit : 1;
		USHORT Reserved2 : 5;
		USHORT WordValid : 2;
	} CommandSetActiveExt;
	USHORT UltraDMASupport : 8;
	USHORT UltraDMAActive : 8;
	USHORT TimeRequiredForNormalEraseModeSecurityEraseUnit;
	USHORT TimeRequiredForEnhancedEraseModeSecurityEraseUnit;
	USHORT CurrentAPMLevel;
	USHORT MasterPasswordID;
	USHORT HardwareResetResult;
	USHORT ReservedWords94[14];
	USHORT WorldWideName[4];
	USHORT ReservedWords112[13];
	USHORT AtapiZeroByteCount;
	USHORT ReservedWord126;
	USHORT MsnSupport : 2;
	USHORT ReservedWord127 : 14;
	USHORT SecurityStatus;
	USHORT VendorSpecific[31];
	USHORT ReservedWords160[16];
	USHORT ReservedWords176[46];
	struct {
		USHORT MajorVersion : 12;
		USHORT TransportType : 4;
	} TransportMajorVersion;
	USHORT TransportMinorVersion;
	USHORT ReservedWords224[31];
	USHORT Signature : 8;
	USHORT CheckSum : 8;
} IDENTIFY_PACKET_DATA, *PIDENTIFY_PACKET_DATA;
DDK_OFFSET(IDENTIFY_PACKET_DATA, SerialNumber, 2 * 10);
DDK_OFFSET(IDENTIFY_PACKET_DATA, FirmwareRevision, 2 * 23);
DDK_OFFSET(IDENTIFY_PACKET_DATA, ModelNumber, 2 * 27);
DDK_OFFSET(IDENTIFY_PACKET_DATA, Capabilities, 2 * 49);
DDK_OFFSET(IDENTIFY_PACKET_DATA, DMADIR, 2 * 62);
DDK_OFFSET(IDENTIFY_PACKET_DATA, MinimumMWXferCycleTime, 2 * 65);
DDK_OFFSET(IDENTIFY_PACKET_DATA, SerialAtaCapabilities, 2 * 76);
DDK_OFFSET(IDENTIFY_PACKET_DATA, SerialAtaFeaturesEnabled, 2 * 79);
DDK_OFFSET(IDENTIFY_PACKET_DATA, CommandSetSupport, 2 * 82);
DDK_OFFSET(IDENTIFY_PACKET_DATA, CommandSetActive, 2 * 85);
DDK_OFFSET(IDENTIFY_PACKET_DATA, WorldWideName, 2 * 108);
DDK_OFFSET(IDENTIFY_PACKET_DATA, SecurityStatus, 2 * 128);
DDK_OFFSET(IDENTIFY_PACKET_DATA, TransportMajorVersion, 2 * 222);
DDK_SIZE(IDENTIFY_PACKET_DATA, 2 * 256);

#pragma pack(pop)

#endif
