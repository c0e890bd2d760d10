/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Counts a driver's safepoints: each call of __dry_poll is a poll, and says how many turns the
 * caller's loops made; each of __dry_memory stands before an access. At the fifth poll of a run a
 * variable of the driver is set, as an interrupt would.
 */
#include "imports.h"

#define BORDER __attribute__((ms_abi))

static unsigned polls, last_turns, accesses;
static volatile int *flag;

static BORDER void host_poll(unsigned turns)
{
	last_turns = turns;
	if (++polls == 5 && flag)
		*flag = 1;
}

static BORDER unsigned host_polls(void)
{
	unsigned n = polls;

	polls = 0;
	return n;
}

static BORDER void host_memory(void)
{
	accesses++;
}

static BORDER unsigned host_accesses(void)
{
	unsigned n = accesses;

	accesses = 0;
	return n;
}

static BORDER unsigned host_turns(void)
{
	return last_turns;
}

static BORDER void host_watch(volatile int *variable)
{
	flag = variable;
}

static const struct test_export exports[] = {{"__dry_poll", host_poll}, {"host_polls", host_polls},
	{"host_turns", host_turns}, {"host_watch", host_watch}, {"__dry_memory", host_memory},
	{"host_accesses", host_accesses}, {0}};

int main(int argc, char **argv)
{
	int BORDER (*entry)(void *, void *) = driver_load(argv[1], exports);
	int line = entry(NULL, NULL);

	if (line)
		printf("line %d of the driver is wrong\n", line);
	return line != 0;
}
