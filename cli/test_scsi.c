/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * `dryport test-scsi`: libiscsi's iscsi-test-cu on a miniport, through the SG front (sg/). Each
 * family of tests has a process and a machine of its own, so that a crash of either ends one
 * family. What it said is read by scsi_result.c.
 */
#include "run.h"
#include "scsi_result.h"
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECONDS	     60
#define FAMILIES_MAX 128
#define PROGRAM	     "iscsi-test-cu"

const struct cli_option cli_test_scsi_options[] = {
	{"family", "NAME", "only this one: Read10, Inquiry ..."},
	{"timeout", "SECONDS", "that a family may take; default 60"},
	{"json", "", "print an object in place of the table"},
	{NULL, NULL, NULL},
};

struct test_scsi {
	struct run run;
	unsigned seconds;
	struct scsi_list list;
	struct scsi_family family[FAMILIES_MAX];
	unsigned count;
};

/* ---- which families there are ---- */

static int families_read(struct test_scsi *test, const char *path)
{
	const char *only = cli_args_get(test->run.args, "family");
	FILE *file = fopen(path, "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file) && test->count < FAMILIES_MAX) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "SCSI.", 5) != 0 || strchr(line + 5, '.') ||
			strlen(line) >= SCSI_NAME_MAX || (only && strcmp(line + 5, only) != 0))
			continue;
		strcpy(test->family[test->count++].name, line + 5);
	}
	if (file)
		fclose(file);
	if (test->count)
		return CLI_OK;
	if (only)
		return cli_usage("--family %s: " PROGRAM " has none of this name (see " PROGRAM
				 " --list)",
			only);
	return cli_fail(PROGRAM " --list: no family SCSI.NAME");
}

static int families_find(struct test_scsi *test)
{
	char path[PATH_MAX + 16];
	const struct process_setup setup = {.no_input = true, .output = path};
	struct process process;
	int err;

	snprintf(path, sizeof(path), "%s/families", test->run.folder);
	err = process_start(&process, (char *[]){PROGRAM, "--list", NULL}, &setup);
	if (err < 0)
		return cli_fail(PROGRAM ": %s%s", strerror(-err),
			err == -ENOENT ? " (install the package libiscsi-bin)" : "");
	while (process_poll(&process))
		process_wait(100);
	return families_read(test, path);
}

/* ---- one family ---- */

/* Why it ended before its tests did; NULL if it did not. */
static const char *end_of(char how[SCSI_TEXT_MAX], const struct session *session, int status)
{
	if (session->timed_out)
		snprintf(how, SCSI_TEXT_MAX, PROGRAM " was not done within %u seconds",
			session->seconds);
	else if (status > 128)
		snprintf(how, SCSI_TEXT_MAX, PROGRAM " ended by signal %d", status - 128);
	else if (status > 1) /* 1: a test has failed */
		snprintf(how, SCSI_TEXT_MAX, PROGRAM " ended with status %d", status);
	else
		return NULL;
	return how;
}

/* The machine has a verdict of its own: rules broken, leaks, a crash. */
static void machine_judge(struct scsi_family *family, struct server *server)
{
	struct outcome outcome = {.stopped = false};
	struct dry_summary summary = {0};
	char text[SCSI_TEXT_MAX];

	server_stop(server, &summary);
	outcome.stopped = server_is_good(server);
	if (summary_is_good(&summary, &outcome))
		return;
	snprintf(text, sizeof(text), "the machine: %.200s",
		!outcome.stopped	   ? "it did not stop in good order"
		: *summary.first_violation ? summary.first_violation
					   : "leaks, or data that nobody asked for");
	scsi_family_fail(family, text);
}

static int family_run(struct test_scsi *test, struct scsi_family *family)
{
	char output[PATH_MAX + 16], name[SCSI_NAME_MAX + 8], how[SCSI_TEXT_MAX];
	char *command[] = {PROGRAM, "--dataloss", "--test", name, "/dev/dryport0", NULL};
	const struct server_config config = {.driver = test->run.miniport.object,
		.options = &test->run.options,
		.folder = test->run.folder,
		.sg = true};
	struct session session = {.sg = test->run.folder,
		.output = output,
		.no_input = true,
		.seconds = test->seconds};
	struct server server;
	FILE *file;
	int status = server_start(&server, &config);

	if (status)
		return status;
	snprintf(name, sizeof(name), "SCSI.%s", family->name);
	snprintf(output, sizeof(output), "%s/output", test->run.folder);
	unlink(output);
	status = session_command(&server, command, &session);
	file = fopen(output, "re");
	if (file) {
		scsi_family_read(family, file, end_of(how, &session, status), &test->list);
		fclose(file);
	}
	if (!family->passed && !family->skipped && !family->failed && !family->unexpected)
		scsi_family_fail(family, PROGRAM " ran no test");
	machine_judge(family, &server);
	server_free(&server);
	return process_interrupts.count ? CLI_FAILURE : CLI_OK;
}

/* ---- what a person or a program reads ---- */

static void family_print(const struct scsi_family *family)
{
	unsigned n;

	printf("%-24s %6u %6u %7u\n", family->name, family->passed, family->failed,
		family->skipped);
	for (n = 0; n < family->failure_count; n++) {
		const struct scsi_failure *failure = &family->failure[n];

		printf("    %s%s%s%s%s%s\n", failure->test, *failure->test ? ": " : "",
			failure->assertion, failure->listed ? " (expected: " : "",
			failure->listed ? failure->listed->reason : "", failure->listed ? ")" : "");
	}
	fflush(stdout);
}

