/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * srbhelper.h over both kinds of request block: what one reads is what stands at the documented
 * place of the block, whichever kind it is; what is missing answers 0 or NULL.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include <srbhelper.h>

static int extension, irp, mapped;
static UCHAR sense[18];

static SCSI_REQUEST_BLOCK plain_srb(void)
{
	SCSI_REQUEST_BLOCK srb = {
		.Length = sizeof(srb),
		.Function = SRB_FUNCTION_EXECUTE_SCSI,
		.SrbStatus = SRB_STATUS_PENDING,
		.ScsiStatus = SCSISTAT_BUSY,
		.PathId = 1,
		.TargetId = 2,
		.Lun = 3,
		.QueueTag = 44,
		.QueueAction = SRB_SIMPLE_TAG_REQUEST,
		.CdbLength = 10,
		.SenseInfoBufferLength = sizeof(sense),
		.SrbFlags = SRB_FLAGS_DATA_IN,
		.DataTransferLength = 4096,
		.TimeOutValue = 7,
		.DataBuffer = &mapped,
		.SenseInfoBuffer = sense,
		.OriginalRequest = &irp,
		.SrbExtension = &extension,
		.Cdb = {SCSIOP_READ},
	};

	return srb;
}

/* An extended block as a port would lay it out: the block, its address, one block of extended data.
 */
struct extended {
	STORAGE_REQUEST_BLOCK srb;
	ULONG more_offsets[2];
	STOR_ADDR_BTL8 address;
	union {
		SRBEX_DATA any;
		SRBEX_DATA_SCSI_CDB16 cdb16;
		SRBEX_DATA_SCSI_CDB32 cdb32;
		SRBEX_DATA_SCSI_CDB_VAR cdb_var;
		SRBEX_DATA_PNP pnp;
		UCHAR room[128];
	} data;
};

static struct extended extended_srb(ULONG function, SRBEXDATATYPE type, ULONG length)
{
	struct extended block = {
		.srb = {.Length = sizeof(SCSI_REQUEST_BLOCK),
			.Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK,
			.SrbStatus = SRB_STATUS_PENDING,
			.Signature = SRB_SIGNATURE,
			.Version = STORAGE_REQUEST_BLOCK_VERSION_1,
			.SrbLength = sizeof(struct extended),
			.SrbFunction = function,
			.SrbFlags = SRB_FLAGS_DATA_OUT,
			.RequestTag = 0x12345,
			.RequestAttribute = SRB_ORDERED_QUEUE_TAG_REQUEST,
			.TimeOutValue = 9,
			.AddressOffset = offsetof(struct extended, address),
			.NumSrbExData = 1,
			.DataTransferLength = 512,
			.DataBuffer = &mapped,
			.OriginalRequest = &irp,
			.MiniportContext = &extension,
			.SrbExDataOffset = {offsetof(struct extended, data)}},
		.address = {.Type = STOR_ADDRESS_TYPE_BTL8,
			.AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH,
			.Path = 4,
			.Target = 5,
			.Lun = 6},
		.data.any = {.Type = type, .Length = length},
	};

	return block;
}

