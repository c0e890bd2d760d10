/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What an SRB's end means to a program: tables from SRB status and sense data to errno. See disk.h.
 */
#include "disk/disk.h"

#include <errno.h>

struct outcome {
	uint8_t code;
	bool again;
	int err;
};

static const struct outcome srb_outcome[] = {
	{SRB_STATUS_SUCCESS, false, 0},
	{SRB_STATUS_DATA_OVERRUN, false, 0}, /* an underrun; the caller compares lengths (SB-10) */
	{SRB_STATUS_BUSY, true, EBUSY},
	/* Nothing is known of it. Class drivers with public sources (Microsoft's for CD-ROMs) send
	 * these again; a driver may end the one request that it has at a reset so. */
	{SRB_STATUS_ERROR, true, EIO},
	{SRB_STATUS_PARITY_ERROR, true, EIO},
	{SRB_STATUS_UNEXPECTED_BUS_FREE, true, EIO},
	{SRB_STATUS_BUS_RESET, true, EIO},
	{SRB_STATUS_ABORTED, true, EIO},
	{SRB_STATUS_TIMEOUT, true, ETIMEDOUT},
	{SRB_STATUS_COMMAND_TIMEOUT, true, ETIMEDOUT},
	{SRB_STATUS_REQUEST_FLUSHED, true, EIO},
	{SRB_STATUS_INVALID_REQUEST, false, EINVAL},
	{SRB_STATUS_BAD_FUNCTION, false, ENOTSUP},
	{SRB_STATUS_NO_DEVICE, false, ENXIO},
	{SRB_STATUS_NO_HBA, false, ENXIO},
	{SRB_STATUS_SELECTION_TIMEOUT, false, ENXIO},
	{SRB_STATUS_INVALID_LUN, false, ENXIO},
	{SRB_STATUS_INVALID_TARGET_ID, false, ENXIO},
	{SRB_STATUS_INVALID_PATH_ID, false, ENXIO},
	{SRB_STATUS_INTERNAL_ERROR, false, ENOMEM},
};

/* By sense key. */
static const struct outcome sense_outcome[] = {
	{SCSI_SENSE_NO_SENSE, true, EIO}, /* an error that nothing is known of */
	{SCSI_SENSE_RECOVERED_ERROR, false, 0},
	{SCSI_SENSE_NOT_READY, true, EIO},
	{SCSI_SENSE_MEDIUM_ERROR, false, EIO},
	{SCSI_SENSE_HARDWARE_ERROR, false, EIO},
	{SCSI_SENSE_ILLEGAL_REQUEST, false, ENOTSUP},
	{SCSI_SENSE_UNIT_ATTENTION, true, EIO},
	{SCSI_SENSE_DATA_PROTECT, false, EROFS},
	{SCSI_SENSE_ABORTED_COMMAND, true, EIO},
};

#define ASC_LBA_OUT_OF_RANGE	     0x21
#define ASC_INVALID_FIELD	     0x24
#define ASC_WRITE_PROTECTED	     0x27
#define ASCQ_SPACE_ALLOCATION_FAILED 0x07

static const struct outcome *find(const struct outcome *table, size_t count, uint8_t code)
{
	for (size_t n = 0; n < count; n++)
		if (table[n].code == code)
			return &table[n];
	return NULL;
}

static bool has_sense(const struct port_request *request)
{
	const uint8_t *sense = request->sense;

	return request->srb_status == SRB_STATUS_ERROR && request->sense_length >= 3 &&
	       (sense[0] & 0x7c) == 0x70;
}

static int from_sense(const struct port_request *request, bool *again)
{
	const uint8_t *sense = request->sense;
	uint8_t code = sense[0] & 0x7f;
	bool descriptor = code == 0x72 || code == 0x73;
	uint8_t key = descriptor ? sense[1] & 0xf : sense[2] & 0xf;
	uint8_t asc = 0, ascq = 0;
	const struct outcome *outcome = find(sense_outcome, array_size(sense_outcome), key);

	if (descriptor && request->sense_length >= 4) {
		asc = sense[2];
		ascq = sense[3];
	} else if (!descriptor && request->sense_length >= 14) {
		asc = sense[12];
		ascq = sense[13];
	}
	if (!outcome)
		return -EIO;
	*again = outcome->again;
	if (asc == ASC_WRITE_PROTECTED && ascq == ASCQ_SPACE_ALLOCATION_FAILED)
		return -ENOSPC;
	if (key == SCSI_SENSE_ILLEGAL_REQUEST && asc == ASC_LBA_OUT_OF_RANGE)
		return -ENXIO;
	if (key == SCSI_SENSE_ILLEGAL_REQUEST && asc == ASC_INVALID_FIELD)
		return -EINVAL;
	return -outcome->err;
}

int disk_outcome(const struct port_request *request, bool *again)
{
	const struct outcome *outcome;

	*again = false;
	if (likely(request->srb_status == SRB_STATUS_SUCCESS))
		return 0;
	if (has_sense(request))
		return from_sense(request, again);
	if (request->scsi_status == SCSISTAT_RESERVATION_CONFLICT)
		return -EIO; /* another initiator's unit: it stays so */
	outcome = find(srb_outcome, array_size(srb_outcome), request->srb_status);
	if (!outcome)
		return -EIO;
	*again = outcome->again;
	return -outcome->err;
}
