/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Identify (NVMe 1.4, 5.15): what the controller and its namespaces are. Each answer is a page
 * whose fields are written by their offset, as the specification's figures give them. Before:
 * nvme_admin.c.
 */
#include "hw/nvme/nvme.h"
#include <stdio.h>
#include <string.h>

static void put(struct nvme *n, unsigned offset, unsigned bytes, uint64_t value)
{
	memcpy(n->engine->page + offset, &value, bytes);
}

/* ASCII fields are filled with spaces. */
static void put_text(struct nvme *n, unsigned offset, unsigned bytes, const char *text)
{
	memset(n->engine->page + offset, ' ', bytes);
	memcpy(n->engine->page + offset, text, min_of(strlen(text), bytes));
}

/* Big-endian, of a locally administered company; the slot tells controllers apart. */
static void put_eui64(struct nvme *n, unsigned offset, uint32_t nsid)
{
	const uint8_t eui[8] = {0x02, 'd', 'r', 'y', 0, (uint8_t)bus_function_slot(n->function),
		(uint8_t)(nsid >> 8), (uint8_t)nsid};

	memcpy(n->engine->page + offset, eui, sizeof(eui));
}

static unsigned log2_of(uint32_t value)
{
	return 31 - (unsigned)__builtin_clz(value);
}

/* 5.15.2.2 */
static uint16_t controller(struct nvme *n, uint32_t nsid)
{
	char text[64];

	put(n, 0, 2, NVME_VENDOR);
	put(n, 2, 2, NVME_VENDOR);
	snprintf(text, sizeof(text), "NVME-%02u", bus_function_slot(n->function));
	put_text(n, 4, 20, text);
	put_text(n, 24, 40, "DRYPORT NVME DISK");
	put_text(n, 64, 8, "1.0");
	put(n, 72, 1, 5); /* recommended arbitration burst: 2^5, as many as are fetched */
	put(n, 77, 1, log2_of(n->mdts_bytes / NVME_PAGE));
	put(n, 78, 2, 1); /* controller identifier */
	put(n, 80, 4, NVME_VERSION_1_4);
	put(n, 111, 1, 1);			   /* an I/O controller */
	put(n, 256, 2, n->has_shadow ? 0x100 : 0); /* doorbell buffer config */
	put(n, 258, 1, 3);			   /* abort limit, from 0 */
	put(n, 259, 1, NVME_ASYNC_MAX - 1);
	put(n, 260, 1, 0x03); /* one firmware slot, read only */
	put(n, 261, 1, 0x06); /* effects log; log pages by offset and length */
	put(n, 262, 1, NVME_ERRORS_MAX - 1);
	put(n, 266, 2, NVME_WARNING);
	put(n, 268, 2, NVME_WARNING + 10); /* critical */
	put(n, 512, 1, NVME_SQE_LOG2 << 4 | NVME_SQE_LOG2);
	put(n, 513, 1, NVME_CQE_LOG2 << 4 | NVME_CQE_LOG2);
	put(n, 516, 4, n->namespaces);
	/* compare, dataset management, write zeroes, features' save and select, timestamp */
	put(n, 520, 2, 0x5d);
	put(n, 525, 1, 0x06 | n->has_cache); /* flush of all namespaces is understood */
	snprintf(text, sizeof(text), "nqn.2026-01.org.dryport:nvme-%02u",
		bus_function_slot(n->function));
	memcpy(n->engine->page + 768, text, strlen(text));
	put(n, 2048, 2, 500); /* power state 0: 5 W */
	return NVME_OK;
}

/* 5.15.2.1. All namespaces that there are, are allocated and active. */
static uint16_t name_space(struct nvme *n, uint32_t nsid)
{
	if (!nvme_nsid_is_valid(n, nsid))
		return NVME_INVALID_NAMESPACE;
	put(n, 0, 8, n->blocks);
	put(n, 8, 8, n->blocks);
	put(n, 16, 8, n->blocks);
	/* DLFEAT stays 0: a file system without holes keeps what was deallocated */
	put(n, 99, 1, storage_is_read_only(n->storage));
	put_eui64(n, 120, nsid);
	put(n, 128, 4, (uint64_t)log2_of(n->block_size) << 16); /* the one format */
	return NVME_OK;
}

/* 5.15.2.3: those above nsid. */
static uint16_t list(struct nvme *n, uint32_t nsid)
{
	unsigned count = 0;

	if (nsid >= NVME_NSID_ALL - 1)
		return NVME_INVALID_NAMESPACE;
	while (nsid < n->namespaces)
		put(n, 4 * count++, 4, ++nsid);
	return NVME_OK;
}

/* 5.15.2.4: one descriptor, the EUI-64, then a length of 0. */
static uint16_t descriptors(struct nvme *n, uint32_t nsid)
{
	if (!nvme_nsid_is_valid(n, nsid))
		return NVME_INVALID_NAMESPACE;
	put(n, 0, 1, 1);
	put(n, 1, 1, 8);
	put_eui64(n, 4, nsid);
	return NVME_OK;
}

uint16_t nvme_identify(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	static uint16_t (*const structures[])(struct nvme *, uint32_t nsid) = {
		[NVME_CNS_NAMESPACE] = name_space,
		[NVME_CNS_CONTROLLER] = controller,
		[NVME_CNS_ACTIVE_LIST] = list,
		[NVME_CNS_DESCRIPTORS] = descriptors,
		[NVME_CNS_ALLOCATED_LIST] = list,
		[NVME_CNS_ALLOCATED] = name_space,
	};
	unsigned cns = c->cdw10 & 0xff;
	uint16_t status;

	if (cns >= array_size(structures) || !structures[cns])
		return NVME_INVALID_FIELD;
	memset(n->engine->page, 0, sizeof(n->engine->page));
	status = structures[cns](n, c->nsid);
	return status ? status : nvme_prp_put(n->engine, c, n->engine->page, NVME_PAGE);
}
