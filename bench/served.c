/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* See served.h. */
#include "served.h"

#include "bench.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS 30000000000ull
#define BLOCK	    4096
#define ACCEPTS	    0x10000 /* a socket's flag in /proc/net/unix: __SO_ACCEPTCON */

static __attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...)
{
	va_list list;

	fprintf(stderr, "dryport bench: ");
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, "\n");
	exit(1);
}

static void nap(unsigned ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l};

	nanosleep(&time, NULL);
}

/* ---- processes ---- */

/* It ends with us. */
static pid_t spawn(char *const *words, int out)
{
	pid_t parent = getpid(), child = fork();

	if (child < 0)
		fail("no process: %s", strerror(errno));
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	dup2(out, STDOUT_FILENO);
	execvp(words[0], words);
	fprintf(stderr, "dryport bench: %s: %s\n", words[0], strerror(errno));
	_exit(127);
}

/* Threads of a process, and of those that it has started. */
static void cost_add(pid_t pid, uint64_t *cpu_ns);

static void children_add(const char *folder, const char *thread, uint64_t *cpu_ns)
{
	char path[128];
	FILE *file;
	int child;

	snprintf(path, sizeof(path), "%s/%.16s/children", folder, thread);
	file = fopen(path, "re");
	while (file && fscanf(file, "%d", &child) == 1)
		cost_add(child, cpu_ns);
	if (file)
		fclose(file);
}

static void cost_add(pid_t pid, uint64_t *cpu_ns)
{
	struct timespec used;
	struct dirent *thread;
	char folder[64];
	clockid_t clock;
	DIR *threads;

	if (!clock_getcpuclockid(pid, &clock) && !clock_gettime(clock, &used))
		*cpu_ns += (uint64_t)used.tv_sec * 1000000000ull + (uint64_t)used.tv_nsec;
	snprintf(folder, sizeof(folder), "/proc/%d/task", (int)pid);
	threads = opendir(folder);
	while (threads && (thread = readdir(threads)) != NULL) {
		if (thread->d_name[0] == '.')
			continue;
		children_add(folder, thread->d_name, cpu_ns);
	}
	if (threads)
		closedir(threads);
}

uint64_t served_cpu_ns(const struct served *served)
{
	uint64_t cpu_ns = 0;

	cost_add(served->pid, &cpu_ns);
	return cpu_ns;
}

/* ---- a client of ours ---- */

static int greet(const char *path, char *greeting, size_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0)
		fail("no socket: %s", strerror(errno));
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)) &&
		recv(fd, greeting, size, MSG_WAITALL) == (ssize_t)size)
		return fd;
	close(fd);
	return -1;
}

/* Between a socket's bind and its listen a client is refused. The kernel knows; to connect would
 * trouble the server. */
static bool is_listening(const char *path)
{
	FILE *sockets = fopen("/proc/net/unix", "re");
	char line[256];
	bool found = false;
	unsigned flags;
	int name;

	if (!sockets)
		fail("/proc/net/unix: %s", strerror(errno));
	while (!found && fgets(line, sizeof(line), sockets))
		found = sscanf(line, "%*s %*s %*s %x %*s %*s %*s %n", &flags, &name) == 1 &&
			flags & ACCEPTS && !strncmp(line + name, path, strlen(path)) &&
			line[name + (int)strlen(path)] == '\n';
	fclose(sockets);
	return found;
}

bool served_start(struct served *served, char *const *words)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	unlink(served->socket);
	served->pid = spawn(words, nowhere);
	close(nowhere);
	for (uint64_t end = bench_ns() + PATIENCE_NS; !is_listening(served->socket);) {
		if (waitpid(served->pid, NULL, WNOHANG))
			return false;
		if (bench_ns() > end)
			fail("%s did not serve anybody for 30 seconds", words[0]);
		nap(1);
	}
	return true;
}

void served_stop(struct served *served)
{
	kill(served->pid, SIGTERM);
	waitpid(served->pid, NULL, 0);
	unlink(served->socket);
}

/* NBD's protocol.md: fixed newstyle, NBD_OPT_EXPORT_NAME without zeroes, NBD_CMD_READ. */
uint64_t served_first_read(const struct served *served, uint64_t since)
{
	struct __attribute__((packed)) {
		uint32_t flags;
		uint64_t magic;
		uint32_t option, length;
	} choose = {htobe32(3), htobe64(0x49484156454f5054ull), htobe32(1), 0};
	struct __attribute__((packed)) {
		uint32_t magic;
		uint16_t flags, type;
		uint64_t handle, offset;
		uint32_t length;
	} read = {htobe32(0x25609513), 0, 0, 7, 0, htobe32(BLOCK)};
	struct __attribute__((packed)) {
		uint32_t magic, error;
		uint64_t handle;
		char data[BLOCK];
	} answer;
	char greeting[18], export[10];
	uint64_t end = since + PATIENCE_NS;
	int fd;

	while ((fd = greet(served->socket, greeting, sizeof(greeting))) < 0)
		if (bench_ns() > end)
			fail("the server did not greet");
		else
			nap(1);
	if (send(fd, &choose, sizeof(choose), MSG_NOSIGNAL) != sizeof(choose) ||
		recv(fd, export, sizeof(export), MSG_WAITALL) != sizeof(export) ||
		send(fd, &read, sizeof(read), MSG_NOSIGNAL) != sizeof(read) ||
		recv(fd, &answer, sizeof(answer), MSG_WAITALL) != sizeof(answer) ||
		answer.magic != htobe32(0x67446698) || answer.error)
		fail("the first read failed");
	since = bench_ns() - since;
	close(fd);
	return since;
}

/* ---- fio ---- */

/* Of its lines one has figures: the fifth field is the error, the sixth what was read in KiB, the
 * eighth reads a second. How many reads it has made; 0: none, or not all were good. */
static double reads_of(FILE *file, double *iops)
{
	double kib, found, reads = 0;
	unsigned error;
	char line[4096];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "3;%*[^;];%*[^;];%*u;%u;%lf;%*u;%lf;", &error, &kib, &found) ==
			3) {
			reads = error ? 0 : kib * 1024 / BLOCK;
			*iops = found;
		}
	return reads;
}

struct served_load served_load(const struct served *served, unsigned depth, unsigned milliseconds)
{
	char uri[160], runtime[32], iodepth[24];
	char *const words[] = {"fio", "--name=read", "--ioengine=nbd", uri, "--rw=randread",
		"--bs=4k", iodepth, "--time_based", runtime, "--output-format=terse", NULL};
	uint64_t before = served_cpu_ns(served), after;
	struct served_load load;
	int out[2], status = 0;
	double reads;
	FILE *file;
	pid_t fio;

	snprintf(uri, sizeof(uri), "--uri=nbd+unix:///?socket=%s", served->socket);
	snprintf(iodepth, sizeof(iodepth), "--iodepth=%u", depth);
	snprintf(runtime, sizeof(runtime), "--runtime=%ums", milliseconds);
	if (pipe2(out, O_CLOEXEC))
		fail("no pipe: %s", strerror(errno));
	fio = spawn(words, out[1]);
	close(out[1]);
	file = fdopen(out[0], "r");
	reads = reads_of(file, &load.iops);
	if (file)
		fclose(file);
	after = served_cpu_ns(served);
	if (waitpid(fio, &status, 0) < 0 || status || !reads)
		fail("fio: no figure (wait status 0x%x)", (unsigned)status);
	load.cpu_ns = (double)(after - before) / reads;
	return load;
}
