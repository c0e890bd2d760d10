/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Get Features and Set Features (NVMe 1.4, 5.13 and 5.21). Arbitration, coalescing and error
 * recovery are kept and told, and change nothing, as the specification allows. Nothing is saved
 * across a reset. Before: nvme_admin.c.
 */
#include "hw/nvme/nvme.h"
#include <string.h>

enum { SELECT_CURRENT, SELECT_DEFAULT, SELECT_SAVED, SELECT_CAPABILITIES };
enum { CAPABLE_OF_NAMESPACE = 2, CAPABLE_OF_CHANGE = 4 };

struct feature {
	uint32_t mask;	   /* bits that mean something; 0: there is no such feature */
	uint32_t defaults; /* save where feature_default says otherwise */
};

static const struct feature features[NVME_FEATURES] = {
	[NVME_FEATURE_ARBITRATION] = {0xffffff07, 0x06},
	[NVME_FEATURE_POWER] = {0x000000ff, 0},
	[NVME_FEATURE_TEMPERATURE] = {0x003fffff, 0},
	[NVME_FEATURE_ERROR_RECOVERY] = {0x0000ffff, 0},
	[NVME_FEATURE_WRITE_CACHE] = {1, 1},
	[NVME_FEATURE_QUEUES] = {0xffffffff, 0},
	[NVME_FEATURE_COALESCING] = {0x0000ffff, 0},
	[NVME_FEATURE_VECTOR] = {0x0001ffff, 0},
	[NVME_FEATURE_ATOMICITY] = {1, 0},
	[NVME_FEATURE_EVENTS] = {0x000000ff, 0},
	[NVME_FEATURE_TIMESTAMP] = {0xffffffff, 0},
};

static bool feature_exists(const struct nvme *n, unsigned id)
{
	/* without a cache that one is refused: 5.21.1.6 */
	return id < NVME_FEATURES && features[id].mask &&
	       (id != NVME_FEATURE_WRITE_CACHE || n->has_cache);
}

void nvme_features_reset(struct nvme *n)
{
	for (unsigned id = 0; id < NVME_FEATURES; id++)
		n->features[id] = features[id].defaults;
	n->features[NVME_FEATURE_QUEUES] = (n->queues - 1) << 16 | (n->queues - 1);
	for (unsigned i = 0; i < array_size(n->vector_config); i++)
		n->vector_config[i] = i;
	memset(n->recovery, 0, sizeof(n->recovery));
	n->threshold[NVME_TEMPERATURE_OVER] = NVME_WARNING;
	n->threshold[NVME_TEMPERATURE_UNDER] = 0;
	n->timestamp = 0;
	n->timestamp_set_at = cpu_clock();
	n->timestamp_is_set = false;
}

uint32_t nvme_submission_queues(const struct nvme *n)
{
	return (n->features[NVME_FEATURE_QUEUES] & 0xffff) + 1;
}

uint32_t nvme_completion_queues(const struct nvme *n)
{
	return (n->features[NVME_FEATURE_QUEUES] >> 16) + 1;
}

unsigned nvme_critical_warning(const struct nvme *n)
{
	bool is_outside = NVME_TEMPERATURE >= n->threshold[NVME_TEMPERATURE_OVER] ||
			  NVME_TEMPERATURE <= n->threshold[NVME_TEMPERATURE_UNDER];

	return is_outside ? 1 << 1 : 0;
}

/* The same bits in the log and in the feature that lets them be events: 5.21.1.11. */
static void warnings_look(struct nvme *n)
{
	if (nvme_critical_warning(n) & n->features[NVME_FEATURE_EVENTS])
		nvme_event(n, NVME_EVENT_HEALTH, NVME_HEALTH_TEMPERATURE, NVME_LOG_HEALTH);
}

/* Whose feature it is: only error recovery is a namespace's (5.21.1.5). */
static uint16_t scope_check(const struct nvme *n, const struct nvme_command *c, unsigned id)
{
	bool is_set = c->opcode == NVME_SET_FEATURES;

	if (id == NVME_FEATURE_ERROR_RECOVERY)
		return nvme_nsid_is_valid(n, c->nsid) || (is_set && c->nsid == NVME_NSID_ALL)
			       ? NVME_OK
			       : NVME_INVALID_NAMESPACE;
	if (!c->nsid || c->nsid == NVME_NSID_ALL)
		return NVME_OK;
	if (!nvme_nsid_is_valid(n, c->nsid))
		return NVME_INVALID_NAMESPACE;
	return is_set ? NVME_FEATURE_NOT_OF_NAMESPACE : NVME_OK;
}

/* ---- features that are more than a number ---- */

/* 5.21.1.7: before the first queue only; a driver may get fewer than it asks for. */
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

static bool vector_exists(const struct nvme *n, uint32_t value)
{
	return (value & 0xffff) < max_of(n->vectors, 1u);
}

/* 5.21.1.4: the composite temperature is the only one that there is; 15 is all of them. */
static bool threshold_exists(uint32_t value, bool is_set)
{
	unsigned sensor = value >> 16 & 15, type = value >> 20 & 3;

	return (!sensor || (sensor == 15 && is_set)) && type < NVME_TEMPERATURES;
}

static uint16_t set_threshold(struct nvme *n, uint32_t value)
{
	if (!threshold_exists(value, true))
		return NVME_INVALID_FIELD;
	n->threshold[value >> 20 & 1] = value & 0xffff;
	warnings_look(n);
	return NVME_OK;
}

