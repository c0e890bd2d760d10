/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Assembles a machine: memory, processors, bus, devices, driver, policies; the bodies of dryport.h.
 *
 *   options.c   the table of options, their parsing and help
 *   machine.c   start and stop
 *   stages.c    what they consist of, in layers' order
 *   scanner.c   units that come and go
 *   event.c     adapters that are stopped, sleep, come and go
 *   event_option.c  when that happens
 *   driver.c    which of the two ports a driver is for
 *   front.c     units and I/O of dryport.h
 *   service.c   requests of programs to a driver's adapter
 *   stats.c     a subscriber that counts for the summary
 *   trace_file.c  a subscriber that writes each event into a file
 *   crash.c     the report of a crash: whose, where, which SRB
 *   crash_dump.c  a crash on purpose, or a bug check, and the dump of memory that follows
 *   dump_pointers.c  what the driver is asked before that
 *   workload.c  generators inside the machine
 *   slow.c      routines of the miniport that take too long (--strict)
 *   watch.c     where the device may fail: each request ends once, and in time
 *   runs.c      many replayed runs, each in a child of the prepared machine
 *   trunk.c     or in one of a run that began as it does
 *   run_child.c  that child
 *   seeds.c     of many seeds
 *   sweep.c     of many plans of faults
 */
#ifndef DRY_MACHINE_MACHINE_H
#define DRY_MACHINE_MACHINE_H

#include "cpu/cpu.h"
#include "disk/disk.h"
#include "dma/dma.h"
#include "hw/faults.h"
#include "hw/medium.h"
#include "hw/hw.h"
#include "loader/loader.h"
#include "mem/mem.h"
#include "nt/os.h"
#include "storport/dump.h"
#include "machine/trace_file.h"

#include <dryport.h>
#include <pthread.h>
#include <semaphore.h>

struct dry_machine;
struct port_hba;

#define MACHINE_ADAPTERS 16
#define MACHINE_EVENTS	 64

/* event.c */
struct machine_event_kind {
	const char *name;
	int (*run)(struct dry_machine *machine, struct port_hba *hba);
	const char *ends_with; /* an event without which requests would wait for ever, or NULL */
};

/* One of the option `at`. */
struct machine_event {
	const struct machine_event_kind *kind;
	unsigned adapter;
	uint64_t due, period; /* ns since the start; 0: once */
	bool is_over;
};

struct machine_events {
	struct machine_event event[MACHINE_EVENTS];
	unsigned count;
};

struct machine_options {
	char *hw, *disk, *trace, *inf, *registry, *registry_out;
	uint64_t size, ram, seed, frames_seed;
	bool replay; /* seed is set */
	uint32_t block_size, cpus, device_count;
	uint64_t claimed; /* processors, a bit each; ~0: all */
	int debug_level;
	bool inline_agents, read_only, count_calls, no_stats;
	enum mem_policy memory;
	enum dma_callback build_callback;
	enum dma_engine engine;
	enum nt_os os;
	uint32_t dma_width, map_registers, list_overhead;
	bool lenient_size, hal_compatible, zero_length, no_queue, strict;
	uint64_t fail_allocation; /* 0: none */
	uint32_t hold;		  /* seconds */
	struct machine_events at;
	bool dump;
	char *dump_image;
	uint64_t dump_after, dump_offset, dump_size; /* 0: not said */
	struct fault_plan faults;
	struct medium medium; /* count 0: none */
};

/* driver.c */
struct machine_driver {
	struct port_driver *made; /* NULL: none is started */
	struct port_adapter *adapters[MACHINE_ADAPTERS];
	unsigned adapter_count;
};

/* crash_dump.c */
struct machine_crash {
	struct loader_image *driver; /* loaded with the first image, as on Windows */
	uint64_t bytes;		     /* of the image */
	uint64_t after;		     /* operations of the workload */
	_Atomic uint64_t operations;
	_Atomic unsigned generators; /* that have not ended */
	_Atomic bool can_dump; /* from crash_prepare on, while the units and their driver stay */
	_Atomic bool is_armed, is_raised, is_over;
	struct cpu_interrupt interrupt;
	sem_t over;
	char *image;	   /* what memory held */
	bool has_pointers; /* the driver gave them, and is told when they are no longer needed */
	MINIPORT_DUMP_POINTERS pointers;
	struct stor_dump dump;
	uint64_t outstanding, ns;
	unsigned processor; /* that goes on */
	void *kept;	    /* what lives on with the threads that stopped */
	int result;
	char error[1024];
};

