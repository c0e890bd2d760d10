/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A running machine at somebody's service: COMMAND's, or whoever connects to the socket. */
#ifndef DRY_CLI_SESSION_H
#define DRY_CLI_SESSION_H

#include "server.h"
#include "term.h"

/*
 * Runs COMMAND with {uri} replaced in its arguments and `uri` in its environment, and waits for it.
 * Its exit status as a shell says it; 127 after one line if it cannot be started. An interrupt is
 * passed on, a second kills it. If the machine ends before it, it has five seconds.
 */
int session_command(struct server *server, char *const *command, bool no_input);

/* Serves until an interrupt or the machine's end, with a line of progress on a terminal. */
void session_serve(struct server *server, const struct term *term);

#endif
