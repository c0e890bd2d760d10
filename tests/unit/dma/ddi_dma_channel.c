/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Adapter channels as a WDM driver calls them: table 2.2, CH-1 to CH-6, and packet-based bus-master
 * DMA from the request to its end, under every engine. */
#include "channels.h"

static PDMA_ADAPTER adapter(void)
{
	return &driver.adapter->header;
}

static PDMA_OPERATIONS ops(void)
{
	return driver.adapter->header.DmaOperations;
}

static void passive(void)
{
	cpu_irql_lower(IRQL_PASSIVE);
}

/* ---- IRQL: table 2.2 ---- */

static struct world_buffer buffer;
static void *kept;

static long do_allocate(void)
{
	return ops()->AllocateAdapterChannel(adapter(), driver.device[1], 1, control, NULL);
}

static long do_flush(void)
{
	return ops()->FlushAdapterBuffers(adapter(), buffer.mdl, kept, buffer.va, 0x100, TRUE)
		       ? 0
		       : STATUS_UNSUCCESSFUL;
}

static long do_free_channel(void)
{
	ops()->FreeAdapterChannel(adapter());
	return 0;
}

static long do_free_registers(void)
{
	ops()->FreeMapRegisters(adapter(), kept, 1);
	return 0;
}

static long do_map(void)
{
	ULONG length = 0x100;

	return ops()->MapTransfer(adapter(), buffer.mdl, kept, buffer.va, &length, TRUE).QuadPart &&
			       length == 0x100
		       ? 0
		       : STATUS_UNSUCCESSFUL;
}

static long do_read_counter(void)
{
	return (long)ops()->ReadDmaCounter(adapter());
}

static void at_dispatch(void (*call)(void))
{
	cpu_irql_raise(IRQL_DISPATCH);
	call();
	passive();
}

static void keep_one(void)
{
	kept = keep(1);
}

static void keep_mapped(void)
{
	keep_one();
	assert_int_equal(do_map(), 0);
}

static void hold_one(void)
{
	driver.action = KeepObject;
	assert_int_equal(do_allocate(), 0);
	driver.action = DeallocateObject;
}

static void drop(void)
{
	dma_channels_drop(driver.adapter);
	world.violations = world.taken;
}

static const struct irql_case {
	const char *name;
	long (*call)(void);
	uint8_t min;
	void (*before)(void);
} cases[] = {
	{"AllocateAdapterChannel", do_allocate, 2, NULL},
	{"FlushAdapterBuffers", do_flush, 0, keep_mapped},
	{"FreeAdapterChannel", do_free_channel, 2, hold_one},
	{"FreeMapRegisters", do_free_registers, 2, keep_one},
	{"MapTransfer", do_map, 0, keep_one},
	{"ReadDmaCounter", do_read_counter, 0, NULL},
};

static void check_irql(const struct irql_case *test, uint8_t irql)
{
	bool is_right = irql >= test->min && irql <= IRQL_DISPATCH;
	char text[80];
	long status;

	if (test->before)
		at_dispatch(test->before);
	cpu_irql_raise(irql);
	status = test->call();
	assert_int_equal(cpu_irql(), irql);
	passive();
	if (!is_right) {
		snprintf(text, sizeof(text), "%s called at IRQL %u", test->name, irql);
		world_expect(0xe6000013, text);
		assert_non_null(strstr(world.violation[world.taken - 1].text,
			test->min ? "exactly DISPATCH_LEVEL" : "at or below DISPATCH_LEVEL"));
	}
	/* What is wrong but harmless is done; above DISPATCH_LEVEL it is not. */
	if (irql <= IRQL_DISPATCH)
		assert_int_equal(status, 0);
	else if (test->call == do_allocate || test->call == do_map || test->call == do_flush)
		assert_int_equal(status, STATUS_UNSUCCESSFUL);
	world_expect_none();
	drop();
}

