/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Asynchronous events (NVMe 1.4, 5.2): requests are held until something happens, events until they
 * are asked for. After an event its type is silent until its log page has been read. Neighbours:
 * nvme_life.c, which looks here in each step; nvme_log.c.
 */
#include "hw/nvme/nvme.h"
#include <string.h>

uint16_t nvme_event_request(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	if (n->async_count == NVME_ASYNC_MAX)
		return NVME_ASYNC_LIMIT;
	n->async_cid[n->async_count++] = c->cid;
	return NVME_HELD;
}

void nvme_event(struct nvme *n, unsigned type, unsigned information, unsigned log_page)
{
	for (unsigned i = 0; i < n->event_count; i++)
		if (n->events[i].type == type && n->events[i].information == information)
			return;
	if (n->event_count < NVME_EVENTS_MAX)
		n->events[n->event_count++] =
			(struct nvme_event){(uint8_t)type, (uint8_t)information, (uint8_t)log_page};
}

void nvme_events_clear(struct nvme *n)
{
	n->async_count = n->event_count = 0;
	memset(n->is_masked, 0, sizeof(n->is_masked));
}

void nvme_events_unmask(struct nvme *n, unsigned log_page)
{
	if (log_page == NVME_LOG_ERROR)
		n->is_masked[NVME_EVENT_ERROR] = false;
	if (log_page == NVME_LOG_HEALTH)
		n->is_masked[NVME_EVENT_HEALTH] = false;
}

/* Takes the i-th request away and posts its completion; false if there is no room now. */
static bool answer(struct nvme *n, unsigned i, uint16_t status, uint32_t result)
{
	uint16_t cid = n->async_cid[i];

	if (!nvme_cq_room(&n->cq[0])) {
		n->engine->starved = true;
		cpu_far_barrier();
		if (!nvme_cq_room(&n->cq[0]))
			return false;
	}
	n->async_count--;
	memmove(&n->async_cid[i], &n->async_cid[i + 1],
		(n->async_count - i) * sizeof(n->async_cid[0]));
	n->cq[0].reserved++;
	nvme_post(n->engine, 0, cid, status, result);
	return true;
}

bool nvme_event_abort(struct nvme *n, uint16_t cid)
{
	for (unsigned i = 0; i < n->async_count; i++)
		if (n->async_cid[i] == cid)
			return answer(n, i, NVME_ABORT_REQUESTED, 0);
	return false;
}

/* The first event whose type is not masked; event_count if there is none. */
static unsigned event_next(const struct nvme *n)
{
	unsigned i = 0;

	while (i < n->event_count && n->is_masked[n->events[i].type])
		i++;
	return i;
}

void nvme_events_send(struct nvme *n)
{
	while (n->async_count && nvme_is_running(n)) {
		unsigned i = event_next(n);
		struct nvme_event event;

		if (i == n->event_count)
			return;
		event = n->events[i];
		if (!answer(n, 0, NVME_OK,
			    event.type | (uint32_t)event.information << 8 |
				    (uint32_t)event.log_page << 16))
			return;
		n->is_masked[event.type] = true;
		n->event_count--;
		memmove(&n->events[i], &n->events[i + 1],
			(n->event_count - i) * sizeof(n->events[0]));
	}
}

/* ---- doorbells ---- */

static void doorbell_event(struct nvme *n, unsigned information)
{
	struct nvme_failure failure = {.sqid = 0xffff,
		.cid = 0xffff,
		.status = information == NVME_ERROR_DOORBELL_VALUE ? NVME_INVALID_FIELD
								   : NVME_INVALID_QUEUE_ID};

	nvme_error_log(n, &failure);
	nvme_event(n, NVME_EVENT_ERROR, information, NVME_LOG_ERROR);
}

void nvme_doorbells_look(struct nvme *n)
{
	if (likely(!n->bad_register && !n->bad_value))
		return;
	if (atomic_exchange(&n->bad_register, 0))
		doorbell_event(n, NVME_ERROR_DOORBELL_REGISTER);
	if (atomic_exchange(&n->bad_value, 0))
		doorbell_event(n, NVME_ERROR_DOORBELL_VALUE);
}
