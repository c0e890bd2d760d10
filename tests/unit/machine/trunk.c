/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Runs that branch off another that begins as they do are the runs that they would have been from
 * their beginning, and in processes of their own: the same events at the same times, steps,
 * summary, output and end.
 */
#include "live.h"
#include "machine/runs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS_MAX 200
#define STEPS	 60
#define WORKLOAD "rw:ops=24,depth=4,span=64k,sizes=512-16k,verify"

struct ending {
	bool is_there;
	uint64_t digest;
	char failure[256];
	struct dry_summary summary;
	uint8_t steps[STEPS];
	char output[2000];
};

/* A device that has gone comes to no step 49: a trunk that is sent there ends, and with it what it
 * has forked. */
static const struct fault firsts[] = {{FAULT_IRQ_LOST, 5}, {FAULT_DONE_TWICE, 3},
	{FAULT_DMA_LATE, 2}, {FAULT_IRQ_SPURIOUS, 4}, {FAULT_REG_ONES, 6}, {FAULT_GONE, 9},
	{FAULT_DMA_ASTRAY, 12}};
static const enum fault_kind seconds[] = {
	FAULT_IRQ_SPURIOUS, FAULT_DONE_LOST, FAULT_DMA_REFUSED, FAULT_GONE};
static const unsigned distances[] = {0, 1, 7, 40};

static struct run plans[RUNS_MAX];
static struct ending whole[RUNS_MAX], branched[RUNS_MAX];

static struct list {
	struct runs runs;
	struct ending *endings;
	unsigned count, next, kill_at; /* the trunks, after as many runs; 0: never */
	unsigned ended;
} list;

static bool judge_fails(const struct dry_summary *summary)
{
	return summary->device_faults != 2;
}

static void plans_make(void)
{
	unsigned count = 1;

	plans[0] = (struct run){.seed = 7, .expects_faults = true, .is_followed = true};
	for (unsigned f = 0; f < array_size(firsts); f++) {
		struct run first = plans[0];

		first.faults.count = 1;
		first.faults.fault[0] = firsts[f];
		plans[count++] = first;
		first.is_followed = false;
		for (unsigned d = 0; d < array_size(distances); d++)
			for (unsigned s = 0; s < array_size(seconds); s++) {
				plans[count] = first;
				plans[count].faults.count = 2;
				plans[count++].faults.fault[1] =
					(struct fault){seconds[s], firsts[f].step + distances[d]};
			}
	}
	list.count = count;
	assert_true(count <= RUNS_MAX);
}

static bool plan_next(struct runs *runs, struct run *run)
{
	if (list.next == list.count)
		return false;
	*run = plans[list.next++];
	return true;
}

