/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Functions come and go here: checks of what a device model asks for, slots, enumeration,
 * unplugging. Neighbours: config_space.c builds the configuration space, bar.c gives addresses.
 */
#include "bus/function.h"
#include "util/error.h"
#include <errno.h>
#include <string.h>

/* Device 0 of a PC's bus 0 is the host bridge. */
#define FIRST_SLOT 1
/* Between two looks whether a device has let go. */
#define POWER_LOOK_NS 100000

pthread_mutex_t bus_lock = PTHREAD_MUTEX_INITIALIZER;
struct bus_function bus_functions[BUS_FUNCTIONS];
_Atomic unsigned bus_functions_end;

int bus_init(void)
{
	return bus_windows_init();
}

void bus_fini(void)
{
	for (unsigned i = bus_functions_end; i-- > 0;)
		if (bus_functions[i].present)
			bus_function_free(&bus_functions[i]);
	bus_windows_fini();
}

static bool is_power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

static int bar_check(const struct bus_function_config *config, unsigned bar)
{
	const struct bus_bar_config *b = &config->bar[bar];

	if (!b->size)
		return 0;
	if (!is_power_of_two(b->size) || b->size < (b->is_io ? 4 : 16))
		return error_set(EINVAL,
			"%s: BAR %u has size %u; it must be a power of two, at least %d.",
			config->name, bar, b->size, b->is_io ? 4 : 16);
	/* PCI 3.0, 6.2.5.1: an I/O BAR asks for at most 256 bytes on a PC */
	if (b->is_io && (b->is_64bit || b->size > 256))
		return error_set(EINVAL, "%s: BAR %u is no possible I/O BAR.", config->name, bar);
	if (b->is_64bit && (bar + 1 >= BUS_BARS || config->bar[bar + 1].size))
		return error_set(EINVAL, "%s: BAR %u is 64 bits wide and needs BAR %u too.",
			config->name, bar, bar + 1);
	return 0;
}

static int messages_check(const struct bus_function_config *config)
{
	const struct bus_bar_config *bar;

	if (config->msi_messages &&
		(!is_power_of_two(config->msi_messages) || config->msi_messages > 32))
		return error_set(EINVAL, "%s: %u MSI messages; 1, 2, 4, 8, 16 or 32 are possible.",
			config->name, config->msi_messages);
	if (!config->msix_messages)
		return 0;
	if (config->msix_messages > BUS_MESSAGES_MAX || config->msix_bar >= BUS_BARS)
		return error_set(EINVAL,
			"%s: at most %d MSI-X messages, their table in BAR 0 to 5.", config->name,
			BUS_MESSAGES_MAX);
	bar = &config->bar[config->msix_bar];
	if (bar->is_io || config->msix_offset % 8 || config->msix_offset > bar->size ||
		bus_msix_size(config) > bar->size - config->msix_offset)
		return error_set(EINVAL,
			"%s: the MSI-X table does not fit in BAR %u at offset 0x%x.", config->name,
			config->msix_bar, config->msix_offset);
	return 0;
}

static int config_check(const struct bus_function_config *config)
{
	for (unsigned i = 0; i < BUS_BARS; i++)
		if (bar_check(config, i))
			return -EINVAL;
	if (config->is_bridge &&
		(config->msi_messages || config->msix_messages || config->has_line))
		return error_set(EINVAL, "%s: bridges have no interrupts here.", config->name);
	for (unsigned i = 0; config->is_bridge && i < BUS_BARS; i++)
		if (config->bar[i].size)
			return error_set(EINVAL, "%s: bridges have no BARs here.", config->name);
	if (config->bridge && (!config->bridge->config.is_bridge || config->slot >= BUS_SLOTS))
		return error_set(EINVAL, "%s: behind a bridge there are slots 0 to %d.",
			config->name, BUS_SLOTS - 1);
	return messages_check(config);
}

static struct bus_function *root_slot_find(const struct bus_function_config *config)
{
	for (unsigned i = FIRST_SLOT; i < BUS_SLOTS; i++)
		if (!bus_functions[i].present)
			return &bus_functions[i];
	error_set(ENOSPC, "%s: all %d slots of the bus are taken.", config->name,
		BUS_SLOTS - FIRST_SLOT);
	return NULL;
}

/* Its place follows from its line, as on the root bus: see line.c. */
static struct bus_function *slot_find(const struct bus_function_config *config)
{
	if (!config->bridge)
		return root_slot_find(config);
	if (bus_function_at(config->bridge->secondary, config->slot)) {
		error_set(EBUSY, "%s: slot %u behind %s is taken.", config->name, config->slot,
			config->bridge->config.name);
		return NULL;
	}
	for (unsigned i = BUS_SLOTS + bus_line_of(config->bridge, config->slot); i < BUS_FUNCTIONS;
		i += BUS_LINES)
		if (!bus_functions[i].present)
			return &bus_functions[i];
	error_set(ENOSPC, "%s: too many functions behind bridges.", config->name);
	return NULL;
}

