/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Child processes and signals: see process.h. Used by server.c, session.c, job.c, miniport.c. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct process_interrupts process_interrupts;

static sigset_t waited, before;

void process_init(void)
{
	sigemptyset(&waited);
	sigaddset(&waited, SIGCHLD);
	sigaddset(&waited, SIGINT);
	sigaddset(&waited, SIGTERM);
	sigaddset(&waited, SIGHUP);
	sigprocmask(SIG_BLOCK, &waited, &before);
}

void process_fini(void)
{
	sigprocmask(SIG_SETMASK, &before, NULL);
}

static void child_redirect(const struct process_setup *setup)
{
	int fd;

	if (setup->no_input) {
		fd = open("/dev/null", O_RDONLY);
		dup2(fd, STDIN_FILENO);
	}
	if (setup->output) {
		fd = open(setup->output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
	}
}

static void __attribute__((noreturn))
child_exec(char *const argv[], const struct process_setup *setup, int error_fd)
{
	char *const *variable;
	int err;

	if (setup->own_group)
		setpgid(0, 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	child_redirect(setup);
	for (variable = setup->environment; variable && *variable; variable++)
		putenv(*variable);
	execvp(argv[0], argv);
	err = errno;
	if (write(error_fd, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

int process_start(struct process *process, char *const argv[], const struct process_setup *setup)
{
	int fd[2], err = 0;

	*process = (struct process){0};
	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	process->pid = fork();
	if (process->pid < 0) {
		err = errno;
		close(fd[0]);
		close(fd[1]);
		process->pid = 0;
		return -err;
	}
	if (process->pid == 0)
		child_exec(argv, setup, fd[1]);
	close(fd[1]);
	process->running = true;
	/* the pipe closes unread when the exec succeeds */
	if (read(fd[0], &err, sizeof(err)) == (ssize_t)sizeof(err)) {
		waitpid(process->pid, &process->status, 0);
		process->running = false;
		process->pid = 0;
	}
	close(fd[0]);
	return -err;
}

bool process_poll(struct process *process)
{
	if (process->running && waitpid(process->pid, &process->status, WNOHANG) == process->pid)
		process->running = false;
	return process->running;
}

void process_signal(const struct process *process, int signal)
{
	if (process->running)
		kill(process->pid, signal);
}

int process_exit_status(const struct process *process)
{
	if (WIFSIGNALED(process->status))
		return 128 + WTERMSIG(process->status);
	return WEXITSTATUS(process->status);
}

void process_wait(unsigned ms)
{
	struct timespec limit = {ms / 1000, ms % 1000 * 1000000L};
	siginfo_t info;
	int signal = sigtimedwait(&waited, &info, &limit);

	if (signal < 0 || signal == SIGCHLD)
		return;
	if (process_interrupts.ignore_terminal && info.si_code == SI_KERNEL)
		return;
	process_interrupts.count++;
	process_interrupts.by_terminal = info.si_code == SI_KERNEL;
}
