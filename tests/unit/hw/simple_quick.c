/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The short way of a batch (src/hw/simple/simple_quick.c) against the long one, which whoever wants
 * to hear of each access makes the device go: the same commands leave the same behind.
 */
#include "driver.h"
#include "hw/medium.h"
#include "util/random.h"

#include <sys/syscall.h>
#include <sys/uio.h>

#define BATCHES	  60
#define COMMANDS  40 /* of a batch, at most: more than are fetched at once */
#define ROOM	  8192
#define BAD_BLOCK 4000

/* What a run leaves behind. */
static struct outcome {
	struct completion done[BATCHES * COMMANDS];
	unsigned count, interrupts[8], violations, flushes;
	uint64_t bytes_read[16], bytes_written[16], log[8];
	char data[COMMANDS * ROOM], disk[4 << 20];
} outcomes[2];

static unsigned heard, flushes;
/* How many there are of a run, and commands of each, at most: of one alone there is another way. */
static unsigned batches = BATCHES, commands = COMMANDS;

/* In place of the host's: how often what was written is made to last. */
int fdatasync(int fd)
{
	flushes++;
	return 0;
}

static void (*meanwhile)(struct driver *d);
static struct driver *whose;

static unsigned reads;

/* While the device waits for its disk. */
ssize_t preadv(int fd, const struct iovec *iov, int count, off_t offset)
{
	void (*once)(struct driver * d) = meanwhile;

	reads++;
	meanwhile = NULL;
	if (once)
		once(whose);
	return syscall(SYS_preadv, fd, iov, count, offset, 0);
}

static void hear(void *ctx, const struct trace_event *event)
{
	heard++;
}

static const struct medium medium = {
	.fault = {{BAD_BLOCK, false}, {BAD_BLOCK + 16, true}}, .count = 2};

enum disk { BAD_FILE, READ_ONLY_FILE, MEMORY };

static void open_it(struct driver *d, const char *options, enum disk disk)
{
	const struct hw_config config = {.options = options,
		.disk = disk == MEMORY ? NULL : scratch_file(4 << 20),
		.size = 4 << 20,
		.block_size = 512,
		.medium = disk == MEMORY ? NULL : &medium,
		.read_only = disk == READ_ONLY_FILE};

	driver_open_config(d, &config);
	if (config.disk)
		unlink(config.disk);
	driver_start(d);
}

/* A list where the command is DIRECT otherwise. */
static void draw_list(struct driver *d, uint64_t *seed, struct command *c, unsigned slot)
{
	struct element *e = &d->list[slot * 4];

	e[0] = (struct element){c->list, (uint32_t)c->length, 0};
	e[1] = (struct element){c->list + 4096, 512, 0};
	c->flags = 0;
	c->elements = (uint16_t)random_below(seed, 3);
	c->list = mem_physical(e) + (random_below(seed, 4) ? 0 : random_below(seed, 16));
}

/* Mostly one that goes the short way. */
static struct command draw(struct driver *d, uint64_t *seed, char *data, unsigned slot)
{
	static const uint64_t lengths[] = {512, 1024, 4096, 4096, 4096, 0, 100, 8192, 4608,
		1ull << 32, -512ull, 4096 | 1ull << 32};
	uint64_t block = random_below(seed, 8) ? random_below(seed, 8000) : 8180 + slot % 16;
	struct command c = direct_of(random_below(seed, 2) ? READ : WRITE, block,
		mem_physical(data + slot * ROOM), lengths[random_below(seed, 5)]);

	c.message = (uint16_t)random_below(seed, 6);
	switch (random_below(seed, 30)) {
	case 0:
		c.opcode = (uint8_t)random_below(seed, 9);
		break;
	case 1:
		c.elements = (uint16_t)random_below(seed, 3);
		break;
	case 2:
		c.length = lengths[5 + random_below(seed, 7)];
		break;
	case 3:
		c.list += random_below(seed, 4096);
		break;
	case 4:
		draw_list(d, seed, &c, slot);
		break;
	case 5:
		c.flags = (uint8_t)(random_below(seed, 8) | (random_below(seed, 2) ? DIRECT : 0));
		break;
	case 6:
		c.block = BAD_BLOCK + (c.opcode == WRITE ? 16 : 0) - random_below(seed, 4);
		break;
	case 7: /* where nothing is */
		c.list = 0xfffff000;
		break;
	case 8: /* of another kind of memory */
		c.list = mem_physical((char *)d->list + LIST_BYTES - 4096);
		break;
	case 9:
		c.block = ~0ull - random_below(seed, 3);
		break;
	}
	return c;
}

