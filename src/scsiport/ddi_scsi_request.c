/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Units and the requests that the miniport has, by address. */
#define DRY_MODULE "scsiport.sys"
#include "scsiport/scsi_adapter.h"
#include "nt/nt.h"
#include "util/export.h"

PVOID NTAPI ScsiPortGetLogicalUnit(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun)
{
	struct scsi_adapter *adapter = scsi_adapter_of(HwDeviceExtension, "ScsiPortGetLogicalUnit");
	struct port_unit *unit =
		adapter ? port_unit_find(&adapter->hba.port, PathId, TargetId, Lun) : NULL;

	cpu_poll();
	return unit ? unit->extension : NULL;
}
DRY_EXPORT(ScsiPortGetLogicalUnit)

/* The n-th slot's request, if the miniport has it. */
static struct port_request *given(struct scsi_adapter *adapter, unsigned n)
{
	return adapter->requests[n].given ? &adapter->hba.port.requests[n] : NULL;
}

PSCSI_REQUEST_BLOCK NTAPI ScsiPortGetSrb(
	PVOID DeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, LONG QueueTag)
{
	struct scsi_adapter *adapter = scsi_adapter_of(DeviceExtension, "ScsiPortGetSrb");
	struct port_unit *unit;

	cpu_poll();
	unit = adapter ? port_unit_find(&adapter->hba.port, PathId, TargetId, Lun) : NULL;
	for (unsigned n = 0; unit && n < PORT_SLOTS; n++) {
		struct port_request *request = given(adapter, n);

		/* SP_UNTAGGED is the value of an untagged request's tag. */
		if (request && request->unit == unit && adapter->requests[n].tag == QueueTag)
			return request->srb;
	}
	return NULL;
}
DRY_EXPORT(ScsiPortGetSrb)

VOID NTAPI ScsiPortCompleteRequest(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, UCHAR SrbStatus)
{
	struct scsi_adapter *adapter =
		scsi_adapter_of(HwDeviceExtension, "ScsiPortCompleteRequest");

	cpu_poll();
	for (unsigned n = 0; adapter && n < PORT_SLOTS; n++) {
		struct port_request *request = given(adapter, n);

		if (!request || !port_unit_is_of(request->unit, PathId, TargetId, Lun))
			continue;
		((PSCSI_REQUEST_BLOCK)request->srb)->SrbStatus = SrbStatus;
		scsi_request_complete(adapter, request);
	}
}
DRY_EXPORT(ScsiPortCompleteRequest)
