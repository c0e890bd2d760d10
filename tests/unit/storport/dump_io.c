/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What a dump driver is asked to write, and how its answers are taken. "The page" is Microsoft's
 * "Restrictions on Miniport Drivers that Manage the Boot Drive". */
#include "dump_world.h"

#include <scsi.h>

#define SEEN_MOST 32

static struct {
	PSCSI_REQUEST_BLOCK srb; /* the one that the driver has */
	unsigned starts, polls, polls_to_go;
	UCHAR function[SEEN_MOST], opcode[SEEN_MOST];
	ULONG64 block;
	ULONG blocks, bytes;
	bool is_right; /* the list leads to the buffer's bytes, and to no others */
	unsigned elements;
	UCHAR answer; /* SRB status of the next `times`, then success */
	unsigned times;
	UCHAR sense_key;
} seen;

static bool list_leads_to(const char *data, ULONG bytes)
{
	PSTOR_SCATTER_GATHER_LIST list = StorPortGetScatterGatherList(world.ext, seen.srb);
	ULONG at = 0;

	if (!list)
		return false;
	seen.elements = list->NumberOfElements;
	for (ULONG n = 0; n < list->NumberOfElements; n++)
		for (ULONG i = 0; i < list->List[n].Length; i++, at++) {
			const char *byte =
				mem_host((uint64_t)list->List[n].PhysicalAddress.QuadPart + i);

			if (at >= bytes || *byte != data[at])
				return false;
		}
	return at == bytes;
}

static BOOLEAN NTAPI build_io(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	if (second.runs)
		expect_is(KeGetCurrentIrql(), HIGH_LEVEL);
	return TRUE;
}

static BOOLEAN start_io(PSCSI_REQUEST_BLOCK srb)
{
	PCDB cdb = SrbGetCdb(srb);
	unsigned n = seen.starts++;

	expect_is(KeGetCurrentIrql(), HIGH_LEVEL);
	expect(n < SEEN_MOST);
	/* "does not send multiple requests per logical unit": the page */
	expect(!seen.srb);
	expect_is(SrbGetSrbStatus(srb), SRB_STATUS_PENDING);
	expect_is(SrbGetPathId(srb), 1);
	expect_is(SrbGetTargetId(srb), 2);
	expect_is(SrbGetLun(srb), 3);
	seen.srb = srb;
	seen.polls_to_go = 3;
	seen.function[n] = (UCHAR)SrbGetSrbFunction(srb);
	seen.bytes = SrbGetDataTransferLength(srb);
	if (!cdb || seen.function[n] != SRB_FUNCTION_EXECUTE_SCSI)
		return TRUE;
	seen.opcode[n] = cdb->CDB10.OperationCode;
	if (!seen.bytes)
		return TRUE;
	expect(SrbGetSrbFlags(srb) & SRB_FLAGS_DATA_OUT);
	if (seen.opcode[n] == SCSIOP_WRITE) {
		seen.block = RtlUlongByteSwap(*(ULONG UNALIGNED *)&cdb->AsByte[2]);
		seen.blocks = RtlUshortByteSwap(*(USHORT UNALIGNED *)&cdb->AsByte[7]);
	} else {
		seen.block = RtlUlonglongByteSwap(*(ULONG64 UNALIGNED *)&cdb->AsByte[2]);
		seen.blocks = RtlUlongByteSwap(*(ULONG UNALIGNED *)&cdb->AsByte[10]);
	}
	seen.is_right = list_leads_to(second.dump.buffer, seen.bytes);
	return TRUE;
}

static void sense_put(PSCSI_REQUEST_BLOCK srb)
{
	PUCHAR sense = SrbGetSenseInfoBuffer(srb);

	expect(sense != NULL);
	if (!sense)
		return;
	memset(sense, 0, 18);
	sense[0] = 0x70;
	sense[2] = seen.sense_key;
	sense[12] = 0x29;
	sense[13] = 0x05;
	SrbSetScsiStatus(srb, SCSISTAT_CHECK_CONDITION);
	SrbSetSenseInfoBufferLength(srb, 18);
}

static BOOLEAN interrupt(void)
{
	PSCSI_REQUEST_BLOCK srb = seen.srb;
	UCHAR status = SRB_STATUS_SUCCESS;

	if (!second.runs)
		return FALSE;
	expect_is(KeGetCurrentIrql(), HIGH_LEVEL);
	seen.polls++;
	if (!srb || --seen.polls_to_go)
		return FALSE;
	if (seen.times) {
		seen.times--;
		status = seen.answer;
		if (status == SRB_STATUS_ERROR) {
			sense_put(srb);
			status |= SRB_STATUS_AUTOSENSE_VALID;
		}
	}
	seen.srb = NULL;
	world_give_back(srb, status);
	return TRUE;
}

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	dump_miniport(state);
	miniport.build_io = build_io;
	miniport.start_io = start_io;
	miniport.interrupt = interrupt;
	second.config.path = 1;
	second.config.target = 2;
	second.config.lun = 3;
	return 0;
}

#define setup_test(name) cmocka_unit_test_setup(name, setup)

/* ---- writes ---- */

static void fill(void)
{
	for (uint32_t n = 0; n < second.dump.bytes; n++)
		((char *)second.dump.buffer)[n] = (char)(n * 7 + n / MEM_PAGE_SIZE);
}

