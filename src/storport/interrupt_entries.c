/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the device's hardware key says of its interrupts, below "Interrupt Management": messages or
 * the line ("Enabling Message-Signaled Interrupts in the Registry"), and which processors serve
 * them ("Interrupt Affinity and Priority"). interrupt.c does so.
 */
#include "storport/storport_adapter.h"
#include "nt/nt.h"
#include "nt/registry.h"

#include <stdio.h>

#define MESSAGES "Interrupt Management\\MessageSignaledInterruptProperties"
#define AFFINITY "Interrupt Management\\Affinity Policy"

/* IRQ_DEVICE_POLICY */
enum { ONE_CLOSE = 2, SPECIFIED = 4, POLICIES = 7 };

static bool number_at(
	const struct stor_adapter *adapter, const char *path, const char *name, uint64_t *number)
{
	const struct reg_value *value;
	bool is_there;

	reg_lock();
	value = reg_value_at(
		reg_device_key(adapter->hba.registry_device, REG_DEVICE_HARDWARE), path, name);
	is_there = value && reg_value_number(value, number);
	reg_unlock();
	return is_there;
}

static void tell(const struct stor_adapter *adapter, const char *what)
{
	char line[200];

	snprintf(line, sizeof(line), "%s: in the registry, %s", adapter->hba.name, what);
	nt_debug_line(line);
}

unsigned stor_entries_messages(const struct stor_adapter *adapter)
{
	uint64_t supported = 0, limit;
	bool is_said = number_at(adapter, MESSAGES, "MSISupported", &supported);

	/* Without an INF nobody has been asked. */
	if (is_said ? !supported : reg_has_inf()) {
		if (!is_said)
			tell(adapter, "MSISupported is missing: it interrupts by its line.");
		return 0;
	}
	if (!number_at(adapter, MESSAGES, "MessageNumberLimit", &limit))
		return BUS_MESSAGES_MAX;
	if (!limit || limit > 2048)
		tell(adapter, "MessageNumberLimit is not 1 to 2048.");
	return limit ? (unsigned)min_of(limit, BUS_MESSAGES_MAX) : BUS_MESSAGES_MAX;
}

uint64_t stor_entries_processors(const struct stor_adapter *adapter)
{
	uint64_t all = cpu_count() < 64 ? (1ull << cpu_count()) - 1 : ~0ull, policy = 0, named = 0;

	number_at(adapter, AFFINITY, "DevicePolicy", &policy);
	number_at(adapter, AFFINITY, "AssignmentSetOverride", &named);
	if (policy >= POLICIES)
		tell(adapter, "DevicePolicy is no IRQ_DEVICE_POLICY.");
	if (policy == ONE_CLOSE)
		return 1;
	if (policy != SPECIFIED)
		return all;
	if (!(named & all))
		tell(adapter, "AssignmentSetOverride names no processor that there is.");
	return named & all ? named & all : all;
}
