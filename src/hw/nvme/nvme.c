/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The NVMe controller's birth, options and death (nvme.h).
 */
#include "hw/hw.h"
#include "hw/nvme/nvme.h"
#include "util/error.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BAR_SIZE    0x4000
#define MSIX_OFFSET 0x2000

static const struct hw_model nvme_model;

struct settings {
	uint64_t queues, entries, vectors, mdts, namespaces, cache, shadow, width, engines;
	bool null;
};

static int settings_read(const struct hw_config *config, struct settings *set)
{
	const char *o = config->options;
	char text[8];
	int err = hw_options_check(&nvme_model, o);

	*set = (struct settings){.queues = 16,
		.entries = 1024,
		.vectors = 32,
		.mdts = 1 << 20,
		.namespaces = 1,
		.cache = 1,
		.width = 64,
		.engines = 1};
	set->null = hw_option(o, "null", text, sizeof(text));
	if (!err)
		err = hw_option_number(o, "queues", 1, NVME_QUEUES_MAX - 1, &set->queues);
	if (!err)
		err = hw_option_number(o, "entries", 2, 65536, &set->entries);
	if (!err)
		err = hw_option_number(o, "vectors", 0, BUS_MESSAGES_MAX, &set->vectors);
	/* MDTS 0 would say that there is no limit: 5.15.2.2 */
	if (!err)
		err = hw_option_number(o, "mdts", 2 * NVME_PAGE, 64 << 20, &set->mdts);
	if (!err)
		err = hw_option_number(o, "namespaces", 1, NVME_NAMESPACES_MAX, &set->namespaces);
	if (!err)
		err = hw_option_number(o, "write-cache", 0, 1, &set->cache);
	if (!err)
		err = hw_option_number(o, "doorbell-buffer", 0, 1, &set->shadow);
	if (!err)
		err = hw_option_number(o, "width", 32, 64, &set->width);
	if (!err)
		err = hw_option_number(o, "engines", 1, NVME_ENGINES_MAX, &set->engines);
	if (!err && set->engines > 1 && cpu_is_replayed())
		err = error_set(EINVAL,
			"engines=%u: a replayed machine's controller has one; leave it out.",
			(unsigned)set->engines);
	if (!err && set->mdts & (set->mdts - 1))
		err = error_set(EINVAL, "mdts=%u: a power of two is needed.", (unsigned)set->mdts);
	return err;
}

static int bus_add(struct nvme *n)
{
	struct bus_function_config config = {
		.vendor = NVME_VENDOR,
		.device = NVME_DEVICE,
		.subsystem_vendor = NVME_VENDOR,
		.subsystem = NVME_DEVICE,
		.revision = 1,
		.base_class = 0x01, /* mass storage, non-volatile memory, NVM Express: 2.1.5 */
		.subclass = 0x08,
		.prog_if = 0x02,
		.bar[0] = {.size = BAR_SIZE, .is_64bit = true},
		.msix_messages = n->vectors,
		.msix_offset = MSIX_OFFSET,
		.has_line = true,
		.name = "nvme",
	};

	n->function = bus_function_new(&config, &nvme_bus_ops, n);
	if (!n->function)
		return -ENODEV;
	nvme_doorbells_set(n);
	return 0;
}

static int engine_init(struct nvme *n, unsigned number, unsigned width)
{
	struct nvme_engine *e = &n->engine[number];

	e->nvme = n;
	e->turn = 1;
	e->kind_of_data = MEM_DATA;
	pthread_mutex_init(&e->lock, NULL);
	dma_master_init(&e->master, "nvme", width);
	if (number)
		n->engine[number - 1].master.next = &e->master;
	e->compare = calloc(1, n->block_size);
	e->agent = cpu_agent_new(nvme_step, e, "nvme");
	return e->agent && e->compare ? 0 : error_set(ENOMEM, "No memory for the NVMe controller.");
}

static int engines_new(struct nvme *n, unsigned width)
{
	unsigned others = n->engine_count - 1;
	int err = 0;

	for (unsigned i = 0; i < n->engine_count && !err; i++)
		err = engine_init(n, i, width);
	n->sq[0].engine = n->engine;
	for (unsigned i = 0; i < NVME_QUEUES_MAX; i++)
		n->cq[i].engine = &n->engine[i && others ? 1 + (i - 1) % others : 0];
	return err;
}

