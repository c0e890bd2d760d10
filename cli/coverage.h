/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* --coverage-report DIR: which lines of the driver a run has executed. Neighbours: run.c. */
#ifndef DRY_CLI_COVERAGE_H
#define DRY_CLI_COVERAGE_H

/* Makes the folder and tells the machine's process, through the environment, to leave its counts
 * there. CLI_OK, CLI_FAILURE. */
int coverage_begin(const char *folder);
/* After the machine: folder/index.html, folder/summary.txt (by llvm-cov), and the total is printed.
 * CLI_OK, CLI_FAILURE. */
int coverage_report(const char *folder, const char *object);

#endif
