/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Device models: one folder each, self-registering (DRY_HW puts a row into the linker section
 * "dry_hw"). A device is named on the command line as NAME[:key=value,...]; `dryport hw` lists
 * names, their keys and one line of help. A model registers its PCI function with src/bus, reaches
 * memory through src/dma only, and works as an agent of the schedule (cpu_agent). What lies behind
 * a disk controller is storage.h's.
 */
#ifndef DRY_HW_HW_H
#define DRY_HW_HW_H

#include "util/common.h"

struct dma_master;
struct hw_device;
struct medium;
struct storage;

/* What every device gets, from the machine's options; a device takes what it needs. */
struct hw_config {
	const char *options; /* the text after NAME: , or "" */
	const char *disk;    /* backing file, NULL: memory of `size` bytes */
	uint64_t size;
	uint32_t block_size; /* 512 or 4096 */
	bool read_only;
	/* Blocks that cannot be read or written; lives as long as the device. NULL: none. */
	const struct medium *medium;
	/* The device has gone by itself; its function is unplugged, `why` is a sentence for people.
	 * From a host thread of the device's. */
	void (*gone)(const char *why);
};

struct hw_model {
	const char *name;
	const char *help; /* one line */
	/* Lines "key=VALUE  what it does", or "key  what it does" for one that takes no value, '\n'
	 * between; or "". */
	const char *options;
	/* The same where it has to be found out first; in place of options, if not NULL. */
	const char *(*describe)(void);
	/* It lives in another process, which shares RAM (mem_config.is_shared) and keeps real time:
	 * nobody sees what it moves, and there is no replay with it. */
	bool is_process;
	/* Makes the device and puts it on the bus; 0 or -errno with error_set. The model "none"
	 * alone makes none: *device stays NULL. */
	int (*create)(const struct hw_config *config, struct hw_device **device);
	/* Flushes the storage and frees the device; 0, or -errno with error_set if the flush
	 * failed. The machine has stopped. */
	int (*destroy)(struct hw_device *device);
	/* Bytes that crossed its bus master, for the summary: the struct dma_master, or NULL. */
	struct dma_master *(*master)(struct hw_device *device);
	/* What its blocks are kept in, those of unit 0 first; NULL: nobody may look. */
	struct storage *(*storage)(const struct hw_device *device);
};

#define DRY_HW(model)                                                                              \
	static const struct hw_model *const dry_hw_##model                                         \
		__attribute__((section("dry_hw"), used)) = &(model);

const struct hw_model *hw_find(const char *name);
/* n-th model, NULL past the end. */
const struct hw_model *hw_get(unsigned n);

/* One value of "key=value,key=value"; NULL if absent. The result lives in the caller's buffer. */
const char *hw_option(const char *options, const char *key, char *buffer, size_t size);
/* Puts the key's number into *value, which keeps what it holds if the key is absent. -EINVAL with
 * error_set if it is no number from min to max. */
int hw_option_number(
	const char *options, const char *key, uint64_t min, uint64_t max, uint64_t *value);
/* -EINVAL with error_set naming the first key that is not in the model's table, or that has a value
 * too many or lacks one. */
int hw_options_check(const struct hw_model *model, const char *options);

#endif
