/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What an IRP becomes that asks for a request: ddi_port_request.c, ddi_port_control.c,
 * ddi_port_pass.c. */
#ifndef DRY_PORT_ORDER_H
#define DRY_PORT_ORDER_H

#include "port/hba.h"

#include <ntddscsi.h>

/* What an IRP has become. */
struct port_order {
	PIRP irp;
	PMDL mdl;	/* made for it */
	PMDL in_mdl;	/* and for what comes back, if data go both ways */
	bool is_locked; /* so are their pages: a pass-through's own buffers */
	union {
		PSCSI_REQUEST_BLOCK srb;       /* the driver's own */
		PSCSI_PASS_THROUGH pass;       /* or _DIRECT, of the same layout */
		PSCSI_PASS_THROUGH_EX pass_ex; /* the same */
		PSRB_IO_CONTROL control;
	};
	/* Before the request is put: what the IRP is told. */
	NTSTATUS (*end)(struct port_order *order, const struct port_request *request);
};

/* What the caller fills in of a request, before it is one. */
struct port_ask {
	uint8_t function;
	const uint8_t *cdb;
	uint8_t cdb_length, queue_action;
	const SRBEX_DATA_IO_INFO *io_info; /* or NULL */
	uint32_t flags, length, seconds;
	uint32_t in_length; /* of what comes back, if data go both ways */
};

NTSTATUS port_irp_refuse(PIRP irp, NTSTATUS status);
/* NULL: out of memory. */
struct port_order *port_order_new(PIRP irp);
void port_order_free(struct port_order *order);
/* The data, in nonpaged memory, or in that which the MDL `whole` describes. */
bool port_order_describe(PMDL *mdl, PMDL whole, PVOID data, ULONG bytes);
/* The IRP is pending, and ends in any case. place: NULL, the adapter itself; else the unit's. */
NTSTATUS port_order_send(struct port_hba *hba, const struct port_unit_device *place,
	struct port_order *order, const struct port_ask *ask);
/* ddi_port_pass.c: the four IOCTL_SCSI_PASS_THROUGHs. False: it is none of them. */
bool port_pass_through(struct port_unit_device *device, PIRP irp, NTSTATUS *status);
/* ddi_port_property.c: IOCTL_STORAGE_QUERY_PROPERTY. PASSIVE: it waits for the unit. */
NTSTATUS port_property_query(struct port_hba *hba, const struct port_unit_device *device, PIRP irp);

#endif
