/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * WMI requests, as the pages of IRP_MN_QUERY_ALL_DATA, IRP_MN_EXECUTE_METHOD, IRP_MN_REGINFO and
 * the HwScsiWmi callbacks describe them.
 */
#include "world.h"

#include <scsiwmi.h>

static const GUID first = {0x11111111, 1, 2, {3}}, second = {0x22222222, 1, 2, {3}},
		  stranger = {0x33333333, 1, 2, {3}};

static SCSIWMIGUIDREGINFO list[] = {{&first, 1, 0}, {&second, 3, WMIREG_FLAG_EXPENSIVE}};

/* What a callback was given, and what it is to do. */
static struct {
	unsigned calls;
	PVOID device;
	ULONG block, instance, count, method, in, room;
	PULONG lengths;
	PUCHAR buffer;
	SCSIWMI_ENABLE_DISABLE_CONTROL function;
	BOOLEAN enable;
	UCHAR status;
	ULONG used;
	bool forgets; /* to call ScsiPortWmiPostProcess */
} seen;

static UCHAR answer(PSCSIWMI_REQUEST_CONTEXT context)
{
	seen.calls++;
	if (seen.status != SRB_STATUS_PENDING && !seen.forgets)
		ScsiPortWmiPostProcess(context, seen.status, seen.used);
	return seen.status;
}

static UCHAR NTAPI reginfo(PVOID device, PSCSIWMI_REQUEST_CONTEXT context, PWCHAR *name)
{
	seen.calls++;
	seen.device = device;
	*name = (PWCHAR)u"Mof";
	return SRB_STATUS_SUCCESS;
}

static BOOLEAN NTAPI query(PVOID device, PSCSIWMI_REQUEST_CONTEXT context, ULONG block,
	ULONG instance, ULONG count, PULONG lengths, ULONG room, PUCHAR buffer)
{
	seen.device = device;
	seen.block = block;
	seen.instance = instance;
	seen.count = count;
	seen.lengths = lengths;
	seen.room = room;
	seen.buffer = buffer;
	for (ULONG i = 0; lengths && i < count; i++)
		lengths[i] = 5 + i;
	if (buffer && room >= seen.used)
		memset(buffer, 0x77, seen.used);
	return answer(context);
}

static BOOLEAN NTAPI set(PVOID device, PSCSIWMI_REQUEST_CONTEXT context, ULONG block,
	ULONG instance, ULONG bytes, PUCHAR buffer)
{
	seen.block = block;
	seen.instance = instance;
	seen.in = bytes;
	seen.buffer = buffer;
	return answer(context);
}

static BOOLEAN NTAPI set_item(PVOID device, PSCSIWMI_REQUEST_CONTEXT context, ULONG block,
	ULONG instance, ULONG item, ULONG bytes, PUCHAR buffer)
{
	seen.method = item;
	return set(device, context, block, instance, bytes, buffer);
}

static BOOLEAN NTAPI execute(PVOID device, PSCSIWMI_REQUEST_CONTEXT context, ULONG block,
	ULONG instance, ULONG method, ULONG in, ULONG room, PUCHAR buffer)
{
	seen.method = method;
	seen.room = room;
	return set(device, context, block, instance, in, buffer);
}

static BOOLEAN NTAPI control(PVOID device, PSCSIWMI_REQUEST_CONTEXT context, ULONG block,
	SCSIWMI_ENABLE_DISABLE_CONTROL function, BOOLEAN enable)
{
	seen.block = block;
	seen.function = function;
	seen.enable = enable;
	return answer(context);
}

static const SCSI_WMILIB_CONTEXT whole = {.GuidCount = 2,
	.GuidList = list,
	.QueryWmiRegInfo = reginfo,
	.QueryWmiDataBlock = query,
	.SetWmiDataBlock = set,
	.SetWmiDataItem = set_item,
	.ExecuteWmiMethod = execute,
	.WmiFunctionControl = control};

static SCSI_WMILIB_CONTEXT lib;
static SCSIWMI_REQUEST_CONTEXT context;
static union {
	UCHAR bytes[512];
	ULONG words[128];
	WNODE_HEADER header;
	WNODE_ALL_DATA all;
	WNODE_SINGLE_INSTANCE single;
	WNODE_SINGLE_ITEM item;
	WNODE_METHOD_ITEM method;
	WNODE_TOO_SMALL small;
	WMIREGINFOW info;
} buffer;

