/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Units as devices: a miniport whose own dispatch routine stands in MajorFunction[IRP_MJ_PNP]
 * (contract point 15) sees its disks come and go, and may ask them and the disk class driver's
 * objects above them who they are.
 */
#include "../storport/world.h"
#include "nt/registry.h"

#include <ntddscsi.h>
#include <ntddstor.h>

static struct {
	char calls[400];
	PDRIVER_DISPATCH saved;
	PDEVICE_OBJECT unit; /* of the last START that was a unit's */
	UCHAR ends;	     /* the minor code + 1 that it ends by itself, of units */
	UCHAR keeps;	     /* the minor code + 1 that it keeps, of units */
	PIRP kept;
	SCSI_ADDRESS address;
	STORAGE_DEVICE_NUMBER number;
} hook;

static void called(const char *name)
{
	strncat(hook.calls, name, sizeof(hook.calls) - strlen(hook.calls) - 2);
	strcat(hook.calls, " ");
}

static NTSTATUS ask(PDEVICE_OBJECT device, ULONG code, PVOID out, ULONG bytes, ULONG_PTR *returned)
{
	IO_STATUS_BLOCK result = {.Information = 99};
	PIRP irp = IoBuildDeviceIoControlRequest(
		code, device, NULL, 0, out, bytes, FALSE, NULL, &result);

	IoCallDriver(device, irp);
	*returned = result.Information;
	return result.Status;
}

static NTSTATUS pnp_ask(PDEVICE_OBJECT device, UCHAR minor, ULONG type, ULONG_PTR *result)
{
	IO_STATUS_BLOCK status = {0};
	PIRP irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, device, NULL, 0, NULL, NULL, &status);

	irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	IoGetNextIrpStackLocation(irp)->MinorFunction = minor;
	IoGetNextIrpStackLocation(irp)->Parameters.QueryId.IdType = (BUS_QUERY_ID_TYPE)type;
	IoCallDriver(device, irp);
	*result = status.Information;
	return status.Status;
}

/* As a virtual miniport does it, which keeps the disk's name for its programs. */
static void look_at(PDEVICE_OBJECT unit)
{
	PDEVICE_OBJECT disk = IoGetAttachedDeviceReference(unit);
	ULONG_PTR returned;

	expect(disk != unit);
	expect_is(ask(unit, IOCTL_SCSI_GET_ADDRESS, &hook.address, sizeof(hook.address), &returned),
		STATUS_SUCCESS);
	expect_is(returned, sizeof(hook.address));
	expect_is(ask(disk, IOCTL_STORAGE_GET_DEVICE_NUMBER, &hook.number, sizeof(hook.number),
			  &returned),
		STATUS_SUCCESS);
	expect_is(returned, sizeof(hook.number));
	ObDereferenceObject(disk);
}

static NTSTATUS NTAPI pnp(PDEVICE_OBJECT device, PIRP irp)
{
	static const char *const names[] = {"START", "QUERY_REMOVE", "REMOVE", "CANCEL_REMOVE"};
	UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
	bool is_unit = device->DeviceType == FILE_DEVICE_DISK;

	if (is_unit && minor < array_size(names))
		called(names[minor]);
	if (is_unit && minor == IRP_MN_SURPRISE_REMOVAL)
		called("SURPRISE");
	if (!is_unit && minor == IRP_MN_REMOVE_DEVICE)
		called("adapter-REMOVE");
	if (is_unit && hook.ends == minor + 1) {
		irp->IoStatus.Status = STATUS_UNSUCCESSFUL;
		IoCompleteRequest(irp, IO_NO_INCREMENT);
		return STATUS_UNSUCCESSFUL;
	}
	if (is_unit && hook.keeps == minor + 1) {
		IoMarkIrpPending(irp);
		hook.kept = irp;
		hook.unit = device;
		return STATUS_PENDING;
	}
	if (is_unit && minor == IRP_MN_START_DEVICE) {
		hook.unit = device;
		look_at(device);
	}
	return hook.saved(device, irp);
}

