/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a QEMU process says on its standard error: while it starts, the reason why it refuses; while
 * it runs, what its device models find wrong with their driver or their image, which is told line
 * by line; when it ends, its last words. The process's thread reads, so that the process never
 * waits for somebody to listen; the rest, once it has ended, whoever asks.
 */
#include "hw/qemu/qemu.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define LINES_MOST 20

/* True: nobody needs to hear it. */
static bool is_idle_talk(const char *line)
{
	/* Faults of the iommu are told from its registers (qemu_iommu.c). */
	return !*line || strstr(line, "warning:") || !strncmp(line, "vtd_", 4) ||
	       strstr(line, "ault is not recorded");
}

static const char *line_begin(const char *line)
{
	static const char name[] = "qemu-system-x86_64: ";

	return strncmp(line, name, sizeof(name) - 1) ? line : line + sizeof(name) - 1;
}

static void line_tell(struct hw_device *q, const char *line)
{
	line = line_begin(line);
	if (is_idle_talk(line))
		return;
	snprintf(q->said.last, sizeof(q->said.last), "%.255s", line);
	if (q->said.told > LINES_MOST)
		return;
	if (q->said.told++ == LINES_MOST)
		line = "more, which is not told any more.";
	fprintf(stderr, "dryport: %s: QEMU says: %s\n", q->device, line);
}

/* All lines that are whole. Under the lock. */
static void lines_tell(struct hw_device *q)
{
	char *line = q->said.text, *end;

	while ((end = memchr(line, '\n', q->said.used)) != NULL) {
		*end = 0;
		line_tell(q, line);
		q->said.used -= (size_t)(end + 1 - line);
		line = end + 1;
	}
	memmove(q->said.text, line, q->said.used);
}

bool qemu_said_take(struct hw_device *q)
{
	struct qemu_said *said = &q->said;
	bool is_open = true;

	pthread_mutex_lock(&said->lock);
	while (is_open) {
		char more[512];
		ssize_t n = recv(q->fd.said, more, sizeof(more), MSG_DONTWAIT);
		size_t over;

		is_open = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
		if (n <= 0)
			break;
		/* What came last is nearest to the reason. */
		over = said->used + (size_t)n;
		over = over > sizeof(said->text) ? over - sizeof(said->text) : 0;
		memmove(said->text, said->text + over, said->used - over);
		memcpy(said->text + said->used - over, more, (size_t)n);
		said->used += (size_t)n - over;
		if (said->is_told)
			lines_tell(q);
	}
	pthread_mutex_unlock(&said->lock);
	return is_open;
}

void qemu_said_tell(struct hw_device *q)
{
	qemu_said_take(q);
	pthread_mutex_lock(&q->said.lock);
	q->said.is_told = true;
	q->said.used = 0;
	pthread_mutex_unlock(&q->said.lock);
}

void qemu_said_words(struct hw_device *q, char *text, size_t size)
{
	char said[sizeof(q->said.text) + 1], *rest = said, *line;
	size_t used = 0, most = min_of(sizeof(said) - 1, size / 2), skipped;

	text[0] = 0;
	if (q->fd.said < 0)
		return;
	qemu_said_take(q);
	pthread_mutex_lock(&q->said.lock);
	/* An end of line becomes two bytes. */
	skipped = q->said.used > most ? q->said.used - most : 0;
	memcpy(said, q->said.text + skipped, q->said.used - skipped);
	said[q->said.used - skipped] = 0;
	pthread_mutex_unlock(&q->said.lock);
	while ((line = strsep(&rest, "\n")) != NULL && used < size)
		if (!is_idle_talk(line_begin(line)))
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "; " : "",
				line_begin(line));
	if (!used)
		snprintf(text, size, "%s", q->said.last);
}
