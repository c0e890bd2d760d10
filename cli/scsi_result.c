/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Output of iscsi-test-cu and the list of known failures: see scsi_result.h. */
#include "cli.h"
#include "scsi_result.h"
#include "term.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define LINE_MAX_BYTES 1024

/* ---- the list ---- */

static char *blanks_skip(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static int listed_add(struct scsi_list *list, char *line, const char *path, unsigned number)
{
	struct scsi_listed *listed = &list->listed[list->count];
	char *reason;
	size_t name;

	line[strcspn(line, "#\n")] = 0;
	line = blanks_skip(line);
	if (!*line)
		return CLI_OK;
	name = strcspn(line, " \t");
	reason = blanks_skip(line + name);
	line[name] = 0;
	if (list->count == SCSI_LISTED_MAX || name >= SCSI_NAME_MAX || !strchr(line, '.') ||
		!*reason)
		return cli_fail("%s:%u: not a line `Family.Test reason`", path, number);
	memcpy(listed->name, line, name + 1);
	snprintf(listed->reason, sizeof(listed->reason), "%s", reason);
	listed->has_failed = false;
	list->count++;
	return CLI_OK;
}

int scsi_list_read(struct scsi_list *list, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_MAX_BYTES];
	unsigned number = 0;
	int status = CLI_OK;

	list->count = 0;
	if (!file)
		return errno == ENOENT ? CLI_OK : cli_fail("%s: %s", path, strerror(errno));
	while (!status && fgets(line, sizeof(line), file))
		status = listed_add(list, line, path, ++number);
	fclose(file);
	return status;
}

static struct scsi_listed *listed_find(struct scsi_list *list, const char *family, const char *test)
{
	char name[2 * SCSI_NAME_MAX];

	snprintf(name, sizeof(name), "%s.%s", family, test);
	for (unsigned n = 0; n < list->count; n++)
		if (!strcmp(list->listed[n].name, name))
			return &list->listed[n];
	return NULL;
}

/* ---- the output ---- */

static void failure_add(struct scsi_family *family, const char *test, const char *assertion,
	struct scsi_listed *listed)
{
	struct scsi_failure *failure = &family->failure[family->failure_count];

	family->unexpected += !listed;
	if (listed)
		listed->has_failed = true;
	if (family->failure_count == SCSI_FAILURES_MAX)
		return;
	family->failure_count++;
	failure->listed = listed;
	snprintf(failure->test, sizeof(failure->test), "%s", test);
	snprintf(failure->assertion, sizeof(failure->assertion), "%s", assertion);
}

void scsi_family_fail(struct scsi_family *family, const char *text)
{
	failure_add(family, "", text, NULL);
}

/* "    1. test_read10.c:32  - CU_ASSERT_EQUAL(_r,0)": what follows the number; NULL: no such line.
 */
static const char *assertion_of(char *line)
{
	char *at = blanks_skip(line);

	if (strncmp(at, "1. ", 3) != 0)
		return NULL;
	at += 3;
	at[strcspn(at, "\n")] = 0;
	return at;
}

/* What the lines say, one after the other. */
struct reader {
	struct scsi_family *family;
	struct scsi_list *list;
	char test[SCSI_NAME_MAX]; /* at work, or failed and its assertion is to come; "" if none */
	bool has_skipped, has_failed;
};

static void test_end(struct reader *reader, bool has_passed)
{
	struct scsi_family *family = reader->family;

	if (!has_passed) {
		family->failed++;
		reader->has_failed = true;
		return;
	}
	if (reader->has_skipped)
		family->skipped++;
	else
		family->passed++;
	reader->test[0] = 0;
}

static void assertion_take(struct reader *reader, const char *assertion)
{
	failure_add(reader->family, reader->test, assertion,
		listed_find(reader->list, reader->family->name, reader->test));
	reader->test[0] = 0;
	reader->has_failed = false;
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* A verdict stands behind "..." of its test, or alone on a line if the test has said something. */
static void line_take(struct reader *reader, char *line)
{
	char *at = blanks_skip(line), *more;

	if (begins(at, "Test: ") && (more = strstr(at, " ..."))) {
		if (reader->has_failed) /* without an assertion */
			assertion_take(reader, "");
		*more = 0;
		snprintf(reader->test, sizeof(reader->test), "%s", at + strlen("Test: "));
		reader->has_skipped = false;
		at = blanks_skip(more + strlen(" ..."));
	}
	if (!reader->test[0])
		return;
	if (reader->has_failed) {
		const char *assertion = assertion_of(at);

		if (assertion)
			assertion_take(reader, assertion);
		return;
	}
	reader->has_skipped |= strstr(at, "[SKIPPED]") != NULL;
	if (begins(at, "passed\n"))
		test_end(reader, true);
	else if (begins(at, "FAILED\n"))
		test_end(reader, false);
}

void scsi_family_read(
	struct scsi_family *family, FILE *output, const char *how, struct scsi_list *list)
{
	struct reader reader = {.family = family, .list = list};
	char line[LINE_MAX_BYTES];

	while (fgets(line, sizeof(line), output))
		line_take(&reader, line);
	if (reader.test[0]) { /* it did not come to an end */
		family->failed += !reader.has_failed;
		assertion_take(&reader, how ? how : "iscsi-test-cu ended in the middle of it");
	} else if (how) {
		scsi_family_fail(family, how);
	}
}