static void getters_read_a_plain_block(void **state)
{
	SCSI_REQUEST_BLOCK srb = plain_srb();
	UCHAR path, target, lun;

	assert_int_equal(SrbGetSrbFunction(&srb), SRB_FUNCTION_EXECUTE_SCSI);
	assert_int_equal(SrbGetSrbLength(&srb), 0x58);
	assert_int_equal(SrbGetSrbFlags(&srb), SRB_FLAGS_DATA_IN);
	assert_int_equal(SrbGetDataTransferLength(&srb), 4096);
	assert_int_equal(SrbGetTimeOutValue(&srb), 7);
	assert_int_equal(SrbGetRequestTag(&srb), 44);
	assert_int_equal(SrbGetRequestAttribute(&srb), SRB_SIMPLE_TAG_REQUEST);
	assert_ptr_equal(SrbGetDataBuffer(&srb), &mapped);
	assert_ptr_equal(SrbGetOriginalRequest(&srb), &irp);
	assert_ptr_equal(SrbGetMiniportContext(&srb), &extension);
	assert_ptr_equal(SrbGetCdb(&srb), srb.Cdb);
	assert_int_equal(SrbGetCdbLength(&srb), 10);
	assert_int_equal(SrbGetScsiStatus(&srb), SCSISTAT_BUSY);
	assert_ptr_equal(SrbGetSenseInfoBuffer(&srb), sense);
	assert_int_equal(SrbGetSenseInfoBufferLength(&srb), 18);
	SrbGetPathTargetLun(&srb, &path, &target, &lun);
	assert_int_equal(path, 1);
	assert_int_equal(target, 2);
	assert_int_equal(lun, 3);
	assert_null(SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)&srb, SrbExDataTypeScsiCdb16));
	assert_null(SrbGetDeviceAddress(&srb));
	assert_null(SrbGetPortContext(&srb));
}

static void getters_read_an_extended_block(void **state)
{
	struct extended block = extended_srb(
		SRB_FUNCTION_EXECUTE_SCSI, SrbExDataTypeScsiCdb16, SRBEX_DATA_SCSI_CDB16_LENGTH);

	block.data.cdb16.CdbLength = 16;
	block.data.cdb16.ScsiStatus = SCSISTAT_CHECK_CONDITION;
	block.data.cdb16.SenseInfoBuffer = sense;
	block.data.cdb16.SenseInfoBufferLength = 18;
	assert_int_equal(SrbGetSrbFunction(&block), SRB_FUNCTION_EXECUTE_SCSI);
	assert_int_equal(SrbGetSrbLength(&block), sizeof(struct extended));
	assert_int_equal(SrbGetSrbFlags(&block), SRB_FLAGS_DATA_OUT);
	assert_int_equal(SrbGetDataTransferLength(&block), 512);
	assert_int_equal(SrbGetTimeOutValue(&block), 9);
	assert_int_equal(SrbGetRequestTag(&block), 0x12345);
	assert_int_equal(SrbGetRequestAttribute(&block), SRB_ORDERED_QUEUE_TAG_REQUEST);
	assert_ptr_equal(SrbGetDataBuffer(&block), &mapped);
	assert_ptr_equal(SrbGetOriginalRequest(&block), &irp);
	assert_ptr_equal(SrbGetMiniportContext(&block), &extension);
	assert_ptr_equal(SrbGetCdb(&block), block.data.cdb16.Cdb);
	assert_int_equal(SrbGetCdbLength(&block), 16);
	assert_int_equal(SrbGetScsiStatus(&block), SCSISTAT_CHECK_CONDITION);
	assert_ptr_equal(SrbGetSenseInfoBuffer(&block), sense);
	assert_int_equal(SrbGetSenseInfoBufferLength(&block), 18);
	assert_int_equal(SrbGetPathId(&block), 4);
	assert_int_equal(SrbGetTargetId(&block), 5);
	assert_int_equal(SrbGetLun(&block), 6);
	assert_ptr_equal(SrbGetDeviceAddress(&block), &block.address);
}

