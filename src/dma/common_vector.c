/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Vectors of common buffers of one size, fetched and freed by index: see common_buffer.h. */
#include "dma/common_buffer.h"
#include "dma/dma_private.h"
#include "nt/nt.h"

#include <pthread.h>
#include <stdlib.h>

struct dma_vector {
	struct dma_vector *next;
	struct dma_adapter *adapter;
	uint64_t bytes;
	uint32_t count;
	struct {
		void *va; /* NULL: freed */
		uint64_t address;
	} element[];
};

static pthread_mutex_t vectors_lock = PTHREAD_MUTEX_INITIALIZER;

static void elements_free(struct dma_vector *vector)
{
	/* The last one is found first. */
	for (uint32_t n = vector->count; n-- > 0;)
		if (vector->element[n].va)
			dma_common_free(vector->adapter, vector->bytes, vector->element[n].address,
				vector->element[n].va, false);
}

struct dma_vector *dma_vector_new(
	struct dma_adapter *adapter, const struct dma_common_ask *ask, uint32_t count)
{
	struct dma_common_ask each = *ask;
	struct dma_vector *vector;

	if (!count || !ask->bytes || nt_allocation_fails())
		return NULL;
	vector = calloc(1, sizeof(*vector) + count * sizeof(vector->element[0]));
	if (!vector)
		return NULL;
	each.any_cache = true;
	if (each.large)
		each.bytes = round_up(each.bytes, DMA_LARGE_PAGE);
	vector->adapter = adapter;
	vector->bytes = each.bytes;
	for (; vector->count < count; vector->count++) {
		vector->element[vector->count].va =
			dma_common_new(adapter, &each, &vector->element[vector->count].address);
		if (!vector->element[vector->count].va) {
			elements_free(vector);
			free(vector);
			return NULL;
		}
	}
	pthread_mutex_lock(&vectors_lock);
	vector->next = adapter->vectors;
	adapter->vectors = vector;
	pthread_mutex_unlock(&vectors_lock);
	return vector;
}

struct dma_vector *dma_vector_find(
	struct dma_adapter *adapter, const void *pointer, const char *routine)
{
	struct dma_vector *vector;

	pthread_mutex_lock(&vectors_lock);
	for (vector = adapter->vectors; vector && vector != pointer; vector = vector->next)
		;
	pthread_mutex_unlock(&vectors_lock);
	if (!vector)
		nt_violation(DMA_RULE(DMA_RULE_COMMON_FREED),
			"%s of %p, which is no common buffer vector of DMA adapter %u, or not any "
			"more",
			routine, pointer, adapter->number);
	return vector;
}

static bool has_element(const struct dma_vector *vector, uint32_t index)
{
	if (index < vector->count && vector->element[index].va)
		return true;
	nt_violation(index < vector->count ? DMA_RULE(DMA_RULE_COMMON_FREED) : 0,
		"element %u of a common buffer vector of %u %s", index, vector->count,
		index < vector->count ? "has been freed already" : "was asked for");
	return false;
}

bool dma_vector_get(struct dma_vector *vector, uint32_t index, void **va, uint64_t *address)
{
	if (!has_element(vector, index))
		return false;
	*va = vector->element[index].va;
	*address = vector->element[index].address;
	return true;
}

bool dma_vector_free_one(struct dma_vector *vector, uint32_t index)
{
	if (!has_element(vector, index))
		return false;
	dma_common_free(vector->adapter, vector->bytes, vector->element[index].address,
		vector->element[index].va, false);
	vector->element[index].va = NULL;
	return true;
}

/* NULL: another processor has just done it. */
static struct dma_vector *vector_unlink(struct dma_adapter *adapter, struct dma_vector *vector)
{
	struct dma_vector **link, *found;

	pthread_mutex_lock(&vectors_lock);
	for (link = &adapter->vectors; *link && *link != vector; link = &(*link)->next)
		;
	found = *link;
	if (found)
		*link = found->next;
	pthread_mutex_unlock(&vectors_lock);
	return found;
}

void dma_vector_free(struct dma_adapter *adapter, struct dma_vector *vector)
{
	vector = vector_unlink(adapter, vector);
	if (!vector)
		return;
	elements_free(vector);
	free(vector);
}

void dma_vectors_drop(struct dma_adapter *adapter)
{
	while (adapter->vectors) {
		struct dma_vector *vector = adapter->vectors;

		vector_unlink(adapter, vector);
		free(vector);
	}
}