static void irqls(void)
{
	passive();
	buffer = world_buffer(0, 0x1000);
	for (unsigned n = 0; n < array_size(cases); n++)
		for (uint8_t irql = IRQL_PASSIVE; irql <= IRQL_DEVICE_MIN; irql++)
			check_irql(&cases[n], irql);
	world_buffer_free(&buffer);
	cpu_irql_raise(IRQL_DISPATCH);
}

/* covers: DMA_OPERATIONS.AllocateAdapterChannel, DMA_OPERATIONS.MapTransfer */
static void each_member_checks_its_irql(void **state)
{
	each_engine(irqls);
}

/* ---- 0xE6/18, 19 ---- */

static void bad_adapters(void)
{
	PDMA_ADAPTER good = adapter(), bad[] = {NULL, good, (PDMA_ADAPTER)&driver};
	PDMA_OPERATIONS o = ops();
	ULONG length = 5;

	dma_adapter_free(driver.adapter);
	for (unsigned n = 0; n < array_size(bad); n++) {
		uint64_t number = bad[n] ? 0xe6000018 : 0xe6000019;

		assert_int_equal(o->AllocateAdapterChannel(bad[n], NULL, 1, control, NULL),
			STATUS_UNSUCCESSFUL);
		world_expect(number, "AllocateAdapterChannel");
		assert_int_equal(o->FlushAdapterBuffers(bad[n], NULL, NULL, NULL, 1, TRUE), FALSE);
		world_expect(number, "FlushAdapterBuffers");
		o->FreeAdapterChannel(bad[n]);
		world_expect(number, "FreeAdapterChannel");
		o->FreeMapRegisters(bad[n], NULL, 1);
		world_expect(number, "FreeMapRegisters");
		assert_int_equal(
			o->MapTransfer(bad[n], NULL, NULL, NULL, &length, TRUE).QuadPart, 0);
		world_expect(number, "MapTransfer");
		assert_int_equal(o->ReadDmaCounter(bad[n]), 0);
		world_expect(number, "ReadDmaCounter");
	}
	assert_int_equal(driver.calls, 0);
}

/* covers: DMA_OPERATIONS.ReadDmaCounter */
static void a_released_or_foreign_adapter_is_reported_and_not_followed(void **state)
{
	each_engine(bad_adapters);
}

/* ---- arguments ---- */

static void arguments(void)
{
	driver.device[1]->CurrentIrp = (PIRP)0x4321;
	assert_int_equal(
		ops()->AllocateAdapterChannel(adapter(), driver.device[1], 1, control, &driver),
		STATUS_SUCCESS);
	assert_int_equal(driver.calls, 1);
	assert_ptr_equal(driver.called_device, driver.device[1]);
	assert_ptr_equal(driver.context, &driver);
	/* CH-4 */
	assert_ptr_equal(driver.irp, (PIRP)0x4321);
	/* A device object that is no memory is passed on and not followed. */
	assert_int_equal(
		ops()->AllocateAdapterChannel(adapter(), (PDEVICE_OBJECT)0x1000, 1, control, NULL),
		STATUS_SUCCESS);
	assert_ptr_equal(driver.called_device, (PDEVICE_OBJECT)0x1000);
	assert_null(driver.irp);
	/* */
	assert_int_equal(ops()->AllocateAdapterChannel(adapter(), NULL, 1, NULL, NULL), IP);
	world_expect(0, "without an AdapterControl routine");
	assert_int_equal(ops()->MapTransfer(adapter(), NULL, NULL, NULL, NULL, TRUE).QuadPart, 0);
	world_expect(0, "MapTransfer without a length");
	assert_int_equal(
		ops()->AllocateAdapterChannel(adapter(), NULL, LIMIT + 1, control, NULL), ISR);
	world_expect(0xe600000c, "");
	assert_int_equal(driver.calls, 2);
}

/* covers: DMA_OPERATIONS.AllocateAdapterChannel, DMA_OPERATIONS.MapTransfer */
static void the_routine_gets_the_device_its_irp_and_the_context(void **state)
{
	each_engine(arguments);
}

/* A caller below DISPATCH_LEVEL is reported, and its routine runs at DISPATCH_LEVEL all the same.
 */
