/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Lends variables to a driver. */
#include "imports.h"

#define BORDER __attribute__((ms_abi))

static int number = 42, array[] = {10, 20, 30};
static struct {
	int x, y[4];
} point = {1, {2, 3, 4, 5}};
static const unsigned short letters[] = {'a', 'b', 0}, *pointer = letters;

static BORDER int sum(const int *from, int count)
{
	int s = 0;

	while (count--)
		s += *from++;
	return s;
}

static BORDER void poll(unsigned turns)
{
}

static const struct test_export exports[] = {{"host_number", &number}, {"host_point", &point},
	{"host_pointer", &pointer}, {"host_array", array}, {"host_sum", sum}, {"__dry_poll", poll},
	{0}};

int main(int argc, char **argv)
{
	int BORDER (*entry)(unsigned long, void *) = driver_load(argv[1], exports);
	int line = entry(0, NULL);

	if (line || number != 43 || point.y[0] != 20)
		printf("variables.c:%d is wrong\n", line);
	return line != 0 || number != 43 || point.y[0] != 20;
}
