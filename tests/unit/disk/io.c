/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Requests of the front: how they are split, what their parts' ends make of them, what is refused.
 */
#include "target.h"

#include <pthread.h>

#define MIB (1u << 20)

/* In a kernel thread. */
static int run_op(enum dry_op op, void *buffer, uint64_t count, uint64_t offset, unsigned flags)
{
	struct dry_io io = {
		.op = op, .buffer = buffer, .count = count, .offset = offset, .flags = flags};

	return disk_run(target.disk, &io);
}

static void fill(char *data, uint64_t bytes, uint64_t offset)
{
	for (uint64_t n = 0; n < bytes; n++)
		data[n] = target_byte(offset + n);
}

static bool is_filled(const char *data, uint64_t bytes, uint64_t offset)
{
	for (uint64_t n = 0; n < bytes; n++)
		if (data[n] != target_byte(offset + n))
			return false;
	return true;
}

/* ---- splitting ---- */

static void expect_part(unsigned n, uint8_t opcode, uint64_t block, uint32_t blocks)
{
	expect_is(target.log[n].opcode, opcode);
	expect_is(target.log[n].block, block);
	expect_is(target.log[n].blocks, blocks);
}

static void a_request_is_split_at_the_ports_limit(void)
{
	char *data = malloc(200 << 10);
	uint64_t read, written;

	target_up(2048);
	fill(data, 200 << 10, 3 * 512);
	expect_is(run_op(DRY_OP_WRITE, data, 200 << 10, 3 * 512, 0), 0);
	expect_is(target.count, 4); /* 64, 64, 64, 8 KiB */
	expect_part(0, SCSIOP_WRITE, 3, 128);
	expect_part(1, SCSIOP_WRITE, 131, 128);
	expect_part(2, SCSIOP_WRITE, 259, 128);
	expect_part(3, SCSIOP_WRITE, 387, 16);
	expect(is_filled(target.store + 3 * 512, 200 << 10, 3 * 512));
	memset(data, 0, 200 << 10);
	target.count = 0;
	expect_is(run_op(DRY_OP_READ, data, 65536, 3 * 512, 0), 0); /* just one */
	expect_is(target.count, 1);
	expect_is(run_op(DRY_OP_READ, data, 65536 + 512, 3 * 512, 0), 0);
	expect_is(target.count, 3);
	expect_part(2, SCSIOP_READ, 131, 1);
	expect(is_filled(data, 65536 + 512, 3 * 512));
	disk_client_bytes(target.disk, &read, &written);
	expect_is(written, 200 << 10);
	expect_is(read, 2 * 65536 + 512);
	target_end_all();
	free(data);
}

static void a_limit_that_is_no_multiple_of_the_block_is_rounded_down(void)
{
	char data[4096];

	target_init(64);
	target.port.max_transfer = 1500;
	expect_is(target_scan(), 0);
	expect_is(target.disk->info.max_transfer, 1024);
	expect_is(run_op(DRY_OP_READ, data, 4096, 0, 0), 0);
	expect_is(target.count, 4);
	target_end_all();
}

/* More bytes than buffers, more parts than transfers: it has to wait for itself. */
static void a_request_larger_than_everything_goes_through(void)
{
	const uint64_t bytes = 20 * MIB;
	char *data = malloc(bytes);

	target_up(bytes / 512);
	fill(data, bytes, 0);
	expect_is(run_op(DRY_OP_WRITE, data, bytes, 0, 0), 0);
	expect_is(target.count, bytes / 65536);
	expect(is_filled(target.store, bytes, 0));
	memset(data, 0, bytes);
	target_later();
	expect_is(run_op(DRY_OP_READ, data, bytes, 0, 0), 0);
	expect(is_filled(data, bytes, 0));
	target_end_all();
	free(data);
}

