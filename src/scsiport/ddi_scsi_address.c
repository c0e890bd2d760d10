/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The uncached extension, and where the device sees memory. A pulling miniport learns its list
 * here: the list of the request that station 3 made (src/port/queue.c), an element for each call.
 */
#define DRY_MODULE "scsiport.sys"
#include "scsiport/scsi_adapter.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"
#include "util/export.h"

/* By now Dma64BitAddresses says what the device drives. */
static void *uncached_new(struct scsi_adapter *adapter, uint64_t bytes)
{
	struct dma_adapter *dma = adapter->hba.port.dma;
	struct dma_constraints constraints = dma->limits;

	/* Found again, it has one. */
	if (adapter->hba.uncached)
		return bytes <= adapter->hba.uncached_bytes ? adapter->hba.uncached : NULL;
	constraints.width = scsi_config_width(adapter);
	if (dma_adapter_limit(dma, &constraints))
		return NULL;
	return port_hba_uncached_new(&adapter->hba, bytes, constraints.width, 0);
}

static bool may_have_uncached(
	const struct scsi_adapter *adapter, const SCSIPORT_PORT_CONFIGURATION_INFORMATION *config)
{
	return adapter->hba.phase == PORT_HBA_FINDING && config == &adapter->config &&
	       config->Master && adapter->hba.port.dma &&
	       (!adapter->hba.uncached || adapter->hba.is_again);
}

PVOID NTAPI ScsiPortGetUncachedExtension(PVOID HwDeviceExtension,
	PSCSIPORT_PORT_CONFIGURATION_INFORMATION ConfigInfo, ULONG NumberOfBytes)
{
	struct scsi_adapter *adapter =
		scsi_adapter_of(HwDeviceExtension, "ScsiPortGetUncachedExtension");

	cpu_poll();
	if (!adapter || !NumberOfBytes)
		return NULL;
	if (!may_have_uncached(adapter, ConfigInfo)) {
		nt_violation(0, "ScsiPortGetUncachedExtension outside HwScsiFindAdapter, a second "
				"time, or not for a bus master.");
		return NULL;
	}
	return uncached_new(adapter, NumberOfBytes);
}
DRY_EXPORT(ScsiPortGetUncachedExtension)

/* ---- from virtual to physical ---- */

/* A piece ends with its element, the last one with its page, which may be behind the data: "the
 * Length returned can be greater than the size of the DataBuffer", so that the miniport clips it.
 */
static uint64_t piece_bytes(const SCATTER_GATHER_LIST *list, uint32_t n, uint64_t address)
{
	uint64_t end = (uint64_t)list->Elements[n].Address.QuadPart + list->Elements[n].Length;

	if (n == list->NumberOfElements - 1)
		end = round_up(end, MEM_PAGE_SIZE);
	return end - address;
}

/* A byte of the transfer; conversions that go on where the last one ended cost the same for each
 * element of the list. */
static uint64_t data_address(const struct port_request *request, struct scsi_request *own,
	uint64_t offset, uint64_t *bytes)
{
	const SCATTER_GATHER_LIST *list = request->list;

	if (unlikely(!request->mapped))
		return MEM_NO_ADDRESS;
	if (!own->is_listed)
		trace(TRACE_SG_GET, request->id, list->NumberOfElements);
	if (!own->is_listed || offset < own->start)
		own->element = own->start = 0;
	own->is_listed = true;
	for (; own->element < list->NumberOfElements; own->element++) {
		const SCATTER_GATHER_ELEMENT *element = &list->Elements[own->element];
		uint64_t inside = offset - own->start;

		if (inside < element->Length) {
			inside += (uint64_t)element->Address.QuadPart;
			*bytes = piece_bytes(list, own->element, inside);
			return inside;
		}
		own->start += element->Length;
	}
	return MEM_NO_ADDRESS;
}

/* What stays where it is: uncached extension, SRB extensions, sense buffers. */
static uint64_t lasting_address(struct scsi_adapter *adapter, const void *va, uint64_t *bytes)
{
	uint32_t in_slot;

	if (port_hba_is_uncached(&adapter->hba, va, bytes))
		return dma_address(adapter->hba.port.dma, va);
	if (!port_slot_of(&adapter->hba.port, va, &in_slot))
		return MEM_NO_ADDRESS;
	return port_adapter_address(&adapter->hba.port, va, bytes);
}

static uint64_t address_of(
	struct scsi_adapter *adapter, const void *srb, const void *va, uint64_t *bytes)
{
	struct port_request *request = srb ? port_request_find(&adapter->hba.port, srb) : NULL;
	struct scsi_request *own;
	uint64_t offset;

