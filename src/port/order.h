/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What an IRP becomes that asks for a request: ddi_port_request.c, ddi_port_control.c. */
#ifndef DRY_PORT_ORDER_H
#define DRY_PORT_ORDER_H

#include "port/hba.h"

#include <ntddscsi.h>

/* What an IRP has become. */
struct port_order {
	PIRP irp;
	PMDL mdl; /* made for it */
	union {
		PSCSI_REQUEST_BLOCK srb; /* the driver's own */
		PSCSI_PASS_THROUGH pass;
		PSRB_IO_CONTROL control;
	};
	/* Before the request is put: what the IRP is told. */
	NTSTATUS (*end)(struct port_order *order, const struct port_request *request);
};

/* What the caller fills in of a request, before it is one. */
struct port_ask {
	uint8_t function;
	const uint8_t *cdb;
	uint8_t cdb_length;
	uint32_t flags, length, seconds;
};

NTSTATUS port_irp_refuse(PIRP irp, NTSTATUS status);
/* NULL: out of memory. */
struct port_order *port_order_new(PIRP irp);
void port_order_free(struct port_order *order);
/* The data, in nonpaged memory, or in that which this MDL describes. */
bool port_order_describe(struct port_order *order, PMDL whole, PVOID data, ULONG bytes);
/* The IRP is pending, and ends in any case. place: NULL, the adapter itself; else the unit's. */
NTSTATUS port_order_send(struct port_hba *hba, const struct port_unit_device *place,
	struct port_order *order, const struct port_ask *ask);

#endif
