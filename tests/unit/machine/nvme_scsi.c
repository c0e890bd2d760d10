/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * examples/nvme (the test's argument) on the NVMe controller: what its units answer to SCSI
 * commands and other SRBs. Offsets and values are those of SPC-5 and SBC-4. Bodies run in a kernel
 * thread.
 */
#include "live.h"
#include "disk/disk.h"
#include "mem/mem.h"
#include "nt/nt.h"

#include <endian.h>

#define BLOCK	  512u
#define DISK	  (1u << 20)	 /* of all units together */
#define BLOCKS	  (DISK / BLOCK) /* likewise */
#define ASK_BYTES 8192u

struct answer {
	uint8_t status, scsi_status, key, code, qualifier;
	uint32_t bytes;
	uint8_t data[ASK_BYTES];
};

static struct answer answer; /* to the last ask */

static uint32_t get32(unsigned at)
{
	uint32_t value;

	memcpy(&value, answer.data + at, sizeof(value));
	return be32toh(value);
}

static uint64_t get64(unsigned at)
{
	return (uint64_t)get32(at) << 32 | get32(at + 4);
}

static void done(struct port_request *request)
{
	atomic_store((_Atomic bool *)request->ctx, true);
}

/* One SRB to a unit; with data out of `out`, or into the answer. */
static void srb(unsigned lun, uint8_t function, const uint8_t *cdb, unsigned length,
	const void *out, uint32_t bytes)
{
	struct port_adapter *port = live->driver.adapters[0];
	uint8_t *memory = mem_alloc(ASK_BYTES, 0, MEM_OWN, NULL);
	PMDL mdl = bytes ? IoAllocateMdl(memory, bytes, FALSE, FALSE, NULL) : NULL;
	struct port_unit *unit = port_unit_add(port, 0, 0, (uint8_t)lun);
	struct port_request *request;
	_Atomic bool is_done = false;
	uint8_t irql;

	memset(&answer, 0, sizeof(answer));
	memset(memory, 0xa5, ASK_BYTES);
	if (out)
		memcpy(memory, out, bytes);
	if (mdl)
		MmBuildMdlForNonPagedPool(mdl);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	request = port_request_get(port);
	request->unit = unit;
	request->function = function;
	request->cdb_length = (uint8_t)length;
	if (length)
		memcpy(request->cdb, cdb, length);
	request->flags = !bytes ? 0 : out ? SRB_FLAGS_DATA_OUT : SRB_FLAGS_DATA_IN;
	request->length = bytes;
	request->timeout = 10;
	request->mdl = mdl;
	request->data = bytes ? memory : NULL;
	request->done = done;
	request->ctx = (void *)&is_done;
	port_request_submit(request);
	cpu_irql_lower(irql);
	while (!is_done)
		cpu_thread_park(100000);
	answer.status = request->srb_status;
	answer.scsi_status = request->scsi_status;
	answer.bytes = request->transferred;
	if (request->sense_length >= 14) {
		answer.key = ((uint8_t *)request->sense)[2];
		answer.code = ((uint8_t *)request->sense)[12];
		answer.qualifier = ((uint8_t *)request->sense)[13];
	}
	irql = cpu_irql_raise(IRQL_DISPATCH);
	port_request_put(request);
	cpu_irql_lower(irql);
	if (!out)
		memcpy(answer.data, memory, bytes);
	if (mdl)
		IoFreeMdl(mdl);
	mem_free(memory, ASK_BYTES);
}

#define CDB(...)                                                                                   \
	(const uint8_t[16])                                                                        \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
static void ask(unsigned lun, const uint8_t *cdb, const void *out, uint32_t bytes)
{
	static const uint8_t lengths[8] = {6, 10, 10, 0, 16, 12, 0, 0}; /* by bits 7:5 */

	srb(lun, SRB_FUNCTION_EXECUTE_SCSI, cdb, lengths[cdb[0] >> 5], out, bytes);
}

static bool is_good(void)
{
	return answer.status == SRB_STATUS_SUCCESS || answer.status == SRB_STATUS_DATA_OVERRUN;
}

static bool is_sense(uint8_t key, uint8_t code)
{
	return answer.status == SRB_STATUS_ERROR &&
	       answer.scsi_status == SCSISTAT_CHECK_CONDITION && answer.key == key &&
	       answer.code == code && answer.bytes == 0;
}

/* ---- what a unit is ---- */

static void vital(unsigned lun, uint8_t page)
{
	ask(lun, CDB(0x12, 1, page, 0, 200), NULL, 200);
	expect(is_good());
	expect_is(answer.data[1], page);
	expect_is(answer.bytes, 4u + answer.data[3]);
}

static int inquiry(void *arg)
{
	uint8_t serial[64], identifier[32];

	ask(0, CDB(0x12, 0, 0, 0, 36), NULL, 36);
	expect_is(answer.status, SRB_STATUS_SUCCESS);
	expect_is(answer.data[0], 0);	   /* a disk that is there */
	expect_is(answer.data[3] & 15, 2); /* response data format */
	expect_is(answer.data[4], 69);
	expect(answer.data[7] & 2); /* command queuing */
	expect(!memcmp(answer.data + 8, "NVMe    ", 8));
	ask(0, CDB(0x12, 0, 0, 0, 74), NULL, 74);
	expect_is(answer.status, SRB_STATUS_SUCCESS);
	expect_is(get32(58), 0x046004c0); /* version descriptors: SPC-4, SBC-3 */
	ask(0, CDB(0x12, 0, 0, 0, 5), NULL, 36);
	expect_is(answer.status, SRB_STATUS_DATA_OVERRUN); /* an underrun: SB-10 */
	expect_is(answer.bytes, 5);
	expect_is(answer.data[5], 0xa5); /* what was not asked for is not written */

	vital(0, 0x00);
	for (unsigned n = 4, pages = 4u + answer.data[3]; n < pages; n++) {
		static const uint8_t wanted[] = {0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};

		expect_is(pages, 4 + sizeof(wanted));
		expect_is(answer.data[n], wanted[n - 4]);
	}
	vital(0, 0x80);
	memcpy(serial, answer.data, sizeof(serial));
	vital(1, 0x80);
	expect(memcmp(serial, answer.data, sizeof(serial)));
	vital(0, 0x83);
	expect_is(answer.data[4] & 15, 1); /* binary */
	expect_is(answer.data[5] & 15, 2); /* EUI-64 */
	expect(answer.data[7] == 8 || answer.data[7] == 16);
	memcpy(identifier, answer.data, sizeof(identifier));
	vital(1, 0x83);
	expect(memcmp(identifier, answer.data, sizeof(identifier)));
	vital(0, 0xb0);
	expect_is(get32(8), 65536 / BLOCK); /* mdts */
	expect(get32(20) != 0 && get32(24) != 0);
	expect(get64(36) != 0);
	vital(0, 0xb1);
	expect_is(answer.data[4] << 8 | answer.data[5], 1); /* does not rotate */
	vital(0, 0xb2);
	expect(answer.data[5] & 0x80); /* UNMAP */
	ask(0, CDB(0x12, 1, 0xcc, 0, 200), NULL, 200);
	expect(is_sense(0x05, 0x24));
	ask(0, CDB(0x12, 0, 0x80, 0, 200), NULL, 200); /* a page, but not EVPD */
	expect(is_sense(0x05, 0x24));
	return 0;
}

static int capacity(void *arg)
{
	ask(1, CDB(0x25), NULL, 8);
	expect(is_good());
	expect_is(get32(0), BLOCKS / 2 - 1);
	expect_is(get32(4), BLOCK);
	ask(1, CDB(0x9e, 0x10, [13] = 32), NULL, 32);
	expect(is_good());
	expect_is(get64(0), BLOCKS / 2 - 1);
	expect_is(get32(8), BLOCK);
	expect(answer.data[14] & 0x80); /* LBPME, as page B2 says */
	ask(1, CDB(0x9e, 0x12, [13] = 32), NULL, 32);
	expect(is_sense(0x05, 0x24));
	ask(0, CDB(0xa0, [9] = 200), NULL, 200);
	expect(is_good());
	expect_is(get32(0), 16);
	expect_is(answer.data[9], 0);
	expect_is(answer.data[17], 1);
	ask(2, CDB(0x12, 0, 0, 0, 36), NULL, 36);
	expect_is(answer.status, SRB_STATUS_INVALID_LUN);
	return 0;
}

/* ---- mode and log pages ---- */

static uint8_t write_cache(uint8_t control)
{
	ask(0, CDB(0x1a, 8, control << 6 | 0x08, 0, 64), NULL, 64);
	expect(is_good());
	expect_is(answer.data[0] + 1u, answer.bytes);
	expect_is(answer.data[3], 0); /* no block descriptors */
	expect_is(answer.data[4] & 0x3f, 0x08);
	expect_is(answer.data[5], 0x12);
	return answer.data[6] & 4;
}

static int mode_pages(void *arg)
{
	uint8_t page10[8 + 20] = {[8] = 0x08, [9] = 0x12}, page6[4 + 20] = {[4] = 0x08, [5] = 0x12};

	expect_is(write_cache(0), 4);
	expect_is(write_cache(1), 4); /* can be changed */
	ask(0, CDB(0x15, 0x10, 0, 0, sizeof(page6)), page6, sizeof(page6));
	expect_is(answer.status, SRB_STATUS_SUCCESS);
	expect_is(write_cache(0), 0);
	expect_is(write_cache(2), 4); /* by default */
	page10[10] = 4;
	ask(0, CDB(0x55, 0x10, [8] = sizeof(page10)), page10, sizeof(page10));
	expect_is(answer.status, SRB_STATUS_SUCCESS);
	expect_is(write_cache(0), 4);

	page10[11] = 1; /* what cannot be changed */
	ask(0, CDB(0x55, 0x10, [8] = sizeof(page10)), page10, sizeof(page10));
	expect(is_sense(0x05, 0x26));
	page10[8] = 0x1a; /* no such page */
	ask(0, CDB(0x55, 0x10, [8] = sizeof(page10)), page10, sizeof(page10));
	expect(is_sense(0x05, 0x26));
	ask(0, CDB(0x55, 0x11, [8] = sizeof(page10)), page10, sizeof(page10)); /* saved */
	expect(is_sense(0x05, 0x24));
	ask(0, CDB(0x15, 0x10, 0, 0, 3), page6, 3);
	expect(is_sense(0x05, 0x1a));

	ask(0, CDB(0x5a, 8, 0x3f, [8] = 64), NULL, 64);
	expect_is(answer.bytes, 8 + 20 + 12);
	expect_is(answer.data[0] << 8 | answer.data[1], answer.bytes - 2);
	expect_is(answer.data[3], 0x10); /* FUA, not write protected */
	expect_is(answer.data[28], 0x0a);
	ask(0, CDB(0x1a, 8, 0x1c, 0, 64), NULL, 64);
	expect(is_sense(0x05, 0x24));
	ask(0, CDB(0x1a, 8, 0xc8, 0, 64), NULL, 64);
	expect(is_sense(0x05, 0x39));
	return 0;
}

static int log_pages(void *arg)
{
	ask(0, CDB(0x4d, 0, 0x40, [8] = 64), NULL, 64);
	expect(is_good());
	expect_is(answer.data[3], 3);
	ask(0, CDB(0x4d, 0, 0x4d, [8] = 64), NULL, 64);
	expect(is_good());
	expect_is(answer.data[0], 0x0d);
	expect_is(answer.data[3], 6);
	expect(answer.data[9] > 0 && answer.data[9] < 100); /* degrees */
	ask(0, CDB(0x4d, 0, 0x6f, [8] = 64), NULL, 64);
	expect(is_good());
	expect_is(answer.bytes, 12);
	expect_is(answer.data[8], 0); /* nothing is wrong */
	ask(0, CDB(0x4d, 0, 0x50, [8] = 64), NULL, 64);
	expect(is_sense(0x05, 0x24));
	return 0;
}

/* ---- the medium ---- */

static int moves(void *arg)
{
	static const uint8_t reads[] = {0x08, 0x28, 0xa8, 0x88},
			     writes[] = {0x0a, 0x2a, 0xaa, 0x8a};
	uint8_t out[2 * BLOCK];

	for (unsigned w = 0; w < 4; w++) {
		memset(out, 0x10 + (int)w, sizeof(out));
		for (unsigned r = 0; r < 5; r++) {
			uint8_t op = r == 0 ? writes[w] : reads[r - 1];
			uint8_t cdb[16] = {op};

			/* block 9, two of them; with FUA where there is the bit */
			cdb[op < 0x20 ? 3 : op < 0x80 || op >= 0xa0 ? 5 : 9] = 9;
			cdb[op < 0x20 ? 4 : op < 0x80 ? 8 : op < 0xa0 ? 13 : 9] = 2;
			cdb[1] = op < 0x20 ? 0 : 8;
			ask(0, cdb, r == 0 ? out : NULL, sizeof(out));
			expect_is(answer.status, SRB_STATUS_SUCCESS);
			expect_is(answer.bytes, sizeof(out));
			expect(r == 0 || !memcmp(answer.data, out, sizeof(out)));
		}
	}
	/* the other unit's block 9 is another */
	ask(1, CDB(0x28, [5] = 9, [8] = 2), NULL, sizeof(out));
	expect(memcmp(answer.data, out, sizeof(out)));

	ask(0, CDB(0x28, 0, 0, 0, 4, 0, [8] = 1), NULL, BLOCK); /* block 1024, the first too far */
	expect(is_sense(0x05, 0x21));
	ask(0, CDB(0x88, 0, [2] = 255, [13] = 1), NULL, BLOCK);
	expect(is_sense(0x05, 0x21));
	ask(0, CDB(0x28, 0x20, [8] = 1), NULL, BLOCK); /* protection information */
	expect(is_sense(0x05, 0x24));
	ask(0, CDB(0x28, [8] = 2), NULL, BLOCK); /* less room than blocks */
	expect_is(answer.status, SRB_STATUS_INVALID_REQUEST);
	ask(0, CDB(0x28), NULL, 0); /* nothing */
	expect_is(answer.status, SRB_STATUS_SUCCESS);
	return 0;
}

static int verifies(void *arg)
{
	uint8_t out[BLOCK];

	memset(out, 0x77, sizeof(out));
	ask(0, CDB(0x2a, [5] = 3, [8] = 1), out, BLOCK);
	ask(0, CDB(0x2f, 2, [5] = 3, [8] = 1), out, BLOCK);
	expect_is(answer.status, SRB_STATUS_SUCCESS);
	out[511] ^= 1;
	ask(0, CDB(0x2f, 2, [5] = 3, [8] = 1), out, BLOCK);
	expect(is_sense(0x0e, 0x1d));
	ask(0, CDB(0x8f, 0, [9] = 3, [13] = 1), NULL, 0);
	expect_is(answer.status, SRB_STATUS_SUCCESS);
	ask(0, CDB(0x2f, 0, 0, 0, 4, 0, [8] = 1), NULL, 0);
	expect(is_sense(0x05, 0x21));
	ask(0, CDB(0x2f, 0x20, [5] = 3, [8] = 1), NULL, 0); /* VRPROTECT */
	expect(is_sense(0x05, 0x24));
	return 0;
}

static void fill(uint8_t byte)
{
	static uint8_t out[ASK_BYTES];

	memset(out, byte, sizeof(out));
	ask(0, CDB(0x2a, [8] = 16), out, ASK_BYTES);
	expect_is(answer.status, SRB_STATUS_SUCCESS);
}

/* Of blocks 0 to 15, those in the mask are zero, the others are full of the byte. */
static void expect_zero(uint32_t mask, uint8_t byte)
{
	ask(0, CDB(0x28, [8] = 16), NULL, ASK_BYTES);
	for (unsigned n = 0; n < ASK_BYTES; n++)
		expect_is(answer.data[n], mask >> (n / BLOCK) & 1 ? 0 : byte);
}

static int zeros(void *arg)
{
	/* ranges 2 to 3, none, and 7 */
	uint8_t list[8 + 48] = {0, 54, 0, 48, [15] = 2, [19] = 2, [31] = 5, [47] = 7, [51] = 1};
	uint8_t same[BLOCK] = {0};

	fill(0x31);
	ask(0, CDB(0x42, [8] = sizeof(list)), list, sizeof(list));
	expect_is(answer.status, SRB_STATUS_SUCCESS);
	expect_zero(1 << 2 | 1 << 3 | 1 << 7, 0x31);
	list[44] = 1; /* too far: nothing is done */
	ask(0, CDB(0x42, [8] = sizeof(list)), list, sizeof(list));
	expect(is_sense(0x05, 0x21));
	ask(0, CDB(0x42, [8] = 4), list, 4);
	expect(is_sense(0x05, 0x1a));

	fill(0x32);
	ask(0, CDB(0x93, 0, [9] = 4, [13] = 2), same, BLOCK);
	expect_is(answer.status, SRB_STATUS_SUCCESS);
	ask(0, CDB(0x93, 1, [9] = 8, [13] = 1), NULL, 0); /* NDOB */
	expect_is(answer.status, SRB_STATUS_SUCCESS);
	ask(0, CDB(0x93, 8, [9] = 10, [13] = 1), same, BLOCK); /* UNMAP: not in page B2 */
	expect(is_sense(0x05, 0x24));
	expect_zero(3 << 4 | 1 << 8, 0x32);
	same[300] = 1;
	ask(0, CDB(0x93, 0, [13] = 1), same, BLOCK);
	expect(is_sense(0x05, 0x24));
	ask(0, CDB(0x93, 1, [9] = 8), NULL, 0); /* of no blocks */
	expect(is_sense(0x05, 0x24));
	return 0;
}

/* A list of ranges lies in the SRB extension, which is elsewhere in its page for each request. */
static int many_ranges(void *arg)
{
	struct port_adapter *port = live->driver.adapters[0];
	struct port_request *held[30]; /* the others are the disk's */
	uint8_t list[8 + 64 * 16] = {4, 6, 4, 0};
	uint8_t irql;

	for (unsigned n = 0; n < 64; n++) { /* the last four are blocks 12 to 15 */
		list[8 + 16 * n + 7] = n < 60 ? (uint8_t)(20 + n) : (uint8_t)(n - 48);
		list[8 + 16 * n + 11] = 1;
	}
	for (unsigned n = 0; n < array_size(held); n++) {
		irql = cpu_irql_raise(IRQL_DISPATCH);
		held[n] = port_request_get(port);
		cpu_irql_lower(irql);
		fill(0x41);
		ask(0, CDB(0x42, [7] = 4, [8] = 8), list, sizeof(list));
		expect_is(answer.status, SRB_STATUS_SUCCESS);
		expect_zero(0xf << 12, 0x41);
	}
	irql = cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n < array_size(held); n++)
		port_request_put(held[n]);
	cpu_irql_lower(irql);
	return 0;
}

