/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The compiler that belongs to the LLVM this program is linked with, and running it. Bitcode of
 * another version could not be read, or not by the back end.
 */
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <llvm/Config/llvm-config.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static volatile sig_atomic_t interrupted;

/* The compilers get ctrl-C as well; what is left for us is to clean up once they have ended. */
void build_interrupt(int signal)
{
	interrupted = signal;
}

pid_t command_wait(int *status)
{
	pid_t pid;

	while ((pid = wait(status)) < 0)
		if (errno != EINTR)
			fail(STATUS_FAILED, "wait: %m");
	if (interrupted)
		fail(128 + interrupted, "interrupted");
	return pid;
}

char *clang_version(void)
{
	return format("clang %d.%d.%d", LLVM_VERSION_MAJOR, LLVM_VERSION_MINOR, LLVM_VERSION_PATCH);
}

/* The first line that a program prints, NULL if it cannot be run or fails. */
static char *first_line(const char *program, const char *option)
{
	char *argv[] = {(char *)program, (char *)option, NULL};
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], status = -1;
	char line[512] = "";
	FILE *in;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, program, &actions, NULL, argv, environ))
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fd[1]);
	in = fdopen(pipe_fd[0], "r");
	if (in && fgets(line, sizeof(line), in))
		line[strcspn(line, "\n")] = 0;
	if (in) {
		char rest[512];

		while (fgets(rest, sizeof(rest), in))
			;
		fclose(in);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	return pid > 0 && status == 0 ? format("%s", line) : NULL;
}

char *clang_find(void)
{
	char *own = format("clang-%d", LLVM_VERSION_MAJOR);
	char *prefix = format("%s/bin/clang", DRY_LLVM_PREFIX);
	const char *tries[] = {getenv("DRYPORT_CLANG"), own, prefix, "clang"};
	char *want = format("clang version %d.", LLVM_VERSION_MAJOR);

	for (size_t i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		char *line = tries[i] ? first_line(tries[i], "--version") : NULL;

		/* distributions put their name in front */
		if (line && strstr(line, want))
			return format("%s", tries[i]);
		free(line);
	}
	fail(STATUS_FAILED,
		"clang %d is missing (this dryport-build is linked with LLVM %d); install it: apt "
		"install %s",
		LLVM_VERSION_MAJOR, LLVM_VERSION_MAJOR, own);
}

char *clang_file(const struct build *build, const char *option)
{
	char *path = first_line(build->clang, option);

	return path && access(path, R_OK) == 0 ? path : NULL;
}

int command_run_to(const struct build *build, const struct strings *command, int messages)
{
	posix_spawn_file_actions_t actions;
	int status, error;
	pid_t pid;

	if (build->verbose) {
		for (size_t i = 0; i < command->count; i++)
			fprintf(stderr, "%s%s", i ? " " : "", command->item[i]);
		fputc('\n', stderr);
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, messages, 2);
	error = posix_spawnp(&pid, command->item[0], &actions, NULL, command->item, environ);
	if (error)
		fail(STATUS_FAILED, "%s: %s", command->item[0], strerror(error));
	posix_spawn_file_actions_destroy(&actions);
	command_wait(&status);
	return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_FAILED;
}

int command_run(const struct build *build, const struct strings *command)
{
	return command_run_to(build, command, 2);
}
