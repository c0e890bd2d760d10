/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Many replayed runs, and the commands that repeat those that failed (seeds.h). */
#include "seeds.h"
#include "process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define STACK_MOST (8ul << 20)

void seeds_layout_fix(void)
{
	int persona = personality(0xffffffff);
	struct rlimit stack;

	if (persona < 0 || persona & ADDR_NO_RANDOMIZE ||
		personality((unsigned)persona | ADDR_NO_RANDOMIZE) < 0)
		return;
	/* the host maps everything below as much as a stack may grow to, from 128 MiB on */
	if (!getrlimit(RLIMIT_STACK, &stack) && stack.rlim_cur > STACK_MOST) {
		stack.rlim_cur = STACK_MOST;
		setrlimit(RLIMIT_STACK, &stack);
	}
	/* what is blocked stays so in the program that begins */
	process_fini();
	execv("/proc/self/exe", cli_argv);
	process_init();
}

static bool judge(const struct dry_summary *summary)
{
	const struct outcome outcome = {.stopped = true};

	return summary_is_good(summary, &outcome);
}

static time_t said;

static void progress(const struct dry_seeds *seeds)
{
	time_t now = time(NULL);

	if (now < said + 5 || seeds->has_failed)
		return;
	if (said)
		fprintf(stderr, "dryport: %llu seeds, none has failed\n",
			(unsigned long long)seeds->ran);
	said = now;
}

static bool is_option(const char *word, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(word, "--", 2) && !strncmp(word + 2, name, length) &&
	       (!word[2 + length] || word[2 + length] == '=');
}

/* For a shell: quoted if it needs to be. */
static void word_print(const char *word)
{
	if (*word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "-_=+,.:/%@") == strlen(word)) {
		printf(" %s", word);
		return;
	}
	printf(" '");
	for (; *word; word++)
		printf(*word == '\'' ? "'\\''" : "%c", *word);
	printf("'");
}

static void command_print(uint64_t seed, const char *plan)
{
	printf("  repeat it   dryport");
	for (char **word = cli_argv + 1; *word; word++) {
		bool is_seed = is_option(*word, "seed") || is_option(*word, "seeds") ||
			       is_option(*word, "faults") || is_option(*word, "jobs");

		if (!is_seed)
			word_print(*word);
		else if (!strchr(*word, '=') && word[1])
			word++;
	}
	printf(" --seed %llu%s%s\n", (unsigned long long)seed, *plan ? " --fault " : "", plan);
}

static void output_copy(int file)
{
	char block[4096];
	ssize_t bytes;
	off_t start;

	if (file < 0)
		return;
	/* of too much, the beginning was given up; an empty file has no data */
	start = lseek(file, 0, SEEK_DATA);
	if (start > 0)
		fprintf(stderr,
			"dryport: the first %lld bytes of what the run printed are left out\n",
			(long long)start);
	lseek(file, start > 0 ? start : 0, SEEK_SET);
	while ((bytes = read(file, block, sizeof(block))) > 0)
		fwrite(block, 1, (size_t)bytes, stderr);
	close(file);
}

static int number_get(const struct run *run, const char *name, uint64_t low, uint64_t *number)
{
	const char *text = cli_args_get(run->args, name);
	char *end;

	if (!text)
		return CLI_OK;
	errno = 0;
	*number = strtoull(text, &end, 0);
	if (*text < '0' || *text > '9' || *end || errno || *number < low)
		return cli_usage("--%s %s: not a number%s", name, text, low ? " from 1 on" : "");
	return CLI_OK;
}

