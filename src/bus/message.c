/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Messages (MSI and MSI-X): edge interrupts that a function sends as bus-master writes, one vector
 * per message. Which message was meant is told by its number; the addresses and data that stand in
 * the table are those of a PC, for drivers that look.
 *
 * An MSI-X vector that is sent while masked is kept as a pending bit and delivered when unmasked
 * (PCI 3.0, 6.8.3). Sender and unmasker run at the same time: each first makes its change, then
 * looks at the other's, and the pending bit is taken by exactly one of them. Neighbours: line.c
 * (silent while messages are enabled), config_space.c, register.c.
 */
#include "bus/function.h"
#include <errno.h>
#include <string.h>

enum { ENTRY_SIZE = 16, ENTRY_CONTROL = 3, CONTROL_MASKED = 1 };

#define MESSAGE_ADDRESS	   0xfee00000u /* the local APICs of a PC; processor number at bit 12 */
#define MESSAGE_FIRST_DATA 0x50u       /* vectors below are a PC's line interrupts */

void bus_target_raise_other(struct bus_target *target)
{
	struct cpu *cpu = cpu_has_near ? cpu_self : NULL;
	struct bus_interrupt *head;

	if (cpu)
		cpu_about(cpu, target);
	else
		atomic_fetch_add(&target->raising, 1);
	head = atomic_load(&target->head);
	if (head)
		cpu_interrupt_raise(&head->vector);
	if (cpu)
		cpu_about_over(cpu);
	else
		atomic_fetch_sub(&target->raising, 1);
}

void bus_target_replace(struct bus_target *target, struct bus_interrupt *head)
{
	atomic_store(&target->head, head);
	cpu_about_wait(target);
	while (target->raising)
		cpu_relax();
}

static bool is_masked(const struct bus_function *f, unsigned message)
{
	return f->msix_mask_all || f->sender.masked >> message & 1;
}

static void deliver_pending(struct bus_function *f, unsigned message)
{
	uint64_t bit = 1ull << message;

	if (f->pending & bit && atomic_fetch_and(&f->pending, ~bit) & bit)
		bus_target_raise(&f->sender.message[message]);
}

static void msix_send(struct bus_function *f, unsigned message)
{
	if (likely(!is_masked(f, message))) {
		bus_target_raise(&f->sender.message[message]);
		return;
	}
	atomic_fetch_or(&f->pending, 1ull << message);
	if (!is_masked(f, message))
		deliver_pending(f, message);
}

void bus_message_deliver(struct bus_function *f, unsigned message)
{
	if (bus_function_is_off(f) || !(f->command & COMMAND_MASTER))
		return;
	if (f->msix && message < f->config.msix_messages)
		msix_send(f, message);
	else if (f->msi)
		bus_target_raise(&f->sender.message[message & (f->msi_granted - 1)]);
}

static __attribute__((noinline)) void send_other(struct bus_function *f, unsigned message)
{
	if (unlikely(f->tap))
		f->tap->message(f->tap, message);
	else
		bus_message_deliver(f, message);
}

void bus_message_send(struct bus_function *f, unsigned message)
{
	if (!bus_message_send_now(f, message))
		send_other(f, message);
}

void bus_messages_settle(struct bus_function *f)
{
	bool all = f->msix && !f->msix_mask_all && f->command & COMMAND_MASTER &&
		   !bus_function_is_off(f) && !f->tap;

	f->sender.sends = all ? f->config.msix_messages : 0;
}

border_call bool bus_messages_are_enabled(const struct bus_function *f)
{
	return f->msix || f->msi;
}

static void tell_device(struct bus_function *f)
{
	uint32_t msi = f->msi && !f->msix ? f->msi_granted : 0;
	uint32_t told = msi << 1 | f->msix;

	if (f->ops.messages && told != f->messages_told)
		f->ops.messages(f->device, f->msix, msi);
	f->messages_told = told;
}

