/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * PORT_CONFIGURATION_INFORMATION of an adapter: what the port offers before HwStorFindAdapter and
 * what it makes of the answers (4.9).
 */
#ifndef DRY_STORPORT_CONFIG_H
#define DRY_STORPORT_CONFIG_H

#include "storport/storport_adapter.h"

/* Fills adapter->config with the defaults and the device's resources. */
void stor_config_init(struct stor_adapter *adapter);
/* Checks what HwStorFindAdapter left there: 0, or -EINVAL with error_set naming field, value and
 * rule. */
int stor_config_check(struct stor_adapter *adapter);
/* The limits of the adapter's requests that follow. */
void stor_config_limits(const struct stor_adapter *adapter, struct port_limits *limits);
/* Those of them that say how many requests there may be at once. */
void stor_config_depths(const struct stor_adapter *adapter, struct port_limits *limits);
/* Address bits of the device, from Dma64BitAddresses and DmaAddressWidth: 32 or 64, or as stated.
 */
unsigned stor_config_width(const struct stor_adapter *adapter);

#endif
