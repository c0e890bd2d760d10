/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Events are formatted into one buffer under one tiny lock, so that the lines stand in the order of
 * their times whoever emits them; who fills the buffer writes it out. See trace_file.h.
 */
#include "machine/trace_file.h"
#include "cpu/cpu.h"
#include "cpu/host.h"
#include "trace/trace_format.h"
#include "util/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BUFFER	(1u << 20)
#define LONG_NS 1000000000ull /* nobody holds the lock as long as this, and lives */

static struct {
	struct host_lock lock;
	bool is_open;
	int file;
	int error; /* of the first write that failed: nothing is written after it */
	size_t used;
	char buffer[BUFFER];
} out;

/* ---- under the lock ---- */

static void buffer_write(void)
{
	size_t done = 0;

	while (!out.error && done < out.used) {
		ssize_t written = write(out.file, out.buffer + done, out.used - done);

		if (written > 0)
			done += (size_t)written;
		else if (!written || errno != EINTR)
			out.error = written ? errno : EIO;
	}
	out.used = 0;
}

static void buffer_add(const char *text)
{
	size_t bytes = strlen(text);

	if (out.used + bytes > BUFFER)
		buffer_write();
	memcpy(out.buffer + out.used, text, bytes);
	out.used += bytes;
}

static void finish(const char *last_line)
{
	buffer_add(last_line);
	buffer_write();
	out.is_open = false;
}

/* ---- */

static void listen(void *ctx, const struct trace_event *event)
{
	host_lock_acquire(&out.lock);
	if (likely(out.is_open)) {
		if (unlikely(out.used > BUFFER - TRACE_LINE))
			buffer_write();
		out.used += trace_format(out.buffer + out.used, cpu_clock(), event);
	}
	host_lock_release(&out.lock);
}

void trace_file_died(void)
{
	uint64_t end = host_clock() + LONG_NS;
	int saved = errno;
	bool is_locked;

	/* It may be this thread's: then an event was half written, and is left out. */
	while (!(is_locked = host_lock_try(&out.lock)) && host_clock() < end)
		host_pause();
	if (out.is_open)
		finish("# died\n");
	if (is_locked)
		host_lock_release(&out.lock);
	errno = saved;
}

static void machine_died(const char *message)
{
	trace_file_died();
}

int trace_file_start(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int err;

	if (file < 0)
		return error_set(errno, "--trace %s: %s.", path, strerror(errno));
	err = trace_subscribe((1ull << TRACE_TYPES) - 1, listen, NULL);
	if (err) {
		close(file);
		return error_set(-err, "--trace %s: too many listen to the machine.", path);
	}
	out.file = file;
	out.error = 0;
	out.used = 0;
	out.is_open = true;
	buffer_add(TRACE_HEADER);
	cpu_dead = machine_died;
	return 0;
}

int trace_file_stop(void)
{
	trace_unsubscribe(listen, NULL);
	cpu_dead = NULL;
	host_lock_acquire(&out.lock);
	finish("# end\n");
	host_lock_release(&out.lock);
	if (close(out.file) && !out.error)
		out.error = errno;
	return -out.error;
}
