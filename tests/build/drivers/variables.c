/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Imported variables, in every way that C refers to one. Answers the line of the first check that
 * fails. */
struct point {
	int x, y[4];
};

extern __declspec(dllimport) int host_number;
extern __declspec(dllimport) struct point host_point;
extern const unsigned short *host_pointer; /* without dllimport, as old headers have it */
extern int host_array[];
int host_sum(const int *from, int count);

#define CHECK(condition)                                                                           \
	if (!(condition))                                                                          \
	return __LINE__

static __declspec(noinline) int *choose(int which)
{
	return which ? &host_number : &host_point.y[2];
}

static __declspec(noinline) int choose_value(int which, int other)
{
	int *p;

	switch (which) {
	case 0:
		p = &host_array[1];
		break;
	case 1:
		p = &host_number;
		break;
	default:
		p = &other;
	}
	return *p;
}

int DriverEntry(unsigned long long number, void *unused)
{
	struct point copy;

	CHECK(host_number == 42);
	host_number++;
	CHECK(host_number == 43);
	CHECK(host_point.x == 1 && host_point.y[3] == 5);
	copy = host_point;
	copy.y[0] = 20;
	host_point = copy;
	CHECK(host_point.y[0] == 20 && host_point.y[1] == 3);
	CHECK(host_pointer[0] == 'a' && host_pointer[1] == 'b');
	CHECK(host_sum(host_array, 3) == 60 && host_sum(host_array + 1, 2) == 50);
	CHECK(*choose(1) == 43 && *choose(0) == 4);
	CHECK(choose_value(0, 7) == 20 && choose_value(1, 7) == 43 && choose_value(2, 7) == 7);
	CHECK((unsigned long long)&host_array[2] - (unsigned long long)host_array == 8);
	CHECK(&host_array[0] == host_array && (int *)&host_point == &host_point.x);
	return 0;
}