static void fresh(UCHAR status, ULONG used)
{
	memset(&seen, 0, sizeof(seen));
	seen.status = status;
	seen.used = used;
	lib = whole;
	memset(&context, 0xee, sizeof(context));
	memset(&buffer, 0, sizeof(buffer));
}

static BOOLEAN dispatch(UCHAR minor, const GUID *guid, ULONG size)
{
	return ScsiPortWmiDispatchFunction(
		&lib, minor, world.ext, &context, (PVOID)guid, size, &buffer);
}

static void is_result(UCHAR status, ULONG size)
{
	expect_is(ScsiPortWmiGetReturnStatus(&context), status);
	expect_is(ScsiPortWmiGetReturnSize(&context), size);
}

/* A WNODE that asks for one instance, its data at an offset. */
static void ask(ULONG instance, ULONG offset)
{
	buffer.header.Flags = WNODE_FLAG_SINGLE_INSTANCE | WNODE_FLAG_STATIC_INSTANCE_NAMES;
	buffer.single.InstanceIndex = instance;
	buffer.single.DataBlockOffset = offset;
}

/* ---- query ---- */

/* Three instances of 5, 6 and 7 bytes, each on an 8-byte boundary: 8 + 8 + 7. */
static void all_data(void)
{
	static const struct {
		ULONG offset, length;
	} instances[] = {{88, 5}, {96, 6}, {104, 7}};

	fresh(SRB_STATUS_SUCCESS, 23);
	expect(!dispatch(WMI_GET_ALL_DATA, &second, sizeof(buffer)));
	expect_is(seen.device, world.ext);
	expect_is(seen.block, 1);
	expect_is(seen.instance, 0);
	expect_is(seen.count, 3);
	/* 60 bytes, three pairs, then 8-aligned */
	expect_is(seen.buffer, buffer.bytes + 88);
	expect_is(seen.room, sizeof(buffer) - 88);
	is_result(SRB_STATUS_SUCCESS, 88 + 23);
	expect_is(buffer.header.BufferSize, 88 + 23);
	expect_is(buffer.header.Flags, WNODE_FLAG_ALL_DATA | WNODE_FLAG_STATIC_INSTANCE_NAMES);
	expect(!memcmp(&buffer.header.Guid, &second, sizeof(GUID)));
	expect(buffer.header.TimeStamp.QuadPart != 0);
	expect_is(buffer.all.InstanceCount, 3);
	for (unsigned i = 0; i < 3; i++) {
		expect_is(buffer.words[15 + 2 * i], instances[i].offset);
		expect_is(buffer.words[16 + 2 * i], instances[i].length);
	}
}

static void all_data_too_small(void)
{
	/* room for the pairs, not for the data */
	fresh(SRB_STATUS_DATA_OVERRUN, 23);
	expect(!dispatch(WMI_GET_ALL_DATA, &second, 90));
	expect_is(seen.room, 2);
	is_result(SRB_STATUS_SUCCESS, sizeof(WNODE_TOO_SMALL));
	expect(buffer.header.Flags & WNODE_FLAG_TOO_SMALL);
	expect_is(buffer.small.SizeNeeded, 88 + 23);
	/* not even for those */
	fresh(SRB_STATUS_DATA_OVERRUN, 23);
	expect(!dispatch(WMI_GET_ALL_DATA, &second, sizeof(WNODE_TOO_SMALL)));
	expect_is(seen.lengths, NULL);
	expect_is(seen.buffer, NULL);
	expect_is(seen.room, 0);
	is_result(SRB_STATUS_SUCCESS, sizeof(WNODE_TOO_SMALL));
	expect_is(buffer.small.SizeNeeded, 88 + 23);
	/* not for the answer that it is too small */
	fresh(SRB_STATUS_DATA_OVERRUN, 23);
	expect(!dispatch(WMI_GET_ALL_DATA, &second, sizeof(WNODE_TOO_SMALL) - 1));
	is_result(SRB_STATUS_DATA_OVERRUN, 0);
	/* a driver that does not look */
	fresh(SRB_STATUS_SUCCESS, 23);
	expect(!dispatch(WMI_GET_ALL_DATA, &second, 90));
	expect_violation(0, "success with 23 bytes, but there is room for 2");
	is_result(SRB_STATUS_ERROR, 0);
	/* instances longer than what was returned */
	fresh(SRB_STATUS_SUCCESS, 12);
	expect(!dispatch(WMI_GET_ALL_DATA, &second, sizeof(buffer)));
	expect(world.violations == 2);
	atomic_store(&world.violations, 0);
	expect_is(buffer.words[16], 5);
	expect_is(buffer.words[18], 0);
}

