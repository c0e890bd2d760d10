/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A running machine at somebody's service: COMMAND's, or whoever connects to the socket. */
#ifndef DRY_CLI_SESSION_H
#define DRY_CLI_SESSION_H

#include "server.h"
#include "term.h"

struct session {
	const char *sg; /* folder of the SG front, for which COMMAND gets the library; or NULL */
	const char *output; /* file that takes what it prints; NULL: ours */
	bool no_input;	    /* standard input is /dev/null */
	unsigned seconds;   /* it is killed after so many; 0: never */
	bool timed_out;	    /* filled in: it was */
};

/*
 * Runs COMMAND with {uri} replaced in its arguments and `uri` in its environment, and waits for it.
 * Its exit status as a shell says it; 127 after one line if it cannot be started. An interrupt is
 * passed on, a second kills it. If the machine ends before it, it has five seconds.
 */
int session_command(struct server *server, char *const *command, struct session *session);

/* Serves until an interrupt or the machine's end, with a line of progress on a terminal. */
void session_serve(struct server *server, const struct term *term);

#endif
