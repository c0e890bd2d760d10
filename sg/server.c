/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The SG front's sockets, files and threads. See server.h; the other end is preload.c. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* How long a client may take to send a request, and to take an answer; and when all is to end. */
#define PATIENCE_MS 10000
#define LAST_MS	    1000
/* Between two looks at the clock. */
#define LOOK_MS 100

struct sg_server {
	struct dry_machine *machine;
	int listener;
	_Atomic bool ends;
	pthread_t worker[SG_WORKERS];
	unsigned count;
};

/* ---- bytes ---- */

struct client {
	const struct sg_server *server;
	int fd;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* After a call that moved `result` bytes, or none: whether there is to be another. What a client
 * does now and then does not count: its time is for all of it. */
static bool may_go_on(const struct client *client, ssize_t result, uint64_t since)
{
	bool is_there = result > 0 || (result < 0 && (errno == EINTR || errno == EAGAIN));

	return is_there && now_ms() - since < (client->server->ends ? LAST_MS : PATIENCE_MS);
}

/* How many came before the end. */
static uint64_t receive(const struct client *client, void *data, uint64_t bytes)
{
	uint64_t at = 0, since = now_ms();
	ssize_t got;

	while (at < bytes) {
		got = recv(client->fd, (char *)data + at, bytes - at, 0);
		at += got > 0 ? (uint64_t)got : 0;
		if (!may_go_on(client, got, since))
			break;
	}
	return at;
}

static void reply(const struct client *client, const void *data, uint64_t bytes)
{
	uint64_t at = 0, since = now_ms();
	ssize_t sent;

	while (at < bytes) {
		sent = send(client->fd, (const char *)data + at, bytes - at, MSG_NOSIGNAL);
		at += sent > 0 ? (uint64_t)sent : 0;
		if (!may_go_on(client, sent, since))
			return;
	}
}

/* ---- requests ---- */

static void info_set(struct sg_info *to, const struct dry_unit_info *info)
{
	unsigned path = 0, target = 0, lun = 0;

	sscanf(info->name, "%u:%u:%u", &path, &target, &lun);
	*to = (struct sg_info){
		.size = info->size,
		.block_size = info->block_size,
		.max_transfer = info->max_transfer,
		.read_only = info->read_only,
		.path = (uint8_t)path,
		.target = (uint8_t)target,
		.lun = (uint8_t)lun,
	};
}

/* Carries the command out. *data: what came in, the caller's to free. False: the connection is of
 * no use any more. */
static bool command_run(const struct client *client, struct dry_unit *unit,
	const struct sg_request *request, struct sg_answer *answer, void **data)
{
	struct dry_scsi scsi = {
		.cdb_length = request->cdb_length,
		.is_write = request->direction == SG_OUT,
		.bytes = request->bytes,
		.seconds = request->seconds,
	};
	int err;

	_Static_assert(sizeof(scsi.cdb) == sizeof(request->cdb), "what goes, goes on");
	memcpy(scsi.cdb, request->cdb, sizeof(scsi.cdb));
	*data = scsi.data = calloc(1, request->bytes ? request->bytes : 1);
	if (!scsi.data) {
		answer->error = ENOMEM;
		return true;
	}
	if ((request->direction == SG_OUT || request->direction == SG_OUT_IN) &&
		receive(client, scsi.data, request->bytes) != request->bytes)
		return false;
	err = dry_scsi(unit, &scsi);
	if (err)
		answer->error = err == -ESHUTDOWN ? ENODEV : -err;
	else
		sg_answer_set(answer, &scsi);
	return true;
}

static void serve(const struct client *client)
{
	const struct sg_server *server = client->server;
	struct sg_answer answer = {.magic = SG_ANSWER_MAGIC};
	struct sg_request request;
	struct dry_unit_info info;
	struct dry_unit *unit;
	uint64_t bytes = receive(client, &request, sizeof(request));
	void *data = NULL;
	bool is_in, goes_on = true;
	int err = sg_request_check(&request, bytes, dry_unit_count(server->machine));

	if (err == -EPROTO)
		return;
	unit = err ? NULL : dry_unit_get(server->machine, request.unit);
	if (unit) {
		dry_unit_info(unit, &info);
		info_set(&answer.info, &info);
		if (request.operation == SG_OP_COMMAND)
			err = sg_command_check(&request, &info);
	}
	if (!unit || err)
		answer.error = err ? -err : ENODEV;
	else if (request.operation == SG_OP_COMMAND)
		goes_on = command_run(client, unit, &request, &answer, &data);
	is_in = request.direction == SG_IN || request.direction == SG_OUT_IN;
	if (goes_on) {
		reply(client, &answer, sizeof(answer));
		if (is_in && !answer.error)
			reply(client, data, answer.moved);
	}
	free(data);
}

static void *worker_main(void *arg)
{
	const struct timeval look = {.tv_usec = LOOK_MS * 1000};
	struct sg_server *server = arg;

	for (;;) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0 && (server->ends || errno == EINVAL || errno == EBADF))
			return NULL; /* it was closed */
		if (fd < 0) {	     /* too many files, too little memory: for now */
			usleep(10000);
			continue;
		}
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &look, sizeof(look));
		serve(&(struct client){server, fd});
		close(fd);
	}
}

/* ---- start and stop ---- */

static int units_show(const struct dry_machine *machine, const char *folder)
{
	char path[4096];
	int fd;

	for (unsigned n = 0; n < dry_unit_count(machine); n++) {
		if (snprintf(path, sizeof(path), "%s/" SG_UNIT_NAME, folder, n) >=
			(int)sizeof(path))
			return -ENAMETOOLONG;
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		close(fd);
	}
	return 0;
}

static int listener_open(struct sg_server *server, const char *folder)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SG_SOCKET_NAME, folder) >=
		(int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	unlink(address.sun_path); /* of a machine that was here before */
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->listener < 0 ||
		bind(server->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(server->listener, SOMAXCONN) < 0)
		return -errno;
	return 0;
}

/* Signals are for the process's own threads. */
static int workers_start(struct sg_server *server)
{
	sigset_t all, before;
	int err = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (!err && server->count < SG_WORKERS) {
		err = pthread_create(&server->worker[server->count], NULL, worker_main, server);
		server->count += !err;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return server->count ? 0 : -err;
}

struct sg_server *sg_server_start(struct dry_machine *machine, const char *folder)
{
	struct sg_server *server = calloc(1, sizeof(*server));
	int err;

	if (!server)
		return NULL;
	server->machine = machine;
	server->listener = -1;
	err = units_show(machine, folder);
	if (!err)
		err = listener_open(server, folder);
	if (!err)
		err = workers_start(server);
	if (!err)
		return server;
	sg_server_free(server);
	errno = -err;
	return NULL;
}

void sg_server_close(struct sg_server *server)
{
	server->ends = true;
	shutdown(server->listener, SHUT_RDWR);
}

void sg_server_free(struct sg_server *server)
{
	if (!server)
		return;
	for (unsigned n = 0; n < server->count; n++)
		pthread_join(server->worker[n], NULL);
	if (server->listener >= 0)
		close(server->listener);
	free(server);
}
