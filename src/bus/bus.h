/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The PCI bus of the machine: functions with configuration space, BARs and interrupts. A device
 * model (src/hw) adds functions; the port driver (through ddi_*.c here and in src/storport) reads
 * their configuration, maps their BARs, reaches their registers and connects their interrupts. bus/
 * and dma/ never meet: a device learns from `command` when its bus-master bit changes and tells its
 * dma_master itself.
 *
 * Addresses. A memory BAR has a bus address (as assigned by "firmware", below 4 GiB above RAM's
 * end) and an inaccessible host range of the same size, where bus_map leads: the pointer a driver
 * holds. Register accessors find the BAR from that pointer; they need no context (miniports pass
 * NULL). A dereference faults, and is carried out as an accessor would have done it (trap.h). An
 * I/O BAR has port numbers below 64 Ki, and bus_map returns the bare number, because drivers tell
 * port from memory by its size.
 *
 * Reads of a function that is gone, or whose memory/I-O enable bit is off, give all ones; writes
 * are lost.
 *
 * Interrupts: a line (INTx, level: served again while it is asserted) or messages (MSI, MSI-X,
 * edge), each a bus_interrupt of its own. With MSI or MSI-X enabled in configuration space the line
 * is silent. MSI-X table and pending bits are a BAR region that bus/ implements for the device.
 *
 * Bridges are functions with a bus behind them (bridge.c). The firmware's part is played when they
 * and the functions behind them are added: bus numbers, windows, and the line that an interrupt
 * comes out at on the root bus.
 */
#ifndef DRY_BUS_BUS_H
#define DRY_BUS_BUS_H

#include "util/common.h"
#include "cpu/cpu.h"

struct bus_function;

#define BUS_BARS	 6
#define BUS_MESSAGES_MAX 64
#define BUS_LINE	 (~0u) /* in place of a message number */

struct bus_bar_config {
	uint32_t size; /* power of two, 0: none */
	bool is_io;    /* port space */
	bool is_64bit; /* takes the next BAR too */
	bool is_prefetchable;
};

struct bus_function_ops {
	/* size 1, 2, 4 or 8; offset inside the BAR, naturally aligned. Called on the accessing
	 * processor, at any IRQL, several at once. */
	uint64_t (*read)(void *device, unsigned bar, uint32_t offset, unsigned size);
	border_call void (*write)(
		void *device, unsigned bar, uint32_t offset, unsigned size, uint64_t value);
	/* The command register changed: bit 1 memory enable, 2 bus master, 10 INTx disable. Called
	 * first from inside bus_function_new (the firmware leaves decoding and bus mastering on),
	 * later with the bus's own lock held: keep the value, do no more. May be NULL. */
	void (*command)(void *device, uint16_t command);
	/* Without power the device forgets all but what is stored, and touches no memory. Off is
	 * asked again, on a processor, until it answers that this is so. May be NULL: it has no
	 * state. */
	bool (*power)(void *device, bool on);
	/* Of a device that has its own configuration space (bus_function_config.space): the four
	 * bytes at offset, a multiple of 4, and 1, 2 or 4, aligned, of what the bus does not keep.
	 * With the bus's own lock held. May be NULL: the bytes of `space` stand there. */
	uint32_t (*config_read)(void *device, unsigned offset);
	void (*config_write)(void *device, unsigned offset, unsigned size, uint32_t value);
	/* What is enabled has changed: MSI-X, or so many MSI messages (0: neither). As `command`.
	 */
	void (*messages)(void *device, bool msix, unsigned msi);
	/* The card is pulled out of its slot, where that is more than the function's absence from
	 * the bus; or another one is put in. 0 or -errno with error_set: then it is not in.
	 * PASSIVE, no lock held. May be NULL. */
	int (*plug)(void *device, bool in);
};

