/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a program that opened /dev/dryportN (preload.c, inside COMMAND) and the machine's process
 * (server.c) say to each other.
 *
 * The machine's process keeps a folder of mode 0700, whose path COMMAND has in DRYPORT_SG. In it:
 * an empty file dryportN of mode 0 for each unit, which is what COMMAND's open() gets a handle of
 * (O_PATH), and a stream socket. Each call of ioctl that needs the machine is a connection of its
 * own: request, data that goes out; answer, data that came in. So threads, dup, fork and exec of
 * COMMAND need no care, and a command that dies leaves nothing behind.
 *
 * Both ends are built together and run on one computer: the structures go as they are.
 */
#ifndef DRY_SG_PROTOCOL_H
#define DRY_SG_PROTOCOL_H

#include <stdint.h>

#define SG_FOLDER_VARIABLE "DRYPORT_SG"
#define SG_SOCKET_NAME	   "sg"
#define SG_UNIT_NAME	   "dryport%u"

#define SG_REQUEST_MAGIC 0x31716753u
#define SG_ANSWER_MAGIC	 0x31616753u
#define SG_SENSE_BYTES	 252

enum sg_operation { SG_OP_INFO, SG_OP_COMMAND };
/* OUT_IN: one buffer, which is filled in before the command reads into it (SG_DXFER_TO_FROM_DEV).
 */
enum sg_direction { SG_NONE, SG_OUT, SG_IN, SG_OUT_IN };

struct sg_request {
	uint32_t magic;
	uint16_t unit;
	uint8_t operation; /* enum sg_operation */
	uint8_t direction; /* enum sg_direction */
	uint32_t bytes;	   /* of data; 0 with SG_NONE */
	uint32_t seconds;  /* until it has timed out */
	uint8_t cdb_length, reserved[3];
	uint8_t cdb[32]; /* zeros behind cdb_length */
};

struct sg_info {
	uint64_t size; /* bytes */
	uint32_t block_size, max_transfer;
	uint8_t read_only, path, target, lun;
};

struct sg_answer {
	uint32_t magic;
	int32_t error;	/* errno of the ioctl; then nothing else is valid, and no data follows */
	uint32_t moved; /* bytes out, or bytes in, which follow */
	uint8_t scsi_status, sense_length;
	uint16_t host_status, driver_status; /* as Linux numbers them */
	uint8_t sense[SG_SENSE_BYTES];
	struct sg_info info; /* of SG_OP_INFO */
};

#endif
