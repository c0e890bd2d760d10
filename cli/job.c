/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The main job: `dryport run` without COMMAND. An ext4 image of real files goes into the disk
 * behind the miniport and comes out again, unharmed; then ten seconds of verified random I/O.
 * files.c gathers the files and compares the images.
 */
#include "files.h"
#include "run.h"
#include "session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB	    (1024 * 1024ull)
#define IMAGE_SIZE  "96M"
#define IMAGE_LEAST (16 * MIB)
#define IMAGE_MOST  (4096 * MIB)
#define FILES_MOST  (48 * MIB)
#define FIO_SECONDS 10
#define ARGUMENTS   24
#define TICK_MS	    100

#define min_of(a, b) ((a) < (b) ? (a) : (b))

struct job {
	struct run *run;
	struct server server;
	struct step step;
	bool serving;
	uint64_t image_bytes;
	char files[PATH_MAX], image[PATH_MAX], copy[PATH_MAX], log[PATH_MAX];
	char detail[256];  /* of the step that runs, for its last line */
	char failure[400]; /* the step that failed, and why */
};

/* ---- tools ---- */

struct tool {
	char *argv[ARGUMENTS];
	/* how far it is: a counter of the shared page from its value at the start, or the clock */
	const _Atomic uint64_t *counter;
	uint64_t whole;
	bool by_clock;
};

static uint64_t tool_part(const struct tool *tool, uint64_t counter, uint64_t start)
{
	return tool->by_clock ? term_clock() - start : *tool->counter - counter;
}

static void log_print(const struct job *job)
{
	FILE *log = fopen(job->log, "re");
	char line[512];

	while (log && fgets(line, sizeof(line), log))
		fprintf(stderr, "    %s", line);
	if (log)
		fclose(log);
}

static int tool_run(struct job *job, const struct tool *tool)
{
	struct process_setup setup = {.output = job->log, .no_input = true};
	uint64_t counter = tool->counter ? *tool->counter : 0, start = term_clock();
	unsigned interrupts = process_interrupts.count;
	struct process process;
	int err;

	unlink(job->log);
	err = process_start(&process, tool->argv, &setup);
	if (err < 0) {
		snprintf(job->detail, sizeof(job->detail), "%s: %s", tool->argv[0],
			err == -ENOENT ? "is not installed" : strerror(-err));
		return CLI_FAILURE;
	}
	while (process_poll(&process)) {
		process_wait(TICK_MS);
		if (tool->whole)
			step_progress(&job->step, tool_part(tool, counter, start), tool->whole);
		if (process_interrupts.count > interrupts ||
			(job->serving && !process_poll(&job->server.process)))
			process_signal(&process, SIGKILL);
	}
	if (process_exit_status(&process) == 0)
		return CLI_OK;
	if (process_interrupts.count > interrupts)
		snprintf(job->detail, sizeof(job->detail), "interrupted");
	else if (job->serving && !job->server.process.running)
		snprintf(job->detail, sizeof(job->detail), "the machine's process has ended");
	else
		snprintf(job->detail, sizeof(job->detail), "%s ended with status %d", tool->argv[0],
			process_exit_status(&process));
	return CLI_FAILURE;
}

/* ---- steps: each leaves its remark in job->detail ---- */

static int job_build(struct job *job)
{
	struct run *run = job->run;

	return miniport_build(&run->miniport, run->operands, run->operand_count, job->log);
}

static int job_image(struct job *job)
{
	char size[NUMBER_MAX], bytes[NUMBER_MAX], count[NUMBER_MAX];
	struct files files;
	struct tool mke2fs = {.argv = {"mke2fs", "-q", "-t", "ext4", "-F", "-d", job->files,
				      job->image, size, NULL}};
	int status;

	status = files_gather(&files, job->files, min_of(FILES_MOST, job->image_bytes / 2));
	if (status < 0) {
		snprintf(job->detail, sizeof(job->detail), "%.160s: %s", job->files,
			strerror(-status));
		return CLI_FAILURE;
	}
	snprintf(size, sizeof(size), "%lluk", (unsigned long long)job->image_bytes / 1024);
	status = tool_run(job, &mke2fs);
	if (!status)
		snprintf(job->detail, sizeof(job->detail), "%s files, %s",
			number_count(count, files.count), number_bytes(bytes, job->image_bytes));
	return status;
}

static int job_start(struct job *job)
{
	struct run *run = job->run;
	struct server_config config = {
		.driver = run->miniport.object, .options = &run->options, .folder = run->folder};
	int status = server_start(&job->server, &config);

	if (status)
		return status;
	job->serving = true;
	job->image_bytes = job->server.status->size;
	if (job->image_bytes >= IMAGE_LEAST && job->image_bytes <= IMAGE_MOST)
		return CLI_OK;
	snprintf(job->detail, sizeof(job->detail), "the main job takes disks of 16 MiB to 4 GiB");
	return CLI_USAGE;
}

static void speed_note(struct job *job)
{
	char speed[NUMBER_MAX];
	double seconds = (double)(term_clock() - job->step.start_ns) / 1e9;

	snprintf(job->detail, sizeof(job->detail), "%s/s",
		number_bytes(speed, (uint64_t)((double)job->image_bytes / seconds)));
}

