/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Station 4: the order of HwStorBuildIo and HwStorStartIo, the IRQLs and locks they are called with
 * (4.2), and what the SRB holds on entry (4.3). */
#include "world.h"
#include "../events.h"

static struct {
	unsigned builds, starts;
	unsigned starts_at_build; /* when the last BuildIo ran */
	BOOLEAN answer;		  /* of BuildIo */
	KIRQL build_irql, start_irql;
	bool startio_held, interrupt_held;
	UCHAR build_status;
	PSCSI_REQUEST_BLOCK srb;
	PVOID buffer, extension;
	UCHAR extension_byte;
} seen;

static BOOLEAN NTAPI build_io(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	PUCHAR extension = SrbGetMiniportContext(srb);

	expect_is(ext, world.ext);
	expect(!cpu_spin_is_held(&world.adapter->startio_lock.lock));
	expect(!cpu_spin_is_held(&world.adapter->interrupt_lock.lock));
	seen.builds++;
	seen.starts_at_build = seen.starts;
	seen.build_irql = KeGetCurrentIrql();
	seen.build_status = SrbGetSrbStatus(srb);
	seen.srb = srb;
	seen.buffer = SrbGetDataBuffer(srb);
	seen.extension = extension;
	seen.extension_byte = extension[0];
	memset(extension, 0x11, WORLD_EXTENSION);
	return seen.answer;
}

static BOOLEAN start_io(PSCSI_REQUEST_BLOCK srb)
{
	seen.starts++;
	seen.start_irql = KeGetCurrentIrql();
	seen.startio_held = cpu_spin_is_held(&world.adapter->startio_lock.lock);
	seen.interrupt_held = cpu_spin_is_held(&world.adapter->interrupt_lock.lock);
	expect_is(srb, seen.srb);
	world_give_back(srb, SRB_STATUS_SUCCESS);
	return TRUE;
}

static int setup(void **state)
{
	world_miniport(NULL);
	memset(&seen, 0, sizeof(seen));
	seen.answer = TRUE;
	miniport.build_io = build_io;
	miniport.start_io = start_io;
	return 0;
}

/* ---- order, IRQL, locks ---- */

static void one_read(void)
{
	struct dma_counts lists;
	struct world_request r;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	world_end(&r);
	expect_is(r.srb_status, SRB_STATUS_SUCCESS);
	lists = dma_adapter_counts(world.adapter->hba.port.dma);
	expect(lists.mapped > 0);
	expect_is(lists.mapped, lists.unmapped);
}

/* 4.2, first and third row */
static void build_io_comes_first_without_a_lock_then_start_io_under_its_lock(void **state)
{
	world_good(one_read);
	assert_int_equal(seen.builds, 1);
	assert_int_equal(seen.starts_at_build, 0);
	assert_int_equal(seen.starts, 1);
	assert_int_equal(seen.build_irql, DISPATCH_LEVEL);
	assert_int_equal(seen.start_irql, DISPATCH_LEVEL);
	assert_true(seen.startio_held);
	assert_false(seen.interrupt_held);
}

/* LK-7 is told as a violation, so this is no world_good. */
static void half_duplex_start_io_has_dirql_and_the_interrupt_lock(void **state)
{
	miniport.half_duplex = true;
	world_run(DMA_CALLBACK_QUEUED, one_read);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(seen.build_irql, DISPATCH_LEVEL);
	assert_true(seen.start_irql > DISPATCH_LEVEL);
	assert_true(seen.startio_held && seen.interrupt_held);
	assert_int_equal(world.violations, 1);
	assert_non_null(strstr(world.violation, "LK-7"));
}

static struct {
	STOR_DPC dpc;
	uint64_t dpcs; /* that had run on the processor when this one began */
	struct world_request *request;
} later;

static VOID NTAPI give_back_later(PSTOR_DPC dpc, PVOID ext, PVOID srb, PVOID unused)
{
	later.dpcs = cpu_self->dpcs;
	world_give_back(srb, SRB_STATUS_SUCCESS);
	expect(!later.request->done); /* not under the miniport's feet */
}

