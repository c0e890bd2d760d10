/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Many replayed runs of one workload. The machine is prepared once, up to the driver's start; each
 * run is a child of fork(), so memory, the driver's writable data, the disk and everything else are
 * as prepared, and a crash ends one run only. Runs that begin alike are children of one that is on
 * its way (trunk.c). See runs.h, batch.h.
 */
#include "machine/batch.h"
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_KEPT (16ll << 20) /* of what a run prints: the last of it */

uint64_t batch_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

void batch_kill(pid_t pid, int pidfd)
{
	if (pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	else
		kill(pid, SIGKILL);
}

int batch_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void deadline_set(struct job *job)
{
	job->requests = atomic_load_explicit(&job->report->requests, memory_order_relaxed);
	job->deadline = batch_now() + RUN_SECONDS * 1000000000ull;
}

/* From its beginning: a child of the prepared machine. */
static pid_t run_fork(const struct batch_self *self, const struct run *run)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid)
		batch_child(self, run, parent);
	return pid;
}

static void trunk_begin(struct batch *batch, const struct run *run)
{
	struct trunk *trunk = trunk_place(batch, run);
	struct batch_self self = {.batch = batch, .trunk = trunk};

	if (!trunk)
		return;
	self.report = &trunk->box->report;
	self.output = trunk->output;
	trunk_begun(trunk, NULL, run_fork(&self, run));
}

static int job_begin(struct batch *batch, struct job *job)
{
	const struct batch_self self = {
		.batch = batch, .report = job->report, .output = job->output};

	job->trunk = NULL;
	if (trunk_fork(batch, job))
		return 0;
	job->pid = run_fork(&self, &job->run);
	if (job->pid < 0)
		return error_set(errno, "fork: %s", strerror(errno));
	if (job->run.is_followed)
		trunk_begin(batch, &job->run);
	return 0;
}

static int job_start(struct batch *batch, struct job *job)
{
	int err;

	memset(job->report, 0, sizeof(*job->report));
	if (lseek(job->output, 0, SEEK_CUR) && ftruncate(job->output, 0))
		return error_set(errno, "a run's output: %s", strerror(errno));
	lseek(job->output, 0, SEEK_SET);
	job->is_late = false;
	job->report->forked_ns = batch_now();
	err = job_begin(batch, job);
	if (err) {
		job->pid = 0;
		return err;
	}
	deadline_set(job); /* a trunk may have been asked first, for long */
	/* without one (-1) its end is seen a little later */
	job->pidfd = batch_pidfd(job->pid);
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
	uint64_t reaped = batch_now();

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
		.digest = job->report->digest,
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

/* The trunk died, and it with it: it is made from its beginning. */
static int job_restart(struct batch *batch, struct job *job)
{
	if (job->pidfd >= 0)
		close(job->pidfd);
	job->pid = 0;
	batch->running--;
	return job_start(batch, job);
}

/* waitpid, of whoever's child it is. */
static pid_t job_reap(struct job *job, int *status)
{
	struct pollfd poller = {job->pidfd, POLLIN, 0};

	if (!job->trunk)
		return waitpid(job->pid, status, WNOHANG);
	if (job->pidfd >= 0 && !poll(&poller, 1, 0))
		return 0;
	return trunk_reap(job->trunk, job->pid, status);
}

static int job_look(struct batch *batch, struct job *job)
{
	int status = 0;
	pid_t ended;

	output_trim(job);
	ended = job_reap(job, &status);
	if (ended < 0 && job->trunk)
		return job_restart(batch, job);
	/* an error: whoever ignores SIGCHLD has its children reaped by the host */
	if (ended) {
		job_end(batch, job, status);
		return 0;
	}
	if (job->requests != atomic_load_explicit(&job->report->requests, memory_order_relaxed))
		deadline_set(job);
	if (batch_now() > job->deadline) {
		job->is_late = true;
		batch_kill(job->pid, job->pidfd);
	}
	return 0;
}

/* Until one of the running has ended, or a while. */
static int jobs_await(struct batch *batch)
{
	struct pollfd polls[JOBS_MAX];
	unsigned count = 0;
	int err = 0;

	for (unsigned n = 0; n < batch->job_count; n++)
		if (batch->jobs[n].pid)
			polls[count++] = (struct pollfd){batch->jobs[n].pidfd, POLLIN, 0};
	poll(polls, count, POLL_MS);
	for (unsigned n = 0; n < batch->job_count; n++)
		if (batch->jobs[n].pid && !err)
			err = job_look(batch, &batch->jobs[n]);
	return err;
}

static int batch_run(struct batch *batch)
{
	struct runs *runs = batch->runs;
	int err = 0, looked;

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
		looked = jobs_await(batch);
		err = err ? err : looked;
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
	return trunks_init(batch);
}

static void batch_fini(struct batch *batch)
{
	trunks_fini(batch);
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
