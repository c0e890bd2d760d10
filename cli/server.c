/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The machine's own process: see server.h. Used by run.c and job.c; the other end is
 * nbdkit/plugin.c. */
#include "server.h"
#include "miniport.h"
#include "term.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ARGUMENTS_MAX	 (RUN_OPTIONS_MAX + 32)
#define STOP_PATIENCE_NS (10 * 1000000000ull)
#define EXIT_PATIENCE_NS 1000000000ull

/* An argument list whose words it owns. */
struct words {
	char *word[ARGUMENTS_MAX + 1];
	unsigned count;
	bool failed;
};

static void __attribute__((format(printf, 2, 3)))
words_add(struct words *words, const char *fmt, ...)
{
	va_list ap;
	char *word;

	va_start(ap, fmt);
	if (words->count == ARGUMENTS_MAX || vasprintf(&word, fmt, ap) < 0)
		words->failed = true;
	else
		words->word[words->count++] = word;
	va_end(ap);
}

static void words_free(struct words *words)
{
	while (words->count)
		free(words->word[--words->count]);
}

/* ---- the environment of a sanitized build ---- */

/* The shared runtime that this program itself runs with; nbdkit, which has none, is given the same
 * one. */
static int runtime_visit(struct dl_phdr_info *info, size_t size, void *path)
{
	const char *base = strrchr(info->dlpi_name, '/');

	/* clang's and gcc's */
	if (!base || !strstr(base, ".so") ||
		(!strstr(base, "clang_rt.") && !strstr(base, "libtsan")))
		return 0;
	snprintf(path, PATH_MAX, "%s", info->dlpi_name);
	return 1;
}

static void environment_add(struct words *environment)
{
	const char *options = getenv("ASAN_OPTIONS");
	char runtime[PATH_MAX];

	if (!dl_iterate_phdr(runtime_visit, runtime))
		return;
	words_add(environment, "LD_PRELOAD=%s", runtime);
	/* what nbdkit itself leaves at its end is not ours to judge */
	words_add(environment, "ASAN_OPTIONS=%s%sdetect_leaks=0", options ? options : "",
		options ? ":" : "");
}

/* ---- the command line ---- */

/* gdb does not run with the sanitizer's runtime: only what it starts does. */
static void gdb_add(struct words *words, const struct words *environment)
{
	unsigned n;

	words_add(words, "gdb");
	words_add(words, "-q");
	words_add(words, "-ex");
	words_add(words, "set breakpoint pending on");
	/* a register behind a stray pointer is reached through a fault */
	words_add(words, "-ex");
	words_add(words, "handle SIGSEGV SIGBUS nostop noprint pass");
	words_add(words, "-ex");
	words_add(words, "handle SIGTERM nostop print pass");
	/* nbdkit makes 64 threads for each connection */
	words_add(words, "-ex");
	words_add(words, "set print thread-events off");
	for (n = 0; n < environment->count; n++) {
		words_add(words, "-ex");
		words_add(words, "set environment %s", environment->word[n]);
	}
	words_add(words, "--args");
}

static void nbdkit_add(
	struct words *words, const struct server *server, const struct server_config *config)
{
	const struct run_options *options = config->options;
	char plugin[PATH_MAX];
	unsigned n;

	words_add(words, "nbdkit");
	words_add(words, "-f");
	words_add(words, "--exit-with-parent");
	/* nbdkit's own limit of 16 threads would be the queue depth */
	words_add(words, "-t");
	words_add(words, "64");
	words_add(words, "-U");
	words_add(words, "%s", server->socket);
	words_add(words, "%s", build_path(plugin, "nbdkit/nbdkit-dryport-plugin.so"));
	words_add(words, "driver=%s", config->driver);
	if (config->sg)
		words_add(words, "sg=%s", config->folder);
	for (n = 0; n < options->count; n++)
		words_add(words, "%s=%s", options->option[n].name, options->option[n].value);
	words_add(words, "status=/proc/%d/fd/%d", (int)getpid(), server->status_fd);
}