int seeds_run(struct run *run, struct dry_machine *machine)
{
	uint64_t jobs = 0;
	struct dry_seeds seeds = {.first = 1, .count = 1, .judge = judge, .progress = progress};
	int status = number_get(run, "seeds", 1, &seeds.count), err;

	if (!status)
		status = number_get(run, "seed", 0, &seeds.first);
	if (!status)
		status = number_get(run, "jobs", 1, &jobs);
	if (status)
		return status;
	seeds.jobs = jobs > 1000 ? 1000 : (unsigned)jobs;
	said = 0;
	err = dry_seeds_run(
		machine, run->miniport.object, cli_args_get(run->args, "workload"), &seeds);
	if (err == -EINVAL)
		return cli_usage("%s", dry_error());
	if (err < 0)
		return cli_fail("%s", dry_error());
	if (!seeds.has_failed) {
		printf("%llu seeds, %llu to %llu: none has failed; %.2f ms a run, of which %.2f "
		       "ms restore the machine\n",
			(unsigned long long)seeds.ran, (unsigned long long)seeds.first,
			(unsigned long long)(seeds.first + seeds.count - 1),
			(double)(seeds.run_ns + seeds.restore_ns) / 1e6,
			(double)seeds.restore_ns / 1e6);
		return CLI_OK;
	}
	output_copy(seeds.output);
	printf("seed %llu failed, after %llu seeds: %s\n", (unsigned long long)seeds.failed_seed,
		(unsigned long long)seeds.ran, seeds.failure);
	command_print(seeds.failed_seed, "");
	return CLI_FAILURE;
}

/* ---- faults ---- */

#define FAILURES_SHOWN 20 /* with the command; all are counted */

static void plan_failed(
	const struct dry_faults *faults, const char *plan, const char *failure, int output)
{
	if (faults->failures > FAILURES_SHOWN)
		return;
	printf("%s failed: %s\n", *plan ? plan : "the run without a fault", failure);
	command_print(faults->seed, plan);
	fflush(stdout);
}

static void faults_progress(const struct dry_faults *faults)
{
	time_t now = time(NULL);

	if (now < said + 5)
		return;
	if (said)
		fprintf(stderr, "dryport: %llu runs, %llu have failed\n",
			(unsigned long long)faults->ran, (unsigned long long)faults->failures);
	said = now;
}

/* "singles", "pairs:100", "pairs:50-100" */
static int faults_parse(const char *text, struct dry_faults *faults)
{
	size_t word = strcspn(text, ":");
	unsigned first = 1, steps = 200;
	int end = 0;

	faults->pairs = word == 5 && !memcmp(text, "pairs", word);
	if (!faults->pairs && (word != 7 || memcmp(text, "singles", word)))
		goto wrong;
	if (text[word] && (sscanf(text + word, ":%4u-%4u%n", &first, &steps, &end) != 2 ||
				  text[word + end])) {
		first = 1;
		end = 0;
		if (sscanf(text + word, ":%4u%n", &steps, &end) != 1 || text[word + end])
			goto wrong;
	}
	if (!first || !steps || first > steps || steps > 1000)
		goto wrong;
	faults->first = first;
	faults->steps = steps;
	return CLI_OK;
wrong:
	return cli_usage("--faults %s: singles or pairs, then :STEPS or :FIRST-LAST, from 1 to "
			 "1000, if not 1-200",
		text);
}

int faults_run(struct run *run, struct dry_machine *machine)
{
	struct dry_faults faults = {
		.seed = 1, .judge = judge, .failed = plan_failed, .progress = faults_progress};
	int status = faults_parse(cli_args_get(run->args, "faults"), &faults), err;
	uint64_t jobs = 0;
	char where[64];

	if (!status)
		status = number_get(run, "seed", 0, &faults.seed);
	if (!status)
		status = number_get(run, "jobs", 1, &jobs);
	if (status)
		return status;
	faults.jobs = jobs > 1000 ? 1000 : (unsigned)jobs;
	said = 0;
	err = dry_faults_run(
		machine, run->miniport.object, cli_args_get(run->args, "workload"), &faults);
	if (err == -EINVAL)
		return cli_usage("%s", dry_error());
	if (err < 0)
		return cli_fail("%s", dry_error());
	if (faults.first > 1)
		snprintf(where, sizeof(where), "device's steps %u to %u", faults.first,
			faults.steps);
	else
		snprintf(where, sizeof(where), "device's first %u steps", faults.steps);
	printf("%llu runs with %s at the %s: %llu failed%s; %.2f ms a run\n",
		(unsigned long long)faults.ran, faults.pairs ? "one or two faults" : "a fault",
		where, (unsigned long long)faults.failures,
		faults.failures ? ", and got no further fault" : "",
		(double)(faults.run_ns + faults.restore_ns) / 1e6);
	return faults.failures ? CLI_FAILURE : CLI_OK;
}
