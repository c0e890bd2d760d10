/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The client of QMP, QEMU's protocol for its own control: an object of JSON a line, a greeting
 * first, then an answer with our id to each command, and events between them. A command is sent and
 * its answer waited for by whoever needs it; events that come meanwhile, and those that the thread
 * of the process finds, end in take. qemu_slot.c uses it.
 */
#include "hw/qemu/qemu.h"
#include "util/error.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MONITOR_MS 10000

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- what it says ---- */

static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

enum qemu_qmp_kind qemu_qmp_kind_of(const json_t *said)
{
	if (json_object_get(said, "QMP"))
		return QEMU_QMP_GREETING;
	if (json_object_get(said, "event"))
		return QEMU_QMP_EVENT;
	if (json_object_get(said, "error"))
		return QEMU_QMP_REFUSAL;
	return json_object_get(said, "return") ? QEMU_QMP_ANSWER : QEMU_QMP_UNKNOWN;
}

/* Why a block of the image's could not be moved, once: the driver sees an error of the medium. */
static void io_error_tell(struct hw_device *q, const json_t *data)
{
	if (q->qmp.has_told || q->has_bad_blocks)
		return;
	q->qmp.has_told = true;
	fprintf(stderr, "dryport: %s: QEMU could not %s its image: %s.\n", q->device,
		string_of(data, "operation"), string_of(data, "reason"));
}

/* What nobody has asked for. */
static void take(struct hw_device *q, const json_t *said)
{
	const char *event = string_of(said, "event");
	const json_t *data = json_object_get(said, "data");
	char id[16];

	snprintf(id, sizeof(id), "c%u", q->turn);
	if (qemu_qmp_kind_of(said) == QEMU_QMP_GREETING)
		q->qmp.is_greeted = true;
	else if (!strcmp(event, "DEVICE_DELETED") && !strcmp(string_of(data, "device"), id))
		q->qmp.deleted++;
	else if (!strcmp(event, "DEVICE_UNPLUG_GUEST_ERROR"))
		q->qmp.refused++;
	else if (!strcmp(event, "BLOCK_IO_ERROR"))
		io_error_tell(q, data);
	else if (!strcmp(event, "SHUTDOWN") && !q->qmp.is_quitting)
		snprintf(q->qmp.shutdown, sizeof(q->qmp.shutdown), "%s", string_of(data, "reason"));
}

/* ---- lines ---- */

/* The next object. NULL: none has come whole by then (waits until), or there will be none. */
static json_t *next(struct hw_device *q, uint64_t until)
{
	struct qemu_qmp *qmp = &q->qmp;
	struct pollfd more = {.fd = q->fd.control, .events = POLLIN};

	for (;;) {
		char *end = memchr(qmp->in, '\n', qmp->used);
		uint64_t now;
		ssize_t n;

		if (end) {
			json_t *said = json_loadb(qmp->in, (size_t)(end - qmp->in), 0, NULL);

			qmp->used -= (size_t)(end + 1 - qmp->in);
			memmove(qmp->in, end + 1, qmp->used);
			if (said)
				return said;
			continue; /* no JSON: nothing that we could act on */
		}
		n = recv(q->fd.control, qmp->in + qmp->used, sizeof(qmp->in) - qmp->used,
			MSG_DONTWAIT);
		if (n > 0) {
			qmp->used += (size_t)n;
			continue;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			qmp->is_over = true; /* closed, or a line that is longer than any */
			return NULL;
		}
		now = until ? now_ms() : 0;
		if (now >= until)
			return NULL;
		poll(&more, 1, (int)(until - now));
	}
}

static int gone(const struct hw_device *q, const char *command)
{
	if (q->qmp.is_over)
		return error_set(EPIPE, "%s: QEMU has ended, or says nothing sensible.", command);
	return error_set(ETIMEDOUT, "%s: QEMU did not answer in time.", command);
}

static int say(struct hw_device *q, const char *command, json_t *arguments)
{
	json_t *line = json_pack("{s:s, s:i}", "execute", command, "id", (int)++q->qmp.id);
	char *text;
	ssize_t n;

	if (line && arguments)
		json_object_set(line, "arguments", arguments);
	text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	json_decref(line);
	if (!text)
		return error_set(ENOMEM, "%s: no memory.", command);
	/* Lines are short, and QEMU reads each before we send the next. */
	n = send(q->fd.control, text, strlen(text), MSG_NOSIGNAL);
	if (n == (ssize_t)strlen(text))
		n = send(q->fd.control, "\n", 1, MSG_NOSIGNAL);
	free(text);
	q->qmp.is_over |= n != 1;
	return n == 1 ? 0 : gone(q, command);
}

