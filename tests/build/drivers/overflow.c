/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* One bug for each number, on the line that says so. */
void *host_alloc(unsigned long long bytes);
void host_free(void *p);

static int table[10];
static int *volatile escape;

static __declspec(noinline) int heap(int n)
{
	int *p = host_alloc(40), r;

	r = p[n]; /* line 14 */
	host_free(p);
	return r;
}

static __declspec(noinline) int stack(int n)
{
	int local[10];

	escape = local;
	local[0] = n;
	return escape[n]; /* line 25 */
}

static __declspec(noinline) int global(int n)
{
	escape = table;
	return escape[n]; /* line 31 */
}

static __declspec(noinline) int freed(void)
{
	int *p = host_alloc(40);

	host_free(p);
	return *(volatile int *)p; /* line 39 */
}

static __declspec(noinline) int shift(int n)
{
	return 1 << n; /* line 44 */
}

static __declspec(noinline) int index_of(int n)
{
	return table[n]; /* line 49 */
}

int DriverEntry(unsigned long long number, void *unused)
{
	switch (number) {
	case 1:
		return heap(10);
	case 2:
		return stack(10);
	case 3:
		return global(10);
	case 4:
		return freed();
	case 5:
		return shift(40) & 0;
	case 6:
		return index_of(11) & 0;
	}
	return 0;
}
