/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A driver that has lists built and notes what its routine was called with. */
#ifndef DRY_TESTS_DMA_LISTS_H
#define DRY_TESTS_DMA_LISTS_H

#include "world.h"

#include "dma/dma_private.h"

#define LIST_BYTES(elements) (16u + 24u * (elements))
#define IP		     STATUS_INVALID_PARAMETER
#define BTS		     STATUS_BUFFER_TOO_SMALL
#define ISR		     STATUS_INSUFFICIENT_RESOURCES

static const struct world_config plain = {
	.policy = MEM_SCATTERED, .dma = {.callback = DMA_CALLBACK_BEFORE_RETURN}};

static struct {
	unsigned calls;
	void *device_object, *irp, *context;
	PSCATTER_GATHER_LIST list;
} called;

static VOID NTAPI routine(PVOID device_object, PVOID irp, PSCATTER_GATHER_LIST list, PVOID context)
{
	assert_int_equal(cpu_irql(), IRQL_DISPATCH);
	called.calls++;
	called.device_object = device_object;
	called.irp = irp;
	called.list = list;
	called.context = context;
}

static PSCATTER_GATHER_LIST list_new(uint32_t elements)
{
	PSCATTER_GATHER_LIST list =
		nt_pool_alloc(LIST_BYTES(elements), 0x74657374u, (const void *)0x1234, false);

	assert_non_null(list);
	memset(list, 0x5a, LIST_BYTES(elements));
	return list;
}

static __attribute__((unused)) NTSTATUS build(struct dma_adapter *adapter,
	const struct world_buffer *buffer, PSCATTER_GATHER_LIST list, uint32_t bytes)
{
	return world_build(adapter, buffer->mdl, buffer->va, buffer->bytes, routine, (void *)1,
		(void *)2, (void *)3, true, list, bytes);
}

#endif