struct bus_function_config {
	uint16_t vendor, device, subsystem_vendor, subsystem;
	uint8_t revision, prog_if, subclass, base_class;
	struct bus_bar_config bar[BUS_BARS];
	unsigned msi_messages;	/* 0: no MSI capability; else 1, 2, 4 .. 32 */
	unsigned msix_messages; /* 0: no MSI-X capability; else up to BUS_MESSAGES_MAX */
	unsigned msix_bar;	/* BAR in which bus/ puts the table at offset msix_offset */
	uint32_t msix_offset;
	/*
	 * A device that has a configuration space of its own: 256 bytes, as it is found. The bus
	 * keeps the header, where the identifying fields above are put, and the two message
	 * capabilities at these offsets; the other capabilities are the device's. NULL: there are
	 * no others, and the offsets are the bus's choice.
	 */
	const uint8_t *space;
	uint8_t msi_at, msix_at;
	bool has_line;	  /* INTA */
	const char *name; /* for messages */
	/*
	 * The bridge that it is behind; NULL: it is on the root bus. Then the number of its slot
	 * there; on the root bus the next free one is taken.
	 */
	struct bus_function *bridge;
	uint8_t slot;
	/* It is a bridge itself, without BARs and messages of its own. The bus keeps its header,
	 * and what is written there goes to ops.config_write as well. */
	bool is_bridge;
};

/* Adds a function. A bridge comes before what is behind it. NULL with error_set on bad values. */
struct bus_function *bus_function_new(
	const struct bus_function_config *config, const struct bus_function_ops *ops, void *device);
/* Removes it; all its interrupts must have been disconnected. */
void bus_function_free(struct bus_function *function);
/* Surprise removal: from now on reads give all ones, interrupts are lost. */
void bus_function_unplug(struct bus_function *function);
bool bus_function_is_unplugged(const struct bus_function *function);
/* Surprise removal of a card: the same, and the device is out of its slot, or touches memory no
 * more, when this returns. PASSIVE. */
void bus_function_pull(struct bus_function *function);
/* Another of the same kind in its slot, at the same addresses, as the firmware leaves it. 0, or
 * -errno with error_set: there is none. PASSIVE. */
int bus_function_plug(struct bus_function *function);
/*
 * D3 and D0. In D3 registers read all ones, interrupts are lost, and the device loses its state;
 * configuration space stays as it is, since the bus driver puts it back. Off returns when the
 * device touches memory no more. PASSIVE.
 */
void bus_function_power(struct bus_function *function, bool on);

/* Enumeration: the n-th function, NULL past the end. */
struct bus_function *bus_function_get(unsigned n);
/* The number of its bus, and of its slot there. */
unsigned bus_function_bus(const struct bus_function *function);
unsigned bus_function_slot(const struct bus_function *function);
/* Its place among the functions of all buses: on the root bus the slot. Below 64. */
unsigned bus_function_place(const struct bus_function *function);
/* The function in a slot, NULL if it is empty. */
struct bus_function *bus_function_at(unsigned bus, unsigned slot);
/* Whether there is a bus of this number. */
bool bus_is_there(unsigned bus);
/* The bus behind a bridge. */
unsigned bus_bridge_secondary(const struct bus_function *bridge);
const char *bus_function_name(const struct bus_function *function);
/* Its device instance, "PCI\VEN_1B36&DEV_0010&SUBSYS_11001AF4&REV_02\3&0&08". */
void bus_function_instance(const struct bus_function *function, char *text, size_t size);

/* Configuration space; returns bytes read or written (256 at most), 0 if no such slot. */
unsigned bus_config_read(
	struct bus_function *function, unsigned offset, void *buffer, unsigned length);
unsigned bus_config_write(
	struct bus_function *function, unsigned offset, const void *buffer, unsigned length);

/* Bus mastering, as configuration space has it. */
void bus_master_set(struct bus_function *function, bool on);
bool bus_master_is_on(const struct bus_function *function);

/* What PnP assigned for BAR n: false if the BAR does not exist. */
struct bus_resource {
	uint64_t address; /* bus address or port number */
	uint32_t size;
	bool is_io;
};
bool bus_resource_get(struct bus_function *function, unsigned bar, struct bus_resource *resource);

/* Maps [address, address + length), which must lie in one BAR, for a driver; NULL if it does not.
 * The function that owns it goes to *function if wanted. */
void *bus_map(uint64_t address, uint32_t length, bool is_io, struct bus_function **function);
void bus_unmap(void *mapped);
/* The function and offset behind a mapped pointer; false if none: a stray register access. */
bool bus_resolve(
	const void *mapped, struct bus_function **function, unsigned *bar, uint32_t *offset);

