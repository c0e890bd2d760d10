/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a miniport says of its adapter and units as devices (SRB_FUNCTION_PNP,
 * StorQueryCapabilities), and where it goes: the pages of STOR_DEVICE_CAPABILITIES_EX and
 * SCSI_PNP_REQUEST_BLOCK, and IRP_MN_QUERY_CAPABILITIES.
 */
#include "../storport/world.h"

static struct {
	unsigned asked, asked_units; /* times */
	ULONG bytes;		     /* DataTransferLength */
	USHORT version, size;
	ULONG address;
	unsigned lun;
	bool says_no, is_whole, keeps;
	PSCSI_REQUEST_BLOCK kept;
	uint64_t traced[2], bits[2];
	unsigned traces;
} log_;

/* NULL: it is of the older kind. */
static PSRBEX_DATA_PNP extended(PSCSI_REQUEST_BLOCK srb)
{
	if (srb->Function != SRB_FUNCTION_STORAGE_REQUEST_BLOCK)
		return NULL;
	return (PVOID)SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)srb, SrbExDataTypePnP);
}

static void answer_whole(PSTOR_DEVICE_CAPABILITIES_EX to)
{
	log_.version = to->Version;
	log_.size = to->Size;
	log_.address = to->Address;
	expect_is(to->UINumber, 0xffffffff);
	to->EjectSupported = to->SurpriseRemovalOK = to->DefaultWriteCacheEnabled = 1;
	to->DeviceD1 = 1; /* miniports leave it 0 */
	to->UINumber = 17;
}

static void answer(PSCSI_REQUEST_BLOCK srb, bool is_unit)
{
	PSTOR_DEVICE_CAPABILITIES part = SrbGetDataBuffer(srb);

	log_.asked++;
	log_.bytes = SrbGetDataTransferLength(srb);
	if (is_unit) {
		log_.asked_units++;
		log_.lun = srb->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK
				   ? SrbGetLun(srb)
				   : ((PSCSI_PNP_REQUEST_BLOCK)srb)->Lun;
	}
	if (log_.says_no || !part)
		return;
	if (log_.is_whole) {
		answer_whole((PVOID)part);
		return;
	}
	log_.version = part->Version;
	part->Removable = part->LockSupported = 1;
}

static BOOLEAN start_io(PSCSI_REQUEST_BLOCK srb)
{
	PSRBEX_DATA_PNP data = extended(srb);
	PSCSI_PNP_REQUEST_BLOCK plain = (PVOID)srb;
	bool is_query = SrbGetSrbFunction(srb) == SRB_FUNCTION_PNP &&
			(data ? data->PnPAction : plain->PnPAction) == StorQueryCapabilities;

	if (is_query) {
		ULONG flags = data ? data->SrbPnPFlags : plain->SrbPnPFlags;

		answer(srb, !(flags & SRB_PNP_FLAGS_ADAPTER_REQUEST));
	}
	if (is_query && log_.keeps) {
		log_.kept = srb;
		return TRUE;
	}
	world_give_back(
		srb, is_query && log_.says_no ? SRB_STATUS_INVALID_REQUEST : SRB_STATUS_SUCCESS);
	return TRUE;
}

static void data(HW_INITIALIZATION_DATA *data)
{
	if (log_.is_whole)
		data->FeatureSupport |= STOR_FEATURE_FULL_PNP_DEVICE_CAPABILITIES;
}

static void set_up(void)
{
	memset(&log_, 0, sizeof(log_));
	miniport.start_io = start_io;
	miniport.sees_pnp = true;
	miniport.data = data;
}

static void traced(void *ctx, const struct trace_event *event)
{
	log_.traced[log_.traces & 1] = event->arg[1];
	log_.bits[log_.traces++ & 1] = event->arg[2];
}

static struct port_unit *unit_found(void)
{
	struct port_unit *unit = port_unit_add(&world.adapter->hba.port, 0, 1, 5);

	trace_subscribe(1ull << TRACE_CAPABILITIES, traced, NULL);
	port_hba_unit_found(unit);
	trace_unsubscribe(traced, NULL);
	return unit;
}

