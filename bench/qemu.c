/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dryport-bench qemu: a device of QEMU's behind a miniport, on the first two processors of this
 * computer. Inside: reads of 4 KiB of random blocks from this thread, which is the machine's
 * processor, as in path.c. Over NBD: fio at `dryport run`, and fio at qemu-storage-daemon, which
 * serves the same image; they take turns, and the best of each counts, as other work on the
 * computer only takes away.
 */
#include "bench.h"
#include "reader.h"
#include "served.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define IMAGE_BYTES (64u << 20)
#define DEPTH	    32
#define INSIDE_RUNS 5

static struct reader reader;
static char folder[64]; /* sockets are in it, whose names have a limit */
static char image[80];

struct measured {
	double ns[2]; /* inside, of a read: one after the other, and DEPTH at once */
	struct served_load ours, theirs, theirs_uring;
	bool has_uring;
	double start_ms, idle_percent;
};

/* ---- before and after ---- */

static void folder_remove(void)
{
	unlink(image);
	rmdir(folder);
}

/* Bytes that no part of the way may take for a hole. */
static bool image_make(void)
{
	uint64_t words[8192], random = 1;
	const char *where = getenv("TMPDIR");
	int fd;

	snprintf(folder, sizeof(folder), "%s/dryport-bench-XXXXXX",
		where && strlen(where) < 40 ? where : "/tmp");
	if (!mkdtemp(folder))
		return false;
	snprintf(image, sizeof(image), "%s/image", folder);
	atexit(folder_remove);
	fd = open(image, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	for (unsigned at = 0; fd >= 0 && at < IMAGE_BYTES; at += sizeof(words)) {
		for (size_t n = 0; n < sizeof(words) / sizeof(words[0]); n++)
			words[n] = random =
				random * 6364136223846793005ull + 1442695040888963407ull;
		if (write(fd, words, sizeof(words)) != sizeof(words))
			return false;
	}
	return fd >= 0 && !close(fd);
}

/* All that is started from here on has two, if there are as many. */
static unsigned processors_take(void)
{
	cpu_set_t all, some;
	unsigned count = 0;

	CPU_ZERO(&some);
	if (sched_getaffinity(0, sizeof(all), &all))
		return 0;
	for (unsigned n = 0; n < CPU_SETSIZE && count < 2; n++)
		if (CPU_ISSET(n, &all)) {
			CPU_SET(n, &some);
			count++;
		}
	return sched_setaffinity(0, sizeof(some), &some) ? 0 : count;
}

/* ---- inside ---- */

static void inside_measure(const char *driver, const char *hw, struct measured *measured)
{
	const char *const options[][2] = {
		{"hw", hw}, {"disk", image}, {"claim", "all"}, {"no-stats", "1"}};
	struct dry_machine *machine =
		reader_machine_start(driver, options, sizeof(options) / sizeof(options[0]));

	reader_open(&reader, machine, 0, 0, 1);
	for (unsigned n = 0; n < INSIDE_RUNS; n++)
		for (unsigned deep = 0; deep < 2; deep++) {
			double ns = reader_run(&reader, deep ? DEPTH : 1, deep ? 20000 : 2000);

			if (!n || ns < measured->ns[deep])
				measured->ns[deep] = ns;
		}
	reader_close(&reader);
	dry_machine_free(machine);
}

/* ---- over NBD ---- */

/* aio: as QEMU calls it. */
static bool daemon_start(struct served *served, const char *aio)
{
	char node[128], address[128];
	char *const words[] = {"qemu-storage-daemon", "--blockdev", node, "--blockdev",
		"driver=raw,node-name=disk,file=file", "--nbd-server", address, "--export",
		"type=nbd,id=export,node-name=disk,name=,writable=on", NULL};

	snprintf(node, sizeof(node), "driver=file,node-name=file,filename=%s,aio=%s", image, aio);
	snprintf(address, sizeof(address), "addr.type=unix,addr.path=%s", served->socket);
	return served_start(served, words);
}

static void better(struct served_load *best, struct served_load load)
{
	if (load.iops > best->iops)
		*best = load;
}

/* False: it does not start. */
static bool daemon_measure(struct served_load *best, const char *aio, unsigned ms)
{
	struct served served;

	snprintf(served.socket, sizeof(served.socket), "%s/daemon", folder);
	if (!daemon_start(&served, aio))
		return false;
	better(best, served_load(&served, DEPTH, ms));
	served_stop(&served);
	return true;
}

/* Of the seconds after the last client has gone. */
static double idle_measure(const struct served *served)
{
	const struct timespec settle = {.tv_nsec = 300000000}, look = {.tv_sec = 2};
	uint64_t before, after, start;

	nanosleep(&settle, NULL);
	before = served_cpu_ns(served);
	start = bench_ns();
	nanosleep(&look, NULL);
	after = served_cpu_ns(served);
	return 100.0 * (double)(after - before) / (double)(bench_ns() - start);
}

static bool machine_measure(const char *dryport, const char *driver, const char *hw, unsigned ms,
	struct measured *measured)
{
	struct served served;
	char *const words[] = {(char *)dryport, "run", (char *)driver, "--hw", (char *)hw, "--disk",
		image, "--nbd", served.socket, NULL};
	uint64_t start = bench_ns();
	double first;

	snprintf(served.socket, sizeof(served.socket), "%s/machine", folder);
	if (!served_start(&served, words))
		return false;
	first = (double)served_first_read(&served, start) / 1e6;
	if (!measured->ours.iops || first < measured->start_ms)
		measured->start_ms = first;
	better(&measured->ours, served_load(&served, DEPTH, ms));
	if (!measured->idle_percent)
		measured->idle_percent = idle_measure(&served);
	served_stop(&served);
	return true;
}

/* ---- figures ---- */

static void print_json(const char *hw, unsigned processors, const struct measured *m)
{
	char uring[32] = "null";

	if (m->has_uring)
		snprintf(uring, sizeof(uring), "%.0f", m->theirs_uring.iops);
	printf("{\"bench\": \"path\", \"cpu\": \"%s\", \"hw\": \"%s\", \"processors\": %u, "
	       "\"rows\": [\n",
		bench_cpu_name(), hw, processors);
	for (unsigned deep = 0; deep < 2; deep++)
		printf("  {\"name\": \"inside\", \"depth\": %d, \"ns\": %.0f, \"iops\": %.0f},\n",
			deep ? DEPTH : 1, m->ns[deep], 1e9 / m->ns[deep]);
	printf("  {\"name\": \"nbd\", \"depth\": %d, \"iops\": %.0f, \"cpu_ns\": %.0f, "
	       "\"reference_iops\": %.0f, \"reference_cpu_ns\": %.0f, \"ratio\": %.3f, "
	       "\"uring_iops\": %s}\n",
		DEPTH, m->ours.iops, m->ours.cpu_ns, m->theirs.iops, m->theirs.cpu_ns,
		m->ours.iops / m->theirs.iops, uring);
	printf("], \"start_ms\": %.1f, \"idle_percent\": %.2f}\n", m->start_ms, m->idle_percent);
}

static void print_load(const char *name, const struct served_load *load)
{
	printf("%-26s 4 KiB read, depth %3d: %7.0f a second; of the servers each takes %.1f us of "
	       "a processor\n",
		name, DEPTH, load->iops, load->cpu_ns / 1000);
}

static void print_table(const char *hw, unsigned processors, const struct measured *m)
{
	printf("%s on %u of this computer's processors\n", hw, processors);
	for (unsigned deep = 0; deep < 2; deep++)
		printf("%-26s 4 KiB read, depth %3d: %7.0f a second\n", "inside", deep ? DEPTH : 1,
			1e9 / m->ns[deep]);
	print_load("NBD", &m->ours);
	print_load("qemu-storage-daemon", &m->theirs);
	if (m->has_uring)
		print_load(" with aio=io_uring", &m->theirs_uring);
	printf("ratio %.2f; from its start to the first data %.0f ms; idle %.2f %% of a "
	       "processor\n",
		m->ours.iops / m->theirs.iops, m->start_ms, m->idle_percent);
}

/* Whether this computer lets programs have rings. */
static bool has_uring(void)
{
	struct io_uring_params parameters = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 1, &parameters);

	return ring >= 0 && !close(ring);
}

static int ended(const char *program)
{
	fprintf(stderr, "dryport bench: %s has ended before it served anybody\n", program);
	return 1;
}

int bench_qemu(char **words, bool json)
{
	const char *dryport = words[0], *driver = words[1], *hw = words[2];
	unsigned rounds = (unsigned)atoi(words[3]), ms = 1000 * (unsigned)atoi(words[4]);
	unsigned processors = processors_take();
	struct measured measured = {.has_uring = has_uring()};

	if (!image_make()) {
		fprintf(stderr, "dryport bench: no image in %s: %s\n", folder, strerror(errno));
		return 1;
	}
	inside_measure(driver, hw, &measured);
	for (unsigned n = 0; n < rounds; n++) {
		if (!daemon_measure(&measured.theirs, "threads", ms))
			return ended("qemu-storage-daemon");
		if (!machine_measure(dryport, driver, hw, ms, &measured))
			return ended("dryport run");
		if (measured.has_uring)
			measured.has_uring = daemon_measure(&measured.theirs_uring, "io_uring", ms);
	}
	if (json)
		print_json(hw, processors, &measured);
	else
		print_table(hw, processors, &measured);
	return 0;
}
