/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* From a HwDeviceExtension to its adapter, and back into the miniport: timer, bus reset, and the
 * IRQL that a callback left. See hba.h. */
#include "port/hba.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <string.h>

border_call struct port_hba *port_hba_of_memory(const void *extension, const char *routine)
{
	const struct mem_frame *frame = mem_owner(extension);
	struct port_hba *hba = (struct port_hba *)frame->owner;

	/* Who owns memory of this kind is an adapter. */
	if (likely(frame->kind == MEM_EXTENSION && hba && hba->extension == extension))
		return hba;
	nt_violation(0, "%s: %p is no HwDeviceExtension of an adapter.", routine, extension);
	return NULL;
}

void port_irql_mend(
	const struct port_driver_model *model, const char *who, const char *callback, uint8_t irql)
{
	size_t before = strcspn(callback, "*");
	bool has_stem = callback[before];

	nt_violation(0, "%s: %.*s%s%s was called at IRQL %u and returned at %u%s.",
		who ? who : "the driver", (int)before, callback, has_stem ? model->stem : "",
		has_stem ? callback + before + 1 : "", irql, cpu_irql(), model->irql_rule);
	if (cpu_irql() > irql)
		cpu_irql_lower(irql);
	else
		cpu_irql_raise(irql);
}

static void timer_fired(struct cpu_timer *timer)
{
	struct port_hba *hba = timer->ctx;
	const struct port_driver_model *model = hba->driver->model;

	model->enter(hba);
	/* Not before: it may have been stopped while the locks were waited for. */
	if (hba->phase != PORT_HBA_STOPPED) {
		trace(TRACE_HW_TIMER, hba->port.number);
		atomic_load (&hba->timer_routine)(hba->extension);
		trace(TRACE_HW_TIMER_END, hba->port.number);
	}
	model->leave(hba, "Hw*Timer");
}

void port_hba_timer(struct port_hba *hba, PHW_TIMER routine, uint32_t microseconds)
{
	if (!microseconds) {
		cpu_timer_cancel(&hba->timer);
		return;
	}
	if (hba->phase == PORT_HBA_STOPPED)
		return;
	atomic_store(&hba->timer_routine, routine);
	hba->timer.fn = timer_fired;
	hba->timer.ctx = hba;
	cpu_timer_set(&hba->timer, microseconds * 1000ull, 0);
}

/* under the locks of StartIo, so that none runs meanwhile; concurrent channels have no such
 * lock, and the port has seen to it that they are at rest. */
bool port_hba_reset_bus(struct port_adapter *port, uint8_t path)
{
	struct port_hba *hba = (struct port_hba *)port;
	const struct port_driver_model *model = hba->driver->model;
	BOOLEAN done;

	model->enter(hba);
	done = hba->hw.HwResetBus(hba->extension, path);
	model->leave(hba, "Hw*ResetBus");
	return done;
}
