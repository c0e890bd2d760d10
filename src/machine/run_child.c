/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* One of many runs, in its process: see batch.h. */
#include "machine/batch.h"
#include "util/error.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct batch_self batch_self;

static void request_ended(void *ctx, const struct trace_event *event)
{
	atomic_fetch_add_explicit(&batch_self.report->requests, 1, memory_order_relaxed);
}

static uint64_t mixed(uint64_t digest, uint64_t value)
{
	digest = (digest ^ value) * 0x9e3779b97f4a7c15ull;
	return digest ^ digest >> 29;
}

void run_digest(void *ctx, const struct trace_event *event)
{
	bool is_text = event->type == TRACE_VIOLATION || event->type == TRACE_LOG ||
		       event->type == TRACE_EVENT || event->type == TRACE_EVENT_END;
	const char *text = is_text ? (const char *)(uintptr_t)event->arg[0] : "";
	uint64_t *digest = ctx;

	*digest = mixed(*digest, (uint64_t)event->type << 16 | event->processor << 8 | event->irql);
	*digest = mixed(*digest, cpu_clock());
	for (unsigned n = is_text; n < array_size(event->arg); n++)
		*digest = mixed(*digest, event->arg[n]);
	for (; *text; text++)
		*digest = mixed(*digest, (uint8_t)*text);
}

static uint64_t digest;

static void listeners_add(const struct runs *runs)
{
	trace_subscribe(1ull << TRACE_SRB_DONE, request_ended, NULL);
	if (runs->wants_digest)
		trace_subscribe(RUN_DIGEST_EVENTS, run_digest, &digest);
}

/* What the run had printed before it was another: what it was goes on to print. */
static void output_begin(int from, off_t bytes, int to)
{
	char block[4096];
	off_t at = 0;

	while (at < bytes) {
		ssize_t n = pread(from, block, min_of(sizeof(block), (size_t)(bytes - at)), at);

		if (n <= 0 || write(to, block, (size_t)n) != n)
			return;
		at += n;
	}
}

void batch_become(const struct batch_self *self, const struct run *run, pid_t parent)
{
	struct dry_machine *machine = self->batch->runs->machine;
	const struct batch_self before = batch_self;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* which has died before that */
		_exit(1);
	batch_self = *self;
	self->report->began_ns = batch_now();
	output_begin(before.output, self->printed, self->output);
	dup2(self->output, STDOUT_FILENO);
	dup2(self->output, STDERR_FILENO);
	machine->options.seed = run->seed;
	machine->options.faults = run->faults;
	machine->expects_faults = run->expects_faults;
	machine->steps = self->report->steps;
	machine->step_count = self->batch->runs->step_count;
	if (!before.report)
		return;
	self->report->requests = before.report->requests;
	/* those before this one: the trunk goes on to write there */
	memcpy(self->report->steps, before.report->steps,
		min_of(fault_steps() - 1, self->batch->runs->step_count));
	fault_extend(&run->faults, self->report->steps);
}

/* Its report is looked for anew after what a trunk's child may come back from. */
static int child_run(const struct batch *batch)
{
	struct dry_machine *machine = batch->runs->machine;
	int err = machine_go(machine), stopped;

	if (err)
		return err;
	if (batch_self.trunk)
		trunk_wait_first();
	err = dry_workload_run(machine, batch->runs->workload);
	if (err)
		error_take(batch_self.report->failure, sizeof(batch_self.report->failure));
	batch_self.report->safepoints = cpu_replay_safepoints();
	stopped = dry_machine_stop(machine);
	dry_machine_summary(machine, &batch_self.report->summary);
	return err ? err : stopped;
}

void batch_child(const struct batch_self *self, const struct run *run, pid_t parent)
{
	struct report *report;
	int result;

	batch_become(self, run, parent);
	listeners_add(self->batch->runs);
	result = child_run(self->batch);
	report = batch_self.report;
	report->result = result;
	if (report->result && !report->failure[0])
		error_take(report->failure, sizeof(report->failure));
	fflush(NULL);
	report->digest = digest;
	report->is_complete = true;
	report->ended_ns = batch_now();
	_exit(0);
}
