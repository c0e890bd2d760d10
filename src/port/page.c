/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Stations 1 to 3 of 7 in one piece, for the ordinary request: it reads or writes one page, used in
 * place, that may start at once, on a machine of one processor without anybody who wants events.
 * Before: src/disk (0). After: the model's start (4). What is not so goes the long way (submit.c,
 * queue.c, srb.c), and does the same there: what a request is after it has started does not tell
 * which way it went, but for is_page, by which complete.c takes the short way back.
 */
#include "port/list_life.h"
#include "trace/trace.h"

#include <stddef.h>
#include <string.h>

/* One request in 16 has its latency measured: submit.c. */
#define SAMPLE_MASK 15

#define STATIONS (1ull << TRACE_SRB_SUBMIT | 1ull << TRACE_SRB_GO | 1ull << TRACE_DMA_MAP)

void port_page_settle(struct port_adapter *adapter)
{
	const struct port_limits *limits = &adapter->limits;

	adapter->takes_pages = !cpu_inner_locks && !limits->pull && adapter->maps &&
			       !adapter->maps->takes_registers &&
			       adapter->lists.care == PORT_LISTS_FILLED;
	adapter->shows_pages = limits->map_buffers == STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE;
}

/* ---- the SRB: what srb.c writes, each word of it once ---- */

static inline void put(void *srb, unsigned at, uint64_t value)
{
	memcpy((char *)srb + at, &value, sizeof(value));
}

/* [from, to), both at 16 bytes. */
static inline void put_zeros(void *srb, unsigned from, unsigned to)
{
	typedef uint64_t pair __attribute__((vector_size(16), may_alias));

	for (; from < to; from += sizeof(pair))
		*(pair *)(void *)((char *)srb + from) = (pair){0, 0};
}

/* path, target, lun, 0 */
static inline uint32_t address_of(const struct port_unit *unit)
{
	uint32_t address;

	_Static_assert(offsetof(struct port_unit, zero) == offsetof(struct port_unit, path) + 3,
		"path, target, lun, 0");
	memcpy(&address, &unit->path, sizeof(address));
	return address;
}

static inline void put_cdb(void *at, const struct port_request *request)
{
	memcpy(at, request->cdb, sizeof(request->cdb));
}

#define AT(field) offsetof(STORAGE_REQUEST_BLOCK, field)
_Static_assert(AT(Function) == 2 && AT(SrbStatus) == 3 && AT(Signature) == 8 && AT(Version) == 12 &&
		       AT(SrbLength) == 16 && AT(SrbFunction) == 20 && AT(SrbFlags) == 24 &&
		       AT(TimeOutValue) == 40 && AT(AddressOffset) == 52 &&
		       AT(NumSrbExData) == 56 && AT(DataTransferLength) == 60 &&
		       AT(DataBuffer) == 64 && AT(MiniportContext) == 104 &&
		       AT(SrbExDataOffset) == 120,
	"where the extended block's fields are");
_Static_assert(offsetof(STOR_ADDR_BTL8, Path) == 8, "and the address's");
_Static_assert(offsetof(SRBEX_DATA_SCSI_CDB16, SenseInfoBufferLength) == 9 &&
		       offsetof(SRBEX_DATA_SCSI_CDB16, CdbLength) == 10 &&
		       offsetof(SRBEX_DATA_SCSI_CDB16, SenseInfoBuffer) == 16 &&
		       offsetof(SRBEX_DATA_SCSI_CDB16, Cdb) == 24,
	"and those of the CDB");

static inline void prepare_extended(const struct port_request *request,
	const struct port_adapter *adapter, uint32_t address, uint32_t flags)
{
	void *srb = request->srb;

	put(srb, 0,
		sizeof(STORAGE_REQUEST_BLOCK) | SRB_FUNCTION_STORAGE_REQUEST_BLOCK << 16 |
			SRB_STATUS_PENDING << 24);
	put(srb, 8, SRB_SIGNATURE | (uint64_t)STORAGE_REQUEST_BLOCK_VERSION_1 << 32);
	put(srb, 16, PORT_SRB_BOTH_AT | (uint64_t)SRB_FUNCTION_EXECUTE_SCSI << 32);
	put(srb, 24, flags);
	put(srb, 32, 0);
	put(srb, 40, request->timeout);
	put(srb, 48, (uint64_t)PORT_SRB_ADDRESS_AT << 32);
	put(srb, 56, 1 | (uint64_t)request->length << 32);
	put(srb, 64, adapter->shows_pages ? (uintptr_t)request->data : 0);
	put(srb, 72, 0);
	put_zeros(srb, 80, 96);
	put(srb, 96, 0);
	put(srb, 104, (uintptr_t)request->extension_shown);
	put(srb, 112, 0);
	put(srb, 120, PORT_SRB_CDB_AT);
	put_zeros(srb, 128, PORT_SRB_ADDRESS_AT);
	put(srb, PORT_SRB_ADDRESS_AT,
		STOR_ADDRESS_TYPE_BTL8 | (uint64_t)STOR_ADDR_BTL8_ADDRESS_LENGTH << 32);
	put(srb, PORT_SRB_ADDRESS_AT + 8, address);
	put(srb, PORT_SRB_CDB_AT,
		SrbExDataTypeScsiCdb16 | (uint64_t)SRBEX_DATA_SCSI_CDB16_LENGTH << 32);
	put(srb, PORT_SRB_CDB_AT + 8, PORT_SENSE_BYTES << 8 | (uint64_t)request->cdb_length << 16);
	put(srb, PORT_SRB_CDB_AT + 16, (uintptr_t)request->sense);
	put_cdb((char *)srb + PORT_SRB_CDB_AT + 24, request);
	put(srb, PORT_SRB_CDB_AT + 40, 0);
	put_zeros(srb, PORT_SRB_CDB_AT + 48, PORT_SRB_BOTH_AT);
}

