/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The generators: their words, what they ask for, and that they notice one flipped byte, stale data
 * and data in the wrong place. */
#include "live.h"

/* ---- the words ---- */

static int words(const char *text)
{
	struct dry_machine *machine = dry_machine_new();
	int result = dry_workload_run(machine, text);

	dry_machine_free(machine);
	return result;
}

/* A machine that does not run refuses what is well said with -ESHUTDOWN. */
static void good_words_are_understood(void **state)
{
	static const char *const good[] = {"rw", "rw:", "rw:ops=5", "rw:ops=5,verify", "rw:verify",
		"rw:sizes=4k", "rw:sizes=512-64K", "rw:sizes=1-64m", "rw:depth=256",
		"rw:span=1g,seed=18446744073709551615", "rw:ops=0x10", "rw:ops=1,,verify,"};

	for (size_t n = 0; n < array_size(good); n++)
		if (words(good[n]) != -ESHUTDOWN)
			fail_msg("%s: %s", good[n], dry_error());
}

static void bad_words_are_refused_and_named(void **state)
{
	static const struct {
		const char *text, *named;
	} bad[] = {{"", "\"\""}, {"read", "\"read\""}, {"rwx", "rwx"}, {"rw:opps=5", "opps=5"},
		{"rw:ops", "ops"}, {"rw:ops=", "ops="}, {"rw:ops=x", "ops=x"},
		{"rw:ops=5x", "ops=5x"}, {"rw:ops=-1", "ops=-1"}, {"rw:ops= 5", "ops= 5"},
		{"rw:ops=5,sizes=0", "sizes=0"}, {"rw:sizes=8k-4k", "sizes=8k-4k"},
		{"rw:sizes=4k-", "sizes=4k-"}, {"rw:sizes=4k-8k-", "sizes=4k-8k-"},
		{"rw:sizes=65m", "sizes=65m"}, {"rw:sizes=1-4294967808", "sizes=1-4294967808"},
		{"rw:depth=0", "depth=0"}, {"rw:depth=257", "depth=257"},
		{"rw:depth=4294967297", "depth=4294967297"},
		{"rw:ops=99999999999999999999", "ops=99999999999999999999"},
		{"rw:span=16777216t", "span=16777216t"}, {"rw:verify=1", "verify=1"},
		{"rw:ops=5;verify", "ops=5;verify"}};
	char longest[400] = "rw:ops=1";

	for (size_t n = 0; n < array_size(bad); n++) {
		assert_int_equal(words(bad[n].text), -EINVAL);
		if (!strstr(dry_error(), bad[n].named))
			fail_msg("%s: \"%s\"", bad[n].text, dry_error());
	}
	while (strlen(longest) < 390) /* what does not fit is not cut off */
		strcat(longest, ",ops=1");
	assert_int_equal(words(longest), -EINVAL);
}

/* ---- what they ask for ---- */

#define LOG 4096

static struct {
	_Atomic unsigned count;
	uint64_t block[LOG];
	uint32_t bytes[LOG];
	uint8_t opcode[LOG];
} asked;

static void note(void *ctx, const struct trace_event *event)
{
	struct port_request *request = live_request(event);
	unsigned n;

	if (!request)
		return;
	n = atomic_fetch_add(&asked.count, 1);
	if (n >= LOG)
		return;
	asked.opcode[n] = request->cdb[0];
	asked.block[n] = live_block(request);
	asked.bytes[n] = request->length;
}

static void run_noted(const char *workload)
{
	live_start(NULL);
	memset(&asked, 0, sizeof(asked));
	assert_int_equal(trace_subscribe(1ull << TRACE_SRB_SUBMIT, note, NULL), 0);
	if (dry_workload_run(live, workload))
		fail_msg("%s", dry_error());
	trace_unsubscribe(note, NULL);
	live_end();
}

static void sizes_span_and_ops_are_kept_to(void **state)
{
	unsigned writes = 0;
	uint32_t least = ~0u, most = 0;

	run_noted("rw:ops=500,sizes=1k-16k,span=128k,depth=4,verify");
	assert_int_equal(asked.count, 500); /* none is larger than a transfer */
	for (unsigned n = 0; n < asked.count; n++) {
		assert_true(asked.block[n] * 512 + asked.bytes[n] <= 128 << 10);
		least = min_of(least, asked.bytes[n]);
		most = max_of(most, asked.bytes[n]);
		writes += asked.opcode[n] == SCSIOP_WRITE;
	}
	assert_int_equal(least, 1024); /* 31 sizes, 500 draws */
	assert_int_equal(most, 16384);
	assert_in_range(writes, 150, 350);
}

