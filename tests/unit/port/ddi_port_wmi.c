/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * WMI requests on their way from IRP to SRB and back: SCSI_WMI_REQUEST_BLOCK and SRBEX_DATA_WMI as
 * their pages have them ("Handling SRB_FUNCTION_WMI"), for adapter and unit, and who is asked.
 */
#include "../storport/world.h"

#include <wmistr.h>

#define EXTENDED_REGINFO 11 /* IRP_MN_REGINFO_EX */

static const GUID block = {0x12345678, 0x9abc, 0xdef0, {1, 2, 3, 4, 5, 6, 7, 8}};

static struct {
	unsigned count;	 /* WMI requests that came */
	unsigned others; /* and those that are none */
	unsigned resets;
	/* the last one */
	UCHAR minor, flags, lun;
	PVOID path, data;
	ULONG bytes, srb_flags, timeout;
	GUID guid;
	PSCSI_REQUEST_BLOCK srb;
	/* what it does */
	bool keeps;
	UCHAR status;
	ULONG returns;
	ULONG needs; /* of a registration */
	ULONG blocks;
} seen;

static void look_extended(PSTORAGE_REQUEST_BLOCK srb)
{
	PSRBEX_DATA_WMI wmi = (PSRBEX_DATA_WMI)SrbGetSrbExDataByType(srb, SrbExDataTypeWmi);

	expect(wmi != NULL);
	expect_is(srb->NumSrbExData, 1);
	expect_is(wmi->Length, sizeof(*wmi) - 8);
	expect_is(wmi->Reserved1, 0);
	seen.minor = wmi->WMISubFunction;
	seen.flags = wmi->WMIFlags;
	seen.path = wmi->DataPath;
}

static void look_plain(PSCSI_WMI_REQUEST_BLOCK srb)
{
	expect_is(srb->Length, sizeof(*srb));
	expect_is(srb->Function, SRB_FUNCTION_WMI);
	expect_is(srb->Reserved2[0] | srb->Reserved2[1], 0);
	seen.minor = srb->WMISubFunction;
	seen.flags = srb->WMIFlags;
	seen.path = srb->DataPath;
}

/* WMIREGINFOW without a name, if there is room for it; else how much it takes. */
static UCHAR registration(PSCSI_REQUEST_BLOCK srb)
{
	WMIREGINFOW *info = seen.data;
	ULONG size = max_of(seen.needs,
		FIELD_OFFSET(WMIREGINFOW, WmiRegGuid) + seen.blocks * (ULONG)sizeof(WMIREGGUIDW));

	memcpy(info, &size, sizeof(size));
	SrbSetDataTransferLength(srb, seen.bytes < size ? sizeof(size) : size);
	if (seen.bytes < size)
		return SRB_STATUS_DATA_OVERRUN;
	info->GuidCount = seen.blocks;
	return SRB_STATUS_SUCCESS;
}

static UCHAR answer(PSCSI_REQUEST_BLOCK srb)
{
	if (seen.minor == EXTENDED_REGINFO)
		return registration(srb);
	memset(seen.data, 0x5a, min_of(seen.returns, seen.bytes));
	SrbSetDataTransferLength(srb, seen.returns);
	return seen.status;
}

static BOOLEAN start_io(PSCSI_REQUEST_BLOCK srb)
{
	if (SrbGetSrbFunction(srb) != SRB_FUNCTION_WMI) {
		seen.others++;
		world_give_back(srb, SRB_STATUS_SUCCESS);
		return TRUE;
	}
	if (miniport.plain)
		look_plain((PSCSI_WMI_REQUEST_BLOCK)srb);
	else
		look_extended((PSTORAGE_REQUEST_BLOCK)srb);
	seen.count++;
	seen.srb = srb;
	seen.lun = SrbGetLun(srb);
	seen.data = SrbGetDataBuffer(srb);
	seen.bytes = SrbGetDataTransferLength(srb);
	seen.srb_flags = SrbGetSrbFlags(srb);
	seen.timeout = SrbGetTimeOutValue(srb);
	if (seen.minor != EXTENDED_REGINFO)
		seen.guid = *(GUID *)seen.path;
	if (!seen.keeps)
		world_give_back(srb, answer(srb));
	return TRUE;
}