/* The first block that READ (10) cannot name: none of the parts says another. */
static void blocks_past_two_to_the_32_are_named_in_full(void)
{
	char data[2048];

	target_up(64);
	target.disk->blocks = 1ull << 40;
	target.disk->size = 1ull << 49;
	run_op(DRY_OP_READ, data, 2048, ((1ull << 32) - 2) * 512, 0);
	expect_part(0, SCSIOP_READ16, (1ull << 32) - 2, 4);
	target.count = 0;
	run_op(DRY_OP_READ, data, 512, (1ull << 49) - 512, 0);
	expect_part(0, SCSIOP_READ16, (1ull << 40) - 1, 1);
	target_end_all();
}

static void trim_and_zero_are_split_at_limits_of_their_own(void)
{
	target_up(4096);
	memset(target.store, 1, 4096 * 512);
	expect(target.disk->info.can_trim && target.disk->info.can_zero);
	expect_is(run_op(DRY_OP_TRIM, NULL, 2100 * 512, 10 * 512, 0), 0);
	expect_is(target.count, 3);
	expect_part(0, SCSIOP_UNMAP, 10, 1000);
	expect_part(1, SCSIOP_UNMAP, 1010, 1000);
	expect_part(2, SCSIOP_UNMAP, 2010, 100);
	target.count = 0;
	expect_is(run_op(DRY_OP_ZERO, NULL, 601 * 512, 3000 * 512, 0), 0);
	expect_is(target.count, 3);
	expect_part(0, SCSIOP_WRITE_SAME16, 3000, 300);
	expect_part(1, SCSIOP_WRITE_SAME16, 3300, 300);
	expect_part(2, SCSIOP_WRITE_SAME16, 3600, 1);
	for (unsigned n = 0; n < 4096 * 512; n++) {
		unsigned block = n / 512;
		char wanted = block >= 10 && block < 2110     ? (char)0xdd
			      : block >= 3000 && block < 3601 ? 0
							      : 1;

		if (target.store[n] != wanted) {
			expect_fail(__FILE__, __LINE__, "byte %u is %d", n, target.store[n]);
			break;
		}
	}
	target_end_all();
}

static void fua_and_flush_reach_the_disk(void)
{
	char data[512];

	target_up(64);
	run_op(DRY_OP_WRITE, data, 512, 0, DRY_FUA);
	run_op(DRY_OP_WRITE, data, 512, 0, 0);
	expect_is(run_op(DRY_OP_FLUSH, NULL, 77, 99, 0), 0);
	expect_is(target.count, 3);
	expect_is(target.log[0].flags, 0x08); /* SBC-4: FUA is bit 3 of byte 1 */
	expect_is(target.log[1].flags, 0);
	expect_is(target.log[2].opcode, SCSIOP_SYNCHRONIZE_CACHE);
	target_end_all();
}

/* ---- where the data are ---- */

static void memory_of_the_machine_is_used_in_place_as_alignment_allows(void)
{
	char *own = mem_alloc(32768, 0, MEM_DATA, NULL), host[1024];

	target_init(64);
	target.port.alignment_mask = 3;
	expect_is(target_scan(), 0);
	fill(own, 4096, 512);
	expect_is(run_op(DRY_OP_WRITE, own + 4, 1024, 512, 0), 0);
	expect_is(target.log[0].data, own + 4);
	expect_is(run_op(DRY_OP_WRITE, own + 6, 1024, 2048, 0), 0);
	expect(target.log[1].data != own + 6);
	expect_is((uintptr_t)target.log[1].data & 3, 0);
	expect_is(run_op(DRY_OP_READ, host, 1024, 2048, 0), 0);
	expect(target.log[2].data != host);
	expect(!memcmp(host, own + 6, 1024));
	expect_is(run_op(DRY_OP_READ, host, 1024, 512, 0), 0);
	expect(!memcmp(host, own + 4, 1024));
	target_end_all();
	mem_free(own, 32768);
}

static bool see_place(struct port_request *request, const struct target_command *command)
{
	const char *at = command->data;
	bool is_page = ((uintptr_t)at & 4095) + command->bytes <= 4096;

	expect_is(request->data_at, is_page ? mem_physical(at) : MEM_NO_ADDRESS);
	return false;
}

