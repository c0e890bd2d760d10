/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The short way of a batch (src/hw/nvme/nvme_quick.c) against the long one, which whoever wants to
 * hear of each access makes the device go: the same commands leave the same behind.
 */
#include "nvme_driver.h"
#include "hw/medium.h"
#include "util/random.h"

#define BATCHES	  80
#define COMMANDS  60 /* of a batch, at most: more than are fetched at once */
#define ROOM	  8192
#define BAD_BLOCK 4000

/* What a run leaves behind. */
static struct outcome {
	struct completion done[BATCHES * COMMANDS];
	unsigned count, interrupts, violations, flushes;
	uint64_t bytes_read[16], bytes_written[16];
	uint8_t health[512];
	char errors[4096];
	char data[COMMANDS * ROOM], disk[8 << 20];
} outcomes[2];

static unsigned heard, flushes;

/* In place of the host's: how often what was written is made to last. */
int fdatasync(int fd)
{
	flushes++;
	return 0;
}

static void hear(void *ctx, const struct trace_event *event)
{
	heard++;
}

static const struct medium medium = {
	.fault = {{BAD_BLOCK, false}, {BAD_BLOCK + 16, true}}, .count = 2};

static void open_it(struct driver *d, const char *options, bool read_only, unsigned sq_size)
{
	const struct hw_config config = {.options = options,
		.disk = scratch_file(8 << 20),
		.block_size = 512,
		.medium = &medium,
		.read_only = read_only};

	driver_open_config(d, &config);
	unlink(config.disk);
	driver_connect_messages(d, 2);
	driver_enable(d);
	driver_queue(d, 1, sq_size, 125 - sq_size, 1);
}

/* Mostly one that goes the short way. */
static struct command draw(struct driver *d, uint64_t *seed, char *data, unsigned slot)
{
	static const uint32_t blocks[] = {0, 1, 7, 7, 7};
	uint64_t block = random_below(seed, 8) ? random_below(seed, 8000) : 8180 + slot % 16;
	struct command c = {.opcode = random_below(seed, 2) ? READ : WRITE,
		.nsid = 1 + (uint32_t)random_below(seed, 2),
		.prp1 = mem_physical(data + slot * ROOM),
		.prp2 = mem_physical(data + slot * ROOM + 4096),
		.dw10 = (uint32_t)block,
		.dw12 = blocks[random_below(seed, 5)]};

	switch (random_below(seed, 30)) {
	case 0:
		c.opcode = (uint8_t)random_below(seed, 10);
		break;
	case 1:
		c.flags = (uint8_t)(1u << random_below(seed, 8));
		break;
	case 2:
		c.nsid = (uint32_t)random_below(seed, 5);
		break;
	case 3:
		c.prp1 += random_below(seed, 4096);
		break;
	case 4:
		c.dw12 = (uint32_t)random_below(seed, 20) | 1u << 30;
		break;
	case 5:
		c.dw12 = (uint32_t)random_below(seed, 17);
		break;
	case 6:
		c.nsid = 1;
		c.dw10 = BAD_BLOCK + (c.opcode == WRITE ? 16 : 0) - (uint32_t)random_below(seed, 4);
		break;
	case 7: /* where nothing is */
		c.prp1 = 0xfffff000;
		break;
	case 8:
		c.dw11 = 1u << random_below(seed, 32);
		break;
	case 9: /* of another kind of memory */
		c.prp1 = mem_physical(d->list);
		break;
	case 10: /* an identifier that others may have, or the low byte of it */
		c.cid = (uint16_t)(1 + random_below(seed, 2) + 256 * random_below(seed, 2));
		break;
	}
	return c;
}

static void batch_run(struct driver *d, struct outcome *out, uint64_t *seed, char *data)
{
	unsigned count = 1 + (unsigned)random_below(seed, COMMANDS);

	d->next_cid = 0;
	for (unsigned i = 0; i < count; i++)
		driver_put(d, 1, draw(d, seed, data, i));
	driver_ring(d, 1);
	for (unsigned i = 0; i < count; i++) {
		struct completion *c = &out->done[out->count++];

		driver_await(d, 1, c);
		/* how far the queue is read while one is carried out is the device's affair */
		c->sq_head = 0;
	}
}

static void outcome_note(struct driver *d, struct outcome *out, const char *data)
{
	const struct dma_master *master = hw_find("nvme")->master(d->device);

	memcpy(out->bytes_read, master->bytes_read, sizeof(out->bytes_read));
	memcpy(out->bytes_written, master->bytes_written, sizeof(out->bytes_written));
	out->interrupts = d->interrupts_seen[1];
	out->violations = violation.count;
	violation.count = 0;
	out->flushes = flushes;
	memcpy(out->data, data, sizeof(out->data));
	assert_int_equal(driver_admin(d, GET_LOG, 0xffffffff, 127 << 16 | 2, 0), OK);
	memcpy(out->health, d->page, sizeof(out->health));
	assert_int_equal(driver_admin(d, GET_LOG, 0xffffffff, 1023 << 16 | 1, 0), OK);
	memcpy(out->errors, d->page, sizeof(out->errors));
}

