/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Physical memory of the machine. One live machine per process, so this is a singleton.
 *
 * RAM is one memfd, mapped once at a fixed address. A kernel buffer is a contiguous range of that
 * mapping. What differs between buffers is the *frame number* that each of their pages bears: the
 * physical address of byte b in page p is (frame(p) << 12) + b. A page has no mapping of its own.
 *
 * RAM has two zones, decided when the machine is built:
 *
 *	linear   pages whose frames are consecutive and below 4 GiB: what must be physically
 *	         contiguous (SRB and device extensions, uncached extension, common buffers)
 *	data     everything else; the policy decides about its frames: MEM_CONTIGUOUS (consecutive,
 *	         below 4 GiB), MEM_SCATTERED (a seeded permutation in which virtual neighbours are
 *	         never physical neighbours, below 4 GiB), MEM_HIGH (the same permutation above
 *	         4 GiB)
 *
 * As on a PC, frames of low RAM end at a hole below 4 GiB and go on above it. Both directions are
 * one array look-up: frame number → {host page, kind, owner}, host page → frame number. So any
 * pointer that a driver passes is judged in constant time before it is followed. Memory that lies
 * outside RAM but must bear frames too (a driver image's writable segments, kernel stacks) is
 * registered with mem_range_add: frames from the end of the space, found by a short sorted table.
 * Pages of the host's own that a driver locks (user memory) bear such frames too, as long as they
 * are locked (user.c).
 *
 * Nobody but the processors touches memory through host pointers; devices go through src/dma.
 * Threads: alloc and free take an internal lock and never run in the I/O path; look-ups take none.
 */
#ifndef DRY_MEM_MEM_H
#define DRY_MEM_MEM_H

#include "util/common.h"

#include <stdatomic.h>

#define MEM_PAGE_SHIFT 12
#define MEM_PAGE_SIZE  4096ull
#define MEM_PAGE_MASK  (MEM_PAGE_SIZE - 1)
#define MEM_4GIB       (1ull << 32)
#define MEM_HOLE                                                                                   \
	0xC0000000ull /* RAM ends here at the latest and goes on at 4 GiB; between: BARs           \
		       */
#define MEM_SHARED_HOLE 0x80000000ull /* the same where RAM is shared: mem_config.is_shared */
#define MEM_NO_ADDRESS	(~0ull)	      /* no physical address */

enum mem_policy { MEM_CONTIGUOUS, MEM_SCATTERED, MEM_HIGH };

/* What a page is used for. */
enum mem_kind {
	MEM_NONE,      /* not memory of the machine */
	MEM_FREE,      /* RAM that nobody owns */
	MEM_POOL,      /* pool pages; the block is found by nt/ex_pool */
	MEM_DATA,      /* data buffers of requests, from src/disk or a host program */
	MEM_SRB,       /* SRBs, their extensions, sense buffers */
	MEM_LIST,      /* scatter/gather lists that the port made */
	MEM_EXTENSION, /* device, unit and uncached extensions */
	MEM_COMMON,    /* common buffers, contiguous and DMA memory that a driver asked for */
	MEM_STACK,     /* kernel stacks */
	MEM_IMAGE,     /* a driver's writable segments */
	MEM_CODE,      /* its others: nobody may write there */
	MEM_OWN,       /* data buffers of requests that the port makes itself */
	MEM_BOUNCE,    /* the pages of map registers: copies that a device works on */
	MEM_USER,      /* pages of the host's own that a driver has locked */
	MEM_TABLE,     /* what the iommu of a device in another process walks */
	MEM_KINDS
};

struct mem_frame {
	void *host;	   /* the page, NULL if the frame number is not in use */
	const void *owner; /* who it belongs to: an adapter, a driver image ...; may be NULL */
	enum mem_kind kind;
} __attribute__((aligned(32))); /* it lies in one cache line */

struct mem_config {
	enum mem_policy policy;
	uint64_t size; /* bytes of RAM, a multiple of the page size, 1 MiB .. 64 GiB; 0 = 256 MiB */
	uint64_t seed; /* of the permutation */
	bool is_private; /* a child of fork() has a copy of its own, no other process shares RAM */
	/*
	 * Another process has the memory too (mem_fd) and finds it by physical address: byte a of
	 * it lies at mem_fd_offset(a). Then pages are mapped one by one, in granules of several
	 * where 32768 single ones would not do, what mem_range_add takes moves there as well, and
	 * size 0 means 128 MiB. Not with is_private.
	 */
	bool is_shared;
};

/* Maps RAM. -EINVAL (size, policy), -ENOMEM, -EBUSY if a machine is live, -EEXIST if the addresses
 * are taken; error_set. The linear zone is a quarter of RAM, 32 MiB at least, half of RAM at most.
 */
int mem_init(const struct mem_config *config);
/* From here on memory is only given back, until mem_fini: nobody asks whose a page or frame is, and
 * their records stay as they are. */
void mem_end(void);
/* Unmaps it; returns the number of pages still allocated (a leak of the caller's). */
uint64_t mem_fini(void);

enum { MEM_LINEAR = 1 }; /* flags of mem_alloc: physically contiguous and below 4 GiB */

/*
 * From now on what a driver gets fresh holds `byte` throughout, in every build: extensions and
 * common buffers here, pool by mem_fill_byte. Else debug and ASan builds fill all with 0xA5, others
 * nothing.
 */
void mem_fill_set(uint8_t byte);
uint8_t mem_fill_byte(void);

/*
 * A page-aligned range of RAM, contents undefined (see mem_fill_set; ASan sees it as addressable).
 * NULL when no range is left. Any thread; takes a lock, not for the I/O path.
 */
void *mem_alloc(uint64_t bytes, unsigned flags, enum mem_kind kind, const void *owner);
/*
 * The same, physically contiguous, with every byte at or above lowest and at or below highest, and
 * not across a multiple of boundary (a power of two; 0: anywhere). It comes from the linear zone,
 * so a lowest above that finds nothing.
 */
void *mem_alloc_bounds(uint64_t bytes, uint64_t lowest, uint64_t highest, uint64_t boundary,
	enum mem_kind kind, const void *owner);
/* bytes as given to mem_alloc. Aborts with a message on a range that was not allocated so. */
void mem_free(void *va, uint64_t bytes);

/*
 * Gives frames to pages outside RAM (base and bytes page aligned). -ENOSPC when the table (512
 * ranges) or the spare frames are used up. The frames of one range are not consecutive unless the
 * policy is MEM_CONTIGUOUS.
 */
int mem_range_add(void *base, uint64_t bytes, enum mem_kind kind, const void *owner);
void mem_range_remove(void *base);

/*
 * Locks a page of the host's own memory: it bears a frame, of kind MEM_USER, until it has been
 * unlocked as often as locked. The frame number, or MEM_NO_ADDRESS: it is memory of the machine, or
 * no spare frames are left. That the page is there, and stays, is the caller's business.
 */
uint64_t mem_user_lock(const void *page);
/* Frees the frame with the last lock; false: it is no locked page's. */
bool mem_user_unlock(uint64_t frame_number);
/* How many pages are locked. */
uint64_t mem_user_pages(void);

/* The records of the two spans of frame numbers that are in use: below the hole and above 4 GiB. */
struct mem_span {
	uint64_t first, count;
};

/* What look-ups read. A *place* numbers what bears a frame: a page of RAM, or one outside it. */
struct mem_index {
	char *base; /* of RAM; NULL: no machine lives */
	uint64_t size;
	uint32_t *frame_of; /* of each place */
	uint64_t *data_at;  /* likewise: the physical address of a page used for data buffers
			       (MEM_DATA), plus 1; else 0 */
	struct mem_span low, high;
	struct mem_frame *record; /* [low.count + high.count] */
	/* how often pages have changed hands, or a device has come to reach others: what was found
	 * of one when it was so many times is true as long as it is. Never 0 while a machine lives
	 */
	_Atomic uint64_t changes APART; /* others read the rest all the time */
};

extern struct mem_index mem_index __attribute__((visibility("hidden")));
extern const struct mem_frame mem_no_frame;

/* After the change: who has read the count before that looks again. */
static inline void mem_index_changed(void)
{
	atomic_fetch_add_explicit(&mem_index.changes, 1, memory_order_release);
}

/* The frame record for a frame number; a record with host NULL and kind MEM_NONE if there is none.
 */
static inline const struct mem_frame *mem_frame_get(uint64_t frame_number)
{
	uint64_t low = frame_number - mem_index.low.first;
	uint64_t high = frame_number - mem_index.high.first;

	if (low < mem_index.low.count)
		return &mem_index.record[low];
	if (likely(high < mem_index.high.count))
		return &mem_index.record[mem_index.low.count + high];
	return &mem_no_frame;
}

/* The place of an address outside RAM, MEM_NO_ADDRESS if there is none. */
border_call uint64_t mem_range_place(uintptr_t va);

/* Frame number of the page that va lies in, or MEM_NO_ADDRESS. */
static inline uint64_t mem_frame_number(const void *va)
{
	uint64_t offset = (uintptr_t)va - (uintptr_t)mem_index.base;
	uint64_t place = offset >> MEM_PAGE_SHIFT;

	if (unlikely(offset >= mem_index.size)) {
		place = mem_range_place((uintptr_t)va);
		if (place == MEM_NO_ADDRESS)
			return MEM_NO_ADDRESS;
	}
	return mem_index.frame_of[place];
}

/* The same for RAM alone, where all that is allocated is: others have none here. */
static inline uint64_t mem_ram_frame_number(const void *va)
{
	uint64_t offset = (uintptr_t)va - (uintptr_t)mem_index.base;

	return likely(offset < mem_index.size) ? mem_index.frame_of[offset >> MEM_PAGE_SHIFT]
					       : MEM_NO_ADDRESS;
}

/* Physical address of the page of RAM, used for data buffers (MEM_DATA), that va lies in; false:
 * in none. */
static inline bool mem_ram_data_page(const void *va, uint64_t *at)
{
	uint64_t offset = (uintptr_t)va - (uintptr_t)mem_index.base;
	uint64_t entry;

	if (unlikely(offset >= mem_index.size))
		return false;
	entry = __atomic_load_n(&mem_index.data_at[offset >> MEM_PAGE_SHIFT], __ATOMIC_RELAXED);
	*at = entry - 1;
	return likely(entry & 1);
}

/* Physical address of a byte, or MEM_NO_ADDRESS if the pointer is no memory of the machine. */
static inline uint64_t mem_physical(const void *va)
{
	uint64_t number = mem_frame_number(va);

	if (unlikely(number == MEM_NO_ADDRESS))
		return MEM_NO_ADDRESS;
	return (number << MEM_PAGE_SHIFT) + ((uintptr_t)va & MEM_PAGE_MASK);
}

/* The frame record for a pointer: what is it, whose is it? Never NULL. */
static inline const struct mem_frame *mem_owner(const void *va)
{
	return mem_frame_get(mem_frame_number(va));
}

/* Host address of a physical address, NULL if no memory is there. Valid to the end of that page. */
void *mem_host(uint64_t physical);
/* Whether [va, va + bytes) is all memory of the machine (no MEM_NONE, no MEM_FREE page). */
bool mem_is_valid(const void *va, uint64_t bytes);

/* Base, size and file descriptor of RAM, for who shares it with another process. */
void *mem_base(void);
uint64_t mem_size(void);
int mem_fd(void);
/* With is_shared (whether it is so): how large the file is, and where a physical address lies in
 * it. What a PC of the q35 kind of so much RAM has: all of it from 0 on, or the first 2 GiB and the
 * rest from 4 GiB. */
bool mem_is_shared(void);
uint64_t mem_fd_size(void);
uint64_t mem_fd_offset(uint64_t physical);

const char *mem_kind_name(enum mem_kind kind);

#endif