static BOOLEAN start_for_a_dpc(PSCSI_REQUEST_BLOCK srb)
{
	StorPortIssueDpc(world.ext, &later.dpc, srb, NULL);
	return TRUE;
}

static void ended_by_its_dpc(void)
{
	struct world_request r;
	uint8_t irql;

	later.request = &r;
	StorPortInitializeDpc(world.ext, &later.dpc, give_back_later);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	expect(!r.done);
	cpu_irql_lower(irql);
	expect(r.done);
	expect_is(cpu_self->dpcs, later.dpcs); /* and by no other */
	world_end(&r);
	/* What is completed elsewhere has a DPC as ever. */
	miniport.start_io = start_io;
	one_read();
}

static void what_a_dpc_completes_is_finished_when_it_has_ended(void **state)
{
	miniport.start_io = start_for_a_dpc;
	world_good(ended_by_its_dpc);
}

static void ask_for_channels(void)
{
	PERF_CONFIGURATION_DATA data = {.Version = STOR_PERF_VERSION, .Size = sizeof(data)};

	expect_is(StorPortInitializePerfOpts(world.ext, TRUE, &data), STOR_STATUS_SUCCESS);
	expect_is(data.ConcurrentChannels, 2); /* processors */
	data.Flags = STOR_PERF_CONCURRENT_CHANNELS;
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_SUCCESS);
}

/* LK-6 */
static void concurrent_channels_start_io_holds_no_lock(void **state)
{
	miniport.cpus = 2;
	miniport.initialize = ask_for_channels;
	world_good(one_read);
	assert_int_equal(seen.start_irql, DISPATCH_LEVEL);
	assert_false(seen.startio_held || seen.interrupt_held);
}

/* LK-7: half duplex knows no channels, whatever is asked for. */
static void channels_change_nothing_in_half_duplex(void **state)
{
	miniport.cpus = 2;
	miniport.half_duplex = true;
	miniport.initialize = ask_for_channels;
	world_run(DMA_CALLBACK_QUEUED, one_read);
	assert_int_equal(world.start_result, 0);
	assert_true(seen.startio_held && seen.interrupt_held);
}

static void read_ended_by_build_io(void)
{
	struct world_request r;

	seen.answer = FALSE;
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	expect_is(seen.builds, 1);
	expect_is(seen.starts, 0);
	expect(!r.done);
	/* later, within its time */
	world_give_back(seen.srb, SRB_STATUS_ERROR);
	world_end(&r);
	expect_is(r.srb_status, SRB_STATUS_ERROR);
	expect_is(seen.starts, 0);
}

/* SB-5 */
static void build_io_false_keeps_start_io_away_and_the_miniport_completes(void **state)
{
	world_good(read_ended_by_build_io);
}

/* ---- two at once ---- */

static struct {
	_Atomic int inside, most;
	uint64_t patience; /* ns */
} crowd;

static BOOLEAN crowded(PSCSI_REQUEST_BLOCK srb)
{
	int now = atomic_fetch_add(&crowd.inside, 1) + 1;
	uint64_t end = cpu_clock() + crowd.patience;

	if (now > atomic_load(&crowd.most))
		atomic_store(&crowd.most, now);
	/* Long enough for the other processor to come in, if it may. */
	while (atomic_load(&crowd.most) < 2 && cpu_clock() < end)
		cpu_relax();
	if (atomic_load(&crowd.inside) > 1)
		atomic_store(&crowd.most, 2);
	cpu_stall(1000000);
	atomic_fetch_sub(&crowd.inside, 1);
	world_give_back(srb, SRB_STATUS_SUCCESS);
	return TRUE;
}

static void submit_some(void *ctx)
{
	for (unsigned n = 0; n < 3; n++) {
		struct world_request r;

		world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
		world_end(&r);
	}
}

static void submit_on_both(void)
{
	struct cpu_thread *other;

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	other = cpu_thread_new(submit_some, NULL, 1, "other");
	submit_some(NULL);
	cpu_thread_join(other);
	cpu_thread_free(other);
}

