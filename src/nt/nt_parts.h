/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What nt.c starts and ends, in the files that hold it. Each _fini leaves its part ready for _init.
 */
#ifndef DRY_NT_PARTS_H
#define DRY_NT_PARTS_H

#include "util/common.h"

int nt_pool_init(bool fill);   /* pool.c; -ENOMEM */
uint64_t nt_pool_fini(void);   /* reports and frees what is left; returns how many blocks */
uint64_t nt_memory_fini(void); /* mm_memory.c: the same for contiguous memory and MDL pages */
void nt_timer_init(void);      /* ke_timer.c */
void nt_timer_fini(void);      /* disarms what drivers left */
/* Takes the timers that lie in memory about to be freed out of the queue; whether there were any.
 */
bool nt_timer_abandon(const void *start, size_t bytes);
/* ps_thread.c: frees ended threads, reports handles and running ones; how many run on */
unsigned nt_thread_fini(void);
void nt_debug_init(int level); /* dbg_print.c */
void nt_debug_fini(void);      /* writes what partial lines hold */

#endif
