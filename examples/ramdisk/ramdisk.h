/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a program may ask of the RAM disks' driver, with IOCTL_MINIPORT_PROCESS_SERVICE_IRP to its
 * adapter. The types are a C program's on either side.
 */
#ifndef RAMDISK_H
#define RAMDISK_H

#define RAM_UNITS                                                                                  \
	8 /* at most; unit 0 is there from the start, unless DriverParameter is "empty"            \
	   */

enum {
	RAM_ADD_UNIT = 1,      /* of Megabytes; ends with its number in Unit */
	RAM_WAIT_FOR_UNIT = 2, /* ends when the next one is added, with its number and size */
	RAM_READ = 3,	       /* Blocks from Block on of Unit go straight to Buffer */
	RAM_WRITE = 4
};

/* The adapter's WMI data block: one instance, read and set as a whole. RAM_LABEL_GUID are its
 * bytes. */
#define RAM_LABEL_BYTES 16
#define RAM_LABEL_GUID                                                                             \
	{                                                                                          \
		0x44, 0x52, 0x59, 0x52, 0x41, 0x4d, 0x4c, 0x42, 0x90, 0x1c, 0x5e, 0x0d, 0x3a,      \
			0x77, 0x21, 0xee                                                           \
	}

/* Input and output. */
typedef struct _RAM_SERVICE {
	unsigned int Command;
	unsigned int Unit;
	unsigned int Megabytes; /* 1 to 1024 */
	unsigned int Block, Blocks;
	void *Buffer; /* memory of the program */
} RAM_SERVICE, *PRAM_SERVICE;

#endif
