/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the files of bus/ share and nobody else sees: the inside of a function (bus.c), its address
 * windows (bar.c, register.c), its configuration space (config_space.c), its line (line.c) and its
 * messages (message.c), and the way to it (bridge.c).
 *
 * Functions live in a static array and are never freed, so that a device's thread or another
 * processor that still looks at one after its removal finds "nothing there" and no dangling memory.
 *
 * Locks: bus_lock serialises life, configuration writes and mapping; no safepoint is passed while
 * it is held. Register access and the raising of interrupts take no lock.
 */
#ifndef DRY_BUS_FUNCTION_H
#define DRY_BUS_FUNCTION_H

#include "bus/bus.h"
#include "mem/mem.h"
#include "util/layout.h"
#include <pthread.h>
#include <stdatomic.h>

#define BUS_SLOTS	32 /* of one bus */
#define BUS_FUNCTIONS	64 /* those of the root bus come first, each at its slot's number */
#define BUS_LINES	4
#define BUS_CONFIG_SIZE 256

/* Offsets in configuration space (PCI Local Bus Specification 3.0, 6.1 and 6.2). */
enum {
	CONFIG_VENDOR = 0x00,
	CONFIG_DEVICE = 0x02,
	CONFIG_COMMAND = 0x04,
	CONFIG_STATUS = 0x06,
	CONFIG_REVISION = 0x08,
	CONFIG_CLASS = 0x09,
	CONFIG_CACHE_LINE = 0x0c,
	CONFIG_LATENCY = 0x0d,
	CONFIG_HEADER = 0x0e,
	CONFIG_BAR = 0x10,
	CONFIG_SUBSYSTEM_VENDOR = 0x2c,
	CONFIG_SUBSYSTEM = 0x2e,
	CONFIG_ROM = 0x30,
	CONFIG_CAPABILITIES = 0x34,
	CONFIG_LINE = 0x3c,
	CONFIG_PIN = 0x3d,
	CONFIG_HEADER_END = 0x40,
	/* of a bridge (PCI-to-PCI Bridge Architecture Specification 1.2, 3.2) */
	BRIDGE_NUMBERS = 0x18, /* primary, secondary, subordinate, latency timer: a byte each */
	BRIDGE_IO = 0x1c,
	BRIDGE_MEMORY = 0x20,
	BRIDGE_PREFETCH = 0x24,
	BRIDGE_PREFETCH_UPPER = 0x28,
	BRIDGE_IO_UPPER = 0x30,
	BRIDGE_CONTROL = 0x3e,
	CONFIG_MSI = 0x50, /* where we put the two capabilities, see bus_config_msi */
	CONFIG_MSIX = 0x70,
	CONFIG_MSI_BYTES = 14,
	CONFIG_MSIX_BYTES = 12
};

enum { /* command and status registers */
	COMMAND_IO = 1 << 0,
	COMMAND_MEMORY = 1 << 1,
	COMMAND_MASTER = 1 << 2,
	COMMAND_LINE_DISABLE = 1 << 10,
	COMMAND_WRITABLE = 0x0547, /* the above, parity response and SERR# enable */
	STATUS_LINE = 1 << 3,
	STATUS_CAPABILITIES = 1 << 4
};

enum { /* message control words (6.8.1.3 and 6.8.2.3) */
	MSI_ENABLE = 1 << 0,
	MSI_CAPABLE_SHIFT = 1,
	MSI_GRANTED_SHIFT = 4,
	MSI_64BIT = 1 << 7,
	MSIX_MASK_ALL = 1 << 14,
	MSIX_ENABLE = 1 << 15
};

/* One BAR, in one cache line: all that a register access needs; then what one to a doorbell needs.
 */
struct bus_window {
	uintptr_t base; /* host address, or port number */
	uint32_t size;
	uint32_t msix_start, msix_size; /* the MSI-X structures in this BAR; size 0: none */
	_Atomic bool live;		/* decoded: enable bit on, BAR in place, not unplugged */
	uint8_t bar;
	bool is_io;
	/* bytes from base on that are the device's own registers: not those of MSI-X or behind
	 * them; 0: not live */
	_Atomic uint32_t own;
	void *device;
	uint64_t (*read)(void *device, unsigned bar, uint32_t offset, unsigned size);
	border_call void (*write)(
		void *device, unsigned bar, uint32_t offset, unsigned size, uint64_t value);
	struct bus_function *function; /* NULL: no such BAR */

	uintptr_t bells_base;	/* the first doorbell's host address */
	_Atomic uint64_t bells; /* how many there are; 0: closed, or to be passed by */
	border_call void (*ring)(void *device, uint32_t number, uint32_t value);
	void *rung;			    /* the device, whatever tap there is */
	uint32_t bells_offset, bells_count; /* as they were set */
	bool bells_open;
	bool is_entered; /* in bus_memory_pages */
};

