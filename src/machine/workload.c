/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Work made inside the machine: generators that are kernel threads, spread over the processors.
 * Each owns a stripe of the unit, so that no two requests of different generators overlap, and
 * knows for each block how often it wrote it. A block's contents follow from its number and that
 * count, so wrong data, stale data and misplaced data all show. Buffers start anywhere in their
 * page that the adapter's alignment allows. See machine.h.
 *
 * Where the device may fail (hw/faults.h) a request may, too: a write that failed leaves each of
 * its blocks as it was or as it should be, and the work goes on. At the end all is read once more.
 */
#include "machine/machine.h"
#include "trace/trace.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 256
#define SLACK	  4096 /* room for a start that is not page aligned */

struct workload {
	uint64_t ops, span, seed;
	uint32_t low, high, depth;
	bool verify;
	bool may_fail; /* requests may: the device is made to */
};

/* Which of its writes a block may hold the data of; low 0: its contents are unknown. */
struct may_hold {
	uint32_t low, high;
};

struct generator {
	struct disk *disk;
	const struct workload *workload;
	uint64_t random, ops;
	uint64_t first_block, blocks;
	uint32_t *written;    /* times each block of the stripe was written; 0: contents unknown */
	struct may_hold *may; /* of each block of the stripe, where requests may fail; else NULL */
	char *buffer;
	uint64_t buffer_bytes, step; /* between the places where a request may begin */
	struct cpu_thread *thread;
	int result;
	char error[512];
};

/* ---- the words of a workload ---- */

static int bad_word(const char *word)
{
	return error_set(EINVAL,
		"--workload: \"%s\" is not understood; it is "
		"rw:ops=N,sizes=LOW-HIGH,depth=D,span=BYTES,seed=S,verify.",
		word);
}