struct dry_unit {
	struct dry_machine *machine;
	struct disk *disk; /* between machine_enter and machine_leave */
	struct dry_unit_info info;
	_Atomic uint64_t size; /* the newest; info.size is that of the start */
};

struct dry_machine {
	struct machine_options options;
	int stage; /* how far the start came; see machine.c */
	const struct hw_model *model;
	const char *model_options;		     /* of --hw, after the name */
	struct hw_device *devices[MACHINE_ADAPTERS]; /* all of that model */
	unsigned device_count;
	struct loader_image *image;
	struct machine_driver driver;
	bool pool_made;
	struct disk_set disks;
	struct dry_unit units[DISKS_MAX];
	_Atomic unsigned unit_count;
	/* looks for units again when a miniport says that some have come or gone */
	struct cpu_thread *scanner;
	_Atomic bool scan_wanted, scanner_ends, device_gone;
	struct machine_events to_come; /* of the option `at`, in this run */
	struct cpu_thread *events; /* carries out those of the option `at`; NULL: there are none */
	_Atomic bool events_end;
	_Atomic bool life_is_taken;
	uint32_t paused;	     /* adapters, by an event: a bit each */
	uint32_t masked, master_off; /* the same */
	_Atomic bool is_open;	     /* the units may be used */
	_Atomic unsigned inside;     /* host threads that do so */
	_Atomic bool takes_service;  /* service.c; these two count host threads, kernel threads */
	_Atomic unsigned service_inside, service_entering;
	pthread_t owner; /* the host thread that started it */
	uint64_t started_ns;
	int stop_result;
	_Atomic bool has_crashed; /* by crash_dump.c: nothing can be stopped or freed any more */
	struct machine_crash crash;
	struct dry_summary summary; /* final after the stop */
	/* the device may fail: its faults are told, and no reason for a bad end */
	bool expects_faults;
	uint8_t *steps; /* where the sorts of the device's first steps go, NULL: nowhere */
	uint32_t step_count;
};

/* The live machine, NULL if none. */
extern struct dry_machine *machine_live;

void machine_options_init(struct machine_options *options);
void machine_options_fini(struct machine_options *options);

/*
 * Around every use of a unit by a host thread: until it leaves, the unit stays. -ESHUTDOWN
 * (error_set) when the machine is stopping or has stopped.
 */
int machine_enter(struct dry_machine *machine);
void machine_leave(struct dry_machine *machine);

/* DriverEntry and what follows, up to the start of the adapters; and back. PASSIVE. Errors as
 * port_driver_start's. */
int machine_driver_start(struct machine_driver *driver, const struct loader_image *image);
void machine_driver_stop(struct machine_driver *driver);

/* Adds what the front got of this disk. */
void machine_client_bytes(const struct disk *disk, struct dry_summary *summary);
/* dry_machine_start in two halves: all but the driver's start, then that. */
int machine_prepare(struct dry_machine *machine, const char *driver);
int machine_go(struct dry_machine *machine);
/* stages.c: what a start consists of, in this order; the stop undoes it from the end. */
enum {
	MACHINE_STAGES = 10,
	MACHINE_STAGES_PREPARED = 8 /* with those the driver is still to be started */
};
struct machine_stage {
	int (*up)(struct dry_machine *machine); /* 0, or -errno with nothing made (error_set) */
	void (*down)(struct dry_machine *machine);
};
extern const struct machine_stage machine_stages[MACHINE_STAGES];
/* Before anything runs: the machine's seed becomes that of the schedule and of fresh memory. */
void machine_seed(struct dry_machine *machine);

/* event.c; PASSIVE. Around what changes adapters or looks for units: one at a time. */
void machine_life_enter(struct dry_machine *machine);
void machine_life_leave(struct dry_machine *machine);
/* NULL: no such event; unknown: -EINVAL with error_set. */
const struct machine_event_kind *machine_event_find(const char *name, size_t length);
int machine_event_unknown(const char *what, size_t length);
/* event_option.c: the words of the option `at`; -EINVAL (error_set) if they are none. */
int machine_events_set(struct machine_options *options, const char *text);
/* The option's events wait for the machine's opening. -ENOMEM (error_set) */
int events_start(struct dry_machine *machine);
void events_open(struct dry_machine *machine);
/* No more events; adapters that are stopped or asleep run again. */
void events_stop(struct dry_machine *machine);