/* Until the answer to what was said last. */
static int hear(struct hw_device *q, const char *command, json_t **result, unsigned ms)
{
	uint64_t until = now_ms() + ms;
	json_t *said;

	while ((said = next(q, until)) != NULL) {
		enum qemu_qmp_kind kind = qemu_qmp_kind_of(said);
		const json_t *error = json_object_get(said, "error");
		bool is_ours = json_integer_value(json_object_get(said, "id")) == q->qmp.id;

		take(q, said);
		if (kind == QEMU_QMP_REFUSAL && (is_ours || !json_object_get(said, "id"))) {
			error_set(EIO, "QEMU refuses %s: %s", command, string_of(error, "desc"));
			json_decref(said);
			return -EIO;
		}
		if (kind == QEMU_QMP_ANSWER && is_ours) {
			if (result)
				*result = json_incref(json_object_get(said, "return"));
			json_decref(said);
			return 0;
		}
		json_decref(said);
	}
	return gone(q, command);
}

/* ---- what others use ---- */

int qemu_qmp_call(
	struct hw_device *q, const char *command, json_t *arguments, json_t **result, unsigned ms)
{
	int err;

	pthread_mutex_lock(&q->qmp.lock);
	err = q->qmp.is_over ? gone(q, command) : say(q, command, arguments);
	if (!err)
		err = hear(q, command, result, ms);
	pthread_mutex_unlock(&q->qmp.lock);
	json_decref(arguments);
	return err;
}

/* Takes what comes until it is as it should be, or it is too late. */
static void wait_until(struct hw_device *q, bool (*is_done)(const struct qemu_qmp *, unsigned),
	unsigned before, unsigned ms)
{
	uint64_t until = now_ms() + ms;
	json_t *said;

	while (!is_done(&q->qmp, before) && (said = next(q, until)) != NULL) {
		take(q, said);
		json_decref(said);
	}
}

static bool is_greeted(const struct qemu_qmp *qmp, unsigned before)
{
	return qmp->is_greeted;
}

static bool is_deleted(const struct qemu_qmp *qmp, unsigned before)
{
	return qmp->deleted + qmp->refused != before;
}

int qemu_qmp_begin(struct hw_device *q)
{
	bool has_greeted;

	pthread_mutex_lock(&q->qmp.lock);
	wait_until(q, is_greeted, 0, MONITOR_MS);
	has_greeted = q->qmp.is_greeted;
	pthread_mutex_unlock(&q->qmp.lock);
	if (!has_greeted)
		return gone(q, "QMP");
	return qemu_qmp_call(q, "qmp_capabilities", NULL, NULL, MONITOR_MS);
}

int qemu_qmp_monitor(struct hw_device *q, const char *line, char *said, size_t size)
{
	json_t *result = NULL;
	int err = qemu_qmp_call(q, "human-monitor-command",
		json_pack("{s:s}", "command-line", line), &result, MONITOR_MS);
	const char *text = json_string_value(result);

	snprintf(said, size, "%.*s", text ? (int)strcspn(text, "\r\n") : 0, text ? text : "");
	json_decref(result);
	return err;
}

int qemu_qmp_deleted_wait(struct hw_device *q, unsigned before, unsigned ms)
{
	unsigned refused = q->qmp.refused;
	bool is_done;

	pthread_mutex_lock(&q->qmp.lock);
	wait_until(q, is_deleted, before + refused, ms);
	is_done = q->qmp.deleted != before;
	pthread_mutex_unlock(&q->qmp.lock);
	if (!is_done && q->qmp.refused != refused)
		return error_set(EIO, "QEMU could not delete it.");
	return is_done ? 0 : gone(q, "device_del");
}

void qemu_qmp_drain(struct hw_device *q)
{
	json_t *said;

	pthread_mutex_lock(&q->qmp.lock);
	while (!q->qmp.is_over && (said = next(q, 0)) != NULL) {
		take(q, said);
		json_decref(said);
	}
	pthread_mutex_unlock(&q->qmp.lock);
}

int qemu_qmp_disk_size(struct hw_device *q, uint64_t *bytes)
{
	json_t *drives = NULL, *drive;
	int err = qemu_qmp_call(q, "query-block", NULL, &drives, MONITOR_MS);
	size_t n;

	*bytes = 0;
	json_array_foreach(drives, n, drive)
	{
		const json_t *image = json_object_get(json_object_get(drive, "inserted"), "image");

		*bytes = max_of(*bytes,
			(uint64_t)json_integer_value(json_object_get(image, "virtual-size")));
	}
	json_decref(drives);
	return err;
}

bool qemu_qmp_quit(struct hw_device *q)
{
	int err = 0;

	pthread_mutex_lock(&q->qmp.lock);
	q->qmp.is_quitting = true;
	pthread_mutex_unlock(&q->qmp.lock);
	if (!q->qmp.has_begun)
		err = qemu_qmp_begin(q);
	return !err && !qemu_qmp_call(q, "quit", NULL, NULL, MONITOR_MS);
}
