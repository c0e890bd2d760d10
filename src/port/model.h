/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What differs between the two port models, as seen from the life of a request.
 */
#ifndef DRY_PORT_MODEL_H
#define DRY_PORT_MODEL_H

#include "util/common.h"

struct port_adapter;
struct port_request;
struct port_unit;

struct port_model {
	const char *name;
	/* Station 4: hands a prepared and mapped request to the miniport. DISPATCH, no lock held.
	 */
	void (*start)(struct port_adapter *adapter, struct port_request *request);
	/* Fills in port_adapter.ordinary, which is zero, if it may be. When the adapter opens; may
	 * be NULL. */
	void (*settle)(struct port_adapter *adapter);
	/* HwStorResetBus and its like: true if the miniport reset the bus. DISPATCH. */
	bool (*reset_bus)(struct port_adapter *adapter, uint8_t path);
	/* The same where somebody outside asks for it, which is no rung of the ladder: 0, -errno;
	 * -ENOTSUP: the miniport has nothing for it but reset_bus. PASSIVE; may be NULL. */
	int (*reset_bus_asked)(struct port_adapter *adapter, uint8_t path);
	/* When it returns, nothing of the port calls the miniport any more and the device leaves
	 * memory alone, as far as can be. PASSIVE. */
	void (*stop)(struct port_adapter *adapter);
	/* A unit answers as a device; one that did so has gone. PASSIVE; may be NULL. */
	void (*unit_found)(struct port_unit *unit);
	void (*unit_lost)(struct port_unit *unit);
};

#endif