static void batch_run(struct driver *d, struct outcome *out, uint64_t *seed, char *data)
{
	unsigned count = 1 + (unsigned)random_below(seed, commands);

	for (unsigned i = 0; i < count; i++) {
		driver_put(d, draw(d, seed, data, i));
		/* what stood in a completion's place before is not left there */
		memset(d->ring + d->entries * sizeof(struct command) +
				(d->done + i) % d->entries * sizeof(struct completion),
			0xa5, offsetof(struct completion, length));
	}
	driver_ring(d);
	for (unsigned i = 0; i < count; i++) {
		struct completion *c = &out->done[out->count++];

		assert_true(driver_take(d, c));
		assert_int_equal(c->reserved, 0);
		/* the rest is nobody's then */
		if (!c->status)
			memset(c->sense, 0, sizeof(c->sense));
	}
}

static void outcome_note(struct driver *d, struct outcome *out, const char *data)
{
	struct dma_master *master = hw_find("simple")->master(d->device);

	dma_master_settle(master);
	memcpy(out->bytes_read, master->bytes_read, sizeof(out->bytes_read));
	memcpy(out->bytes_written, master->bytes_written, sizeof(out->bytes_written));
	memcpy(out->interrupts, d->interrupts_seen, sizeof(out->interrupts));
	out->violations = violation.count;
	violation.count = 0;
	out->flushes = flushes;
	memcpy(out->data, data, sizeof(out->data));
	driver_log(d, out->log);
}

static void run(struct outcome *out, bool is_heard, const char *options, enum disk disk)
{
	char *data = mem_alloc(COMMANDS * ROOM, 0, MEM_DATA, NULL);
	uint64_t seed = 17;
	struct driver d;

	memset(out, 0, sizeof(*out));
	pattern_fill(data, COMMANDS * ROOM, 3);
	open_it(&d, options, disk);
	if (strstr(options, "messages"))
		driver_connect_messages(&d, 2);
	if (is_heard)
		trace_subscribe(1ull << TRACE_DMA_TRANSFER, hear, NULL);
	heard = flushes = 0;
	for (unsigned i = 0; i < batches; i++)
		batch_run(&d, out, &seed, data);
	outcome_note(&d, out, data);
	/* what is left on the disk, around the blocks that cannot be read */
	for (unsigned block = 0; block < 8192 && disk != READ_ONLY_FILE; block += 8)
		if (block != BAD_BLOCK || disk == MEMORY) {
			assert_int_equal(driver_read(&d, block, data, 4096), OK);
			memcpy(out->disk + block * 512, data, 4096);
		}
	if (is_heard) {
		assert_true(heard > 0);
		trace_unsubscribe(hear, NULL);
	} else {
		assert_int_equal(heard, 0);
	}
	if (strstr(options, "messages"))
		driver_disconnect(&d, 2);
	driver_close(&d);
	mem_free(data, COMMANDS * ROOM);
}

static void compare(const char *options, enum disk disk)
{
	unsigned good = 0;

	run(&outcomes[0], true, options, disk);
	run(&outcomes[1], false, options, disk);
	assert_int_equal(outcomes[0].count, outcomes[1].count);
	for (unsigned i = 0; i < outcomes[0].count; i++) {
		assert_memory_equal(
			&outcomes[0].done[i], &outcomes[1].done[i], sizeof(outcomes[0].done[i]));
		good += !outcomes[0].done[i].status;
	}
	/* of the others there are enough, too */
	assert_true(good >
		    outcomes[0].count / 2 - (disk == READ_ONLY_FILE ? outcomes[0].count / 4 : 0));
	assert_true(good < outcomes[0].count - 20);
	assert_memory_equal(&outcomes[0], &outcomes[1], sizeof(outcomes[0]));
	assert_true(outcomes[0].violations > 0);
	assert_true(disk != BAD_FILE || outcomes[0].flushes > 0);
}

