/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The driver's side of the border (abi.h): calls all the host's routines, offers its own. */
#define MINE(name)  driver_##name
#define OTHER(name) host_##name
#include "abi.h"

#define DECLARE_NARROW(T)                                                                          \
	T##_mix_fn host_##T##_mix;                                                                 \
	T##_echo_fn host_##T##_echo;                                                               \
	T##_foul_fn host_##T##_foul;
#define DECLARE_SIZE(N) s##N##_fn host_s##N;
EACH_NARROW(DECLARE_NARROW)
EACH_SIZE(DECLARE_SIZE)
pair_fn host_pair;
mixed_fn host_mixed;
sum_fn host_sum;
vsum_fn host_vsum;

EACH_NARROW(DEFINE_NARROW)
EACH_SIZE(DEFINE_SIZE)
DEFINE_REST

/* Hands its list over, as RtlStringCbVPrintfA's callers do. */
LONG64 driver_sum(int count, const char *kinds, ...)
{
	abi_list list;
	LONG64 sum;

	__builtin_va_start(list, kinds);
	sum = host_vsum(count, kinds, list);
	if (driver_vsum(count, kinds, list) != sum)
		sum = -1;
	__builtin_va_end(list);
	return sum;
}

static int sides_check(void)
{
	EACH_NARROW(CHECK_NARROW)
	EACH_SIZE(CHECK_SIZE)
	CHECK_REST
	return 0;
}

int DriverEntry(struct abi_driver *driver, void *unused)
{
	int wrong;

#define OFFER_NARROW(T)                                                                            \
	driver->T##_mix = driver_##T##_mix;                                                        \
	driver->T##_echo = driver_##T##_echo;                                                      \
	driver->T##_foul = driver_##T##_foul;
#define OFFER_SIZE(N) driver->s##N = driver_s##N;
	EACH_NARROW(OFFER_NARROW)
	EACH_SIZE(OFFER_SIZE)
	driver->pair = driver_pair;
	driver->mixed = driver_mixed;
	driver->sum = driver_sum;
	driver->vsum = driver_vsum;
	wrong = sides_check();
	driver->place = abi_place;
	return wrong;
}