/* The port is told it, so that it need not look at the MDL. */
static void data_in_one_page_have_an_address(void)
{
	char *own = mem_alloc(32768, 0, MEM_DATA, NULL);

	target_up(1024);
	target.hook = see_place;
	for (unsigned offset = 0; offset <= 4096; offset += 512)
		for (unsigned bytes = 512; bytes <= 8192; bytes += 512) {
			expect_is(run_op(DRY_OP_WRITE, own + offset, bytes, 0, 0), 0);
			expect_is(run_op(DRY_OP_READ, own + offset, bytes, 0, 0), 0);
		}
	target_end_all();
	mem_free(own, 32768);
}

/* A list of one element holds no buffer that crosses a page. */
static void with_one_element_buffers_are_whole_pages(void)
{
	char *own = mem_alloc(32768, 0, MEM_DATA, NULL);

	target_init(64);
	target.port.max_elements = 1;
	target.port.max_transfer = 4096;
	expect_is(target_scan(), 0);
	expect_is(run_op(DRY_OP_READ, own + 512, 8192, 0, 0), 0);
	expect_is(run_op(DRY_OP_READ, own + 4096, 8192, 0, 0), 0);
	for (unsigned n = 0; n < target.count; n++)
		expect_is((uintptr_t)target.log[n].data % 4096, 0);
	expect_is(target.log[3].data, own + 8192); /* the second in place */
	target_end_all();
	mem_free(own, 32768);
}

/* ---- ends ---- */

static unsigned tries;

static bool fail_block_200(struct port_request *request, const struct target_command *command)
{
	if (command->block > 200 || command->block + command->blocks <= 200)
		return false;
	tries++;
	target_sense(request, 3, 0x11, 0); /* medium error */
	return true;
}

static void one_part_that_fails_fails_the_whole_and_ends_it(void)
{
	const uint64_t bytes = 16 * MIB; /* 256 parts, 64 buffers */
	uint64_t read, written;
	char *data = malloc(bytes);

	target_up(bytes / 512);
	tries = 0;
	target.hook = fail_block_200;
	expect_is(run_op(DRY_OP_READ, data, bytes, 0, 0), -EIO);
	expect_is(tries, 1); /* a medium error is not asked for again */
	expect(target.count < 128);
	disk_client_bytes(target.disk, &read, &written);
	expect_is(read, 0);
	expect_has(error_text(), "0:0:0");
	expect(!disk_is_active(target.disk));
	/* The rest is as it was. */
	expect_is(run_op(DRY_OP_READ, data, 512, 0, 0), 0);
	target_end_all();
	free(data);
}

static bool fail_differently(struct port_request *request, const struct target_command *command)
{
	if (command->block == 0)
		target_sense(request, 7, 0x27, 7);
	else
		target_sense(request, 3, 0x11, 0);
	return true;
}

static void the_first_error_is_the_requests(void)
{
	char *data = malloc(MIB);

	target_up(4096);
	target.hook = fail_differently;
	expect_is(run_op(DRY_OP_WRITE, data, MIB, 0, 0), -ENOSPC);
	target_end_all();
	free(data);
}

static unsigned attentions;

static bool attention(struct port_request *request, const struct target_command *command)
{
	tries++;
	if (!attentions)
		return false;
	attentions--;
	target_sense(request, 6, 0x29, 0); /* reset occurred */
	return true;
}

static void unit_attention_is_tried_again_and_given_up_in_the_end(void)
{
	char data[512];

	target_up(64);
	target.hook = attention;
	for (unsigned n = 1; n < 9; n++) {
		tries = 0;
		attentions = n;
		expect_is(run_op(DRY_OP_READ, data, 512, 0, 0), 0);
		expect_is(tries, n + 1);
	}
	tries = 0;
	attentions = 1000;
	expect_is(run_op(DRY_OP_READ, data, 512, 0, 0), -EIO);
	expect_is(tries, 9);
	target_end_all();
}