/* ---- the rest ---- */

static int others(void *arg)
{
	static const uint8_t fine[][2] = {{0x00, 0}, {0x1b, 1}, {0x1b, 0}, {0x35, 0}, {0x91, 0}};
	static const uint8_t functions[] = {
		SRB_FUNCTION_FLUSH, SRB_FUNCTION_RESET_LOGICAL_UNIT, SRB_FUNCTION_RESET_DEVICE};

	for (unsigned n = 0; n < array_size(fine); n++) {
		ask(1, CDB(fine[n][0], [4] = fine[n][1]), NULL, 0);
		expect_is(answer.status, SRB_STATUS_SUCCESS);
	}
	ask(0, CDB(0x03, 0, 0, 0, 18), NULL, 18);
	expect_is(answer.data[0], 0x70);
	expect_is(answer.data[2], 0);
	ask(0, CDB(0x03, 1, 0, 0, 8), NULL, 18);
	expect_is(answer.data[0], 0x72);
	ask(0, CDB(0x04), NULL, 0); /* FORMAT UNIT */
	expect(is_sense(0x05, 0x20));
	for (unsigned n = 0; n < array_size(functions); n++) {
		srb(0, functions[n], NULL, 0, NULL, 0);
		expect_is(answer.status, SRB_STATUS_SUCCESS);
	}
	srb(0, SRB_FUNCTION_IO_CONTROL, NULL, 0, NULL, 64);
	expect_is(answer.status, SRB_STATUS_INVALID_REQUEST);
	return 0;
}