void bus_messages_update(struct bus_function *f)
{
	uint16_t msi = f->config.msi_messages ? bus_config_word(f, bus_config_msi(f) + 2) : 0;
	uint16_t msix = f->config.msix_messages ? bus_config_word(f, bus_config_msix(f) + 2) : 0;
	/* more than the function is capable of is a reserved value */
	unsigned granted = 1u << min_of(msi >> MSI_GRANTED_SHIFT & 7, 5);

	f->msi_granted = min_of(granted, max_of(f->config.msi_messages, 1u));
	f->msi = msi & MSI_ENABLE;
	f->msix_mask_all = msix & MSIX_MASK_ALL;
	f->msix = msix & MSIX_ENABLE;
	bus_messages_settle(f);
	tell_device(f);
	for (unsigned i = 0; f->msix && i < f->config.msix_messages; i++)
		if (!is_masked(f, i))
			deliver_pending(f, i);
}

/* ---- the MSI-X table and pending bits in a BAR ---- */

static uint32_t msix_dword(const struct bus_function *f, uint32_t offset)
{
	uint32_t table = bus_msix_table_size(&f->config);
	unsigned entry = offset / ENTRY_SIZE, word = offset / 4 % 4;

	if (offset >= table)
		return (uint32_t)(f->pending >> (8 * (offset - table)));
	if (word == ENTRY_CONTROL)
		return f->sender.masked >> entry & 1 ? CONTROL_MASKED : 0;
	return __atomic_load_n(&f->msix_address[entry][word], __ATOMIC_RELAXED);
}

uint64_t bus_msix_read(struct bus_function *f, uint32_t offset, unsigned size)
{
	uint64_t value = msix_dword(f, offset & ~3u) >> (8 * (offset & 3));

	if (size == 8)
		value |= (uint64_t)msix_dword(f, offset + 4) << 32;
	return value;
}

static void entry_mask(struct bus_function *f, unsigned entry, bool masked)
{
	if (masked) {
		atomic_fetch_or(&f->sender.masked, 1ull << entry);
		return;
	}
	atomic_fetch_and(&f->sender.masked, ~(1ull << entry));
	if (!is_masked(f, entry))
		deliver_pending(f, entry);
}

bool bus_message_mask(struct bus_function *f, unsigned message, bool masked)
{
	if (!f->msix || message >= f->config.msix_messages)
		return false;
	entry_mask(f, message, masked);
	return true;
}

static void msix_write_dword(struct bus_function *f, uint32_t offset, uint32_t value)
{
	unsigned entry = offset / ENTRY_SIZE, word = offset / 4 % 4;

	if (offset >= bus_msix_table_size(&f->config))
		return; /* pending bits are the function's to write */
	if (word != ENTRY_CONTROL) {
		__atomic_store_n(&f->msix_address[entry][word], value, __ATOMIC_RELAXED);
		return;
	}
	entry_mask(f, entry, value & CONTROL_MASKED);
}

void bus_msix_write(struct bus_function *f, uint32_t offset, unsigned size, uint64_t value)
{
	/* PCI 3.0, 6.8.2: only aligned dword and quadword accesses are defined */
	if (size < 4)
		return;
	msix_write_dword(f, offset, (uint32_t)value);
	if (size == 8)
		msix_write_dword(f, offset + 4, (uint32_t)(value >> 32));
}

/* ---- what the port driver and PnP do ---- */

static unsigned msi_enable(struct bus_function *f, unsigned wanted)
{
	unsigned granted = 1, shift = 0;

	while (granted < wanted && granted < f->config.msi_messages) {
		granted *= 2;
		shift++;
	}
	bus_config_change(f, bus_config_msi(f) + 2,
		(uint16_t)(MSI_ENABLE | shift << MSI_GRANTED_SHIFT), 7 << MSI_GRANTED_SHIFT);
	return min_of(wanted, granted);
}

unsigned bus_messages_enable(struct bus_function *f, unsigned wanted)
{
	if (!wanted)
		return 0;
	if (f->config.msix_messages) {
		bus_config_change(f, bus_config_msix(f) + 2, MSIX_ENABLE, MSIX_MASK_ALL);
		return min_of(wanted, f->config.msix_messages);
	}
	return f->config.msi_messages ? msi_enable(f, wanted) : 0;
}

void bus_messages_disable(struct bus_function *f)
{
	if (f->config.msix_messages)
		bus_config_change(f, bus_config_msix(f) + 2, 0, MSIX_ENABLE);
	if (f->config.msi_messages)
		bus_config_change(f, bus_config_msi(f) + 2, 0, MSI_ENABLE);
	f->sender.masked = ~0ull;
	f->pending = 0;
}