/* Register access through a mapped pointer; a safepoint. size 1, 2, 4, 8. An address that belongs
 * to no BAR is a violation event, reads all ones. Any IRQL. */
uint64_t bus_register_read(const volatile void *reg, unsigned size);
border_call void bus_register_write(volatile void *reg, unsigned size, uint64_t value);
border_call void bus_register_write_ulong(volatile void *reg, uint32_t value); /* size 4 */
uint64_t bus_port_read(uintptr_t port, unsigned size);
void bus_port_write(uintptr_t port, unsigned size, uint64_t value);

/* Accesses without an accessor so far, and how many of them one instruction made in several parts.
 */
void bus_trap_counts(uint64_t *all, uint64_t *in_parts);

/* ---- doorbells ---- */

/*
 * Registers of 4 bytes beside each other in a memory BAR, on the way of every request. While they
 * are open, a write of 4 bytes by an accessor goes to ring, with the register's number from 0 on,
 * and not to ops.write, which would do the same. ring ends with bus_rung, or with cpu_poll where
 * it kicks nobody: the safepoint that the write is. Whatever else there is to do with an access (an
 * event that is wanted, a tap, a function that is off, registers that are not mapped) takes it to
 * where it else goes, so ops.write serves them too.
 */
struct bus_doorbells {
	unsigned bar;
	uint32_t offset, count;
	border_call void (*ring)(void *device, uint32_t number, uint32_t value);
};
/* At birth: the function has these, closed. */
void bus_doorbells_set(struct bus_function *function, const struct bus_doorbells *doorbells);
/* Any host thread, but not inside an op that the bus's own lock is held for. A write that has begun
 * on another processor may still come to ring after they are closed. */
void bus_doorbells_open(struct bus_function *function, bool open);

/* The end of a ring: the agent is kicked as ops.write would do it, and what has become due is
 * served. */
static inline void bus_rung(struct cpu_agent *agent)
{
	struct cpu *cpu = cpu_here;

	if (likely(cpu_agent_is_held(cpu, agent) || cpu_agent_hold(agent, cpu)) &&
		likely(!cpu_is_due_on(cpu)))
		return;
	cpu_agent_kick_and_poll(agent);
}

/* ---- interrupts ---- */

/* Called by the device model; any host thread. A message is a bus-master write: with the bus-master
 * bit off it is lost, as is one that is not enabled; a masked MSI-X message stays pending. */
void bus_line_set(struct bus_function *function, bool asserted);
void bus_message_send(struct bus_function *function, unsigned message);
/* Whether messages are enabled: the line is silent then, and a device with both sends messages. */
border_call bool bus_messages_are_enabled(const struct bus_function *function);

struct bus_interrupt {
	struct cpu_interrupt vector; /* irql, cpu, service and ctx are set by the caller */
	struct bus_function *function;
	unsigned message;	    /* or BUS_LINE */
	struct bus_interrupt *next; /* private */
	bool (*service)(
		struct cpu_interrupt *); /* private: the caller's, under bus/'s own for lines */
};

/*
 * Private: where an interrupt is delivered. A raiser says so before he looks at `head`, so that who
 * replaces the head can wait until nobody holds the old one.
 */
struct bus_target {
	struct bus_interrupt *_Atomic head;
	_Atomic uint32_t raising; /* where it is no processor that says so by cpu_about */
} APART;			  /* messages are for several processors */

/* Private: what a bus_function begins with. */
struct bus_sender {
	_Atomic uint32_t
		sends; /* MSI-X messages that, if not masked by themselves, go out at once */
	_Atomic uint64_t masked; /* MSI-X vectors whose mask bit is set */
	struct bus_target message[BUS_MESSAGES_MAX];
};

void bus_target_raise_other(struct bus_target *target);

/* By a processor that hands the interrupt over to itself, as cpu_interrupt_raise would. False:
 * nothing was done. */
