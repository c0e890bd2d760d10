/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The simple controller's birth, options and registers. Before: src/bus, where a driver's access
 * comes from. After: simple_ring.c, which a doorbell wakes.
 */
#include "hw/simple/simple.h"
#include "hw/hw.h"
#include "util/error.h"
#include <errno.h>
#include <stdlib.h>

#define BAR_SIZE    0x4000
#define MSIX_OFFSET 0x2000

/* ---- registers ---- */

static uint32_t register_get(const struct simple *s, uint32_t offset)
{
	switch (offset) {
	case SIMPLE_VERSION:
		return SIMPLE_VERSION_2;
	case SIMPLE_CONTROL:
		return s->control;
	case SIMPLE_STATUS:
		return s->status;
	case SIMPLE_INTERRUPT:
		return s->interrupt;
	case SIMPLE_MASK:
		return s->mask;
	case SIMPLE_FEATURES:
		return s->master.width |
		       (storage_is_read_only(s->storage) ? SIMPLE_FEATURE_READ_ONLY : 0);
	case SIMPLE_ENTRIES:
		return s->entries;
	case SIMPLE_ELEMENTS:
		return s->max_elements;
	case SIMPLE_BLOCK_SIZE:
		return s->block_size;
	case SIMPLE_DOORBELL:
		return s->doorbell;
	case SIMPLE_BLOCKS:
		return (uint32_t)s->blocks;
	case SIMPLE_BLOCKS + 4:
		return (uint32_t)(s->blocks >> 32);
	case SIMPLE_RING:
		return s->ring_low;
	case SIMPLE_RING + 4:
		return s->ring_high;
	default:
		return 0;
	}
}

static uint64_t simple_read(void *device, unsigned bar, uint32_t offset, unsigned size)
{
	struct simple *s = device;
	uint64_t value = register_get(s, offset & ~3u) >> (8 * (offset & 3));

	if (size == 8)
		value |= (uint64_t)register_get(s, offset + 4) << 32;
	return value;
}

/* The agent, once kicked, sees it. */
static inline void doorbell_set(struct simple *s, uint32_t value)
{
	atomic_store_explicit(&s->doorbell, value, memory_order_release);
}

static void register_set(struct simple *s, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case SIMPLE_DOORBELL:
		if (!(s->status & SIMPLE_STATUS_READY))
			return;
		doorbell_set(s, value);
		cpu_agent_kick(s->agent);
		return;
	case SIMPLE_CONTROL:
		s->control = value & SIMPLE_CONTROL_ENABLE;
		cpu_agent_kick(s->agent);
		return;
	case SIMPLE_INTERRUPT:
		atomic_fetch_and(&s->interrupt, ~value);
		simple_line_update(s);
		return;
	case SIMPLE_MASK:
		s->mask = value & SIMPLE_CAUSES;
		simple_line_update(s);
		return;
	case SIMPLE_RING:
		s->ring_low = value;
		return;
	case SIMPLE_RING + 4:
		s->ring_high = value;
		return;
	}
}

static border_call void simple_write(
	void *device, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	if (size < 4)
		return; /* registers are written whole */
	register_set(device, offset, (uint32_t)value);
	if (size == 8)
		register_set(device, offset + 4, (uint32_t)(value >> 32));
}

/* Open while STATUS is READY. */
static border_call void simple_ring(void *device, uint32_t number, uint32_t value)
{
	struct simple *s = device;

	doorbell_set(s, value);
	bus_rung(s->agent);
}

static void simple_command_register(void *device, uint16_t command)
{
	struct simple *s = device;

	dma_master_enable(&s->master, command >> 2 & 1);
}

/* It stops as when it is disabled, which is the agent's work. */
static bool simple_power(void *device, bool on)
{
	struct simple *s = device;

	if (on)
		return true;
	s->control = s->mask = s->doorbell = 0;
	s->ring_low = s->ring_high = 0;
	cpu_agent_kick(s->agent);
	return !s->status;
}

static const struct bus_function_ops simple_ops = {
	.read = simple_read,
	.write = simple_write,
	.command = simple_command_register,
	.power = simple_power,
};

/* ---- birth and death ---- */

static void delay_over(struct cpu_timer *timer)
{
	struct simple *s = timer->ctx;

	s->delay_over = true;
	cpu_agent_kick(s->agent);
}

static const struct hw_model simple_model;

/* What the options say; defaults where they say nothing. */
struct settings {
	uint64_t entries, max_elements, messages, width, delay;
	bool null, intx, msi;
};

static int settings_read(const struct hw_config *config, struct settings *set)
{
	const char *o = config->options;
	char text[8];
	int err = hw_options_check(&simple_model, o);

	*set = (struct settings){.entries = 256, .max_elements = 1024, .messages = 4, .width = 64};
	set->null = hw_option(o, "null", text, sizeof(text));
	set->intx = hw_option(o, "intx", text, sizeof(text));
	set->msi = hw_option(o, "msi", text, sizeof(text));
	if (!err)
		err = hw_option_number(o, "ring", 2, SIMPLE_ENTRIES_MAX, &set->entries);
	if (!err)
		err = hw_option_number(
			o, "max-elements", 1, SIMPLE_ELEMENTS_MAX, &set->max_elements);
	if (!err)
		err = hw_option_number(
			o, "messages", 1, set->msi ? 32 : BUS_MESSAGES_MAX, &set->messages);
	if (!err)
		err = hw_option_number(o, "width", 16, 64, &set->width);
	if (!err)
		err = hw_option_number(o, "delay", 0, 10000000, &set->delay);
	if (!err && set->entries & (set->entries - 1))
		err = error_set(
			EINVAL, "ring=%u: a power of two is needed.", (unsigned)set->entries);
	if (!err && set->msi && set->messages & (set->messages - 1))
		err = error_set(EINVAL, "messages=%u: with msi a power of two is needed.",
			(unsigned)set->messages);
	if (!err && set->msi && set->intx)
		err = error_set(EINVAL, "intx and msi exclude each other.");
	return err;
}

