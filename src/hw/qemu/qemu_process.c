/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A QEMU process from its start to its end. All that it shares with us it inherits by number:
 * sockets, RAM, its firmware (which halts), a disk in memory. Our ends are closed on exec, so that
 * it sees the end of file when we are gone; and the kernel kills it when the thread that started it
 * ends, whatever ended that.
 */
#include "hw/qemu/qemu.h"
#include "mem/mem.h"
#include "util/error.h"
#include "util/sanitizer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define QUIT_MS 10000
#define END_MS	1000 /* from the end of its socket to its own */

/* ---- what it inherits ---- */

static int pair_make(int *ours, int *theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	*ours = pair[0];
	*theirs = pair[1];
	return 0;
}

static int disk_make(struct hw_device *q, const struct hw_config *config)
{
	if (config->disk)
		return 0;
	q->fd.disk = memfd_create("dryport-disk", MFD_CLOEXEC);
	return q->fd.disk < 0 || ftruncate(q->fd.disk, (off_t)config->size) ? -errno : 0;
}

static int fds_make(struct hw_device *q, const struct hw_config *config)
{
	int ours = -1, err = pair_make(&q->fd.test, &q->fd.test_theirs);

	if (!err)
		err = pair_make(&q->fd.control, &q->fd.control_theirs);
	if (!err)
		err = pair_make(&ours, &q->fd.doorbell_theirs);
	if (!err)
		err = qemu_firmware_make(&q->fd.bios);
	if (!err)
		err = disk_make(q, config);
	if (!err)
		err = pair_make(&q->fd.said, &q->fd.said_theirs);
	/* What finds no room is lost: it is not to wait for us, who may wait for it. */
	if (!err)
		fcntl(q->fd.said_theirs, F_SETFL, O_NONBLOCK);
	if (err)
		error_set(-err, "qemu: %s.", strerror(-err));
	else
		err = qemu_doorbell_offer(q, ours);
	/* What was queued stays, and nobody else will come. */
	if (ours >= 0)
		q->fd.doorbell = ours;
	return err;
}

/* ---- start ---- */

/* Ours, but that a sanitizer's runtime, which may have been preloaded into this process, is not for
 * QEMU. The array is the caller's. */
static char **environment_make(void)
{
	bool is_sanitized = sanitizer.poison || sanitizer.fiber_create;
	size_t count = 0, kept = 0;
	char **all;

	while (environ[count])
		count++;
	all = calloc(count + 1, sizeof(*all));
	for (size_t n = 0; all && n < count; n++)
		if (!is_sanitized || strncmp(environ[n], "LD_PRELOAD=", 11))
			all[kept++] = environ[n];
	return all;
}

/* In the child, which shares our memory until it is another program: nothing but system calls. */
static __attribute__((noinline, noreturn)) void become(
	const struct hw_device *q, pid_t parent, char *const *environment)
{
	const int kept[] = {q->fd.test_theirs, q->fd.control_theirs, q->fd.doorbell_theirs,
		q->fd.bios, q->fd.disk, q->fd.faults, q->fd.folder, mem_fd()};
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	setpgid(0, 0); /* ctrl-C is for us: we end it when all is written */
	for (size_t n = 0; n < array_size(kept); n++)
		if (kept[n] >= 0)
			fcntl(kept[n], F_SETFD, 0);
	dup2(q->fd.said_theirs, STDOUT_FILENO);
	dup2(q->fd.said_theirs, STDERR_FILENO);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvpe(q->words.word[0], q->words.word, environment);
	_exit(errno == ENOENT ? 127 : 126);
}

static __attribute__((noinline)) pid_t spawn(
	const struct hw_device *q, pid_t parent, char *const *environment)
{
	pid_t child = vfork();

	if (child == 0)
		become(q, parent, environment);
	return child < 0 ? -errno : child;
}

int qemu_process_spawn(struct hw_device *q)
{
	char **environment = environment_make();
	pid_t child = environment ? spawn(q, getpid(), environment) : -ENOMEM;

	free(environment);
	if (child < 0)
		return child;
	q->pid = child;
	return 0;
}

