/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The machine's own process: nbdkit in the foreground with our plugin, which dies with us, listens
 * on a Unix socket in a folder of mode 0700 (or where the user says), and tells its state through a
 * page of memory (nbdkit/status.h).
 */
#ifndef DRY_CLI_SERVER_H
#define DRY_CLI_SERVER_H

#include "options.h"
#include "process.h"

#include <limits.h>
#include "nbdkit/status.h"

struct server_config {
	const char *driver; /* the object */
	const struct run_options *options;
	const char *folder; /* ours, private: for the socket */
	const char *socket; /* the user's, or NULL */
	bool sg;	    /* the units are SCSI devices too: in this folder */
	bool gdb;
};

struct server {
	struct process process;
	struct dry_status *status;
	int status_fd;
	char socket[108]; /* sizeof(sun_path) */
	char uri[400];
};

/*
 * Starts it and waits until its units can be reached. CLI_OK, or CLI_FAILURE / CLI_USAGE after one
 * line that says what was wrong; then everything is undone. An interrupt ends the wait.
 */
int server_start(struct server *server, const struct server_config *config);
/* Asks it to stop in good order and waits for that; a second interrupt kills it. Copies the
 * summary. */
void server_stop(struct server *server, struct dry_summary *summary);
/* Whether it came to a good end: it stopped the machine, and everything was flushed. One line if
 * not. */
bool server_is_good(const struct server *server);
/* The controller's log page that was asked for (status.h), NULL if it could not be had. */
const uint64_t *server_log(const struct server *server);
void server_free(struct server *server);

#endif
