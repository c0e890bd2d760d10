/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Every kind of loop, and how often it polls: once in 64 turns. Answers the line that is wrong. */
unsigned long host_polls(void), host_turns(void);
void host_watch(volatile int *variable);

static volatile int flag, sink;

#define POLLS(n)                                                                                   \
	if (host_polls() != (n))                                                                   \
	return __LINE__

static __declspec(noinline) void loop_for(int n)
{
	for (int i = 0; i < n; i++)
		sink = i;
}

static __declspec(noinline) void loop_do(int n)
{
	do
		sink = n;
	while (--n);
}

static __declspec(noinline) void loop_goto(int n)
{
again:
	sink = n;
	if (--n)
		goto again;
}

static __declspec(noinline) void loop_continue(int n)
{
	while (n--) {
		if (n & 1)
			continue;
		sink = n;
	}
}

static __declspec(noinline) void loop_nested(int n, int m)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j < m; j++)
			sink = j;
}

static __declspec(noinline) void loop_switch(int n)
{
	int state = 0;

	for (;;) {
		switch (state) {
		case 0:
			state = 1;
			break;
		case 1:
			state = 0;
			if (!--n)
				return;
			break;
		}
	}
}

static __declspec(noinline) int straight(int n)
{
	if (n > 3)
		n *= 2;
	for (int i = 0; i < 1; i++)
		sink = n;
	return n;
}

int DriverEntry(void *a, void *b)
{
	loop_for(63);
	POLLS(0);
	loop_for(64);
	POLLS(1);
	loop_for(6400);
	POLLS(100);
	if (host_turns() != 6400)
		return __LINE__;
	loop_do(641);
	POLLS(10);
	loop_goto(641);
	POLLS(10);
	loop_continue(640);
	POLLS(10);
	/* one counter for all loops of a function: 32 * 20 inner turns and 32 outer ones */
	loop_nested(32, 20);
	POLLS((32 * 20 + 32) / 64);
	loop_switch(320);
	POLLS(639 / 64);
	straight(9);
	POLLS(0);
	host_watch(&flag);
	while (!flag)
		;
	POLLS(5);
	return 0;
}