/* 4.2: the StartIo lock, and in half duplex too. */
static void start_io_never_runs_twice_at_once(void **state)
{
	miniport.cpus = 2;
	miniport.build_io = NULL;
	miniport.start_io = crowded;
	memset(&crowd, 0, sizeof(crowd));
	crowd.patience = 20000000;
	world_good(submit_on_both);
	assert_int_equal(crowd.most, 1);
}

static void start_io_of_concurrent_channels_runs_on_both_processors_at_once(void **state)
{
	miniport.cpus = 2;
	miniport.build_io = NULL;
	miniport.start_io = crowded;
	miniport.initialize = ask_for_channels;
	memset(&crowd, 0, sizeof(crowd));
	crowd.patience = 10000000000ull;
	world_good(submit_on_both);
	assert_int_equal(crowd.most, 2);
}

/* ---- callbacks that leave another IRQL ---- */

static struct {
	KIRQL build, start; /* 0: as it was */
} leave;

static BOOLEAN NTAPI build_io_raising(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	KIRQL old;

	if (leave.build)
		KeRaiseIrql(leave.build, &old);
	return TRUE;
}

static BOOLEAN start_io_leaving(PSCSI_REQUEST_BLOCK srb)
{
	KIRQL old;

	world_give_back(srb, SRB_STATUS_SUCCESS);
	if (leave.start > KeGetCurrentIrql())
		KeRaiseIrql(leave.start, &old);
	else if (leave.start)
		KeLowerIrql(leave.start);
	return TRUE;
}

static void read_with_wrong_irql(void)
{
	struct world_request r;

	atomic_store(&world.violations, 0); /* LK-7's */
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	expect_is(cpu_irql(), IRQL_PASSIVE);
	expect(!cpu_spin_is_held(&world.adapter->startio_lock.lock));
	world_end(&r);
	expect_is(r.srb_status, SRB_STATUS_SUCCESS);
	expect_violation(0, "SpChangeIrql");
	expect_has(world.violation, leave.build ? "HwStorBuildIo" : "HwStorStartIo");
}

static void run_leaving(KIRQL build, KIRQL start, bool half_duplex)
{
	setup(NULL);
	leave.build = build;
	leave.start = start;
	miniport.half_duplex = half_duplex;
	miniport.build_io = build_io_raising;
	miniport.start_io = start_io_leaving;
	world_run(DMA_CALLBACK_QUEUED, read_with_wrong_irql);
	assert_int_equal(world.start_result, 0);
}

/* SpChangeIrql; the request comes to its end all the same. */
static void an_irql_that_a_callback_leaves_is_reported_and_mended(void **state)
{
	run_leaving(DISPATCH_LEVEL + 1, 0, false);
	run_leaving(0, DISPATCH_LEVEL + 1, false);
	run_leaving(0, APC_LEVEL, false);
	run_leaving(0, DISPATCH_LEVEL, true);
	run_leaving(0, APC_LEVEL, true);
}

/* ---- the SRB on entry ---- */

static void two_reads(void)
{
	one_read();
	expect_is(seen.build_status, SRB_STATUS_PENDING);
	expect_is(seen.extension_byte, 0xdb); /* nobody's before: poison */
	for (unsigned n = 0; n < PORT_SLOTS; n++) {
		one_read();
		if (seen.extension_byte == 0x11)
			return; /* a slot that served before, as its user left it */
	}
	expect(!"an extension kept what was left in it");
}

/* Contracts 1 and 2 */
static void the_status_is_pending_and_the_extension_is_not_cleared(void **state)
{
	static const bool kinds[] = {false, true};

	for (unsigned n = 0; n < 2; n++) {
		setup(NULL);
		miniport.plain = kinds[n];
		world_good(two_reads);
	}
}

