/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * `dryport run`: the miniport and the machine's options are found and checked, then one of four
 * modes: COMMAND, a socket (--nbd), work made inside the machine (--workload), or the main job
 * (job.c).
 */
#include "coverage.h"
#include "run.h"
#include "seeds.h"
#include "session.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct cli_option cli_run_options[] = {
	{"nbd", "SOCKET", "serve on this Unix socket until interrupted"},
	{"sg", "", "COMMAND sees the units as SCSI devices: /dev/dryport0, /dev/dryport1 ..."},
	{"workload", "SPEC", "do work made inside the machine: rw:ops=N,sizes=4k-64k,verify"},
	{"seeds", "N", "replay the workload for N seeds, from --seed on, until one fails"},
	{"faults", "singles|pairs[:[FIRST-]STEPS]",
		"replay the workload with the device failing at each of its first steps"},
	{"jobs", "N", "with --seeds and --faults: runs at once; default: one for each core"},
	{"config", "NAME", "the configuration of a .vcxproj; Release if not given"},
	{"coverage-report", "DIR",
		"which lines of the driver ran: DIR/index.html, DIR/summary.txt"},
	{"gdb", "", "start the machine under gdb, to break at the driver's functions"},
	{"log", "", "at the end, print the controller's log page (examples/simple)"},
	{"summary", "FILE", "write the summary as JSON too"},
	{"quiet", "", "print the summary only if something is wrong"},
	{NULL, NULL, NULL},
};

int run_finish(
	const struct run *run, const struct dry_summary *summary, const struct outcome *outcome)
{
	const char *file = cli_args_get(run->args, "summary");
	bool good = summary_is_good(summary, outcome);
	int err;

	/* quiet is no reason to fail without a word */
	if (!good || !cli_args_get(run->args, "quiet"))
		summary_print(&run->term, summary, outcome);
	if (file) {
		err = summary_save(file, summary, outcome);
		if (err < 0)
			return cli_fail("--summary: %s: %s", file, strerror(-err));
	}
	return good ? CLI_OK : CLI_FAILURE;
}

/* ---- the modes ---- */

static int serve(struct run *run)
{
	struct server_config config = {
		.driver = run->miniport.object,
		.options = &run->options,
		.folder = run->folder,
		.socket = cli_args_get(run->args, "nbd"),
		.sg = cli_args_get(run->args, "sg"),
		.gdb = cli_args_get(run->args, "gdb"),
	};
	struct session session = {.sg = config.sg ? run->folder : NULL, .no_input = config.gdb};
	struct dry_summary summary;
	struct server server;
	struct outcome outcome = {.stopped = false};
	int status, verdict;

	status = miniport_build(&run->miniport, run->operands, run->operand_count, NULL);
	if (!status)
		status = server_start(&server, &config);
	if (status)
		return status;
	if (run->args->rest) {
		status = session_command(&server, run->args->rest, &session);
	} else {
		printf("%s\n", server.uri);
		fflush(stdout);
		session_serve(&server, &run->term);
	}
	server.status->log_wanted = cli_args_get(run->args, "log") != NULL;
	server_stop(&server, &summary);
	outcome.stopped = server_is_good(&server);
	outcome.log = server_log(&server);
	verdict = run_finish(run, &summary, &outcome);
	server_free(&server);
	return status ? status : verdict;
}

/* After a message about what failed: how to have it again. */
static void seed_tell(const struct run *run)
{
	const char *seed = cli_args_get(run->args, "seed");

	if (seed)
		fprintf(stderr, "dryport: replayed from seed %s\n", seed);
}

/* In this process: nobody outside is served. */
static int workload(struct run *run, struct dry_machine *machine)
{
	const char *spec = cli_args_get(run->args, "workload");
	struct dry_summary summary;
	struct outcome outcome = {.stopped = true};
	char failure[1024];
	int status, verdict, err;

	status = miniport_build(&run->miniport, run->operands, run->operand_count, NULL);
	process_fini();
	if (status)
		return status;
	if (cli_args_get(run->args, "seeds"))
		return seeds_run(run, machine);
	if (cli_args_get(run->args, "faults"))
		return faults_run(run, machine);
	if (dry_machine_start(machine, run->miniport.object) < 0) {
		status = cli_fail("%s", dry_error());
		seed_tell(run);
		return status;
	}
	err = dry_workload_run(machine, spec);
	if (err == -EINVAL)
		status = cli_usage("--workload: %s", dry_error());
	else if (err < 0)
		status = cli_fail("%s", dry_error());
	if (err < 0) {
		seed_tell(run);
		snprintf(failure, sizeof(failure), "%s", dry_error());
		outcome.failure = failure;
	}
	if (dry_machine_stop(machine) < 0) {
		cli_fail("%s", dry_error());
		outcome.stopped = false;
	}
	dry_machine_summary(machine, &summary);
	verdict = run_finish(run, &summary, &outcome);
	return status ? status : verdict;
}

/* ---- preparation ---- */

static bool is_replayed(const struct cli_args *args)
{
	return cli_args_get(args, "seed") || cli_args_get(args, "seeds") ||
	       cli_args_get(args, "faults");
}

