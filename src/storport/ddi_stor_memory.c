/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Pool, MDLs, the uncached extension, and addresses of memory, for miniports (1.9). */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/export.h"

#include <srbhelper.h>
#include <string.h>

ULONG stor_allocate_pool(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	ULONG bytes = stor_arg(args, ULONG);
	ULONG tag = stor_arg(args, ULONG);
	PVOID *result = stor_arg(args, PVOID *);

	if (!result)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = NULL;
	if (stor_irql_too_high("StorPortAllocatePool"))
		return STOR_STATUS_INVALID_IRQL;
	*result = nt_pool_alloc(bytes, tag, adapter, false);
	return *result ? STOR_STATUS_SUCCESS : STOR_STATUS_INSUFFICIENT_RESOURCES;
}

ULONG stor_free_pool(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	PVOID block = stor_arg(args, PVOID);

	if (!block)
		return STOR_STATUS_INVALID_PARAMETER;
	if (stor_irql_too_high("StorPortFreePool"))
		return STOR_STATUS_INVALID_IRQL;
	return nt_pool_free(block) ? STOR_STATUS_SUCCESS : STOR_STATUS_INVALID_PARAMETER;
}

ULONG stor_allocate_mdl(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	PVOID buffer = stor_arg(args, PVOID);
	ULONG bytes = stor_arg(args, ULONG);
	PVOID *result = stor_arg(args, PVOID *);

	if (!buffer || !result)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = NULL;
	if (stor_irql_too_high("StorPortAllocateMdl"))
		return STOR_STATUS_INVALID_IRQL;
	*result = IoAllocateMdl(buffer, bytes, FALSE, FALSE, NULL);
	return *result ? STOR_STATUS_SUCCESS : STOR_STATUS_INSUFFICIENT_RESOURCES;
}

