/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The uncached extension, and addresses as the device sees them: bus addresses, which are physical
 * ones but behind the iommu (1.9). Work: src/port/address.c.
 */
#define DRY_MODULE "storport.sys"
#include "storport/config.h"
#include "storport/dump.h"
#include "mem/mem.h"
#include "port/now.h"
#include "nt/nt.h"
#include "util/export.h"

/* ---- the uncached extension ---- */

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
	if (adapter->hba.phase != PORT_HBA_FINDING || ConfigInfo != &adapter->config ||
		!adapter->config.Master || !(adapter->hba.port.dma || adapter->is_dump)) {
		nt_violation(0xf1002002, "StorPortGetUncachedExtension outside HwStorFindAdapter, "
					 "or not for a bus master.");
		return NULL;
	}
	if (adapter->hba.uncached) /* contract 12 */
		return adapter->hba.uncached;
	if (adapter->is_dump)
		return stor_dump_uncached(adapter, NumberOfBytes);
	/* It has said by now what its device is. */
	return port_hba_uncached_new(
		&adapter->hba, NumberOfBytes, stor_config_width(adapter), site);
}
DRY_EXPORT(StorPortGetUncachedExtension)

/* ---- addresses ---- */

static border_call __attribute__((cold, noinline)) void tell_no_address(const void *va)
{
	nt_violation(0,
		"StorPortGetPhysicalAddress: %p is neither the SRB's nor the adapter's memory, or "
		"the device does not reach it.",
		va);
}

static border_call __attribute__((noinline)) STOR_PHYSICAL_ADDRESS physical_address(
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
			  : port_adapter_address(&adapter->hba.port, VirtualAddress, &bytes);
	if (unlikely(address == MEM_NO_ADDRESS)) {
		tell_no_address(VirtualAddress);
		return none;
	}
	if (port_hba_is_uncached(&adapter->hba, VirtualAddress, &left))
		bytes = left;
	if (Length)
		*Length = (ULONG)min_of(bytes, (uint64_t)UINT32_MAX);
	return (STOR_PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)address};
}

static border_call __attribute__((noinline)) STOR_PHYSICAL_ADDRESS extension_address(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID VirtualAddress, ULONG *Length)
{
	struct port_hba *hba = port_hba_near(HwDeviceExtension);
	uint64_t address, bytes;

	if (likely(hba && !Srb && Length && !cpu_is_due())) {
		address = port_extension_address(&hba->port, VirtualAddress, &bytes);
		if (likely(address != MEM_NO_ADDRESS)) {
			*Length = (ULONG)bytes;
			return (STOR_PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)address};
		}
	}
	return physical_address(HwDeviceExtension, Srb, VirtualAddress, Length);
}

/* On a request's way it is the SRB extension that is asked about, mostly that of the SRB that the
 * miniport has just got. */
STOR_PHYSICAL_ADDRESS NTAPI StorPortGetPhysicalAddress(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID VirtualAddress, ULONG *Length)
{
	const struct port_request *now = port_now_of(HwDeviceExtension);

	if (likely(now && !Srb && Length)) {
		const struct port_adapter *adapter = now->adapter;
		uint64_t address = (uintptr_t)VirtualAddress;
		uint64_t at = address - (uintptr_t)now->extension;

		if (likely(at < adapter->extension_seen)) {
			address += adapter->slots_behind;
			*Length = adapter->limits.extension_bytes - (ULONG)at;
			return (STOR_PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)address};
		}
	}
	return extension_address(HwDeviceExtension, Srb, VirtualAddress, Length);
}
DRY_EXPORT(StorPortGetPhysicalAddress)

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
	va = adapter->hba.port.dma ? dma_host(adapter->hba.port.dma, address) : mem_host(address);
	if (va && port_hba_is_extension(&adapter->hba, va))
		return va;
	nt_violation(0,
		"StorPortGetVirtualAddress: %#llx is in neither the uncached nor an SRB extension.",
		(unsigned long long)address);
	return NULL;
}
DRY_EXPORT(StorPortGetVirtualAddress)