static void single(void)
{
	fresh(SRB_STATUS_SUCCESS, 9);
	ask(2, 80);
	expect(!dispatch(WMI_GET_SINGLE_INSTANCE, &second, 100));
	expect_is(seen.instance, 2);
	expect_is(seen.count, 1);
	expect_is(seen.room, 20);
	expect_is(seen.buffer, buffer.bytes + 80);
	is_result(SRB_STATUS_SUCCESS, 89);
	expect_is(buffer.single.SizeDataBlock, 9);
	expect_is(buffer.single.DataBlockOffset, 80);
	expect_is(buffer.header.BufferSize, 89);

	fresh(SRB_STATUS_DATA_OVERRUN, 90);
	ask(2, 80);
	expect(!dispatch(WMI_GET_SINGLE_INSTANCE, &second, 100));
	is_result(SRB_STATUS_SUCCESS, sizeof(WNODE_TOO_SMALL));
	expect_is(buffer.small.SizeNeeded, 170);

	/* no such instance; no fixed part; data inside the fixed part; no static names */
	fresh(SRB_STATUS_SUCCESS, 9);
	ask(3, 80);
	expect(!dispatch(WMI_GET_SINGLE_INSTANCE, &second, 100));
	is_result(SRB_STATUS_ERROR, 0);
	ask(0, 80);
	expect(!dispatch(WMI_GET_SINGLE_INSTANCE, &second, 63));
	is_result(SRB_STATUS_ERROR, 0);
	ask(0, 63);
	expect(!dispatch(WMI_GET_SINGLE_INSTANCE, &second, 100));
	is_result(SRB_STATUS_ERROR, 0);
	ask(0, 80);
	buffer.header.Flags = 0;
	expect(!dispatch(WMI_GET_SINGLE_INSTANCE, &second, 100));
	is_result(SRB_STATUS_ERROR, 0);
	expect_is(seen.calls, 0);
}

/* covers: ScsiPortWmiPostProcess */
static void queries_get_their_instances_laid_out_and_small_buffers_the_size_needed(void **state)
{
	static void (*const bodies[])(void) = {all_data, all_data_too_small, single};

	for (unsigned i = 0; i < array_size(bodies); i++)
		world_good(bodies[i]);
}

/* ---- the others ---- */

static void methods(void)
{
	fresh(SRB_STATUS_SUCCESS, 24);
	ask(0, 72);
	buffer.method.MethodId = 7;
	buffer.method.DataBlockOffset = 72;
	buffer.method.SizeDataBlock = 8;
	expect(!dispatch(WMI_EXECUTE_METHOD, &first, 120));
	expect_is(seen.method, 7);
	expect_is(seen.in, 8);
	expect_is(seen.room, 48);
	expect_is(seen.buffer, buffer.bytes + 72);
	is_result(SRB_STATUS_SUCCESS, 96);
	expect_is(buffer.method.SizeDataBlock, 24);
	/* more input than there is */
	buffer.method.SizeDataBlock = 49;
	expect(!dispatch(WMI_EXECUTE_METHOD, &first, 120));
	is_result(SRB_STATUS_ERROR, 0);
	expect_is(seen.calls, 1);
}

