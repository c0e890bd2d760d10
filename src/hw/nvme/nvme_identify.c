/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Identify (NVMe 1.4, 5.15): what the controller and its namespaces are. Each answer is a page
 * whose fields are written by their offset, as the specification's figures give them.
 */
#include "hw/nvme/nvme.h"
#include <string.h>

enum {
	CNS_NAMESPACE = 0,
	CNS_CONTROLLER = 1,
	CNS_ACTIVE_LIST = 2,
	CNS_DESCRIPTORS = 3,
};

/* Little-endian, as we are. */
static void put(struct nvme *n, unsigned offset, unsigned bytes, uint64_t value)
{
	memcpy(n->page + offset, &value, bytes);
}

/* ASCII fields are filled with spaces: 1.5 */
static void put_text(struct nvme *n, unsigned offset, unsigned bytes, const char *text)
{
	memset(n->page + offset, ' ', bytes);
	memcpy(n->page + offset, text, min_of(strlen(text), bytes));
}

/* Big-endian, of a locally administered company. */
static void put_eui64(struct nvme *n, unsigned offset, uint32_t nsid)
{
	const uint8_t eui[8] = {0x02, 'd', 'r', 'y', 0, 0, (uint8_t)(nsid >> 8), (uint8_t)nsid};

	memcpy(n->page + offset, eui, sizeof(eui));
}

static unsigned log2_of(uint32_t value)
{
	return 31 - (unsigned)__builtin_clz(value);
}

/* Figure 251. */
static void controller(struct nvme *n)
{
	put(n, 0, 2, 0x1b36);
	put(n, 2, 2, 0x1af4);
	put_text(n, 4, 20, "DRYPORT1");
	put_text(n, 24, 40, "dryport NVMe controller");
	put_text(n, 64, 8, "1");
	put(n, 72, 1, 6); /* arbitration burst */
	put(n, 77, 1, log2_of(n->mdts_bytes / NVME_PAGE));
	put(n, 78, 2, 1); /* controller identifier */
	put(n, 80, 4, NVME_VERSION_1_4);
	put(n, 111, 1, 1); /* an I/O controller */
	put(n, 258, 1, 3); /* abort limit, from 0 */
	put(n, 259, 1, NVME_ASYNC_MAX - 1);
	put(n, 260, 1, 0x03); /* one firmware slot, read only */
	put(n, 261, 1, 0x06); /* effects log; log pages by offset and length */
	put(n, 262, 1, NVME_ERRORS_MAX - 1);
	put(n, 266, 2, 343); /* warning and critical temperature, K */
	put(n, 268, 2, 353);
	put(n, 512, 1, 0x66); /* sizes of entries */
	put(n, 513, 1, 0x44);
	put(n, 516, 4, n->namespaces);
	put(n, 520, 2, 0x1d); /* compare, dataset management, write zeroes, features' select */
	put(n, 525, 1, 0x06 | n->has_cache); /* flush of all namespaces is understood */
	memcpy(n->page + 768, "nqn.2026-01.org.dryport:nvme", 29);
	put(n, 2048, 2, 500); /* power state 0: 5 W */
}

/* Figure 249. */
static void name_space(struct nvme *n, uint32_t nsid)
{
	put(n, 0, 8, n->blocks);
	put(n, 8, 8, n->blocks);
	put(n, 16, 8, n->blocks);
	put(n, 33, 1, 9); /* deallocated blocks read as zeros; write zeroes may deallocate */
	put(n, 99, 1, storage_is_read_only(n->storage));
	put_eui64(n, 120, nsid);
	put(n, 128, 4, (uint64_t)log2_of(n->block_size) << 16); /* the one format */
}

/* The active namespaces above nsid. */
static void active_list(struct nvme *n, uint32_t nsid)
{
	unsigned count = 0;

	while (nsid++ < n->namespaces)
		put(n, 4 * count++, 4, nsid);
}

/* Figure 253: one descriptor, the EUI-64. */
static void descriptors(struct nvme *n, uint32_t nsid)
{
	put(n, 0, 1, 1);
	put(n, 1, 1, 8);
	put_eui64(n, 4, nsid);
}

uint16_t nvme_identify(struct nvme *n, const struct nvme_command *c)
{
	memset(n->page, 0, sizeof(n->page));
	switch (c->cdw10 & 0xff) {
	case CNS_NAMESPACE:
		if (!nvme_nsid_is_valid(n, c->nsid))
			return NVME_INVALID_NAMESPACE;
		name_space(n, c->nsid);
		break;
	case CNS_CONTROLLER:
		controller(n);
		break;
	case CNS_ACTIVE_LIST:
		if (c->nsid >= NVME_NSID_ALL - 1)
			return NVME_INVALID_NAMESPACE;
		active_list(n, c->nsid);
		break;
	case CNS_DESCRIPTORS:
		if (!nvme_nsid_is_valid(n, c->nsid))
			return NVME_INVALID_NAMESPACE;
		descriptors(n, c->nsid);
		break;
	default:
		return NVME_INVALID_FIELD;
	}
	return nvme_prp_put(n, c, n->page, NVME_PAGE);
}
