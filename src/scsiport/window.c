/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Addresses of data for a miniport without MapBuffers; see scsi_adapter.h. */
#include "scsiport/scsi_adapter.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <sys/mman.h>

/* Behind the largest RAM, so that the addresses of a replayed run are the same each time. */
#define WINDOW_DISTANCE (1ull << 37)

static bool touched(void *owner, uintptr_t address, void *ucontext)
{
	const struct scsi_adapter *adapter = owner;
	const char *place = nt_driver_place ? nt_driver_place() : NULL;

	cpu_die("%s touched the data of a read or write, in %s: without MapBuffers DataBuffer is "
		"for "
		"ScsiPortGetPhysicalAddress alone.",
		adapter->hba.driver->name, place ? place : "an unknown place");
	return false;
}

int scsi_window_new(struct scsi_adapter *adapter)
{
	char *wanted = (char *)mem_base() + WINDOW_DISTANCE;
	void *window = mmap(
		wanted, mem_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int err;

	if (window == MAP_FAILED)
		return error_set(ENOMEM, "%s: no room for unmapped buffers.", adapter->hba.name);
	adapter->window = window;
	err = cpu_fault_init();
	return err ? err : cpu_fault_range((uintptr_t)window, mem_size(), touched, adapter);
}

void scsi_window_free(struct scsi_adapter *adapter)
{
	if (!adapter->window)
		return;
	cpu_fault_range_remove((uintptr_t)adapter->window);
	munmap(adapter->window, mem_size());
	adapter->window = NULL;
}

void *scsi_window_show(const struct scsi_adapter *adapter, void *data)
{
	uint64_t at = (uint64_t)((char *)data - (char *)mem_base());

	return adapter->window && at < mem_size() ? adapter->window + at : data;
}