static int server_spawn(struct server *server, const struct server_config *config)
{
	struct words words = {.count = 0}, environment = {.count = 0};
	struct process_setup setup = {
		.own_group = !config->gdb, /* gdb needs the terminal */
		.no_input = !config->gdb,
		.environment = config->gdb ? NULL : environment.word,
	};
	int err;

	process_interrupts.ignore_terminal = config->gdb;
	environment_add(&environment);
	if (config->gdb)
		gdb_add(&words, &environment);
	nbdkit_add(&words, server, config);
	if (words.failed || environment.failed)
		err = -ENOMEM;
	else
		err = process_start(&server->process, words.word, &setup);
	if (err < 0)
		cli_fail("%s: %s%s", words.count ? words.word[0] : "nbdkit", strerror(-err),
			err == -ENOENT ? " (install the package of that name)" : "");
	words_free(&words);
	words_free(&environment);
	return err < 0 ? CLI_FAILURE : CLI_OK;
}

/* ---- the socket ---- */

static void greeting_take(int fd)
{
	const struct timeval limit = {.tv_usec = 200000};
	char greeting[64];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (recv(fd, greeting, sizeof(greeting), 0) > 0)
		shutdown(fd, SHUT_WR);
}

/* A socket that nobody listens on is what a killed server leaves behind: it goes. */
static int socket_clear(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char folder[sizeof(address.sun_path)];
	struct stat st;
	int fd, refused;

	if (lstat(path, &st) < 0) {
		snprintf(
			folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path) + 1, path);
		if (access(folder, W_OK | X_OK) == 0)
			return CLI_OK;
		return cli_fail("%s: no socket can be made there: %s", path, strerror(errno));
	}
	if (!S_ISSOCK(st.st_mode))
		return cli_fail(
			"%s: is there and is no socket; name another place with --nbd", path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	refused = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 &&
		  errno == ECONNREFUSED;
	/* a server complains of a client that leaves before its greeting */
	if (!refused)
		greeting_take(fd);
	close(fd);
	if (!refused)
		return cli_fail("%s: the socket is in use; stop its server or name another place "
				"with --nbd",
			path);
	unlink(path);
	return CLI_OK;
}

static int socket_name(struct server *server, const struct server_config *config)
{
	char folder[PATH_MAX] = "";
	int length;

	if (!config->socket)
		length = snprintf(server->socket, sizeof(server->socket), "%s/nbd", config->folder);
	else if (config->socket[0] == '/' || !getcwd(folder, sizeof(folder)))
		length = snprintf(server->socket, sizeof(server->socket), "%s", config->socket);
	else
		length = snprintf(
			server->socket, sizeof(server->socket), "%s/%s", folder, config->socket);
	if (length >= (int)sizeof(server->socket))
		return cli_usage("--nbd: the path is longer than a socket's may be (%zu bytes)",
			sizeof(server->socket) - 1);
	return config->socket ? socket_clear(server->socket) : CLI_OK;
}

/* What a URI's query may not hold as it is becomes %XX. */
static void uri_write(struct server *server)
{
	char *to = stpcpy(server->uri, "nbd+unix:///?socket=");
	const unsigned char *c;

	for (c = (const unsigned char *)server->socket; *c; c++)
		if (*c <= ' ' || *c >= 127 || strchr("%&#?+\"'<>\\^`{|}", *c))
			to += sprintf(to, "%%%02X", *c);
		else
			*to++ = (char)*c;
	*to = 0;
}

/* ---- start and stop ---- */

static int page_make(struct server *server)
{
	server->status_fd = memfd_create("dryport-status", MFD_CLOEXEC);
	if (server->status_fd < 0 || ftruncate(server->status_fd, sizeof(*server->status)) < 0)
		return cli_fail("no shared memory: %s", strerror(errno));
	server->status = mmap(NULL, sizeof(*server->status), PROT_READ | PROT_WRITE, MAP_SHARED,
		server->status_fd, 0);
	if (server->status != MAP_FAILED)
		return CLI_OK;
	server->status = NULL;
	return cli_fail("no shared memory: %s", strerror(errno));
}

