/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Two threads call a driver's DriverEntry with one number at once. */
#include "imports.h"

#include <pthread.h>

#define BORDER __attribute__((ms_abi))

static int BORDER (*entry)(unsigned long number, void *unused);

static BORDER void host_poll(unsigned turns)
{
}

static const struct test_export exports[] = {{"__dry_poll", host_poll}, {0}};

static void *run(void *number)
{
	entry((unsigned long)number, NULL);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[2];

	entry = driver_load(argv[1], exports);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run, (void *)strtoul(argv[2], NULL, 0));
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