static int protected(void *arg)
{
	uint8_t out[BLOCK] = {0};

	ask(0, CDB(0x1a, 8, 0x08, 0, 64), NULL, 64);
	expect(answer.data[2] & 0x80);
	ask(0, CDB(0x2a, [8] = 1), out, BLOCK);
	expect(is_sense(0x07, 0x27));
	out[0] = 1; /* WRITE SAME of what cannot be repeated: still, the first thing wrong is the
		       place */
	ask(0, CDB(0x93, [13] = 1), out, BLOCK);
	expect(is_sense(0x07, 0x27));
	ask(0, CDB(0x28, [8] = 1), NULL, BLOCK);
	expect_is(answer.status, SRB_STATUS_SUCCESS);
	return 0;
}

/* ---- adapter control: 4.8 ---- */

static SCSI_ADAPTER_CONTROL_STATUS control(SCSI_ADAPTER_CONTROL_TYPE type)
{
	struct stor_adapter *adapter = (struct stor_adapter *)live->driver.adapters[0];
	bool is_at_dirql = type != ScsiAdapterSurpriseRemoval; /* */
	uint8_t irql = is_at_dirql ? stor_interrupt_lock(adapter) : 0;
	SCSI_ADAPTER_CONTROL_STATUS status =
		adapter->hba.hw.HwAdapterControl(adapter->hba.extension, type, NULL);

	if (is_at_dirql)
		stor_interrupt_unlock(adapter, irql);
	return status;
}

