/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Accesses to memory of each kind, and how many safepoints they have (poll_host.c counts). Returns
 * the line of the first that has another number, 0 if there is none.
 */
unsigned host_accesses(void);

#define NOINLINE __attribute__((noinline))

struct pair {
	int a, b;
};

static volatile int global;
static const volatile int constant = 5;
static int *shown;
static struct pair pairs[2];

NOINLINE static int private_local(int x)
{
	int array[4] = {1, 2, 3, 4}, sum = 0;
	struct pair one = {x, 2}, other = one;

	for (int i = 0; i < 4; i++)
		sum += array[i & x];
	return sum + other.a + constant;
}

/* Whoever is shown a local may be on another processor, or a DPC of this one. */
NOINLINE static int shown_local(int x)
{
	int local = x; /* 1 */

	shown = &local; /* 2: of shown itself */
	local++;	/* 3 and 4 */
	return local;	/* 5 */
}

NOINLINE static void passed_to(int *p)
{
	*p = 1; /* 1 */
}

NOINLINE static int passed_local(void)
{
	int local[2] = {0}; /* 2 */

	passed_to(&local[1]);
	return local[1]; /* 3 */
}

NOINLINE static void atomics(int *p)
{
	int expected = 1;

	__atomic_fetch_add(p, 1, __ATOMIC_SEQ_CST);					     /* 1 */
	__atomic_compare_exchange_n(p, &expected, 3, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); /* 2 */
	__atomic_store_n(p, 1, __ATOMIC_SEQ_CST);					     /* 3 */
}

NOINLINE static void dirty(int byte)
{
	volatile unsigned char left[512];

	for (int i = 0; i < 512; i++)
		left[i] = (unsigned char)byte;
}

NOINLINE static unsigned never_set(void)
{
	unsigned char left[256];
	unsigned sum = 0;

	for (int i = 0; i < 256; i++)
		sum = sum * 31 + ((volatile unsigned char *)left)[i];
	return sum;
}

#define EXPECT(count, ...)                                                                         \
	do {                                                                                       \
		host_accesses();                                                                   \
		__VA_ARGS__;                                                                       \
		if (host_accesses() != (count))                                                    \
			return __LINE__;                                                           \
	} while (0)

int DriverEntry(void *driver, void *path)
{
	unsigned first, second;

	EXPECT(1, global = 1);
	EXPECT(2, global++);
	EXPECT(0, private_local(3));
	EXPECT(5, shown_local(3));
	EXPECT(3, passed_local());
	EXPECT(1, pairs[0] = pairs[1]);
	EXPECT(1, __builtin_memset(pairs, 0, sizeof(pairs)));
	EXPECT(3, atomics((int *)&global));
	dirty(1);
	first = never_set();
	dirty(2);
	second = never_set();
	return first == second ? 0 : __LINE__;
}
