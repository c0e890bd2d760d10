/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The CDBs that the disk sends; the numbers are SBC-4's and SPC-5's. Reads and writes are in
 * disk.h. */
#include "disk/disk.h"

#include <endian.h>
#include <string.h>

#define FLUSH_SECONDS 120

static void put16(uint8_t *at, uint16_t value)
{
	value = htobe16(value);
	memcpy(at, &value, sizeof(value));
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htobe32(value);
	memcpy(at, &value, sizeof(value));
}

void disk_command_set(struct port_request *request, const uint8_t *cdb, unsigned length,
	uint32_t flags, uint32_t seconds)
{
	request->function = SRB_FUNCTION_EXECUTE_SCSI;
	request->cdb_length = (uint8_t)length;
	memset(request->cdb, 0, sizeof(request->cdb));
	memcpy(request->cdb, cdb, length);
	request->flags = flags;
	request->timeout = seconds;
}

void disk_command_flush(struct disk_transfer *transfer)
{
	/* Block 0 and count 0: everything. */
	const uint8_t cdb[10] = {SCSIOP_SYNCHRONIZE_CACHE};

	disk_command_set(
		transfer->request, cdb, sizeof(cdb), SRB_FLAGS_NO_DATA_TRANSFER, FLUSH_SECONDS);
}

void disk_command_unmap(struct disk_transfer *transfer, uint64_t block, uint32_t blocks)
{
	uint8_t cdb[10] = {SCSIOP_UNMAP};
	uint8_t *list = transfer->own;

	memset(list, 0, 24);
	put16(&list[0], 22); /* bytes that follow this field */
	put16(&list[2], 16); /* of descriptors */
	disk_put64(&list[8], block);
	put32(&list[16], blocks);
	put16(&cdb[7], 24);
	disk_command_set(transfer->request, cdb, sizeof(cdb), SRB_FLAGS_DATA_OUT, FLUSH_SECONDS);
	disk_transfer_describe(transfer, list, 24);
}

void disk_command_zero(struct disk_transfer *transfer, uint64_t block, uint32_t blocks)
{
	uint32_t block_size = 1u << transfer->disk->block_shift;
	uint8_t cdb[16] = {SCSIOP_WRITE_SAME16};

	memset(transfer->own, 0, block_size);
	disk_put64(&cdb[2], block);
	put32(&cdb[10], blocks);
	disk_command_set(transfer->request, cdb, sizeof(cdb), SRB_FLAGS_DATA_OUT, FLUSH_SECONDS);
	disk_transfer_describe(transfer, transfer->own, block_size);
}
