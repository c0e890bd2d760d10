/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The memory of the port's lists, and what becomes of those who misuse it: see list_life.h. */
#include "port/list_life.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"
#include "util/sanitizer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE_FAULT_WRITE 2 /* of the error code that the processor gives */

/* ---- who touched a dead list, or changed a live one ---- */

__attribute__((cold, noinline)) border_call void port_list_touched(
	const struct port_list_seal *seal, const SCATTER_GATHER_LIST *list)
{
	nt_violation(0,
		"the scatter/gather list of request %llu was written to after the request had been "
		"completed, with which it died (SG-31): NumberOfElements is %#x, the first "
		"element's address %#llx; they were %#x and %#llx.",
		(unsigned long long)seal->id, (unsigned)list->NumberOfElements,
		(unsigned long long)list->Elements[0].Address.QuadPart, PORT_LIST_DEAD,
		(unsigned long long)PORT_LIST_DEAD_ADDRESS);
}

__attribute__((cold, noinline)) border_call void port_list_changed(
	const struct port_list_seal *seal, const SCATTER_GATHER_LIST *list)
{
	nt_violation(0,
		"the scatter/gather list of request %llu was modified while the miniport had it "
		"(SG-31): NumberOfElements is %u, the first element's address %#llx; they were %u "
		"and %#llx.",
		(unsigned long long)seal->id, (unsigned)list->NumberOfElements,
		(unsigned long long)list->Elements[0].Address.QuadPart, (unsigned)seal->count,
		(unsigned long long)seal->address);
}

static void changed_somewhere(const struct port_list_seal *seal, const SCATTER_GATHER_LIST *list)
{
	if (list->NumberOfElements != seal->count ||
		list->Elements[0].Address.QuadPart != seal->address) {
		port_list_changed(seal, list);
		return;
	}
	nt_violation(0,
		"one of the %u elements of the scatter/gather list of request %llu was modified "
		"while the miniport had it (SG-31).",
		(unsigned)seal->count, (unsigned long long)seal->id);
}

/* ---- guarded lists ---- */

/* FNV-1a over 8-byte words. */
static uint64_t digest(const SCATTER_GATHER_LIST *list, uint32_t elements)
{
	uint64_t sum = 14695981039346656037ull ^ list->NumberOfElements ^ list->Reserved;

	for (uint32_t n = 0; n < elements; n++) {
		sum = (sum ^ (uint64_t)list->Elements[n].Address.QuadPart) * 1099511628211ull;
		sum = (sum ^ list->Elements[n].Length) * 1099511628211ull;
		sum = (sum ^ list->Elements[n].Reserved) * 1099511628211ull;
	}
	return sum;
}

static void protect(const struct port_lists *lists, void *list, int access)
{
	if (mprotect(list, lists->stride, access))
		cpu_die("the pages of a scatter/gather list cannot be protected (mprotect); are "
			"there too many mappings in this process?");
}

void port_list_open_guarded(const struct port_lists *lists, PSCATTER_GATHER_LIST list)
{
	if (lists->care == PORT_LISTS_PAGED)
		protect(lists, list, PROT_READ | PROT_WRITE);
	else
		sanitizer_unpoison(list, lists->stride);
}

void port_list_seal_guarded(
	const struct port_lists *lists, PSCATTER_GATHER_LIST list, struct port_list_seal *seal)
{
	if (lists->care == PORT_LISTS_PAGED)
		protect(lists, list, PROT_READ);
	else
		seal->digest = digest(list, seal->count);
}

border_call void port_list_close_guarded(const struct port_lists *lists, PSCATTER_GATHER_LIST list,
	const struct port_list_seal *seal)
{
	if (lists->care == PORT_LISTS_PAGED) {
		protect(lists, list, PROT_NONE);
		return;
	}
	if (seal && digest(list, seal->count) != seal->digest)
		changed_somewhere(seal, list);
	sanitizer_poison(list, lists->stride);
}

