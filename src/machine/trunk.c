/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Runs that have others branch off: see batch.h.
 *
 * A trunk waits in its device's step, before anything befalls that. Ordered to do so, it goes on to
 * a later step, and forks there: a replayed machine has one host thread, so its process is whole.
 * A child gets the plan with one fault more, and goes on with the step that it was forked in. Its
 * parent is the trunk, which tells how it ended. Whatever goes wrong with a trunk, its runs are
 * made from their beginning instead: they are the same.
 */
#include "machine/batch.h"
#include "util/error.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- in the trunk ---- */

/* The process's number in the parent, 0 in the child, which is another from here on. */
static pid_t branch(const struct batch_self *self, const struct run *run)
{
	pid_t parent = getpid(), pid = fork();

	if (!pid)
		batch_become(self, run, parent);
	return pid;
}

/* True in the trunk itself. The box is shared: a child neither writes to it nor reads what the next
 * order may have put there. */
static bool go(struct trunk_box *box)
{
	struct batch_self self = {
		.batch = batch_self.batch, .printed = lseek(batch_self.output, 0, SEEK_CUR)};
	struct job *job = box->job;
	struct trunk *trunk = box->trunk;
	const struct run run = box->run;
	pid_t pid = 0;

	if (job) {
		self.report = job->report;
		self.output = job->output;
		pid = branch(&self, &run);
		if (!pid)
			return false;
	}
	box->pid = pid;
	pid = 0;
	if (trunk) {
		self.report = &trunk->box->report;
		self.output = trunk->output;
		self.trunk = trunk;
		pid = branch(&self, &run);
		if (!pid)
			return false;
	}
	box->trunk_pid = pid;
	return true;
}

static void reap(struct trunk_box *box)
{
	box->status = 0;
	/* an error: whoever ignores SIGCHLD has its children reaped by the host */
	if (!waitpid(box->pid, &box->status, WNOHANG))
		box->pid = 0;
}

static void paused(void);

/* Until it is to go on: as another, or further. */
static void orders_take(uint32_t step)
{
	for (;;) {
		struct trunk_box *box = batch_self.trunk->box;

		while (sem_wait(&box->ordered))
			;
		if (box->order == TRUNK_GO && box->step > step) {
			sem_post(&box->ordered); /* to be taken there */
			fault_pause(box->step, paused);
			return;
		}
		if (box->order == TRUNK_REAP)
			reap(box);
		else if (!go(box) && !batch_self.trunk)
			return;
		if (box == batch_self.trunk->box)
			sem_post(&box->answered);
	}
}

static void paused(void)
{
	fault_pause(0, NULL);
	orders_take(fault_steps());
}

void trunk_wait_first(void)
{
	fault_pause(1, paused);
}

/* ---- in the main process ---- */

static bool is_dead(const struct trunk *trunk)
{
	struct pollfd poller = {trunk->pidfd, POLLIN, 0};

	return poll(&poller, 1, 0) != 0;
}

/* What it has forked dies with it. */
static void lose(struct trunk *trunk)
{
	struct pollfd poller = {trunk->pidfd, POLLIN, 0};

	batch_kill(trunk->pid, trunk->pidfd);
	poll(&poller, 1, -1);
	if (trunk->parent)
		trunk_reap(trunk->parent, trunk->pid, NULL);
	else
		waitpid(trunk->pid, NULL, 0);
	close(trunk->pidfd);
	trunk->pid = 0;
}

/* False: there is no answer, and no trunk any more. */
static bool ask(struct trunk *trunk, enum trunk_order order)
{
	struct trunk_box *box = trunk->box;
	uint64_t end = batch_now() + RUN_SECONDS * 1000000000ull;

	if (!trunk->pid)
		return false;
	box->order = order;
	sem_post(&box->ordered);
	for (;;) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += POLL_MS * 1000000l;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (!sem_clockwait(&box->answered, CLOCK_MONOTONIC, &until))
			return true;
		if (is_dead(trunk) || batch_now() > end) {
			lose(trunk);
			return false;
		}
	}
}

pid_t trunk_reap(struct trunk *trunk, pid_t pid, int *status)
{
	trunk->box->pid = pid;
	if (!ask(trunk, TRUNK_REAP)) {
		trunk->children--;
		return -1;
	}
	if (trunk->box->pid)
		trunk->children--;
	if (trunk->box->pid && status)
		*status = trunk->box->status;
	return trunk->box->pid;
}

/* It has no children, and nothing to finish. */
static void end(struct trunk *trunk)
{
	if (trunk->pid)
		lose(trunk);
}

