/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The SCSI Port model: pull. The miniport gets one request, and the next one when it asks for it
 * (NextRequest, NextLuRequest); it finds its list by itself, one ScsiPortGetPhysicalAddress after
 * the other. The twin of src/storport; the two never include each other.
 *
 * Drivers, adapters and their life are port/hba.h's; hba.c has SCSI Port's share in it, config.c
 * talks with HwScsiFindAdapter. start.c is station 4, interrupt.c station 6, window.c what a
 * miniport may not touch; ddi_*.c are the routines that miniports call.
 *
 * Locks. All callbacks of an adapter exclude each other: HwScsiStartIo, HwScsiInterrupt,
 * HwScsiTimer and HwScsiResetBus run at DIRQL under the interrupt lock. dispatch_lock, taken before
 * it at DISPATCH, keeps the callback of CallEnableInterrupts, which runs without the interrupt
 * lock, apart from them; the interrupt is not served meanwhile (is_deferred).
 *
 * Gates. A request that is started closes adapter and unit (PORT_TAKEN, src/port). NextRequest
 * opens the adapter, NextLuRequest its unit too, and a unit opens by itself when none of its
 * requests is outstanding.
 */
#ifndef DRY_SCSIPORT_SCSI_ADAPTER_H
#define DRY_SCSIPORT_SCSI_ADAPTER_H

#include "port/hba.h"

#include <storport.h>

#define SCSI_DIRQL 8
#define SCSI_TAGS  254 /* requests a miniport has at most: 0xFF is no tag */

/* What this model knows of a request, by slot. Under the interrupt lock. */
struct scsi_request {
	char *data;	  /* DataBuffer as the miniport got it */
	uint32_t element; /* where the last conversion ended: the list's element ... */
	uint32_t start;	  /* ... and the byte of the transfer at which that begins */
	uint8_t tag;	  /* SP_UNTAGGED: none */
	bool given;	  /* HwScsiStartIo got it, and it is not complete */
	bool is_listed;	  /* a part of its data has been converted */
};

struct scsi_adapter {
	struct port_hba hba; /* first: the model's functions get this pointer */
	SCSIPORT_PORT_CONFIGURATION_INFORMATION config;
	void *bus_data; /* by ScsiPortGetBusData, until HwScsiFindAdapter returns */
	char *window;	/* window.c; NULL: buffers are mapped */

	struct cpu_spinlock dispatch_lock;
	struct cpu_spinlock interrupt_lock;
	/* under the interrupt lock */
	bool in_startio;
	bool is_deferred;  /* from CallEnableInterrupts on: HwScsiInterrupt is not called */
	uint32_t untagged; /* how many requests without a tag the miniport has */
	struct bus_interrupt interrupt;
	bool is_connected;
	struct scsi_request requests[PORT_SLOTS];

	struct cpu_dpc enabled; /* CallEnableInterrupts */
	_Atomic(PHW_INTERRUPT) enabled_routine;
};

/* ---- hba.c ---- */

extern const struct port_driver_model scsi_driver_model;

/* As port_hba_of. */
static inline struct scsi_adapter *scsi_adapter_of(const void *extension, const char *routine)
{
	return (struct scsi_adapter *)port_hba_of(extension, routine);
}

/* ---- config.c ---- */

/* Fills adapter->config with what the driver registered and the device's resources. */
void scsi_config_init(struct scsi_adapter *adapter);
/* Checks what HwScsiFindAdapter left there: 0, or -EINVAL with error_set naming field and rule. */
int scsi_config_check(const struct scsi_adapter *adapter);
/* The limits of the adapter's requests that follow. */
void scsi_config_limits(const struct scsi_adapter *adapter, struct port_limits *limits);
/* Address bits of the device. */
unsigned scsi_config_width(const struct scsi_adapter *adapter);

/* ---- start.c ---- */

extern const struct port_model scsi_model;
/* Around a callback that excludes all others; at DISPATCH. leave checks the IRQL that the callback
 * left. */
void scsi_callback_enter(struct port_hba *hba);
void scsi_callback_leave(struct port_hba *hba, const char *callback);
/* What the model knows of a request. */
struct scsi_request *scsi_request_of(
	struct scsi_adapter *adapter, const struct port_request *request);
/* The miniport gives back a request that it has. */
void scsi_request_complete(struct scsi_adapter *adapter, struct port_request *request);

/* ---- interrupt.c ---- */

int scsi_interrupt_connect(struct scsi_adapter *adapter);
void scsi_interrupt_disconnect(struct scsi_adapter *adapter);
/* At or below DIRQL: raises and takes the interrupt lock; returns the old IRQL. */
uint8_t scsi_interrupt_lock(struct scsi_adapter *adapter);
void scsi_interrupt_unlock(struct scsi_adapter *adapter, uint8_t irql);

/* ---- window.c ---- */

/*
 * A miniport without MapBuffers gets the address of data that it reads or writes for
 * ScsiPortGetPhysicalAddress alone: it leads into a window without memory, and a touch ends the run
 * with the driver's line. -ENOMEM with error_set.
 */
int scsi_window_new(struct scsi_adapter *adapter);
void scsi_window_free(struct scsi_adapter *adapter);
/* Where a byte of RAM stands in it. */
void *scsi_window_show(const struct scsi_adapter *adapter, void *data);

#endif