static void sets(void)
{
	fresh(SRB_STATUS_SUCCESS, 0);
	ask(1, 64);
	buffer.single.SizeDataBlock = 6;
	expect(!dispatch(WMI_SET_SINGLE_INSTANCE, &second, 70));
	expect_is(seen.in, 6);
	expect_is(seen.instance, 1);
	is_result(SRB_STATUS_SUCCESS, 0);
	buffer.single.SizeDataBlock = 7;
	expect(!dispatch(WMI_SET_SINGLE_INSTANCE, &second, 70));
	is_result(SRB_STATUS_ERROR, 0);

	fresh(SRB_STATUS_SUCCESS, 0);
	ask(1, 0);
	buffer.item.ItemId = 3;
	buffer.item.DataBlockOffset = 68;
	buffer.item.SizeDataItem = 2;
	expect(!dispatch(WMI_SET_SINGLE_ITEM, &second, 70));
	expect_is(seen.method, 3);
	expect_is(seen.in, 2);
	is_result(SRB_STATUS_SUCCESS, 0);
}

static void controls(void)
{
	static const struct {
		UCHAR minor;
		SCSIWMI_ENABLE_DISABLE_CONTROL function;
		BOOLEAN enable;
	} kinds[] = {{WMI_ENABLE_EVENTS, ScsiWmiEventControl, TRUE},
		{WMI_DISABLE_EVENTS, ScsiWmiEventControl, FALSE},
		{WMI_ENABLE_COLLECTION, ScsiWmiDataBlockControl, TRUE},
		{WMI_DISABLE_COLLECTION, ScsiWmiDataBlockControl, FALSE}};

	for (unsigned i = 0; i < array_size(kinds); i++) {
		fresh(SRB_STATUS_SUCCESS, 0);
		expect(!dispatch(kinds[i].minor, &second, 0));
		expect_is(seen.function, kinds[i].function);
		expect_is(seen.enable, kinds[i].enable);
		expect_is(seen.block, 1);
		is_result(SRB_STATUS_SUCCESS, 0);
	}
}

/* covers: ScsiPortWmiPostProcess */
static void requests_reach_their_callbacks(void **state)
{
	static void (*const bodies[])(void) = {methods, sets, controls};

	for (unsigned i = 0; i < array_size(bodies); i++)
		world_good(bodies[i]);
}

/* What the pages say of a callback that is NULL. */
static void absent(void)
{
	fresh(SRB_STATUS_SUCCESS, 0);
	lib = (SCSI_WMILIB_CONTEXT){.GuidCount = 2, .GuidList = list, .QueryWmiDataBlock = query};
	ask(0, 72);
	expect(!dispatch(WMI_EXECUTE_METHOD, &first, 120));
	is_result(SRB_STATUS_ERROR, 0);
	expect(!dispatch(WMI_SET_SINGLE_INSTANCE, &first, 120));
	is_result(SRB_STATUS_ERROR, 0);
	expect(!dispatch(WMI_SET_SINGLE_ITEM, &first, 120));
	is_result(SRB_STATUS_ERROR, 0);
	expect(!dispatch(WMI_ENABLE_EVENTS, &first, 120));
	is_result(SRB_STATUS_SUCCESS, 0);
	expect(!dispatch(WMI_GET_ALL_DATA, &stranger, 120));
	is_result(SRB_STATUS_ERROR, 0);
	expect(!dispatch(WMI_GET_ALL_DATA, NULL, 120));
	is_result(SRB_STATUS_ERROR, 0);
	expect(!dispatch(99, &first, 120));
	is_result(SRB_STATUS_INVALID_REQUEST, 0);
	expect_is(seen.calls, 0);
}

/* covers: ScsiPortWmiDispatchFunction */
static void what_a_driver_lacks_is_answered_for_it(void **state)
{
	world_good(absent);
}

static void pending(void)
{
	fresh(SRB_STATUS_PENDING, 0);
	ask(0, 64);
	expect(dispatch(WMI_GET_SINGLE_INSTANCE, &first, 100));
	ScsiPortWmiPostProcess(&context, SRB_STATUS_SUCCESS, 4);
	is_result(SRB_STATUS_SUCCESS, 68);
	expect_is(buffer.single.SizeDataBlock, 4);
	/* an answer without ScsiPortWmiPostProcess */
	fresh(SRB_STATUS_INVALID_REQUEST, 0);
	seen.forgets = true;
	ask(0, 64);
	expect(!dispatch(WMI_GET_SINGLE_INSTANCE, &first, 100));
	is_result(SRB_STATUS_INVALID_REQUEST, 0);
}