static void function_fill(struct bus_function *f, const struct bus_function_config *config,
	const struct bus_function_ops *ops, void *device)
{
	memset(f, 0, sizeof(*f));
	f->slot = config->bridge ? config->slot : (uint8_t)(f - bus_functions);
	f->bus = config->bridge ? config->bridge->secondary : 0;
	f->line = (uint8_t)bus_line_of(config->bridge, f->slot);
	f->config = *config;
	f->ops = *ops;
	f->device = device;
	f->sender.masked = ~0ull; /* PCI 3.0, 6.8.2: mask bits are set after reset */
	bus_config_build(f);
}

struct bus_function *bus_function_new(
	const struct bus_function_config *config, const struct bus_function_ops *ops, void *device)
{
	struct bus_function *f;

	if (config_check(config))
		return NULL;
	pthread_mutex_lock(&bus_lock);
	f = slot_find(config);
	if (!f)
		goto out;
	function_fill(f, config, ops, device);
	if (bus_windows_assign(f) || (config->is_bridge && bus_bridge_number(f))) {
		f = NULL;
		goto out;
	}
	f->present = true;
	bus_functions_end = max_of(bus_functions_end, (unsigned)(f - bus_functions) + 1);
	bus_windows_update(f);
	if (f->ops.command)
		f->ops.command(device, f->command);
out:
	pthread_mutex_unlock(&bus_lock);
	return f;
}

void bus_function_free(struct bus_function *f)
{
	pthread_mutex_lock(&bus_lock);
	f->unplugged = true;
	bus_windows_update(f);
	bus_windows_release(f);
	f->present = false;
	pthread_mutex_unlock(&bus_lock);
}

void bus_function_unplug(struct bus_function *f)
{
	pthread_mutex_lock(&bus_lock);
	f->unplugged = true;
	bus_windows_update(f);
	pthread_mutex_unlock(&bus_lock);
}

bool bus_function_is_unplugged(const struct bus_function *f)
{
	return f->unplugged;
}

/* The firmware assigns the addresses anew, and finds the same ones. */
static void config_reset(struct bus_function *f)
{
	uint32_t bars[BUS_BARS];

	for (unsigned i = 0; i < BUS_BARS; i++)
		bars[i] = bus_config_dword(f, CONFIG_BAR + 4 * i);
	memset(f->space, 0, sizeof(f->space));
	memset(f->writable, 0, sizeof(f->writable));
	bus_config_build(f);
	for (unsigned i = 0; i < BUS_BARS; i++) {
		memset(f->space + CONFIG_BAR + 4 * i, 0, 4);
		bus_config_put(f, CONFIG_BAR + 4 * i, 4, bars[i]);
	}
	f->sender.masked = ~0ull;
	f->pending = 0;
	f->asserted = false;
}

void bus_function_pull(struct bus_function *f)
{
	bus_function_unplug(f);
	if (f->ops.plug)
		f->ops.plug(f->device, false);
	bus_function_power(f, false);
}

int bus_function_plug(struct bus_function *f)
{
	int err;

	/* First: a device that goes while it is put in has gone. */
	atomic_store(&f->unplugged, false);
	err = f->ops.plug ? f->ops.plug(f->device, true) : 0;
	if (err) {
		bus_function_unplug(f);
		return err;
	}
	if (f->tap && f->tap->plug)
		f->tap->plug(f->tap);
	pthread_mutex_lock(&bus_lock);
	config_reset(f);
	f->unpowered = false;
	bus_windows_update(f);
	bus_messages_update(f);
	if (f->ops.power)
		f->ops.power(f->device, true);
	if (f->ops.command)
		f->ops.command(f->device, f->command);
	pthread_mutex_unlock(&bus_lock);
	return 0;
}

void bus_function_power(struct bus_function *f, bool on)
{
	pthread_mutex_lock(&bus_lock);
	f->unpowered = !on;
	bus_windows_update(f);
	pthread_mutex_unlock(&bus_lock);
	while (f->ops.power && !f->ops.power(f->device, on) && !on)
		cpu_thread_park(POWER_LOOK_NS);
}

struct bus_function *bus_function_get(unsigned n)
{
	for (unsigned i = 0; i < bus_functions_end; i++)
		if (bus_functions[i].present && n-- == 0)
			return &bus_functions[i];
	return NULL;
}

struct bus_function *bus_function_at(unsigned bus, unsigned slot)
{
	for (unsigned i = 0; i < bus_functions_end; i++) {
		struct bus_function *f = &bus_functions[i];

		if (f->present && f->bus == bus && f->slot == slot)
			return f;
	}
	return NULL;
}

unsigned bus_function_bus(const struct bus_function *f)
{
	return f->bus;
}

unsigned bus_function_slot(const struct bus_function *f)
{
	return f->slot;
}

unsigned bus_function_place(const struct bus_function *f)
{
	return (unsigned)(f - bus_functions);
}

const char *bus_function_name(const struct bus_function *f)
{
	return f->config.name;
}
