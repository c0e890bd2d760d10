/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The dump port: what stands in storport.sys's place when a machine has crashed and its memory is
 * to be written to the disk. The miniport's object is loaded a second time; this second driver gets
 *
 *	DriverEntry(NULL, NULL) → HwStorFindAdapter("dump=1", DumpMode = DUMP_MODE_CRASH)
 *	→ HwStorInitialize → HwStorBuildIo, HwStorStartIo, HwStorInterrupt, HwStorInterrupt ...
 *
 * all at HIGH_LEVEL on the one processor that still runs. There is one request at a time, and
 * nothing interrupts: HwStorInterrupt is called until the request has come back. The device is as
 * the crash left it; to reset it is the miniport's business. Microsoft's page on this is
 * "Restrictions on Miniport Drivers that Manage the Boot Drive"; where a comment here says "the
 * page", that one is meant. dump.c brings the miniport up, dump_io.c writes, dump_ddi.c says which
 * routines it may call.
 */
#ifndef DRY_STORPORT_DUMP_H
#define DRY_STORPORT_DUMP_H

#include "storport/extended.h"

#define STOR_DUMP_BYTES	   (64u << 10) /* that one request carries at most; no page says how many */
#define STOR_DUMP_UNCACHED (64u << 10) /* MINIPORT_DUMP_POINTERS: at most as large is a buffer */
#define STOR_DUMP_FRUGAL   (32u << 10) /* "should not attempt to allocate more": the page */

struct stor_dump_config {
	void *entry;	  /* DriverEntry of the second image */
	const char *name; /* its name */
	struct bus_function *function;
	uint8_t path, target, lun; /* "must not use a different target ID and LUN": the page */
	uint32_t block_size;
	unsigned width;	       /* address bits that the device drives in this machine */
	uint32_t max_transfer; /* MINIPORT_DUMP_POINTERS; 0: nothing was said */
	void *data;	       /* MiniportPrivateDumpData of the same, else NULL */
	uint32_t region_bytes; /* RequestedDumpBufferSize of the first driver, 0: none */
};

struct stor_dump {
	struct stor_dump_config config;
	struct port_driver *driver;
	struct stor_adapter *adapter;
	struct port_unit *unit;
	struct port_request *request;
	void *buffer; /* of `bytes`, for the data of a request */
	uint32_t bytes;
	unsigned width;
	void *list; /* a page or more, for the request's list */
	uint64_t list_bytes;
	void *uncached; /* whole pages; the miniport's part begins later */
	uint64_t uncached_bytes;
	void *region; /* DumpRegion */
	uint64_t region_bytes;
	uint64_t writes;
	struct {
		MDL mdl;
		PFN_NUMBER pfns[STOR_DUMP_BYTES / MEM_PAGE_SIZE];
	} mdl; /* of the data */
};

/* The dump port that is at work, NULL: none. */
extern struct stor_dump *stor_dump_live;

/* ---- dump.c ---- */

/* Loads the miniport and brings it up. Any IRQL on a processor, at a moment when nobody else uses
 * the device; bus mastering is on. With an error (error_set) the dump must be freed as well. */
int stor_dump_start(struct stor_dump *dump, const struct stor_dump_config *config);
/* PASSIVE, if ever: a machine that has crashed does not. */
void stor_dump_free(struct stor_dump *dump);
/* StorPortGetUncachedExtension; NULL: more than a dump driver can have. */
void *stor_dump_uncached(struct stor_adapter *adapter, uint32_t bytes);

/* ---- dump_io.c; as stor_dump_start ---- */

/* Writes whole blocks from dump->buffer, at most dump->bytes, to this byte of the unit. -EIO,
 * -ETIMEDOUT (error_set). */
int stor_dump_write(struct stor_dump *dump, uint64_t offset, uint32_t bytes);
/* What was written is on the medium when it returns. The same. */
int stor_dump_finish(struct stor_dump *dump);

/* ---- dump_ddi.c ---- */

/* Whether StorPortExtendedFunction does this in dump mode; a violation where the page forbids it.
 */
bool stor_dump_allows(STORPORT_FUNCTION_CODE code);
/* In dump mode, true with a violation that names the routine and says why it does nothing. */
border_call bool stor_dump_refuses(
	const struct stor_adapter *adapter, const char *routine, const char *why);

#endif