#undef AT
#define AT(field) offsetof(SCSI_REQUEST_BLOCK, field)
_Static_assert(AT(Function) == 2 && AT(SrbStatus) == 3 && AT(PathId) == 5 && AT(QueueTag) == 8 &&
		       AT(QueueAction) == 9 && AT(CdbLength) == 10 &&
		       AT(SenseInfoBufferLength) == 11 && AT(SrbFlags) == 12 &&
		       AT(DataTransferLength) == 16 && AT(TimeOutValue) == 20 &&
		       AT(DataBuffer) == 24 && AT(SenseInfoBuffer) == 32 &&
		       AT(SrbExtension) == 56 && AT(Cdb) == 72 && sizeof(SCSI_REQUEST_BLOCK) == 88,
	"where the older block's fields are");

static inline void prepare_scsi(const struct port_request *request,
	const struct port_adapter *adapter, uint32_t address, uint32_t flags)
{
	void *srb = request->srb;

	put(srb, 0,
		sizeof(SCSI_REQUEST_BLOCK) | SRB_FUNCTION_EXECUTE_SCSI << 16 |
			SRB_STATUS_PENDING << 24 | (uint64_t)address << 40);
	put(srb, 8,
		SP_UNTAGGED | SRB_SIMPLE_TAG_REQUEST << 8 | (uint32_t)request->cdb_length << 16 |
			(uint32_t)PORT_SENSE_BYTES << 24 | (uint64_t)flags << 32);
	put(srb, 16, request->length | (uint64_t)request->timeout << 32);
	put(srb, 24, adapter->shows_pages ? (uintptr_t)request->data : 0);
	put(srb, 32, (uintptr_t)request->sense);
	put(srb, 40, 0);
	put(srb, 48, 0);
	put(srb, 56, (uintptr_t)request->extension_shown);
	put(srb, 64, 0);
	put_cdb((char *)srb + AT(Cdb), request);
}

path_inline void prepare(struct port_request *request, const struct port_adapter *adapter,
	const struct port_unit *unit)
{
	uint32_t address = address_of(unit);
	uint32_t flags = request->flags | SRB_FLAGS_NO_QUEUE_FREEZE | SRB_FLAGS_QUEUE_ACTION_ENABLE;

	if (likely(adapter->limits.extended_srb))
		prepare_extended(request, adapter, address, flags);
	else
		prepare_scsi(request, adapter, address, flags);
}

void port_page_prepare(struct port_request *request)
{
	prepare(request, request->adapter, request->unit);
}

/* ---- the way ---- */

static border_call __attribute__((noinline)) uint64_t sample(void)
{
	return cpu_clock();
}

/* Whether it starts now, and its list can be made: then nothing can go wrong any more. */
static inline bool is_ordinary(const struct port_adapter *adapter, const struct port_unit *unit,
	const struct dma_adapter *maps, const PSCATTER_GATHER_LIST list, uint64_t at,
	uint32_t bytes)
{
	return likely(
		!(trace_wanted & STATIONS) && !unit->head && !unit->closed &&
		!atomic_load_explicit(&adapter->closed, memory_order_relaxed) &&
		unit->outstanding < atomic_load_explicit(&unit->depth, memory_order_relaxed) &&
		atomic_load_explicit(&adapter->outstanding, memory_order_relaxed) <
			adapter->limits.max_outstanding &&
		bytes <= adapter->limits.max_transfer &&
		at + bytes - 1 <= maps->reach.max_address && port_list_is_dead(list));
}

void port_page_submit(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;
	struct dma_adapter *maps = adapter->maps;
	struct port_unit *unit = request->unit;
	PSCATTER_GATHER_LIST list = request->list;
	uint64_t id, at = request->data_at, submitted = 0;
	uint32_t bytes = request->length;

	if (!is_ordinary(adapter, unit, maps, list, at, bytes)) {
		atomic_store_explicit(&request->state, PORT_REQUEST_HELD, memory_order_relaxed);
		port_request_submit(request);
		return;
	}
	id = cpu_inner_add64_if(false, &adapter->last_id, 1) + 1;
	atomic_store_explicit(&request->id, id, memory_order_relaxed);
	cpu_inner_add32_if(false, &adapter->outstanding, 1);
	unit->outstanding++;
	dma_list_page(list, at, bytes);
	dma_count_page(maps, 0);
	request->mapping.va = NULL;
	request->seal.id = id;
	request->seal.count = 1;
	request->seal.address = (LONGLONG)at;
	request->mapped = true;
	request->is_counted = true;
	request->is_failed = false;
	request->is_page = true;
	atomic_store_explicit(&request->deadline,
		atomic_load_explicit(&adapter->tick, memory_order_relaxed) + request->timeout + 1,
		memory_order_relaxed);
	if (unlikely(!(id & SAMPLE_MASK)))
		submitted = sample();
	request->submitted = submitted;
	prepare(request, adapter, unit);
	atomic_store_explicit(&request->state, PORT_REQUEST_STARTED, memory_order_release);
	adapter->model->start(adapter, request);
}
