/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The report of a crash: whose it is (the driver's function, file and line, or ours), and which SRB
 * the driver had. Runs on the stack of the crash; the process ends after it. A sanitizer that ends
 * the process has said whose it is. See machine.h and src/cpu/fault.c.
 */
#include "machine/machine.h"
#include "nt/nt.h"
#include "util/sanitizer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void say(const char *text)
{
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

	(void)ignored;
}

/* For who may be called from ThreadSanitizer's own report, which holds its locks: what is read here
 * races with whoever still runs, and a second report would wait for the first for ever. */
#define in_a_report __attribute__((no_sanitize("thread"), noinline))

/* A dump driver's, where one is at work: whatever else the crash left means nothing any more. */
static in_a_report const struct port_request *in_flight(void)
{
	const struct machine_driver *driver = machine_live ? &machine_live->driver : NULL;
	const struct port_request *request = stor_dump_live ? stor_dump_live->request : NULL;

	if (stor_dump_live)
		return request && request->state == PORT_REQUEST_STARTED ? request : NULL;
	for (unsigned n = 0; driver && n < driver->adapter_count && !request; n++)
		request = port_request_in_flight(driver->adapters[n]);
	return request;
}

static in_a_report void say_in_flight(void)
{
	const struct port_request *request = in_flight();
	char line[256];

	if (request) {
		snprintf(line, sizeof(line),
			"  SRB in flight: request %llu, function %02x, command %02x, %u bytes, "
			"unit %u:%u:%u, SRB at %p\n",
			(unsigned long long)request->id, request->function, request->cdb[0],
			request->length, request->unit->path, request->unit->target,
			request->unit->lun, request->srb);
		say(line);
		return;
	}
	say("  no SRB was in flight\n");
}

static in_a_report void say_rest(void)
{
	char line[64];

	if (machine_live && machine_live->options.replay) {
		snprintf(line, sizeof(line), "  replayed from seed %llu\n",
			(unsigned long long)machine_live->options.seed);
		say(line);
	}
	say_in_flight();
	trace_file_died();
}

static void sanitizer_died(void)
{
	if (machine_live)
		say_rest();
}

static void report(int signal, uintptr_t address, uintptr_t pc, void *ucontext)
{
	const char *place = loader_symbolize(pc);
	char line[512];

	if (place) {
		snprintf(line, sizeof(line),
			"dryport: the driver crashed in %s: %s, address %#lx\n", place,
			strsignal(signal), (unsigned long)address);
	} else {
		const char *frame = loader_driver_frame();

		snprintf(line, sizeof(line), "dryport: %s at address %#lx, pc %#lx%s%s\n",
			strsignal(signal), (unsigned long)address, (unsigned long)pc,
			frame ? ", in a routine called by the driver from "
			      : ", outside the driver",
			frame ? frame : "");
	}
	say(line);
	say_rest();
}

void crash_start(void)
{
	cpu_crash_report = report;
	nt_crash_dump = crash_bugcheck;
	sanitizer_init();
	if (sanitizer.on_death)
		sanitizer.on_death(sanitizer_died);
}