static bool parse_bytes(const char *text, char **end, uint64_t *value)
{
	static const char suffixes[] = "kmgt";
	const char *suffix;
	unsigned shift = 0;

	if (*text < '0' || *text > '9') /* strtoull takes signs and spaces */
		return false;
	errno = 0;
	*value = strtoull(text, end, 0);
	suffix = **end ? strchr(suffixes, **end | 0x20) : NULL;
	if (suffix && *suffix) {
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		(*end)++;
	}
	if (errno || *value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return true;
}

static bool parse_word(struct workload *workload, char *word)
{
	char *value = strchr(word, '=');
	char *end;
	uint64_t number, second;

	if (!strcmp(word, "verify"))
		return workload->verify = true;
	if (!value)
		return false;
	*value++ = 0;
	if (!parse_bytes(value, &end, &number))
		return false;
	if (!strcmp(word, "sizes")) {
		second = number;
		if (*end == '-' && !parse_bytes(end + 1, &end, &second))
			return false;
		workload->low = (uint32_t)number;
		workload->high = (uint32_t)second;
		return !*end && number && number <= second && second <= 64u << 20;
	}
	if (*end)
		return false;
	if (!strcmp(word, "ops"))
		workload->ops = number;
	else if (!strcmp(word, "depth"))
		workload->depth = (uint32_t)min_of(number, DEPTH_MAX + 1ull);
	else if (!strcmp(word, "span"))
		workload->span = number;
	else if (!strcmp(word, "seed"))
		workload->seed = number;
	else
		return false;
	return workload->depth && workload->depth <= DEPTH_MAX;
}

static int parse(struct workload *workload, const char *text)
{
	char copy[256];
	char *rest = copy, *word;

	if ((strncmp(text, "rw:", 3) && strcmp(text, "rw")) || strlen(text) >= sizeof(copy))
		return bad_word(text);
	snprintf(copy, sizeof(copy), "%s", text[2] ? text + 3 : "");
	while ((word = strsep(&rest, ",")) != NULL) {
		char shown[64];

		snprintf(shown, sizeof(shown), "%s", word);
		if (*word && !parse_word(workload, word))
			return bad_word(shown);
	}
	return 0;
}

/* ---- one generator ---- */

static uint64_t draw(struct generator *g)
{
	/* splitmix64 */
	uint64_t z = g->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint64_t content(uint64_t block, uint32_t count, unsigned word)
{
	return (block << 20 ^ count) * 0x9e3779b97f4a7c15ull + word * 0xd1342543de82ef95ull;
}

static void fill(struct generator *g, char *at, uint64_t block, uint32_t blocks)
{
	uint32_t words = g->disk->info.block_size / 8;

	for (uint32_t n = 0; n < blocks; n++) {
		uint32_t count = ++g->written[block + n - g->first_block];

		for (uint32_t w = 0; w < words; w++, at += 8) {
			uint64_t value = content(block + n, count, w);

			memcpy(at, &value, 8);
		}
	}
}

static int wrong(struct generator *g, uint64_t block, uint32_t word, const char *got)
{
	uint32_t count = g->written[block - g->first_block];
	uint64_t expected = content(block, count, word);
	unsigned byte = 0;

	while (((const char *)&expected)[byte] == got[byte])
		byte++;
	return error_set(EILSEQ,
		"wrong data: byte %llu of unit %s (block %llu, its write %u) is %02x, must be %02x "
		"(generator's seed %llu).",
		(unsigned long long)((block << g->disk->block_shift) + word * 8 + byte),
		g->disk->info.name, (unsigned long long)block, count, (uint8_t)got[byte],
		((const uint8_t *)&expected)[byte], (unsigned long long)g->workload->seed);
}

static int check(struct generator *g, const char *at, uint64_t block, uint32_t blocks)
{
	uint32_t words = g->disk->info.block_size / 8;

	for (uint32_t n = 0; n < blocks; n++) {
		uint32_t count = g->written[block + n - g->first_block];

		for (uint32_t w = 0; w < words; w++, at += 8) {
			uint64_t value = content(block + n, count, w);

			if (count && memcmp(at, &value, 8))
				return wrong(g, block + n, w, at);
		}
	}
	return 0;
}

static bool is_content(struct generator *g, const char *at, uint64_t block, uint32_t count)
{
	uint32_t words = g->disk->info.block_size / 8;

	for (uint32_t w = 0; w < words; w++) {
		uint64_t value = content(block, count, w);

		if (memcmp(at + 8 * w, &value, 8))
			return false;
	}
	return true;
}

/* What is read once is known from then on. */
static int check_either(struct generator *g, const char *at, uint64_t block, uint32_t blocks)
{
	uint32_t size = g->disk->info.block_size;

	for (uint32_t n = 0; n < blocks; n++, at += size) {
		struct may_hold *may = &g->may[block + n - g->first_block];
		uint32_t count = may->low;

		if (!count)
			continue;
		while (count <= may->high && !is_content(g, at, block + n, count))
			count++;
		if (count > may->high)
			return error_set(EILSEQ,
				"wrong data: block %llu of unit %s holds none of its writes %u to "
				"%u of %u.",
				(unsigned long long)(block + n), g->disk->info.name, may->low,
				may->high, g->written[block + n - g->first_block]);
		may->low = may->high = count;
	}
	return 0;
}

/* After a write. */
static void may_hold_set(struct generator *g, uint64_t block, uint32_t blocks, bool failed)
{
	for (uint32_t n = 0; n < blocks; n++) {
		struct may_hold *may = &g->may[block + n - g->first_block];

		may->high = g->written[block + n - g->first_block];
		may->low = failed ? may->low : may->high;
	}
}

/* One whose device misdirected data while it was under way proves nothing, and what it wrote is
 * unknown. */
static int run_may_fail(struct generator *g, struct dry_io *io, uint64_t block, uint32_t blocks)
{
	unsigned before = fault_harms();
	int err = disk_run(g->disk, io);
	bool is_harmed = fault_harms() != before;

	if (io->op == DRY_OP_WRITE) {
		may_hold_set(g, block, blocks, err);
		for (uint32_t n = 0; is_harmed && n < blocks; n++)
			g->may[block + n - g->first_block].low = 0;
		return 0;
	}
	if (err || is_harmed || !g->workload->verify)
		return 0;
	return check_either(g, io->buffer, block, blocks);
}

static int read_all(struct generator *g)
{
	uint32_t shift = g->disk->block_shift, step = max_of(g->workload->high >> shift, 1u);
	int err = 0;

	for (uint64_t at = 0; at < g->blocks && !err; at += step) {
		uint32_t blocks = (uint32_t)min_of((uint64_t)step, g->blocks - at);
		struct dry_io io = {
			.op = DRY_OP_READ,
			.buffer = g->buffer,
			.count = (uint64_t)blocks << shift,
			.offset = (g->first_block + at) << shift,
		};

		err = run_may_fail(g, &io, g->first_block + at, blocks);
	}
	return err;
}

static int operation(struct generator *g)
{
	const struct workload *w = g->workload;
	uint32_t shift = g->disk->block_shift;
	uint32_t low = max_of(w->low >> shift, 1u), high = max_of(w->high >> shift, low);
	uint64_t wanted = low + draw(g) % (high - low + 1);
	uint32_t blocks = (uint32_t)min_of(wanted, g->blocks);
	uint64_t block = g->first_block + draw(g) % (g->blocks - blocks + 1);
	uint64_t step = g->step;
	char *at = g->buffer + draw(g) % (SLACK / step) * step;
	struct dry_io io = {
		.op = draw(g) & 1 ? DRY_OP_WRITE : DRY_OP_READ,
		.buffer = at,
		.count = (uint64_t)blocks << shift,
		.offset = block << shift,
	};
	int err;

	if (io.op == DRY_OP_WRITE)
		fill(g, at, block, blocks);
	else
		memset(at, 0xa5, io.count);
	if (g->may)
		return run_may_fail(g, &io, block, blocks);
	err = disk_run(g->disk, &io);
	if (err || io.op == DRY_OP_WRITE || !w->verify)
		return err;
	return check(g, at, block, blocks);
}

static void generate(void *ctx)
{
	struct generator *g = ctx;

	for (uint64_t n = 0; n < g->ops && !g->result; n++) {
		g->result = operation(g);
		crash_operation(machine_live);
	}
	if (g->may && !g->result)
		g->result = read_all(g);
	error_take(g->error, sizeof(g->error));
	crash_generator(machine_live);
}

/* ---- all of them ---- */

static int generator_init(struct generator *g, unsigned n, uint64_t stripe)
{
	const struct workload *w = g->workload;

	g->random = w->seed * 0x100000001b3ull + n;
	g->ops = w->ops / w->depth + (n < w->ops % w->depth);
	g->first_block = n * stripe;
	g->blocks = stripe;
	g->step = g->disk->alignment_mask + 1ull;
	g->written = calloc(stripe, sizeof(*g->written));
	g->buffer_bytes = round_up(
		(uint64_t)max_of(w->high, g->disk->info.block_size) + SLACK, MEM_PAGE_SIZE);
	g->buffer = mem_alloc(g->buffer_bytes, 0, MEM_DATA, NULL);
	if (w->may_fail)
		g->may = calloc(stripe, sizeof(*g->may));
	if (!g->written || !g->buffer || !g->may != !w->may_fail)
		return error_set(ENOMEM,
			"--workload: no memory for generator %u; use less depth or more --ram.", n);
	g->thread = cpu_thread_new(generate, g, n % cpu_count(), "generator");
	return g->thread ? 0 : error_set(ENOMEM, "--workload: no memory for generator %u.", n);
}

static int generator_fini(struct generator *g)
{
	int result = 0;

	if (g->thread) {
		cpu_thread_join(g->thread);
		cpu_thread_free(g->thread);
		/* -EINVAL is said of the specification's words alone. */
		result = g->result == -EINVAL ? -EIO : g->result;
		if (result)
			error_set(-result, "%s", g->error);
	}
	free(g->written);
	free(g->may);
	if (g->buffer)
		mem_free(g->buffer, g->buffer_bytes);
	return result;
}

/* The generators stopped with their processors, and stay. One that had failed before says why. */
static int run_crashed(
	struct dry_machine *machine, struct generator *generators, const struct workload *workload)
{
	int result;

	machine->crash.kept = generators;
	result = crash_await(machine);
	for (unsigned n = 0; n < workload->depth; n++)
		if (generators[n].result && generators[n].error[0])
			return error_set(-generators[n].result, "%s", generators[n].error);
	return result;
}

static int run(struct dry_machine *machine, struct disk *disk, const struct workload *workload)
{
	struct generator *generators;
	uint64_t blocks = disk->size >> disk->block_shift, stripe;
	int result = 0;

	if (workload->span && workload->span >> disk->block_shift < blocks)
		blocks = workload->span >> disk->block_shift;
	stripe = blocks / workload->depth;
	if (!stripe)
		return error_set(EINVAL, "--workload: %llu blocks are too few for depth %u.",
			(unsigned long long)blocks, workload->depth);
	generators = calloc(workload->depth, sizeof(*generators));
	if (!generators)
		return error_set(ENOMEM, "out of memory.");
	crash_expect(machine, workload->ops, workload->depth);
	for (unsigned n = 0; n < workload->depth && !result; n++) {
		generators[n].disk = disk;
		generators[n].workload = workload;
		result = generator_init(&generators[n], n, stripe);
	}
	if (!result && machine->options.dump)
		return run_crashed(machine, generators, workload);
	for (unsigned n = 0; n < workload->depth; n++) {
		int err = generator_fini(&generators[n]);

		result = result ? result : err;
	}
	free(generators);
	return result;
}

int workload_check(const char *text)
{
	struct workload workload = {.depth = 1};

	return parse(&workload, text);
}

int dry_workload_run(struct dry_machine *machine, const char *text)
{
	struct workload workload = {
		.ops = 10000,
		.low = 512,
		.high = 128u << 10,
		.depth = 8,
		.seed = machine->options.replay ? machine->options.seed : 1,
		.may_fail = machine->expects_faults,
	};
	int result = parse(&workload, text);

	if (!result)
		result = machine_enter(machine);
	if (result)
		return result;
	if (!dry_unit_count(machine)) {
		machine_leave(machine);
		return error_set(ENODEV, "the machine has no unit for a workload.");
	}
	trace(TRACE_WORKLOAD_BEGIN, workload.ops, workload.depth, workload.seed);
	result = run(machine, machine->units[0].disk, &workload);
	trace(TRACE_WORKLOAD_END, -result);
	machine_leave(machine);
	return result;
}
