/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A host for sanitized drivers: lends them malloc, calls DriverEntry with a number. */
#include "imports.h"

#define BORDER __attribute__((ms_abi))

static BORDER void *host_alloc(unsigned long bytes)
{
	return malloc(bytes);
}

static BORDER void host_free(void *p)
{
	free(p);
}

static BORDER void host_poll(unsigned turns)
{
}

static const struct test_export exports[] = {
	{"host_alloc", host_alloc}, {"host_free", host_free}, {"__dry_poll", host_poll}, {0}};

int main(int argc, char **argv)
{
	int BORDER (*entry)(unsigned long, void *) = driver_load(argv[1], exports);

	return entry(strtoul(argv[2], NULL, 0), NULL);
}