static void provide(PPORT_CONFIGURATION_INFORMATION config)
{
	config->WmiDataProvider = TRUE;
}

static int setup(void **state)
{
	world_miniport(NULL);
	memset(&seen, 0, sizeof(seen));
	seen.status = SRB_STATUS_SUCCESS;
	seen.blocks = 1;
	miniport.start_io = start_io;
	miniport.find = provide;
	return 0;
}

static struct port_hba *hba(void)
{
	return &world.adapter->hba;
}

static char data[100];
static struct port_wmi wmi;

/* A request to the adapter, or to a unit that has been found. */
static struct port_call *send(struct port_unit *unit, UCHAR minor)
{
	struct port_target target = unit ? port_unit_target(unit->device) : port_hba_target(hba());
	struct port_call *call;

	memset(data, 0x11, sizeof(data));
	wmi = (struct port_wmi){
		.minor = minor, .block = &block, .buffer = data, .bytes = sizeof(data)};
	call = port_wmi_send(&target, unit ? unit->device->physical : hba()->functional, &wmi);
	expect(call != NULL);
	return call;
}

static void ask(struct port_unit *unit, UCHAR minor)
{
	expect_is(port_wmi_wait(send(unit, minor), &wmi), 0);
}

static void expect_request(UCHAR minor, UCHAR flags, UCHAR lun)
{
	expect_is(seen.minor, minor);
	expect_is(seen.flags, flags);
	expect_is(seen.lun, lun);
	expect(!memcmp(&seen.guid, &block, sizeof(block)));
	expect_is(seen.bytes, sizeof(data));
	expect_is(seen.srb_flags & (SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT),
		SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT);
	expect(seen.timeout > 0);
}

/* ---- the SRB ---- */

static void ask_both(void)
{
	struct port_unit *unit = port_unit_add(&hba()->port, 0, 0, 3);

	/* registered with the start: the adapter, for which no unit has to be there */
	expect_is(seen.count, 1);
	expect_is(seen.minor, EXTENDED_REGINFO);
	expect_is(seen.flags, SRB_WMI_FLAGS_ADAPTER_REQUEST);
	expect_is(seen.path, WMIREGISTER);
	port_hba_unit_found(unit);
	expect_is(seen.count, 2);
	expect_is(seen.minor, EXTENDED_REGINFO);
	expect_is(seen.flags, 0);
	expect_is(seen.lun, 3);
	seen.returns = 40;
	ask(NULL, 0);
	expect_request(0, SRB_WMI_FLAGS_ADAPTER_REQUEST, 0);
	expect_is(wmi.status, STATUS_SUCCESS);
	expect_is(wmi.returned, 40);
	expect_is(data[39], 0x5a);
	expect_is(data[40], 0x11);
	ask(unit, 2);
	expect_request(2, 0, 3);
	expect_is(wmi.status, STATUS_SUCCESS);
	expect_is(seen.count, 4);
}

static void requests_reach_adapter_and_unit(void **state)
{
	world_good(ask_both);
}

static void requests_reach_them_as_scsi_wmi_request_block(void **state)
{
	miniport.plain = true;
	world_good(ask_both);
}

/* ---- how it ends ---- */

static void end_all_ways(void)
{
	static const struct {
		UCHAR srb_status;
		NTSTATUS status;
		ULONG returned; /* of 8 */
	} all[] = {
		{SRB_STATUS_SUCCESS, STATUS_SUCCESS, 8},
		{SRB_STATUS_DATA_OVERRUN, STATUS_BUFFER_TOO_SMALL, 8},
		{SRB_STATUS_INVALID_REQUEST, STATUS_INVALID_DEVICE_REQUEST, 0},
		{SRB_STATUS_BAD_FUNCTION, STATUS_INVALID_DEVICE_REQUEST, 0},
		{SRB_STATUS_TIMEOUT, STATUS_IO_TIMEOUT, 0},
		{SRB_STATUS_NO_DEVICE, STATUS_DEVICE_DOES_NOT_EXIST, 0},
		{SRB_STATUS_ERROR, STATUS_IO_DEVICE_ERROR, 0},
	};

	seen.returns = 8;
	for (unsigned n = 0; n < array_size(all); n++) {
		seen.status = all[n].srb_status;
		ask(NULL, 0);
		expect_is(wmi.status, (uint32_t)all[n].status);
		expect_is(wmi.returned, all[n].returned);
		expect_is(data[0], all[n].returned ? 0x5a : 0x11);
	}
}