static int restart(void *arg)
{
	fill(0x51);
	for (unsigned n = 0; n < 3; n++) {
		expect_is(control(ScsiStopAdapter), ScsiAdapterControlSuccess);
		expect_is(control(ScsiRestartAdapter), ScsiAdapterControlSuccess);
		expect_zero(0, 0x51);
	}
	return 0;
}

static int removal(void *arg)
{
	expect_is(control(ScsiAdapterSurpriseRemoval), ScsiAdapterControlSuccess);
	ask(0, CDB(0x28, [8] = 1), NULL, BLOCK);
	expect_is(answer.status, SRB_STATUS_NO_DEVICE);
	return 0;
}

/* ---- */

static void run(int (*body)(void *arg))
{
	const char *const options[] = {"hw", "nvme:namespaces=2,mdts=65536", NULL};

	live_start(options);
	machine_call(live, body, NULL, "test");
	live_end();
}

static void test_inquiry_and_vital_product_data(void **state)
{
	run(inquiry);
}

static void test_capacity_and_units_are_the_namespaces(void **state)
{
	run(capacity);
}

static void test_mode_select_switches_the_write_cache_and_nothing_else(void **state)
{
	run(mode_pages);
}

static void test_log_sense_tells_of_the_controllers_health(void **state)
{
	run(log_pages);
}