static bool busy_twice(struct port_request *request, const struct target_command *command)
{
	if (++tries > 2)
		return false;
	target_end(request, SRB_STATUS_BUSY);
	return true;
}

/* SB-8: the port's affair; it takes two pauses of Q-8. */
static void a_busy_disk_is_waited_for(void)
{
	char data[512];
	uint64_t start;

	target_up(64);
	target.hook = busy_twice;
	tries = 0;
	start = cpu_clock();
	expect_is(run_op(DRY_OP_READ, data, 512, 0, 0), 0);
	expect_is(tries, 3);
	expect(cpu_clock() - start >= 500000000);
	target_end_all();
}

static bool give_half(struct port_request *request, const struct target_command *command)
{
	SrbSetDataTransferLength(request->srb, request->length / 2);
	target_end(request, tries ? SRB_STATUS_SUCCESS : SRB_STATUS_DATA_OVERRUN);
	return true;
}

/* SB-10: half a block is no block. */
static void a_short_transfer_is_an_error(void)
{
	char data[1024];

	target_up(64);
	target.hook = give_half;
	for (tries = 0; tries < 2; tries++)
		expect_is(run_op(DRY_OP_READ, data, 1024, 0, 0), -EIO);
	target_end_all();
}

static uint8_t sense_key;