/* Runs on a signal's stack; what follows is the end, or the report of a crash. */
static bool on_fault(void *owner, uintptr_t address, void *context)
{
	const struct port_lists *lists = owner;
	const ucontext_t *uc = context;
	unsigned slot = (unsigned)((address - (uintptr_t)lists->base) / lists->stride);
	const struct port_request *request = &lists->adapter->requests[slot];
	const struct port_list_seal *seal =
		lists->is_data_in ? &lists->adapter->data_in[slot].seal : &request->seal;
	const char *access =
		(uint64_t)uc->uc_mcontext.gregs[REG_ERR] & PAGE_FAULT_WRITE ? "written to" : "read";

	char text[256];
	int length;

	if (!seal->id)
		length = snprintf(text, sizeof(text),
			"%s: the memory of a scatter/gather list that no request has had yet was "
			"%s at %p (SG-31).\n",
			lists->adapter->name, access, (void *)address);
	else if (atomic_load(&request->state) == PORT_REQUEST_STARTED && seal->id == request->id)
		length = snprintf(text, sizeof(text),
			"%s: the scatter/gather list of request %llu, which is the port's and must "
			"not be modified, was %s at %p (SG-31).\n",
			lists->adapter->name, (unsigned long long)seal->id, access,
			(void *)address);
	else
		length = snprintf(text, sizeof(text),
			"%s: the scatter/gather list of request %llu, which died with its "
			"completion, was %s at %p (SG-31).\n",
			lists->adapter->name, (unsigned long long)seal->id, access,
			(void *)address);
	/* Nobody may be listening to violations when the crash is reported. */
	if (write(STDERR_FILENO, text, min_of((size_t)length, sizeof(text) - 1)) < 0)
		return false;
	text[min_of((size_t)length, sizeof(text)) - 1] = 0;
	nt_violation(0, "%s", text);
	return false;
}

/* ---- their memory ---- */

static uint32_t stride_of(const struct port_adapter *adapter, enum port_list_care care)
{
	return (uint32_t)round_up(
		sizeof(SCATTER_GATHER_LIST) +
			(uint64_t)adapter->limits.max_elements * sizeof(SCATTER_GATHER_ELEMENT),
		care == PORT_LISTS_PAGED ? MEM_PAGE_SIZE : 64);
}

int port_lists_new(struct port_adapter *adapter, struct port_lists *lists, bool is_data_in)
{
	int err;

	lists->adapter = adapter;
	lists->is_data_in = is_data_in;
	lists->care = dma_is_strict()	 ? PORT_LISTS_PAGED
		      : sanitizer.poison ? PORT_LISTS_POISONED
					 : PORT_LISTS_FILLED;
	lists->stride = stride_of(adapter, lists->care);
	lists->bytes = (uint64_t)lists->stride * PORT_SLOTS;
	lists->base = port_alloc(lists->bytes, 0, MEM_LIST, adapter);
	if (!lists->base)
		return error_set(ENOMEM,
			"%s: no memory for %d scatter/gather lists of %u elements; give the "
			"machine "
			"more (--ram).",
			adapter->name, PORT_SLOTS, adapter->limits.max_elements);
	if (lists->care == PORT_LISTS_PAGED) {
		err = cpu_fault_range((uintptr_t)lists->base, lists->bytes, on_fault, lists);
		if (err) {
			mem_free(lists->base, lists->bytes);
			lists->base = NULL;
			return err;
		}
	}
	for (unsigned n = 0; n < PORT_SLOTS; n++)
		port_list_close(lists, port_list_at(lists, n), NULL);
	return 0;
}

void port_lists_free(struct port_lists *lists)
{
	if (!lists->base)
		return;
	if (lists->care == PORT_LISTS_PAGED) {
		cpu_fault_range_remove((uintptr_t)lists->base);
		if (mprotect(lists->base, lists->bytes, PROT_READ | PROT_WRITE))
			cpu_die("the pages of scatter/gather lists cannot be given back "
				"(mprotect).");
	}
	mem_free(lists->base, lists->bytes);
	lists->base = NULL;
}