	if (unlikely(!adapter->config.NeedPhysicalAddresses || !adapter->hba.port.dma))
		return MEM_NO_ADDRESS;
	if (!request)
		return srb ? MEM_NO_ADDRESS : lasting_address(adapter, va, bytes);
	own = scsi_request_of(adapter, request);
	offset = (uint64_t)((const char *)va - own->data);
	if (unlikely(!own->given))
		return MEM_NO_ADDRESS;
	if (likely(own->data && offset < request->length && !port_is_sense(request)))
		return data_address(request, own, offset, bytes);
	/* Contract 4: an SRB may be given for its extension too; the data of REQUEST SENSE go into
	 * the slot's sense buffer. */
	return lasting_address(adapter, va, bytes);
}

SCSI_PHYSICAL_ADDRESS NTAPI ScsiPortGetPhysicalAddress(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID VirtualAddress, ULONG *Length)
{
	struct scsi_adapter *adapter =
		scsi_adapter_of(HwDeviceExtension, "ScsiPortGetPhysicalAddress");
	SCSI_PHYSICAL_ADDRESS result = {.QuadPart = 0}; /* */
	uint64_t bytes = 0, address;

	cpu_poll();
	if (likely(Length != NULL))
		*Length = 0;
	if (unlikely(!adapter))
		return result;
	address = address_of(adapter, Srb, VirtualAddress, &bytes);
	if (unlikely(address == MEM_NO_ADDRESS)) {
		nt_violation(0xf1001006,
			"ScsiPortGetPhysicalAddress: %s cannot have %p converted: it is neither "
			"data, "
			"sense buffer or extension of SRB %p, nor its uncached extension.",
			adapter->hba.name, VirtualAddress, (void *)Srb);
		return result;
	}
	result.QuadPart = (LONGLONG)address;
	if (likely(Length != NULL))
		*Length = (ULONG)min_of(bytes, (uint64_t)UINT32_MAX);
	return result;
}
DRY_EXPORT(ScsiPortGetPhysicalAddress)

/* ---- and back ---- */

PVOID NTAPI ScsiPortGetVirtualAddress(
	PVOID HwDeviceExtension, SCSI_PHYSICAL_ADDRESS PhysicalAddress)
{
	struct scsi_adapter *adapter =
		scsi_adapter_of(HwDeviceExtension, "ScsiPortGetVirtualAddress");
	void *va;

	cpu_poll();
	if (!adapter)
		return NULL;
	va = adapter->hba.port.dma
		     ? dma_host(adapter->hba.port.dma, (uint64_t)PhysicalAddress.QuadPart)
		     : NULL;
	if (va && port_hba_is_extension(&adapter->hba, va))
		return va;
	nt_violation(0,
		"ScsiPortGetVirtualAddress: %#llx is in neither the uncached nor an SRB extension.",
		(unsigned long long)PhysicalAddress.QuadPart);
	return NULL;
}
DRY_EXPORT(ScsiPortGetVirtualAddress)

ULONG NTAPI ScsiPortConvertPhysicalAddressToUlong(SCSI_PHYSICAL_ADDRESS Address)
{
	return Address.LowPart;
}
DRY_EXPORT(ScsiPortConvertPhysicalAddressToUlong)

SCSI_PHYSICAL_ADDRESS NTAPI ScsiPortConvertUlongToPhysicalAddress(ULONG_PTR UlongAddress)
{
	SCSI_PHYSICAL_ADDRESS address = {.QuadPart = (LONGLONG)UlongAddress};

	return address;
}
DRY_EXPORT(ScsiPortConvertUlongToPhysicalAddress)

/* ---- the system DMA controller ---- */

/* No adapter of this machine is its slave: one whose HwScsiFindAdapter names a channel is not
 * started. So these do nothing, and a call of them is a mistake. */
VOID NTAPI ScsiPortIoMapTransfer(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID LogicalAddress, ULONG Length)
{
	cpu_poll();
	nt_violation(0,
		"ScsiPortIoMapTransfer is for slaves of the system DMA controller, and this "
		"machine has none; HwScsiDmaStarted will not be called.");
}
DRY_EXPORT(ScsiPortIoMapTransfer)

VOID NTAPI ScsiPortFlushDma(PVOID DeviceExtension)
{
	cpu_poll();
	nt_violation(0, "ScsiPortFlushDma is for slaves of the system DMA controller, and this "
			"machine has none.");
}
DRY_EXPORT(ScsiPortFlushDma)