static bool fail_with_key(struct port_request *request, const struct target_command *command)
{
	if (sense_key ==
		0xff) { /* an error, and bytes that are no sense data, though the key would do */
		memset(request->sense, 1, 18);
		SrbSetSenseInfoBufferLength(request->srb, 18);
		target_end(request, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
	} else {
		target_sense(request, sense_key, 0, 0);
	}
	return true;
}

static void an_error_without_a_reason_is_no_success(void)
{
	char data[512];

	target_up(64);
	target.hook = fail_with_key;
	sense_key = 0xff;
	expect_is(run_op(DRY_OP_WRITE, data, 512, 0, 0), -EIO);
	sense_key = 0; /* NO SENSE */
	expect_is(run_op(DRY_OP_WRITE, data, 512, 0, 0), -EIO);
	sense_key = 1; /* RECOVERED ERROR: all is well */
	expect_is(run_op(DRY_OP_WRITE, data, 512, 0, 0), 0);
	target_end_all();
}

/* ---- what is refused ---- */

static void refused(enum dry_op op, uint64_t count, uint64_t offset, int err, const char *words)
{
	char data[4096];

	expect_is(run_op(op, data, count, offset, 0), err);
	expect_has(error_text(), words);
	expect_is(target.count, 0);
	expect(!disk_is_active(target.disk));
}

static void bad_requests_are_refused_before_anything_is_sent(void)
{
	const uint64_t size = 64 * 512;

	target_up(64);
	refused(DRY_OP_READ, 511, 0, -EINVAL, "multiples");
	refused(DRY_OP_READ, 512, 1, -EINVAL, "multiples");
	refused(DRY_OP_WRITE, 513, 512, -EINVAL, "multiples");
	refused(DRY_OP_READ, 512, size, -ENXIO, "past the end");
	refused(DRY_OP_READ, 1024, size - 512, -ENXIO, "past the end");
	refused(DRY_OP_WRITE, size + 512, 0, -ENXIO, "past the end");
	refused(DRY_OP_TRIM, 512, size, -ENXIO, "past the end");
	/* sums that wrap */
	refused(DRY_OP_READ, 512, ~0ull - 511, -ENXIO, "past the end");
	refused(DRY_OP_READ, ~0ull - 511, 512, -ENXIO, "past the end");
	refused((enum dry_op)99, 512, 0, -EINVAL, "operation");
	target.disk->info.can_trim = target.disk->info.can_zero = target.disk->info.can_flush =
		false;
	refused(DRY_OP_TRIM, 512, 0, -ENOTSUP, "UNMAP");
	refused(DRY_OP_ZERO, 512, 0, -ENOTSUP, "WRITE SAME");
	refused(DRY_OP_FLUSH, 0, 0, -ENOTSUP, "cache");
	target_end_all();
}

/* ---- asynchronous ---- */

static _Atomic unsigned dones;
static _Atomic int sum;

static void count_done(struct dry_io *io)
{
	expect(cpu_self != NULL);
	expect_is(cpu_irql(), IRQL_DISPATCH);
	atomic_fetch_add(&sum, io->result);
	atomic_fetch_add(&dones, 1);
}

static void nothing_to_do_is_done_without_a_command(void)
{
	static const enum dry_op ops[] = {DRY_OP_READ, DRY_OP_WRITE, DRY_OP_TRIM, DRY_OP_ZERO};
	struct dry_io io[4];

	target_up(64);
	dones = 0;
	sum = 0;
	for (unsigned n = 0; n < 4; n++) {
		io[n] = (struct dry_io){.op = ops[n], .offset = 64 * 512, .done = count_done};
		expect_is(disk_submit(target.disk, &io[n]), 0);
	}
	fake_wait(dones == 4);
	expect_is(sum, 0);
	expect_is(target.count, 0);
	expect(!disk_is_active(target.disk));
	target_end_all();
}

#define MANY  200
#define CHUNK 65536

/* More requests than buffers, ends on another processor, all of them at once. */
static void two_hundred_requests_over_64_buffers_all_finish(void)
{
	static struct dry_io io[MANY];
	char *data = malloc((size_t)MANY * CHUNK);

	target_up((uint64_t)MANY * CHUNK / 512);
	target_later();
	for (unsigned round = 0; round < 2; round++) {
		dones = 0;
		sum = 0;
		if (!round)
			fill(data, (uint64_t)MANY * CHUNK, 0);
		else
			memset(data, 0, (size_t)MANY * CHUNK);
		for (unsigned n = 0; n < MANY; n++) {
			io[n] = (struct dry_io){.op = round ? DRY_OP_READ : DRY_OP_WRITE,
				.buffer = data + (size_t)n * CHUNK,
				.count = CHUNK,
				.offset = (uint64_t)n * CHUNK,
				.done = count_done};
			expect_is(disk_submit(target.disk, &io[n]), 0);
		}
		fake_wait(dones == MANY);
		expect_is(sum, 0);
	}
	expect(is_filled(data, (uint64_t)MANY * CHUNK, 0));
	expect(is_filled(target.store, (uint64_t)MANY * CHUNK, 0));
	expect(!disk_is_active(target.disk));
	target_end_all();
	free(data);
}

static void submit_next(struct dry_io *io)
{
	unsigned n = atomic_fetch_add(&dones, 1);

	expect_is(io->result, 0);
	if (n < 3000)
		expect_is(disk_submit(target.disk, io), 0);
}

static void done_may_submit_again_and_again(void)
{
	char data[512];
	struct dry_io io = {.op = DRY_OP_READ, .buffer = data, .count = 512, .done = submit_next};

	target_up(64);
	dones = 0;
	expect_is(disk_submit(target.disk, &io), 0);
	fake_wait(dones == 3001);
	target_end_all();
}

/* ---- who waits for a transfer ---- */

#define ALL	 DISK_TRANSFERS
#define WAITS_AT 100
#define LATER_AT 200

static struct dry_io many[ALL + 2];
static char *many_data;

static void many_read(unsigned n, uint64_t block)
{
	many[n].op = DRY_OP_READ;
	many[n].buffer = many_data; /* used in place: no other buffers are wanted */
	many[n].count = 512;
	many[n].offset = block * 512;
	expect_is(disk_submit(target.disk, &many[n]), 0);
}

static void many_done(struct dry_io *io)
{
	dones++;
	if (io == &many[0])
		many_read(ALL + 1, LATER_AT);
}

/* All transfers are in use, one more request waits; the front answers an end with a further one. */
static void who_waits_for_a_transfer_goes_before_the_fronts_next(void)
{
	struct port_request *request;
	unsigned waits = 0, later = 0;
	uint8_t irql;

	target_up(2048);
	target.later = true; /* by hand */
	target.tail = &target.waiting;
	many_data = mem_alloc(MEM_PAGE_SIZE, 0, MEM_DATA, NULL);
	memset(many, 0, sizeof(many));
	dones = 0;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n <= ALL; n++) {
		many[n].done = many[ALL + 1].done = many_done;
		many_read(n, n < ALL ? n % 64 : WAITS_AT);
	}
	while ((request = target_take()) != NULL)
		target_do(request);
	cpu_irql_lower(irql);
	fake_wait(({
		irql = cpu_irql_raise(IRQL_DISPATCH);
		while ((request = target_take()) != NULL)
			target_do(request);
		cpu_irql_lower(irql);
		dones == ALL + 2;
	}));
	for (unsigned n = 0; n < target.count; n++) {
		waits = target.log[n].block == WAITS_AT ? n : waits;
		later = target.log[n].block == LATER_AT ? n : later;
	}
	expect(waits && later && waits < later);
	mem_free(many_data, MEM_PAGE_SIZE);
	target_end_all();
}