/* What a bridge forwards, in bus addresses: from start to end. end 0: nothing. */
struct bus_range {
	uint64_t start, end;
};
enum { BUS_RANGE_IO, BUS_RANGE_MEMORY, BUS_RANGE_PREFETCH, BUS_RANGES };

struct bus_function {
	struct bus_sender sender;
	_Atomic bool present; /* the slot is taken */
	_Atomic bool unplugged;
	_Atomic bool unpowered; /* D3 */
	_Atomic uint16_t command;
	uint8_t slot;
	uint8_t line;			    /* of the root bus, where INTA comes out */
	uint8_t bus, secondary;		    /* the one that it is on; of a bridge, that behind it */
	struct bus_range range[BUS_RANGES]; /* of a bridge */
	struct bus_window window[BUS_BARS];
	struct bus_function_config config;
	struct bus_function_ops ops;
	void *device;
	struct bus_tap *tap;	 /* NULL: none */
	uint32_t maps[BUS_BARS]; /* live mappings of each BAR */

	uint8_t space[BUS_CONFIG_SIZE];
	uint8_t writable[BUS_CONFIG_SIZE]; /* mask of bits that a write changes */

	/* interrupts */
	_Atomic bool asserted; /* what the device wants of its line */
	_Atomic bool msi, msix, msix_mask_all;
	_Atomic uint32_t msi_granted;
	uint32_t messages_told;			    /* what ops.messages heard last */
	_Atomic uint64_t pending;		    /* MSI-X vectors sent while masked */
	uint32_t msix_address[BUS_MESSAGES_MAX][3]; /* address low, high, data */
};

/* It answers no register access and interrupts nobody. */
static inline bool bus_function_is_off(const struct bus_function *function)
{
	return function->unplugged || function->unpowered;
}

extern pthread_mutex_t bus_lock;
extern struct bus_function bus_functions[BUS_FUNCTIONS];
/* One past the last that is in use. */
extern _Atomic unsigned bus_functions_end;

/* ---- bridge.c ---- */

/* Room that windows need, each aligned to its size: the sum, and the largest alignment. Largest
 * first they fill it without gaps. */
struct bus_need {
	uint64_t size, align;
};
void bus_need_add(struct bus_need *need, uint64_t size);
/* How much of its parent's addresses a bridge takes for them: what is reserved at least, and whole
 * granules of a bridge's registers. */
struct bus_need bus_need_window(const struct bus_need *need, unsigned range);
/* The line of the root bus at which INTA of a slot behind these bridges comes out. */
unsigned bus_line_of(const struct bus_function *bridge, unsigned slot);

/* A new bridge gets its number, and those above it let it through. -ENOSPC with error_set. */
int bus_bridge_number(struct bus_function *function);
/* Opens the windows of the bridges above for all BARs of the function. -ENOSPC with error_set. */
int bus_bridges_open(const struct bus_function *function);
/* Where a window of this kind may lie: false if there is no place. All are for the root bus. */
bool bus_bridge_room(const struct bus_function *bridge, unsigned range, struct bus_range *room);
/* Whether a window of a bridge on the same bus shares a byte with [start, end). */
bool bus_bridges_hold(const struct bus_function *bridge, uint64_t start, uint64_t end, bool is_io);
/* Whether all bridges above forward [start, end), as their registers stand. */
bool bus_bridges_forward(
	const struct bus_function *function, uint64_t start, uint64_t end, bool is_io);
/* What is behind a bridge answers or does not, after a change of the bridge. */
void bus_bridge_update(const struct bus_function *bridge);

/* ---- bar.c ---- */

/* Which of a bridge's windows a BAR belongs in. */
static inline unsigned bus_range_of(const struct bus_bar_config *bar)
{
	if (bar->is_io)
		return BUS_RANGE_IO;
	return bar->is_prefetchable ? BUS_RANGE_PREFETCH : BUS_RANGE_MEMORY;
}
/* A window is page aligned at least, so that a page leads to one BAR. */
static inline uint64_t bus_window_step(uint64_t size, bool is_io)
{
	return is_io ? size : max_of(size, MEM_PAGE_SIZE);
}
/* Chooses addresses for all BARs of the function. -ENOSPC with error_set when none are left. */
int bus_windows_assign(struct bus_function *function);
void bus_windows_release(struct bus_function *function);
/* Decides again which windows answer; after a change of command, a BAR or presence. */
void bus_windows_update(struct bus_function *function);
/* Where a PC has its 32-bit PCI hole: under the I/O APIC. */
#define BUS_MEMORY_BASE 0xe0000000ull
#define BUS_MEMORY_END	0xfec00000ull
#define BUS_PORT_BASE	0xc000u
#define BUS_PORT_END	0x10000u
/* Private: the window of each page of it. */
#define BUS_MEMORY_START (LAYOUT_REGISTERS + BUS_MEMORY_BASE)
#define BUS_MEMORY_PAGES ((BUS_MEMORY_END - BUS_MEMORY_BASE) >> MEM_PAGE_SHIFT)
extern struct bus_window *_Atomic bus_memory_pages[BUS_MEMORY_PAGES]
	__attribute__((visibility("hidden")));
