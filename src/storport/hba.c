/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: what is Storport's own in the life of a driver and its adapters, which is
 * src/port/hba_life.c's. config.c fills PORT_CONFIGURATION_INFORMATION and reads it back; virtual.c
 * has what is a virtual miniport's alone.
 */
#include "storport/config.h"
#include "nt/nt.h"
#include "nt/os.h"
#include "util/error.h"

static int prepare(struct port_hba *hba)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;

	if (hba->function) {
		adapter->messages =
			bus_messages_enable(hba->function, stor_entries_messages(adapter));
		adapter->processors = stor_entries_processors(adapter);
	}
	adapter->passive_init = NULL;
	stor_power_free(adapter); /* what it registered when it was found before */
	stor_config_init(adapter);
	return 0;
}

static ULONG find(struct port_hba *hba)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;
	PHW_FIND_ADAPTER call = (PHW_FIND_ADAPTER)hba->hw.HwFindAdapter;
	char none[] = "", *arguments = hba->entries.parameter ? hba->entries.parameter : none;
	BOOLEAN again = FALSE;

	if (stor_is_virtual(adapter))
		return stor_virtual_find(adapter, arguments, &again);
	return call(hba->extension, NULL, NULL, arguments, &adapter->config, &again);
}

static int accept(
	struct port_hba *hba, struct port_limits *limits, struct dma_constraints *constraints)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;
	int err = stor_config_check(adapter);

	if (err)
		return err;
	stor_config_limits(adapter, limits);
	constraints->width = stor_config_width(adapter);
	return 0;
}

/* Around what is called at DIRQL under the interrupt lock. A virtual miniport has neither: none is
 * held (4.2), and the IRQL, which no page gives, stays PASSIVE. */
static uint8_t lock(struct port_hba *hba)
{
	return hba->function ? stor_interrupt_lock((struct stor_adapter *)hba) : cpu_irql();
}

static void unlock(struct port_hba *hba, uint8_t irql)
{
	if (hba->function)
		stor_interrupt_unlock((struct stor_adapter *)hba, irql);
}

static bool settle(struct port_hba *hba)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;
	BOOLEAN done;

	if (!adapter->passive_init)
		return true;
	hba->phase = PORT_HBA_PASSIVE_INITIALIZING;
	done = adapter->passive_init(hba->extension);
	port_hba_irql_check(hba, "HwStorPassiveInitializeRoutine", IRQL_PASSIVE);
	return done;
}

static void quiet(struct port_hba *hba)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;

	stor_timers_stop(adapter);
	cpu_dpc_flush();
	stor_work_stop(adapter);
}

/* What is armed and queued when it starts again is the miniport's to do anew. */
static void rest(struct port_hba *hba)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;

	stor_timers_rest(adapter);
	stor_work_rest(adapter);
}

static void release(struct port_hba *hba)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;

	if (stor_is_virtual(adapter) && hba->answer == SP_RETURN_FOUND)
		stor_virtual_remove(adapter);
	/* What a thread of the miniport's began in its last moments. */
	stor_threads_free(adapter);
	stor_registry_watch_end(adapter);
	stor_services_end(adapter);
	quiet(hba);
	stor_work_free(adapter);
	stor_timers_free(adapter);
	stor_power_free(adapter);
	stor_blocks_free(adapter);
}

/* A type whose page wants StorPortSetFeatureList to have named it. */
static void controls_limit(struct port_hba *hba)
{
	const ULONG features = ((struct stor_adapter *)hba)->features;

	if (!(features & 1u << StorportFeatureResetBusSynchronous) || !nt_os_has(NT_OS_11_22H2))
		hba->control_supported[ScsiAdapterResetBusSynchronous] = false;
}

/* What a driver that puts a routine of its own there calls from it. */
static VOID NTAPI unload(PDRIVER_OBJECT object)
{
	const struct port_driver *driver = container_of(object, struct port_driver, object);

	if (driver->virtual.is_there && driver->virtual.hw.HwCleanupTracing)
		driver->virtual.hw.HwCleanupTracing(object);
}

const struct port_driver_model stor_driver_model = {
	.requests = &stor_model,
	.stem = "Stor",
	.irql_rule = " (SpChangeIrql)",
	.answer_rule = " (SpReturnValue)",
	.adapter_bytes = sizeof(struct stor_adapter),
	.entries = PORT_ENTRIES_STOR,
	.control_types = ScsiAdapterControlMax,
	.controls_limit = controls_limit,
	.unload = unload,
	.prepare = prepare,
	.find = find,
	.accept = accept,
	.connect = stor_interrupt_connect,
	.disconnect = stor_interrupt_disconnect,
	.settle = settle,
	.quiet = quiet,
	.rest = rest,
	.has_port_srbs = true,
	.stops_unlocked = true,
	.control = stor_control,
	.release = release,
	.lock = lock,
	.unlock = unlock,
	.enter = stor_callback_enter,
	.leave = stor_callback_leave,
};