ULONG stor_free_mdl(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	PMDL mdl = stor_arg(args, PVOID);

	if (!mdl)
		return STOR_STATUS_INVALID_PARAMETER;
	if (stor_irql_too_high("StorPortFreeMdl"))
		return STOR_STATUS_INVALID_IRQL;
	IoFreeMdl(mdl);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_build_mdl(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	PMDL mdl = stor_arg(args, PVOID);

	if (!mdl)
		return STOR_STATUS_INVALID_PARAMETER;
	if (stor_irql_too_high("StorPortBuildMdlForNonPagedPool"))
		return STOR_STATUS_INVALID_IRQL;
	MmBuildMdlForNonPagedPool(mdl);
	return STOR_STATUS_SUCCESS;
}

/* The request of an SRB that the miniport has; NULL if srb is NULL, or (a violation) another. */
static struct port_request *live_request(
	struct stor_adapter *adapter, const void *srb, const char *routine)
{
	struct port_request *request = srb ? port_request_find(&adapter->port, srb) : NULL;

	if (request &&
		atomic_load_explicit(&request->state, memory_order_relaxed) == PORT_REQUEST_STARTED)
		return request;
	if (srb)
		nt_violation(0, "%s: %p is no SRB that %s has.", routine, srb, adapter->name);
	return NULL;
}

ULONG stor_get_system_address(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	struct port_request *request =
		live_request(adapter, stor_arg(args, PVOID), "StorPortGetSystemAddress");
	PVOID *result = stor_arg(args, PVOID *);

	if (!request || !result || !request->data)
		return STOR_STATUS_INVALID_PARAMETER;
	if (stor_irql_too_high("StorPortGetSystemAddress"))
		return STOR_STATUS_INVALID_IRQL;
	*result = request->data;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_original_mdl(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	struct port_request *request =
		live_request(adapter, stor_arg(args, PVOID), "StorPortGetOriginalMdl");
	PVOID *result = stor_arg(args, PVOID *);

	if (!request || !result)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = request->mdl;
	return STOR_STATUS_SUCCESS;
}

/* ---- the uncached extension ---- */

PVOID NTAPI StorPortGetUncachedExtension(
	PVOID HwDeviceExtension, PPORT_CONFIGURATION_INFORMATION ConfigInfo, ULONG NumberOfBytes)
{
	struct stor_adapter *adapter =
		stor_adapter_of(HwDeviceExtension, "StorPortGetUncachedExtension");

	cpu_poll();
	if (!adapter || !NumberOfBytes)
		return NULL;
	/* A virtual adapter masters no bus: there is no non-cached memory for it. */
	if (adapter->phase != STOR_FINDING || ConfigInfo != &adapter->config ||
		!adapter->config.Master || adapter->driver->is_virtual) {
		nt_violation(0xf1002002, "StorPortGetUncachedExtension outside HwStorFindAdapter, "
					 "or not for a bus master.");
		return NULL;
	}
	if (adapter->uncached) /* contract 12 */
		return adapter->uncached;
	adapter->uncached_bytes = round_up((uint64_t)NumberOfBytes, MEM_PAGE_SIZE);
	adapter->uncached = mem_alloc(adapter->uncached_bytes, MEM_LINEAR, MEM_EXTENSION, adapter);
	if (adapter->uncached)
		memset(adapter->uncached, 0, adapter->uncached_bytes);
	return adapter->uncached;
}
DRY_EXPORT(StorPortGetUncachedExtension)

/* ---- addresses ---- */

/* Whether it is this adapter's: extensions, SRBs, sense buffers. */
static bool is_own(const struct stor_adapter *adapter, const struct mem_frame *frame)
{
	return (frame->kind == MEM_EXTENSION || frame->kind == MEM_SRB) && frame->owner == adapter;
}

static bool is_translatable(const struct stor_adapter *adapter, const struct mem_frame *frame)
{
	return is_own(adapter, frame) || frame->kind == MEM_COMMON || frame->kind == MEM_POOL;
}

/* Bytes from va to the end of what it lies in, where that is physically contiguous; 0: not for this
 * adapter. */
static uint64_t contiguous_bytes(
	struct stor_adapter *adapter, struct port_request *request, const void *va)
{
	const char *at = va;
	const char *start = adapter->uncached;
	struct port_request *other;

	if (start && at >= start && at < start + adapter->uncached_bytes)
		return (uint64_t)(start + adapter->uncached_bytes - at);
	other = port_request_of_extension(&adapter->port, va);
	if (other)
		return (uint64_t)((char *)other->extension + adapter->port.limits.extension_bytes -
				  at);
	if (request && at >= (char *)request->sense &&
		at < (char *)request->sense + PORT_SENSE_BYTES)
		return (uint64_t)((char *)request->sense + PORT_SENSE_BYTES - at);
	if (request && request->data && at >= (char *)request->data &&
		at < (char *)request->data + request->length)
		return min_of((uint64_t)((char *)request->data + request->length - at),
			MEM_PAGE_SIZE - ((uintptr_t)at & MEM_PAGE_MASK));
	return is_translatable(adapter, mem_owner(va))
		       ? MEM_PAGE_SIZE - ((uintptr_t)at & MEM_PAGE_MASK)
		       : 0;
}

STOR_PHYSICAL_ADDRESS NTAPI StorPortGetPhysicalAddress(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID VirtualAddress, ULONG *Length)
{
	struct stor_adapter *adapter =
		stor_adapter_of(HwDeviceExtension, "StorPortGetPhysicalAddress");
	STOR_PHYSICAL_ADDRESS none = {.QuadPart = 0}; /* */
	STOR_PHYSICAL_ADDRESS address;
	uint64_t bytes;

	cpu_poll();
	if (Length)
		*Length = 0;
	if (!adapter)
		return none;
	/* Contract 4: an SRB may be given for its extension too. */
	bytes = contiguous_bytes(
		adapter, live_request(adapter, Srb, "StorPortGetPhysicalAddress"), VirtualAddress);
	if (!bytes) {
		nt_violation(0,
			"StorPortGetPhysicalAddress: %p is neither the SRB's nor the adapter's "
			"memory.",
			VirtualAddress);
		return none;
	}
	address.QuadPart = (LONGLONG)mem_physical(VirtualAddress);
	if (Length)
		*Length = (ULONG)min_of(bytes, (uint64_t)UINT32_MAX);
	return address;
}
DRY_EXPORT(StorPortGetPhysicalAddress)

PVOID NTAPI StorPortGetVirtualAddress(
	PVOID HwDeviceExtension, STOR_PHYSICAL_ADDRESS PhysicalAddress)
{
	struct stor_adapter *adapter =
		stor_adapter_of(HwDeviceExtension, "StorPortGetVirtualAddress");
	void *va = adapter ? mem_host((uint64_t)PhysicalAddress.QuadPart) : NULL;

	cpu_poll();
	if (va && is_own(adapter, mem_owner(va)))
		return va;
	if (adapter)
		nt_violation(0,
			"StorPortGetVirtualAddress: %#llx is in neither the uncached nor an SRB "
			"extension.",
			(unsigned long long)PhysicalAddress.QuadPart);
	return NULL;
}
DRY_EXPORT(StorPortGetVirtualAddress)