/* As a driver asks. */
static DEVICE_CAPABILITIES capabilities_of(PDEVICE_OBJECT device)
{
	DEVICE_CAPABILITIES capabilities = {
		.Size = sizeof(capabilities), .Version = 1, .Address = ~0u, .UINumber = ~0u};
	IO_STATUS_BLOCK status = {0};
	PIRP irp = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, device, NULL, 0, NULL, NULL, &status);

	irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	IoGetNextIrpStackLocation(irp)->MinorFunction = IRP_MN_QUERY_CAPABILITIES;
	IoGetNextIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities = &capabilities;
	IoCallDriver(device, irp);
	expect_is(status.Status, STATUS_SUCCESS);
	return capabilities;
}

static void whole(void)
{
	struct port_unit *unit;
	DEVICE_CAPABILITIES of;

	expect_is(log_.asked, 1); /* of the adapter */
	expect_is(log_.asked_units, 0);
	expect_is(log_.bytes, 24);
	expect_is(log_.version, 1);
	expect_is(log_.size, 24);
	unit = unit_found();
	expect_is(log_.asked, 2);
	expect_is(log_.asked_units, 1);
	expect_is(log_.lun, 5);
	expect_is(log_.address, 5);
	of = capabilities_of(unit->device->physical);
	expect(of.EjectSupported && of.SurpriseRemovalOK && of.SilentInstall);
	expect(!of.Removable && !of.DeviceD1 && !of.LockSupported && !of.RawDeviceOK);
	expect_is(of.Address, 5);
	expect_is(of.UINumber, 17);
	expect_is(of.DeviceState[PowerSystemSleeping3], PowerDeviceD3);
	expect_is(log_.traces, 1);
	expect_is(log_.traced[0], unit->number);
	/* bits 0, 3, 7, 9, 11 in the order of the structure's page */
	expect_is(log_.bits[0], 0xa89);
	of = capabilities_of(world.adapter->hba.functional);
	expect(of.EjectSupported && of.SurpriseRemovalOK && !of.SilentInstall && !of.Removable);
	expect_is(log_.asked, 2); /* who asks gets what was said */
}

static void a_miniport_of_full_capabilities_is_asked_by_the_long_structure(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		set_up();
		miniport.plain = n;
		log_.is_whole = true;
		world_good(whole);
	}
}

static void part(void)
{
	struct port_unit *unit = unit_found();
	DEVICE_CAPABILITIES of = capabilities_of(unit->device->physical);

	expect_is(log_.asked_units, 1);
	expect_is(log_.bytes, 8);
	expect_is(log_.version, 1);
	expect_is(log_.lun, 5);
	expect(of.Removable && of.LockSupported && of.SilentInstall && !of.EjectSupported);
	expect_is(of.Address, 5);
	expect_is(of.UINumber, 0xffffffff);
	/* bits 2, 4, 7 */
	expect_is(log_.bits[0], 0x94);
}

static void others_are_asked_by_the_short_one_also_where_no_buffers_are_mapped(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		set_up();
		miniport.plain = n;
		miniport.map_buffers = STOR_MAP_NO_BUFFERS;
		world_good(part);
	}
}

static void nothing(void)
{
	struct port_unit *unit = unit_found();
	DEVICE_CAPABILITIES of = capabilities_of(unit->device->physical);

	expect_is(log_.asked, 2);
	expect_is(log_.traces, 0);
	expect(of.SilentInstall && !of.Removable && !of.SurpriseRemovalOK);
	expect_is(of.Address, 5);
}

static void a_miniport_without_an_answer_changes_nothing(void **state)
{
	set_up();
	log_.says_no = true;
	world_good(nothing);
}

static void late(void)
{
	struct port_unit *unit;
	uint8_t irql;

	log_.keeps = true;
	unit = unit_found();
	expect_violation(0, "(StorQueryCapabilities) within 10 seconds");
	log_.keeps = false;
	expect(!capabilities_of(unit->device->physical).Removable);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	world_give_back(log_.kept, SRB_STATUS_SUCCESS);
	cpu_irql_lower(irql);
	cpu_dpc_flush();
	expect(!capabilities_of(unit->device->physical).Removable);
}

/* Ten seconds: the clock of this world is the host's. */
static void one_that_is_late_is_told_of_and_not_waited_for(void **state)
{
	set_up();
	miniport.reset = NULL;
	world_good(late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(a_miniport_of_full_capabilities_is_asked_by_the_long_structure),
		world_test(others_are_asked_by_the_short_one_also_where_no_buffers_are_mapped),
		world_test(a_miniport_without_an_answer_changes_nothing),
		world_test(one_that_is_late_is_told_of_and_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
