/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The simple controller's firmware: SCSI command blocks, so that its miniport needs to translate
 * reads and writes only. Numbers and layouts are those of SPC-4 and SBC-3. What a command brings
 * along is gathered from its list.
 * Neighbours: simple_ask.c (commands that only ask), simple_command.c (lists and storage).
 */
#include "hw/simple/simple_scsi.h"
#include <string.h>

enum { UNMAP_HEADER = 8, UNMAP_DESCRIPTOR = 16 };

/* Whether the command takes data from the medium: all SCSI reads end in the same five bits. */
static bool is_read(const struct simple_command *command)
{
	return command->opcode == SIMPLE_READ ||
	       (command->opcode == SIMPLE_SCSI && (command->cdb[0] & 0x1f) == READ_6);
}

void simple_sense(
	enum simple_status status, const struct simple_command *command, uint8_t sense[18])
{
	static const uint8_t codes[SIMPLE_STATUSES][3] = {
		[SIMPLE_BAD_OPCODE] = {0x05, 0x20, 0x00},
		[SIMPLE_BAD_RANGE] = {0x05, 0x21, 0x00},
		[SIMPLE_BAD_LIST] = {0x0b, 0x4b, 0x00},
		[SIMPLE_DMA_ERROR] = {0x0b, 0x4b, 0x00},
		[SIMPLE_MEDIA_ERROR] = {0x03, 0x11, 0x00},
		[SIMPLE_NO_SPACE] = {0x07, 0x27, 0x07},
		[SIMPLE_WRITE_PROTECTED] = {0x07, 0x27, 0x00},
		[SIMPLE_BAD_FIELD] = {0x05, 0x24, 0x00},
		[SIMPLE_BAD_PARAMETER] = {0x05, 0x26, 0x00},
	};

	memset(sense, 0, 18);
	sense[0] = 0x70; /* current, fixed format */
	sense[2] = codes[status][0];
	sense[7] = 18 - 8;
	sense[12] = codes[status][1];
	sense[13] = codes[status][2];
	if (status == SIMPLE_MEDIA_ERROR && !is_read(command))
		sense[12] = 0x0c; /* write error */
}

static enum simple_status nothing(const struct simple_scsi *q)
{
	return SIMPLE_OK;
}

/* Where the block number and the number of blocks stand: the operation code's group says. */
static void blocks_get(const uint8_t *cdb, uint64_t *block, uint64_t *count)
{
	switch (cdb[0] >> 5) {
	case 0:
		*block = scsi_get(cdb + 1, 3) & 0x1fffff;
		*count = cdb[4] ? cdb[4] : 256;
		return;
	case 4:
		*block = scsi_get(cdb + 2, 8);
		*count = scsi_get(cdb + 10, 4);
		return;
	case 5:
		*block = scsi_get(cdb + 2, 4);
		*count = scsi_get(cdb + 6, 4);
		return;
	default:
		*block = scsi_get(cdb + 2, 4);
		*count = scsi_get(cdb + 7, 2);
	}
}

/* Protection information, which the bits 7:5 of byte 1 ask for, except in commands of six bytes. */
static bool asks_protection(const uint8_t *cdb)
{
	return cdb[0] >> 5 && cdb[1] >> 5;
}

static enum simple_status read_or_write(const struct simple_scsi *q)
{
	struct simple_command native = *q->command;
	enum simple_status status;
	uint64_t block, count;

	if (asks_protection(q->cdb))
		return SIMPLE_BAD_FIELD;
	blocks_get(q->cdb, &block, &count);
	if (!count)
		return block <= q->simple->blocks ? SIMPLE_OK : SIMPLE_BAD_RANGE;
	status = simple_list_read(q->simple, q->command);
	if (status != SIMPLE_OK)
		return status;
	if (simple_list_bytes(q->simple, q->command->elements) != count * q->simple->block_size)
		return SIMPLE_BAD_LIST;
	native.opcode = q->cdb[0] & 2 ? SIMPLE_WRITE : SIMPLE_READ;
	native.flags = q->cdb[0] >> 5 && q->cdb[1] & 8 ? SIMPLE_FUA : 0;
	native.block = block;
	return simple_transfer(q->simple, &native, q->length);
}

static enum simple_status synchronize(const struct simple_scsi *q)
{
	return simple_flush(q->simple);
}

