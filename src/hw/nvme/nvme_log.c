/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Get Log Page (NVMe 1.4, 5.14): errors, health, firmware slots, changed namespaces (there are
 * none), and which commands there are. A page is made when it is asked for. Before: nvme_admin.c.
 */
#include "hw/nvme/nvme.h"
#include <stddef.h>
#include <string.h>

void nvme_error_log(struct nvme *n, const struct nvme_failure *f)
{
	struct nvme_error_entry *entry;

	pthread_mutex_lock(&n->log_lock);
	entry = &n->errors[n->error_count % NVME_ERRORS_MAX];
	*entry = (struct nvme_error_entry){
		.count = ++n->error_count,
		.sqid = f->sqid,
		.cid = f->cid,
		.status = (uint16_t)(f->status << 1),
		.location = 0xffff, /* no one parameter */
		.nsid = f->nsid,
		.lba = f->lba,
	};
	pthread_mutex_unlock(&n->log_lock);
}

/* 5.14.1.1: the newest first. */
static uint32_t error_page(struct nvme *n)
{
	struct nvme_error_entry *out = (void *)n->engine->page;
	unsigned count = (unsigned)min_of(n->error_count, NVME_ERRORS_MAX);

	for (unsigned i = 0; i < count; i++)
		out[i] = n->errors[(n->error_count - 1 - i) % NVME_ERRORS_MAX];
	return NVME_ERRORS_MAX * sizeof(*out);
}

static void put(struct nvme *n, unsigned offset, unsigned bytes, uint64_t value)
{
	memcpy(n->engine->page + offset, &value, bytes);
}

/* What all engines have counted there. */
static uint64_t sum_of(const struct nvme *n, size_t counter)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n->engine_count; i++)
		sum += *(const uint64_t *)(const void *)((const char *)&n->engine[i] + counter);
	return sum;
}

#define SUM(n, field) sum_of(n, offsetof(struct nvme_engine, field))

/* 5.14.1.2 */
static uint32_t health_page(struct nvme *n)
{
	put(n, 0, 1, nvme_critical_warning(n));
	put(n, 1, 2, NVME_TEMPERATURE);
	put(n, 3, 1, 100); /* spare, and its threshold, % */
	put(n, 4, 1, 10);
	/* in thousands of 512 bytes, rounded up */
	put(n, 32, 8, (SUM(n, units_read) + 999) / 1000);
	put(n, 48, 8, (SUM(n, units_written) + 999) / 1000);
	put(n, 64, 8, SUM(n, reads));
	put(n, 80, 8, SUM(n, writes));
	put(n, 112, 8, 1); /* power cycles */
	put(n, 160, 8, SUM(n, media_errors));
	put(n, 176, 8, n->error_count);
	return 512;
}

/* 5.14.1.3 */
static uint32_t firmware_page(struct nvme *n)
{
	put(n, 0, 1, 1);
	memcpy(n->engine->page + 8, "1.0     ", 8);
	return 512;
}

/* 5.14.1.4 */
static uint32_t changed_page(struct nvme *n)
{
	return NVME_PAGE;
}

/* 5.14.1.5: bit 0 the command is there, bit 1 it may change blocks. */
static uint32_t effects_page(struct nvme *n)
{
	static const uint8_t admin[] = {NVME_DELETE_SQ, NVME_CREATE_SQ, NVME_GET_LOG_PAGE,
		NVME_DELETE_CQ, NVME_CREATE_CQ, NVME_IDENTIFY, NVME_ABORT, NVME_SET_FEATURES,
		NVME_GET_FEATURES, NVME_ASYNC_EVENT};
	static const uint8_t reads[] = {NVME_FLUSH, NVME_READ, NVME_COMPARE};
	static const uint8_t writes[] = {NVME_WRITE, NVME_WRITE_ZEROES, NVME_DATASET_MANAGEMENT};

	for (unsigned i = 0; i < array_size(admin); i++)
		put(n, admin[i] * 4u, 4, 1);
	if (n->has_shadow)
		put(n, NVME_DOORBELL_BUFFER * 4u, 4, 1);
	for (unsigned i = 0; i < array_size(reads); i++)
		put(n, 1024 + reads[i] * 4u, 4, 1);
	for (unsigned i = 0; i < array_size(writes); i++)
		put(n, 1024 + writes[i] * 4u, 4, 3);
	return NVME_PAGE;
}

/* Makes the page; its length, 0 if there is none of this number. */
static uint32_t page_make(struct nvme *n, unsigned id)
{
	static uint32_t (*const pages[])(struct nvme *) = {
		[NVME_LOG_ERROR] = error_page,
		[NVME_LOG_HEALTH] = health_page,
		[NVME_LOG_FIRMWARE] = firmware_page,
		[NVME_LOG_CHANGED] = changed_page,
		[NVME_LOG_EFFECTS] = effects_page,
	};

	if (id >= array_size(pages) || !pages[id])
		return 0;
	memset(n->engine->page, 0, sizeof(n->engine->page));
	return pages[id](n);
}

/* These pages are the controller's, not a namespace's. */
static uint16_t scope_check(const struct nvme *n, uint32_t nsid)
{
	if (!nsid || nsid == NVME_NSID_ALL)
		return NVME_OK;
	return nvme_nsid_is_valid(n, nsid) ? NVME_INVALID_FIELD : NVME_INVALID_NAMESPACE;
}

uint16_t nvme_log_page(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	unsigned id = c->cdw10 & 0xff;
	uint64_t wanted = ((c->cdw10 >> 16 | (uint64_t)(c->cdw11 & 0xffff) << 16) + 1) * 4;
	uint64_t offset = c->cdw12 | (uint64_t)c->cdw13 << 32;
	uint32_t length = page_make(n, id);
	uint16_t status;

	if (!length)
		return NVME_INVALID_LOG_PAGE;
	status = scope_check(n, c->nsid);
	if (status)
		return status;
	if (offset & 3 || offset >= length || wanted > n->mdts_bytes)
		return NVME_INVALID_FIELD;
	/* what is asked for beyond the end is not written */
	wanted = min_of(wanted, length - offset);
	status = nvme_prp_put(n->engine, c, n->engine->page + offset, (uint32_t)wanted);
	if (!status && !(c->cdw10 & NVME_LOG_RETAIN))
		nvme_events_unmask(n, id);
	return status;
}