static int replay_check(const struct cli_args *args)
{
	bool many = cli_args_get(args, "seeds") || cli_args_get(args, "faults");

	if (!cli_args_get(args, "workload") && is_replayed(args))
		return cli_usage("--seed%s goes with --workload: whoever is served over NBD has a "
				 "time of his own",
			cli_args_get(args, "seed")    ? ""
			: cli_args_get(args, "seeds") ? "s"
						      : " of --faults");
	if (cli_args_get(args, "seeds") && cli_args_get(args, "faults"))
		return cli_usage(
			"--seeds and --faults exclude each other; a sweep is of one --seed");
	if (cli_args_get(args, "fault") && !is_replayed(args))
		return cli_usage("--fault goes with --seed: only in a replayed run have the "
				 "device's steps numbers");
	if (cli_args_get(args, "coverage-report") && many)
		return cli_usage(
			"--coverage-report goes without --seeds and --faults: it is of one "
			"run");
	if (cli_args_get(args, "jobs") && !many)
		return cli_usage("--jobs goes with --seeds or --faults");
	return CLI_OK;
}

static int modes_check(const struct run *run)
{
	const struct cli_args *args = run->args;
	const char *spec = cli_args_get(args, "workload");
	bool nbd = cli_args_get(args, "nbd");
	bool served = args->rest || nbd;

	if (spec && served)
		return cli_usage("--workload is work made inside the machine: it goes without %s",
			nbd ? "--nbd" : "-- COMMAND");
	if (nbd && args->rest)
		return cli_usage("--nbd serves until interrupted: it goes without -- COMMAND");
	if (cli_args_get(args, "sg") && !args->rest)
		return cli_usage("--sg needs -- COMMAND, which is to see /dev/dryport0");
	if (cli_args_get(args, "log") && spec)
		return cli_usage("--log goes without --workload");
	if (cli_args_get(args, "gdb") && !served)
		return cli_usage("--gdb needs -- COMMAND or --nbd SOCKET");
	if (cli_args_get(args, "disk") && !served && !spec)
		return cli_usage(
			"--disk without -- COMMAND, --nbd or --workload: the main job would "
			"overwrite it");
	return replay_check(args);
}

static int options_gather(struct run *run)
{
	int status = run_options_read(&run->options, run->miniport.machine);

	return status ? status : run_options_take(&run->options, run->args);
}

static int folder_make(struct run *run)
{
	const char *place = getenv("TMPDIR");

	/* a socket's path is short */
	if (!place || !*place || strlen(place) > 60)
		place = "/tmp";
	snprintf(run->folder, sizeof(run->folder), "%s/dryport-XXXXXX", place);
	if (mkdtemp(run->folder))
		return CLI_OK;
	run->folder[0] = 0;
	return cli_fail("%s: no folder can be made there: %s", place, strerror(errno));
}

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void run_free(struct run *run)
{
	if (run->folder[0])
		nftw(run->folder, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
	run_options_free(&run->options);
}

static int run_mode(struct run *run)
{
	struct dry_machine *machine;
	int status;

	status = run_options_apply(&run->options, &machine);
	if (status)
		return status;
	if (cli_args_get(run->args, "workload")) {
		status = workload(run, machine);
		dry_machine_free(machine);
		return status;
	}
	/* it was made to check the options; the real one lives in nbdkit */
	dry_machine_free(machine);
	status = folder_make(run);
	if (status)
		return status;
	if (run->args->rest || cli_args_get(run->args, "nbd"))
		return serve(run);
	return job_run(run);
}

/* The tools of Debian's sbin folders (mke2fs) are not in everybody's PATH. */
static void path_extend(void)
{
	const char *path = getenv("PATH");
	char *longer;

	if (asprintf(&longer, "%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin") < 0)
		return;
	setenv("PATH", longer, 1);
	free(longer);
}

int run_prepare(struct run *run)
{
	struct dry_machine *machine;
	int status;

	process_init();
	path_extend();
	run->operands = run->args->operands;
	run->operand_count = run->args->operand_count;
	status = miniport_find(&run->miniport, run->operands, run->operand_count);
	if (!status)
		status = options_gather(run);
	if (!status)
		status = run_options_apply(&run->options, &machine);
	if (status)
		return status;
	dry_machine_free(machine);
	status = folder_make(run);
	return status ? status
		      : miniport_build(&run->miniport, run->operands, run->operand_count, NULL);
}

int cli_run(const struct cli_args *args)
{
	char example[PATH_MAX];
	char *const example_operand[] = {example};
	struct run run = {.args = args};
	const char *report;
	int status;

	/* standard output is COMMAND's */
	term_init(&run.term, args->rest ? stderr : stdout);
	process_init();
	path_extend();
	tree_path(example, "examples/simple");
	run.operands = args->operand_count ? args->operands : example_operand;
	run.operand_count = args->operand_count ? args->operand_count : 1;
	run.miniport.config = cli_args_get(args, "config");
	status = modes_check(&run);
	if (!status && is_replayed(args))
		seeds_layout_fix();
	if (!status)
		status = miniport_find(&run.miniport, run.operands, run.operand_count);
	if (!status && is_replayed(args))
		miniport_for_replay(&run.miniport, run.operands);
	report = cli_args_get(args, "coverage-report");
	if (!status && report)
		miniport_for_coverage(&run.miniport, run.operands);
	if (!status)
		status = options_gather(&run);
	if (!status && report)
		status = coverage_begin(report);
	if (!status) {
		status = run_mode(&run);
		if (report && coverage_report(report, run.miniport.object) && !status)
			status = CLI_FAILURE;
	}
	run_free(&run);
	return status;
}