/* Between the two marks stand the workload's requests and no others. */
static struct {
	bool is_on;
	uint64_t ops, error;
	_Atomic unsigned submits, dones, marks;
} marked;

static void note_marks(void *ctx, const struct trace_event *event)
{
	if (event->type == TRACE_SRB_SUBMIT)
		marked.submits += marked.is_on;
	else if (event->type == TRACE_SRB_DONE)
		marked.dones += marked.is_on;
	else
		marked.marks++;
	if (event->type == TRACE_WORKLOAD_BEGIN)
		marked.is_on = true, marked.ops = event->arg[0];
	if (event->type == TRACE_WORKLOAD_END)
		marked.is_on = false, marked.error = event->arg[0];
}

static void a_workload_is_between_two_marks(void **state)
{
	live_start(NULL);
	trace_subscribe(1ull << TRACE_SRB_SUBMIT | 1ull << TRACE_SRB_DONE |
				1ull << TRACE_WORKLOAD_BEGIN | 1ull << TRACE_WORKLOAD_END,
		note_marks, NULL);
	assert_int_equal(dry_write(dry_unit_get(live, 0), "", 0, 0, 0), 0);
	assert_int_equal(dry_flush(dry_unit_get(live, 0)), 0);
	assert_int_equal(dry_workload_run(live, "rw:ops=777,verify"), 0);
	assert_int_equal(dry_flush(dry_unit_get(live, 0)), 0);
	assert_int_equal(marked.marks, 2);
	assert_int_equal(marked.ops, 777);
	assert_int_equal(marked.submits, 777);
	assert_int_equal(marked.dones, 777);
	assert_int_equal(marked.error, 0);
	trace_unsubscribe(note_marks, NULL);
	live_end();
}

static void the_same_seed_asks_for_the_same(void **state)
{
	static uint64_t blocks[LOG];

	run_noted("rw:ops=200,depth=1,seed=7");
	memcpy(blocks, asked.block, sizeof(blocks));
	run_noted("rw:ops=200,depth=1,seed=7");
	assert_memory_equal(blocks, asked.block, sizeof(blocks));
	run_noted("rw:ops=200,depth=1,seed=8");
	assert_memory_not_equal(blocks, asked.block, sizeof(blocks));
}

static void a_disk_too_small_for_the_depth_is_told(void **state)
{
	live_start(NULL);
	assert_int_equal(dry_workload_run(live, "rw:depth=8,span=2k"), -EINVAL);
	assert_non_null(strstr(dry_error(), "too few"));
	live_end();
}

/* ---- a machine in order ---- */

static void a_good_machine_passes(void **state)
{
	static const char *const machines[][7] = {
		{NULL},
		{"cpus", "2", "memory", "high", NULL},
		{"block-size", "4096", "hw", "simple:intx", NULL},
		{"hw", "simple:ring=4,max-elements=3", "cpus", "2", NULL},
	};
	struct dry_summary summary;

	for (size_t n = 0; n < array_size(machines); n++) {
		live_start(machines[n]);
		if (dry_workload_run(live, "rw:ops=2000,sizes=512-96k,verify,depth=16"))
			fail_msg("%s", dry_error());
		dry_machine_summary(live, &summary);
		assert_true(summary.client_read && summary.client_written);
		live_end();
	}
}

/* ---- faults ---- */

static struct {
	unsigned skip; /* events of the kind that are left alone before */
	uint32_t at;   /* byte of the transfer */
	uint64_t byte; /* of the unit, where the fault lies */
	bool done;
} fault;

static void flip(void *ctx, const struct trace_event *event)
{
	struct port_request *request = live_request(event);

	if (!request || request->cdb[0] != SCSIOP_READ || fault.done || fault.skip--)
		return;
	fault.byte = (uint64_t)live_block(request) * 512 + fault.at % request->length;
	((char *)request->data)[fault.at % request->length] ^= 0x10;
	fault.done = true;
}

