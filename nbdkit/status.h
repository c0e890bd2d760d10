/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The page that `dryport run` (cli/) shares with the machine's process (the nbdkit plugin): state,
 * progress and, at the end, the summary. cli/ makes it (a memfd, passed as the plugin's parameter
 * status=/proc/PID/fd/N), the plugin maps and writes it. One writer; `state` is stored last.
 */
#ifndef DRY_NBDKIT_STATUS_H
#define DRY_NBDKIT_STATUS_H

#include <dryport.h>

enum dry_status_state {
	DRY_STATUS_STARTING,
	DRY_STATUS_READY,   /* units are known, the socket answers soon */
	DRY_STATUS_FAILED,  /* message says why; the process ends */
	DRY_STATUS_STOPPED, /* the machine has stopped in good order; summary is final */
	DRY_STATUS_CRASHED  /* message is the first line of the report */
};

/* The log page of the simple controller (docs/simple-controller.md), which examples/simple reads
 * into a buffer of its own through an MDL, Build and Put. */
enum { DRY_STATUS_LOG = 8 };

struct dry_status {
	_Atomic int state;
	_Atomic int pid; /* of the machine's process: under a debugger it is not cli's child */
	uint64_t size;	 /* of the first unit, in bytes; set before READY */
	_Atomic uint64_t bytes_read, bytes_written; /* by the client so far, for the progress bar */
	_Atomic int log_wanted; /* cli: read the controller's log page before the stop */
	int log_result;		/* of dry_ioctl */
	uint64_t log[DRY_STATUS_LOG];
	struct dry_summary summary;
	int stop_result;
	char message[1024];
};

#endif