static SCSI_UNIT_CONTROL_STATUS NTAPI unit_control(
	PVOID ext, SCSI_UNIT_CONTROL_TYPE type, PVOID parameters)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = parameters;

	if (type == ScsiQuerySupportedUnitControlTypes)
		list->SupportedTypeList[ScsiUnitStart] = list->SupportedTypeList[ScsiUnitRemove] =
			list->SupportedTypeList[ScsiUnitSurpriseRemoval] = TRUE;
	else
		called(type == ScsiUnitStart	 ? "unit-start"
			: type == ScsiUnitRemove ? "unit-remove"
						 : "unit-surprise");
	return ScsiUnitControlSuccess;
}

static NTSTATUS entry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	HW_INITIALIZATION_DATA data = world_data();
	NTSTATUS status;

	data.HwUnitControl = unit_control;
	status = StorPortInitialize(driver, registry, &data, NULL);
	hook.saved = driver->MajorFunction[IRP_MJ_PNP];
	driver->MajorFunction[IRP_MJ_PNP] = pnp;
	return status;
}

static int setup(void **state)
{
	world_miniport(NULL);
	memset(&hook, 0, sizeof(hook));
	miniport.entry = entry;
	return 0;
}

#define hook_test(name) cmocka_unit_test_setup(name, setup)

/* As the class driver does after INQUIRY. */
static struct port_unit *found(uint8_t lun)
{
	struct port_unit *unit = port_unit_add(&world.adapter->hba.port, 0, 1, lun);

	port_unit_entries_read(unit, "DRYPORT", "DISK 1");
	port_hba_unit_found(unit);
	port_hba_unit_found(unit); /* once is enough */
	return unit;
}

#define expect_calls(text)                                                                         \
	do {                                                                                       \
		if (strcmp(hook.calls, (text)))                                                    \
			expect_has(hook.calls, "exactly: " text);                                  \
		hook.calls[0] = 0;                                                                 \
	} while (0)

static void come_and_go(void)
{
	struct port_unit *unit = found(3);
	PDEVICE_OBJECT physical = hook.unit;

	expect_calls("START unit-start ");
	expect_is(hook.address.Length, 8);
	expect_is(hook.address.PortNumber, 0);
	expect_is(hook.address.PathId << 16 | hook.address.TargetId << 8 | hook.address.Lun, 0x103);
	expect_is(hook.number.DeviceType, FILE_DEVICE_DISK);
	expect_is(hook.number.DeviceNumber, 0);
	expect_is(hook.number.PartitionNumber, 0);
	found(4);
	expect_is(hook.number.DeviceNumber, 1);
	expect_calls("START unit-start ");
	expect(physical != hook.unit);
	port_hba_unit_lost(unit);
	port_hba_unit_lost(unit);
	expect_calls("SURPRISE unit-surprise REMOVE ");
	port_hba_unit_found(unit);
	expect_is(hook.number.DeviceNumber, 0); /* it is free again */
	expect_calls("START unit-start ");
}

static void a_disk_that_comes_and_goes_is_a_device_that_does(void **state)
{
	world_good(come_and_go);
	/* the machine's end */
	assert_string_equal(hook.calls,
		"QUERY_REMOVE QUERY_REMOVE REMOVE unit-remove REMOVE unit-remove adapter-REMOVE ");
}

/* ---- what the miniport still has ---- */

static PSCSI_REQUEST_BLOCK volatile held_srb;

static BOOLEAN hold(PSCSI_REQUEST_BLOCK srb)
{
	held_srb = srb;
	return TRUE;
}

static void lose(void *unit)
{
	port_hba_unit_lost(unit);
}

static void hold_one(void)
{
	struct port_unit *unit = port_unit_add(&world.adapter->hba.port, 0, 0, 2);
	struct world_request request;
	struct cpu_thread *thread;
	uint8_t irql;

	port_hba_unit_found(unit);
	hook.calls[0] = 0;
	held_srb = NULL;
	world_submit_to(&request, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 2, 4096, 0);
	world_wait(held_srb);
	thread = cpu_thread_new(lose, unit, 1, "lose");
	world_wait(strstr(hook.calls, "unit-surprise"));
	cpu_thread_park(20000000);
	expect_calls("SURPRISE unit-surprise ");
	irql = cpu_irql_raise(IRQL_DISPATCH);
	held_srb->SrbStatus = SRB_STATUS_NO_DEVICE;
	StorPortNotification(RequestComplete, world.ext, held_srb);
	cpu_irql_lower(irql);
	world_end(&request);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	expect_calls("REMOVE ");
}