static void one_flipped_byte_is_found_and_named(void **state)
{
	char words[64];

	for (unsigned n = 0; n < 3; n++) {
		live_start(NULL);
		memset(&fault, 0, sizeof(fault));
		fault.skip = 100; /* by then the whole span has been written */
		fault.at = n * 777;
		trace_subscribe(1ull << TRACE_SRB_DONE, flip, NULL);
		assert_int_equal(
			dry_workload_run(live, "rw:ops=2000,sizes=4k,span=32k,depth=1,verify"),
			-EILSEQ);
		trace_unsubscribe(flip, NULL);
		assert_true(fault.done);
		snprintf(words, sizeof(words), "byte %llu of unit 0:0:0",
			(unsigned long long)fault.byte);
		if (!strstr(dry_error(), words))
			fail_msg("\"%s\" does not say \"%s\"", dry_error(), words);
		live_end();
	}
}

/* What is not looked at is not found: the word verify is what finds. */
static void without_verify_nothing_is_compared(void **state)
{
	live_start(NULL);
	memset(&fault, 0, sizeof(fault));
	fault.skip = 100;
	trace_subscribe(1ull << TRACE_SRB_DONE, flip, NULL);
	assert_int_equal(dry_workload_run(live, "rw:ops=500,sizes=4k,span=32k,depth=1"), 0);
	trace_unsubscribe(flip, NULL);
	assert_true(fault.done);
	live_end();
}

/* A write that goes to another place than it should. */
static void displace(void *ctx, const struct trace_event *event)
{
	struct port_request *request = live_request(event);

	if (!request || request->cdb[0] != SCSIOP_WRITE || fault.done || fault.skip--)
		return;
	live_block_set(request, live_block(request) + fault.at);
	fault.done = true;
}

static void displaced(uint32_t blocks)
{
	live_start(NULL);
	memset(&fault, 0, sizeof(fault));
	fault.skip = 100;
	fault.at = blocks;
	trace_subscribe(1ull << TRACE_SRB_SUBMIT, displace, NULL);
	assert_int_equal(
		dry_workload_run(live, "rw:ops=2000,sizes=4k,span=32k,depth=1,verify"), -EILSEQ);
	trace_unsubscribe(displace, NULL);
	assert_true(fault.done);
	live_end();
}

static void misplaced_data_are_found(void **state)
{
	displaced(1);
	displaced(8);
}

/* Far outside of the span: nothing is wrong but that the old data are still there. */
static void stale_data_are_found(void **state)
{
	displaced(1000);
}

static void fail_reads(void *ctx, const struct trace_event *event)
{
	struct port_request *request = live_request(event);

	if (request && request->cdb[0] == SCSIOP_READ && !fault.skip--)
		live_block_set(request, 0x7fffffff);
}

static void an_error_of_the_disk_ends_the_run_with_it(void **state)
{
	live_start(NULL);
	memset(&fault, 0, sizeof(fault));
	fault.skip = 10;
	trace_subscribe(1ull << TRACE_SRB_SUBMIT, fail_reads, NULL);
	assert_int_equal(dry_workload_run(live, "rw:ops=1000,depth=1"), -ENXIO);
	trace_unsubscribe(fail_reads, NULL);
	assert_non_null(strstr(dry_error(), "0:0:0"));
	/* The machine is as it was. */
	assert_int_equal(dry_workload_run(live, "rw:ops=100,verify"), 0);
	live_end();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_words_are_understood),
		cmocka_unit_test(bad_words_are_refused_and_named),
		cmocka_unit_test(sizes_span_and_ops_are_kept_to),
		cmocka_unit_test(a_workload_is_between_two_marks),
		cmocka_unit_test(the_same_seed_asks_for_the_same),
		cmocka_unit_test(a_disk_too_small_for_the_depth_is_told),
		cmocka_unit_test(a_good_machine_passes),
		cmocka_unit_test(one_flipped_byte_is_found_and_named),
		cmocka_unit_test(without_verify_nothing_is_compared),
		cmocka_unit_test(misplaced_data_are_found),
		cmocka_unit_test(stale_data_are_found),
		cmocka_unit_test(an_error_of_the_disk_ends_the_run_with_it),
	};
	int err = live_main(argc, argv);

	return err ? err : cmocka_run_group_tests(tests, NULL, NULL);
}
