/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * One request at a time, at HIGH_LEVEL: into the miniport, then its interrupt routine is called
 * until the request is back. See dump.h.
 */
#include "storport/dump.h"
#include "dma/sglist.h"
#include "port/list_life.h"
#include "trace/trace.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SECONDS	    10 /* TimeOutValue; then the dump has failed: nothing is reset */
#define POLL_NS	    10000
#define BUSY_NS	    1000000 /* before a request that came back busy is sent again */
#define ATTENTIONS  8	    /* so often a unit may say that it was reset, and the like */
#define SENSE_BYTES 14	    /* with key, code and qualifier of fixed sense data */

enum { KEY_ILLEGAL_REQUEST = 5, KEY_UNIT_ATTENTION = 6 };

/* ---- one request ---- */

/* The frames of the buffer, as an MDL and as a list; no map registers and no DMA adapter. */
static int data_map(struct stor_dump *dump, uint32_t bytes)
{
	struct port_request *request = dump->request;
	const struct dma_sg_limits limits = {.max_address = UINT64_MAX};
	PSCATTER_GATHER_LIST list = request->list;
	struct dma_sg_builder builder;
	PMDL mdl = &dump->mdl.mdl;
	uint64_t described;

	MmInitializeMdl(mdl, dump->buffer, bytes);
	mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
	mdl->MappedSystemVa = dump->buffer;
	for (uint64_t at = 0; at < bytes; at += MEM_PAGE_SIZE)
		MmGetMdlPfnArray(mdl)[at >> MEM_PAGE_SHIFT] =
			mem_frame_number((char *)dump->buffer + at);
	dma_sg_begin(&builder, &limits, list->Elements, request->adapter->limits.max_elements);
	if (dma_sg_add(&builder, MmGetMdlPfnArray(mdl), 0, bytes, &described) != DMA_SG_DONE)
		return error_set(EIO,
			"%s: %u bytes take more elements than it allows in dump mode.",
			dump->config.name, bytes);
	list->NumberOfElements = builder.count;
	list->Reserved = 0;
	request->mdl = mdl;
	request->mapped = true;
	port_list_seal(&request->adapter->lists, list, &request->seal, request->id);
	return 0;
}

static bool is_back(const struct port_request *request)
{
	return atomic_load(&request->state) != PORT_REQUEST_STARTED;
}

static void hand_over(struct stor_dump *dump)
{
	struct port_hba *hba = &dump->adapter->hba;
	struct port_request *request = dump->request;
	BOOLEAN goes = TRUE;

	if (hba->hw.HwBuildIo) {
		trace(TRACE_HW_BUILDIO, request->id);
		goes = hba->hw.HwBuildIo(hba->extension, request->srb);
		trace(TRACE_HW_BUILDIO_END, request->id, goes);
		port_hba_irql_check(hba, "HwStorBuildIo", IRQL_HIGH);
	}
	if (!goes) /* the miniport completes it itself (SB-5) */
		return;
	trace(TRACE_HW_STARTIO, request->id);
	goes = hba->hw.HwStartIo(hba->extension, request->srb);
	trace(TRACE_HW_STARTIO_END, request->id, goes);
	port_hba_irql_check(hba, "HwStorStartIo", IRQL_HIGH);
}

/* "Any processing normally queued for execution to a DPC routine [...] must [...] occur in the
 * context of that request": the page. So after this call it is back or not. */
static void poll(struct stor_dump *dump)
{
	struct port_hba *hba = &dump->adapter->hba;
	BOOLEAN claimed;

	trace(TRACE_IRQ, BUS_LINE);
	claimed = hba->hw.HwInterrupt(hba->extension);
	trace(TRACE_IRQ_END, BUS_LINE, claimed);
	port_hba_irql_check(hba, "HwStorInterrupt", IRQL_HIGH);
	if (!is_back(dump->request))
		cpu_stall(POLL_NS);
}

static const char *what(const struct port_request *request)
{
	switch (request->function) {
	case SRB_FUNCTION_FLUSH:
		return "SRB_FUNCTION_FLUSH";
	case SRB_FUNCTION_SHUTDOWN:
		return "SRB_FUNCTION_SHUTDOWN";
	default:
		return request->length ? "a write" : "SYNCHRONIZE CACHE";
	}
}

static int run_once(struct stor_dump *dump)
{
	struct port_request *request = dump->request;
	uint64_t end;

	request->id++;
	request->mdl = NULL;
	if (request->length && data_map(dump, request->length))
		return -EIO;
	port_srb_prepare(request);
	atomic_store(&request->state, PORT_REQUEST_STARTED);
	end = cpu_clock() + SECONDS * 1000000000ull;
	hand_over(dump);
	while (!is_back(request) && cpu_clock() < end)
		poll(dump);
	if (!is_back(request))
		return error_set(ETIMEDOUT,
			"%s: in dump mode %s was not completed within its %u s, though "
			"HwStorInterrupt was called all the time.",
			dump->config.name, what(request), SECONDS);
	port_polled_take(request);
	return 0;
}

