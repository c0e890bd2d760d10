/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The host's side of the border (abi.h). The build compiles it by gcc and by clang. */
#define MINE(name)  host_##name
#define OTHER(name) driver.name
#include "abi.h"
#include "imports.h"

static struct abi_driver driver;

EACH_NARROW(DEFINE_NARROW)
EACH_SIZE(DEFINE_SIZE)
DEFINE_REST

LONG64 BORDER host_sum(int count, const char *kinds, ...)
{
	__builtin_ms_va_list list;
	LONG64 sum;

	__builtin_ms_va_start(list, kinds);
	sum = host_vsum(count, kinds, list);
	__builtin_ms_va_end(list);
	return sum;
}

/* The safepoint that loops call; of no interest here. */
static void BORDER poll(ULONG turns)
{
}

static const struct test_export exports[] = {
#define EXPORT_NARROW(T)                                                                           \
	{"host_" #T "_mix", host_##T##_mix}, {"host_" #T "_echo", host_##T##_echo},                \
		{"host_" #T "_foul", host_##T##_foul},
#define EXPORT_SIZE(N) {"host_s" #N, host_s##N},
	EACH_NARROW(EXPORT_NARROW) EACH_SIZE(EXPORT_SIZE){"host_pair", host_pair},
	{"host_mixed", host_mixed}, {"host_sum", host_sum}, {"host_vsum", host_vsum},
	{"__dry_poll", poll}, {0}};

static int sides_check(void)
{
	EACH_NARROW(CHECK_NARROW)
	EACH_SIZE(CHECK_SIZE)
	CHECK_REST
	return 0;
}

int main(int argc, char **argv)
{
	int BORDER (*entry)(struct abi_driver *, void *) = driver_load(argv[1], exports);
	int inward = entry(&driver, NULL), outward = inward ? 0 : sides_check();

	if (inward)
		printf("driver calls host: %s: case %d is wrong\n", driver.place, inward % 10);
	if (outward)
		printf("host calls driver: %s: case %d is wrong\n", abi_place, outward % 10);
	return inward || outward;
}
