/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The conversation between port and HwStorFindAdapter; see config.h. */
#include "storport/config.h"
#include "nt/nt.h"
#include "storport/os_table.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

/* NumberOfPhysicalBreaks before the miniport sets it (4.9, X-18). */
#define DEFAULT_BREAKS 0x11
#define MAX_ELEMENTS   4096

void stor_config_init(struct stor_adapter *adapter)
{
	PPORT_CONFIGURATION_INFORMATION config = &adapter->config;
	const HW_INITIALIZATION_DATA *hw = &adapter->hba.hw;
	const struct port_entries *entries = &adapter->hba.entries;
	ULONG ranges;

	memset(config, 0, sizeof(*config));
	config->Length = stor_os_config_length();
	config->AdapterInterfaceType = hw->AdapterInterfaceType;
	config->InterruptMode = adapter->messages ? Latched : LevelSensitive;
	config->MaximumTransferLength = SP_UNINITIALIZED_VALUE;
	config->NumberOfPhysicalBreaks = DEFAULT_BREAKS;
	config->DmaChannel = SP_UNINITIALIZED_VALUE;
	config->DmaPort = SP_UNINITIALIZED_VALUE;
	memset(config->InitiatorBusId, 0xff, sizeof(config->InitiatorBusId));
	/* Before Windows 7 the miniport had to set them. */
	config->ScatterGather = config->Master = stor_os_detail_is_there(STOR_OS_CONFIG_SET);
	config->Dma32BitAddresses = TRUE;
	config->MapBuffers = hw->MapBuffers;
	config->NeedPhysicalAddresses = TRUE;
	config->TaggedQueuing = TRUE;
	config->AutoRequestSense = TRUE;
	config->MultipleRequestPerLu = TRUE;
	config->MaximumNumberOfTargets = SCSI_MAXIMUM_TARGETS_PER_BUS;
	config->MaximumNumberOfLogicalUnits =
		(UCHAR)(entries->luns ? entries->luns : SCSI_MAXIMUM_LOGICAL_UNITS);
	config->NumberOfBuses = 1;
	config->DeviceExtensionSize = hw->DeviceExtensionSize;
	config->SpecificLuExtensionSize = hw->SpecificLuExtensionSize;
	config->SrbExtensionSize = hw->SrbExtensionSize;	 /* afresh each time: contract 5 */
	config->Dma64BitAddresses = SCSI_DMA64_SYSTEM_SUPPORTED; /* exactly 0x80: contract 6 */
	config->SynchronizationModel = StorSynchronizeHalfDuplex;
	config->InterruptSynchronizationMode = InterruptSupportNone;
	/* Q-2; there are fewer slots, whatever is asked for */
	config->MaxNumberOfIO = entries->requests ? entries->requests : 1000;
	if (stor_os_detail_is_there(STOR_OS_CONFIG_WHOLE)) {
		config->MaxIOsPerLun = 255; /* */
		config->InitialLunQueueDepth = stor_is_virtual(adapter) ? 250 : 20;
	}
	if (!adapter->hba.function)
		return;
	config->SystemIoBusNumber = bus_function_bus(adapter->hba.function);
	config->SlotNumber = bus_function_slot(adapter->hba.function);
	ranges = port_hba_ranges(&adapter->hba);
	config->AccessRanges = (void *)adapter->hba.ranges;
	/* Contract 11: ranges agree with the BARs; those not there have length 0. */
	config->NumberOfAccessRanges =
		min_of(max_of(hw->NumberOfAccessRanges, ranges), (ULONG)BUS_BARS);
}

unsigned stor_config_width(const struct stor_adapter *adapter)
{
	const PORT_CONFIGURATION_INFORMATION *config = &adapter->config;

	if (stor_os_detail_is_there(STOR_OS_CONFIG_WIDTH) &&
		config->FeatureSupport & STOR_ADAPTER_DMA_ADDRESS_WIDTH_SPECIFIED &&
		config->DmaAddressWidth >= 1 && config->DmaAddressWidth <= 64)
		return config->DmaAddressWidth;
	/* A value that is still the port's own means that the miniport did not opt in (contract 6).
	 */
	return config->Dma64BitAddresses & ~(unsigned)SCSI_DMA64_SYSTEM_SUPPORTED ? 64 : 32;
}

static const char *bad_field(const PORT_CONFIGURATION_INFORMATION *config, bool is_virtual)
{
	static const uint32_t masks[] = {0, 1, 3, 7, 0xf, 0x1f, 0x3f, 0x7f, 0xff, 0x1ff};

	if (!config->MaximumTransferLength)
		return "MaximumTransferLength is 0";
	if (!config->NumberOfPhysicalBreaks)
		return "NumberOfPhysicalBreaks is 0";
	if (!config->ScatterGather || !config->Master || !config->NeedPhysicalAddresses)
		return "ScatterGather, Master and NeedPhysicalAddresses must stay TRUE";
	if (config->NumberOfBuses == 0 || config->NumberOfBuses > SCSI_MAXIMUM_BUSES)
		return "NumberOfBuses is not 1 to 8";
	if (config->MaximumNumberOfTargets == 0)
		return "MaximumNumberOfTargets is 0";
	if (config->MaximumNumberOfLogicalUnits == 0)
		return "MaximumNumberOfLogicalUnits is 0";
	if (config->VirtualDevice && !is_virtual)
		return "VirtualDevice is TRUE in a physical miniport (StorPortVirtualDevice)";
	if (!config->VirtualDevice && is_virtual)
		return "VirtualDevice is FALSE in a virtual miniport (StorPortVirtualDevice2)";
	for (unsigned n = 0; n < array_size(masks); n++)
		if (config->AlignmentMask == masks[n])
			return NULL;
	return "AlignmentMask is none of 0, 1, 3, 7 ... 0x1ff";
}

