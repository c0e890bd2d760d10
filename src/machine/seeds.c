/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Many replayed runs of one workload. The machine is prepared once, up to the driver's start; each
 * run is a child of fork(), so memory, the driver's writable data, the disk and everything else are
 * as prepared, and a crash ends one run only. See machine.h.
 */
#include "machine/machine.h"
#include "trace/trace.h"
#include "util/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX      16u
#define RUN_SECONDS   120 /* of real time without a request's end: then a run is taken for stuck */
#define RESTORES_KEPT 4096u
#define POLL_MS	      200	   /* between looks at the runs, when none ends */
#define OUTPUT_KEPT   (16ll << 20) /* of what a run prints: the last of it */

/* Shared with the child that runs in it. */
struct report {
	uint64_t forked_ns, began_ns, ended_ns, safepoints;
	_Atomic uint64_t requests; /* ended so far */
	bool is_complete;
	int result; /* of the start, the workload or the stop */
	char failure[1024];
	struct dry_summary summary;
};

struct job {
	uint64_t seed;
	uint64_t requests, deadline; /* when as many had ended for too long */
	pid_t pid;		     /* 0: none runs */
	int pidfd, output;
	bool is_late; /* and was killed for it */
	struct report *report;
};

struct batch {
	struct dry_machine *machine;
	const char *workload;
	struct dry_seeds *seeds;
	struct report *reports;
	struct job jobs[JOBS_MAX];
	unsigned job_count, running;
	uint64_t next;
	uint64_t restores[RESTORES_KEPT], restore_count, run_sum;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* ---- in the child ---- */

static void request_ended(void *ctx, const struct trace_event *event)
{
	struct report *report = ctx;

	atomic_fetch_add_explicit(&report->requests, 1, memory_order_relaxed);
}

static int child_run(struct batch *batch, struct report *report)
{
	struct dry_machine *machine = batch->machine;
	int err = machine_go(machine), stopped;

	if (err)
		return err;
	err = dry_workload_run(machine, batch->workload);
	if (err)
		error_take(report->failure, sizeof(report->failure));
	report->safepoints = cpu_replay_safepoints();
	stopped = dry_machine_stop(machine);
	dry_machine_summary(machine, &report->summary);
	return err ? err : stopped;
}

static void child_main(struct batch *batch, struct job *job, pid_t parent)
{
	struct report *report = job->report;

	report->began_ns = now_ns();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* which has died before that */
		_exit(1);
	trace_subscribe(1ull << TRACE_SRB_DONE, request_ended, report);
	dup2(job->output, STDOUT_FILENO);
	dup2(job->output, STDERR_FILENO);
	batch->machine->options.seed = job->seed;
	report->result = child_run(batch, report);
	if (report->result && !report->failure[0])
		error_take(report->failure, sizeof(report->failure));
	fflush(NULL);
	report->is_complete = true;
	report->ended_ns = now_ns();
	_exit(0);
}

/* ---- in the parent ---- */

static void deadline_set(struct job *job)
{
	job->requests = atomic_load_explicit(&job->report->requests, memory_order_relaxed);
	job->deadline = now_ns() + RUN_SECONDS * 1000000000ull;
}

static int job_start(struct batch *batch, struct job *job)
{
	pid_t parent = getpid(), pid;

	memset(job->report, 0, sizeof(*job->report));
	if (lseek(job->output, 0, SEEK_CUR) && ftruncate(job->output, 0))
		return error_set(errno, "a run's output: %s", strerror(errno));
	lseek(job->output, 0, SEEK_SET);
	job->seed = batch->next++;
	job->is_late = false;
	deadline_set(job);
	job->report->forked_ns = now_ns();
	pid = fork();
	if (!pid)
		child_main(batch, job, parent);
	if (pid < 0)
		return error_set(errno, "fork: %s", strerror(errno));
	job->pid = pid;
	/* without one (-1) its end is seen a little later */
	job->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	batch->running++;
	return 0;
}

/* What is wrong with the run in the report, into failure; false if nothing is. */
static bool has_failed(
	const struct batch *batch, const struct job *job, int status, char *failure, size_t bytes)
{
	const struct report *report = job->report;
	const struct dry_summary *summary = &report->summary;

	failure[0] = 0;
	if (!report->is_complete && job->is_late)
		snprintf(failure, bytes, "no end: %d s of real time without the end of a request",
			RUN_SECONDS);
	else if (!report->is_complete && WIFSIGNALED(status))
		snprintf(failure, bytes, "ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else if (!report->is_complete)
		snprintf(
			failure, bytes, "ended with status %d before its end", WEXITSTATUS(status));
	else if (report->result)
		snprintf(failure, bytes, "%s", report->failure);
	else if (summary->violations)
		snprintf(failure, bytes, "%s", summary->first_violation);
	else if (batch->seeds->judge && !batch->seeds->judge(summary))
		snprintf(failure, bytes, "the summary does not add up");
	return failure[0];
}

static void restore_note(struct batch *batch, const struct report *report)
{
	uint64_t reaped = now_ns();

	if (!report->is_complete)
		return;
	/* what a run costs besides itself: its beginning, and the end of the one before */
	batch->restores[batch->restore_count++ % RESTORES_KEPT] =
		report->began_ns - report->forked_ns + (reaped - report->ended_ns);
	batch->run_sum += report->ended_ns - report->began_ns;
	batch->seeds->safepoints += report->safepoints;
}

static void job_end(struct batch *batch, struct job *job, int status)
{
	struct dry_seeds *seeds = batch->seeds;
	char failure[sizeof(seeds->failure)];

	restore_note(batch, job->report);
	if (job->pidfd >= 0)
		close(job->pidfd);
	job->pid = 0;
	batch->running--;
	seeds->ran++;
	if (!has_failed(batch, job, status, failure, sizeof(failure))) {
		if (!seeds->has_failed)
			seeds->summary = job->report->summary;
		return;
	}
	/* runs that began before the first failure was seen end too: the lowest seed counts */
	if (seeds->has_failed && seeds->failed_seed < job->seed)
		return;
	seeds->has_failed = true;
	seeds->failed_seed = job->seed;
	seeds->summary = job->report->summary;
	memcpy(seeds->failure, failure, sizeof(failure));
	if (seeds->output >= 0)
		close(seeds->output);
	seeds->output = job->output;
	job->output = memfd_create("dryport-output", MFD_CLOEXEC);
}

/*
 * A run that prints without end must not fill the host's memory: a hole grows from the front. By
 * fstat, since the place in the file is the run's own.
 */
static void output_trim(const struct job *job)
{
	struct stat st;

	if (!fstat(job->output, &st) && st.st_size > OUTPUT_KEPT)
		fallocate(job->output, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			st.st_size - OUTPUT_KEPT);
}

static void job_look(struct batch *batch, struct job *job)
{
	int status = 0;

	output_trim(job);
	/* an error: whoever ignores SIGCHLD has its children reaped by the host */
	if (waitpid(job->pid, &status, WNOHANG)) {
		job_end(batch, job, status);
		return;
	}
	if (job->requests != atomic_load_explicit(&job->report->requests, memory_order_relaxed))
		deadline_set(job);
	if (now_ns() > job->deadline) {
		job->is_late = true;
		kill(job->pid, SIGKILL);
	}
}

/* Until one of the running has ended, or a while. */
static void jobs_await(struct batch *batch)
{
	struct pollfd polls[JOBS_MAX];
	unsigned count = 0;

	for (unsigned n = 0; n < batch->job_count; n++)
		if (batch->jobs[n].pid)
			polls[count++] = (struct pollfd){batch->jobs[n].pidfd, POLLIN, 0};
	poll(polls, count, POLL_MS);
	for (unsigned n = 0; n < batch->job_count; n++)
		if (batch->jobs[n].pid)
			job_look(batch, &batch->jobs[n]);
}

static int batch_run(struct batch *batch)
{
	struct dry_seeds *seeds = batch->seeds;
	uint64_t end = seeds->first + seeds->count;
	int err = 0;

	while (batch->running || (batch->next < end && !seeds->has_failed && !err)) {
		for (unsigned n = 0; n < batch->job_count && batch->next < end; n++)
			if (!batch->jobs[n].pid && !seeds->has_failed && !err)
				err = job_start(batch, &batch->jobs[n]);
		if (batch->running)
			jobs_await(batch);
		if (seeds->progress)
			seeds->progress(seeds);
	}
	return err;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static void figures(struct batch *batch)
{
	uint64_t kept = min_of(batch->restore_count, RESTORES_KEPT);

	if (!kept)
		return;
	qsort(batch->restores, kept, sizeof(*batch->restores), compare);
	batch->seeds->restore_ns = batch->restores[kept / 2];
	batch->seeds->run_ns = batch->run_sum / batch->restore_count;
}

static int batch_init(struct batch *batch)
{
	cpu_set_t cores;
	unsigned jobs = batch->seeds->jobs;

	if (!jobs)
		jobs = sched_getaffinity(0, sizeof(cores), &cores) ? 1
								   : (unsigned)CPU_COUNT(&cores);
	batch->job_count = min_of(jobs, JOBS_MAX);
	batch->reports = mmap(NULL, JOBS_MAX * sizeof(struct report), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (batch->reports == MAP_FAILED)
		return error_set(ENOMEM, "no memory for the runs' reports");
	for (unsigned n = 0; n < batch->job_count; n++) {
		batch->jobs[n].report = &batch->reports[n];
		batch->jobs[n].output = memfd_create("dryport-output", MFD_CLOEXEC);
		if (batch->jobs[n].output < 0)
			return error_set(errno, "memfd_create: %s", strerror(errno));
	}
	return 0;
}

static void batch_fini(struct batch *batch)
{
	for (unsigned n = 0; n < batch->job_count; n++)
		if (batch->jobs[n].output > 0)
			close(batch->jobs[n].output);
	if (batch->reports && batch->reports != MAP_FAILED)
		munmap(batch->reports, JOBS_MAX * sizeof(struct report));
}

static int check(const struct dry_machine *machine, const struct dry_seeds *seeds)
{
	if (!seeds->count || seeds->first + seeds->count < seeds->first)
		return error_set(EINVAL, "--seeds %llu from seed %llu: no such seeds.",
			(unsigned long long)seeds->count, (unsigned long long)seeds->first);
	if (machine->options.disk && !machine->options.read_only)
		return error_set(EINVAL,
			"--seeds with --disk: each run starts from the same disk, so it is in "
			"memory (--size), or --read-only.");
	if (machine->options.registry_out)
		return error_set(EINVAL,
			"--seeds with --registry-out: the file is of one run; give it to the "
			"command that repeats a seed.");
	if (machine->options.dump_image)
		return error_set(EINVAL,
			"--seeds with --dump-image: the file is of one run; give it to the command "
			"that repeats a seed.");
	if (machine->options.trace)
		return error_set(EINVAL,
			"--seeds with --trace: a trace is of one run; give it to the command that "
			"repeats a seed.");
	return 0;
}

int dry_seeds_run(struct dry_machine *machine, const char *driver, const char *workload,
	struct dry_seeds *seeds)
{
	struct batch *batch;
	int err = check(machine, seeds);

	if (!err)
		err = workload_check(workload);
	if (err)
		return err;
	seeds->ran = seeds->safepoints = seeds->restore_ns = seeds->run_ns = 0;
	seeds->has_failed = false;
	seeds->output = -1;
	batch = calloc(1, sizeof(*batch));
	if (!batch)
		return error_set(ENOMEM, "out of memory.");
	*batch = (struct batch){
		.machine = machine, .workload = workload, .seeds = seeds, .next = seeds->first};
	machine->options.replay = true;
	machine->options.seed = seeds->first;
	err = machine_prepare(machine, driver);
	if (!err) {
		err = batch_init(batch);
		if (!err)
			err = batch_run(batch);
		figures(batch);
		batch_fini(batch);
		dry_machine_stop(machine);
	}
	free(batch);
	return err;
}