static void a_unit_that_went_is_removed_when_its_requests_are_over(void **state)
{
	miniport.start_io = hold;
	miniport.cpus = 2;
	world_good(hold_one);
}

/* ---- with the adapter ---- */

static unsigned rests;

static void count_rest(void *ctx, const struct trace_event *event)
{
	rests += event->arg[2] == PORT_AWAY;
}

static void removed(void)
{
	found(0);
	hook.calls[0] = 0;
	rests = 0;
	trace_subscribe(1ull << TRACE_PORT_CLOSE, count_rest, NULL);
	port_pnp_remove(&world.adapter->hba);
	trace_unsubscribe(count_rest, NULL);
	expect_is(rests, 1); /* and not once more for the adapter itself */
}

/* Children before their parent; what ScsiUnitRemove stands for. */
static void a_removed_adapter_has_its_units_removed_before(void **state)
{
	world_good(removed);
	assert_string_equal(hook.calls, "QUERY_REMOVE REMOVE unit-remove adapter-REMOVE ");
}

static void gone(void)
{
	found(0);
	hook.calls[0] = 0;
	port_pnp_surprise_remove(&world.adapter->hba);
	port_pnp_remove(&world.adapter->hba);
}

static void units_go_with_an_adapter_that_is_gone(void **state)
{
	world_good(gone);
	assert_string_equal(hook.calls, "SURPRISE unit-surprise REMOVE adapter-REMOVE ");
}

static void refused(void)
{
	hook.ends = IRP_MN_START_DEVICE + 1;
	found(0);
	expect_violation(0, "test adapter 0, unit 0:1:0: IRP_MN_START_DEVICE ended with status "
			    "c0000001 and never came");
	expect_calls("START unit-start ");
}

static void a_unit_whose_start_is_not_passed_on_is_told_of_and_started(void **state)
{
	world_good(refused);
}

static void kept(void)
{
	struct port_unit *unit = found(0);

	port_irp_seconds = 0;
	hook.keeps = IRP_MN_REMOVE_DEVICE + 1;
	port_hba_unit_lost(unit);
	port_irp_seconds = 60;
	hook.keeps = 0;
	expect_is(
		atomic_exchange(&world.violations, 0), 2); /* kept, and so never come to the port */
	expect_has(world.violation, "unit 0:1:0: IRP_MN_REMOVE_DEVICE ended");
	expect_is(unit->device, NULL);
	/* late, to a device that is no more */
	expect_is(hook.saved(hook.unit, hook.kept), STATUS_NO_SUCH_DEVICE);
}

static void an_irp_that_comes_after_its_unit_has_gone_finds_no_device(void **state)
{
	world_good(kept);
}

/* Information is a pool block; compares it with text, of which each character is one of its. */
static void expect_id(ULONG_PTR id, const char *text, size_t count)
{
	const WCHAR *wide = (const WCHAR *)id;

	for (size_t n = 0; n < count; n++)
		expect_is(wide[n], (UCHAR)text[n]);
	ExFreePool((PVOID)id);
}

#define expect_query_id(type, text)                                                                \
	do {                                                                                       \
		expect_is(pnp_ask(hook.unit, IRP_MN_QUERY_ID, (type), &result), STATUS_SUCCESS);   \
		expect_id(result, (text), sizeof(text));                                           \
	} while (0)

/* "Identifiers for SCSI Devices", IRP_MN_QUERY_ID: lists end with a second zero. */
static void names(void)
{
	ULONG_PTR result;

	found(2);
	expect_query_id(BusQueryDeviceID, "SCSI\\Disk&Ven_DRYPORT&Prod_DISK_1");
	expect_query_id(BusQueryInstanceID, "5&0&0&000102");
	expect_query_id(BusQueryHardwareIDs, "SCSI\\Disk&Ven_DRYPORT&Prod_DISK_1\0GenDisk\0");
	expect_query_id(BusQueryCompatibleIDs, "SCSI\\Disk\0SCSI\\RAW\0");
	expect_is(pnp_ask(hook.unit, IRP_MN_QUERY_ID, BusQueryContainerID, &result),
		STATUS_NOT_SUPPORTED);
	expect_is(pnp_ask(hook.unit, IRP_MN_QUERY_DEVICE_TEXT, 0, &result), STATUS_NOT_SUPPORTED);
	expect_is(reg_device_of(hook.unit) >= 0, true);
}