static void setters_write_where_the_kind_keeps_it(void **state)
{
	SCSI_REQUEST_BLOCK srb = plain_srb();
	struct extended block = extended_srb(
		SRB_FUNCTION_EXECUTE_SCSI, SrbExDataTypeScsiCdb16, SRBEX_DATA_SCSI_CDB16_LENGTH);

	SrbSetSrbStatus(&srb, SRB_STATUS_SUCCESS);
	SrbSetSrbStatus(&block, SRB_STATUS_ERROR);
	assert_int_equal(srb.SrbStatus, SRB_STATUS_SUCCESS);
	assert_int_equal(block.srb.SrbStatus, SRB_STATUS_ERROR);
	SrbSetDataTransferLength(&srb, 1);
	SrbSetDataTransferLength(&block, 2);
	assert_int_equal(srb.DataTransferLength, 1);
	assert_int_equal(block.srb.DataTransferLength, 2);
	SrbSetScsiStatus(&srb, SCSISTAT_GOOD);
	SrbSetScsiStatus(&block, SCSISTAT_QUEUE_FULL);
	assert_int_equal(srb.ScsiStatus, SCSISTAT_GOOD);
	assert_int_equal(block.data.cdb16.ScsiStatus, SCSISTAT_QUEUE_FULL);
	SrbSetSenseInfoBufferLength(&srb, 8);
	SrbSetSenseInfoBuffer(&block, sense);
	assert_int_equal(srb.SenseInfoBufferLength, 8);
	assert_ptr_equal(block.data.cdb16.SenseInfoBuffer, sense);
	SrbSetCdbLength(&srb, 6);
	SrbSetCdbLength(&block, 12);
	assert_int_equal(srb.CdbLength, 6);
	assert_int_equal(block.data.cdb16.CdbLength, 12);
	SrbSetNextSrb(&srb, &block);
	SrbSetNextSrb(&block, &srb);
	assert_ptr_equal(srb.NextSrb, &block);
	assert_ptr_equal(SrbGetNextSrb(&block), &srb);
	SrbSetMiniportContext(&srb, sense);
	SrbSetMiniportContext(&block, sense);
	assert_ptr_equal(srb.SrbExtension, sense);
	assert_ptr_equal(block.srb.MiniportContext, sense);
}

static void set_adds_flags_assign_replaces_clear_takes_away(void **state)
{
	SCSI_REQUEST_BLOCK srb = plain_srb();
	struct extended block = extended_srb(SRB_FUNCTION_FLUSH, SrbExDataTypeUnknown, 0);
	PVOID both[] = {&srb, &block};

	for (int i = 0; i < 2; i++) {
		SrbAssignSrbFlags(both[i], SRB_FLAGS_DATA_IN);
		SrbSetSrbFlags(both[i], SRB_FLAGS_NO_QUEUE_FREEZE);
		assert_int_equal(SrbGetSrbFlags(both[i]), 0x140);
		SrbClearSrbFlags(both[i], SRB_FLAGS_DATA_IN);
		assert_int_equal(SrbGetSrbFlags(both[i]), 0x100);
	}
}

static void a_long_command_has_its_length_in_32_bits(void **state)
{
	struct extended block = extended_srb(SRB_FUNCTION_EXECUTE_SCSI, SrbExDataTypeScsiCdbVar,
		SRBEX_DATA_SCSI_CDB_VAR_LENGTH_MIN + 64);
	UCHAR length8 = 0xff;
	ULONG length32 = 0;

	block.data.cdb_var.CdbLength = 300;
	assert_ptr_equal(SrbGetScsiData(&block, &length8, &length32, NULL, NULL, NULL),
		block.data.cdb_var.Cdb);
	assert_int_equal(length8, 0);
	assert_int_equal(length32, 300);
	assert_int_equal(SrbGetCdbLength(&block), 300);

	block = extended_srb(
		SRB_FUNCTION_EXECUTE_SCSI, SrbExDataTypeScsiCdb32, SRBEX_DATA_SCSI_CDB32_LENGTH);
	block.data.cdb32.CdbLength = 32;
	assert_ptr_equal(SrbGetScsiData(&block, &length8, &length32, NULL, NULL, NULL),
		block.data.cdb32.Cdb);
	assert_int_equal(length8, 32);
	assert_int_equal(length32, 0);
}

