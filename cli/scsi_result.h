/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What iscsi-test-cu said of a family of SCSI tests, and what was expected of it. Used by
 * test_scsi.c.
 */
#ifndef DRY_CLI_SCSI_RESULT_H
#define DRY_CLI_SCSI_RESULT_H

#include <stdbool.h>
#include <stdio.h>

#define SCSI_NAME_MAX	  96  /* "WriteSame16.Check" */
#define SCSI_TEXT_MAX	  256 /* an assertion, a reason */
#define SCSI_FAILURES_MAX 32  /* kept of a family */
#define SCSI_LISTED_MAX	  256

/* A test that is known to fail: a line `Family.Test  reason` of the file. */
struct scsi_listed {
	char name[SCSI_NAME_MAX], reason[SCSI_TEXT_MAX];
	bool has_failed; /* in this run */
};

struct scsi_list {
	struct scsi_listed listed[SCSI_LISTED_MAX];
	unsigned count;
};

struct scsi_failure {
	char test[SCSI_NAME_MAX]; /* without the family; "" for the family as a whole */
	char assertion[SCSI_TEXT_MAX];
	struct scsi_listed *listed; /* NULL: nobody expected it */
};

struct scsi_family {
	char name[SCSI_NAME_MAX];
	unsigned passed, failed, skipped;
	struct scsi_failure failure[SCSI_FAILURES_MAX]; /* the first of them */
	unsigned failure_count, unexpected;
};

/* `#` begins a comment. CLI_OK, also if there is no such file; CLI_FAILURE after one line. */
int scsi_list_read(struct scsi_list *list, const char *path);

/*
 * Reads a family's output. A test that skipped anything and did not fail is skipped, though
 * iscsi-test-cu says that it passed. how: why iscsi-test-cu ended before its tests did, if it has.
 * Names that the list has are marked.
 */
void scsi_family_read(
	struct scsi_family *family, FILE *output, const char *how, struct scsi_list *list);
/* Something that is wrong with the family as a whole, whatever its tests say. */
void scsi_family_fail(struct scsi_family *family, const char *text);

#endif
