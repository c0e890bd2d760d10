/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Requests of the SG front judged, answers worded as Linux's sg driver words them. See server.h. */
#include "server.h"

#include <errno.h>
#include <string.h>

/* Linux's host_status (DID_) and driver_status, which no header for programs has. */
enum {
	HOST_OK = 0x00,
	HOST_NO_CONNECT = 0x01,
	HOST_BUS_BUSY = 0x02,
	HOST_TIME_OUT = 0x03,
	HOST_ABORT = 0x05,
	HOST_ERROR = 0x07,
	HOST_RESET = 0x08
};
#define DRIVER_SENSE	0x08
#define CHECK_CONDITION 0x02

int sg_request_check(const struct sg_request *request, uint64_t bytes, unsigned units)
{
	if (bytes != sizeof(*request) || request->magic != SG_REQUEST_MAGIC ||
		request->operation > SG_OP_COMMAND || request->direction > SG_OUT_IN)
		return -EPROTO;
	if ((request->direction == SG_NONE || request->operation == SG_OP_INFO) && request->bytes)
		return -EPROTO;
	return request->unit < units ? 0 : -ENXIO;
}

int sg_command_check(const struct sg_request *request, const struct dry_unit_info *info)
{
	if (!request->cdb_length || request->cdb_length > sizeof(request->cdb))
		return -EMSGSIZE;
	return request->bytes <= info->max_transfer ? 0 : -EINVAL;
}

/* sense as long as it says itself, as the sg driver does; a miniport may leave the length of the
 * buffer. */
static uint8_t sense_length(const struct dry_scsi *scsi)
{
	unsigned says = scsi->sense_length < 8 ? scsi->sense_length : 8u + scsi->sense[7];

	return (uint8_t)(says < scsi->sense_length ? says : scsi->sense_length);
}

void sg_answer_set(struct sg_answer *answer, const struct dry_scsi *scsi)
{
	static const uint8_t host_status[] = {
		[DRY_SCSI_ANSWERED] = HOST_OK,
		[DRY_SCSI_REFUSED] = HOST_ABORT,
		[DRY_SCSI_BUSY] = HOST_BUS_BUSY,
		[DRY_SCSI_TIMEOUT] = HOST_TIME_OUT,
		[DRY_SCSI_RESET] = HOST_RESET,
		[DRY_SCSI_ABORTED] = HOST_ABORT,
		[DRY_SCSI_NO_DEVICE] = HOST_NO_CONNECT,
		[DRY_SCSI_FAILED] = HOST_ERROR,
	};

	answer->moved = scsi->moved;
	answer->host_status = host_status[scsi->end];
	answer->scsi_status = scsi->scsi_status;
	answer->sense_length = sense_length(scsi);
	if (answer->sense_length && scsi->scsi_status == CHECK_CONDITION)
		answer->driver_status = DRIVER_SENSE;
	memcpy(answer->sense, scsi->sense, answer->sense_length);
}
