/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What Plug and Play calls a function: its hardware id (install/identifiers-for-pci-devices), and
 * behind it bus and slot, which tell apart those that are alike.
 */
#include "bus/function.h"

#include <stdio.h>

void bus_function_instance(const struct bus_function *function, char *text, size_t size)
{
	snprintf(text, size, "PCI\\VEN_%04X&DEV_%04X&SUBSYS_%04X%04X&REV_%02X\\3&%X&%02X",
		bus_config_word(function, CONFIG_VENDOR), bus_config_word(function, CONFIG_DEVICE),
		bus_config_word(function, CONFIG_SUBSYSTEM),
		bus_config_word(function, CONFIG_SUBSYSTEM_VENDOR),
		bus_config_word(function, CONFIG_REVISION) & 0xff, function->bus, function->slot);
}