static void a_request_without_a_command_has_no_command_data(void **state)
{
	struct extended block =
		extended_srb(SRB_FUNCTION_PNP, SrbExDataTypePnP, SRBEX_DATA_PNP_LENGTH);
	struct extended before = block;

	assert_null(SrbGetCdb(&block));
	assert_int_equal(SrbGetCdbLength(&block), 0);
	assert_null(SrbGetSenseInfoBuffer(&block));
	SrbSetScsiStatus(&block, SCSISTAT_BUSY);
	assert_memory_equal(&block, &before, sizeof(block));
	assert_ptr_equal(SrbGetSrbExDataByType(&block.srb, SrbExDataTypePnP), &block.data);
	assert_null(SrbGetSrbExDataByType(&block.srb, SrbExDataTypePower));
}

/* A damaged block must not lead an accessor out of its own length. */
static void offsets_outside_the_block_are_not_followed(void **state)
{
	struct extended block = extended_srb(
		SRB_FUNCTION_EXECUTE_SCSI, SrbExDataTypeScsiCdb16, SRBEX_DATA_SCSI_CDB16_LENGTH);
	const ULONG bad[] = {0, 8, sizeof(block), sizeof(block) - 4, 0xfffffff0};

	for (size_t i = 0; i < RTL_NUMBER_OF(bad); i++) {
		block.srb.SrbExDataOffset[0] = bad[i];
		assert_null(SrbGetSrbExDataByIndex(&block.srb, 0));
		assert_null(SrbGetCdb(&block));
		block.srb.AddressOffset = bad[i];
		if (bad[i] != 8)
			assert_null(SrbGetDeviceAddress(&block));
	}
	block.srb.AddressOffset = 0xfffffff0;
	assert_int_equal(SrbGetTargetId(&block), 0);
	assert_null(SrbGetSrbExDataByIndex(&block.srb, 1));
}

/* As a port lays a block out that has no room between its parts. */
struct dense {
	STORAGE_REQUEST_BLOCK srb;
	STOR_ADDR_BTL8 address;
	SRBEX_DATA_SCSI_CDB16 cdb16;
};
_Static_assert(offsetof(struct dense, address) == DDK_SRB_ADDRESS_AT &&
		       offsetof(struct dense, cdb16) == DDK_SRB_DATA_AT,
	"where the getters look first");

static struct dense dense_srb(void)
{
	struct dense block = {
		.srb = {.Length = sizeof(SCSI_REQUEST_BLOCK),
			.Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK,
			.SrbLength = sizeof(struct dense),
			.SrbFunction = SRB_FUNCTION_EXECUTE_SCSI,
			.AddressOffset = DDK_SRB_ADDRESS_AT,
			.NumSrbExData = 1,
			.SrbExDataOffset = {DDK_SRB_DATA_AT}},
		.address = {.Type = STOR_ADDRESS_TYPE_BTL8, .Path = 1, .Target = 2, .Lun = 3},
		.cdb16 = {.Type = SrbExDataTypeScsiCdb16, .CdbLength = 10},
	};

	return block;
}

static ULONG numbers_of(PVOID srb)
{
	UCHAR path, target, lun;

	SrbGetPathTargetLun(srb, &path, &target, &lun);
	assert_int_equal(SrbGetPathId(srb), path);
	assert_int_equal(SrbGetTargetId(srb), target);
	assert_int_equal(SrbGetLun(srb), lun);
	return (ULONG)path << 16 | (ULONG)target << 8 | lun;
}