static void test_reads_and_writes_of_all_lengths_of_cdb_meet(void **state)
{
	run(moves);
}

static void test_verify_compares(void **state)
{
	run(verifies);
}

static void test_unmap_and_write_same_make_zeros_where_told(void **state)
{
	run(zeros);
}

static void test_a_list_of_ranges_may_lie_across_two_pages(void **state)
{
	run(many_ranges);
}

static void test_other_commands_and_srb_functions(void **state)
{
	run(others);
}

static void test_a_protected_disk_says_so_and_refuses_writes(void **state)
{
	char path[] = "/tmp/dryport-nvme-XXXXXX";
	const char *const options[] = {
		"hw", "nvme", "disk", path, "read-only", "1", "size", NULL, NULL};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, DISK), 0);
	close(fd);
	live = dry_machine_new();
	for (unsigned n = 0; n < 6; n += 2)
		assert_int_equal(dry_machine_set(live, options[n], options[n + 1]), 0);
	if (dry_machine_start(live, live_miniport))
		fail_msg("%s", dry_error());
	machine_call(live, protected, NULL, "test");
	live_end();
	unlink(path);
}

static void test_it_works_again_after_stop_and_restart(void **state)
{
	run(restart);
}

static void test_requests_of_a_removed_adapter_find_no_device(void **state)
{
	struct dry_summary summary;

	live_start((const char *const[]){"hw", "nvme", NULL});
	machine_call(live, removal, NULL, "test");
	assert_int_equal(dry_machine_stop(live), -EIO); /* the last flush */
	dry_machine_summary(live, &summary);
	assert_int_equal(summary.violations, 0);
	assert_int_equal(summary.leaks, 0);
	dry_machine_free(live);
	expect_tell();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inquiry_and_vital_product_data),
		cmocka_unit_test(test_capacity_and_units_are_the_namespaces),
		cmocka_unit_test(test_mode_select_switches_the_write_cache_and_nothing_else),
		cmocka_unit_test(test_log_sense_tells_of_the_controllers_health),
		cmocka_unit_test(test_reads_and_writes_of_all_lengths_of_cdb_meet),
		cmocka_unit_test(test_verify_compares),
		cmocka_unit_test(test_unmap_and_write_same_make_zeros_where_told),
		cmocka_unit_test(test_a_list_of_ranges_may_lie_across_two_pages),
		cmocka_unit_test(test_other_commands_and_srb_functions),
		cmocka_unit_test(test_a_protected_disk_says_so_and_refuses_writes),
		cmocka_unit_test(test_it_works_again_after_stop_and_restart),
		cmocka_unit_test(test_requests_of_a_removed_adapter_find_no_device),
	};

	if (live_main(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