static void engines_free(struct nvme *n)
{
	for (unsigned i = 0; i < n->engine_count; i++) {
		cpu_agent_free(n->engine[i].agent);
		free(n->engine[i].compare);
	}
}

static int nvme_build(struct nvme *n, const struct settings *set, uint32_t block_size)
{
	int err;

	n->queues = (uint32_t)set->queues;
	n->entries = (uint32_t)set->entries;
	n->vectors = (uint32_t)set->vectors;
	n->mdts_bytes = (uint32_t)set->mdts;
	n->namespaces = (uint32_t)set->namespaces;
	n->has_cache = set->cache;
	n->has_shadow = set->shadow;
	n->block_size = block_size;
	n->block_shift = (uint32_t)__builtin_ctz(block_size);
	n->blocks = storage_size(n->storage) / block_size / n->namespaces;
	n->page_blocks = n->blocks - min_of(n->blocks, MEM_PAGE_SIZE / block_size - 1);
	if (!n->blocks)
		return error_set(
			EINVAL, "namespaces=%u: more than the disk has blocks.", n->namespaces);
	err = engines_new(n, (unsigned)set->width);
	if (!err)
		err = bus_add(n);
	if (err) {
		engines_free(n);
		return err;
	}
	for (unsigned i = 0; i < n->engine_count; i++)
		n->engine[i].master.number = bus_function_slot(n->function);
	return 0;
}

/* One engine is the first; of several the first has the admin queue alone. */
static struct nvme *nvme_alloc(unsigned engines)
{
	unsigned count = engines > 1 ? 1 + engines : 1;
	size_t bytes = sizeof(struct nvme) + count * sizeof(struct nvme_engine);
	struct nvme *n = aligned_alloc(_Alignof(struct nvme), bytes);

	if (!n)
		return NULL;
	memset(n, 0, bytes);
	pthread_mutex_init(&n->log_lock, NULL);
	pthread_mutex_init(&n->gate, NULL);
	n->engine_count = count;
	return n;
}

static int nvme_create(const struct hw_config *config, struct hw_device **device)
{
	struct settings set;
	struct nvme *n;
	int err = settings_read(config, &set);

	if (err)
		return err;
	n = nvme_alloc((unsigned)set.engines);
	if (!n)
		return error_set(ENOMEM, "No memory for the NVMe controller.");
	err = storage_open(config, set.null, &n->storage);
	if (err)
		goto fail;
	err = nvme_build(n, &set, config->block_size);
	if (!err) {
		*device = (struct hw_device *)n;
		return 0;
	}
	storage_close(n->storage);
fail:
	free(n);
	return err;
}

static int nvme_destroy(struct hw_device *device)
{
	struct nvme *n = (struct nvme *)device;
	int err;

	bus_function_unplug(n->function);
	/* no engine is in a step from here on that would ask another */
	nvme_fail(n);
	nvme_engines_hold(n);
	nvme_engines_let_go(n);
	engines_free(n);
	bus_function_free(n->function);
	err = storage_close(n->storage);
	free(n);
	return err;
}

static struct dma_master *nvme_master(struct hw_device *device)
{
	return &((struct nvme *)device)->engine->master;
}

static struct storage *nvme_storage(const struct hw_device *device)
{
	return ((const struct nvme *)device)->storage;
}

static const struct hw_model nvme_model = {
	.name = "nvme",
	.help = "NVM Express 1.4 controller; see docs/nvme-controller.md",
	.options = "null  no storage: moves no data, for benches\n"
		   "queues=N  pairs of queues for I/O, 1 to 63 (16)\n"
		   "entries=N  entries that a queue may have, 2 to 65536 (1024)\n"
		   "vectors=N  MSI-X messages, 1 to 64 (32); 0: the interrupt line only\n"
		   "mdts=BYTES  longest transfer, a power of two from 8192 on (1048576)\n"
		   "namespaces=N  equal parts of the disk, 1 to 255 (1)\n"
		   "engines=N  so many carry out I/O commands at once, each for a share of the "
		   "queues, 1 "
		   "to 16 (1)\n"
		   "write-cache=0|1  whether there is a volatile write cache (1)\n"
		   "doorbell-buffer=0|1  whether doorbells may be in memory too (0)\n"
		   "width=BITS  address bits that the device drives, 32 to 64 (64)",
	.create = nvme_create,
	.destroy = nvme_destroy,
	.master = nvme_master,
	.storage = nvme_storage,
};
DRY_HW(nvme_model)