static uint8_t sense_at(const struct port_request *request, unsigned at)
{
	return request->sense_length >= SENSE_BYTES ? ((const uint8_t *)request->sense)[at] : 0;
}

static uint8_t sense_key(const struct port_request *request)
{
	return sense_at(request, 2) & 0xf;
}

static bool is_busy(const struct port_request *request)
{
	return request->srb_status == SRB_STATUS_BUSY || request->scsi_status == SCSISTAT_BUSY ||
	       request->scsi_status == SCSISTAT_QUEUE_FULL;
}

/* Sends it until it is neither busy nor kept from its way by a unit attention. */
static int run(struct stor_dump *dump)
{
	struct port_request *request = dump->request;
	uint64_t end = cpu_clock() + SECONDS * 1000000000ull;
	unsigned attentions = 0;
	int err;

	for (;;) {
		err = run_once(dump);
		if (err || request->srb_status == SRB_STATUS_SUCCESS)
			return err;
		if (is_busy(request) && cpu_clock() < end)
			cpu_stall(BUSY_NS);
		else if (sense_key(request) != KEY_UNIT_ATTENTION || ++attentions > ATTENTIONS)
			return 0;
	}
}

static int failed(const struct stor_dump *dump, const char *where)
{
	const struct port_request *request = dump->request;
	char sense[64] = "no sense data";

	if (request->sense_length >= SENSE_BYTES)
		snprintf(sense, sizeof(sense), "sense %02x/%02x/%02x", sense_key(request),
			sense_at(request, 12), sense_at(request, 13));
	return error_set(EIO,
		"%s: in dump mode %s%s failed: SRB status %02x, SCSI status %02x, %s.",
		dump->config.name, what(request), where, request->srb_status, request->scsi_status,
		sense);
}

/* ---- what is asked of the unit ---- */

static void request_fill(struct stor_dump *dump, uint8_t function, uint32_t bytes)
{
	struct port_request *request = dump->request;

	request->function = function;
	request->cdb_length = 0;
	memset(request->cdb, 0, sizeof(request->cdb));
	request->flags = bytes ? SRB_FLAGS_DATA_OUT : 0;
	request->length = bytes;
	request->data = bytes ? dump->buffer : NULL;
	request->timeout = SECONDS;
}

/* Big endian. */
static void put(uint8_t *to, unsigned bytes, uint64_t value)
{
	while (bytes) {
		to[--bytes] = (uint8_t)value;
		value >>= 8;
	}
}

int stor_dump_write(struct stor_dump *dump, uint64_t offset, uint32_t bytes)
{
	uint64_t block = offset / dump->config.block_size;
	uint32_t blocks = bytes / dump->config.block_size;
	struct port_request *request = dump->request;
	uint8_t irql = cpu_irql_raise(IRQL_HIGH);
	char where[32];
	int err;

	request_fill(dump, SRB_FUNCTION_EXECUTE_SCSI, bytes);
	if (block + blocks <= UINT32_MAX) {
		request->cdb[0] = SCSIOP_WRITE;
		put(request->cdb + 2, 4, block);
		put(request->cdb + 7, 2, blocks);
		request->cdb_length = 10;
	} else {
		request->cdb[0] = SCSIOP_WRITE16;
		put(request->cdb + 2, 8, block);
		put(request->cdb + 10, 4, blocks);
		request->cdb_length = 16;
	}
	dump->writes++;
	err = run(dump);
	cpu_irql_lower(irql);
	if (err || (request->srb_status == SRB_STATUS_SUCCESS && request->transferred == bytes))
		return err;
	snprintf(where, sizeof(where), " to block %llu", (unsigned long long)block);
	return failed(dump, where);
}

/* A function that the miniport does not know does nothing. */
static bool is_unknown(const struct port_request *request)
{
	return request->srb_status == SRB_STATUS_INVALID_REQUEST ||
	       request->srb_status == SRB_STATUS_BAD_FUNCTION ||
	       sense_key(request) == KEY_ILLEGAL_REQUEST;
}

static int finish(struct stor_dump *dump, uint8_t function)
{
	int err;

	request_fill(dump, function, 0);
	if (function == SRB_FUNCTION_EXECUTE_SCSI) {
		dump->request->cdb[0] = SCSIOP_SYNCHRONIZE_CACHE;
		dump->request->cdb_length = 10;
	}
	err = run(dump);
	if (err || dump->request->srb_status == SRB_STATUS_SUCCESS || is_unknown(dump->request))
		return err;
	return failed(dump, "");
}

int stor_dump_finish(struct stor_dump *dump)
{
	uint8_t irql = cpu_irql_raise(IRQL_HIGH);
	int err = finish(dump, SRB_FUNCTION_EXECUTE_SCSI);

	if (!err && dump->adapter->config.CachesData) { /* SB-3 */
		err = finish(dump, SRB_FUNCTION_FLUSH);
		if (!err)
			err = finish(dump, SRB_FUNCTION_SHUTDOWN);
	}
	cpu_irql_lower(irql);
	return err;
}
