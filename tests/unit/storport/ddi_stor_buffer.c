/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A request's buffers by its SRB: addresses, MDLs, frames, both ways (1.9, SG-35).
 */
#include "world.h"

static PSCSI_REQUEST_BLOCK held;

static BOOLEAN hold(PSCSI_REQUEST_BLOCK srb)
{
	held = srb;
	return TRUE;
}

/* ---- what an SRB's data are ---- */

static void buffers(void)
{
	PVOID va = NULL, mdl = NULL;
	struct world_request r;
	KIRQL old;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	/* SB-4: a read has no DataBuffer, so this is the way to it. */
	expect_is(SrbGetDataBuffer(held), NULL);
	expect_is(StorPortGetSystemAddress(world.ext, held, &va), STOR_STATUS_SUCCESS);
	expect_is(va, r.data);
	expect_is(StorPortGetOriginalMdl(world.ext, held, &mdl), STOR_STATUS_SUCCESS);
	expect_is(mdl, r.mdl);
	expect_is(StorPortGetSystemAddress(world.ext, held, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetSystemAddress(world.ext, NULL, &va), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetOriginalMdl(world.ext, held, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetOriginalMdl(NULL, held, &mdl), STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.violations, 0);
	KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
	expect_is(StorPortGetSystemAddress(world.ext, held, &va), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	KeLowerIrql(old);
	expect_is(
		StorPortGetSystemAddress(world.ext, (PVOID)&r, &va), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "is no SRB that");
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
	expect_is(StorPortGetSystemAddress(world.ext, held, &va), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "is no SRB that");

	/* 1.9: no data buffer */
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	expect_is(StorPortGetSystemAddress(world.ext, held, &va), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetOriginalMdl(world.ext, held, &mdl), STOR_STATUS_SUCCESS);
	expect_is(mdl, NULL);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
}

/* covers: StorPortGetOriginalMdl, StorPortGetSystemAddress */
static void system_address_and_original_mdl_are_the_srbs_while_the_miniport_has_it(void **state)
{
	miniport.start_io = hold;
	world_run(DMA_CALLBACK_QUEUED, buffers);
}

/* ---- frames ---- */

static ULONG pfns_of(PSCSI_REQUEST_BLOCK srb, PVOID mdl)
{
	PVOID pfns = NULL;
	ULONG count = 0, offset = 0;

	return StorPortGetPfns(world.ext, srb, mdl, &pfns, &count, &offset);
}

static void frames(void)
{
	struct world_request r;
	PVOID mdl, pfns = NULL;
	ULONG count = 0, offset = 99;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 10000);
	expect_is(StorPortGetOriginalMdl(world.ext, held, &mdl), STOR_STATUS_SUCCESS);
	expect_is(
		StorPortGetPfns(world.ext, held, mdl, &pfns, &count, &offset), STOR_STATUS_SUCCESS);
	expect_is(count, 3);
	expect_is(offset, 0);
	for (ULONG n = 0; n < 3; n++) /* as wide as a pointer */
		expect_is(((PULONG_PTR)pfns)[n], mem_physical(r.data + n * 4096) >> 12);
	expect_is(StorPortGetPfns(NULL, held, mdl, &pfns, &count, &offset),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetPfns(world.ext, NULL, mdl, &pfns, &count, &offset),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetPfns(world.ext, held, NULL, &pfns, &count, &offset),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetPfns(world.ext, held, mdl, NULL, &count, &offset),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetPfns(world.ext, held, mdl, &pfns, NULL, &offset),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetPfns(world.ext, held, mdl, &pfns, &count, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.violations, 0);
	/* another MDL, or none at all: never followed */
	expect_is(pfns_of(held, &r), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "no MDL of the SRB");
	expect_is(pfns_of(held, (PVOID)8), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "no MDL of the SRB");
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
	expect_is(pfns_of(held, mdl), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "is no SRB that"); /* SB-13 */
}

/* covers: StorPortGetPfns */
static void get_pfns_tells_the_frames_of_the_srbs_mdl_alone(void **state)
{
	miniport.start_io = hold;
	world_run(DMA_CALLBACK_QUEUED, frames);
	assert_int_equal(world.start_result, 0);
}

/* ---- bounced: what the miniport sees is what the device works on ---- */

static void bounced(void)
{
	struct dma_master device = world_master();
	struct world_request r;
	PSTOR_SCATTER_GATHER_LIST list;
	PVOID va, mdl;
	char byte = 0x5a;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 10000);
	memset(r.data, 1, 10000);
	list = StorPortGetScatterGatherList(world.ext, held);
	expect_is(StorPortGetSystemAddress(world.ext, held, &va), STOR_STATUS_SUCCESS);
	/* R-6, KB 837413, X-17 */
	expect(va != r.data);
	expect_is(va, SrbGetDataBuffer(held));
	expect_is((uintptr_t)va % 4096, (uintptr_t)r.data % 4096);
	expect(list->List[0].PhysicalAddress.QuadPart + (LONGLONG)list->List[0].Length <=
		1ll << 32);
	expect_is(StorPortGetPhysicalAddress(world.ext, held, va, NULL).QuadPart,
		list->List[0].PhysicalAddress.QuadPart);
	expect_is(
		dma_bus_write(&device, (uint64_t)list->List[0].PhysicalAddress.QuadPart, &byte, 1),
		0);
	expect_is(*(char *)va, 0x5a);
	expect_is(r.data[0], 1); /* not yet */
	/* the MDL stays the original's */
	expect_is(StorPortGetOriginalMdl(world.ext, held, &mdl), STOR_STATUS_SUCCESS);
	expect_is(mdl, r.mdl);
	((char *)va)[9999] = 0x66; /* by the processor, as in a command that the miniport answers */
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_wait(r.done);
	expect_is(r.data[0], 0x5a);
	expect_is(r.data[9999], 0x66);
	world_end(&r);
	expect_is(world.violations, 0);
}

static void set_32_bits(PPORT_CONFIGURATION_INFORMATION config)
{
	config->Dma64BitAddresses = 0;
}

/* covers: StorPortGetScatterGatherList, StorPortGetSystemAddress */
static void the_miniport_sees_the_copy_that_the_list_points_to(void **state)
{
	miniport.start_io = hold;
	miniport.find = set_32_bits;
	miniport.memory = MEM_HIGH;
	miniport.dma.engine = DMA_BOUNCE;
	miniport.map_buffers = STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE;
	world_run(DMA_CALLBACK_QUEUED, bounced);
	assert_int_equal(world.start_result, 0);
}

/* ---- data in both directions ---- */

static struct world_request both;

static void submit_both(char *out, PMDL out_mdl, ULONG out_bytes, char *in, PMDL in_mdl)
{
	struct port_unit *unit = port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	struct port_request *request;
	struct port_data_in *other;
	KIRQL old;

	memset(&both, 0, sizeof(both));
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	request = port_request_get(&world.adapter->hba.port);
	request->unit = unit;
	request->function = SRB_FUNCTION_EXECUTE_SCSI;
	request->cdb_length = 10;
	memset(request->cdb, 0, sizeof(request->cdb));
	request->cdb[0] = 0x53; /* XDWRITEREAD(10) */
	request->flags = SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT;
	request->mdl = out_mdl;
	request->data = out;
	request->length = out_bytes;
	request->timeout = 5;
	request->done = world_request_done;
	request->ctx = &both;
	other = port_data_in_add(request);
	other->mdl = in_mdl;
	other->data = in;
	other->length = MmGetMdlByteCount(in_mdl);
	port_request_submit(request);
	KeLowerIrql(old);
}

static void check_in_list(PSTOR_SCATTER_GATHER_LIST list, const char *in, ULONG bytes)
{
	ULONG offset = 0;

	for (ULONG n = 0; n < list->NumberOfElements; n++)
		for (ULONG b = 0; b < list->List[n].Length; b++, offset++)
			expect_is(list->List[n].PhysicalAddress.QuadPart + b,
				mem_physical(in + offset));
	expect_is(offset, bytes);
}

static void both_ways(void)
{
	char *out = mem_alloc(8192, 0, MEM_DATA, NULL), *in = mem_alloc(12288, 0, MEM_DATA, NULL);
	PMDL out_mdl = IoAllocateMdl(out, 8192, FALSE, FALSE, NULL);
	PMDL in_mdl = IoAllocateMdl(in + 100, 10000, FALSE, FALSE, NULL);
	PSTORAGE_REQUEST_BLOCK srb;
	PSTOR_SCATTER_GATHER_LIST list = NULL, other = NULL;
	PVOID va = NULL, mdl = NULL, high = &va, pfns;
	ULONG count, offset;
	KIRQL old;

	MmBuildMdlForNonPagedPool(out_mdl);
	MmBuildMdlForNonPagedPool(in_mdl);
	expect_is(port_data_in_enable(&world.adapter->hba.port), 0);
	submit_both(out, out_mdl, 8192, in + 100, in_mdl);
	srb = (PVOID)held;
	expect_is(StorPortGetDataInBufferScatterGatherList(world.ext, srb, &list),
		STOR_STATUS_SUCCESS);
	expect(list != NULL);
	check_in_list(list, in + 100, 10000);
	other = StorPortGetScatterGatherList(world.ext, held);
	expect(other != list);
	check_in_list(other, out, 8192);
	expect_is(StorPortGetDataInBufferMdl(world.ext, srb, &mdl), STOR_STATUS_SUCCESS);
	expect_is(mdl, in_mdl);
	expect_is(StorPortGetDataInBufferSystemAddress(world.ext, srb, &va), STOR_STATUS_SUCCESS);
	expect_is(va, in + 100);
	expect_is(StorPortGetSystemAddress(world.ext, held, &va), STOR_STATUS_SUCCESS);
	expect_is(va, out);
	expect_is(StorPortGetPfns(world.ext, held, in_mdl, &pfns, &count, &offset),
		STOR_STATUS_SUCCESS);
	expect_is(count, 3);
	expect_is(offset, 100);
	/* SG-35 and its neighbours: the documented failures; any IRQL but for the address */
	expect_is(StorPortGetDataInBufferScatterGatherList(world.ext, srb, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetDataInBufferScatterGatherList(NULL, srb, &list),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetDataInBufferMdl(world.ext, srb, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetDataInBufferSystemAddress(world.ext, srb, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	KeRaiseIrql(HIGH_LEVEL, &old);
	expect_is(StorPortGetDataInBufferScatterGatherList(world.ext, srb, &list),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortGetDataInBufferMdl(world.ext, srb, &mdl), STOR_STATUS_SUCCESS);
	expect_is(world.violations, 0);
	expect_is(StorPortGetDataInBufferSystemAddress(world.ext, srb, &high),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	expect_is(high, NULL);
	KeLowerIrql(old);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_wait(both.done);
	expect_is(StorPortGetDataInBufferScatterGatherList(world.ext, srb, &list),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(list, NULL);
	expect_violation(0, "is no SRB that");
	IoFreeMdl(out_mdl);
	IoFreeMdl(in_mdl);
	mem_free(out, 8192);
	mem_free(in, 12288);
}

static void one_way(void)
{
	struct world_request r;
	PSTOR_SCATTER_GATHER_LIST list = (PVOID)1;
	PVOID mdl = &r, va = &r;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	expect_is(StorPortGetDataInBufferScatterGatherList(world.ext, (PVOID)held, &list),
		STOR_STATUS_SUCCESS);
	expect_is(list, NULL);
	expect_is(StorPortGetDataInBufferMdl(world.ext, (PVOID)held, &mdl), STOR_STATUS_SUCCESS);
	expect_is(mdl, NULL);
	expect_is(StorPortGetDataInBufferSystemAddress(world.ext, (PVOID)held, &va),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(va, NULL);
	expect_is(world.violations, 0);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
}

/*
 * covers: StorPortGetDataInBufferMdl, StorPortGetDataInBufferScatterGatherList,
 * StorPortGetDataInBufferSystemAddress
 */
static void data_in_of_a_command_of_both_ways_has_mdl_list_and_address(void **state)
{
	miniport.start_io = hold;
	world_run(DMA_CALLBACK_QUEUED, both_ways);
	assert_int_equal(world.start_result, 0);
	world_miniport(NULL);
	miniport.start_io = hold;
	world_good(one_way);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(system_address_and_original_mdl_are_the_srbs_while_the_miniport_has_it),
		world_test(get_pfns_tells_the_frames_of_the_srbs_mdl_alone),
		world_test(the_miniport_sees_the_copy_that_the_list_points_to),
		world_test(data_in_of_a_command_of_both_ways_has_mdl_list_and_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