/* ---- host threads ---- */

static void *host_main(void *arg)
{
	char *data = malloc(300 << 10);
	unsigned id = (unsigned)(uintptr_t)arg;
	uint64_t offset = (uint64_t)id * (300 << 10);

	for (unsigned n = 0; n < 20; n++) {
		fill(data, 300 << 10, offset + n);
		expect_is(run_op(DRY_OP_WRITE, data, 300 << 10, offset, 0), 0);
		memset(data, 0, 300 << 10);
		expect_is(run_op(DRY_OP_READ, data, 300 << 10, offset, 0), 0);
		expect(is_filled(data, 300 << 10, offset + n));
	}
	expect_is(run_op(DRY_OP_READ, data, 512, 1ull << 40, 0), -ENXIO);
	expect_has(error_text(), "past the end");
	expect_is(run_op(DRY_OP_READ, data, 0, 0, 0), 0);
	free(data);
	return NULL;
}

static void host_threads_block_until_their_request_is_done(void)
{
	pthread_t threads[3];

	target_up(3 * 600);
	target_later();
	for (uintptr_t n = 0; n < 3; n++)
		expect_is(pthread_create(&threads[n], NULL, host_main, (void *)n), 0);
	for (unsigned n = 0; n < 3; n++) {
		/* The processor must not sleep in pthread_join. */
		while (pthread_tryjoin_np(threads[n], NULL))
			cpu_thread_park(1000000);
	}
	target_end_all();
}

/* ---- commands of our own ---- */

static void commands_of_our_own_move_what_there_is(void)
{
	uint8_t data[96];
	struct disk_command command = {.cdb = {SCSIOP_INQUIRY, 0, 0, 0, 36},
		.cdb_length = 6,
		.data = data,
		.bytes = sizeof(data),
		.in = true,
		.seconds = 5};

	target_up(64);
	memset(data, 0xee, sizeof(data));
	/* 36 of 96: an underrun is an answer here */
	expect_is(disk_execute(target.disk->unit, &command), 0);
	expect_is(command.moved, 36);
	expect(!memcmp(data, target.inquiry, 36));
	expect_is(data[36], 0xee);
	target_end_all();
}

static bool never(struct port_request *request, const struct target_command *command)
{
	return request->function == SRB_FUNCTION_EXECUTE_SCSI && command->opcode == SCSIOP_READ;
}

static bool never_inquire(struct port_request *request, const struct target_command *command)
{
	return request->function == SRB_FUNCTION_EXECUTE_SCSI && command->opcode == SCSIOP_INQUIRY;
}

