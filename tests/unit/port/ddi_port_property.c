/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * IOCTL_STORAGE_QUERY_PROPERTY, as its page and those of its descriptors have it. The miniport's
 * unit has INQUIRY data, a serial number, two designators and blocks of which eight make a physical
 * one, as SPC-4 and SBC-3 lay them out; a test takes some of it away.
 */
#include "../storport/world.h"

#include <ntddscsi.h>
#include <ntddstor.h>

static struct {
	bool no_pages, no_long_capacity, fails, lies;
	unsigned sent, attentions; /* so many commands bring one first */
} unit_is;

static struct port_unit *unit;

static const UCHAR standard[40] = {0, 0x80, 6, 2, 35, 0, 0, 2, 'D', 'R', 'Y', ' ', ' ', ' ', ' ',
	' ', 'P', 'R', 'O', 'D', 'U', 'C', 'T', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', '9', '1',
	'.', '2', 'x', 1, 2, 3, 4};
static const UCHAR pages[] = {0, 0, 0, 3, 0, 0x80, 0x83};
static const UCHAR serial[] = {0, 0x80, 0, 5, 'S', 'N', '-', '0', '7'};
/* NAA, of the unit; a vendor's name of it in ASCII, of 5 bytes */
static const UCHAR names[] = {0, 0x83, 0, 12 + 9, 0x01, 0x03, 0, 8, 0x50, 1, 2, 3, 4, 5, 6, 7, 0x02,
	0x11, 0, 5, 'v', 'n', 'a', 'm', 'e'};

static ULONG inquiry(PUCHAR data, const UCHAR *cdb)
{
	static const struct {
		const UCHAR *data;
		ULONG bytes;
	} of[] = {{pages, sizeof(pages)}, {serial, sizeof(serial)}, {names, sizeof(names)}};
	unsigned n = cdb[2] == 0 ? 0 : cdb[2] == 0x80 ? 1 : 2;

	if (!(cdb[1] & 1)) {
		memcpy(data, standard, sizeof(standard));
		return sizeof(standard);
	}
	if (unit_is.no_pages)
		return 0;
	memcpy(data, of[n].data, of[n].bytes);
	if (unit_is.lies && n == 2)
		data[4 + 3] = 250; /* a designator that goes past the page's end */
	return of[n].bytes;
}

/* Blocks of 512; 2^3 to a physical one, of which the block 5 begins the first. */
static ULONG capacity(PUCHAR data)
{
	static const UCHAR of[32] = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 3, 0xc0, 5};

	if (unit_is.no_long_capacity)
		return 0;
	memcpy(data, of, sizeof(of));
	return sizeof(of);
}

static ULONG answer(PSCSI_REQUEST_BLOCK srb)
{
	static const UCHAR short_capacity[8] = {0, 0, 255, 255, 0, 0, 16, 0}; /* 4096 */
	const UCHAR *cdb = (const UCHAR *)SrbGetCdb(srb);
	PUCHAR data = SrbGetDataBuffer(srb);

	switch (cdb[0]) {
	case SCSIOP_INQUIRY:
		return inquiry(data, cdb);
	case SCSIOP_READ_CAPACITY16:
		return capacity(data);
	case SCSIOP_READ_CAPACITY:
		memcpy(data, short_capacity, sizeof(short_capacity));
		return sizeof(short_capacity);
	default:
		return 0;
	}
}

