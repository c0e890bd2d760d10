/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Queue depth, pause, resume, busy and ready for miniports (Q-3 … Q-5): thin over src/port/gate.c;
 * all requests of an address completed at once. */
#define DRY_MODULE "storport.sys"
#include "storport/storport_adapter.h"
#include "nt/nt.h"
#include "util/export.h"

#define LONGEST_PAUSE (24u * 3600)

/* In dump mode there is one request, and its driver gets no other to pause. */
static bool is_dump(const struct stor_adapter *adapter)
{
	return unlikely(adapter->is_dump);
}

static struct port_unit *unit_of(struct stor_adapter *adapter, UCHAR path, UCHAR target, UCHAR lun)
{
	cpu_poll();
	return adapter ? port_unit_find(&adapter->hba.port, path, target, lun) : NULL;
}

BOOLEAN NTAPI StorPortSetDeviceQueueDepth(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG Depth)
{
	struct stor_adapter *adapter =
		stor_adapter_of(HwDeviceExtension, "StorPortSetDeviceQueueDepth");
	struct port_unit *unit = unit_of(adapter, PathId, TargetId, Lun);

	/* not before the first INQUIRY, which is what makes the unit. */
	return unit && port_unit_set_depth(unit, Depth);
}
DRY_EXPORT(StorPortSetDeviceQueueDepth)

BOOLEAN NTAPI StorPortPause(PVOID HwDeviceExtension, ULONG TimeOut)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortPause");

	cpu_poll();
	if (!adapter)
		return FALSE;
	if (!is_dump(adapter))
		port_adapter_pause(&adapter->hba.port, min_of(TimeOut, (ULONG)LONGEST_PAUSE));
	return TRUE;
}
DRY_EXPORT(StorPortPause)

BOOLEAN NTAPI StorPortResume(PVOID HwDeviceExtension)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortResume");

	cpu_poll();
	if (!adapter)
		return FALSE;
	if (!is_dump(adapter))
		port_adapter_resume(&adapter->hba.port);
	return TRUE;
}
DRY_EXPORT(StorPortResume)

BOOLEAN NTAPI StorPortPauseDevice(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG TimeOut)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortPauseDevice");
	struct port_unit *unit = unit_of(adapter, PathId, TargetId, Lun);

	if (unit && !is_dump(adapter))
		port_unit_pause(unit, min_of(TimeOut, (ULONG)LONGEST_PAUSE));
	return unit != NULL;
}
DRY_EXPORT(StorPortPauseDevice)

BOOLEAN NTAPI StorPortResumeDevice(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortResumeDevice");
	struct port_unit *unit = unit_of(adapter, PathId, TargetId, Lun);

	if (unit && !is_dump(adapter))
		port_unit_resume(unit);
	return unit != NULL;
}
DRY_EXPORT(StorPortResumeDevice)

BOOLEAN NTAPI StorPortBusy(PVOID HwDeviceExtension, ULONG RequestsToComplete)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortBusy");

	cpu_poll();
	if (!adapter)
		return FALSE;
	if (!is_dump(adapter))
		port_adapter_busy(&adapter->hba.port, RequestsToComplete);
	return TRUE;
}
DRY_EXPORT(StorPortBusy)

BOOLEAN NTAPI StorPortReady(PVOID HwDeviceExtension)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortReady");

	cpu_poll();
	if (!adapter)
		return FALSE;
	if (!is_dump(adapter))
		port_adapter_ready(&adapter->hba.port);
	return TRUE;
}
DRY_EXPORT(StorPortReady)

BOOLEAN NTAPI StorPortDeviceBusy(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG RequestsToComplete)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortDeviceBusy");
	struct port_unit *unit = unit_of(adapter, PathId, TargetId, Lun);

	if (unit && !is_dump(adapter))
		port_unit_busy(unit, RequestsToComplete);
	return unit != NULL;
}
DRY_EXPORT(StorPortDeviceBusy)

BOOLEAN NTAPI StorPortDeviceReady(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortDeviceReady");
	struct port_unit *unit = unit_of(adapter, PathId, TargetId, Lun);

	if (unit && !is_dump(adapter))
		port_unit_ready(unit);
	return unit != NULL;
}
DRY_EXPORT(StorPortDeviceReady)

PVOID NTAPI StorPortGetLogicalUnit(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortGetLogicalUnit");
	struct port_unit *unit = unit_of(adapter, PathId, TargetId, Lun);

	return unit ? unit->extension : NULL;
}
DRY_EXPORT(StorPortGetLogicalUnit)

/* */
VOID NTAPI StorPortCompleteRequest(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, UCHAR SrbStatus)
{
	struct stor_adapter *adapter =
		stor_adapter_of(HwDeviceExtension, "StorPortCompleteRequest");

	cpu_poll();
	if (adapter && adapter->full_duplex && Lun == SP_UNTAGGED)
		nt_violation(0, "StorPortCompleteRequest for all logical units (SP_UNTAGGED): not "
				"for a full-duplex miniport (Q-11).");
	for (unsigned n = 0; adapter && n < port_slot_count(&adapter->hba.port); n++) {
		struct port_request *request = &adapter->hba.port.requests[n];

		if (atomic_load(&request->state) == PORT_REQUEST_STARTED &&
			port_unit_is_of(request->unit, PathId, TargetId, Lun))
			port_request_complete_as(request, SrbStatus);
	}
}
DRY_EXPORT(StorPortCompleteRequest)
