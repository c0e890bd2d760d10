/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The uncached extension, and addresses as the device sees them: bus addresses, which are physical
 * ones but behind the iommu (1.9). Work: src/port/address.c.
 */
#define DRY_MODULE "storport.sys"
#include "storport/config.h"
#include "storport/extended.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/export.h"

#include <string.h>

/* ---- the uncached extension ---- */

/* Whole pages that the device reaches; the miniport has said by now what its device is. */
static void *uncached_alloc(struct stor_adapter *adapter, uint64_t bytes, uintptr_t site)
{
	struct dma_adapter *dma = adapter->port.dma;
	unsigned width = min_of(stor_config_width(adapter), dma->limits.width);
	uint64_t highest = width < 64 ? (1ull << width) - 1 : UINT64_MAX;
	void *va = mem_alloc_bounds(bytes, 0, highest, 0, MEM_EXTENSION, adapter);

	if (!va)
		return NULL;
	if (dma_pin(dma, va, bytes, "uncached extension", site) == MEM_NO_ADDRESS) {
		mem_free(va, bytes);
		return NULL;
	}
	memset(va, 0, bytes);
	return va;
}

PVOID NTAPI StorPortGetUncachedExtension(
	PVOID HwDeviceExtension, PPORT_CONFIGURATION_INFORMATION ConfigInfo, ULONG NumberOfBytes)
{
	uintptr_t site = (uintptr_t)__builtin_return_address(0);
	struct stor_adapter *adapter =
		stor_adapter_of(HwDeviceExtension, "StorPortGetUncachedExtension");

	cpu_poll();
	if (!adapter || !NumberOfBytes)
		return NULL;
	/* A virtual adapter masters no bus: there is no non-cached memory for it. */
	if (adapter->phase != STOR_FINDING || ConfigInfo != &adapter->config ||
		!adapter->config.Master || !adapter->port.dma) {
		nt_violation(0xf1002002, "StorPortGetUncachedExtension outside HwStorFindAdapter, "
					 "or not for a bus master.");
		return NULL;
	}
	if (adapter->uncached) /* contract 12 */
		return adapter->uncached;
	adapter->uncached_bytes = round_up((uint64_t)NumberOfBytes, MEM_PAGE_SIZE);
	adapter->uncached = uncached_alloc(adapter, adapter->uncached_bytes, site);
	return adapter->uncached;
}
DRY_EXPORT(StorPortGetUncachedExtension)

void stor_uncached_free(struct stor_adapter *adapter)
{
	if (!adapter->uncached)
		return;
	dma_unpin(adapter->port.dma, adapter->uncached, adapter->uncached_bytes);
	mem_free(adapter->uncached, adapter->uncached_bytes);
	adapter->uncached = NULL;
}

static bool is_uncached(const struct stor_adapter *adapter, const void *va, uint64_t *left)
{
	uint64_t offset = (uint64_t)((const char *)va - (const char *)adapter->uncached);

	*left = adapter->uncached_bytes - offset;
	return adapter->uncached && offset < adapter->uncached_bytes;
}

/* ---- addresses ---- */

STOR_PHYSICAL_ADDRESS NTAPI StorPortGetPhysicalAddress(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID VirtualAddress, ULONG *Length)
{
	static const char routine[] = "StorPortGetPhysicalAddress";
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, routine);
	STOR_PHYSICAL_ADDRESS none = {.QuadPart = 0}; /* */
	struct port_request *request;
	uint64_t address, bytes, left;

	cpu_poll();
	if (Length)
		*Length = 0;
	if (!adapter)
		return none;
	request = stor_request_of(adapter, Srb, routine);
	/* Contract 4: an SRB may be given for its extension too. */
	address = request ? port_request_address(request, VirtualAddress, &bytes)
			  : port_adapter_address(&adapter->port, VirtualAddress, &bytes);
	if (address == MEM_NO_ADDRESS) {
		nt_violation(0,
			"StorPortGetPhysicalAddress: %p is neither the SRB's nor the adapter's "
			"memory, or the device does not reach it.",
			VirtualAddress);
		return none;
	}
	if (is_uncached(adapter, VirtualAddress, &left))
		bytes = left;
	if (Length)
		*Length = (ULONG)min_of(bytes, (uint64_t)UINT32_MAX);
	return (STOR_PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)address};
}
DRY_EXPORT(StorPortGetPhysicalAddress)

static bool is_extension(const struct stor_adapter *adapter, const void *va)
{
	uint64_t left;

	return is_uncached(adapter, va, &left) || port_request_of_extension(&adapter->port, va);
}

PVOID NTAPI StorPortGetVirtualAddress(
	PVOID HwDeviceExtension, STOR_PHYSICAL_ADDRESS PhysicalAddress)
{
	struct stor_adapter *adapter =
		stor_adapter_of(HwDeviceExtension, "StorPortGetVirtualAddress");
	uint64_t address = (uint64_t)PhysicalAddress.QuadPart;
	void *va;

	cpu_poll();
	if (!adapter)
		return NULL;
	va = adapter->port.dma ? dma_host(adapter->port.dma, address) : mem_host(address);
	if (va && is_extension(adapter, va))
		return va;
	nt_violation(0,
		"StorPortGetVirtualAddress: %#llx is in neither the uncached nor an SRB extension.",
		(unsigned long long)address);
	return NULL;
}
DRY_EXPORT(StorPortGetVirtualAddress)