static void write_all(void)
{
	fill();
	expect_is(second.dump.bytes, 65536);
	expect_is(stor_dump_write(&second.dump, 4096, 65536), 0);
	expect_is(seen.starts, 1);
	expect_is(seen.polls, 3);
	expect_is(seen.opcode[0], SCSIOP_WRITE);
	expect_is(seen.block, 8);
	expect_is(seen.blocks, 128);
	expect_is(seen.bytes, 65536);
	expect(seen.is_right);
	expect_is(seen.elements, 16); /* the frames are scattered */
	expect_is(stor_dump_write(&second.dump, 0, 512), 0);
	expect(seen.is_right);
	expect_is(seen.elements, 1);
	expect_is(second.dump.writes, 2);
}

static void a_write_is_one_srb_whose_interrupt_is_polled_for(void **state)
{
	dump_good(write_all);
}

static void the_older_srb_does_it_as_well(void **state)
{
	miniport.plain = true;
	dump_good(write_all);
}

static void write_far(void)
{
	fill();
	expect_is(stor_dump_write(&second.dump, 0xffffffffull * BLOCK, 1024), 0);
	expect_is(seen.opcode[0], SCSIOP_WRITE16);
	expect_is(seen.block, 0xffffffff);
	expect_is(seen.blocks, 2);
	/* the last block that WRITE (10) can name */
	expect_is(stor_dump_write(&second.dump, 0xfffffffeull * BLOCK, 512), 0);
	expect_is(seen.opcode[1], SCSIOP_WRITE);
	expect_is(seen.block, 0xfffffffe);
}

static void blocks_beyond_32_bits_take_write_16(void **state)
{
	dump_good(write_far);
}

static void short_writes(void)
{
	expect_is(second.dump.bytes, 12 << 10);
}

static void a_write_is_as_short_as_the_driver_said_in_ordinary_mode(void **state)
{
	second.config.max_transfer = (12 << 10) + 100;
	dump_good(short_writes);
}

/* ---- other answers ---- */

static void write_busy(void)
{
	seen.answer = SRB_STATUS_BUSY;
	seen.times = 4;
	expect_is(stor_dump_write(&second.dump, 0, 512), 0);
	expect_is(seen.starts, 5);
}

/* SB-8 */
static void what_comes_back_busy_is_sent_again(void **state)
{
	dump_good(write_busy);
}

static void write_attention(void)
{
	seen.answer = SRB_STATUS_ERROR;
	seen.sense_key = SCSI_SENSE_UNIT_ATTENTION;
	seen.times = 8;
	expect_is(stor_dump_write(&second.dump, 0, 512), 0);
	expect_is(seen.starts, 9);
	seen.starts = 0;
	seen.times = 9;
	expect_is(stor_dump_write(&second.dump, 0, 512), -EIO);
	expect_is(seen.starts, 9);
}

static void a_unit_may_say_first_that_it_was_reset(void **state)
{
	dump_good(write_attention);
}

static void write_error(void)
{
	seen.answer = SRB_STATUS_ERROR;
	seen.sense_key = SCSI_SENSE_MEDIUM_ERROR;
	seen.times = 1;
	expect_is(stor_dump_write(&second.dump, 1024, 512), -EIO);
	error_take(second.error, sizeof(second.error));
	expect_has(second.error,
		"a write to block 2 failed: SRB status 04, SCSI status 02, sense 03/29/05");
	expect_is(seen.starts, 1);
}

static void an_error_is_told_with_its_sense_data(void **state)
{
	dump_good(write_error);
}

/* ---- the end ---- */

static void finish_with_cache(void)
{
	expect_is(stor_dump_finish(&second.dump), 0);
	expect_is(seen.starts, 3);
	expect_is(seen.opcode[0], SCSIOP_SYNCHRONIZE_CACHE);
	expect_is(seen.function[1], SRB_FUNCTION_FLUSH);
	expect_is(seen.function[2], SRB_FUNCTION_SHUTDOWN);
}

static void caches(PPORT_CONFIGURATION_INFORMATION config)
{
	config->CachesData = second.runs;
}

/* SB-3 */
static void flush_and_shutdown_are_for_a_driver_that_caches(void **state)
{
	miniport.find = caches;
	dump_good(finish_with_cache);
}

static void finish_without(void)
{
	seen.answer = SRB_STATUS_INVALID_REQUEST;
	seen.times = 1;
	expect_is(stor_dump_finish(&second.dump), 0);
	expect_is(seen.starts, 1);
	seen.answer = SRB_STATUS_ERROR;
	seen.sense_key = SCSI_SENSE_MEDIUM_ERROR;
	seen.times = 1;
	expect_is(stor_dump_finish(&second.dump), -EIO);
}

static void a_unit_without_a_cache_may_refuse_its_flush(void **state)
{
	dump_good(finish_without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		setup_test(a_write_is_one_srb_whose_interrupt_is_polled_for),
		setup_test(the_older_srb_does_it_as_well),
		setup_test(blocks_beyond_32_bits_take_write_16),
		setup_test(a_write_is_as_short_as_the_driver_said_in_ordinary_mode),
		setup_test(what_comes_back_busy_is_sent_again),
		setup_test(a_unit_may_say_first_that_it_was_reset),
		setup_test(an_error_is_told_with_its_sense_data),
		setup_test(flush_and_shutdown_are_for_a_driver_that_caches),
		setup_test(a_unit_without_a_cache_may_refuse_its_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
