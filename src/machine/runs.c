/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Many replayed runs of one workload. The machine is prepared once, up to the driver's start; each
 * run is a child of fork(), so memory, the driver's writable data, the disk and everything else are
 * as prepared, and a crash ends one run only. See runs.h.
 */
#include "machine/runs.h"
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
	uint8_t steps[RUN_STEPS_MAX];
};

struct job {
	struct run run;
	uint64_t requests, deadline; /* when as many had ended for too long */
	pid_t pid;		     /* 0: none runs */
	int pidfd, output;
	bool is_late; /* and was killed for it */
	struct report *report;
};

struct batch {
	struct runs *runs;
	struct report *reports;
	struct job jobs[JOBS_MAX];
	unsigned job_count, running;
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
	struct dry_machine *machine = batch->runs->machine;
	int err = machine_go(machine), stopped;

	if (err)
		return err;
	err = dry_workload_run(machine, batch->runs->workload);
	if (err)
		error_take(report->failure, sizeof(report->failure));
	report->safepoints = cpu_replay_safepoints();
	stopped = dry_machine_stop(machine);
	dry_machine_summary(machine, &report->summary);
	return err ? err : stopped;
}

static void child_main(struct batch *batch, struct job *job, pid_t parent)
{
	struct dry_machine *machine = batch->runs->machine;
	struct report *report = job->report;

	report->began_ns = now_ns();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* which has died before that */
		_exit(1);
	trace_subscribe(1ull << TRACE_SRB_DONE, request_ended, report);
	dup2(job->output, STDOUT_FILENO);
	dup2(job->output, STDERR_FILENO);
	machine->options.seed = job->run.seed;
	machine->options.faults = job->run.faults;
	machine->expects_faults = job->run.expects_faults;
	machine->steps = report->steps;
	machine->step_count = batch->runs->step_count;
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
	else if (batch->runs->judge && !batch->runs->judge(summary))
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
	batch->runs->safepoints += report->safepoints;
}

static void job_end(struct batch *batch, struct job *job, int status)
{
	char failure[sizeof(job->report->failure)];
	bool failed = has_failed(batch, job, status, failure, sizeof(failure));
	struct run_end end = {.run = &job->run,
		.failure = failed ? failure : NULL,
		.summary = &job->report->summary,
		.steps = job->report->steps,
		.output = job->output};

	restore_note(batch, job->report);
	if (job->pidfd >= 0)
		close(job->pidfd);
	job->pid = 0;
	batch->running--;
	batch->runs->ended(batch->runs, &end);
	if (end.is_kept)
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
	struct runs *runs = batch->runs;
	int err = 0;

	for (;;) {
		for (unsigned n = 0; n < batch->job_count && !err; n++) {
			struct job *job = &batch->jobs[n];

			if (job->pid)
				continue;
			if (!runs->next(runs, &job->run))
				break;
			err = job_start(batch, job);
		}
		if (!batch->running)
			return err;
		jobs_await(batch);
	}
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
	batch->runs->restore_ns = batch->restores[kept / 2];
	batch->runs->run_ns = batch->run_sum / batch->restore_count;
}

static int batch_init(struct batch *batch)
{
	cpu_set_t cores;
	unsigned jobs = batch->runs->jobs;

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

int runs_check(const struct dry_machine *machine, const char *option)
{
	if (machine->options.disk && !machine->options.read_only)
		return error_set(EINVAL,
			"--%s with --disk: each run starts from the same disk, so it is in "
			"memory (--size), or --read-only.",
			option);
	if (machine->options.registry_out)
		return error_set(EINVAL,
			"--%s with --registry-out: the file is of one run; give it to the "
			"command that repeats one.",
			option);
	if (machine->options.dump_image)
		return error_set(EINVAL,
			"--%s with --dump-image: the file is of one run; give it to the command "
			"that repeats one.",
			option);
	if (machine->options.trace)
		return error_set(EINVAL,
			"--%s with --trace: a trace is of one run; give it to the command that "
			"repeats one.",
			option);
	return 0;
}

int runs_go(struct runs *runs, const char *driver, uint64_t seed)
{
	struct dry_machine *machine = runs->machine;
	struct batch *batch = calloc(1, sizeof(*batch));
	int err;

	if (!batch)
		return error_set(ENOMEM, "out of memory.");
	runs->restore_ns = runs->run_ns = runs->safepoints = 0;
	batch->runs = runs;
	machine->options.replay = true;
	machine->options.seed = seed;
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