/* What stands in the usual place counts only if the block says so, and holds it. */
static void the_usual_places_are_no_guess(void **state)
{
	const struct dense good = dense_srb();
	struct dense block = good;

	assert_ptr_equal(SrbGetCdb(&block), block.cdb16.Cdb);
	assert_int_equal(numbers_of(&block), 0x10203);
	block.srb.SrbLength = DDK_SRB_DATA_AT + 8;
	assert_ptr_equal(SrbGetCdb(&block), block.cdb16.Cdb);
	block.srb.SrbLength = DDK_SRB_DATA_AT + 7;
	assert_null(SrbGetCdb(&block));
	block.srb.SrbLength = DDK_SRB_ADDRESS_AT + 11;
	assert_int_equal(numbers_of(&block), 0x10203);
	block.srb.SrbLength = DDK_SRB_ADDRESS_AT + 10;
	assert_int_equal(numbers_of(&block), 0);
	block = good;
	block.srb.NumSrbExData = 0;
	assert_null(SrbGetCdb(&block));
	block = good;
	block.srb.SrbFunction = SRB_FUNCTION_FLUSH;
	assert_null(SrbGetCdb(&block));
	assert_int_equal(numbers_of(&block), 0x10203);
	block = good;
	block.cdb16.Type = SrbExDataTypeIoInfo;
	block.address.Type = 0;
	assert_null(SrbGetCdb(&block));
	assert_int_equal(numbers_of(&block), 0);
	block = good;
	block.srb.SrbExDataOffset[0] = 0;
	block.srb.AddressOffset = 0;
	assert_null(SrbGetCdb(&block));
	assert_int_equal(numbers_of(&block), 0);
	/* a plain block has no parts */
	block = good;
	block.srb.Function = SRB_FUNCTION_EXECUTE_SCSI;
	assert_ptr_equal(SrbGetCdb(&block), ((PSCSI_REQUEST_BLOCK)&block)->Cdb);
	assert_int_equal(numbers_of(&block), 0);
}

/* The second of several extended data blocks is found. */
static void extended_data_is_found_by_type_not_by_place(void **state)
{
	struct extended block = extended_srb(
		SRB_FUNCTION_EXECUTE_SCSI, SrbExDataTypeScsiCdb16, SRBEX_DATA_SCSI_CDB16_LENGTH);
	ULONG *offsets = block.srb.SrbExDataOffset;
	PSRBEX_DATA second = (PSRBEX_DATA)(block.data.room + 64);

	second->Type = SrbExDataTypeIoInfo;
	block.srb.NumSrbExData = 2;
	offsets[1] = offsetof(struct extended, data) + 64;
	assert_ptr_equal(SrbGetSrbExDataByType(&block.srb, SrbExDataTypeIoInfo), second);
	assert_ptr_equal(SrbGetSrbExDataByIndex(&block.srb, 1), second);
	assert_ptr_equal(SrbGetCdb(&block), block.data.cdb16.Cdb);
}

static void copying_and_clearing_keep_to_the_block(void **state)
{
	SCSI_REQUEST_BLOCK srb = plain_srb(), copy;
	struct extended block = extended_srb(SRB_FUNCTION_FLUSH, SrbExDataTypeUnknown, 0), other;

	assert_true(SrbCopySrb(&copy, sizeof(copy), &srb));
	assert_memory_equal(&copy, &srb, sizeof(srb));
	assert_false(SrbCopySrb(&copy, sizeof(copy), &block));
	assert_true(SrbCopySrb(&other, sizeof(other), &block));
	assert_memory_equal(&other, &block, sizeof(block));
	SrbZeroSrb(&copy);
	assert_int_equal(copy.Length, sizeof(copy));
	assert_int_equal(copy.DataTransferLength, 0);
	SrbZeroSrb(&other);
	assert_int_equal(SrbGetSrbLength(&other), sizeof(other));
	assert_int_equal(other.srb.SrbFunction, 0);
	assert_int_equal(other.address.Target, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(getters_read_a_plain_block),
		cmocka_unit_test(getters_read_an_extended_block),
		cmocka_unit_test(setters_write_where_the_kind_keeps_it),
		cmocka_unit_test(set_adds_flags_assign_replaces_clear_takes_away),
		cmocka_unit_test(a_long_command_has_its_length_in_32_bits),
		cmocka_unit_test(a_request_without_a_command_has_no_command_data),
		cmocka_unit_test(offsets_outside_the_block_are_not_followed),
		cmocka_unit_test(the_usual_places_are_no_guess),
		cmocka_unit_test(extended_data_is_found_by_type_not_by_place),
		cmocka_unit_test(copying_and_clearing_keep_to_the_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
