/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The conversation between port and HwScsiFindAdapter: PORT_CONFIGURATION_INFORMATION as SCSI
 * Port's pages have it. See scsi_adapter.h.
 */
#include "scsiport/scsi_adapter.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

#define MAX_ELEMENTS   4096
#define INTERRUPT_LINE 0x3c /* in configuration space */

void scsi_config_init(struct scsi_adapter *adapter)
{
	PSCSIPORT_PORT_CONFIGURATION_INFORMATION config = &adapter->config;
	const HW_INITIALIZATION_DATA *hw = &adapter->hba.hw;
	uint8_t line = 0;

	bus_config_read(adapter->hba.function, INTERRUPT_LINE, &line, sizeof(line));
	memset(config, 0, sizeof(*config));
	config->Length = sizeof(*config);
	config->AdapterInterfaceType = hw->AdapterInterfaceType;
	config->BusInterruptLevel = config->BusInterruptVector = line;
	config->InterruptMode = LevelSensitive;
	/* No limit is known, but for what the registry may say of the second. */
	config->MaximumTransferLength = SP_UNINITIALIZED_VALUE;
	config->NumberOfPhysicalBreaks = adapter->hba.entries.elements
						 ? adapter->hba.entries.elements
						 : SP_UNINITIALIZED_VALUE;
	config->DmaChannel = SP_UNINITIALIZED_VALUE;
	config->DmaPort = SP_UNINITIALIZED_VALUE;
	config->MapBuffers = hw->MapBuffers;
	config->NeedPhysicalAddresses = hw->NeedPhysicalAddresses;
	config->TaggedQueuing = hw->TaggedQueuing;
	config->AutoRequestSense = hw->AutoRequestSense;
	config->MultipleRequestPerLu = hw->MultipleRequestPerLu;
	config->ReceiveEvent = hw->ReceiveEvent;
	config->MaximumNumberOfTargets = SCSI_MAXIMUM_TARGETS;
	config->MaximumNumberOfLogicalUnits = SCSI_MAXIMUM_LOGICAL_UNITS;
	config->SystemIoBusNumber = bus_function_bus(adapter->hba.function);
	config->SlotNumber = bus_function_slot(adapter->hba.function);
	config->DeviceExtensionSize = hw->DeviceExtensionSize;
	config->SpecificLuExtensionSize = hw->SpecificLuExtensionSize;
	config->SrbExtensionSize = hw->SrbExtensionSize;
	config->Dma64BitAddresses = SCSI_DMA64_SYSTEM_SUPPORTED;
	port_hba_ranges(&adapter->hba);
	config->AccessRanges = (void *)adapter->hba.ranges;
	/* Contract 11: ranges agree with the BARs; those not there have length 0. */
	config->NumberOfAccessRanges = hw->NumberOfAccessRanges;
}

unsigned scsi_config_width(const struct scsi_adapter *adapter)
{
	/* A bus master on PCI drives 32 bits at least (D-11); contract 6 for more. */
	return adapter->config.Dma64BitAddresses & ~(unsigned)SCSI_DMA64_SYSTEM_SUPPORTED ? 64 : 32;
}

static const char *bad_field(const SCSIPORT_PORT_CONFIGURATION_INFORMATION *config)
{
	if (!config->MaximumTransferLength)
		return "MaximumTransferLength is 0";
	if (config->Master && config->ScatterGather && !config->NumberOfPhysicalBreaks)
		return "ScatterGather is TRUE and NumberOfPhysicalBreaks 0";
	if (!config->Master && (config->DmaChannel != SP_UNINITIALIZED_VALUE ||
				       config->DmaPort != SP_UNINITIALIZED_VALUE))
		return "it names a channel of the system DMA controller, which this machine "
		       "does not have";
	if (config->Master && !config->NeedPhysicalAddresses)
		return "Master is TRUE and NeedPhysicalAddresses FALSE";
	if (config->NumberOfBuses == 0 || config->NumberOfBuses > SCSI_MAXIMUM_BUSES)
		return "NumberOfBuses is not 1 to 8";
	if (config->MaximumNumberOfTargets == 0 ||
		config->MaximumNumberOfTargets > SCSI_MAXIMUM_TARGETS_PER_BUS)
		return "MaximumNumberOfTargets is not 1 to 128";
	if (config->MaximumNumberOfLogicalUnits == 0)
		return "MaximumNumberOfLogicalUnits is 0";
	if (config->AlignmentMask & (config->AlignmentMask + 1) || config->AlignmentMask > 0x1ff)
		return "AlignmentMask is none of 0, 1, 3, 7 ... 0x1ff";
	return NULL;
}

int scsi_config_check(const struct scsi_adapter *adapter)
{
	const char *bad = bad_field(&adapter->config);

	if (!bad)
		return 0;
	return error_set(EINVAL, "%s: after HwScsiFindAdapter %s.", adapter->hba.driver->name, bad);
}

void scsi_config_limits(const struct scsi_adapter *adapter, struct port_limits *limits)
{
	const SCSIPORT_PORT_CONFIGURATION_INFORMATION *config = &adapter->config;
	bool lists = config->Master && config->ScatterGather;
	/* On SCSI Port's page, unlike Storport's, a break is what lies between two elements.
	 */
	uint32_t breaks = min_of(config->NumberOfPhysicalBreaks, (ULONG)MAX_ELEMENTS - 1);
	uint64_t most =
		min_of((uint64_t)config->MaximumTransferLength, (uint64_t)PORT_MAX_TRANSFER);

	memset(limits, 0, sizeof(*limits));
	/* n + 1 elements are enough for n pages, wherever in its page the buffer begins. */
	if (lists)
		most = min_of(most, breaks * 4096ull);
	limits->max_transfer = (uint32_t)most;
	limits->max_elements = lists ? breaks + 1 : 1;
	limits->alignment_mask = config->AlignmentMask;
	limits->extension_bytes = config->SrbExtensionSize;
	limits->unit_extension_bytes = config->SpecificLuExtensionSize;
	limits->max_outstanding =
		adapter->hba.entries.requests
			? min_of(adapter->hba.entries.requests, (uint32_t)SCSI_TAGS)
			: SCSI_TAGS;
	limits->max_depth = config->MultipleRequestPerLu || config->TaggedQueuing ? SCSI_TAGS : 1;
	limits->initial_depth = limits->max_depth;
	limits->pull = true;
	limits->first_reset = 2; /* whatever ResetTargetSupported says, which is obsolete */
	limits->map_buffers = config->MapBuffers ? STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE
						 : STOR_MAP_NON_READ_WRITE_BUFFERS;
	limits->caches_data = config->CachesData;
	limits->provides_wmi = config->WmiDataProvider;
	limits->asks_sense = !config->AutoRequestSense;
	limits->buses = config->NumberOfBuses;
	limits->targets = config->MaximumNumberOfTargets;
	limits->luns = config->MaximumNumberOfLogicalUnits;
}
