/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * One read walks the seven stations in their order, through the real example miniport (its path is
 * the test's argument) and the real device.
 */
#include "storport/storport_adapter.h"
#include "machine/machine.h"
#include "trace/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#define EVENTS 64

static struct {
	_Atomic unsigned count;
	struct trace_event event[EVENTS];
} seen;

static const char *miniport;

static void listen(void *ctx, const struct trace_event *event)
{
	unsigned n = atomic_fetch_add(&seen.count, 1);

	if (n < EVENTS)
		seen.event[n] = *event;
}

static struct dry_machine *start(const char *hw)
{
	struct dry_machine *machine = dry_machine_new();

	assert_non_null(machine);
	assert_int_equal(dry_machine_set(machine, "hw", hw), 0);
	assert_int_equal(dry_machine_set(machine, "size", "1M"), 0);
	if (dry_machine_start(machine, miniport) < 0)
		fail_msg("%s", dry_error());
	return machine;
}

/* Position of the n-th event of this type, or fails. */
static unsigned place(enum trace_type type, unsigned nth)
{
	for (unsigned n = 0; n < seen.count && n < EVENTS; n++)
		if (seen.event[n].type == type && !nth--)
			return n;
	fail_msg("no event %s", trace_name(type));
	return 0;
}

static unsigned how_many(enum trace_type type)
{
	unsigned count = 0;

	for (unsigned n = 0; n < seen.count && n < EVENTS; n++)
		count += seen.event[n].type == type;
	return count;
}

static void one_read_passes_the_stations_in_order(void **state)
{
	static const enum trace_type order[] = {TRACE_SRB_SUBMIT, TRACE_SRB_GO, TRACE_DMA_MAP,
		TRACE_HW_BUILDIO, TRACE_SG_GET, TRACE_HW_BUILDIO_END, TRACE_HW_STARTIO,
		TRACE_HW_STARTIO_END, TRACE_IRQ, TRACE_IRQ_END, TRACE_DPC, TRACE_DPC_END,
		TRACE_SRB_DONE};
	struct dry_machine *machine = start(*state);
	unsigned char data[8192];
	uint64_t id;

	assert_int_equal(dry_write(dry_unit_get(machine, 0), data, sizeof(data), 4096, 0), 0);
	seen.count = 0;
	assert_int_equal(trace_subscribe(~0ull, listen, NULL), 0);
	assert_int_equal(dry_read(dry_unit_get(machine, 0), data, sizeof(data), 4096), 0);
	/* The read returns before the DPC that completed it does. */
	while (!how_many(TRACE_DPC_END))
		;
	trace_unsubscribe(listen, NULL);

	for (size_t n = 0; n < array_size(order); n++)
		assert_int_equal(how_many(order[n]), 1);
	for (size_t n = 1; n < array_size(order); n++) {
		/* The device may interrupt before StartIo has returned, and the port's DPC needs
		 * not wait for the miniport's. */
		if (order[n] == TRACE_IRQ || order[n] == TRACE_SRB_DONE)
			continue;
		assert_true(place(order[n - 1], 0) < place(order[n], 0));
	}
	assert_true(place(TRACE_HW_STARTIO, 0) < place(TRACE_IRQ, 0));
	assert_true(place(TRACE_DPC, 0) < place(TRACE_SRB_DONE, 0));

	id = seen.event[place(TRACE_SRB_SUBMIT, 0)].arg[0];
	assert_int_equal(seen.event[place(TRACE_SRB_DONE, 0)].arg[0], id);
	assert_int_equal(seen.event[place(TRACE_SRB_DONE, 0)].arg[2], sizeof(data));
	/* Scattered memory: two pages are two elements. */
	assert_int_equal(seen.event[place(TRACE_SG_GET, 0)].arg[1], 2);
	/* IRQLs: BuildIo and StartIo at DISPATCH, the ISR at DIRQL, the DPC at DISPATCH. */
	assert_int_equal(seen.event[place(TRACE_HW_BUILDIO, 0)].irql, IRQL_DISPATCH);
	assert_int_equal(seen.event[place(TRACE_HW_STARTIO, 0)].irql, IRQL_DISPATCH);
	assert_int_equal(seen.event[place(TRACE_IRQ, 0)].irql, STOR_DIRQL);
	assert_int_equal(seen.event[place(TRACE_DPC, 0)].irql, IRQL_DISPATCH);
	dry_machine_free(machine);
}

static void a_machine_stops_without_leaks_or_violations(void **state)
{
	struct dry_machine *machine = start(*state);
	struct dry_summary summary;
	unsigned char data[4096] = {1};

	assert_int_equal(dry_write(dry_unit_get(machine, 0), data, sizeof(data), 0, DRY_FUA), 0);
	assert_int_equal(dry_machine_stop(machine), 0);
	dry_machine_summary(machine, &summary);
	assert_int_equal(summary.leaks, 0);
	assert_int_equal(summary.violations, 0);
	assert_int_equal(summary.client_written, sizeof(data));
	assert_int_equal(summary.dma_read + summary.dma_written,
		summary.client_read + summary.client_written + summary.port_read +
			summary.port_written);
	dry_machine_free(machine);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(one_read_passes_the_stations_in_order, "simple"),
		cmocka_unit_test_prestate(one_read_passes_the_stations_in_order, "simple:intx"),
		cmocka_unit_test_prestate(a_machine_stops_without_leaks_or_violations, "simple"),
		cmocka_unit_test_prestate(
			a_machine_stops_without_leaks_or_violations, "simple:intx"),
	};

	if (argc != 2)
		return 2;
	miniport = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