static void below(void)
{
	passive();
	assert_int_equal(do_allocate(), STATUS_SUCCESS);
	world_expect(0xe6000013, "AllocateAdapterChannel called at IRQL 0");
	assert_int_equal(driver.calls, 1);
	cpu_irql_raise(IRQL_DISPATCH);
}

static void the_routine_runs_at_dispatch_whatever_its_caller(void **state)
{
	each_engine(below);
}

/* ---- a driver's whole way ---- */

/* CH-6: min(needed, limit) registers, and the transfer split where it takes more. */
static struct {
	struct world_buffer buffer;
	uint32_t done, part;
	uint64_t address[16];
	uint32_t bytes[16];
	unsigned pieces;
	bool write;
} job;

static void start_device(void)
{
	for (uint32_t at = 0; at < job.part;) {
		ULONG length = job.part - at;

		job.address[job.pieces] =
			(uint64_t)ops()
				->MapTransfer(adapter(), job.buffer.mdl, driver.base,
					job.buffer.va + job.done + at, &length, job.write)
				.QuadPart;
		assert_int_not_equal(length, 0);
		job.bytes[job.pieces++] = length;
		at += length;
	}
}

static void device_interrupt(void)
{
	uint32_t at = job.done;

	for (unsigned n = 0; n < job.pieces; n++) {
		device_moves(job.address[n], job.bytes[n], at, job.write);
		at += job.bytes[n];
	}
}

static void packet(uint32_t offset, uint32_t bytes, bool write, IO_ALLOCATION_ACTION action)
{
	memset(&job, 0, sizeof(job));
	job.buffer = world_buffer(offset, bytes);
	job.write = write;
	memset(job.buffer.va, 0x11, bytes);
	if (write)
		fill_bytes(job.buffer.va, bytes);
	driver.inside = start_device;
	driver.action = action;
	while (job.done < bytes) {
		uint32_t in_page = (offset + job.done) & 0xfff, left = bytes - job.done;
		uint32_t need = (in_page + left + 4095) / 4096, registers = min_of(need, LIMIT);

		job.part = min_of(left, registers * 4096 - in_page);
		job.pieces = 0;
		assert_int_equal(ops()->AllocateAdapterChannel(
					 adapter(), driver.device[0], registers, control, NULL),
			STATUS_SUCCESS);
		device_interrupt();
		assert_true(ops()->FlushAdapterBuffers(adapter(), job.buffer.mdl, driver.base,
			job.buffer.va + job.done, job.part, write));
		if (action == KeepObject)
			ops()->FreeAdapterChannel(adapter());
		else
			ops()->FreeMapRegisters(adapter(), driver.base, registers);
		job.done += job.part;
	}
	expect_bytes(job.buffer.va, 0, bytes);
	expect_taken(0);
	world_buffer_free(&job.buffer);
}

static void packets(void)
{
	static const uint32_t sizes[] = {1, 0x200, 0x1000, 0x7fff, 0x8000, 0xffff, 0x12345};

	for (unsigned n = 0; n < array_size(sizes); n++) {
		packet(0, sizes[n], true, DeallocateObjectKeepRegisters);
		packet(0x7ff, sizes[n], false, DeallocateObjectKeepRegisters);
		packet(0xfff, sizes[n], false, KeepObject);
	}
	driver.inside = NULL;
}

/*
 * covers: DMA_OPERATIONS.FlushAdapterBuffers, DMA_OPERATIONS.FreeAdapterChannel,
 * DMA_OPERATIONS.FreeMapRegisters
 */
static void ch6_a_driver_moves_what_takes_more_registers_than_it_has(void **state)
{
	each_engine(packets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_member_checks_its_irql),
		cmocka_unit_test(a_released_or_foreign_adapter_is_reported_and_not_followed),
		cmocka_unit_test(the_routine_gets_the_device_its_irp_and_the_context),
		cmocka_unit_test(the_routine_runs_at_dispatch_whatever_its_caller),
		cmocka_unit_test(ch6_a_driver_moves_what_takes_more_registers_than_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
