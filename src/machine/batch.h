/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What runs.c and trunk.c share: the processes of many runs.
 *
 * Each run is a process of its own. It is a child of the prepared machine, or, where plans of
 * faults begin alike, of a *trunk*: a run that is on its way with the faults that they have in
 * common, and waits before the step at which theirs differ. What happened till then is the same in
 * all of them, as a run follows from its seed and its plan, and up to the step of a fault nothing
 * depends on it; so it is made once.
 */
#ifndef DRY_MACHINE_BATCH_H
#define DRY_MACHINE_BATCH_H

#include "machine/runs.h"

#include <semaphore.h>
#include <sys/types.h>

#define JOBS_MAX    16u
#define TRUNKS_MAX  (2 * JOBS_MAX + 2)
#define RUN_SECONDS 120 /* of real time without a request's end: then a run is taken for stuck */
#define POLL_MS	    200 /* between looks at what runs, when nothing ends */

/* Shared with the process that runs in it. */
struct report {
	uint64_t forked_ns, began_ns, ended_ns, safepoints, digest;
	_Atomic uint64_t requests; /* ended so far */
	bool is_complete;
	int result; /* of the start, the workload or the stop */
	char failure[1024];
	struct dry_summary summary;
	uint8_t steps[RUN_STEPS_MAX];
};

enum trunk_order {
	TRUNK_GO,   /* to `step`, and fork `job` and `trunk` there */
	TRUNK_REAP, /* what it has forked as `pid`, if that has ended */
};

/* Shared with the trunk: an order of the main process, then the answer. */
struct trunk_box {
	sem_t ordered, answered;
	enum trunk_order order;
	struct run run;
	uint32_t step;
	struct job *job; /* NULL: only a trunk */
	struct trunk *trunk;
	pid_t pid, trunk_pid; /* 0: none, or it has not ended */
	int status;
	struct report report;
};

/* pid 0: none is there. */
struct trunk {
	struct run run;
	uint32_t step; /* that it waits at */
	pid_t pid;
	int pidfd, output;
	unsigned children;    /* not reaped yet */
	uint64_t last_use;    /* a count */
	struct trunk *parent; /* NULL: the main process */
	struct trunk_box *box;
};

struct job {
	struct run run;
	uint64_t requests, deadline; /* when as many had ended for too long */
	pid_t pid;		     /* 0: none runs */
	int pidfd, output;
	bool is_late;	     /* and was killed for it */
	struct trunk *trunk; /* whose child it is; NULL: the main process's */
	struct report *report;
};

#define RESTORES_KEPT 4096u

struct batch {
	struct runs *runs;
	struct report *reports;
	struct trunk_box *boxes;
	struct job jobs[JOBS_MAX];
	struct trunk trunks[TRUNKS_MAX];
	unsigned job_count, trunk_count, running;
	uint64_t trunk_uses;
	uint64_t restores[RESTORES_KEPT], restore_count, run_sum;
};

uint64_t batch_now(void); /* ns */
int batch_pidfd(pid_t pid);
void batch_kill(pid_t pid, int pidfd); /* pidfd: -1 if there is none */

/* ---- run_child.c: in the process of a run ---- */

/* Which of them this is. */
struct batch_self {
	struct batch *batch;
	struct report *report;
	int output;
	off_t printed;	     /* by the trunk, when it forked this one */
	struct trunk *trunk; /* NULL: a job */
};
extern struct batch_self batch_self;

/* This process is that one from here on, a child of `parent`. */
void batch_become(const struct batch_self *self, const struct run *run, pid_t parent);
/* The same, of the prepared machine, which then runs, stops and reports; and the process ends. */
void batch_child(const struct batch_self *self, const struct run *run, pid_t parent);

/* ---- trunk.c: in the main process ---- */

int trunks_init(struct batch *batch);
void trunks_fini(struct batch *batch);
/* From the trunk that is nearest: the run's process, and if others are to follow from it a trunk.
 * False: there is none, or it does not answer. */
bool trunk_fork(struct batch *batch, struct job *job);
/* A place for a trunk that the main process forks, for those that follow from this run; NULL: none
 * is free. trunk_begun says how that went. */
struct trunk *trunk_place(struct batch *batch, const struct run *run);
void trunk_begun(struct trunk *trunk, struct trunk *parent, pid_t pid);
/* waitpid(WNOHANG) for a child of the trunk's; -1: the trunk is no more, and nor is its child. */
pid_t trunk_reap(struct trunk *trunk, pid_t pid, int *status);

/* ---- trunk.c: in the trunk ---- */

/* The device is armed; its first step is to come. */
void trunk_wait_first(void);

#endif