static BOOLEAN start_io(PSCSI_REQUEST_BLOCK srb)
{
	ULONG bytes = SrbGetSrbFunction(srb) == SRB_FUNCTION_EXECUTE_SCSI && !unit_is.fails
			      ? answer(srb)
			      : 0;
	bool is_short = bytes && bytes < SrbGetDataTransferLength(srb);
	PUCHAR sense = SrbGetSenseInfoBuffer(srb);

	unit_is.sent++;
	if (unit_is.attentions) {
		unit_is.attentions--;
		memset(sense, 0, 18);
		sense[0] = 0x70;
		sense[2] = SCSI_SENSE_UNIT_ATTENTION;
		sense[7] = 10;
		SrbSetScsiStatus(srb, SCSISTAT_CHECK_CONDITION);
		SrbSetDataTransferLength(srb, 0);
		world_give_back(srb, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
		return TRUE;
	}
	SrbSetDataTransferLength(srb, bytes);
	world_give_back(srb, !bytes	? SRB_STATUS_ERROR
			     : is_short ? SRB_STATUS_DATA_OVERRUN
					: SRB_STATUS_SUCCESS);
	return TRUE;
}

static void unit_there(void)
{
	unit = port_unit_add(&world.adapter->hba.port, 0, 1, 5);
	port_hba_unit_found(unit);
	unit_is.sent = 0;
}

static NTSTATUS ask(PDEVICE_OBJECT device, STORAGE_PROPERTY_ID id, STORAGE_QUERY_TYPE type,
	void *answer, ULONG in, ULONG out, ULONG_PTR *returned)
{
	STORAGE_PROPERTY_QUERY query = {.PropertyId = id, .QueryType = type};
	IO_STATUS_BLOCK status = {.Information = 99};
	KEVENT event;
	PIRP irp;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	irp = IoBuildDeviceIoControlRequest(IOCTL_STORAGE_QUERY_PROPERTY, device, &query, in,
		answer, out, FALSE, &event, &status);
	if (IoCallDriver(device, irp) == STATUS_PENDING)
		KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
	*returned = status.Information;
	return status.Status;
}

static union {
	UCHAR bytes[512];
	STORAGE_DESCRIPTOR_HEADER header;
	STORAGE_DEVICE_DESCRIPTOR device;
	STORAGE_ADAPTER_DESCRIPTOR adapter;
	STORAGE_DEVICE_ID_DESCRIPTOR id;
	STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR alignment;
} got;

#define QUERY sizeof(STORAGE_PROPERTY_QUERY)

static NTSTATUS standard_query(PDEVICE_OBJECT device, STORAGE_PROPERTY_ID id, ULONG_PTR *bytes)
{
	memset(&got, 0xee, sizeof(got));
	return ask(device, id, PropertyStandardQuery, &got, QUERY, sizeof(got), bytes);
}

/* ---- units ---- */

static void of_a_device(void)
{
	ULONG_PTR bytes;

	unit_there();
	expect_is(
		standard_query(unit->device->disk, StorageDeviceProperty, &bytes), STATUS_SUCCESS);
	expect_is(got.device.Version, 40);
	expect_is(got.device.Size, bytes);
	/* to 36, raw data of 40, strings of 8, 16, 4 and 5 with their zeros */
	expect_is(bytes, 36 + 40 + 9 + 17 + 5 + 6);
	expect_is(got.device.DeviceType, 0);
	expect(got.device.RemovableMedia);
	expect(got.device.CommandQueueing);
	expect_is(got.device.BusType, BusTypeScsi);
	expect_is(got.device.RawPropertiesLength, 40);
	expect(!memcmp(got.device.RawDeviceProperties, standard, 40));
	expect(!strcmp((char *)got.bytes + got.device.VendorIdOffset, "DRY     "));
	expect(!strcmp((char *)got.bytes + got.device.ProductIdOffset, "PRODUCT        9"));
	expect(!strcmp((char *)got.bytes + got.device.ProductRevisionOffset, "1.2x"));
	expect(!strcmp((char *)got.bytes + got.device.SerialNumberOffset, "SN-07"));
	/* the header alone, to learn how much there is */
	memset(&got, 0xee, sizeof(got));
	expect_is(ask(unit->device->physical, StorageDeviceProperty, PropertyStandardQuery, &got,
			  QUERY, 8, &bytes),
		STATUS_SUCCESS);
	expect_is(bytes, 8);
	expect_is(got.header.Size, 113);
	expect_is(got.bytes[8], 0xee);
	unit_is.no_pages = true;
	expect_is(
		standard_query(unit->device->disk, StorageDeviceProperty, &bytes), STATUS_SUCCESS);
	expect_is(got.device.SerialNumberOffset, 0);
	expect_is(bytes, 107);
}

static void of_its_names(void)
{
	PSTORAGE_IDENTIFIER first = (PVOID)got.id.Identifiers, second;
	ULONG_PTR bytes;

	unit_there();
	expect_is(standard_query(unit->device->disk, StorageDeviceIdProperty, &bytes),
		STATUS_SUCCESS);
	expect_is(got.id.Size, bytes);
	expect_is(got.id.NumberOfIdentifiers, 2);
	expect_is(first->CodeSet, StorageIdCodeSetBinary);
	expect_is(first->Type, StorageIdTypeFCPHName);
	expect_is(first->Association, StorageIdAssocDevice);
	expect_is(first->IdentifierSize, 8);
	expect(!memcmp(first->Identifier, names + 8, 8));
	second = (PVOID)((PUCHAR)first + first->NextOffset);
	expect_is(second->CodeSet, StorageIdCodeSetAscii);
	expect_is(second->Type, StorageIdTypeVendorId);
	expect_is(second->Association, StorageIdAssocPort);
	expect_is(second->IdentifierSize, 5);
	expect(!memcmp(second->Identifier, "vname", 5));
	expect_is((PUCHAR)second + second->NextOffset - got.bytes, bytes);
	unit_is.lies = true;
	expect_is(standard_query(unit->device->disk, StorageDeviceIdProperty, &bytes),
		STATUS_SUCCESS);
	expect_is(got.id.NumberOfIdentifiers, 0);
	expect_is(bytes, 12);
	unit_is.no_pages = true;
	expect_is(standard_query(unit->device->disk, StorageDeviceIdProperty, &bytes),
		STATUS_NOT_SUPPORTED);
	expect_is(bytes, 0);
}

static void of_its_alignment(void)
{
	ULONG_PTR bytes;

	unit_there();
	expect_is(standard_query(unit->device->disk, StorageAccessAlignmentProperty, &bytes),
		STATUS_SUCCESS);
	expect_is(bytes, 28);
	expect_is(got.alignment.Version, 28);
	expect_is(got.alignment.Size, 28);
	expect_is(got.alignment.BytesPerLogicalSector, 512);
	expect_is(got.alignment.BytesPerPhysicalSector, 4096);
	/* the page's own picture: three sectors before the first */
	expect_is(got.alignment.BytesOffsetForSectorAlignment, 3 * 512);
	/* that the unit was reset meanwhile does not make it another; for ever is too long */
	unit_is.attentions = 2;
	expect_is(standard_query(unit->device->disk, StorageAccessAlignmentProperty, &bytes),
		STATUS_SUCCESS);
	expect_is(got.alignment.BytesPerLogicalSector, 512);
	expect_is(got.alignment.BytesPerPhysicalSector, 4096);
	unit_is.attentions = 1000;
	expect_is(standard_query(unit->device->disk, StorageAccessAlignmentProperty, &bytes),
		STATUS_IO_DEVICE_ERROR);
	unit_is.attentions = 0;
	unit_is.no_long_capacity = true;
	expect_is(standard_query(unit->device->disk, StorageAccessAlignmentProperty, &bytes),
		STATUS_SUCCESS);
	expect_is(got.alignment.BytesPerLogicalSector, 4096);
	expect_is(got.alignment.BytesPerPhysicalSector, 4096);
	expect_is(got.alignment.BytesOffsetForSectorAlignment, 0);
}

static void a_unit_tells_what_it_is(void **state)
{
	static void (*const bodies[])(void) = {of_a_device, of_its_names, of_its_alignment};

	for (size_t n = 0; n < 2 * array_size(bodies); n++) {
		memset(&unit_is, 0, sizeof(unit_is));
		miniport.plain = n % 2;
		miniport.start_io = start_io;
		miniport.map_buffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
		world_good(bodies[n / 2]);
	}
}

/* ---- adapters ---- */

static void align(PPORT_CONFIGURATION_INFORMATION config)
{
	config->AlignmentMask = FILE_QUAD_ALIGNMENT;
	expect_is(StorPortSetAdapterBusType(world.ext, BusTypeSas), STOR_STATUS_SUCCESS);
}

static void of_an_adapter(void)
{
	PDEVICE_OBJECT devices[2];
	ULONG_PTR bytes;

	unit_there();
	devices[0] = world.adapter->hba.functional;
	devices[1] = unit->device->disk;
	for (unsigned n = 0; n < 2; n++) {
		expect_is(
			standard_query(devices[n], StorageAdapterProperty, &bytes), STATUS_SUCCESS);
		expect_is(bytes, 32);
		expect_is(got.adapter.Version, 32);
		expect_is(got.adapter.Size, 32);
		expect_is(got.adapter.MaximumTransferLength, 65536);
		expect_is(got.adapter.MaximumPhysicalPages, 17);
		expect_is(got.adapter.AlignmentMask, FILE_QUAD_ALIGNMENT);
		expect(got.adapter.CommandQueueing && !got.adapter.AdapterUsesPio);
		expect_is(got.adapter.BusType, BusTypeSas);
		expect_is(got.adapter.SrbType, miniport.plain ? SRB_TYPE_SCSI_REQUEST_BLOCK
							      : SRB_TYPE_STORAGE_REQUEST_BLOCK);
		expect_is(got.adapter.AddressType, STORAGE_ADDRESS_TYPE_BTL8);
	}
	expect_is(unit_is.sent, 0);
	expect_is(standard_query(devices[1], StorageDeviceProperty, &bytes), STATUS_SUCCESS);
	expect_is(got.device.BusType, miniport.data ? BusTypeNvme : BusTypeSas);
}

/* 4.8: at PASSIVE_LEVEL. */
static SCSI_UNIT_CONTROL_STATUS NTAPI unit_control(
	PVOID ext, SCSI_UNIT_CONTROL_TYPE type, PVOID parameters)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = parameters;
	PSTOR_UNIT_CONTROL_QUERY_BUS_TYPE ask = parameters;
	PSTOR_ADDR_BTL8 address = (PVOID)ask->Address;

	if (type == ScsiQuerySupportedUnitControlTypes) {
		list->SupportedTypeList[ScsiUnitQueryBusType] = TRUE;
		return ScsiUnitControlSuccess;
	}
	expect_is(type, ScsiUnitQueryBusType);
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
	expect_is(address->Type, STOR_ADDRESS_TYPE_BTL8);
	expect_is(address->Lun, unit->lun);
	expect_is(ask->BusType, 0);
	ask->BusType = BusTypeNvme;
	return ScsiUnitControlSuccess;
}