/* What is on the disk in the end, but for the blocks that cannot be read. */
static void disk_note(struct driver *d, struct outcome *out)
{
	for (unsigned block = 0; block < 16384; block += 8) {
		struct command c = {.opcode = READ,
			.nsid = 1 + block / 8192,
			.prp1 = mem_physical(d->page),
			.dw10 = block % 8192,
			.dw12 = 7};

		if (block == BAD_BLOCK)
			continue;
		assert_int_equal(driver_do(d, 1, c), OK);
		memcpy(out->disk + block * 512, d->page, 4096);
	}
}

static void run(
	struct outcome *out, bool is_heard, const char *options, bool read_only, unsigned sq_size)
{
	char *data = mem_alloc(COMMANDS * ROOM, 0, MEM_DATA, NULL);
	uint64_t seed = 23;
	struct driver d;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < COMMANDS * ROOM; i++)
		data[i] = (char)(i * 7 + i / 251);
	open_it(&d, options, read_only, sq_size);
	heard = flushes = 0;
	if (is_heard)
		trace_subscribe(1ull << TRACE_DMA_TRANSFER, hear, NULL);
	for (unsigned i = 0; i < BATCHES; i++)
		batch_run(&d, out, &seed, data);
	outcome_note(&d, out, data);
	disk_note(&d, out);
	if (is_heard)
		trace_unsubscribe(hear, NULL);
	assert_true(is_heard == !!heard);
	driver_disconnect(&d, 2);
	driver_close(&d);
	mem_free(data, COMMANDS * ROOM);
}

/* Of the two queues the one or the other begins anew first. */
static void compare(const char *options, bool read_only, unsigned sq_size)
{
	unsigned good = 0, conflicts = 0;

	run(&outcomes[0], true, options, read_only, sq_size);
	run(&outcomes[1], false, options, read_only, sq_size);
	assert_int_equal(outcomes[0].count, outcomes[1].count);
	for (unsigned i = 0; i < outcomes[0].count; i++) {
		const struct completion *c = &outcomes[0].done[i];

		assert_memory_equal(c, &outcomes[1].done[i], sizeof(*c));
		good += !status_of(c);
		conflicts += status_of(c) == CID_CONFLICT;
	}
	/* of the others there are enough, too */
	assert_true(good > outcomes[0].count / 3);
	assert_true(good < outcomes[0].count - 50);
	assert_true(conflicts > 3);
	assert_true(outcomes[0].violations > 0);
	assert_true(read_only || outcomes[0].flushes > 0);
	assert_memory_equal(&outcomes[0], &outcomes[1], sizeof(outcomes[0]));
}

static void both_ways(void)
{
	compare("namespaces=2", false, 64);
}

static void without_cache(void)
{
	compare("namespaces=2,write-cache=0", false, 61);
}

static void read_only(void)
{
	compare("namespaces=2", true, 64);
}

/* The second of two with one identifier, of which the first has been carried out the short way. */
static void conflict(void)
{
	static const uint16_t cids[] = {77, 77 + 256, 77, 78};
	struct completion c;
	struct driver d;

	open_it(&d, "", false, 64);
	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < 4; i++)
			driver_put(&d, 1,
				(struct command){.opcode = READ,
					.nsid = 1,
					.prp1 = mem_physical(d.page),
					.cid = cids[i]});
		driver_ring(&d, 1);
		for (unsigned i = 0; i < 4; i++) {
			assert_true(driver_take(&d, 1, &c));
			assert_int_equal(c.cid, cids[i]);
			assert_int_equal(status_of(&c), i == 2 ? CID_CONFLICT : OK);
		}
	}
	driver_disconnect(&d, 2);
	driver_close(&d);
}

/* A completion does not say of more entries than have been read that they are free. */
static void heads(void)
{
	struct completion c;
	struct driver d;

	open_it(&d, "", false, 64);
	for (unsigned i = 0; i < 200; i++) {
		driver_put(&d, 1,
			(struct command){.opcode = READ, .nsid = 1, .prp1 = mem_physical(d.page)});
		if (i % 20 != 19)
			continue;
		driver_ring(&d, 1);
		for (unsigned n = i - 19; n <= i; n++) {
			assert_true(driver_take(&d, 1, &c));
			assert_int_equal(status_of(&c), OK);
			assert_true((c.sq_head - (n + 1)) % 64 < 20);
		}
		assert_int_equal(c.sq_head, (i + 1) % 64);
	}
	driver_disconnect(&d, 2);
	driver_close(&d);
}

#define ON_PROCESSOR(name, body)                                                                   \
	static void name(void **state)                                                             \
	{                                                                                          \
		on_processor(body);                                                                \
	}

ON_PROCESSOR(both_ways_leave_the_same, both_ways)
ON_PROCESSOR(both_ways_leave_the_same_without_a_cache, without_cache)
ON_PROCESSOR(both_ways_leave_the_same_on_a_read_only_disk, read_only)
ON_PROCESSOR(an_identifier_in_use_is_found_in_what_went_the_short_way, conflict)
ON_PROCESSOR(completions_tell_the_queues_head, heads)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(both_ways_leave_the_same),
		machine_test(both_ways_leave_the_same_without_a_cache),
		machine_test(both_ways_leave_the_same_on_a_read_only_disk),
		machine_test(an_identifier_in_use_is_found_in_what_went_the_short_way),
		machine_test(completions_tell_the_queues_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