static int bus_add(struct simple *s, const struct settings *set)
{
	struct bus_function_config config = {
		.vendor = SIMPLE_VENDOR,
		.device = SIMPLE_DEVICE,
		.subsystem_vendor = SIMPLE_VENDOR,
		.subsystem = SIMPLE_DEVICE,
		.revision = 1,
		.base_class = 0x01, /* mass storage */
		.subclass = 0x80,   /* of no standard kind */
		.bar[0] = {.size = BAR_SIZE},
		.msi_messages = set->msi ? (unsigned)set->messages : 0,
		.msix_messages = set->msi || set->intx ? 0 : (unsigned)set->messages,
		.msix_offset = MSIX_OFFSET,
		.has_line = true,
		.name = "simple",
	};

	const struct bus_doorbells doorbell = {
		.offset = SIMPLE_DOORBELL, .count = 1, .ring = simple_ring};

	s->messages = set->intx ? 0 : (uint32_t)set->messages;
	s->function = bus_function_new(&config, &simple_ops, s);
	if (!s->function)
		return -ENODEV;
	bus_doorbells_set(s->function, &doorbell);
	return 0;
}

static void master_settle(struct dma_master *master)
{
	simple_ones_count(container_of(master, struct simple, master));
}

static int simple_build(struct simple *s, const struct settings *set, uint32_t block_size)
{
	int err;

	s->entries = (uint32_t)set->entries;
	s->max_elements = (uint32_t)set->max_elements;
	s->delay_ns = set->delay * 1000;
	s->timer = (struct cpu_timer){.fn = delay_over, .ctx = s};
	s->block_size = block_size;
	s->block_shift = (uint32_t)__builtin_ctz(block_size);
	s->block_mask = block_size - 1;
	s->blocks = storage_size(s->storage) / block_size;
	s->page_blocks = s->blocks - min_of(s->blocks, MEM_PAGE_SIZE / block_size - 1);
	dma_master_init(&s->master, "simple", (unsigned)set->width);
	s->master.settle = master_settle;
	s->kind_of_data = MEM_DATA;
	s->list = calloc(s->max_elements, sizeof(*s->list));
	s->parameters = calloc(1, SIMPLE_PARAMETERS(s->max_elements));
	s->agent = cpu_agent_new(simple_step, s, "simple");
	if (!s->list || !s->parameters || !s->agent) {
		err = error_set(ENOMEM, "No memory for the simple controller.");
		goto fail;
	}
	err = bus_add(s, set);
	if (!err) {
		s->master.number = bus_function_slot(s->function);
		return 0;
	}
fail:
	if (s->agent)
		cpu_agent_free(s->agent);
	free(s->parameters);
	free(s->list);
	return err;
}

static int simple_create(const struct hw_config *config, struct hw_device **device)
{
	struct settings set;
	struct simple *s;
	int err = settings_read(config, &set);

	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return error_set(ENOMEM, "No memory for the simple controller.");
	err = storage_open(config, set.null, &s->storage);
	if (err)
		goto fail;
	err = simple_build(s, &set, config->block_size);
	if (!err) {
		*device = (struct hw_device *)s;
		return 0;
	}
	storage_close(s->storage);
fail:
	free(s);
	return err;
}

static int simple_destroy(struct hw_device *device)
{
	struct simple *s = (struct simple *)device;
	int err;

	cpu_timer_cancel(&s->timer);
	bus_function_unplug(s->function);
	cpu_agent_free(s->agent);
	bus_function_free(s->function);
	err = storage_close(s->storage);
	free(s->parameters);
	free(s->list);
	free(s);
	return err;
}

static struct dma_master *simple_master(struct hw_device *device)
{
	return &((struct simple *)device)->master;
}

static struct storage *simple_storage(const struct hw_device *device)
{
	return ((const struct simple *)device)->storage;
}

static const struct hw_model simple_model = {
	.name = "simple",
	.help = "bus-master disk controller of a dozen registers; see docs/simple-controller.md",
	.options = "null  no storage: moves no data, for benches\n"
		   "intx  the interrupt line only\n"
		   "msi  MSI in place of MSI-X\n"
		   "messages=N  how many interrupt messages, 1 to 64 (4)\n"
		   "ring=N  entries of the rings, a power of two up to 1024 (256)\n"
		   "max-elements=N  longest list of a command, up to 4096 (1024)\n"
		   "width=BITS  address bits that the device drives, 16 to 64 (64)\n"
		   "delay=US  microseconds before commands are looked at (0)",
	.create = simple_create,
	.destroy = simple_destroy,
	.master = simple_master,
	.storage = simple_storage,
};
DRY_HW(simple_model)