static void compare_both(const char *options, enum disk disk)
{
	compare(options, disk);
	batches = 8 * BATCHES;
	commands = 1;
	compare(options, disk);
	batches = BATCHES;
	commands = COMMANDS;
}

static void both_ways_are_the_same(void)
{
	compare_both("", BAD_FILE);
}

/* Their completions' ring is no whole number of pages behind that of the commands. */
static void small_rings_too(void)
{
	compare_both("ring=64", BAD_FILE);
}

static void messages_too(void)
{
	compare_both("messages=2", BAD_FILE);
}

static void read_only_too(void)
{
	compare_both("", READ_ONLY_FILE);
}

/* Which takes no time: others are looked at once a batch. */
static void memory_too(void)
{
	compare_both("", MEMORY);
}

/* Which has nothing to call. */
static void nothing_too(void)
{
	compare_both("null", MEMORY);
	compare_both("null,messages=2", MEMORY);
}

/* By what the option says the device reaches less than there is. */
static void no_short_way_without_mastering(void)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	uint16_t command = 2;
	struct driver d;

	open_it(&d, "", BAD_FILE);
	bus_config_write(d.function, 4, &command, sizeof(command));
	driver_put(&d, direct_of(READ, 0, mem_physical(data), 4096));
	driver_ring(&d);
	assert_int_equal(reg_get(&d, STATUS), 3 << 8);
	assert_violation("bus mastering is off");
	driver_close(&d);
	mem_free(data, 4096);
}

/* One interrupt for a batch, also where one part of it goes the one way and one the other. */
static void one_interrupt(void)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	uint64_t before[8], after[8];
	struct driver d;
	struct completion c;

	open_it(&d, "", BAD_FILE);
	driver_log(&d, before);
	for (unsigned i = 0; i < 9; i++)
		driver_put(&d, i == 6 ? (struct command){.opcode = FLUSH}
				      : direct_of(READ, i, mem_physical(data), 4096));
	driver_ring(&d);
	while (driver_take(&d, &c))
		assert_int_equal(c.status, OK);
	driver_log(&d, after);
	assert_int_equal(after[0] - before[0], 10);
	assert_int_equal(after[1] - before[1], 8 * 4096);
	assert_int_equal(after[7] - before[7], 2); /* that, and that of the log before */
	driver_close(&d);
	mem_free(data, 4096);
}

/* ---- who comes in between ---- */

static void master_off(struct driver *d)
{
	uint16_t command = 2;

	bus_config_write(d->function, 4, &command, sizeof(command));
}

static void disable(struct driver *d)
{
	reg_set(d, CONTROL, 0);
}

/* The first of `count` commands reads as this comes: nothing is posted afterwards. Its status then.
 */
static uint32_t read_and(unsigned count, void (*what)(struct driver *d))
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct completion c;
	uint64_t end = cpu_clock() + 5000000000;
	struct driver d;
	uint32_t status;

	open_it(&d, "", BAD_FILE);
	whose = &d;
	meanwhile = what;
	for (unsigned i = 0; i < count; i++)
		driver_put(&d, direct_of(READ, i * 8, mem_physical(data), 4096));
	driver_ring(&d);
	while ((status = reg_get(&d, STATUS)) == 1 && cpu_clock() < end)
		cpu_relax();
	assert_null(meanwhile);
	assert_false(driver_take(&d, &c));
	violation.count = 0;
	driver_close(&d);
	mem_free(data, 4096);
	return status;
}

static void is_seen_before_a_completion(void)
{
	for (unsigned count = 1; count < 4; count++) {
		assert_int_equal(read_and(count, master_off), 3 << 8);
		assert_int_equal(read_and(count, disable), 0);
	}
}

static void change_hands(struct driver *d)
{
	mem_free(mem_alloc(4096, 0, MEM_POOL, NULL), 4096);
}