static void srb_statuses_become_ntstatuses(void **state)
{
	world_good(end_all_ways);
}

static void end_late(void)
{
	struct port_call *call;
	uint8_t irql;

	seen.keeps = true;
	call = send(NULL, 1);
	world_wait(seen.count == 2);
	expect(!port_call_wait(call, 0));
	irql = cpu_irql_raise(IRQL_DISPATCH);
	seen.returns = 100;
	world_give_back(seen.srb, answer(seen.srb));
	cpu_irql_lower(irql);
	expect_is(port_wmi_wait(call, &wmi), 0);
	expect_is(wmi.status, STATUS_SUCCESS);
	expect_is(wmi.returned, 100);
}

static void a_miniport_may_take_its_time(void **state)
{
	world_good(end_late);
}

/* The adapter stops meanwhile. */
static struct port_call *left;

static void leave_one(void)
{
	seen.keeps = true;
	left = send(NULL, 1);
	world_wait(seen.count == 2);
	port_adapter_give_up(&hba()->port);
	expect_is(port_wmi_wait(left, &wmi), 0);
	expect_is(wmi.status, (uint32_t)STATUS_DEVICE_DOES_NOT_EXIST);
	expect_is(wmi.returned, 0);
	expect_is(port_hba_life(&hba()->port), PORT_HBA_DEAD);
}

static void it_ends_with_the_adapter(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, leave_one);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(world.violations, 1); /* "never came back" */
}

static BOOLEAN reset(ULONG path)
{
	seen.resets++;
	world_give_back(seen.srb, SRB_STATUS_BUS_RESET);
	return TRUE;
}

/* It is no unit's and no target's. */
static void time_out(void)
{
	struct port_call *call;

	seen.keeps = true;
	call = send(NULL, 1);
	world_wait(seen.count == 2);
	atomic_fetch_add(&hba()->port.tick, 3600);
	expect_is(port_wmi_wait(call, &wmi), 0);
	expect_violation(NT_TIMED_OUT, "was not completed within");
	expect_is(wmi.status, (uint32_t)STATUS_IO_DEVICE_ERROR);
	expect_is(seen.resets, 1);
	expect_is(seen.others, 0);
}

static void a_time_out_of_the_adapters_begins_with_the_bus(void **state)
{
	miniport.reset = reset;
	world_good(time_out);
}

/* ---- data that the device does not reach ---- */

static bool was_bounced;

static BOOLEAN look_at_list(PSCSI_REQUEST_BLOCK srb)
{
	PSTOR_SCATTER_GATHER_LIST list = StorPortGetScatterGatherList(world.ext, srb);

	if (SrbGetSrbFunction(srb) == SRB_FUNCTION_WMI && list)
		was_bounced = (uint64_t)list->List[0].PhysicalAddress.QuadPart !=
			      mem_physical(SrbGetDataBuffer(srb));
	return start_io(srb);
}

static void provide_narrow(PPORT_CONFIGURATION_INFORMATION config)
{
	provide(config);
	config->Dma64BitAddresses = 0;
}

static void ask_bounced(void)
{
	seen.returns = 40;
	was_bounced = false;
	ask(NULL, 0);
	expect(was_bounced);
	expect_is(wmi.status, STATUS_SUCCESS);
	expect_is(wmi.returned, 40);
	expect_is(data[0], 0x5a);
	expect_is(data[39], 0x5a);
	expect_is(data[40], 0x11);
}

/* The miniport itself writes them, both where the list leads and where it does not. */
static void an_answer_comes_back_though_the_list_leads_to_a_copy(void **state)
{
	miniport.dma.engine = DMA_BOUNCE;
	miniport.memory = MEM_HIGH;
	miniport.find = provide_narrow;
	miniport.start_io = look_at_list;
	world_good(ask_bounced);
}

/* ---- who is asked ---- */

