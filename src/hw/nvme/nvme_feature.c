/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Get Features and Set Features (NVMe 1.4, 5.13 and 5.21). Arbitration, coalescing and error
 * recovery are kept and told, and change nothing, as the specification allows.
 */
#include "hw/nvme/nvme.h"
#include <string.h>

enum { SELECT_CURRENT, SELECT_DEFAULT, SELECT_SAVED, SELECT_CAPABILITIES };

#define SAVE (1u << 31) /* command dword 10 of Set Features */

struct feature {
	bool exists, is_changeable;
	uint32_t mask;	   /* bits that mean something */
	uint32_t defaults; /* save where nvme_features_reset says otherwise */
};

static const struct feature features[NVME_FEATURES] = {
	[NVME_FEATURE_ARBITRATION] = {true, true, 0xffffff07, 0x06},
	[NVME_FEATURE_POWER] = {true, true, 0x000000ff, 0},
	[NVME_FEATURE_TEMPERATURE] = {true, true, 0x003fffff, 343},
	[NVME_FEATURE_ERROR_RECOVERY] = {true, true, 0x0001ffff, 0},
	[NVME_FEATURE_WRITE_CACHE] = {true, true, 1, 1},
	[NVME_FEATURE_QUEUES] = {true, true, 0xffffffff, 0},
	[NVME_FEATURE_COALESCING] = {true, true, 0x0000ffff, 0},
	[NVME_FEATURE_VECTOR] = {true, true, 0x0001ffff, 0},
	[NVME_FEATURE_ATOMICITY] = {true, true, 1, 0},
	[NVME_FEATURE_EVENTS] = {true, true, 0x000000ff, 0},
};

static const struct feature *feature_of(const struct nvme *n, unsigned id)
{
	if (id >= NVME_FEATURES || !features[id].exists)
		return NULL;
	return id == NVME_FEATURE_WRITE_CACHE && !n->has_cache ? NULL : &features[id];
}

static uint32_t queues_value(const struct nvme *n)
{
	return (n->queues - 1) << 16 | (n->queues - 1);
}

void nvme_features_reset(struct nvme *n)
{
	for (unsigned id = 0; id < NVME_FEATURES; id++)
		n->features[id] = features[id].defaults;
	n->features[NVME_FEATURE_QUEUES] = queues_value(n);
	for (unsigned i = 0; i < NVME_QUEUES_MAX; i++)
		n->vector_config[i] = i;
}

/* 5.21.1.7: asked for once, before the first queue; we have them all made already. */
static uint16_t set_queues(struct nvme *n, uint32_t value, uint32_t *result)
{
	uint32_t submissions = value & 0xffff, completions = value >> 16, most = n->queues - 1;

	for (unsigned i = 1; i <= n->queues; i++)
		if (n->sq[i].size || n->cq[i].size)
			return NVME_SEQUENCE_ERROR;
	if (submissions == 0xffff || completions == 0xffff)
		return NVME_INVALID_FIELD;
	*result = min_of(completions, most) << 16 | min_of(submissions, most);
	n->features[NVME_FEATURE_QUEUES] = *result;
	return NVME_OK;
}

static uint16_t set_vector(struct nvme *n, uint32_t value)
{
	unsigned vector = value & 0xffff;

	if (vector >= max_of(n->vectors, 1u))
		return NVME_INVALID_FIELD;
	n->vector_config[vector] = value & features[NVME_FEATURE_VECTOR].mask;
	return NVME_OK;
}

uint16_t nvme_set_features(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	unsigned id = c->cdw10 & 0xff;
	const struct feature *feature = feature_of(n, id);

	if (!feature)
		return NVME_INVALID_FIELD;
	if (c->cdw10 & SAVE)
		return NVME_FEATURE_NOT_SAVEABLE;
	switch (id) {
	case NVME_FEATURE_QUEUES:
		return set_queues(n, c->cdw11, result);
	case NVME_FEATURE_VECTOR:
		return set_vector(n, c->cdw11);
	case NVME_FEATURE_POWER:
		if (c->cdw11 & 0x1f) /* there is one state */
			return NVME_INVALID_FIELD;
		break;
	}
	n->features[id] = c->cdw11 & feature->mask;
	return NVME_OK;
}

uint16_t nvme_get_features(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	unsigned id = c->cdw10 & 0xff, vector = c->cdw11 & 0xffff;
	const struct feature *feature = feature_of(n, id);

	if (!feature)
		return NVME_INVALID_FIELD;
	if (id == NVME_FEATURE_VECTOR && vector >= max_of(n->vectors, 1u))
		return NVME_INVALID_FIELD;
	switch (c->cdw10 >> 8 & 7) {
	case SELECT_CURRENT:
		*result = id == NVME_FEATURE_VECTOR ? n->vector_config[vector] : n->features[id];
		return NVME_OK;
	case SELECT_DEFAULT:
	case SELECT_SAVED: /* nothing can be saved: the default */
		*result = id == NVME_FEATURE_QUEUES   ? queues_value(n)
			  : id == NVME_FEATURE_VECTOR ? vector
						      : feature->defaults;
		return NVME_OK;
	case SELECT_CAPABILITIES:
		*result = feature->is_changeable ? 4 : 0;
		return NVME_OK;
	default:
		return NVME_INVALID_FIELD;
	}
}
