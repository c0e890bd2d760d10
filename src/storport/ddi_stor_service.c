/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Service requests of virtual miniports: a device control IRP with
 * IOCTL_MINIPORT_PROCESS_SERVICE_IRP goes to HwStorProcessServiceRequest at PASSIVE_LEVEL and is
 * pending until the miniport gives it to StorPortCompleteServiceIrp, from wherever and whenever.
 * When the adapter is removed, HwStorCompleteServiceIrp has it end those it still has (pages of the
 * three). Who sends them: src/port/hba_service.c.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"

#include <ntddscsi.h>

#define SERVICE_TAG 0x76725353 /* "SSrv" */

/* One that the miniport has. */
struct stor_service {
	struct stor_service *next;
	PIRP irp;
};

static NTSTATUS refuse(PIRP irp, NTSTATUS status)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = 0;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static bool add(struct stor_adapter *adapter, PIRP irp)
{
	struct stor_service *service = nt_pool_alloc(sizeof(*service), SERVICE_TAG, NULL, false);

	if (!service)
		return false;
	service->irp = irp;
	nt_lock_take(&adapter->services_lock);
	service->next = adapter->services;
	adapter->services = service;
	nt_lock_drop(&adapter->services_lock);
	return true;
}

/* NULL: any. The IRP, which the miniport has no more; NULL if it has it not. */
static PIRP take(struct stor_adapter *adapter, const IRP *irp)
{
	struct stor_service **link = &adapter->services, *found;
	PIRP taken = NULL;

	nt_lock_take(&adapter->services_lock);
	while (*link && irp && (*link)->irp != irp)
		link = &(*link)->next;
	found = *link;
	if (found) {
		*link = found->next;
		taken = found->irp;
	}
	nt_lock_drop(&adapter->services_lock);
	if (found)
		nt_pool_free(found);
	return taken;
}

NTSTATUS stor_control(struct port_hba *hba, PIRP irp)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;
	ULONG code = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode;

	if (code != IOCTL_MINIPORT_PROCESS_SERVICE_IRP || !stor_is_virtual(adapter) ||
		!hba->hw.HwProcessServiceRequest)
		return refuse(irp, STATUS_INVALID_DEVICE_REQUEST);
	if (!port_hba_hold(hba))
		return refuse(irp, STATUS_NO_SUCH_DEVICE);
	if (hba->phase != PORT_HBA_RUNNING || !add(adapter, irp)) {
		port_hba_let_go(hba);
		return refuse(irp, hba->phase != PORT_HBA_RUNNING ? STATUS_NO_SUCH_DEVICE
								  : STATUS_INSUFFICIENT_RESOURCES);
	}
	IoMarkIrpPending(irp);
	hba->hw.HwProcessServiceRequest(hba->extension, irp);
	port_hba_irql_check(hba, "HwStorProcessServiceRequest", IRQL_PASSIVE);
	port_hba_let_go(hba);
	return STATUS_PENDING;
}

ULONG stor_complete_service(struct stor_adapter *adapter, struct stor_call *args)
{
	PIRP irp = stor_arg(args, PVOID);

	if (!irp)
		return STOR_STATUS_INVALID_PARAMETER;
	irp = take(adapter, irp);
	if (!irp) {
		nt_violation(0,
			"StorPortCompleteServiceIrp of what is no service request of %s, "
			"or no more.",
			adapter->hba.name);
		return STOR_STATUS_INVALID_PARAMETER;
	}
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return STOR_STATUS_SUCCESS;
}

void stor_services_leave(struct stor_adapter *adapter)
{
	port_hba_close(&adapter->hba);
	if (adapter->hba.hw.HwCompleteServiceIrp)
		adapter->hba.hw.HwCompleteServiceIrp(adapter->hba.extension);
	port_hba_irql_check(&adapter->hba, "HwStorCompleteServiceIrp", IRQL_PASSIVE);
	port_hba_leave_wait(&adapter->hba);
}

void stor_services_end(struct stor_adapter *adapter)
{
	PIRP irp;

	while ((irp = take(adapter, NULL)) != NULL) {
		nt_violation(0,
			"%s is removed, and its driver has not ended a service request "
			"(HwStorCompleteServiceIrp).",
			adapter->hba.name);
		refuse(irp, STATUS_NO_SUCH_DEVICE);
	}
}