static void unit_data(HW_INITIALIZATION_DATA *data)
{
	data->HwUnitControl = unit_control;
}

static void an_adapter_tells_what_it_is(void **state)
{
	for (unsigned n = 0; n < 4; n++) {
		memset(&unit_is, 0, sizeof(unit_is));
		miniport.plain = n % 2;
		miniport.start_io = start_io;
		miniport.find = align;
		miniport.data = n / 2 ? unit_data : NULL;
		world_good(of_an_adapter);
	}
}

/* ---- what is refused ---- */

static void queries(void)
{
	PDEVICE_OBJECT disk, adapter = world.adapter->hba.functional;
	ULONG_PTR bytes;

	unit_there();
	disk = unit->device->disk;
	/* whether it is there: without an answer */
	expect_is(ask(disk, StorageDeviceIdProperty, PropertyExistsQuery, NULL, QUERY, 0, &bytes),
		STATUS_SUCCESS);
	expect_is(bytes, 0);
	memset(&got, 0xee, sizeof(got));
	expect_is(ask(disk, StorageAdapterProperty, PropertyExistsQuery, &got, QUERY, sizeof(got),
			  &bytes),
		STATUS_SUCCESS);
	expect_is(bytes, 0);
	expect_is(got.bytes[0], 0xee);
	expect_is(ask(disk, StorageDeviceProperty, PropertyStandardQuery, NULL, QUERY, 0, &bytes),
		STATUS_SUCCESS);
	expect_is(bytes, 0);
	unit_is.no_pages = true;
	expect_is(ask(disk, StorageDeviceIdProperty, PropertyExistsQuery, NULL, QUERY, 0, &bytes),
		STATUS_NOT_SUPPORTED);
	unit_is.sent = 0;
	expect_is(ask(disk, StorageDeviceCopyOffloadProperty, PropertyExistsQuery, NULL, QUERY, 0,
			  &bytes),
		STATUS_NOT_SUPPORTED);
	expect_is(standard_query(disk, StorageDeviceCopyOffloadProperty, &bytes),
		STATUS_NOT_SUPPORTED);
	expect_is(standard_query(disk, (STORAGE_PROPERTY_ID)0x7fffffff, &bytes),
		STATUS_NOT_SUPPORTED);
	expect_is(ask(disk, StorageDeviceProperty, PropertyMaskQuery, &got, QUERY, sizeof(got),
			  &bytes),
		STATUS_NOT_SUPPORTED);
	expect_is(ask(disk, StorageDeviceProperty, PropertyQueryMaxDefined, &got, QUERY,
			  sizeof(got), &bytes),
		STATUS_INVALID_PARAMETER);
	expect_is(ask(disk, StorageDeviceProperty, PropertyStandardQuery, &got, QUERY - 1,
			  sizeof(got), &bytes),
		STATUS_INVALID_PARAMETER);
	/* "Device properties must be retrieved only from a device." */
	expect_is(standard_query(adapter, StorageDeviceProperty, &bytes),
		STATUS_INVALID_DEVICE_REQUEST);
	expect_is(standard_query(adapter, StorageDeviceIdProperty, &bytes),
		STATUS_INVALID_DEVICE_REQUEST);
	expect_is(bytes, 0);
	expect_is(unit_is.sent, 0);
	unit_is.fails = true;
	expect_is(standard_query(disk, StorageDeviceProperty, &bytes), STATUS_IO_DEVICE_ERROR);
	expect_is(standard_query(disk, StorageAccessAlignmentProperty, &bytes),
		STATUS_IO_DEVICE_ERROR);
	expect_is(bytes, 0);
}

static void what_is_not_there_is_refused(void **state)
{
	memset(&unit_is, 0, sizeof(unit_is));
	miniport.start_io = start_io;
	miniport.map_buffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
	world_good(queries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(a_unit_tells_what_it_is),
		world_test(an_adapter_tells_what_it_is),
		world_test(what_is_not_there_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
