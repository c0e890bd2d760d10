/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * SCSI commands that ask what the disk is: the answer is made in a small buffer and scattered over
 * the command's list, cut at what was allocated. Layouts are those of SPC-4 and SBC-3.
 * Neighbour: simple_scsi.c.
 */
#include "hw/simple/simple_scsi.h"
#include <stdio.h>
#include <string.h>

enum {
	READ_CAPACITY_16 = 0x10, /* service action */
	PAGE_CACHING = 0x08,
	PAGE_ALL = 0x3f,
	ANSWER_MAX = 96
};

/* Returns `bytes` of the answer, as many as allocated; no list at all means none are wanted. */
static enum simple_status answer(
	const struct simple_scsi *q, const uint8_t *data, uint32_t bytes, uint64_t allocated)
{
	enum simple_status status;

	if (!q->command->elements || !allocated)
		return SIMPLE_OK;
	status = simple_list_read(q->simple, q->command);
	if (status != SIMPLE_OK)
		return status;
	bytes = (uint32_t)min_of((uint64_t)bytes, allocated);
	return simple_list_scatter(q->simple, q->command->elements, data, bytes, q->length);
}

/* The text of `from`, padded with blanks. */
static void put_text(uint8_t *to, unsigned bytes, const char *from)
{
	memset(to, ' ', bytes);
	memcpy(to, from, min_of((size_t)bytes, strlen(from)));
}

static uint32_t standard_inquiry(uint8_t *data)
{
	data[2] = 0x06; /* SPC-4 */
	data[3] = 0x02; /* response data format */
	data[4] = 74 - 5;
	data[7] = 0x02; /* command queuing */
	put_text(data + 8, 8, "DRYPORT");
	put_text(data + 16, 16, "SIMPLE DISK");
	put_text(data + 32, 4, "1.0");
	scsi_put(data + 58, 2, 0x0460); /* version descriptors: SPC-4, */
	scsi_put(data + 60, 2, 0x04c0); /* SBC-3 */
	return 74;
}

static uint32_t page_serial(const struct simple *s, uint8_t *data)
{
	char text[16];

	snprintf(text, sizeof(text), "SIMPLE-%02u", bus_function_slot(s->function));
	put_text(data + 4, 9, text);
	return 4 + 9;
}

/* One designator: T10 vendor identification, ASCII, of the unit. */
static uint32_t page_identification(const struct simple *s, uint8_t *data)
{
	data[4] = 0x02;
	data[5] = 0x01;
	data[7] = 8 + 9;
	put_text(data + 8, 8, "DRYPORT");
	page_serial(s, data + 12);
	return 8 + 8 + 9;
}

static uint32_t page_block_limits(const struct simple *s, uint8_t *data)
{
	data[4] = 0x01;				 /* WRITE SAME needs a number of blocks */
	scsi_put(data + 20, 4, 0xffffffff);	 /* blocks of an UNMAP */
	scsi_put(data + 24, 4, s->max_elements); /* descriptors of an UNMAP */
	scsi_put(data + 36, 8, 0xffffffff);	 /* blocks of a WRITE SAME */
	return 64;
}

static uint32_t page_provisioning(uint8_t *data)
{
	data[5] = 0x80 | 0x40 | 0x20; /* UNMAP, WRITE SAME (16) and (10) unmap */
	data[6] = 0x02;		      /* thin */
	return 8;
}

/* The length of the page, 0 if there is none of this number. */
static uint32_t vital_page(const struct simple *s, unsigned number, uint8_t *data)
{
	static const uint8_t pages[] = {0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};

	switch (number) {
	case 0x00:
		memcpy(data + 4, pages, sizeof(pages));
		return 4 + sizeof(pages);
	case 0x80:
		return page_serial(s, data);
	case 0x83:
		return page_identification(s, data);
	case 0xb0:
		return page_block_limits(s, data);
	case 0xb1:
		data[5] = 0x01; /* does not rotate */
		return 64;
	case 0xb2:
		return page_provisioning(data);
	default:
		return 0;
	}
}

enum simple_status simple_ask_inquiry(const struct simple_scsi *q)
{
	uint8_t data[ANSWER_MAX] = {0};
	uint32_t bytes;

	if (!(q->cdb[1] & 1)) {
		bytes = q->cdb[2] ? 0 : standard_inquiry(data);
	} else {
		bytes = vital_page(q->simple, q->cdb[2], data);
		data[1] = q->cdb[2];
		scsi_put(data + 2, 2, bytes - 4);
	}
	return bytes ? answer(q, data, bytes, scsi_get(q->cdb + 3, 2)) : SIMPLE_BAD_FIELD;
}

enum simple_status simple_ask_capacity_10(const struct simple_scsi *q)
{
	uint8_t data[8];

	scsi_put(data, 4, min_of(q->simple->blocks - 1, 0xffffffffull));
	scsi_put(data + 4, 4, q->simple->block_size);
	return answer(q, data, sizeof(data), sizeof(data));
}

enum simple_status simple_ask_service_action(const struct simple_scsi *q)
{
	uint8_t data[32] = {0};

	if ((q->cdb[1] & 0x1f) != READ_CAPACITY_16)
		return SIMPLE_BAD_FIELD;
	scsi_put(data, 8, q->simple->blocks - 1);
	scsi_put(data + 8, 4, q->simple->block_size);
	data[14] = 0x80; /* logical block provisioning management */
	return answer(q, data, sizeof(data), scsi_get(q->cdb + 10, 4));
}

enum simple_status simple_ask_mode(const struct simple_scsi *q)
{
	bool is_long = q->cdb[0] == MODE_SENSE_10;
	unsigned header = is_long ? 8 : 4, control = q->cdb[2] >> 6, page = q->cdb[2] & 0x3f;
	uint8_t data[ANSWER_MAX] = {0};
	uint32_t bytes = header + 20;

	if (control == 3 || (page != PAGE_CACHING && page != PAGE_ALL))
		return SIMPLE_BAD_FIELD;
	scsi_put(data, is_long ? 2 : 1, bytes - (is_long ? 2 : 1));
	data[is_long ? 3 : 2] =
		0x10 |
		(storage_is_read_only(q->simple->storage) ? 0x80 : 0); /* FUA, write protect */
	data[header] = PAGE_CACHING;
	data[header + 1] = 20 - 2;
	if (control != 1)		 /* 1 asks what can be changed: nothing */
		data[header + 2] = 0x04; /* write cache on */
	return answer(q, data, bytes, is_long ? scsi_get(q->cdb + 7, 2) : q->cdb[4]);
}

enum simple_status simple_ask_luns(const struct simple_scsi *q)
{
	uint8_t data[16] = {0};

	scsi_put(data, 4, 8); /* one unit: LUN 0 */
	return answer(q, data, sizeof(data), scsi_get(q->cdb + 6, 4));
}