/* covers: ScsiPortWmiPostProcess */
static void a_pending_request_is_ended_later(void **state)
{
	world_good(pending);
}

/* 24 bytes, two blocks of 32, the name: a count and three characters. */
static void registration(void)
{
	static const WCHAR name[] = u"Mof";

	fresh(SRB_STATUS_SUCCESS, 0);
	expect(!dispatch(WMI_REGINFO, (const GUID *)WMIREGISTER, sizeof(buffer)));
	is_result(SRB_STATUS_SUCCESS, 24 + 2 * 32 + 2 + 6);
	expect_is(buffer.info.BufferSize, 96);
	expect_is(buffer.info.GuidCount, 2);
	expect_is(buffer.info.MofResourceName, 88);
	expect_is(*(USHORT *)(buffer.bytes + 88), 6);
	expect(!memcmp(buffer.bytes + 90, name, 6));
	expect(!memcmp(&buffer.info.WmiRegGuid[1].Guid, &second, sizeof(GUID)));
	expect_is(buffer.info.WmiRegGuid[1].InstanceCount, 3);
	expect_is(
		buffer.info.WmiRegGuid[1].Flags, WMIREG_FLAG_EXPENSIVE | WMIREG_FLAG_INSTANCE_PDO);
	/* the name belongs to a registration alone */
	expect(!dispatch(WMI_REGINFO, (const GUID *)WMIUPDATE, 88));
	is_result(SRB_STATUS_SUCCESS, 88);
	expect_is(buffer.info.MofResourceName, 0);
	/* too small: the size that is needed */
	expect(!dispatch(WMI_REGINFO, (const GUID *)WMIREGISTER, 95));
	is_result(SRB_STATUS_DATA_OVERRUN, sizeof(ULONG));
	expect_is(buffer.words[0], 96);
	expect(!dispatch(WMI_REGINFO, (const GUID *)WMIREGISTER, 3));
	is_result(SRB_STATUS_DATA_OVERRUN, 0);
}

static void registration_lists_the_blocks_and_the_mof_resource(void **state)
{
	world_good(registration);
}

static void hostile(void)
{
	fresh(SRB_STATUS_SUCCESS, 0);
	expect(!ScsiPortWmiDispatchFunction(
		NULL, 0, world.ext, &context, (PVOID)&first, 0, &buffer));
	expect_violation(0, "ScsiPortWmiDispatchFunction");
	expect(!ScsiPortWmiDispatchFunction(&lib, 0, world.ext, NULL, (PVOID)&first, 0, &buffer));
	expect_violation(0, "ScsiPortWmiDispatchFunction");
	/* a size without a buffer */
	expect(!ScsiPortWmiDispatchFunction(
		&lib, WMI_GET_SINGLE_INSTANCE, world.ext, &context, (PVOID)&first, 100, NULL));
	is_result(SRB_STATUS_ERROR, 0);
	list[0].InstanceCount = 0x40000000;
	expect(!dispatch(WMI_GET_ALL_DATA, &first, sizeof(buffer)));
	is_result(SRB_STATUS_ERROR, 0);
	list[0].InstanceCount = 1;
	ScsiPortWmiFireAdapterEvent(world.ext, (LPGUID)&first, 0, 0, &buffer);
	expect_is(world.violations, 0);
	ScsiPortWmiFireAdapterEvent(&buffer, (LPGUID)&first, 0, 0, &buffer);
	expect_violation(0, "ScsiPortWmiFireLogicalUnitEvent");
}

/* covers: ScsiPortWmiDispatchFunction, ScsiPortWmiFireLogicalUnitEvent */
static void bad_arguments_are_told_and_followed_nowhere(void **state)
{
	world_good(hostile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(queries_get_their_instances_laid_out_and_small_buffers_the_size_needed),
		world_test(requests_reach_their_callbacks),
		world_test(what_a_driver_lacks_is_answered_for_it),
		world_test(a_pending_request_is_ended_later),
		world_test(registration_lists_the_blocks_and_the_mof_resource),
		world_test(bad_arguments_are_told_and_followed_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
