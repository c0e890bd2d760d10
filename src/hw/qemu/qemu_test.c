/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The client of QEMU's qtest protocol: lines of text over a socket, one answer to each, between
 * them "IRQ raise 20" when a line changes. Writes are posted: those of a DPC are sent together, and
 * up to WINDOW answers are read later, but not more, as both sides would wait for each other. An
 * answer takes some microseconds, and the wake-up of an idle processor far more, so we look for it
 * a while before we sleep.
 */
#include "hw/qemu/qemu.h"
#include "cpu/cpu.h"
#include "util/error.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define WINDOW	   64
#define WINDOW_LOW 16
#define LOOK_EACH  16	 /* so many writes there is a look at whether answers have come */
#define LOOKS	   400	 /* at the socket, before sleeping: about 100 us */
#define FIRST_LINE 16	 /* of those that PCI devices have; 0 to 15 are a PC's own */
#define ANSWER_MS  30000 /* it lives, but says nothing */

/* The thread sees the end of the socket, and does the rest. */
static void die(struct hw_device *q)
{
	atomic_store(&q->is_dead, true);
	shutdown(q->fd.test, SHUT_RDWR);
}

static ssize_t receive(struct hw_device *q)
{
	struct pollfd answer = {.fd = q->fd.test, .events = POLLIN};

	for (unsigned look = 0;; look++) {
		ssize_t n =
			recv(q->fd.test, q->in + q->in_to, sizeof(q->in) - q->in_to, MSG_DONTWAIT);

		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			return n;
		if (look >= LOOKS && poll(&answer, 1, ANSWER_MS) == 0) {
			q->is_silent = true;
			return -1;
		}
	}
}

/* The next line, without its end; NULL: there is none and will be none. */
static char *line_get(struct hw_device *q, bool waits)
{
	for (;;) {
		char *line = q->in + q->in_from;
		char *end = memchr(line, '\n', q->in_to - q->in_from);
		ssize_t n;

		if (end) {
			*end = 0;
			q->in_from = (size_t)(end + 1 - q->in);
			return line;
		}
		memmove(q->in, line, q->in_to - q->in_from);
		q->in_to -= q->in_from;
		q->in_from = 0;
		n = waits ? receive(q)
			  : recv(q->fd.test, q->in + q->in_to, sizeof(q->in) - q->in_to,
				    MSG_DONTWAIT);
		if (n > 0) {
			q->in_to += (size_t)n;
			continue;
		}
		if (waits || n == 0 || (errno != EAGAIN && errno != EINTR))
			die(q);
		return NULL;
	}
}

/* "IRQ raise 20", "IRQ lower 20" */
static void line_changed(struct hw_device *q, const char *text)
{
	bool raised = !strncmp(text, "raise ", 6);
	unsigned long number = strtoul(text + 6, NULL, 10);
	uint32_t before = q->lines;

	if (number < FIRST_LINE || number >= 32)
		return;
	q->lines = raised ? before | 1u << number : before & ~(1u << number);
	if (!before != !q->lines)
		qemu_pci_line(q, raised);
}

/* One answer, and what comes before it. False: dead, or it says that it cannot. */
static bool answer_take(struct hw_device *q, bool waits, uint64_t *value)
{
	char *line;

	while ((line = line_get(q, waits)) != NULL) {
		if (!strncmp(line, "IRQ ", 4)) {
			line_changed(q, line + 4);
			continue;
		}
		if (strncmp(line, "OK", 2))
			return false;
		if (value)
			*value = strtoull(line + 2, NULL, 0);
		return true;
	}
	return false;
}

/* A line may have come together with an answer, and nothing else would tell of it. */
static void rest_take(struct hw_device *q)
{
	while (!q->is_dead && memchr(q->in + q->in_from, '\n', q->in_to - q->in_from))
		if (answer_take(q, false, NULL))
			q->posted -= q->posted > 0;
}

/* Those that have come. */
static void posted_look(struct hw_device *q)
{
	char *line;

	while (q->posted && (line = line_get(q, false)) != NULL)
		if (!strncmp(line, "IRQ ", 4))
			line_changed(q, line + 4);
		else
			q->posted--;
}

static void posted_take(struct hw_device *q, unsigned leave)
{
	for (; q->posted > leave && !q->is_dead; q->posted--)
		answer_take(q, true, NULL);
}

static void say(struct hw_device *q, const char *text, size_t length)
{
	while (length && !q->is_dead) {
		ssize_t n = send(q->fd.test, text, length, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			die(q);
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
}

static void out_send(struct hw_device *q)
{
	if (!q->out_used)
		return;
	say(q, q->out, q->out_used);
	q->out_used = 0;
}

static void out_add(struct hw_device *q, const char *text, size_t length)
{
	if (length > sizeof(q->out) - q->out_used)
		out_send(q);
	memcpy(q->out + q->out_used, text, length);
	q->out_used += length;
}

static char size_letter(unsigned size)
{
	return "bwlq"[__builtin_ctz(size)];
}

uint64_t qemu_read(struct hw_device *q, bool is_port, uint64_t address, unsigned size)
{
	uint64_t value = ~0ull;
	char text[64];
	int length = snprintf(text, sizeof(text), "%s%c 0x%llx\n", is_port ? "in" : "read",
		size_letter(size), (unsigned long long)address);

	pthread_mutex_lock(&q->lock);
	out_add(q, text, (size_t)length);
	out_send(q);
	posted_take(q, 0);
	if (q->is_dead || !answer_take(q, true, &value))
		value = ~0ull;
	rest_take(q);
	pthread_mutex_unlock(&q->lock);
	return value;
}

void qemu_write(struct hw_device *q, bool is_port, uint64_t address, unsigned size, uint64_t value)
{
	char text[80];
	int length = snprintf(text, sizeof(text), "%s%c 0x%llx 0x%llx\n", is_port ? "out" : "write",
		size_letter(size), (unsigned long long)address,
		(unsigned long long)(size < 8 ? value & ((1ull << 8 * size) - 1) : value));
	bool waits;

	pthread_mutex_lock(&q->lock);
	out_add(q, text, (size_t)length);
	q->posted++;
	if (q->uses_line || !q->sender || q->posted >= WINDOW)
		out_send(q);
	/* The thread that waits for the line would find an answer in its place. */
	if (q->uses_line)
		posted_take(q, 0);
	else if (q->posted >= WINDOW)
		posted_take(q, WINDOW_LOW);
	else if (q->posted % LOOK_EACH == 0)
		posted_look(q);
	rest_take(q);
	waits = q->out_used;
	pthread_mutex_unlock(&q->lock);
	if (waits)
		cpu_agent_kick(q->sender);
}

void qemu_test_send(void *device)
{
	struct hw_device *q = device;

	pthread_mutex_lock(&q->lock);
	out_send(q);
	pthread_mutex_unlock(&q->lock);
}

int qemu_lines_watch(struct hw_device *q)
{
	static const char text[] = "irq_intercept_in ioapic\n";
	bool is_done;

	pthread_mutex_lock(&q->lock);
	out_add(q, text, sizeof(text) - 1);
	out_send(q);
	posted_take(q, 0);
	is_done = !q->is_dead && answer_take(q, true, NULL);
	rest_take(q);
	pthread_mutex_unlock(&q->lock);
	return is_done ? 0 : -EIO;
}

void qemu_test_drain(struct hw_device *q)
{
	/* Who holds the lock takes what is there. */
	if (pthread_mutex_trylock(&q->lock))
		return;
	while (!q->is_dead && answer_take(q, false, NULL))
		q->posted -= q->posted > 0;
	pthread_mutex_unlock(&q->lock);
}