/* All children of this process: with one run at once that has ended they are trunks. */
static void trunks_kill(void)
{
	char path[64];
	FILE *file;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	assert_non_null(file);
	while (fscanf(file, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	fclose(file);
}

static void plan_ended(struct runs *runs, struct run_end *end)
{
	struct ending *ending;
	unsigned n = 0;

	while (memcmp(&plans[n].faults, &end->run->faults, sizeof(plans[n].faults)))
		n++;
	ending = &list.endings[n];
	assert_false(ending->is_there);
	ending->is_there = true;
	ending->digest = end->digest;
	snprintf(ending->failure, sizeof(ending->failure), "%s", end->failure ? end->failure : "");
	ending->summary = *end->summary;
	memcpy(ending->steps, end->steps, sizeof(ending->steps));
	assert_true(pread(end->output, ending->output, sizeof(ending->output) - 1, 0) >= 0);
	if (++list.ended == list.kill_at)
		trunks_kill();
}

static void all_run(struct ending *endings, bool is_whole, unsigned jobs, unsigned kill_at)
{
	struct dry_machine *machine = dry_machine_new();

	assert_int_equal(dry_machine_set(machine, "hw", "simple"), 0);
	assert_int_equal(dry_machine_set(machine, "size", "1M"), 0);
	plans_make();
	memset(endings, 0, RUNS_MAX * sizeof(*endings));
	list.endings = endings;
	list.next = list.ended = 0;
	list.kill_at = kill_at;
	list.runs = (struct runs){.machine = machine,
		.workload = WORKLOAD,
		.jobs = jobs,
		.step_count = STEPS,
		.is_whole = is_whole,
		.wants_digest = true,
		.judge = judge_fails,
		.next = plan_next,
		.ended = plan_ended};
	assert_int_equal(runs_go(&list.runs, live_miniport, 7), 0);
	assert_int_equal(list.ended, list.count);
	dry_machine_free(machine);
}

static void same(void)
{
	for (unsigned n = 0; n < list.count; n++) {
		char text[64];

		fault_plan_print(&plans[n].faults, text, sizeof(text));
		if (whole[n].digest != branched[n].digest)
			fail_msg("%s: other events", text);
		if (strcmp(whole[n].output, branched[n].output))
			fail_msg("%s: printed %s\nin place of %s", text, branched[n].output,
				whole[n].output);
		assert_string_equal(whole[n].failure, branched[n].failure);
		assert_memory_equal(whole[n].steps, branched[n].steps, STEPS);
		assert_memory_equal(
			&whole[n].summary, &branched[n].summary, sizeof(whole[n].summary));
	}
}

static void plans_differ(void **state)
{
	unsigned others = 0, failures = 0;

	all_run(whole, true, 1, 0);
	assert_int_equal(list.runs.branched, 0);
	for (unsigned n = 1; n < list.count; n++) {
		others += whole[n].digest != whole[0].digest;
		failures += whole[n].failure[0] != 0;
		assert_int_not_equal(whole[n].digest, 0);
	}
	/* A fault of no moment comes about, too: an event tells of it. */
	assert_true(others > list.count * 9 / 10);
	assert_true(failures > 10 && failures < list.count - 10);
}

static void one_at_once(void **state)
{
	all_run(branched, false, 1, 0);
	assert_true(list.runs.branched > list.count * 9 / 10);
	same();
}

static void several_at_once(void **state)
{
	all_run(branched, false, 3, 0);
	assert_true(list.runs.branched > list.count * 9 / 10);
	same();
}

static void trunks_that_die(void **state)
{
	all_run(branched, false, 1, 40);
	assert_true(list.runs.branched > 30 && list.runs.branched < list.count * 9 / 10);
	same();
}

/* The command that repeats a run: --seed and --fault. */
static uint64_t repeated(const char *plan)
{
	uint64_t digest = 0;

	live = dry_machine_new();
	if (dry_machine_set(live, "hw", "simple") || dry_machine_set(live, "size", "1M") ||
		dry_machine_set(live, "seed", "7") || dry_machine_set(live, "fault", plan))
		return 0;
	trace_subscribe(RUN_DIGEST_EVENTS, run_digest, &digest);
	if (dry_machine_start(live, live_miniport))
		return 0;
	dry_workload_run(live, WORKLOAD);
	dry_machine_stop(live);
	return digest;
}

static void processes_of_their_own(void **state)
{
	uint64_t *digest =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(digest != MAP_FAILED);
	for (unsigned n = 1; n < list.count; n += 7) {
		char plan[64];
		pid_t pid;

		fault_plan_print(&plans[n].faults, plan, sizeof(plan));
		*digest = 0;
		fflush(NULL);
		pid = fork();
		if (!pid) {
			*digest = repeated(plan);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (*digest != branched[n].digest)
			fail_msg("%s: other events", plan);
	}
	munmap(digest, 4096);
}

static void children_that_the_host_reaps(void **state)
{
	signal(SIGCHLD, SIG_IGN);
	all_run(branched, false, 2, 0);
	signal(SIGCHLD, SIG_DFL);
	same();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_differ),
		cmocka_unit_test(one_at_once),
		cmocka_unit_test(several_at_once),
		cmocka_unit_test(processes_of_their_own),
		cmocka_unit_test(trunks_that_die),
		cmocka_unit_test(children_that_the_host_reaps),
	};

	return live_main(argc, argv) ? 2 : cmocka_run_group_tests(tests, NULL, NULL);
}
