/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The safepoint that dryport-build puts on loop back-edges (cli/build/pass_poll.c). It comes on
 * every 64th turn of a function's loops, with the number of turns. A loop that goes on for a
 * thousand turns may be one that waits: then the others get their chance too. And the safepoint
 * before each access to memory, in objects that have them (cli/build/pass_memory.c).
 */
#include "cpu/cpu.h"
#include "util/export.h"

#include <ntddk.h>

void NTAPI __dry_poll(ULONG turns);
void NTAPI __dry_memory(void);

void NTAPI __dry_poll(ULONG turns)
{
	cpu_agent_settle();
	if (turns & 1023)
		cpu_poll();
	else
		cpu_relax();
}
DRY_EXPORT(__dry_poll)

void NTAPI __dry_memory(void)
{
	cpu_memory_poll();
}
DRY_EXPORT(__dry_memory)
