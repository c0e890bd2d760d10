/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 0 of 7, where it begins: a request of the front is checked, and carried onto a processor
 * by a DPC, if it does not come from there. Next: io.c; before it, io_page.c, which has the
 * ordinary ones.
 */
#include "disk/disk.h"
#include "util/error.h"

#include <errno.h>

static void io_arrived(struct cpu_dpc *dpc)
{
	struct disk_io *dio = container_of(dpc, struct disk_io, dpc);
	struct disk *disk = dio->disk;

	/* In this order: disk_is_active looks the other way round. */
	disk_active_begin(disk);
	atomic_fetch_sub(&disk->arriving, 1);
	disk_io_start(dio);
}

/* What the threads of a processor have submitted, for one DPC; only that processor touches it. */
static struct arrivals {
	struct cpu_dpc dpc;
	struct disk_io *first, *last;
} APART arrivals[CPU_MAX];

static void ios_arrived(struct cpu_dpc *dpc)
{
	struct arrivals *here = container_of(dpc, struct arrivals, dpc);

	while (here->first) {
		struct disk_io *dio = here->first;

		here->first = dio->next;
		disk_io_start(dio);
	}
}

/* The next ones wait for the same DPC. */
static __attribute__((noinline)) int arrive_first(struct arrivals *here, struct disk_io *dio)
{
	here->first = here->last = dio;
	here->dpc.fn = ios_arrived;
	here->dpc.cpu = CPU_HERE;
	cpu_dpc_queue(&here->dpc, NULL, NULL);
	return 0;
}

static inline int arrive_here(struct disk_io *dio)
{
	struct arrivals *here = &arrivals[cpu_self->number];

	dio->next = NULL;
	if (!here->first)
		return arrive_first(here, dio);
	here->last = here->last->next = dio;
	return 0;
}

/* Of a host thread. */
static __attribute__((noinline)) int arrive_elsewhere(struct disk_io *dio)
{
	atomic_fetch_add(&dio->disk->arriving, 1);
	dio->dpc = (struct cpu_dpc){.fn = io_arrived,
		.cpu = (uint16_t)(atomic_fetch_add(&dio->disk->next_cpu, 1) % cpu_count())};
	cpu_dpc_queue(&dio->dpc, NULL, NULL);
	return 0;
}

/* Of who is at DISPATCH: a done function. */
static __attribute__((noinline)) int arrive_at_once(struct disk_io *dio)
{
	disk_io_start(dio);
	return 0;
}

enum refusal { FINE, HAS_GONE, NO_OPERATION, NO_CACHE, NO_BLOCKS, PAST_END, NOT_OFFERED };

static enum refusal io_check(const struct disk *disk, const struct dry_io *io)
{
	const struct dry_unit_info *info = &disk->info;
	uint64_t size = atomic_load_explicit(&disk->size, memory_order_relaxed);

	if (unlikely(atomic_load_explicit(&disk->is_gone, memory_order_relaxed)) &&
		!disk->hold.seconds)
		return HAS_GONE;
	if (unlikely(!disk_is_rw(io))) {
		if ((unsigned)io->op > DRY_OP_ZERO)
			return NO_OPERATION;
		if (io->op == DRY_OP_FLUSH)
			return info->can_flush ? FINE : NO_CACHE;
		if (io->op == DRY_OP_TRIM ? !info->can_trim : !info->can_zero)
			return NOT_OFFERED;
	}
	if (unlikely((io->count | io->offset) & (info->block_size - 1)))
		return NO_BLOCKS;
	if (unlikely(io->offset > size || io->count > size - io->offset))
		return PAST_END;
	return FINE;
}

static __attribute__((cold, noinline)) int io_refuse(
	const struct disk *disk, const struct dry_io *io, enum refusal refusal)
{
	const struct dry_unit_info *info = &disk->info;
	unsigned long long count = io->count, offset = io->offset;

	switch (refusal) {
	case HAS_GONE:
		return error_set(ENXIO, "unit %s has gone.", info->name);
	case NO_OPERATION:
		return error_set(EINVAL, "there is no operation %d.", (int)io->op);
	case NO_CACHE:
		return error_set(ENOTSUP, "unit %s has no cache to flush.", info->name);
	case NO_BLOCKS:
		return error_set(EINVAL,
			"%llu bytes at %llu: unit %s has blocks of %u bytes; both must be "
			"multiples.",
			count, offset, info->name, info->block_size);
	case PAST_END:
		return error_set(ENXIO, "%llu bytes at %llu: past the end of unit %s (%llu bytes).",
			count, offset, info->name, (unsigned long long)disk->size);
	default:
		return error_set(ENOTSUP, "unit %s does not offer %s.", info->name,
			io->op == DRY_OP_TRIM ? "UNMAP" : "WRITE SAME");
	}
}

static int io_begin(struct disk *disk, struct dry_io *io)
{
	struct disk_io *dio = (struct disk_io *)io->private_;

	dio->io = io;
	dio->disk = disk;
	dio->at = 0;
	atomic_init(&dio->pending, 1);
	atomic_init(&dio->error, 0);
	if (likely(disk_is_rw(io))) {
		disk_io_look(dio, disk, io);
	} else {
		dio->needs_buffer = false;
		dio->frame = MEM_NO_ADDRESS;
		if (io->op == DRY_OP_FLUSH)
			io->count = io->offset = 0;
	}
	if (unlikely(!cpu_self))
		return arrive_elsewhere(dio);
	disk_active_begin(disk);
	return cpu_self->irql == IRQL_DISPATCH ? arrive_at_once(dio) : arrive_here(dio);
}

int disk_submit_other(struct disk *disk, struct dry_io *io)
{
	enum refusal refusal = io_check(disk, io);

	return unlikely(refusal) ? io_refuse(disk, io, refusal) : io_begin(disk, io);
}
