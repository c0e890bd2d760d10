/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Which frame number each place bears (space.h), and the look-ups in both directions (mem.h).
 */
#include "mem/space.h"
#include "util/random.h"

/* Nobody's frame is number 0: the first MiB of a PC is not for drivers. */
#define FIRST_FRAME  0x100ull
#define GRANULES_MAX 32768
#define HIGH_FRAME   (MEM_4GIB >> MEM_PAGE_SHIFT)

const struct mem_frame mem_no_frame;

/* The next frame number in ascending order, past the hole when low ones run out. */
static uint32_t frame_next(bool high)
{
	uint64_t hole = mem_space.is_shared ? MEM_SHARED_HOLE : MEM_HOLE;
	struct mem_span *low = &mem_index.low;
	bool fits = !high && low->first + low->count < hole >> MEM_PAGE_SHIFT;
	struct mem_span *span = fits ? low : &mem_index.high;

	return span->first + span->count++;
}

static bool are_neighbours(uint32_t a, uint32_t b)
{
	return a + 1 == b || b + 1 == a;
}

/* Whether place i has a physical neighbour beside it. */
static bool has_neighbour(const uint32_t *frame, uint64_t count, uint64_t i)
{
	return (i > 0 && are_neighbours(frame[i - 1], frame[i])) ||
	       (i + 1 < count && are_neighbours(frame[i], frame[i + 1]));
}

static void exchange(uint32_t *frame, uint64_t i, uint64_t j)
{
	uint32_t saved = frame[i];

	frame[i] = frame[j];
	frame[j] = saved;
}

/*
 * A random permutation leaves about two pairs of neighbours in it, whatever its length. Each is
 * moved to a random place where it makes no new pair.
 */
static void scatter(uint32_t *frame, uint64_t count, uint64_t *seed)
{
	for (uint64_t i = count - 1; i > 0; i--)
		exchange(frame, i, random_below(seed, i + 1));
	for (uint64_t i = 0; i < count; i++) {
		while (has_neighbour(frame, count, i)) {
			uint64_t j = random_below(seed, count);

			exchange(frame, i, j);
			if (has_neighbour(frame, count, j) || has_neighbour(frame, count, i))
				exchange(frame, i, j);
		}
	}
}

/* Each granule but the first is a mapping of its own, of which a process has 65530. */
static uint64_t granule_of(uint64_t pages)
{
	uint64_t granule = 1;

	while (mem_space.is_shared && pages / granule > GRANULES_MAX)
		granule *= 2;
	return granule;
}

/* Granules change places, pages keep theirs within one. Numbers ascend before, but for the hole. */
static void scatter_granules(uint32_t *frame, uint64_t count, uint64_t *seed)
{
	uint64_t granule = granule_of(count), granules = count / granule, low = 0;
	uint32_t first = frame[0], beyond = 0;

	if (granule == 1) {
		scatter(frame, count, seed);
		return;
	}
	while (low < count && frame[low] == first + low)
		low++;
	if (low < count)
		beyond = frame[low];
	for (uint64_t n = 0; n < granules; n++)
		frame[n] = n;
	scatter(frame, granules, seed);
	/* From the end, so that what stands in front is read before it is written. */
	for (uint64_t n = granules; n-- > 0;) {
		uint64_t from = frame[n] * granule;

		for (uint64_t i = granule; i-- > 0;)
			frame[n * granule + i] =
				from + i < low ? first + from + i : beyond + from + i - low;
	}
}

void mem_frames_draw(enum mem_policy policy, uint64_t seed)
{
	struct mem_space *space = &mem_space;
	uint64_t place;

	mem_index.low = (struct mem_span){FIRST_FRAME, 0};
	mem_index.high = (struct mem_span){HIGH_FRAME, 0};
	for (place = 0; place < space->linear_pages; place++)
		mem_index.frame_of[place] = frame_next(false);
	for (; place < space->places; place++)
		mem_index.frame_of[place] = frame_next(policy == MEM_HIGH);
	if (policy == MEM_CONTIGUOUS)
		return;
	scatter_granules(mem_index.frame_of + space->linear_pages,
		space->ram_pages - space->linear_pages, &seed);
	/* Shared, a range is one mapping. */
	if (!space->is_shared)
		scatter(mem_index.frame_of + space->ram_pages, space->places - space->ram_pages,
			&seed);
}

void *mem_host(uint64_t physical)
{
	const struct mem_frame *frame = mem_frame_get(physical >> MEM_PAGE_SHIFT);

	return frame->host ? (char *)frame->host + (physical & MEM_PAGE_MASK) : NULL;
}

bool mem_is_valid(const void *va, uint64_t bytes)
{
	uint64_t page = round_down((uintptr_t)va, MEM_PAGE_SIZE);
	uint64_t last;

	if (!bytes)
		return true;
	if (__builtin_add_overflow((uintptr_t)va, bytes - 1, &last))
		return false;
	for (;; page += MEM_PAGE_SIZE) {
		const struct mem_frame *frame = mem_owner((const void *)page);
		enum mem_kind kind = __atomic_load_n(&frame->kind, __ATOMIC_RELAXED);

		if (kind == MEM_NONE || kind == MEM_FREE)
			return false;
		if (last - page < MEM_PAGE_SIZE)
			return true;
	}
}

void mem_places_assign(uint64_t place, uint64_t pages, enum mem_kind kind, const void *owner)
{
	if (mem_space.is_ending)
		return;
	for (uint64_t i = place; i < place + pages; i++) {
		struct mem_frame *frame = mem_frame_at(mem_index.frame_of[i]);

		__atomic_store_n(&frame->owner, owner, __ATOMIC_RELAXED);
		__atomic_store_n(&frame->kind, kind, __ATOMIC_RELAXED);
		__atomic_store_n(&mem_index.data_at[i],
			kind == MEM_DATA ? ((uint64_t)mem_index.frame_of[i] << MEM_PAGE_SHIFT) + 1
					 : 0,
			__ATOMIC_RELAXED);
	}
	mem_index_changed();
}

const char *mem_kind_name(enum mem_kind kind)
{
	static const char *const names[MEM_KINDS] = {
		[MEM_NONE] = "none",
		[MEM_FREE] = "free",
		[MEM_POOL] = "pool",
		[MEM_DATA] = "data",
		[MEM_SRB] = "srb",
		[MEM_LIST] = "list",
		[MEM_EXTENSION] = "extension",
		[MEM_COMMON] = "common",
		[MEM_STACK] = "stack",
		[MEM_IMAGE] = "image",
		[MEM_CODE] = "code",
		[MEM_OWN] = "port's own data",
		[MEM_BOUNCE] = "bounce pages",
		[MEM_USER] = "user memory",
		[MEM_TABLE] = "iommu tables",
	};

	return (unsigned)kind < MEM_KINDS ? names[kind] : "unknown";
}