/* Memory that is not the rings' changes hands meanwhile: nothing is carried out once more. */
static void is_read_once(void)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct completion c;
	struct driver d;

	open_it(&d, "", BAD_FILE);
	whose = &d;
	for (unsigned count = 1; count < 4; count++) {
		meanwhile = change_hands;
		reads = 0;
		for (unsigned i = 0; i < count; i++)
			driver_put(&d, direct_of(READ, i * 8, mem_physical(data), 4096));
		driver_ring(&d);
		for (unsigned i = 0; i < count; i++) {
			while (!driver_take(&d, &c))
				cpu_relax();
			assert_int_equal(c.status, OK);
		}
		assert_int_equal(reads, count);
	}
	driver_close(&d);
	mem_free(data, 4096);
}

/* So many reads, each when the one before is done; between them memory changes hands, or not. */
static void read_alone(struct driver *d, char *data, unsigned count, bool changes)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t block = i * 8 % 8000;

		memset(data, 0xee, 4096);
		assert_int_equal(
			driver_do(d, direct_of(READ, block, mem_physical(data), 4096)), OK);
		assert_int_equal(d->last.length, 4096);
		assert_true(is_zero(data, 4096));
		if (changes)
			mem_free(mem_alloc(4096, 0, MEM_POOL, NULL), 4096);
	}
}

/* The rings of a controller that has begun anew are the new ones, those that it had are not touched
 * any more, whatever stands there; and what lies in memory that has been given away is no ring. */
static void rings_are_found_anew(void)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL), *old;
	char *other = mem_alloc(RING_BYTES, MEM_LINEAR, MEM_COMMON, NULL);
	char *copy = malloc(RING_BYTES);
	struct driver d;

	open_it(&d, "", MEMORY);
	read_alone(&d, data, 3 * d.entries + 1, false);
	read_alone(&d, data, d.entries, true);
	read_alone(&d, data, d.entries, false);
	driver_stop(&d);
	old = d.ring;
	memcpy(copy, old, RING_BYTES);
	d.ring = other;
	driver_start(&d);
	read_alone(&d, data, d.entries + 1, false);
	assert_memory_equal(old, copy, RING_BYTES);
	mem_free(other, RING_BYTES);
	reg_set(&d, DOORBELL, d.submitted + 1);
	while (reg_get(&d, STATUS) == 1)
		cpu_relax();
	assert_int_equal(reg_get(&d, STATUS), 1 << 8);
	violation.count = 0;
	d.ring = old;
	driver_close(&d);
	free(copy);
	mem_free(data, 4096);
}

/* So many commands had been carried out before this one, whose list is of the same memory as all
 * data. */
static uint64_t commands_logged(struct driver *d, uint64_t *page)
{
	struct element *list = (struct element *)(page + 8);
	struct command c = {.opcode = LOG, .elements = 1, .list = mem_physical(list)};

	*list = (struct element){mem_physical(page), 64, 0};
	assert_int_equal(driver_do(d, c), OK);
	return page[0];
}

/* Whoever asks is told of all commands, and what was moved counts as moved where the rings and the
 * data were then. */
static void counts_are_whole(void)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL), *old;
	char *other = mem_alloc(RING_BYTES, MEM_LINEAR, MEM_COMMON, NULL);
	uint64_t *page = mem_alloc(4096, 0, MEM_DATA, NULL), before;
	struct dma_master *master;
	struct driver d;

	open_it(&d, "", MEMORY);
	master = hw_find("simple")->master(d.device);
	read_alone(&d, data, 2, false);
	before = commands_logged(&d, page);
	read_alone(&d, data, 5, false);
	assert_int_equal(commands_logged(&d, page) - before, 5 + 1);
	read_alone(&d, data, 3, false);
	driver_stop(&d);
	old = d.ring;
	d.ring = other;
	driver_start(&d);
	read_alone(&d, data, 4, false);
	dma_master_settle(master);
	assert_int_equal(
		master->bytes_read[MEM_EXTENSION], (2 + 1 + 5 + 1 + 3) * sizeof(struct command));
	assert_int_equal(master->bytes_written[MEM_EXTENSION],
		(2 + 1 + 5 + 1 + 3) * sizeof(struct completion));
	assert_int_equal(master->bytes_read[MEM_COMMON], 4 * sizeof(struct command));
	assert_int_equal(master->bytes_written[MEM_COMMON], 4 * sizeof(struct completion));
	assert_int_equal(master->bytes_written[MEM_DATA], (2 + 5 + 3 + 4) * 4096 + 2 * 64);
	d.ring = old;
	driver_close(&d);
	mem_free(other, RING_BYTES);
	mem_free(page, 4096);
	mem_free(data, 4096);
}