static int job_copy_in(struct job *job)
{
	struct tool nbdcopy = {.argv = {"nbdcopy", job->image, job->server.uri, NULL},
		.counter = &job->server.status->bytes_written,
		.whole = job->image_bytes};
	int status = tool_run(job, &nbdcopy);

	if (!status)
		speed_note(job);
	return status;
}

static int job_copy_out(struct job *job)
{
	struct tool nbdcopy = {.argv = {"nbdcopy", job->server.uri, job->copy, NULL},
		.counter = &job->server.status->bytes_read,
		.whole = job->image_bytes};
	int status = tool_run(job, &nbdcopy);

	if (!status)
		speed_note(job);
	return status;
}

static int job_compare(struct job *job)
{
	char count[NUMBER_MAX];
	int status = files_compare(job->image, job->copy, job->detail, sizeof(job->detail));

	if (status)
		return CLI_FAILURE;
	snprintf(job->detail, sizeof(job->detail), "%s bytes",
		number_count(count, job->image_bytes));
	return CLI_OK;
}

static int job_check(struct job *job)
{
	struct tool e2fsck = {.argv = {"e2fsck", "-f", "-n", job->copy, NULL}};

	return tool_run(job, &e2fsck);
}

/* Rounds of 32 MiB: written, then all read and verified, as long as there is time. */
static int job_fio(struct job *job)
{
	char uri[sizeof(job->server.uri) + 8], bytes[NUMBER_MAX];
	struct tool fio = {.argv = {"fio", "--name=dryport", "--ioengine=nbd", uri, "--rw=randrw",
				   "--bs=4k", "--size=32m", "--iodepth=32", "--verify=crc32c",
				   "--verify_fatal=1", "--verify_state_save=0", "--time_based",
				   "--runtime=10", "--eta=never", NULL},
		.whole = FIO_SECONDS * 1000000000ull,
		.by_clock = true};
	uint64_t before = job->server.status->bytes_read + job->server.status->bytes_written;
	int status;

	snprintf(uri, sizeof(uri), "--uri=%s", job->server.uri);
	status = tool_run(job, &fio);
	if (!status)
		snprintf(job->detail, sizeof(job->detail), "%s moved",
			number_bytes(bytes, job->server.status->bytes_read +
						    job->server.status->bytes_written - before));
	return status;
}

/* Text is what is being done; %s in it is the miniport's name. */
static const struct {
	const char *text;
	int (*run)(struct job *job);
} steps[] = {
	{"compile the miniport %s", job_build},
	{"start the machine, load the driver", job_start},
	{"make an ext4 image of real files", job_image},
	{"copy the image in through the miniport", job_copy_in},
	{"copy it out again", job_copy_out},
	{"compare the copy, byte by byte", job_compare},
	{"e2fsck: check the copy's file system", job_check},
	{"fio: random I/O, each block's crc32c verified", job_fio},
};

static int steps_run(struct job *job)
{
	char text[128];
	unsigned n;
	int status;

	for (n = 0; n < sizeof(steps) / sizeof(steps[0]); n++) {
		snprintf(text, sizeof(text), steps[n].text, job->run->miniport.name);
		job->detail[0] = 0;
		unlink(job->log);
		step_begin(&job->step, &job->run->term, text);
		status = steps[n].run(job);
		step_end(&job->step, status == CLI_OK, job->detail);
		if (!status)
			continue;
		log_print(job);
		snprintf(job->failure, sizeof(job->failure), "%s: %s", text, job->detail);
		return status;
	}
	return CLI_OK;
}

/* ---- the job ---- */

static int stop(struct job *job, const char *failure)
{
	struct outcome outcome = {.failure = failure};
	struct dry_summary summary;

	step_begin(&job->step, &job->run->term, "flush, shut down, stop the adapter");
	/* our own example can tell what its controller counted: a buffer by MDL, Build and Put */
	job->server.status->log_wanted = !strcmp(job->run->miniport.name, "simple");
	server_stop(&job->server, &summary);
	outcome.log = server_log(&job->server);
	outcome.stopped =
		job->server.status->state == DRY_STATUS_STOPPED && !job->server.status->stop_result;
	step_end(&job->step, outcome.stopped, "");
	if (!outcome.stopped)
		server_is_good(&job->server);
	return run_finish(job->run, &summary, &outcome);
}

int job_run(struct run *run)
{
	struct job job = {.run = run};
	int status, verdict;

	snprintf(job.files, sizeof(job.files), "%.4000s/files", run->folder);
	snprintf(job.image, sizeof(job.image), "%.4000s/image", run->folder);
	snprintf(job.copy, sizeof(job.copy), "%.4000s/copy", run->folder);
	snprintf(job.log, sizeof(job.log), "%.4000s/log", run->folder);
	if (!cli_args_get(run->args, "size") &&
		run_option_set(&run->options, "size", IMAGE_SIZE) < 0)
		return cli_fail("out of memory");
	status = steps_run(&job);
	if (!job.serving)
		return status;
	verdict = stop(&job, status ? job.failure : NULL);
	server_free(&job.server);
	return status ? status : verdict;
}
