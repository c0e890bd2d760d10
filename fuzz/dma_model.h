/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What dma_operations.c knows of the machine without asking it: which bytes each page holds, which
 * transfers are live, what the device works on for each of them, and where a device may go. It
 * says what ought to be by the plain rules (MR-1, MR-3, R-6, SGL-6), not by how src/dma does it.
 */
#ifndef DRY_FUZZ_DMA_MODEL_H
#define DRY_FUZZ_DMA_MODEL_H

#include <errno.h>
#include <string.h>

#include "dma/dma_private.h"
#include "dma/map_register.h"
#include "input.h"
#include "machine.h"

#define PAGE	     4096u
#define LOW	     12u /* pages below 4 GiB that are neighbours */
#define PAGES	     24u
#define MDLS	     3u
#define PARTS	     12u /* page parts of one transfer */
#define TRANSFERS    6u
#define COMMONS	     4u
#define COMMON_PAGES 3u
#define ADAPTERS     2u

enum kind { NO_TRANSFER, MAPPED, BUILT, GOTTEN, CHANNEL };

struct part {
	unsigned page, in_page, bytes;
};

struct mdl {
	MDL mdl;
	PFN_NUMBER frames[PARTS];
};

/* A transfer, from the call that asks for it to the one that ends it. */
struct transfer {
	enum kind kind;
	unsigned adapter;
	bool write, whole, waits;
	bool is_granted;  /* a waiting one: its turn has come */
	bool is_extended; /* asked for by a member of version 3, with a context */
	bool is_sync;	  /* and not willing to wait */
	bool mdl_given;	  /* BuildMdlFromScatterGatherList has answered */
	uint64_t order;	  /* among those that wait */
	struct mdl mdl[MDLS];
	struct part part[PARTS];
	unsigned parts;
	uint32_t lead; /* bytes of the first MDL before it */
	uint32_t length;
	/* what the device works on where it is not the pages themselves */
	bool is_copy[PARTS];
	uint8_t copy[PARTS * PAGE], is_known[PARTS * PAGE];
	/* what the machine gave */
	PSCATTER_GATHER_LIST list;
	uint64_t list_memory[(16 + 24 * PARTS) / 8];
	struct dma_mapping mapping;
	struct dma_waiter waiter;
	void *base; /* of the channel */
	DEVICE_OBJECT device;
	void *context; /* 128 bytes of the machine's memory */
};

struct common {
	void *va;
	uint64_t address;
	unsigned adapter, bytes;
	uint8_t holds[COMMON_PAGES * PAGE];
};

static struct model {
	enum dma_engine engine;
	uint32_t pool; /* map registers of the machine; 0: none */
	char *memory[PAGES];
	uint8_t holds[PAGES][PAGE];
	struct dma_adapter *adapter[ADAPTERS];
	struct dma_master master[ADAPTERS];
	uint64_t highest[ADAPTERS];
	bool scatters[ADAPTERS];
	struct transfer transfer[TRANSFERS];
	struct common common[COMMONS];
	uint64_t orders;
} model;

static inline uint64_t part_address(const struct part *part)
{
	return mem_physical(model.memory[part->page]) + part->in_page;
}

static inline void *start_va(const struct transfer *t)
{
	return (char *)MmGetMdlVirtualAddress(&t->mdl[0].mdl) + t->lead;
}

static inline bool is_live(const struct transfer *t)
{
	return t->kind && !t->waits;
}

/* MR-1, where there are registers at all. */
static inline uint32_t model_need(const struct transfer *t)
{
	return model.pool ? t->parts : 0;
}

static uint32_t model_taken(void)
{
	uint32_t taken = 0;

	for (unsigned n = 0; n < TRANSFERS; n++)
		if (is_live(&model.transfer[n]))
			taken += model_need(&model.transfer[n]);
	return taken;
}

static bool model_waits(void)
{
	for (unsigned n = 0; n < TRANSFERS; n++)
		if (model.transfer[n].waits)
			return true;
	return false;
}

static bool page_is_busy(unsigned page)
{
	for (unsigned n = 0; n < TRANSFERS; n++)
		for (unsigned i = 0; model.transfer[n].kind && i < model.transfer[n].parts; i++)
			if (model.transfer[n].part[i].page == page)
				return true;
	return false;
}

/* ---- which parts are copied ---- */

static bool is_reached(const struct transfer *t, unsigned n)
{
	return part_address(&t->part[n]) + t->part[n].bytes - 1 <= model.highest[t->adapter];
}

/* Whether the parts are one stretch of addresses, of memory or of the iommu's. */
static bool is_one_stretch(const struct transfer *t)
{
	for (unsigned n = 1; n < t->parts; n++) {
		const struct part *last = &t->part[n - 1], *part = &t->part[n];
		bool fills = (last->in_page + last->bytes) % PAGE == 0 && part->in_page == 0;

		if (model.engine == DMA_IOMMU
				? !fills
				: part_address(last) + last->bytes != part_address(part))
			return false;
	}
	return true;
}

