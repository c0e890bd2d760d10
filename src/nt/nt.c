/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Life of the kernel subset, and its one way to say that a rule was broken. The parts it starts and
 * ends: pool.c mm_memory.c ps_thread.c dbg_print.c registry.c.
 */
#include "nt/io_interface.h"
#include "nt/nt.h"
#include "mem/mem.h"
#include "nt/nt_check.h"
#include "nt/nt_parts.h"
#include "nt/registry.h"
#include "trace/trace.h"

#include <stdarg.h>
#include <stdio.h>

const char *(*nt_driver_place)(void);
const char *(*nt_code_place)(uintptr_t pc);
const char *(*nt_owner_name)(const void *owner);

static bool is_strict;

int nt_init(const struct nt_config *config)
{
	int err = nt_pool_init(config->fill);

	is_strict = config->strict;
	if (err)
		return err;
	nt_debug_init(config->debug_level);
	nt_timer_init();
	err = reg_init();
	if (err)
		nt_fini();
	return err;
}

uint64_t nt_fini(void)
{
	uint64_t left;

	nt_timer_fini();
	/* The driver and the devices have gone before, and its threads, if they have ended. */
	if (!nt_thread_fini())
		mem_end();
	io_interfaces_forget();
	reg_fini();
	left = nt_memory_fini();
	left += nt_pool_fini();
	nt_debug_fini();
	return left;
}

void nt_violation(uint64_t number, const char *fmt, ...)
{
	const char *place;
	char text[640];
	va_list args;
	int used;

	if (!trace_is_wanted(TRACE_VIOLATION) && !is_strict)
		return;
	va_start(args, fmt);
	used = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	place = nt_driver_place ? nt_driver_place() : NULL;
	if (place && used >= 0 && (size_t)used < sizeof(text))
		snprintf(text + used, sizeof(text) - (size_t)used, " [driver: %s]", place);
	trace(TRACE_VIOLATION, (uintptr_t)text, number);
	if (is_strict && number != NT_DEVICE_FAULT)
		cpu_die("stopped, being strict, at %s", text);
}

const char *nt_irql_name(uint8_t irql)
{
	static const char *const names[] = {"PASSIVE_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL", "DIRQL",
		"DIRQL", "DIRQL", "DIRQL", "DIRQL", "DIRQL", "DIRQL", "DIRQL", "DIRQL", "DIRQL",
		"CLOCK_LEVEL", "IPI_LEVEL", "HIGH_LEVEL"};

	return irql < array_size(names) ? names[irql] : "no IRQL";
}

bool nt_irql_break(const char *routine, uint8_t max, uint64_t number)
{
	nt_violation(number, "%s called at IRQL %u (%s); it must be at or below %s", routine,
		cpu_irql(), nt_irql_name(cpu_irql()), nt_irql_name(max));
	return false;
}

struct cpu *nt_processor(const char *routine)
{
	struct cpu *cpu = cpu_self;

	if (unlikely(!cpu))
		cpu_die("%s was called on a host thread that is no processor of the machine",
			routine);
	return cpu;
}