/* The start must not wait for ever for a driver that completes nothing, not even after resets. */
static void a_vital_command_that_is_lost_gives_the_adapter_up(void)
{
	uint8_t data[36];
	struct disk_command command = {.cdb = {SCSIOP_INQUIRY, 0, 0, 0, 36},
		.cdb_length = 6,
		.data = data,
		.bytes = sizeof(data),
		.in = true,
		.vital = true,
		.seconds = 1};

	target_up(64);
	fake_hurry();
	target.hook = never_inquire;
	expect_is(disk_execute(target.disk->unit, &command), -ENXIO);
	expect_is(fake.stops, 1);
	expect_is(fake.bus_resets, 1);
	target_end_all();
}

/* Stop with I/O in flight that never comes back. */
static void settling_gives_an_adapter_up_that_keeps_a_request(void)
{
	static struct dry_io io[300];
	char *data = malloc(CHUNK);

	target_up(4096);
	fake_hurry();
	target.hook = never;
	dones = 0;
	sum = 0;
	for (unsigned n = 0; n < 300; n++) { /* most wait: for depth, for buffers */
		io[n] = (struct dry_io){
			.op = DRY_OP_READ, .buffer = data, .count = CHUNK, .done = count_done};
		expect_is(disk_submit(target.disk, &io[n]), 0);
	}
	/* RW_SECONDS is 30: the port's, a hundredth of ours */
	disk_settle(target.disk);
	expect_is(dones, 300);
	expect_is(sum, 300 * -ENXIO);
	expect(!disk_is_active(target.disk));
	expect_is(fake.stops, 1);
	/* and what comes after fails at once */
	expect_is(run_op(DRY_OP_READ, data, 512, 0, 0), -ENXIO);
	expect_is(disk_shutdown(target.disk, true), -EIO);
	target_end_all();
	free(data);
}

static void settling_waits_for_a_slow_disk(void)
{
	static struct dry_io io;
	char *data = malloc(4 * MIB);

	target_up(8192);
	target_later();
	dones = 0;
	io = (struct dry_io){
		.op = DRY_OP_READ, .buffer = data, .count = 4 * MIB, .done = count_done};
	expect_is(disk_submit(target.disk, &io), 0);
	disk_settle(target.disk);
	expect_is(dones, 1);
	expect_is(io.result, 0);
	expect_is(fake.stops, 0);
	target_end_all();
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test_both(a_request_is_split_at_the_ports_limit),
		fake_test(a_limit_that_is_no_multiple_of_the_block_is_rounded_down),
		fake_test(a_request_larger_than_everything_goes_through),
		fake_test(blocks_past_two_to_the_32_are_named_in_full),
		fake_test(trim_and_zero_are_split_at_limits_of_their_own),
		fake_test(fua_and_flush_reach_the_disk),
		fake_test(data_in_one_page_have_an_address),
		fake_test(memory_of_the_machine_is_used_in_place_as_alignment_allows),
		fake_test(with_one_element_buffers_are_whole_pages),
		fake_test(one_part_that_fails_fails_the_whole_and_ends_it),
		fake_test(the_first_error_is_the_requests),
		fake_test_both(unit_attention_is_tried_again_and_given_up_in_the_end),
		fake_test(a_busy_disk_is_waited_for),
		fake_test_both(a_short_transfer_is_an_error),
		fake_test(an_error_without_a_reason_is_no_success),
		fake_test(bad_requests_are_refused_before_anything_is_sent),
		fake_test(nothing_to_do_is_done_without_a_command),
		fake_test(two_hundred_requests_over_64_buffers_all_finish),
		fake_test_on_two(two_hundred_requests_over_64_buffers_all_finish),
		fake_test(done_may_submit_again_and_again),
		fake_test(who_waits_for_a_transfer_goes_before_the_fronts_next),
		fake_test_on_two(who_waits_for_a_transfer_goes_before_the_fronts_next),
		fake_test_on_two(host_threads_block_until_their_request_is_done),
		fake_test(commands_of_our_own_move_what_there_is),
		fake_test(a_vital_command_that_is_lost_gives_the_adapter_up),
		fake_test(settling_gives_an_adapter_up_that_keeps_a_request),
		fake_test(settling_waits_for_a_slow_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
