/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Between the two files of the simple controller's firmware: simple_scsi.c (which command it is,
 * and those that do something) and simple_ask.c (those that only ask).
 */
#ifndef DRY_HW_SIMPLE_SCSI_H
#define DRY_HW_SIMPLE_SCSI_H

#include "hw/simple/simple.h"

enum { /* operation codes */
	TEST_UNIT_READY = 0x00,
	READ_6 = 0x08,
	WRITE_6 = 0x0a,
	INQUIRY = 0x12,
	MODE_SENSE_6 = 0x1a,
	START_STOP_UNIT = 0x1b,
	READ_CAPACITY_10 = 0x25,
	READ_10 = 0x28,
	WRITE_10 = 0x2a,
	SYNCHRONIZE_CACHE_10 = 0x35,
	WRITE_SAME_10 = 0x41,
	UNMAP = 0x42,
	MODE_SENSE_10 = 0x5a,
	READ_16 = 0x88,
	WRITE_16 = 0x8a,
	SYNCHRONIZE_CACHE_16 = 0x91,
	WRITE_SAME_16 = 0x93,
	SERVICE_ACTION_IN_16 = 0x9e,
	REPORT_LUNS = 0xa0,
	READ_12 = 0xa8,
	WRITE_12 = 0xaa
};

/* A command in work. */
struct simple_scsi {
	struct simple *simple;
	const struct simple_command *command;
	const uint8_t *cdb;
	uint32_t *length;
};

/* Big-endian numbers. */
static inline uint64_t scsi_get(const uint8_t *from, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | *from++;
	return value;
}

static inline void scsi_put(uint8_t *to, unsigned bytes, uint64_t value)
{
	for (; bytes--; value >>= 8)
		to[bytes] = (uint8_t)value;
}

/* Commands that ask; *length is filled with the bytes that were returned. */
typedef enum simple_status simple_scsi_fn(const struct simple_scsi *);
simple_scsi_fn simple_ask_inquiry, simple_ask_capacity_10, simple_ask_service_action,
	simple_ask_mode, simple_ask_luns;

#endif