/* Sets is_copy; false: the device cannot have it (D-14, SGL-6). */
static bool model_way(struct transfer *t)
{
	bool all_reached = true, packed;

	for (unsigned n = 0; n < t->parts; n++)
		all_reached = all_reached && is_reached(t, n);
	packed = !model.scatters[t->adapter] &&
		 !(is_one_stretch(t) && (all_reached || model.engine == DMA_IOMMU));
	packed = packed || (model.engine == DMA_BOUNCE && !all_reached && t->whole);
	for (unsigned n = 0; n < t->parts; n++)
		t->is_copy[n] = packed || (model.engine == DMA_BOUNCE && !is_reached(t, n));
	return model.engine != DMA_DIRECT || (all_reached && !packed);
}

/* ---- what the device works on ---- */

/* A byte of the model, and where it says whether it is known (NULL: it always is). */
struct spot {
	uint8_t *byte, *known;
};

static inline bool spot_is_known(struct spot spot)
{
	return spot.byte && (!spot.known || *spot.known);
}

static inline void spot_set(struct spot spot, uint8_t value)
{
	*spot.byte = value;
	if (spot.known)
		*spot.known = 1;
}

/* A byte of a transfer as the device sees it. */
static struct spot model_spot(struct transfer *t, uint32_t position)
{
	uint32_t at = position;

	for (unsigned n = 0; n < t->parts; at -= t->part[n++].bytes) {
		if (at >= t->part[n].bytes)
			continue;
		if (!t->is_copy[n])
			return (struct spot){
				&model.holds[t->part[n].page][t->part[n].in_page + at], NULL};
		return (struct spot){&t->copy[position], &t->is_known[position]};
	}
	abort();
}

/* It becomes live: what is written to the device is copied in (MR-3). */
static void model_begin(struct transfer *t)
{
	uint32_t at = 0;

	t->waits = t->is_granted = false;
	memset(t->is_known, 0, t->length);
	for (unsigned n = 0; n < t->parts; at += t->part[n++].bytes) {
		const uint8_t *from = &model.holds[t->part[n].page][t->part[n].in_page];

		if (!t->is_copy[n] || !t->write)
			continue;
		memcpy(&t->copy[at], from, t->part[n].bytes);
		memset(&t->is_known[at], 1, t->part[n].bytes);
	}
}

/* It ended: what the device has written comes back. Where it wrote nothing, a copy may have held
 * anything. */
static void model_end(struct transfer *t)
{
	uint32_t at = 0;

	for (unsigned n = 0; n < t->parts; at += t->part[n++].bytes) {
		unsigned page = t->part[n].page, in_page = t->part[n].in_page;

		for (uint32_t i = 0; !t->write && t->is_copy[n] && i < t->part[n].bytes; i++)
			model.holds[page][in_page + i] =
				t->is_known[at + i] ? t->copy[at + i]
						    : (uint8_t)model.memory[page][in_page + i];
	}
	t->kind = NO_TRANSFER;
}

/* ---- where a device may go ---- */

/* The live transfer, of this adapter or (-1) of any, that has this bus address; *position in it. */
static struct transfer *transfer_at(int adapter, uint64_t address, uint32_t *position)
{
	for (unsigned n = 0; n < TRANSFERS; n++) {
		struct transfer *t = &model.transfer[n];
		uint32_t at = 0;

		if (!is_live(t) || (adapter >= 0 && t->adapter != (unsigned)adapter))
			continue;
		for (uint32_t i = 0; i < t->list->NumberOfElements; i++) {
			const SCATTER_GATHER_ELEMENT *element = &t->list->Elements[i];
			uint64_t in = address - (uint64_t)element->Address.QuadPart;

			if (in < element->Length) {
				*position = at + (uint32_t)in;
				return t;
			}
			at += element->Length;
		}
	}
	return NULL;
}

static struct common *common_at(int adapter, uint64_t address)
{
	for (unsigned n = 0; n < COMMONS; n++) {
		struct common *c = &model.common[n];

		if (c->va && (adapter < 0 || c->adapter == (unsigned)adapter) &&
			address - c->address < round_up(c->bytes, PAGE))
			return c;
	}
	return NULL;
}

static bool is_bounce_page(uint64_t address)
{
	const struct mem_frame *frame = mem_frame_get(address / PAGE);

	return model.engine != DMA_IOMMU && frame->kind == MEM_BOUNCE;
}

enum verdict { MUST_NOT, MUST, DO_NOT_TRY };

/* Whether the adapter's device may read or write this byte. */
static enum verdict model_access(unsigned adapter, uint64_t address, bool write, struct spot *spot)
{
	int whose = model.engine == DMA_IOMMU ? (int)adapter : -1;
	struct transfer *t;
	struct common *common;
	uint32_t position;

	*spot = (struct spot){0};
	if (address > model.highest[adapter])
		return MUST_NOT;
	t = transfer_at(whose, address, &position);
	if (t && (model.engine != DMA_IOMMU || write != t->write)) {
		*spot = model_spot(t, position);
		return MUST;
	}
	common = common_at(whose, address);
	if (common) {
		spot->byte = &common->holds[address - common->address];
		return address - common->address < common->bytes ? MUST : DO_NOT_TRY;
	}
	if (model.engine == DMA_IOMMU || is_bounce_page(address))
		return MUST_NOT;
	for (unsigned n = 0; n < PAGES; n++)
		if (mem_physical(model.memory[n]) / PAGE == address / PAGE) {
			spot->byte = &model.holds[n][address % PAGE];
			return MUST;
		}
	return DO_NOT_TRY;
}

#endif