/* The window of a port number or mapped address, NULL if there is none. */
struct bus_window *bus_window_of_port(uintptr_t port);
static inline struct bus_window *bus_window_of_memory(uintptr_t address)
{
	uintptr_t page = (address - BUS_MEMORY_START) >> MEM_PAGE_SHIFT;

	if (unlikely(page >= BUS_MEMORY_PAGES))
		return NULL;
	return atomic_load_explicit(&bus_memory_pages[page], memory_order_relaxed);
}
/* The window that a host address lies in whether it is mapped or not, for reports. */
struct bus_window *bus_window_around(uintptr_t address);
/* Decides again whether doorbells ring; after a change of `own`, of a tap, of a mapping, or of what
 * the device says. */
void bus_bells_update(struct bus_window *window);
/* The same of all, after a change of the events that are wanted. */
void bus_bells_update_all(void);
/* A window whose doorbells ring, or did; else one that has none. Where a write is to one of this
 * window's doorbells, nothing need be looked up for it. On most machines it is the only one. */
extern struct bus_window *_Atomic bus_bells_now __attribute__((visibility("hidden")));
int bus_windows_init(void);
void bus_windows_fini(void);

/* ---- register.c ---- */

/* The accesses of an instruction that was trapped: no safepoints. */
uint64_t bus_trapped_read(uintptr_t at, unsigned size, bool is_io);
void bus_trapped_write(uintptr_t at, unsigned size, uint64_t value, bool is_io);

/* ---- trap.c ---- */

/* What becomes of a fault in the windows' addresses: a cpu_fault_fn. */
bool trap_fault(void *owner, uintptr_t address, void *ucontext);
int trap_init(void);
void trap_fini(void);

/* ---- config_space.c ---- */

void bus_config_build(struct bus_function *function);
/* Where the message capabilities stand. */
static inline unsigned bus_config_msi(const struct bus_function *function)
{
	return function->config.space ? function->config.msi_at : CONFIG_MSI;
}
static inline unsigned bus_config_msix(const struct bus_function *function)
{
	return function->config.space ? function->config.msix_at : CONFIG_MSIX;
}
static inline uint16_t bus_config_word(const struct bus_function *function, unsigned offset)
{
	return (uint16_t)(function->space[offset] | function->space[offset + 1] << 8);
}
static inline uint32_t bus_config_dword(const struct bus_function *function, unsigned offset)
{
	return bus_config_word(function, offset) | (uint32_t)bus_config_word(function, offset + 2)
							   << 16;
}
/* A word, its bits set and cleared in one piece. */
void bus_config_change(
	struct bus_function *function, unsigned offset, uint16_t set, uint16_t clear);
/* Stores without regard to write masks: for the function itself. */
void bus_config_put(struct bus_function *function, unsigned offset, unsigned size, uint32_t value);

/* ---- line.c ---- */

/* Raises the line's vector if the function asserts it now. */
void bus_line_update(struct bus_function *function);
/* bus_line_set, past a tap. */
void bus_line_change(struct bus_function *function, bool asserted);
/* Raises it all the same. */
void bus_line_pulse(struct bus_function *function);
int bus_line_connect(struct bus_function *function, struct bus_interrupt *interrupt);
void bus_line_disconnect(struct bus_interrupt *interrupt);

/* ---- message.c ---- */

/* bus_message_send, past a tap. */
void bus_message_deliver(struct bus_function *function, unsigned message);
/* Takes over the enable and mask bits from configuration space. */
void bus_messages_update(struct bus_function *function);
int bus_message_connect(
	struct bus_function *function, unsigned message, struct bus_interrupt *interrupt);
void bus_message_disconnect(struct bus_interrupt *interrupt);
/* Decides `sends` again; after a change of what it depends on, with the bus's lock held. */
void bus_messages_settle(struct bus_function *function);
/* The MSI-X table and pending bits; offset from the start of the table. */
uint64_t bus_msix_read(struct bus_function *function, uint32_t offset, unsigned size);
void bus_msix_write(struct bus_function *function, uint32_t offset, unsigned size, uint64_t value);
static inline uint32_t bus_msix_table_size(const struct bus_function_config *config)
{
	return config->msix_messages * 16;
}
static inline uint32_t bus_msix_size(const struct bus_function_config *config)
{
	/* the table, then one pending bit per vector in whole quadwords */
	return bus_msix_table_size(config) + (config->msix_messages + 63) / 64 * 8;
}

/* Puts another head in place; returns when nobody is about to raise the old one. */
void bus_target_replace(struct bus_target *target, struct bus_interrupt *head);

#endif
