/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Requests of the front that wait for a disk that has gone, as a multipath device queues them: when
 * it is back they begin again, from their first byte; when it stays away they fail. Beside io.c.
 */
#include "disk/disk.h"

#include <errno.h>

/* Under the lock: they are active again. */
static struct disk_io *list_take(struct disk *disk)
{
	struct disk_io *list = disk->hold.head;

	for (const struct disk_io *dio = list; dio; dio = dio->next)
		disk_active_begin(disk);
	disk->hold.head = NULL;
	disk->hold.tail = &disk->hold.head;
	return list;
}

/* At DISPATCH. */
static void give_up(struct disk *disk)
{
	struct disk_io *dio, *next;

	cpu_spin_acquire(&disk->hold.lock);
	disk->hold.is_over = true;
	dio = list_take(disk);
	cpu_spin_release(&disk->hold.lock);
	for (; dio; dio = next) {
		next = dio->next;
		disk_io_end(dio, -ENXIO);
	}
}

static void too_long(struct cpu_timer *timer)
{
	give_up(timer->ctx);
}

void disk_hold_init(struct disk *disk, uint32_t seconds)
{
	disk->hold.seconds = seconds;
	disk->hold.tail = &disk->hold.head;
	disk->hold.timer.fn = too_long;
	disk->hold.timer.ctx = disk;
}

bool disk_hold(struct disk_io *dio)
{
	struct disk *disk = dio->disk;
	struct disk_hold *hold = &disk->hold;
	bool is_first, is_held;

	if (!hold->seconds)
		return false;
	cpu_spin_acquire(&hold->lock);
	is_first = !hold->head;
	/* Under the lock, under which who is back takes the list. */
	is_held = !hold->is_over && atomic_load(&disk->is_gone);
	if (is_held) {
		dio->next = NULL;
		*hold->tail = dio;
		hold->tail = &dio->next;
		disk_active_end(disk);
		/* Here, so that who takes the list cancels it. */
		if (is_first)
			cpu_timer_set(&hold->timer, hold->seconds * 1000000000ull, 0);
	}
	cpu_spin_release(&hold->lock);
	return is_held;
}

void disk_hold_go_on(struct disk *disk)
{
	struct disk_hold *hold = &disk->hold;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct disk_io *dio, *next;

	cpu_spin_acquire(&hold->lock);
	cpu_timer_cancel(&hold->timer);
	hold->is_over = false;
	dio = list_take(disk);
	cpu_spin_release(&hold->lock);
	for (; dio; dio = next) {
		next = dio->next;
		disk_io_again(dio);
	}
	cpu_irql_lower(irql);
}

void disk_hold_end(struct disk *disk)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	cpu_timer_cancel(&disk->hold.timer);
	give_up(disk);
	cpu_irql_lower(irql);
	cpu_dpc_flush(); /* the timer may be in it, too */
}
