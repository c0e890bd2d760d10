/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Imports what no dryport has: two routines and a variable. number says which one is touched. */
unsigned long KeNoSuchRoutine(unsigned long n);
void NtNothingOfThisName(void);
extern __declspec(dllimport) unsigned long KdNoSuchVariable;

static __declspec(noinline) unsigned long caller(unsigned long n)
{
	return KeNoSuchRoutine(n) + 1; /* line 10 */
}

static __declspec(noinline) void last(void)
{
	NtNothingOfThisName(); /* line 15 */
}

static __declspec(noinline) unsigned long reader(void)
{
	return KdNoSuchVariable; /* line 20 */
}

/* In a register from one call to the next, if anywhere. */
static __declspec(noinline) unsigned long turning(unsigned long n)
{
	unsigned long sum = 0;

	while (n--)
		sum += KeNoSuchRoutine(n); /* line 29 */
	return sum;
}

static unsigned long (*volatile taken)(unsigned long n) = KeNoSuchRoutine;

long DriverEntry(unsigned long long number, void *unused)
{
	if (number == 1)
		return (long)caller(3);
	if (number == 2)
		last();
	if (number == 3)
		return (long)reader();
	if (number == 4)
		return (long)turning(3);
	if (number == 5)
		return (long)taken(5) + 1; /* line 46 */
	return 0;
}
