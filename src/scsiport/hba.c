/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: what is SCSI Port's own in the life of a driver and its adapters, which is
 * src/port/hba_life.c's. config.c fills PORT_CONFIGURATION_INFORMATION and reads it back.
 *
 * Each mass-storage function of the bus is one adapter, as for a Plug and Play miniport: it is
 * shown to HwScsiFindAdapter once, with its resources, and Again asks for nothing more.
 */
#include "scsiport/scsi_adapter.h"
#include "mem/mem.h"

static int prepare(struct port_hba *hba)
{
	bus_messages_disable(hba->function); /* SCSI Port has the line alone */
	scsi_config_init((struct scsi_adapter *)hba);
	return 0;
}

static ULONG find(struct port_hba *hba)
{
	struct scsi_adapter *adapter = (struct scsi_adapter *)hba;
	PSCSIPORT_HW_FIND_ADAPTER call = (PSCSIPORT_HW_FIND_ADAPTER)hba->hw.HwFindAdapter;
	BOOLEAN again = FALSE;
	/* No bus information. */
	ULONG result = call(hba->extension, hba->context, NULL, hba->entries.parameter,
		&adapter->config, &again);

	if (adapter->bus_data)
		mem_free(adapter->bus_data, MEM_PAGE_SIZE);
	adapter->bus_data = NULL;
	return result;
}

static int accept(
	struct port_hba *hba, struct port_limits *limits, struct dma_constraints *constraints)
{
	struct scsi_adapter *adapter = (struct scsi_adapter *)hba;
	int err = scsi_config_check(adapter);

	if (err)
		return err;
	scsi_config_limits(adapter, limits);
	constraints->width = scsi_config_width(adapter);
	constraints->scatter_gather = adapter->config.ScatterGather;
	if (adapter->config.Master || !hba->port.dma)
		return 0;
	dma_adapter_free(hba->port.dma); /* it moves the data itself */
	hba->port.dma = NULL;
	return 0;
}

static int connect(struct port_hba *hba)
{
	struct scsi_adapter *adapter = (struct scsi_adapter *)hba;
	bool needs = !adapter->config.MapBuffers && !adapter->window;
	int err = needs ? scsi_window_new(adapter) : 0;

	return err ? err : scsi_interrupt_connect(adapter);
}

static void disconnect(struct port_hba *hba)
{
	scsi_interrupt_disconnect((struct scsi_adapter *)hba);
}

static uint8_t lock(struct port_hba *hba)
{
	return scsi_interrupt_lock((struct scsi_adapter *)hba);
}

static void unlock(struct port_hba *hba, uint8_t irql)
{
	scsi_interrupt_unlock((struct scsi_adapter *)hba, irql);
}

static void release(struct port_hba *hba)
{
	scsi_window_free((struct scsi_adapter *)hba);
}

const struct port_driver_model scsi_driver_model = {
	.requests = &scsi_model,
	.stem = "Scsi",
	.irql_rule = "",
	.answer_rule = "",
	.adapter_bytes = sizeof(struct scsi_adapter),
	.entries = PORT_ENTRIES_SCSI,
	.control_types = ScsiSetRunningConfig + 1, /* it knows no later ones */
	.forgets = true,
	.prepare = prepare,
	.find = find,
	.accept = accept,
	.connect = connect,
	.disconnect = disconnect,
	.release = release,
	.lock = lock,
	.unlock = unlock,
	.enter = scsi_callback_enter,
	.leave = scsi_callback_leave,
};
