/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * SRB_FUNCTION_DUMP_POINTERS: before a crash a miniport says what its second instance will need. It
 * is sent where STOR_FEATURE_DUMP_POINTERS is set, after HwStorInitialize (the page of
 * MINIPORT_DUMP_POINTERS), to the adapter that a dump goes to. See crash_dump.c.
 */
#include "machine/machine.h"
#include "nt/nt.h"

#include <string.h>

#define SECONDS		   10
#define MOST_COMMON_BUFFER 65536

static const struct stor_adapter *adapter_of(const struct dry_machine *machine)
{
	return (const struct stor_adapter *)machine->disks.disk[0]->unit->adapter;
}

static int send(struct dry_machine *machine, uint8_t function)
{
	struct disk_command command = {
		.function = function,
		.data = &machine->crash.pointers,
		.bytes = sizeof(machine->crash.pointers),
		.in = true,
		.vital = true,
		.once = true,
		.seconds = SECONDS,
	};

	return disk_execute(machine->disks.disk[0]->unit, &command);
}

static void name_put(PWCHAR to, const char *name)
{
	static const char suffix[] = ".sys";
	unsigned n = 0;

	for (; *name && n < DUMP_MINIPORT_NAME_LENGTH - sizeof(suffix); n++)
		to[n] = (WCHAR)*name++;
	for (unsigned i = 0; i < sizeof(suffix); i++)
		to[n++] = (WCHAR)suffix[i];
}

/* "The Storport driver initializes this member." */
static void offer(const struct stor_adapter *adapter, PMINIPORT_DUMP_POINTERS pointers)
{
	const PORT_CONFIGURATION_INFORMATION *config = &adapter->config;

	memset(pointers, 0, sizeof(*pointers));
	name_put(pointers->DriverName, adapter->hba.driver->name);
	pointers->SystemIoBusNumber = config->SystemIoBusNumber;
	pointers->AdapterInterfaceType = config->AdapterInterfaceType;
	pointers->MaximumTransferLength = SP_UNINITIALIZED_VALUE;
	pointers->NumberOfPhysicalBreaks = config->NumberOfPhysicalBreaks;
	pointers->AlignmentMask = config->AlignmentMask;
	pointers->NumberOfAccessRanges = config->NumberOfAccessRanges;
	pointers->AccessRanges = config->AccessRanges;
	pointers->NumberOfBuses = config->NumberOfBuses;
	pointers->Master = TRUE;
	pointers->MapBuffers = config->MapBuffers;
	pointers->MaximumNumberOfTargets = config->MaximumNumberOfTargets;
}

/* "required to set at least the Version and Size members" */
static bool is_good(const struct stor_adapter *adapter, const MINIPORT_DUMP_POINTERS *pointers)
{
	if (pointers->Version != DUMP_MINIPORT_VERSION_1 || pointers->Size != sizeof(*pointers)) {
		nt_violation(0,
			"%s: SRB_FUNCTION_DUMP_POINTERS succeeded with Version %#x and Size %u; "
			"they "
			"must be %#x and %zu.",
			adapter->hba.name, pointers->Version, pointers->Size,
			DUMP_MINIPORT_VERSION_1, sizeof(*pointers));
		return false;
	}
	if (pointers->CommonBufferSize > MOST_COMMON_BUFFER)
		nt_violation(0, "%s: its CommonBufferSize of %u is more than %u.",
			adapter->hba.name, (unsigned)pointers->CommonBufferSize,
			MOST_COMMON_BUFFER);
	return true;
}

void dump_pointers_get(struct dry_machine *machine)
{
	const struct stor_adapter *adapter = adapter_of(machine);
	PMINIPORT_DUMP_POINTERS pointers = &machine->crash.pointers;

	if (!(adapter->hba.hw.FeatureSupport & STOR_FEATURE_DUMP_POINTERS))
		return;
	offer(adapter, pointers);
	if (send(machine, SRB_FUNCTION_DUMP_POINTERS)) {
		memset(pointers, 0, sizeof(*pointers));
		nt_violation(0,
			"%s sets STOR_FEATURE_DUMP_POINTERS, and fails SRB_FUNCTION_DUMP_POINTERS.",
			adapter->hba.name);
		return;
	}
	machine->crash.has_pointers = true;
	if (!is_good(adapter, pointers))
		memset(pointers, 0, sizeof(*pointers));
}

void dump_pointers_put(struct dry_machine *machine)
{
	if (machine->crash.has_pointers && !machine->disks.disk[0]->is_gone)
		send(machine, SRB_FUNCTION_FREE_DUMP_POINTERS);
	machine->crash.has_pointers = false;
	memset(&machine->crash.pointers, 0, sizeof(machine->crash.pointers));
}
