/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The workload under each single fault of the device, and each pair, at each of its first steps.
 *
 * A fault befalls the first step of a fitting sort from its own on, so two plans may be the same
 * run. Each run tells the sorts of its device's steps. What follows from it has one fault more, at
 * a step of a fitting sort behind its last (or at that, see is_pair): so each run that differs is
 * made once. Nothing follows from a run that failed. See runs.h.
 */
#include "machine/runs.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>

struct sweep {
	struct runs runs;
	struct dry_faults *faults;
	struct fault_plan *todo; /* a stack */
	size_t count, room;
	int err;
};

/* faults in a plan */
static unsigned most(const struct dry_faults *faults)
{
	return faults->pairs ? 2 : 1;
}

static void todo_push(struct sweep *sweep, const struct fault_plan *plan)
{
	if (sweep->count == sweep->room) {
		size_t room = 2 * sweep->room + 64;
		struct fault_plan *more = realloc(sweep->todo, room * sizeof(*more));

		if (!more) {
			sweep->err = error_set(ENOMEM, "no memory for the plans of faults.");
			return;
		}
		sweep->todo = more;
		sweep->room = room;
	}
	sweep->todo[sweep->count++] = *plan;
}

/*
 * Whether both are to be made at the same step, in this order alone. One of them has to be an
 * interrupt that comes before the step and leaves it to the other: else the second takes a later
 * step, and is met there; or it is `gone`, and the first does not come.
 */
static bool is_pair(enum fault_kind last, enum fault_kind kind)
{
	return kind > last && (last == FAULT_IRQ_SPURIOUS || kind == FAULT_IRQ_SPURIOUS);
}

/* What is on the stack's top goes first, so the last step is pushed first. */
static void children_push(
	struct sweep *sweep, const struct fault_plan *parent, const uint8_t *steps)
{
	const struct fault none = {.step = sweep->faults->first};
	const struct fault *last = parent->count ? &parent->fault[parent->count - 1] : &none;
	struct fault_plan plan = *parent;
	struct fault *fault = &plan.fault[plan.count++];

	for (fault->step = sweep->faults->steps; fault->step >= max_of(last->step, 1u);
		fault->step--)
		for (unsigned kind = FAULT_KINDS; kind-- > 0;) {
			fault->kind = (enum fault_kind)kind;
			if (fault_sorts(fault->kind) & steps[fault->step - 1] &&
				(!parent->count || fault->step > last->step ||
					is_pair(last->kind, fault->kind)))
				todo_push(sweep, &plan);
		}
}

static bool plan_next(struct runs *runs, struct run *run)
{
	struct sweep *sweep = container_of(runs, struct sweep, runs);

	if (!sweep->count || sweep->err)
		return false;
	*run = (struct run){.seed = sweep->faults->seed,
		.expects_faults = true,
		.faults = sweep->todo[--sweep->count]};
	run->is_followed = run->faults.count < most(sweep->faults);
	return true;
}

static void plan_ended(struct runs *runs, struct run_end *end)
{
	struct sweep *sweep = container_of(runs, struct sweep, runs);
	struct dry_faults *faults = sweep->faults;
	const struct fault_plan *plan = &end->run->faults;
	char text[64];

	faults->ran++;
	if (end->failure) {
		fault_plan_print(plan, text, sizeof(text));
		faults->failures++;
		if (faults->failed)
			faults->failed(faults, text, end->failure, end->output);
	} else if (plan->count < most(faults)) {
		children_push(sweep, plan, end->steps);
	}
	if (faults->progress)
		faults->progress(faults);
}

static int check(const struct dry_machine *machine, const struct dry_faults *faults)
{
	if (!faults->steps || faults->steps > RUN_STEPS_MAX)
		return error_set(EINVAL, "--faults: steps can be 1 to %u.", RUN_STEPS_MAX);
	if (faults->first > faults->steps)
		return error_set(EINVAL, "--faults: the first step, %u, is beyond the last, %u.",
			faults->first, faults->steps);
	if (machine->options.faults.count)
		return error_set(EINVAL, "--faults makes its own plans: it goes without --fault.");
	return runs_check(machine, "faults");
}

int dry_faults_run(struct dry_machine *machine, const char *driver, const char *workload,
	struct dry_faults *faults)
{
	const struct fault_plan none = {.count = 0};
	struct sweep sweep = {
		.runs = {.machine = machine,
			.workload = workload,
			.jobs = faults->jobs,
			.step_count = faults->steps,
			.judge = faults->judge,
			.next = plan_next,
			.ended = plan_ended},
		.faults = faults,
	};
	int err = check(machine, faults);

	if (!err)
		err = workload_check(workload);
	if (err)
		return err;
	faults->ran = faults->failures = 0;
	todo_push(&sweep, &none);
	err = sweep.err ? sweep.err : runs_go(&sweep.runs, driver, faults->seed);
	faults->restore_ns = sweep.runs.restore_ns;
	faults->run_ns = sweep.runs.run_ns;
	free(sweep.todo);
	return err ? err : sweep.err;
}

const struct dry_fault_kind *dry_fault_kind_get(unsigned n)
{
	static __thread struct dry_fault_kind kind;

	if (n >= FAULT_KINDS)
		return NULL;
	kind = (struct dry_fault_kind){fault_name(n), fault_help(n)};
	return &kind;
}