static void json_text(const char *text)
{
	putchar('"');
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < ' ')
			printf("\\u%04x", (unsigned char)*text);
		else
			putchar(*text);
	putchar('"');
}

static void family_json(const struct scsi_family *family)
{
	unsigned n;

	printf("{\"family\":\"%s\",\"passed\":%u,\"failed\":%u,\"skipped\":%u,\"unexpected\":%u,"
	       "\"failures\":[",
		family->name, family->passed, family->failed, family->skipped, family->unexpected);
	for (n = 0; n < family->failure_count; n++) {
		const struct scsi_failure *failure = &family->failure[n];

		printf("%s{\"test\":\"%s\",\"assertion\":", n ? "," : "", failure->test);
		json_text(failure->assertion);
		printf(",\"expected\":");
		if (failure->listed)
			json_text(failure->listed->reason);
		else
			printf("null");
		putchar('}');
	}
	printf("]}");
}

/* Whether a family of this name was run. */
static bool was_run(const struct test_scsi *test, const struct scsi_listed *listed)
{
	size_t length = strcspn(listed->name, ".");

	for (unsigned n = 0; n < test->count; n++)
		if (strlen(test->family[n].name) == length &&
			!strncmp(test->family[n].name, listed->name, length))
			return true;
	return !cli_args_get(test->run.args, "family"); /* of all: there is no such family */
}

static int verdict(const struct test_scsi *test, bool json)
{
	unsigned passed = 0, failed = 0, skipped = 0, unexpected = 0, stale = 0, n;

	if (json)
		printf("],\"stale\":[");
	for (n = 0; n < test->count; n++) {
		passed += test->family[n].passed;
		failed += test->family[n].failed;
		skipped += test->family[n].skipped;
		unexpected += test->family[n].unexpected;
	}
	for (n = 0; n < test->list.count; n++) {
		const struct scsi_listed *listed = &test->list.listed[n];

		if (listed->has_failed || !was_run(test, listed))
			continue;
		if (json)
			printf("%s\"%s\"", stale ? "," : "", listed->name);
		else
			printf("%s is listed as failing, and did not fail\n", listed->name);
		stale++;
	}
	if (json)
		printf("],\"passed\":%u,\"failed\":%u,\"skipped\":%u,\"good\":%s}\n", passed,
			failed, skipped, unexpected || stale ? "false" : "true");
	else
		printf("%u passed, %u failed, %u skipped: %u failures not expected, %u expected "
		       "that did not come\n",
			passed, failed, skipped, unexpected, stale);
	return unexpected || stale ? CLI_FAILURE : CLI_OK;
}

static int families_run(struct test_scsi *test)
{
	bool json = cli_args_get(test->run.args, "json");
	int status = families_find(test);

	if (status)
		return status;
	if (json)
		printf("{\"families\":[");
	else
		printf("%-24s %6s %6s %7s\n", "family", "passed", "failed", "skipped");
	for (unsigned n = 0; n < test->count; n++) {
		status = family_run(test, &test->family[n]);
		if (status)
			return status;
		if (json && n)
			putchar(',');
		if (json)
			family_json(&test->family[n]);
		else
			family_print(&test->family[n]);
	}
	return verdict(test, json);
}

/* ---- preparation ---- */

static int arguments_check(struct test_scsi *test)
{
	const struct cli_args *args = test->run.args;
	const char *seconds = cli_args_get(args, "timeout");
	char *end;

	test->seconds = SECONDS;
	if (seconds) {
		unsigned long value = strtoul(seconds, &end, 10);

		if (*seconds < '1' || *seconds > '9' || *end || value > 86400)
			return cli_usage(
				"--timeout %s: not a number of seconds, 1 to 86400", seconds);
		test->seconds = (unsigned)value;
	}
	if (!args->operand_count)
		return cli_usage("test-scsi: which miniport? For instance examples/nvme");
	if (cli_args_get(args, "disk"))
		return cli_usage(
			"--disk: the tests would overwrite it; they run in memory (--size)");
	if (cli_args_get(args, "seed"))
		return cli_usage("--seed goes with `dryport run --workload`: whoever is served has "
				 "a time of his own");
	return CLI_OK;
}

/* It stands beside the `machine` file. */
static void list_path(char path[PATH_MAX], const struct miniport *miniport)
{
	const char *base = strrchr(miniport->machine, '/');

	snprintf(path, PATH_MAX, "%.*s/scsi-expected", base ? (int)(base - miniport->machine) : 1,
		base ? miniport->machine : ".");
}

int cli_test_scsi(const struct cli_args *args)
{
	struct test_scsi *test = calloc(1, sizeof(*test));
	char path[PATH_MAX];
	int status;

	if (!test)
		return cli_fail("out of memory");
	test->run.args = args;
	status = arguments_check(test);
	if (!status)
		status = run_prepare(&test->run);
	if (!status) {
		list_path(path, &test->run.miniport);
		status = scsi_list_read(&test->list, path);
	}
	if (!status)
		status = families_run(test);
	run_free(&test->run);
	free(test);
	return status;
}
