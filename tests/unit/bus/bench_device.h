/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the tests of bus/ share: a device that notes every access, on the machine of
 * one_processor.h.
 */
#ifndef TEST_BENCH_DEVICE_H
#define TEST_BENCH_DEVICE_H

#include "../one_processor.h"
#include "../ddi_expect.h"

struct device {
	struct bus_function *function;
	unsigned reads, writes, commands;
	unsigned bar, size;
	uint32_t offset;
	uint64_t value;	 /* last written */
	uint64_t answer; /* to reads */
	uint16_t command;
};

static inline uint64_t device_read(void *device, unsigned bar, uint32_t offset, unsigned size)
{
	struct device *d = device;

	d->reads++;
	d->bar = bar;
	d->offset = offset;
	d->size = size;
	return d->answer;
}

static inline border_call void device_write(
	void *device, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	struct device *d = device;

	d->writes++;
	d->bar = bar;
	d->offset = offset;
	d->size = size;
	d->value = value;
}

static inline void device_command(void *device, uint16_t command)
{
	struct device *d = device;

	d->commands++;
	d->command = command;
}

static const struct bus_function_ops device_ops = {
	.read = device_read,
	.write = device_write,
	.command = device_command,
};

/* BAR 0: 16 KiB memory; BAR 1: 32 ports; BAR 2 and 3: 1 MiB memory, 64 bits wide; BAR 4: 32 bytes
 * memory. */
static const struct bus_function_config device_config = {
	.vendor = 0x1af4,
	.device = 0x1001,
	.subsystem_vendor = 0x1234,
	.subsystem = 0x5678,
	.revision = 7,
	.prog_if = 1,
	.subclass = 8,
	.base_class = 2,
	.bar[0] = {.size = 0x4000},
	.bar[1] = {.size = 32, .is_io = true},
	.bar[2] = {.size = 0x100000, .is_64bit = true},
	.bar[4] = {.size = 32},
	.msi_messages = 8,
	.msix_messages = 5,
	.msix_bar = 2,
	.msix_offset = 0x1000,
	.has_line = true,
	.name = "bench",
};

static inline void device_add_config(struct device *d, const struct bus_function_config *config)
{
	memset(d, 0, sizeof(*d));
	d->answer = 0x1122334455667788ull;
	d->function = bus_function_new(config, &device_ops, d);
	if (!d->function)
		fail_msg("%s", error_text());
}

static inline void device_add(struct device *d)
{
	device_add_config(d, &device_config);
}

static inline void *device_map(struct device *d, unsigned bar)
{
	struct bus_resource r;

	assert_true(bus_resource_get(d->function, bar, &r));
	return bus_map(r.address, r.size, r.is_io, NULL);
}

static inline uint32_t config_get(struct device *d, unsigned offset, unsigned size)
{
	uint32_t value = 0;

	assert_int_equal(bus_config_read(d->function, offset, &value, size), size);
	return value;
}

static inline void config_set(struct device *d, unsigned offset, unsigned size, uint32_t value)
{
	assert_int_equal(bus_config_write(d->function, offset, &value, size), size);
}

#endif