/* Gathers what the command brings along, at most `bytes`. */
static enum simple_status parameters_get(const struct simple_scsi *q, uint32_t bytes, uint32_t *got)
{
	enum simple_status status = simple_list_read(q->simple, q->command);

	if (status != SIMPLE_OK)
		return status;
	status = simple_list_gather(
		q->simple, q->command->elements, q->simple->parameters, bytes, got);
	if (status == SIMPLE_OK)
		*q->length = *got;
	return status;
}

static enum simple_status unmap(const struct simple_scsi *q)
{
	const uint8_t *list = q->simple->parameters;
	uint32_t room = SIMPLE_PARAMETERS(q->simple->max_elements), got;
	uint64_t wanted = scsi_get(q->cdb + 7, 2), count;
	enum simple_status status;

	if (q->cdb[1] & 1)
		return SIMPLE_BAD_FIELD; /* anchoring */
	if (!wanted)
		return SIMPLE_OK;
	status = parameters_get(q, (uint32_t)min_of(wanted, (uint64_t)room), &got);
	if (status != SIMPLE_OK)
		return status;
	if (got < UNMAP_HEADER)
		return SIMPLE_BAD_PARAMETER;
	count = scsi_get(list + 2, 2) / UNMAP_DESCRIPTOR;
	if (count > q->simple->max_elements || UNMAP_HEADER + count * UNMAP_DESCRIPTOR > got)
		return SIMPLE_BAD_PARAMETER;
	for (unsigned i = 0; i < count; i++) {
		const uint8_t *from = list + UNMAP_HEADER + i * UNMAP_DESCRIPTOR;

		q->simple->list[i].address = scsi_get(from, 8);
		q->simple->list[i].length = (uint32_t)scsi_get(from + 8, 4);
	}
	return simple_ranges(q->simple, (unsigned)count, SIMPLE_TRIM, false);
}

/* Only zeros can be written so; with or without its UNMAP bit they are read afterwards. */
static enum simple_status write_same(const struct simple_scsi *q)
{
	const uint8_t *data = q->simple->parameters;
	bool has_data = q->cdb[0] == WRITE_SAME_10 || !(q->cdb[1] & 1);
	uint32_t size = q->simple->block_size, got;
	enum simple_status status;
	uint64_t block, count;

	blocks_get(q->cdb, &block, &count);
	if (!count || q->cdb[1] & 0x10 || asks_protection(q->cdb))
		return SIMPLE_BAD_FIELD;
	if (has_data) {
		status = parameters_get(q, size, &got);
		if (status != SIMPLE_OK)
			return status;
		if (got < size || data[0] || memcmp(data, data + 1, size - 1))
			return SIMPLE_BAD_PARAMETER;
	}
	q->simple->list[0] = (struct simple_element){.address = block, .length = (uint32_t)count};
	return simple_ranges(q->simple, 1, SIMPLE_ZERO, false);
}

enum simple_status simple_scsi(
	struct simple *s, const struct simple_command *command, uint32_t *length)
{
	static simple_scsi_fn *const commands[256] = {
		[TEST_UNIT_READY] = nothing,
		[READ_6] = read_or_write,
		[WRITE_6] = read_or_write,
		[INQUIRY] = simple_ask_inquiry,
		[MODE_SENSE_6] = simple_ask_mode,
		[START_STOP_UNIT] = nothing,
		[READ_CAPACITY_10] = simple_ask_capacity_10,
		[READ_10] = read_or_write,
		[WRITE_10] = read_or_write,
		[SYNCHRONIZE_CACHE_10] = synchronize,
		[WRITE_SAME_10] = write_same,
		[UNMAP] = unmap,
		[MODE_SENSE_10] = simple_ask_mode,
		[READ_16] = read_or_write,
		[WRITE_16] = read_or_write,
		[SYNCHRONIZE_CACHE_16] = synchronize,
		[WRITE_SAME_16] = write_same,
		[SERVICE_ACTION_IN_16] = simple_ask_service_action,
		[REPORT_LUNS] = simple_ask_luns,
		[READ_12] = read_or_write,
		[WRITE_12] = read_or_write,
	};
	const struct simple_scsi q = {s, command, command->cdb, length};

	if (!commands[command->cdb[0]])
		return SIMPLE_BAD_OPCODE;
	return commands[command->cdb[0]](&q);
}
