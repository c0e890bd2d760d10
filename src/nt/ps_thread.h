/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What this layer knows of a thread: the KTHREAD that drivers see. A system thread
 * (PsCreateSystemThread) has one from the start. Any other kernel thread (DriverEntry's, work
 * items', generators'), each processor's idle fiber and each host thread gets one when it first
 * asks who it is.
 */
#ifndef DRY_NT_PS_THREAD_H
#define DRY_NT_PS_THREAD_H

#include "nt/ke_object.h"
#include "cpu/cpu.h"

struct nt_thread {
	DISPATCHER_HEADER header; /* signalled when it has ended */
	LIST_ENTRY mutexes;	  /* that it holds; under ke_lock */
	int apc_disable;	  /* critical regions and held mutexes; by itself only */
	int guarded;		  /* guarded regions */
	KPRIORITY priority;	  /* kept for who asks; the schedule knows none */
	bool system;		  /* made by PsCreateSystemThread */
	NTSTATUS exit_status;
	PKSTART_ROUTINE routine;
	void *context;
	struct cpu_thread *thread; /* NULL: an idle fiber or a host thread */
	struct nt_thread *next;	   /* in the table, then among the ended */
};

static inline PKTHREAD nt_thread_ke(const struct nt_thread *thread)
{
	return (PKTHREAD)thread;
}

/* The caller's. Never NULL. Any IRQL, any host thread. */
struct nt_thread *nt_thread_current(void);

/* ke_mutex.c: frees the mutexes of a thread that ends, as abandoned; returns how many. */
unsigned ke_mutex_abandon_all(struct nt_thread *thread);

#endif