/* What tells of an unfinished physical miniport; nothing of it bears on a virtual one. */
static void complain(const struct stor_adapter *adapter)
{
	const PORT_CONFIGURATION_INFORMATION *config = &adapter->config;

	if (config->MaximumTransferLength == SP_UNINITIALIZED_VALUE)
		nt_violation(0,
			"%s: HwStorFindAdapter did not set MaximumTransferLength "
			"(StorPortFindAdapter).",
			adapter->hba.name);
	if (config->SynchronizationModel == StorSynchronizeHalfDuplex)
		nt_violation(0,
			"%s: half duplex is a porting aid, not for shipping (SpDuplex, LK-7).",
			adapter->hba.name);
}

/* An older release's structure ends before ours; what a miniport wrote behind it does not count. */
static void cut(struct stor_adapter *adapter)
{
	uint8_t *bytes = (uint8_t *)&adapter->config;

	for (size_t n = stor_os_config_length(); n < sizeof(adapter->config); n++) {
		if (!bytes[n])
			continue;
		nt_violation(0,
			"%s: HwStorFindAdapter wrote at offset %#zx of the configuration, whose "
			"Length is %#x on Windows %s.",
			adapter->hba.name, n & ~(size_t)3, (unsigned)stor_os_config_length(),
			nt_os_name(nt_os()));
		memset(bytes + n, 0, sizeof(adapter->config) - n);
	}
}

int stor_config_check(struct stor_adapter *adapter)
{
	const PORT_CONFIGURATION_INFORMATION *config = &adapter->config;
	bool is_virtual = stor_is_virtual(adapter);
	const char *bad;

	cut(adapter);
	bad = bad_field(config, is_virtual);
	if (bad)
		return error_set(
			EINVAL, "%s: after HwStorFindAdapter %s.", adapter->hba.driver->name, bad);
	if (!is_virtual)
		complain(adapter);
	adapter->full_duplex =
		is_virtual || config->SynchronizationModel == StorSynchronizeFullDuplex;
	adapter->concurrent = is_virtual;
	stor_start_settle(adapter);
	return 0;
}

static uint32_t or_default(uint32_t wanted, uint32_t otherwise, uint32_t most)
{
	return min_of(wanted ? wanted : otherwise, most);
}

void stor_config_depths(const struct stor_adapter *adapter, struct port_limits *limits)
{
	const PORT_CONFIGURATION_INFORMATION *config = &adapter->config;

	limits->max_outstanding = or_default(config->MaxNumberOfIO, PORT_SLOTS - 1,
		or_default(adapter->hba.entries.requests, PORT_SLOTS - 1, PORT_SLOTS - 1));
	limits->max_depth = or_default(config->MaxIOsPerLun, 255, limits->max_outstanding);
	limits->initial_depth = or_default(config->InitialLunQueueDepth,
		stor_is_virtual(adapter) ? 250 : 20, limits->max_depth);
}

void stor_config_limits(const struct stor_adapter *adapter, struct port_limits *limits)
{
	const PORT_CONFIGURATION_INFORMATION *config = &adapter->config;
	uint32_t breaks = min_of(config->NumberOfPhysicalBreaks, (ULONG)MAX_ELEMENTS);
	/* classpnp's arithmetic: one entry is kept for a buffer that does not start on a page
	 * (X-18). */
	uint64_t by_breaks = breaks > 1 ? (breaks - 1) * 4096ull : 4096;

	memset(limits, 0, sizeof(*limits));
	limits->max_transfer =
		(uint32_t)min_of(min_of((uint64_t)config->MaximumTransferLength, by_breaks),
			(uint64_t)PORT_MAX_TRANSFER);
	limits->max_elements = breaks;
	limits->alignment_mask = config->AlignmentMask;
	limits->reset_hold = config->BusResetHoldTime;
	limits->extension_bytes = config->SrbExtensionSize;
	limits->unit_extension_bytes = config->SpecificLuExtensionSize;
	stor_config_depths(adapter, limits);
	limits->extended_srb = adapter->hba.hw.SrbTypeFlags & SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK;
	limits->map_buffers = config->MapBuffers;
	limits->aborts = config->FeatureSupport & STOR_ADAPTER_FEATURE_ABORT_COMMAND;
	limits->caches_data = config->CachesData;
	limits->provides_wmi = config->WmiDataProvider;
	limits->buses = config->NumberOfBuses;
	limits->targets = min_of(config->MaximumNumberOfTargets, SCSI_MAXIMUM_TARGETS_PER_BUS);
	limits->luns = or_default(config->MaximumNumberOfLogicalUnits, 1,
		or_default(adapter->hba.entries.luns, SCSI_MAXIMUM_LUNS_PER_TARGET,
			SCSI_MAXIMUM_LUNS_PER_TARGET));
}
