/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Replayed runs: --seed S, --seeds N and --faults. Neighbours: run.c. */
#ifndef DRY_CLI_SEEDS_H
#define DRY_CLI_SEEDS_H

#include "run.h"

/*
 * A replayed run has the same addresses every time: starts this program again with an address space
 * that is not randomised, if it is. Returns if it is not, or if that is forbidden here.
 */
void seeds_layout_fix(void);

/* Runs the workload for --seeds N seeds, from --seed on; stops at the first that fails. */
int seeds_run(struct run *run, struct dry_machine *machine);

/* Runs the workload for each plan of --faults, to the end. */
int faults_run(struct run *run, struct dry_machine *machine);

#endif
