/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A SCSI command of a host program, handed on as it is: see dry_scsi() in dryport.h, and disk.h. */
#include "disk/disk.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

#define SECONDS_DEFAULT 60
#define SECONDS_MAX	(24 * 3600)

/* What an SRB status that is none of a unit's answers comes to; the rest is DRY_SCSI_FAILED. */
static const struct {
	uint8_t srb_status;
	uint8_t end;
} ends[] = {
	{SRB_STATUS_SUCCESS, DRY_SCSI_ANSWERED},
	{SRB_STATUS_DATA_OVERRUN, DRY_SCSI_ANSWERED}, /* an underrun, mostly (SB-10) */
	{SRB_STATUS_INVALID_REQUEST, DRY_SCSI_REFUSED},
	{SRB_STATUS_BAD_FUNCTION, DRY_SCSI_REFUSED},
	{SRB_STATUS_BUSY, DRY_SCSI_BUSY},
	{SRB_STATUS_TIMEOUT, DRY_SCSI_TIMEOUT},
	{SRB_STATUS_COMMAND_TIMEOUT, DRY_SCSI_TIMEOUT},
	{SRB_STATUS_BUS_RESET, DRY_SCSI_RESET},
	{SRB_STATUS_ABORTED, DRY_SCSI_ABORTED},
	{SRB_STATUS_REQUEST_FLUSHED, DRY_SCSI_ABORTED},
	{SRB_STATUS_NO_DEVICE, DRY_SCSI_NO_DEVICE},
	{SRB_STATUS_NO_HBA, DRY_SCSI_NO_DEVICE},
	{SRB_STATUS_SELECTION_TIMEOUT, DRY_SCSI_NO_DEVICE},
	{SRB_STATUS_INVALID_LUN, DRY_SCSI_NO_DEVICE},
	{SRB_STATUS_INVALID_TARGET_ID, DRY_SCSI_NO_DEVICE},
	{SRB_STATUS_INVALID_PATH_ID, DRY_SCSI_NO_DEVICE},
};

/* A status of the unit's own, CHECK CONDITION or another, is its answer. */
static enum dry_scsi_end end_of(const struct disk_command *command)
{
	if (command->srb_status == SRB_STATUS_ERROR && command->scsi_status)
		return DRY_SCSI_ANSWERED;
	for (size_t n = 0; n < array_size(ends); n++)
		if (ends[n].srb_status == command->srb_status)
			return ends[n].end;
	return DRY_SCSI_FAILED;
}

static int check(const struct disk *disk, const struct dry_scsi *scsi)
{
	if (!scsi->cdb_length || scsi->cdb_length > sizeof(scsi->cdb))
		return error_set(EINVAL, "a CDB of %u bytes; 1 to 32 go.", scsi->cdb_length);
	if (scsi->bytes > disk->info.max_transfer)
		return error_set(EINVAL, "%s: a command of %u bytes; its driver takes at most %u.",
			disk->info.name, scsi->bytes, disk->info.max_transfer);
	return 0;
}

/* Nothing was sent. */
static int unsent(struct dry_scsi *scsi, enum dry_scsi_end end, uint8_t srb_status)
{
	scsi->end = end;
	scsi->srb_status = srb_status;
	scsi->scsi_status = scsi->sense_length = 0;
	scsi->moved = 0;
	return 0;
}

int disk_pass(struct disk *disk, struct dry_scsi *scsi)
{
	struct disk_command command = {
		.function = SRB_FUNCTION_EXECUTE_SCSI,
		.cdb_length = scsi->cdb_length,
		.data = scsi->data,
		.bytes = scsi->bytes,
		.out = scsi->bytes && scsi->is_write,
		.in = scsi->bytes && !scsi->is_write,
		.vital = true,
		.once = true,
		.seconds = scsi->seconds ? min_of(scsi->seconds, SECONDS_MAX) : SECONDS_DEFAULT,
		.srb_status = SRB_STATUS_PENDING,
		.sense = scsi->sense,
	};
	int err = check(disk, scsi);

	if (err)
		return err;
	_Static_assert(sizeof(scsi->sense) >= PORT_SENSE_BYTES, "room for all sense data");
	if (scsi->cdb_length > sizeof(((PSCSI_REQUEST_BLOCK)0)->Cdb) &&
		!disk->adapter->limits.extended_srb)
		return unsent(scsi, DRY_SCSI_REFUSED, SRB_STATUS_INVALID_REQUEST);
	if (!disk_enter(disk))
		return unsent(scsi, DRY_SCSI_NO_DEVICE, SRB_STATUS_NO_DEVICE);
	memcpy(command.cdb, scsi->cdb, scsi->cdb_length);
	err = disk_execute(disk->unit, &command);
	disk_leave(disk);
	if (command.srb_status == SRB_STATUS_PENDING) /* it was never sent */
		return err;
	scsi->end = end_of(&command);
	scsi->srb_status = command.srb_status;
	scsi->scsi_status = scsi->end == DRY_SCSI_ANSWERED ? command.scsi_status : 0;
	scsi->sense_length = command.sense_length;
	scsi->moved = command.moved;
	return 0;
}