static int ready_wait(struct server *server)
{
	int state;

	while (process_poll(&server->process) && server->status->state == DRY_STATUS_STARTING &&
		!process_interrupts.count)
		process_wait(5);
	state = server->status->state;
	switch (state) {
	case DRY_STATUS_READY:
		return CLI_OK;
	case DRY_STATUS_FAILED:
		return cli_fail("%s", server->status->message);
	case DRY_STATUS_STARTING:
		if (process_interrupts.count)
			return cli_fail("interrupted before the machine was ready");
		/* fall through */
	default:
		return cli_fail("the machine's process ended (status %d) before the machine was "
				"ready",
			process_exit_status(&server->process));
	}
}

int server_start(struct server *server, const struct server_config *config)
{
	int status;

	*server = (struct server){.status_fd = -1};
	status = page_make(server);
	if (!status)
		status = socket_name(server, config);
	if (!status)
		status = server_spawn(server, config);
	if (!status) {
		uri_write(server);
		status = ready_wait(server);
	}
	if (status) {
		server_stop(server, NULL);
		server_free(server);
	}
	return status;
}

/*
 * Once the machine is no more, its process has nothing to do but end. With a sanitizer's runtime it
 * may not: libraries of nbdkit's then hang in their destructors.
 */
static void end_hasten(const struct server *server, uint64_t *over)
{
	int state = server->status ? server->status->state : DRY_STATUS_STARTING;

	if (state != DRY_STATUS_STOPPED && state != DRY_STATUS_FAILED)
		return;
	if (!*over)
		*over = term_clock();
	else if (term_clock() - *over > EXIT_PATIENCE_NS)
		process_signal(&server->process, SIGKILL);
}

void server_stop(struct server *server, struct dry_summary *summary)
{
	unsigned interrupts = process_interrupts.count;
	uint64_t start = term_clock(), over = 0;
	bool told = false;

	/* under gdb our child is gdb */
	if (server->status && server->status->pid && server->process.running)
		kill(server->status->pid, SIGTERM);
	else
		process_signal(&server->process, SIGTERM);
	while (process_poll(&server->process)) {
		process_wait(20);
		if (process_interrupts.count > interrupts)
			process_signal(&server->process, SIGKILL);
		if (!process_interrupts.ignore_terminal)
			end_hasten(server, &over);
		if (!told && term_clock() - start > STOP_PATIENCE_NS) {
			told = true;
			cli_fail("the machine is still stopping; ctrl-C kills it");
		}
	}
	if (summary && server->status)
		*summary = server->status->summary;
}

bool server_is_good(const struct server *server)
{
	int status = process_exit_status(&server->process);
	int state = server->status->state;

	switch (state) {
	case DRY_STATUS_STOPPED:
		if (server->status->stop_result == 0)
			return true;
		cli_fail("%s", server->status->message);
		return false;
	case DRY_STATUS_CRASHED:
	case DRY_STATUS_FAILED:
		cli_fail("%s", server->status->message);
		return false;
	default:
		cli_fail("the machine's process ended (status %d) without stopping the machine",
			status);
		return false;
	}
}

const uint64_t *server_log(const struct server *server)
{
	const struct dry_status *status = server->status;
	bool had = status->state == DRY_STATUS_STOPPED && status->log_wanted && !status->log_result;

	return had ? status->log : NULL;
}

void server_free(struct server *server)
{
	/* nbdkit leaves it */
	if (server->process.pid)
		unlink(server->socket);
	if (server->status)
		munmap(server->status, sizeof(*server->status));
	if (server->status_fd >= 0)
		close(server->status_fd);
	server->status = NULL;
	server->status_fd = -1;
}