static void close_theirs(struct hw_device *q)
{
	int *const theirs[] = {&q->fd.test_theirs, &q->fd.control_theirs, &q->fd.doorbell_theirs,
		&q->fd.said_theirs};

	for (size_t n = 0; n < array_size(theirs); n++) {
		if (*theirs[n] >= 0)
			close(*theirs[n]);
		*theirs[n] = -1;
	}
}

static bool is_over(struct hw_device *q, unsigned ms, int *status)
{
	const struct timespec tick = {.tv_nsec = 1000000};

	for (unsigned n = 0; n <= ms; n++) {
		if (waitpid(q->pid, status, WNOHANG) != 0)
			return true;
		if (n < ms)
			nanosleep(&tick, NULL);
	}
	return false;
}

/* One that has closed its socket may be in the midst of ending, or stand still. */
static int status_take(struct hw_device *q, unsigned ms)
{
	int status = 0;

	if (!is_over(q, ms, &status)) {
		kill(q->pid, SIGKILL);
		waitpid(q->pid, &status, 0);
	}
	q->pid = 0;
	return status;
}

int qemu_process_failed(struct hw_device *q)
{
	int status = status_take(q, END_MS);
	char words[1024];

	if (q->is_silent)
		return error_set(
			ETIMEDOUT, "--hw qemu:%s: QEMU did not answer for 30 seconds.", q->device);
	if (WIFSIGNALED(status))
		return error_set(EIO, "--hw qemu:%s: QEMU was ended by signal %d at its start.",
			q->device, WTERMSIG(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return error_set(ENOENT,
			"--hw qemu: there is no %s; install Debian's package qemu-system-x86.",
			q->words.word[0]);
	qemu_said_words(q, words, sizeof(words));
	if (!words[0])
		snprintf(words, sizeof(words), "it gave no reason (wait status 0x%x)", status);
	return error_set(EINVAL, "--hw qemu:%s: QEMU refuses: %s", q->device, words);
}

int qemu_process_start(struct hw_device *q, const struct hw_config *config)
{
	int err = fds_make(q, config);

	if (!err)
		err = qemu_words_make(q, config);
	if (!err)
		err = qemu_thread_start(q);
	close_theirs(q);
	return err;
}

/* ---- end ---- */

void qemu_process_why(struct hw_device *q, char *text, size_t size)
{
	char words[1024];
	int status = status_take(q, END_MS);

	q->has_gone = true;
	qemu_said_words(q, words, sizeof(words));
	qemu_qmp_drain(q);
	if (!words[0])
		snprintf(words, sizeof(words), "%s", q->qmp.shutdown);
	if (q->is_silent)
		snprintf(text, size,
			"QEMU, which has the device %s, did not answer for 30 seconds.", q->device);
	else if (WIFSIGNALED(status))
		snprintf(text, size, "QEMU, which has the device %s, was ended by signal %d%s%s",
			q->device, WTERMSIG(status), words[0] ? ": " : ".", words);
	else
		snprintf(text, size, "QEMU, which has the device %s, has ended with status %d%s%s",
			q->device, WEXITSTATUS(status), words[0] ? ": " : ".", words);
}

/* It writes what an image format keeps back, and closes the image. */
static void quit(struct hw_device *q)
{
	status_take(q, qemu_qmp_quit(q) ? QUIT_MS : 0);
}

void qemu_process_end(struct hw_device *q)
{
	int *const fds[] = {&q->fd.test, &q->fd.control, &q->fd.doorbell, &q->fd.bios, &q->fd.disk,
		&q->fd.faults, &q->fd.folder, &q->fd.said, &q->epoll, &q->wake};

	if (q->pid)
		quit(q);
	qemu_thread_end(q);
	/* Nobody writes any more; before the socket is closed. */
	cpu_agent_free(q->sender);
	q->sender = NULL;
	close_theirs(q);
	for (size_t n = 0; n < array_size(fds); n++)
		if (*fds[n] >= 0)
			close(*fds[n]);
	for (unsigned n = 0; n < QEMU_VECTORS; n++)
		if (q->event[n] >= 0)
			close(q->event[n]);
	qemu_words_free(&q->words);
	free(q->drive_words);
	free(q->device_words);
	free(q->unit_words);
}