/* Whether `run` begins as the trunk does, and differs at a step that the trunk has not passed. */
static bool is_trunk_of(const struct trunk *trunk, const struct run *run)
{
	const struct fault_plan *own = &trunk->run.faults, *plan = &run->faults;

	return trunk->pid && own->count < plan->count && trunk->run.seed == run->seed &&
	       trunk->step <= plan->fault[own->count].step &&
	       !memcmp(own->fault, plan->fault, own->count * sizeof(own->fault[0]));
}

static struct trunk *nearest(struct batch *batch, const struct run *run)
{
	struct trunk *found = NULL;

	for (unsigned n = 0; n < batch->trunk_count; n++) {
		struct trunk *trunk = &batch->trunks[n];

		if (is_trunk_of(trunk, run) &&
			(!found || trunk->run.faults.count > found->run.faults.count))
			found = trunk;
	}
	return found;
}

/* One that is free, else that which was not needed for longest. */
struct trunk *trunk_place(struct batch *batch, const struct run *run)
{
	struct trunk *place = NULL;

	for (unsigned n = 0; n < batch->trunk_count; n++) {
		struct trunk *trunk = &batch->trunks[n];

		if (trunk->children)
			continue;
		if (!place || (place->pid && (!trunk->pid || trunk->last_use < place->last_use)))
			place = trunk;
	}
	if (!place)
		return NULL;
	end(place);
	place->run = *run;
	place->step = 1;
	place->last_use = ++batch->trunk_uses;
	place->parent = NULL;
	memset(&place->box->report, 0, sizeof(place->box->report));
	sem_init(&place->box->ordered, 1, 0);
	sem_init(&place->box->answered, 1, 0);
	if (ftruncate(place->output, 0) || lseek(place->output, 0, SEEK_SET))
		return NULL;
	return place;
}

void trunk_begun(struct trunk *trunk, struct trunk *parent, pid_t pid)
{
	if (pid <= 0)
		return;
	trunk->pidfd = batch_pidfd(pid);
	if (trunk->pidfd < 0) { /* a host that is too old: then there are no trunks */
		kill(pid, SIGKILL);
		if (!parent)
			waitpid(pid, NULL, 0);
		return;
	}
	trunk->pid = pid;
	trunk->parent = parent;
	if (parent) {
		parent->children++;
		trunk->step = parent->step;
	}
}

bool trunk_fork(struct batch *batch, struct job *job)
{
	struct trunk *trunk = nearest(batch, &job->run);
	struct trunk_box *box;

	if (!trunk)
		return false;
	box = trunk->box;
	trunk->last_use = ++batch->trunk_uses;
	trunk->children++; /* so that it is not taken for the new one */
	box->run = job->run;
	box->job = job;
	box->trunk = job->run.is_followed ? trunk_place(batch, &job->run) : NULL;
	trunk->children--;
	box->step = trunk->step = job->run.faults.fault[trunk->run.faults.count].step;
	if (!ask(trunk, TRUNK_GO))
		return false;
	if (box->trunk)
		trunk_begun(box->trunk, trunk, box->trunk_pid);
	if (box->pid <= 0)
		return false;
	trunk->children++;
	job->trunk = trunk;
	job->pid = box->pid;
	batch->runs->branched++;
	return true;
}

int trunks_init(struct batch *batch)
{
	size_t bytes = TRUNKS_MAX * sizeof(struct trunk_box);

	if (batch->runs->is_whole)
		return 0;
	batch->boxes = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (batch->boxes == MAP_FAILED)
		return error_set(ENOMEM, "no memory for the runs' trunks");
	for (unsigned n = 0; n < 2 * batch->job_count + 2; n++) {
		struct trunk *trunk = &batch->trunks[n];

		trunk->box = &batch->boxes[n];
		trunk->output = memfd_create("dryport-output", MFD_CLOEXEC);
		if (trunk->output < 0)
			return error_set(errno, "memfd_create: %s", strerror(errno));
		batch->trunk_count++;
	}
	return 0;
}

/* Children before their parents. */
void trunks_fini(struct batch *batch)
{
	for (unsigned round = 0; round < FAULTS_MAX; round++)
		for (unsigned n = 0; n < batch->trunk_count; n++)
			if (!batch->trunks[n].children)
				end(&batch->trunks[n]);
	for (unsigned n = 0; n < batch->trunk_count; n++) {
		if (batch->trunks[n].pid)
			lose(&batch->trunks[n]);
		close(batch->trunks[n].output);
	}
	if (batch->boxes && batch->boxes != MAP_FAILED)
		munmap(batch->boxes, TRUNKS_MAX * sizeof(struct trunk_box));
}
