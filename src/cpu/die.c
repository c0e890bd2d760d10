/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The end of the process by an error of the machine itself (cpu.h).
 */
#include "cpu/replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void (*cpu_dead)(const char *message);

void cpu_die(const char *fmt, ...)
{
	static _Atomic bool is_dying;
	static __thread bool is_dying_here;
	char message[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (atomic_exchange(&is_dying, true)) {
		/* the first one reports; what fails inside its report ends it */
		while (!is_dying_here)
			pause();
		_exit(1);
	}
	is_dying_here = true;
	fprintf(stderr, "dryport: %s\n", message);
	if (replay_is_on)
		fprintf(stderr, "dryport: replayed from seed %llu\n",
			(unsigned long long)replay_seed());
	fflush(stderr);
	if (cpu_dead)
		cpu_dead(message);
	_exit(1);
}
