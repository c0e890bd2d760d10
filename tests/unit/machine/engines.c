/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A whole machine under each DMA engine, with few map registers: data is right, requests wait their
 * turn, and what can never be mapped fails at once (MR-2, X-10).
 */
#include "live.h"
#include "disk/disk.h"
#include "dma/map_register.h"

#include <dryport.h>
#include <stdlib.h>
#include <string.h>

#define REGISTERS 16
#define BYTES	  (1u << 20)

static const char *const engines[][13] = {
	{"map-registers", "16", NULL},
	{"engine", "bounce", "dma-width", "32", "memory", "high", "map-registers", "16", NULL},
	{"engine", "iommu", "map-registers", "16", NULL},
	{"engine", "iommu", NULL},
	{"engine", "bounce", "dma-width", "32", "memory", "high", NULL},
};

static bool is_short(unsigned n)
{
	return n < 3;
}

static void fill(unsigned char *data, unsigned seed)
{
	for (unsigned n = 0; n < BYTES; n++)
		data[n] = (unsigned char)(n * 13 + (n >> 8) + seed);
}

/* MR-2: src/disk splits to 15 pages, as a buffer may begin anywhere in a page (D-5). */
static void transfers_are_split_at_the_registers(void **state)
{
	for (unsigned n = 0; n < array_size(engines); n++) {
		unsigned char *there = malloc(BYTES), *back = calloc(1, BYTES);
		struct port_adapter *port;

		live_start(engines[n]);
		port = live->driver.adapters[0];
		if (is_short(n))
			expect_is(port->limits.max_transfer, (REGISTERS - 1) * 4096);
		fill(there, n);
		expect_is(dry_write(dry_unit_get(live, 0), there, BYTES, 0, 0), 0);
		expect_is(dry_read(dry_unit_get(live, 0), back, BYTES, 0), 0);
		expect(!memcmp(there, back, BYTES));
		live_end();
		free(there);
		free(back);
	}
}

/* ---- many at once ---- */

static _Atomic unsigned finished, failed;

static void io_done(struct dry_io *io)
{
	atomic_fetch_add(&failed, io->result != 0);
	atomic_fetch_add(&finished, 1);
}

/* who finds too few registers waits, and nobody is forgotten. */
static void requests_wait_for_registers(void **state)
{
	enum { COUNT = 64, EACH = 48 * 1024 };

	for (unsigned n = 0; n < array_size(engines); n++) {
		static struct dry_io io[COUNT];
		unsigned char *buffer;

		live_start(engines[n]);
		buffer = dry_buffer_new(live, COUNT * EACH);
		expect(buffer != NULL);
		finished = failed = 0;
		for (unsigned i = 0; i < COUNT; i++) {
			io[i] = (struct dry_io){.op = i % 2 ? DRY_OP_READ : DRY_OP_WRITE,
				.buffer = buffer + i * EACH,
				.count = EACH,
				.offset = (i * EACH) % (BYTES - EACH) & ~511u,
				.done = io_done};
			expect_is(dry_submit(dry_unit_get(live, 0), &io[i]), 0);
		}
		for (unsigned wait = 0; atomic_load(&finished) < COUNT && wait < 10000; wait++)
			usleep(1000);
		expect_is(finished, COUNT);
		expect_is(failed, 0);
		expect_is(dma_registers_taken(), 0);
		dry_buffer_free(live, buffer, COUNT * EACH);
		live_end();
	}
}

/* ---- pass-through ---- */

static struct disk_command command;

static int execute(void *arg)
{
	return disk_execute(dry_unit_get(live, 0)->disk->unit, &command);
}

/* READ(10) of so many pages; its SRB status. */
static uint8_t read_pages(unsigned pages, unsigned char *data)
{
	unsigned blocks = pages * 8;

	memset(&command, 0, sizeof(command));
	command.function = SRB_FUNCTION_EXECUTE_SCSI;
	command.seconds = 10;
	command.cdb[0] = SCSIOP_READ;
	command.cdb[7] = (uint8_t)(blocks >> 8);
	command.cdb[8] = (uint8_t)blocks;
	command.cdb_length = 10;
	command.in = true;
	command.data = data;
	command.bytes = pages * 4096;
	command.srb_status = 0xee;
	machine_call(live, execute, NULL, "test");
	return command.srb_status;
}

/* MR-2, X-10: at once; the port's limit is one page less than its registers (D-5). */
static void a_pass_through_above_the_registers_fails(void **state)
{
	unsigned char *data = malloc(BYTES);

	for (unsigned n = 0; n < array_size(engines); n++) {
		live_start(engines[n]);
		expect_is(read_pages(REGISTERS - 1, data), SRB_STATUS_SUCCESS);
		if (is_short(n)) {
			expect_is(read_pages(REGISTERS + 1, data), SRB_STATUS_INVALID_REQUEST);
			expect_is(read_pages(100, data), SRB_STATUS_INVALID_REQUEST);
		}
		/* And nothing is the worse for it. */
		expect_is(read_pages(1, data), SRB_STATUS_SUCCESS);
		expect_is(dma_registers_taken(), 0);
		live_end();
	}
	free(data);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transfers_are_split_at_the_registers),
		cmocka_unit_test(requests_wait_for_registers),
		cmocka_unit_test(a_pass_through_above_the_registers_fails),
	};
	int err = live_main(argc, argv);

	return err ? err : cmocka_run_group_tests(tests, NULL, NULL);
}