/* event_bus.c: what an adapter may do on the bus. */
int event_mask(struct dry_machine *machine, struct port_hba *hba);
int event_unmask(struct dry_machine *machine, struct port_hba *hba);
int event_master_off(struct dry_machine *machine, struct port_hba *hba);
int event_master_on(struct dry_machine *machine, struct port_hba *hba);
/* At the end everything is as it was; what has gone takes it along. */
void event_bus_undo(struct dry_machine *machine, struct port_hba *hba);
void event_unmask_first(struct dry_machine *machine, struct port_hba *hba);
void event_bus_forget(struct dry_machine *machine, const struct port_hba *hba);

/* scanner.c. Units that are not known to programs yet become so. */
void machine_units_publish(struct dry_machine *machine);
/* Looks at the units of an adapter that runs again, of which its miniport is told before. Errors as
 * disk_scan_again's. */
/* event.c. Its adapter has gone without a word. Within machine_life_enter. */
int machine_unplug(struct dry_machine *machine, struct port_hba *hba);
/* Removed in order; it can be plugged again. */
int machine_remove(struct dry_machine *machine, struct port_hba *hba);
int machine_rescan(struct dry_machine *machine, struct port_hba *hba);
/* At PASSIVE: from here on units are looked for when an adapter says that its bus has changed, once
 * the machine is open. -ENOMEM (error_set) */
int scanner_start(struct dry_machine *machine);
/* For an adapter that has been started again. */
void scanner_watch(struct port_adapter *adapter);
/* A device has gone by itself: its adapter is unplugged (hw_config.gone). */
void scanner_device_gone(const char *why);
/* It scans no more; adapters may still call it. Nothing if it was not started. */
void scanner_stop(struct dry_machine *machine);
/* When no adapter can. */
void scanner_free(struct dry_machine *machine);

/* service.c. Adapters may be asked; when they have been found. */
void machine_service_open(struct dry_machine *machine);
/* In a kernel thread: before adapters are removed nobody new comes to them; when they are, nobody
 * is left. */
void machine_service_close(struct dry_machine *machine);
void machine_service_settle(struct dry_machine *machine);

/* Runs fn in a kernel thread at PASSIVE on processor 0 and waits; its result, and its error text,
 * come back. */
int machine_call(struct dry_machine *machine, int (*fn)(void *arg), void *arg, const char *name);

/* 0, or -EINVAL (error_set) if it is no workload. */
int workload_check(const char *text);

/* all: requests, lists and latencies too, else broken rules alone. Of so many processors. */
void stats_start(bool all, unsigned processors);
/* Requests that time out are the device's fault from here on. */
void stats_expect_faults(void);
void stats_stop(void);
/* Adds what was counted so far. */
void stats_summary(struct dry_summary *summary);

/* From start to stop broken rules include routines of the miniport that take too long. */
void slow_start(void);
void slow_stop(void);
/* watch.c. Requests that take longer than they may, or are not given back when it stops, are
 * violations from here on. */
void watch_start(void);
void watch_stop(void);

void crash_start(void);

/* ---- crash_dump.c: all of it does nothing without --dump ---- */

/* Whether this machine can have a dump: -EINVAL (error_set). Its device is about to be made. */
int crash_check(const struct dry_machine *machine);
/* The units are there: where the dump goes. -EINVAL (error_set). */
int crash_prepare(struct dry_machine *machine);
/* Before generators are made, which tell of each operation that has ended, and of their own end;
 * the crash comes then, but not before crash_await. */
void crash_expect(struct dry_machine *machine, uint64_t operations, unsigned generators);
void crash_operation(struct dry_machine *machine);
void crash_generator(struct dry_machine *machine);
/* On the host's thread: returns when the machine has crashed and the dump is over, with its result
 * (error_set). */
int crash_await(struct dry_machine *machine);
/* dump_pointers.c; PASSIVE: asks the miniport of the first unit for its dump pointers, if it has
 * any; gives them back, while the unit is still there. */
void dump_pointers_get(struct dry_machine *machine);
void dump_pointers_put(struct dry_machine *machine);
/* On a processor: the driver's bug check. */
void crash_bugcheck(void);

#endif