bool bus_interrupts_mask(struct bus_function *f, bool masked)
{
	if (f->msi && !f->msix && masked)
		return false;
	if (!f->msi && (f->msix || (!masked && f->config.msix_messages)))
		bus_config_change(f, bus_config_msix(f) + 2, masked ? MSIX_MASK_ALL : 0,
			masked ? 0 : MSIX_MASK_ALL);
	if (!masked || !bus_messages_are_enabled(f))
		bus_config_change(f, CONFIG_COMMAND, masked ? COMMAND_LINE_DISABLE : 0,
			masked ? 0 : COMMAND_LINE_DISABLE);
	return true;
}

bool bus_interrupts_are_masked(const struct bus_function *f)
{
	return f->msix ? f->msix_mask_all : !f->msi && f->command & COMMAND_LINE_DISABLE;
}

void bus_message_get(struct bus_function *f, unsigned message, uint64_t *address, uint32_t *data)
{
	if (f->msix && message < f->config.msix_messages) {
		*address = f->msix_address[message][0] | (uint64_t)f->msix_address[message][1]
								 << 32;
		*data = f->msix_address[message][2];
		return;
	}
	*address = bus_config_dword(f, bus_config_msi(f) + 4);
	*data = bus_config_word(f, bus_config_msi(f) + 12) + message;
}

/* As PnP programs them, and as a driver may read them back. */
static void address_program(struct bus_function *f, unsigned message, unsigned processor)
{
	uint32_t address = MESSAGE_ADDRESS | processor << 12;
	uint32_t data = MESSAGE_FIRST_DATA + message;

	if (f->msix) {
		__atomic_store_n(&f->msix_address[message][0], address, __ATOMIC_RELAXED);
		__atomic_store_n(&f->msix_address[message][1], 0, __ATOMIC_RELAXED);
		__atomic_store_n(&f->msix_address[message][2], data, __ATOMIC_RELAXED);
	} else if (message == 0) {
		bus_config_write(f, bus_config_msi(f) + 4, &address, 4);
		bus_config_write(f, bus_config_msi(f) + 12, &data, 2);
	}
}

void bus_message_address_set(const struct bus_interrupt *interrupt)
{
	if (interrupt->function && interrupt->message != BUS_LINE)
		address_program(interrupt->function, interrupt->message, interrupt->vector.cpu);
}

static unsigned messages_enabled(const struct bus_function *f)
{
	if (f->msix)
		return f->config.msix_messages;
	return f->msi ? f->msi_granted : 0;
}

int bus_message_connect(struct bus_function *f, unsigned message, struct bus_interrupt *interrupt)
{
	struct bus_interrupt *nobody = NULL;

	if (message >= messages_enabled(f))
		return -EINVAL;
	interrupt->service = NULL;
	interrupt->next = NULL;
	if (!atomic_compare_exchange_strong(&f->sender.message[message].head, &nobody, interrupt))
		return -EBUSY;
	address_program(f, message, interrupt->vector.cpu);
	if (f->msix)
		msix_write_dword(f, message * ENTRY_SIZE + 4 * ENTRY_CONTROL, 0);
	return 0;
}

void bus_message_disconnect(struct bus_interrupt *interrupt)
{
	struct bus_function *f = interrupt->function;

	atomic_fetch_or(&f->sender.masked, 1ull << interrupt->message);
	bus_target_replace(&f->sender.message[interrupt->message], NULL);
	cpu_interrupt_quiesce(&interrupt->vector);
}

int bus_interrupt_connect(struct bus_function *f, unsigned message, struct bus_interrupt *interrupt)
{
	interrupt->function = f;
	interrupt->message = message;
	if (!cpu_irql_is_device(interrupt->vector.irql))
		return -EINVAL;
	if (message == BUS_LINE)
		return bus_line_connect(f, interrupt);
	return bus_message_connect(f, message, interrupt);
}

void bus_interrupt_disconnect(struct bus_interrupt *interrupt)
{
	if (interrupt->message == BUS_LINE)
		bus_line_disconnect(interrupt);
	else
		bus_message_disconnect(interrupt);
}