/* What cannot be sent at once stays pending, for one command and for several. */
static void masked_waits(const char *options, unsigned message)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	uint64_t before[8], after[8];
	struct completion c;
	struct driver d;

	open_it(&d, options, MEMORY);
	driver_connect_messages(&d, 2);
	driver_log(&d, before);
	memset(d.interrupts_seen, 0, sizeof(d.interrupts_seen));
	for (unsigned count = 1; count < 4; count++) {
		assert_true(bus_message_mask(d.function, message, true));
		for (unsigned i = 0; i < count; i++) {
			struct command read = direct_of(READ, 0, mem_physical(data), 4096);

			read.message = (uint16_t)message;
			driver_put(&d, read);
		}
		driver_ring(&d);
		for (unsigned i = 0; i < count; i++) {
			while (!driver_take(&d, &c))
				cpu_relax();
			assert_int_equal(c.status, OK);
		}
		assert_int_equal(d.interrupts_seen[message], count - 1);
		assert_true(bus_message_mask(d.function, message, false));
		cpu_poll();
		assert_int_equal(d.interrupts_seen[message], count);
	}
	assert_int_equal(d.interrupts_seen[!message], 0);
	driver_log(&d, after);
	assert_int_equal(after[0] - before[0], 1 + 2 + 3 + 1);
	assert_int_equal(after[7] - before[7], 3 + 1);
	driver_disconnect(&d, 2);
	driver_close(&d);
	mem_free(data, 4096);
}

static void masked_message_waits(void)
{
	for (unsigned message = 0; message < 2; message++) {
		masked_waits("messages=2", message);
		masked_waits("null,messages=2", message);
	}
}

#define ON_PROCESSOR(name, body)                                                                   \
	static void name(void **state)                                                             \
	{                                                                                          \
		on_processor(body);                                                                \
	}

ON_PROCESSOR(both_ways_leave_the_same, both_ways_are_the_same)
ON_PROCESSOR(both_ways_leave_the_same_in_small_rings, small_rings_too)
ON_PROCESSOR(both_ways_leave_the_same_with_few_messages, messages_too)
ON_PROCESSOR(both_ways_leave_the_same_on_a_read_only_disk, read_only_too)
ON_PROCESSOR(both_ways_leave_the_same_on_a_disk_in_memory, memory_too)
ON_PROCESSOR(both_ways_leave_the_same_where_nothing_is_kept, nothing_too)
ON_PROCESSOR(without_bus_mastering_there_is_no_short_way, no_short_way_without_mastering)
ON_PROCESSOR(a_batch_is_told_by_one_interrupt, one_interrupt)
ON_PROCESSOR(who_comes_in_between_is_seen_before_a_completion, is_seen_before_a_completion)
ON_PROCESSOR(a_command_is_carried_out_once, is_read_once)
ON_PROCESSOR(the_rings_are_found_anew, rings_are_found_anew)
ON_PROCESSOR(what_is_counted_is_whole, counts_are_whole)
ON_PROCESSOR(a_masked_message_waits, masked_message_waits)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(both_ways_leave_the_same),
		machine_test(both_ways_leave_the_same_in_small_rings),
		machine_test(both_ways_leave_the_same_with_few_messages),
		machine_test(both_ways_leave_the_same_on_a_read_only_disk),
		machine_test(both_ways_leave_the_same_on_a_disk_in_memory),
		machine_test(both_ways_leave_the_same_where_nothing_is_kept),
		machine_test(without_bus_mastering_there_is_no_short_way),
		machine_test(a_batch_is_told_by_one_interrupt),
		machine_test(who_comes_in_between_is_seen_before_a_completion),
		machine_test(a_command_is_carried_out_once),
		machine_test(the_rings_are_found_anew),
		machine_test(what_is_counted_is_whole),
		machine_test(a_masked_message_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
