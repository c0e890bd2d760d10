/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The thread that a QEMU process hangs on. It starts the process, which the kernel kills when this
 * thread ends, however it ends; then it waits for messages (an eventfd each, watched for edges, so
 * that none has to be read), for lines while the device interrupts by its line, and for the end of
 * the process.
 */
#include "hw/qemu/qemu_iommu.h"
#include "util/error.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BATCH 32

/* What an event stands for: a message, or one of these. */
enum { TEST = QEMU_VECTORS, WAKE, CONTROL, SAID };

static void gone(struct hw_device *q)
{
	struct bus_function *function;
	char why[1200];

	atomic_store(&q->is_dead, true);
	pthread_mutex_lock(&q->end);
	function = atomic_load(&q->function);
	/* Else it never began, or it is we who end it. */
	if (function) {
		bus_function_unplug(function);
		qemu_process_why(q, why, sizeof(why));
		q->gone(why);
	}
	pthread_mutex_unlock(&q->end);
}

static void event_take(struct hw_device *q, uint64_t what, uint32_t events)
{
	struct bus_function *function = atomic_load(&q->function);

	if (what == QEMU_FAULT_EVENT && q->has_iommu) {
		qemu_iommu_faults_take(q);
	} else if (what < QEMU_VECTORS) {
		if (likely(function != NULL))
			bus_message_send(function, (unsigned)what);
	} else if (what == TEST) {
		qemu_test_drain(q);
		if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
			epoll_ctl(q->epoll, EPOLL_CTL_DEL, q->fd.test, NULL);
			gone(q);
		}
	} else if (what == CONTROL) {
		qemu_qmp_drain(q);
		if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
			epoll_ctl(q->epoll, EPOLL_CTL_DEL, q->fd.control, NULL);
	} else if (what == SAID && !qemu_said_take(q)) {
		epoll_ctl(q->epoll, EPOLL_CTL_DEL, q->fd.said, NULL);
	}
}

static void *thread_main(void *arg)
{
	struct hw_device *q = arg;
	struct epoll_event events[BATCH];

	atomic_store(&q->spawn_result, qemu_process_spawn(q));
	atomic_store(&q->spawn_end, 1);
	syscall(SYS_futex, &q->spawn_end, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	while (!atomic_load(&q->ends)) {
		int count = epoll_wait(q->epoll, events, BATCH, -1);

		for (int n = 0; n < count; n++)
			event_take(q, events[n].data.u64, events[n].events);
	}
	return NULL;
}

static int watch(struct hw_device *q, int fd, uint64_t what, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u64 = what};

	return epoll_ctl(q->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* While messages are used, answers to posted writes wake nobody. */
void qemu_thread_watch(struct hw_device *q, bool line)
{
	struct epoll_event event = {.events = EPOLLRDHUP | (line ? EPOLLIN : 0), .data.u64 = TEST};

	atomic_store(&q->uses_line, line);
	epoll_ctl(q->epoll, EPOLL_CTL_MOD, q->fd.test, &event);
	if (line)
		qemu_test_drain(q);
}

int qemu_thread_start(struct hw_device *q)
{
	sigset_t all, before;
	int err;

	q->epoll = epoll_create1(EPOLL_CLOEXEC);
	q->wake = eventfd(0, EFD_CLOEXEC);
	if (q->epoll < 0 || q->wake < 0)
		return error_set(errno, "qemu: %s.", strerror(errno));
	err = watch(q, q->wake, WAKE, EPOLLIN);
	if (!err)
		err = watch(q, q->fd.test, TEST, EPOLLRDHUP);
	if (!err)
		err = watch(q, q->fd.control, CONTROL, EPOLLIN | EPOLLRDHUP);
	if (!err)
		err = watch(q, q->fd.said, SAID, EPOLLIN | EPOLLRDHUP);
	for (unsigned n = 0; n < QEMU_VECTORS && !err; n++)
		err = watch(q, q->event[n], n, EPOLLIN | EPOLLET);
	if (err)
		return error_set(-err, "qemu: %s.", strerror(-err));
	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&q->thread, NULL, thread_main, q);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return error_set(err, "qemu: no thread: %s.", strerror(err));
	q->has_thread = true;
	pthread_setname_np(q->thread, "qemu");
	while (!atomic_load(&q->spawn_end))
		syscall(SYS_futex, &q->spawn_end, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	err = atomic_load(&q->spawn_result);
	return err ? error_set(-err, "qemu: no process: %s.", strerror(-err)) : 0;
}

void qemu_thread_end(struct hw_device *q)
{
	uint64_t one = 1;

	if (!q->has_thread)
		return;
	atomic_store(&q->ends, true);
	if (write(q->wake, &one, sizeof(one)) == sizeof(one))
		pthread_join(q->thread, NULL);
	q->has_thread = false;
}