static void a_unit_tells_its_names(void **state)
{
	world_good(names);
}

static void expect_relations(PDEVICE_OBJECT of, DEVICE_RELATION_TYPE type, ULONG count)
{
	PDEVICE_RELATIONS relations;
	ULONG_PTR result = 0;

	expect_is(pnp_ask(of, IRP_MN_QUERY_DEVICE_RELATIONS, type, &result), STATUS_SUCCESS);
	relations = (PDEVICE_RELATIONS)result;
	expect_is(relations->Count, count);
	for (ULONG n = 0; n < relations->Count; n++) {
		expect_is(relations->Objects[n]->DeviceType, FILE_DEVICE_DISK);
		ObDereferenceObject(relations->Objects[n]);
	}
	if (type == TargetDeviceRelation)
		expect_is(relations->Objects[0], of);
	ExFreePool(relations);
}

static void relations(void)
{
	PDEVICE_OBJECT adapter = world.adapter->hba.functional;
	ULONG_PTR result;

	expect_relations(adapter, BusRelations, 0);
	found(0);
	found(1);
	port_unit_add(&world.adapter->hba.port, 0, 1, 2); /* nobody has found a disk there */
	expect_relations(adapter, BusRelations, 2);
	expect_relations(hook.unit, TargetDeviceRelation, 1);
	expect_is(pnp_ask(hook.unit, IRP_MN_QUERY_DEVICE_RELATIONS, RemovalRelations, &result),
		STATUS_NOT_SUPPORTED);
}

static void an_adapters_relations_are_its_units(void **state)
{
	world_good(relations);
}

static void controls(void)
{
	ULONG_PTR returned;
	char out[16];

	found(0);
	expect_is(
		ask(hook.unit, IOCTL_SCSI_GET_ADDRESS, out, 7, &returned), STATUS_BUFFER_TOO_SMALL);
	expect_is(returned, 0);
	expect_is(
		ask(hook.unit->AttachedDevice, IOCTL_STORAGE_GET_DEVICE_NUMBER, out, 11, &returned),
		STATUS_BUFFER_TOO_SMALL);
	/* that is the class driver's alone */
	expect_is(ask(hook.unit, IOCTL_STORAGE_GET_DEVICE_NUMBER, out, 12, &returned),
		STATUS_INVALID_DEVICE_REQUEST);
	/* which hands down what it does not know */
	expect_is(ask(hook.unit->AttachedDevice, IOCTL_SCSI_GET_ADDRESS, out, 8, &returned),
		STATUS_SUCCESS);
	expect_is(out[5] << 16 | out[6] << 8 | out[7], 0x100);
	expect_is(ask(hook.unit->AttachedDevice, IOCTL_SCSI_RESCAN_BUS, out, 8, &returned),
		STATUS_INVALID_DEVICE_REQUEST);
}

static void device_controls_are_answered_or_refused(void **state)
{
	world_good(controls);
}

static void poor(void)
{
	struct port_unit *unit = found(0);

	for (unsigned n = 1; n <= 3; n++) {
		port_hba_unit_lost(unit);
		hook.calls[0] = 0;
		nt_allocation_fail(n);
		port_hba_unit_found(unit);
		nt_allocation_fail(0);
		expect_calls("unit-start ");
		expect_is(unit->device, NULL);
	}
	port_hba_unit_lost(unit);
	expect_calls("unit-surprise ");
}

static void out_of_memory_a_unit_does_without_device_objects(void **state)
{
	world_good(poor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hook_test(a_disk_that_comes_and_goes_is_a_device_that_does),
		hook_test(a_unit_that_went_is_removed_when_its_requests_are_over),
		hook_test(a_removed_adapter_has_its_units_removed_before),
		hook_test(units_go_with_an_adapter_that_is_gone),
		hook_test(a_unit_whose_start_is_not_passed_on_is_told_of_and_started),
		hook_test(an_irp_that_comes_after_its_unit_has_gone_finds_no_device),
		hook_test(a_unit_tells_its_names),
		hook_test(an_adapters_relations_are_its_units),
		hook_test(device_controls_are_answered_or_refused),
		hook_test(out_of_memory_a_unit_does_without_device_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
