/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Child processes, and the signals this program waits for. SIGCHLD, SIGINT, SIGTERM and SIGHUP are
 * blocked from process_init on and taken one by one in process_wait, so nothing runs in a handler.
 */
#ifndef DRY_CLI_PROCESS_H
#define DRY_CLI_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct process {
	pid_t pid;    /* 0: never started */
	bool running; /* as of the last process_poll */
	int status;   /* of waitpid, once it does not run */
};

struct process_setup {
	const char *output;	  /* file that takes stdout and stderr; NULL: ours */
	bool own_group;		  /* a terminal's ctrl-C does not reach it */
	bool no_input;		  /* standard input is /dev/null */
	char *const *environment; /* "NAME=VALUE" to add, ended by NULL; or NULL */
};

void process_init(void);
/* Signals act as usual again. */
void process_fini(void);
/* argv[0] is looked up in PATH. 0, or -errno of the fork or of the exec: then nothing runs. */
int process_start(struct process *process, char *const argv[], const struct process_setup *setup);
/* Whether it still runs; reaps it if not. */
bool process_poll(struct process *process);
void process_signal(const struct process *process, int signal);
/* As a shell says it: the exit status, or 128 + signal. */
int process_exit_status(const struct process *process);

/* Requests to stop, so far. */
struct process_interrupts {
	unsigned count;
	bool by_terminal;     /* the last one was typed: our process group has it too */
	bool ignore_terminal; /* a debugger has the terminal: typed ones are not for us */
};
extern struct process_interrupts process_interrupts;

/* Waits for a signal, ms at most. Signals may have told of several children: poll them all. */
void process_wait(unsigned ms);

#endif