static struct {
	uint8_t function, opcode;
	bool mapped[4]; /* by STOR_MAP_ */
} const map_rows[] = {
	/* SB-4, 4.6 and X-38. NO_BUFFERS, ALL, NON_READ_WRITE, ALL_INCLUDING_READ_WRITE */
	{SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, {false, false, false, true}},
	{SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_WRITE, {false, false, false, true}},
	{SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ16, {false, false, false, true}},
	{SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_WRITE16, {false, false, false, true}},
	{SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_INQUIRY, {false, true, true, true}},
	{SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_MODE_SENSE, {false, true, true, true}},
	{SRB_FUNCTION_IO_CONTROL, 0, {true, true, true, true}},
};

static void requests_of_every_row(void)
{
	for (unsigned n = 0; n < array_size(map_rows); n++) {
		struct world_request r;

		world_submit(&r, map_rows[n].function, map_rows[n].opcode, 512);
		if (map_rows[n].mapped[miniport.map_buffers])
			expect_is(seen.buffer, r.data);
		else
			expect_is(seen.buffer, NULL);
		world_end(&r);
	}
}

static void the_data_buffer_is_seen_as_map_buffers_says(void **state)
{
	for (unsigned kind = 0; kind < 2; kind++)
		for (UCHAR map = 0; map < 4; map++) {
			setup(NULL);
			miniport.plain = kind;
			miniport.map_buffers = map;
			world_good(requests_of_every_row);
		}
}

static BOOLEAN NTAPI check_srb(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	PSTORAGE_REQUEST_BLOCK extended = (PSTORAGE_REQUEST_BLOCK)srb;
	UCHAR path, target, lun;

	SrbGetPathTargetLun(srb, &path, &target, &lun);
	expect_is(path | target | lun, 0);
	expect_is(SrbGetSrbFunction(srb), SRB_FUNCTION_EXECUTE_SCSI);
	expect_is(SrbGetCdbLength(srb), 10);
	expect_is(((PUCHAR)SrbGetCdb(srb))[0], SCSIOP_READ);
	expect_is(SrbGetDataTransferLength(srb), 8192);
	expect_is(SrbGetTimeOutValue(srb), 5);
	expect_is(
		SrbGetSrbFlags(srb) & (SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT), SRB_FLAGS_DATA_IN);
	expect(SrbGetSrbFlags(srb) & SRB_FLAGS_NO_QUEUE_FREEZE); /* */
	expect(SrbGetSrbFlags(srb) & SRB_FLAGS_QUEUE_ACTION_ENABLE);
	expect_is(SrbGetRequestAttribute(srb), SRB_SIMPLE_TAG_REQUEST);
	expect(SrbGetSenseInfoBuffer(srb) != NULL);
	expect(SrbGetSenseInfoBufferLength(srb) >= 18);
	expect(SrbGetMiniportContext(srb) != NULL);
	expect_is(SrbGetNextSrb(srb), NULL);
	if (miniport.plain) {
		expect_is(srb->Length, sizeof(*srb));
		expect_is(srb->Function, SRB_FUNCTION_EXECUTE_SCSI);
	} else {
		expect_is(extended->Function, SRB_FUNCTION_STORAGE_REQUEST_BLOCK); /* SG-32 */
		expect_is(extended->Signature, SRB_SIGNATURE);
		expect(SrbGetSrbExDataByType(extended, SrbExDataTypeScsiCdb16) != NULL);
		expect_is(SrbGetDeviceAddress(srb)->Type, STOR_ADDRESS_TYPE_BTL8);
	}
	seen.builds++;
	return TRUE;
}

static void read_8k(void)
{
	struct world_request r;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 8192);
	world_end(&r);
	expect_is(r.srb_status, SRB_STATUS_SUCCESS);
	expect_is(r.transferred, 8192);
}

/* 4.3, 4.1: the kind that SrbTypeFlags asked for */
static void both_kinds_of_srb_say_the_same(void **state)
{
	for (unsigned kind = 0; kind < 2; kind++) {
		world_miniport(NULL);
		seen.builds = 0;
		miniport.plain = kind;
		miniport.build_io = check_srb;
		world_good(read_8k);
		assert_int_equal(seen.builds, 1);
	}
}

/* ---- reset ---- */

