/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Which processor a message interrupts. Messages are dealt to the processors in turn, those of the
 * second adapter from the second processor on. A miniport that names those of its queues
 * (STOR_PERF_INTERRUPT_MESSAGE_RANGES) has them dealt from the first processor on, so that each
 * processor has one of its own as far as they go. Neighbours: interrupt_entries.c (which processors
 * there are to deal to), interrupt.c.
 */
#include "storport/storport_adapter.h"

static bool is_in_range(const struct stor_adapter *adapter, unsigned message)
{
	return message - adapter->range_first < adapter->range_count;
}

uint8_t stor_message_processor(const struct stor_adapter *adapter, unsigned message)
{
	uint64_t processors = adapter->processors;
	unsigned n = is_in_range(adapter, message) ? message - adapter->range_first
						   : message + adapter->hba.place;

	for (n %= (unsigned)__builtin_popcountll(processors); n; n--)
		processors &= processors - 1;
	return (uint8_t)__builtin_ctzll(processors);
}

unsigned stor_processor_message(const struct stor_adapter *adapter, unsigned processor)
{
	unsigned first = adapter->range_count ? adapter->range_first : 0;
	unsigned count = adapter->range_count ? adapter->range_count : adapter->messages;

	for (unsigned n = 0; n < count; n++)
		if (adapter->vectors[first + n].interrupt.vector.cpu == processor)
			return first + n;
	return count ? first + processor % count : 0;
}

void stor_messages_redirect(struct stor_adapter *adapter, unsigned first, unsigned last)
{
	if (first > last || first >= adapter->messages)
		return;
	adapter->range_first = first;
	adapter->range_count = min_of(last, adapter->messages - 1) - first + 1;
	for (unsigned n = first; is_in_range(adapter, n); n++) {
		struct bus_interrupt *interrupt = &adapter->vectors[n].interrupt;

		cpu_interrupt_move(&interrupt->vector, stor_message_processor(adapter, n));
		bus_message_address_set(interrupt);
	}
}