path_inline bool bus_target_hand(struct bus_target *target, struct cpu *cpu)
{
	struct bus_interrupt *head;
	bool is_handed;

	cpu_about(cpu, target);
	head = atomic_load_explicit(&target->head, memory_order_acquire);
	is_handed = likely(head != NULL) && cpu_interrupt_hand(cpu, &head->vector);
	cpu_about_over(cpu);
	return is_handed;
}

path_inline void bus_target_raise(struct bus_target *target)
{
	struct cpu *cpu = cpu_here;

	if (unlikely(!cpu_hands_interrupt(cpu) || !bus_target_hand(target, cpu)))
		bus_target_raise_other(target);
}

/* As bus_message_send where messages are enabled and nothing stands in this one's way; false: it is
 * not so, and nothing was done. */
path_inline bool bus_message_send_now(struct bus_function *function, unsigned message)
{
	struct bus_sender *sender = (struct bus_sender *)(void *)function;

	if (unlikely(message >= sender->sends || sender->masked >> message & 1))
		return false;
	bus_target_raise(&sender->message[message]);
	return true;
}

/* Enables MSI-X, else MSI, with as many messages as connected, or the line: bus_messages_enable
 * gives the number of messages granted (0: use the line). */
unsigned bus_messages_enable(struct bus_function *function, unsigned wanted);
void bus_messages_disable(struct bus_function *function);
/* Sets the mask bit of an MSI-X message or clears it; what came meanwhile is sent then. False: no
 * such message, or MSI-X is not enabled. Any IRQL. */
bool bus_message_mask(struct bus_function *function, unsigned message, bool masked);
/* All that the function interrupts by, at once: the function mask of MSI-X, or the command
 * register's interrupt disable bit. What comes meanwhile is not lost. False: it has enabled MSI,
 * which has no mask here. */
bool bus_interrupts_mask(struct bus_function *function, bool masked);
/* Whether it cannot interrupt at present, because all is masked so. */
bool bus_interrupts_are_masked(const struct bus_function *function);
/* Address and data of a message, as programmed. */
void bus_message_get(
	struct bus_function *function, unsigned message, uint64_t *address, uint32_t *data);
/*
 * Connects a vector to a message or the line. PASSIVE. -EBUSY if the message has one, -EINVAL if
 * there is no such message enabled or no line, or its IRQL is no device's. Lines are shared: each
 * service is asked in turn until one claims; a sharer gets irql and cpu of the line's first
 * connection (read them back from its vector).
 */
int bus_interrupt_connect(
	struct bus_function *function, unsigned message, struct bus_interrupt *interrupt);
void bus_interrupt_disconnect(struct bus_interrupt *interrupt);
/* A message goes to the processor that its vector names now: its address says so. */
void bus_message_address_set(const struct bus_interrupt *interrupt);

/* ---- between a function and the bus ---- */

/*
 * A tap is put between a device model and the bus: register accesses and interrupts come to it
 * instead, and it passes on what it likes, at once or later, with the calls below. The MSI-X table
 * and configuration space are the bus's own, and no tap sees them.
 */
struct bus_tap {
	uint64_t (*read)(void *tap, unsigned bar, uint32_t offset, unsigned size);
	border_call void (*write)(
		void *tap, unsigned bar, uint32_t offset, unsigned size, uint64_t value);
	void (*message)(struct bus_tap *tap, unsigned message);
	void (*line)(struct bus_tap *tap, bool asserted);
	void (*plug)(struct bus_tap *tap); /* another card is put in; may be NULL */
	struct bus_function *function;	   /* set by bus_tap_set */
};

/* One for each function; NULL takes it away. While nothing runs, or under replay. */
void bus_tap_set(struct bus_function *function, struct bus_tap *tap);
uint64_t bus_tap_read(const struct bus_tap *tap, unsigned bar, uint32_t offset, unsigned size);
void bus_tap_write(
	const struct bus_tap *tap, unsigned bar, uint32_t offset, unsigned size, uint64_t value);
void bus_tap_message(const struct bus_tap *tap, unsigned message);
void bus_tap_line(const struct bus_tap *tap, bool asserted);
/* The line's interrupt routines are asked once, whether it is asserted or not. */
void bus_tap_line_pulse(const struct bus_tap *tap);

/* Start of the (empty) bus and its end. */
int bus_init(void);
void bus_fini(void);

#endif