static struct {
	unsigned calls;
	bool startio_held, interrupt_held;
	KIRQL irql;
} reset;

static BOOLEAN reset_bus(ULONG path)
{
	reset.calls++;
	reset.irql = KeGetCurrentIrql();
	reset.startio_held = cpu_spin_is_held(&world.adapter->startio_lock.lock);
	reset.interrupt_held = cpu_spin_is_held(&world.adapter->interrupt_lock.lock);
	return path == 3;
}

static void reset_it(void)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	expect(stor_model.reset_bus(&world.adapter->hba.port, 3));
	expect(!stor_model.reset_bus(&world.adapter->hba.port, 2));
	cpu_irql_lower(irql);
}

/* R-2, 4.2 */
static void reset_bus_runs_under_the_locks_of_start_io(void **state)
{
	miniport.reset = reset_bus;
	world_good(reset_it);
	assert_int_equal(reset.calls, 2);
	assert_int_equal(reset.irql, DISPATCH_LEVEL);
	assert_true(reset.startio_held && !reset.interrupt_held);
	world_miniport(NULL);
	miniport.reset = reset_bus;
	miniport.half_duplex = true;
	world_run(DMA_CALLBACK_QUEUED, reset_it);
	assert_true(reset.startio_held && reset.interrupt_held);
}

/* ---- events ---- */

static char wanted_events[512];

static void one_heard_read(void)
{
	struct world_request r;
	unsigned long long id;

	events_begin(EVENT(HW_BUILDIO) | EVENT(HW_BUILDIO_END) | EVENT(HW_STARTIO) |
		     EVENT(HW_STARTIO_END) | EVENT(SRB_DONE));
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 512);
	id = r.port->id;
	world_end(&r);
	events_end();
	snprintf(wanted_events, sizeof(wanted_events),
		seen.answer ? "hw.buildio id %llu\nhw.buildio.end id %llu result 1\n"
			      "hw.startio id %llu\nhw.startio.end id %llu result 1\n"
			      "srb.done id %llu status 01 bytes 512"
			    : "hw.buildio id %llu\nhw.buildio.end id %llu result 0\n"
			      "srb.done id %llu status 01 bytes 512",
		id, id, id, id, id);
	events[strlen(wanted_events)] = 0; /* how long it took */
}

static void each_call_has_its_beginning_and_its_end(void **state)
{
	world_good(one_heard_read);
	assert_string_equal(events, wanted_events);
	setup(NULL);
	miniport.half_duplex = true;
	world_run(DMA_CALLBACK_QUEUED, one_heard_read);
	assert_string_equal(events, wanted_events);
}

static BOOLEAN NTAPI build_and_complete(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	world_give_back(srb, SRB_STATUS_SUCCESS);
	return FALSE;
}

static void a_build_io_that_says_no_is_seen_to(void **state)
{
	seen.answer = FALSE;
	miniport.build_io = build_and_complete;
	world_good(one_heard_read);
	assert_string_equal(events, wanted_events);
}

#define start_test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		start_test(what_a_dpc_completes_is_finished_when_it_has_ended),
		start_test(build_io_comes_first_without_a_lock_then_start_io_under_its_lock),
		start_test(half_duplex_start_io_has_dirql_and_the_interrupt_lock),
		start_test(concurrent_channels_start_io_holds_no_lock),
		start_test(channels_change_nothing_in_half_duplex),
		start_test(build_io_false_keeps_start_io_away_and_the_miniport_completes),
		start_test(start_io_never_runs_twice_at_once),
		start_test(start_io_of_concurrent_channels_runs_on_both_processors_at_once),
		start_test(an_irql_that_a_callback_leaves_is_reported_and_mended),
		start_test(the_status_is_pending_and_the_extension_is_not_cleared),
		start_test(the_data_buffer_is_seen_as_map_buffers_says),
		start_test(both_kinds_of_srb_say_the_same),
		start_test(reset_bus_runs_under_the_locks_of_start_io),
		start_test(each_call_has_its_beginning_and_its_end),
		start_test(a_build_io_that_says_no_is_seen_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