static void set_recovery(struct nvme *n, uint32_t nsid, uint32_t value)
{
	for (uint32_t i = 0; i < n->namespaces; i++)
		if (nsid == NVME_NSID_ALL || nsid == i + 1)
			n->recovery[i] = value;
}

/* What stood in the cache is written before it is off: 5.21.1.6. */
static uint16_t set_cache(struct nvme *n, uint32_t value)
{
	if (!value && n->features[NVME_FEATURE_WRITE_CACHE] && storage_flush(n->storage))
		return NVME_WRITE_FAULT;
	n->features[NVME_FEATURE_WRITE_CACHE] = value;
	return NVME_OK;
}

/* 5.21.1.14: 48 bits of milliseconds, and above them in bits 51:49 where they came from. */
#define TIMESTAMP_MASK 0xffffffffffffull

static uint16_t set_timestamp(struct nvme *n, const struct nvme_command *c)
{
	uint64_t value;
	uint16_t status = nvme_prp_get(n->engine, c, &value, sizeof(value));

	if (status)
		return status;
	n->timestamp = value & TIMESTAMP_MASK;
	n->timestamp_set_at = cpu_clock();
	n->timestamp_is_set = true;
	return NVME_OK;
}

static uint16_t get_timestamp(struct nvme *n, const struct nvme_command *c, bool is_current)
{
	uint64_t passed = (cpu_clock() - n->timestamp_set_at) / 1000000, value = 0;

	if (is_current)
		value = ((n->timestamp + passed) & TIMESTAMP_MASK) | (uint64_t)n->timestamp_is_set
									     << 49;
	return nvme_prp_put(n->engine, c, &value, sizeof(value));
}

/* ---- the commands ---- */

uint16_t nvme_set_features(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	unsigned id = c->cdw10 & 0xff;
	uint32_t value;
	uint16_t status;

	if (!feature_exists(n, id))
		return NVME_INVALID_FIELD;
	if (c->cdw10 & NVME_FEATURE_SAVE)
		return NVME_FEATURE_NOT_SAVEABLE;
	status = scope_check(n, c, id);
	if (status)
		return status;
	value = c->cdw11 & features[id].mask;
	switch (id) {
	case NVME_FEATURE_QUEUES:
		return set_queues(n, value, result);
	case NVME_FEATURE_TEMPERATURE:
		return set_threshold(n, value);
	case NVME_FEATURE_WRITE_CACHE:
		return set_cache(n, value);
	case NVME_FEATURE_TIMESTAMP:
		return set_timestamp(n, c);
	case NVME_FEATURE_ERROR_RECOVERY:
		set_recovery(n, c->nsid, value);
		return NVME_OK;
	case NVME_FEATURE_VECTOR:
		if (!vector_exists(n, value))
			return NVME_INVALID_FIELD;
		n->vector_config[value & 0xffff] = value;
		return NVME_OK;
	case NVME_FEATURE_POWER:
		if (value & 0x1f) /* there is one state */
			return NVME_INVALID_FIELD;
		break;
	}
	n->features[id] = value;
	if (id == NVME_FEATURE_EVENTS)
		warnings_look(n);
	return NVME_OK;
}

static uint32_t feature_current(const struct nvme *n, const struct nvme_command *c, unsigned id)
{
	switch (id) {
	case NVME_FEATURE_VECTOR:
		return n->vector_config[c->cdw11 & 0xffff];
	case NVME_FEATURE_ERROR_RECOVERY:
		return n->recovery[c->nsid - 1];
	case NVME_FEATURE_TEMPERATURE:
		return n->threshold[c->cdw11 >> 20 & 1];
	default:
		return n->features[id];
	}
}

static uint32_t feature_default(const struct nvme *n, const struct nvme_command *c, unsigned id)
{
	switch (id) {
	case NVME_FEATURE_VECTOR:
		return c->cdw11 & 0xffff;
	case NVME_FEATURE_QUEUES:
		return (n->queues - 1) << 16 | (n->queues - 1);
	case NVME_FEATURE_TEMPERATURE:
		return (c->cdw11 >> 20 & 1) == NVME_TEMPERATURE_OVER ? NVME_WARNING : 0;
	default:
		return features[id].defaults;
	}
}

uint16_t nvme_get_features(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	unsigned id = c->cdw10 & 0xff, select = c->cdw10 >> 8 & 7;
	uint16_t status;

	if (!feature_exists(n, id) || select > SELECT_CAPABILITIES)
		return NVME_INVALID_FIELD;
	if (select == SELECT_CAPABILITIES) {
		*result = CAPABLE_OF_CHANGE |
			  (id == NVME_FEATURE_ERROR_RECOVERY ? CAPABLE_OF_NAMESPACE : 0);
		return NVME_OK;
	}
	status = scope_check(n, c, id);
	if (status)
		return status;
	if ((id == NVME_FEATURE_VECTOR && !vector_exists(n, c->cdw11)) ||
		(id == NVME_FEATURE_TEMPERATURE && !threshold_exists(c->cdw11, false)))
		return NVME_INVALID_FIELD;
	if (id == NVME_FEATURE_TIMESTAMP)
		return get_timestamp(n, c, select == SELECT_CURRENT);
	/* nothing can be saved, so what is saved is the default: 5.13 */
	*result = select == SELECT_CURRENT ? feature_current(n, c, id) : feature_default(n, c, id);
	return NVME_OK;
}
