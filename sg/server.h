/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The machine's end of the SG front: SCSI commands of other processes (protocol.h) become
 * dry_scsi(). request.c judges what comes in and words the answer, server.c moves the bytes.
 */
#ifndef DRY_SG_SERVER_H
#define DRY_SG_SERVER_H

#include "protocol.h"

#include <dryport.h>

/* How many are served at once; others wait for their turn. */
#define SG_WORKERS 16

struct sg_server;

/* Serves the units of a running machine in this folder, which is there and private. NULL with errno
 * set if it cannot. */
struct sg_server *sg_server_start(struct dry_machine *machine, const char *folder);
/* No new connection is taken. Those under way go on: stop the machine, which ends them, then free.
 */
void sg_server_close(struct sg_server *server);
/* Waits for those under way. NULL does nothing. */
void sg_server_free(struct sg_server *server);

/*
 * request.c. Whether `bytes` bytes, as they came, are a request for a unit of a machine that has so
 * many, and may be followed by its data. 0; -EPROTO: no request of ours, the connection is of no
 * use; another -errno: the answer.
 */
int sg_request_check(const struct sg_request *request, uint64_t bytes, unsigned units);
/* The same for a command, once its unit is known. */
int sg_command_check(const struct sg_request *request, const struct dry_unit_info *info);
void sg_answer_set(struct sg_answer *answer, const struct dry_scsi *scsi);

#endif