static void ask_others(void)
{
	struct port_target target = port_hba_target(hba());
	struct port_unit *unit = port_unit_add(&hba()->port, 0, 0, 0);
	unsigned before;

	port_hba_unit_found(unit);
	before = seen.count;
	wmi = (struct port_wmi){.minor = 0, .block = &block, .buffer = data, .bytes = sizeof(data)};
	/* another's, though it comes through this stack */
	expect_is(port_wmi_wait(port_wmi_send(&target, hba()->physical, &wmi), &wmi), 0);
	expect_is(wmi.status, (uint32_t)STATUS_NOT_SUPPORTED);
	target = port_unit_target(unit->device);
	expect_is(port_wmi_wait(port_wmi_send(&target, unit->device->disk, &wmi), &wmi), 0);
	expect_is(wmi.status, (uint32_t)STATUS_NOT_SUPPORTED);
	expect_is(seen.count, before);
}

static void a_request_to_another_provider_is_passed_on(void **state)
{
	world_good(ask_others);
}

static void ask_in_vain(void)
{
	struct port_unit *unit = port_unit_add(&hba()->port, 0, 0, 0);

	port_hba_unit_found(unit);
	ask(NULL, 0);
	expect_is(wmi.status, (uint32_t)STATUS_NOT_SUPPORTED);
	ask(unit, 0);
	expect_is(wmi.status, (uint32_t)STATUS_NOT_SUPPORTED);
	expect_is(seen.count, 0);
}

static void a_miniport_that_provides_nothing_is_not_asked(void **state)
{
	miniport.find = NULL;
	world_good(ask_in_vain);
}

static void ask_asleep(void)
{
	expect_is(port_pnp_stop(hba()), 0);
	ask(NULL, 0);
	expect_is(wmi.status, (uint32_t)STATUS_NOT_SUPPORTED);
	expect_is(seen.count, 1);
	expect_is(port_pnp_start(hba()), 0);
	ask(NULL, 0);
	expect_is(wmi.status, STATUS_SUCCESS);
}

static void nor_one_that_is_away(void **state)
{
	world_good(ask_asleep);
}

/* ---- registration ---- */

static void count_two(void)
{
	expect_is(seen.count, 2);
	expect_is(seen.bytes, 5000);
}

static void a_long_list_of_blocks_is_asked_for_again(void **state)
{
	seen.needs = 5000;
	world_good(count_two);
}

static BOOLEAN lie(PSCSI_REQUEST_BLOCK srb)
{
	if (SrbGetSrbFunction(srb) == SRB_FUNCTION_WMI) {
		WMIREGINFOW *info = SrbGetDataBuffer(srb);

		info->BufferSize = FIELD_OFFSET(WMIREGINFOW, WmiRegGuid);
		info->GuidCount = 3;
		SrbSetDataTransferLength(srb, info->BufferSize);
	}
	world_give_back(srb, SRB_STATUS_SUCCESS);
	return TRUE;
}

static void a_list_that_is_not_whole_is_told(void **state)
{
	miniport.start_io = lie;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(world.violations, 1);
	assert_non_null(strstr(world.violation, "not whole: 3 blocks in 24 bytes"));
}

static BOOLEAN succeed_with_nothing(PSCSI_REQUEST_BLOCK srb)
{
	if (SrbGetSrbFunction(srb) == SRB_FUNCTION_WMI)
		SrbSetDataTransferLength(srb, 0);
	world_give_back(srb, SRB_STATUS_SUCCESS);
	return TRUE;
}

/* As drivers answer whose adapters have blocks and whose units have none. */
static void success_without_a_byte_registers_nothing(void **state)
{
	miniport.start_io = succeed_with_nothing;
	world_good(NULL);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		test(requests_reach_adapter_and_unit),
		test(requests_reach_them_as_scsi_wmi_request_block),
		test(srb_statuses_become_ntstatuses),
		test(a_miniport_may_take_its_time),
		test(it_ends_with_the_adapter),
		test(a_time_out_of_the_adapters_begins_with_the_bus),
		test(an_answer_comes_back_though_the_list_leads_to_a_copy),
		test(a_request_to_another_provider_is_passed_on),
		test(a_miniport_that_provides_nothing_is_not_asked),
		test(nor_one_that_is_away),
		test(a_long_list_of_blocks_is_asked_for_again),
		test(a_list_that_is_not_whole_is_told),
		test(success_without_a_byte_registers_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
