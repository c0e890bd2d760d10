/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Stations 1 to 4 of 7 in one piece, for the ordinary request: it reads or writes one page, used in
 * place, that may start at once, and nobody wants events; on a machine of one processor, or where
 * the counts are split (count.h). `locks`: cpu_inner_locks, which is what takes_pages says.
 * Inline, so that what the submitter has in registers goes into the SRB from there. Before:
 * src/disk (0). After: the miniport, and through its registers src/bus and src/hw (5).
 *
 * What is not so goes the long way (submit.c, queue.c, srb.c, the model's start), and does the same
 * there: what a request is after it has started does not tell which way it went, but for is_page,
 * by which complete.c takes the short way back, and what it leaves out of the seal.
 */
#ifndef DRY_PORT_PAGE_H
#define DRY_PORT_PAGE_H

#include "port/count.h"
#include "port/hba.h"
#include "port/list_life.h"
#include "port/now.h"
#include "trace/trace.h"

#include <stddef.h>

/* What differs from one such request of a unit to the next; what its record says too. */
struct port_page {
	uint64_t at; /* physical */
	void *data;
	uint64_t cdb[2];
	uint64_t bytes, flags, timeout;
	uint8_t cdb_length;
};

/* ---- the SRB: what srb.c writes, each word of it once ---- */

static inline void page_put(void *srb, unsigned at, uint64_t value)
{
	memcpy((char *)srb + at, &value, sizeof(value));
}

typedef uint64_t page_pair __attribute__((vector_size(16), may_alias));

/* At 16 bytes. */
static inline void page_put_pair(void *srb, unsigned at, uint64_t first, uint64_t second)
{
	*(page_pair *)(void *)((char *)srb + at) = (page_pair){first, second};
}

/* path, target, lun, 0 */
static inline uint32_t page_address(const struct port_unit *unit)
{
	uint32_t address;

	_Static_assert(offsetof(struct port_unit, zero) == offsetof(struct port_unit, path) + 3,
		"path, target, lun, 0");
	memcpy(&address, &unit->path, sizeof(address));
	return address;
}

#define AT(field) offsetof(STORAGE_REQUEST_BLOCK, field)
_Static_assert(AT(Function) == 2 && AT(SrbStatus) == 3 && AT(Signature) == 8 && AT(Version) == 12 &&
		       AT(SrbLength) == 16 && AT(SrbFunction) == 20 && AT(SrbFlags) == 24 &&
		       AT(TimeOutValue) == 40 && AT(AddressOffset) == 52 &&
		       AT(NumSrbExData) == 56 && AT(DataTransferLength) == 60 &&
		       AT(DataBuffer) == 64 && AT(MiniportContext) == 104 &&
		       AT(SrbExDataOffset) == 120 && PORT_SRB_ADDRESS_AT == 128 &&
		       PORT_SRB_CDB_AT == 144 && PORT_SRB_BOTH_AT == 208,
	"where the extended block's fields are");
_Static_assert(offsetof(STOR_ADDR_BTL8, Path) == 8, "and the address's");
_Static_assert(offsetof(SRBEX_DATA_SCSI_CDB16, SenseInfoBufferLength) == 9 &&
		       offsetof(SRBEX_DATA_SCSI_CDB16, CdbLength) == 10 &&
		       offsetof(SRBEX_DATA_SCSI_CDB16, SenseInfoBuffer) == 16 &&
		       offsetof(SRBEX_DATA_SCSI_CDB16, Cdb) == 24,
	"and those of the CDB");

path_inline void page_prepare_extended(const struct port_request *request, void *srb,
	uint64_t address, uint64_t flags, struct port_page page)
{
	page_put(srb, 0,
		sizeof(STORAGE_REQUEST_BLOCK) | SRB_FUNCTION_STORAGE_REQUEST_BLOCK << 16 |
			SRB_STATUS_PENDING << 24);
	page_put(srb, 8, SRB_SIGNATURE | (uint64_t)STORAGE_REQUEST_BLOCK_VERSION_1 << 32);
	page_put(srb, 16, PORT_SRB_BOTH_AT | (uint64_t)SRB_FUNCTION_EXECUTE_SCSI << 32);
	page_put(srb, 24, flags);
	page_put(srb, 32,
		(uint64_t)StorIoPriorityNormal << 32 | (uint64_t)SRB_SIMPLE_TAG_REQUEST << 48);
	page_put(srb, 40, page.timeout);
	page_put(srb, 48, (uint64_t)PORT_SRB_ADDRESS_AT << 32);
	page_put(srb, 56, 1 | page.bytes << 32);
	page_put(srb, 64, (uintptr_t)page.data);
	page_put(srb, 72, 0);
	page_put_pair(srb, 80, 0, 0);
	page_put(srb, 96, 0);
	page_put(srb, 104, (uintptr_t)request->extension_shown);
	page_put_pair(srb, 112, 0, PORT_SRB_CDB_AT);
	page_put(srb, PORT_SRB_ADDRESS_AT,
		STOR_ADDRESS_TYPE_BTL8 | (uint64_t)STOR_ADDR_BTL8_ADDRESS_LENGTH << 32);
	page_put(srb, PORT_SRB_ADDRESS_AT + 8, address);
	page_put(srb, PORT_SRB_CDB_AT,
		SrbExDataTypeScsiCdb16 | (uint64_t)SRBEX_DATA_SCSI_CDB16_LENGTH << 32);
	page_put(srb, PORT_SRB_CDB_AT + 8, PORT_SENSE_BYTES << 8 | (uint64_t)page.cdb_length << 16);
	page_put(srb, PORT_SRB_CDB_AT + 16, (uintptr_t)request->sense);
	page_put(srb, PORT_SRB_CDB_AT + 24, page.cdb[0]);
	page_put(srb, PORT_SRB_CDB_AT + 32, page.cdb[1]);
	page_put(srb, PORT_SRB_CDB_AT + 40, 0);
	page_put_pair(srb, PORT_SRB_CDB_AT + 48, 0, 0);
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
#undef AT

path_inline void page_prepare_scsi(const struct port_request *request, void *srb, uint64_t address,
	uint64_t flags, struct port_page page)
{
	page_put(srb, 0,
		sizeof(SCSI_REQUEST_BLOCK) | SRB_FUNCTION_EXECUTE_SCSI << 16 |
			SRB_STATUS_PENDING << 24 | address << 40);
	page_put(srb, 8,
		SP_UNTAGGED | SRB_SIMPLE_TAG_REQUEST << 8 | (uint32_t)page.cdb_length << 16 |
			(uint32_t)PORT_SENSE_BYTES << 24 | flags << 32);
	page_put(srb, 16, page.bytes | page.timeout << 32);
	page_put(srb, 24, (uintptr_t)page.data);
	page_put(srb, 32, (uintptr_t)request->sense);
	page_put(srb, 40, 0);
	page_put(srb, 48, 0);
	page_put(srb, 56, (uintptr_t)request->extension_shown);
	page_put(srb, 64, 0);
	page_put(srb, 72, page.cdb[0]);
	page_put(srb, 80, page.cdb[1]);
}

/* As port_srb_prepare. */
path_inline void page_prepare(const struct port_request *request, void *srb,
	const struct port_unit *unit, struct port_page page, bool is_extended)
{
	uint64_t address = page_address(unit);
	uint64_t flags =
		page.flags | (uint32_t)(SRB_FLAGS_NO_QUEUE_FREEZE | SRB_FLAGS_QUEUE_ACTION_ENABLE);

	if (likely(is_extended))
		page_prepare_extended(request, srb, address, flags, page);
	else
		page_prepare_scsi(request, srb, address, flags, page);
}

/* ---- the way ---- */

#define PAGE_EVENTS                                                                                \
	(1ull << TRACE_SRB_SUBMIT | 1ull << TRACE_SRB_GO | 1ull << TRACE_DMA_MAP |                 \
		1ull << TRACE_HW_BUILDIO | 1ull << TRACE_HW_BUILDIO_END |                          \
		1ull << TRACE_HW_STARTIO | 1ull << TRACE_HW_STARTIO_END)

/* Whether one of this unit, of at most max_transfer bytes, may start now, of an adapter that takes
 * pages, and without locks is alone. With locks port_page_count has the last word. */
path_inline bool port_page_may_start(
	const struct port_adapter *adapter, const struct port_unit *unit, bool locks)
{
	if (unlikely(trace_wanted & PAGE_EVENTS ||
		     (locks && atomic_load_explicit(&adapter->closed, memory_order_relaxed))))
		return false;
	return locks || likely(unit->outstanding < unit->room &&
				atomic_load_explicit(&adapter->outstanding, memory_order_relaxed) <
					adapter->limits.max_outstanding);
}

/* With locks: counts it; false: it has to go the long way. */
path_inline bool port_page_count(struct cpu *cpu, struct port_unit *unit, bool locks)
{
	return !locks || likely(port_split_add(cpu, unit, 1, ~0u));
}

/* Whether the list of this one can be made: then nothing can go wrong any more. */
path_inline bool port_page_has_list(
	const struct dma_adapter *maps, PSCATTER_GATHER_LIST list, uint64_t at)
{
	return likely(at <= maps->reach.max_address && port_list_is_dead(list));
}

/* Station 4 as adapter->ordinary says, if that has build: of an adapter that is part of a hba. The
 * processor is the same one all the time, at DISPATCH. */
path_inline void port_start_ordinary(struct cpu *cpu, struct port_adapter *adapter,
	struct port_request *request, void *srb, bool locks)
{
	const struct port_start *to = &adapter->ordinary;
	void *extension = to->extension;
	struct cpu_home_lock *lock;
	BOOLEAN result;

	if (!locks)
		port_now_set(extension, request);
	result = to->build(extension, srb);
	if (unlikely(cpu->irql != IRQL_DISPATCH))
		port_page_irql(adapter, "HwStorBuildIo");
	if (!result) /* the miniport completes it itself (SB-5) */
		return;
	lock = to->lock;
	if (locks)
		cpu_home_acquire_by(cpu, lock);
	else
		cpu_spin_acquire_alone(cpu, &lock->lock);
	to->start(extension, srb);
	if (unlikely(cpu->irql != IRQL_DISPATCH))
		port_page_irql(adapter, "HwStorStartIo");
	if (locks)
		cpu_spin_release_by(cpu, &lock->lock);
	else
		cpu_spin_release_alone(&lock->lock);
}

/* Private: page.c. The last step of port_page_start, of SRBs of the older kind, or as the model
 * does it. */
void port_page_start_other(struct port_request *request);

/* All three questions have been answered by yes, and the request's record says what page does. */
path_inline void port_page_start(struct cpu *cpu, struct port_request *request, void *srb,
	PSCATTER_GATHER_LIST list, struct port_adapter *adapter, struct dma_adapter *maps,
	struct port_unit *unit, struct port_page page, bool locks)
{
	uint64_t id = port_id_next(cpu, adapter, locks);

	atomic_store_explicit(&request->id, id, memory_order_relaxed);
	if (trace_is_wanted(TRACE_SRB_DONE) && !(id & PORT_SAMPLE_MASK))
		port_sample(request);
	if (locks) {
		request->origin = (uint8_t)cpu->number;
	} else {
		cpu_own_add32(&adapter->outstanding, 1);
		unit->outstanding++;
	}
	dma_list_page(list, page.at, (uint32_t)page.bytes);
	dma_count_page(maps, locks ? cpu->number : 0);
	atomic_store_explicit(&request->deadline,
		atomic_load_explicit(&adapter->tick, memory_order_relaxed) +
			(uint32_t)page.timeout + 1,
		memory_order_relaxed);
	if (unlikely(!adapter->ordinary.is_usual)) {
		port_page_went(request, PORT_REQUEST_HELD, locks);
		port_page_start_other(request);
		return;
	}
	page.data = (void *)((uintptr_t)page.data & adapter->shown);
	page_prepare(request, srb, unit, page, true);
	port_page_went(request, PORT_REQUEST_STARTED, locks);
	port_start_ordinary(cpu, adapter, request, srb, locks);
}

#endif
