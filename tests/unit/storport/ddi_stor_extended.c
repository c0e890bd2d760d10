/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The dispatch of StorPortExtendedFunction, and the small functions behind it (1.7). */
#include "world.h"

/* Codes of 1.7 that are served here; 0x88 is the last that has a name. */
static bool is_served(unsigned code)
{
	/* first and last */
	static const unsigned char absent[][2] = {{0x36, 0x36}, {0x38, 0x38}, {0x41, 0x41},
		{0x43, 0x44}, {0x47, 0x47}, {0x4d, 0x4e}, {0x58, 0x5c}, {0x5e, 0x5e}, {0x72, 0x73},
		{0x77, 0xff}};

	for (unsigned n = 0; n < array_size(absent); n++)
		if (code >= absent[n][0] && code <= absent[n][1])
			return false;
	return true;
}

static ULONG call(unsigned code, PVOID ext)
{
	return ddi_result(StorPortExtendedFunction,
		StorPortExtendedFunction((STORPORT_FUNCTION_CODE)code, ext, NULL, NULL, NULL, NULL,
			NULL, NULL, NULL, NULL));
}

static void codes(void)
{
	for (unsigned code = 0; code < 0x100; code++) {
		if (!is_served(code))
			expect_is(call(code, world.ext), STOR_STATUS_NOT_IMPLEMENTED);
		/* The one documented trigger of most pages. */
		expect_is(call(code, NULL), is_served(code) ? STOR_STATUS_INVALID_PARAMETER
							    : STOR_STATUS_NOT_IMPLEMENTED);
	}
	expect_is(call(0x7fffffff, world.ext), STOR_STATUS_NOT_IMPLEMENTED);
	expect_is(call(0xffffffff, world.ext), STOR_STATUS_NOT_IMPLEMENTED);
	expect_is(call(0x80000000, world.ext), STOR_STATUS_NOT_IMPLEMENTED);
	expect_is(world.violations, 0);
	/* A pointer that is no extension is not followed. */
	expect_is(call(ExtFunctionFreePool, (PVOID)8), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "no HwDeviceExtension");
	expect_is(call(ExtFunctionFreePool, (PUCHAR)world.ext + 1), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "no HwDeviceExtension");
}

/* covers: StorPortExtendedFunction */
static void unknown_codes_are_not_implemented_and_no_extension_is_an_invalid_parameter(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, codes);
	assert_int_equal(world.start_result, 0);
}

/* ---- performance options ---- */

static PERF_CONFIGURATION_DATA perf(ULONG version)
{
	return (PERF_CONFIGURATION_DATA){
		.Version = version, .Size = sizeof(PERF_CONFIGURATION_DATA)};
}

static void perf_options(void)
{
	PERF_CONFIGURATION_DATA data = perf(STOR_PERF_VERSION), wrong;

	expect_is(StorPortInitializePerfOpts(world.ext, TRUE, &data), STOR_STATUS_SUCCESS);
	expect(data.Flags & STOR_PERF_DPC_REDIRECTION);
	expect(!(data.Flags & STOR_PERF_NO_SGL)); /* contract 8 */
	/* What was offered must be accepted. */
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_SUCCESS);
	wrong = data;
	wrong.Flags |= 0x40000000;
	/* a flag that is not recognised */
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &wrong), STOR_STATUS_UNSUCCESSFUL);
	/* SG-36: valid in version 5 */
	wrong = perf(STOR_PERF_VERSION_4);
	wrong.Flags = STOR_PERF_NO_SGL;
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &wrong), STOR_STATUS_UNSUCCESSFUL);
	wrong = perf(0);
	expect_is(StorPortInitializePerfOpts(world.ext, TRUE, &wrong),
		STOR_STATUS_UNSUPPORTED_VERSION);
	wrong = perf(99);
	expect_is(StorPortInitializePerfOpts(world.ext, TRUE, &wrong),
		STOR_STATUS_UNSUPPORTED_VERSION);
	expect_is(world.violations, 0);
	expect_is(StorPortInitializePerfOpts(world.ext, TRUE, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "StorPortPerfOpts");
}

/* By the same page: which flags need which others, and where what is completed is finished. */
static void perf_redirection(void)
{
	static const ULONG need[] = {STOR_PERF_INTERRUPT_MESSAGE_RANGES,
		STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO,
		STOR_PERF_DPC_REDIRECTION_CURRENT_CPU};
	PERF_CONFIGURATION_DATA data = perf(STOR_PERF_VERSION);
	const struct port_adapter *port = &stor_adapter_of(world.ext, "test")->hba.port;

	expect(!port->redirects);
	for (size_t n = 0; n < array_size(need); n++) {
		bool before = port->redirects;

		data.Flags = need[n];
		expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data),
			STOR_STATUS_UNSUCCESSFUL);
		expect_is(port->redirects, before);
		data.Flags |= STOR_PERF_DPC_REDIRECTION;
		expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_SUCCESS);
		expect_is(port->redirects, need[n] != STOR_PERF_DPC_REDIRECTION_CURRENT_CPU);
	}
	data.Flags = STOR_PERF_DPC_REDIRECTION;
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_SUCCESS);
	expect(port->redirects);
	data.Flags = 0;
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_SUCCESS);
	expect(!port->redirects);
}

/* Which processors messages 1 and 2 interrupt, by the page of PERF_CONFIGURATION_DATA. */
static void perf_locality(void)
{
	PERF_CONFIGURATION_DATA data = perf(STOR_PERF_VERSION);
	GROUP_AFFINITY target[3];
	MESSAGE_INTERRUPT_INFORMATION info;

	memset(target, 0x55, sizeof(target));
	data.Flags = STOR_PERF_ADV_CONFIG_LOCALITY;
	data.DeviceNode = 77;
	data.FirstRedirectionMessageNumber = 1;
	data.LastRedirectionMessageNumber = 2;
	data.MessageTargets = target;
	/* not without the other two */
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_UNSUCCESSFUL);
	data.Flags |= STOR_PERF_INTERRUPT_MESSAGE_RANGES;
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_UNSUCCESSFUL);
	expect_is(target[0].Mask, 0x5555555555555555);
	data.Flags |= STOR_PERF_DPC_REDIRECTION;
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_SUCCESS);
	expect_is(data.DeviceNode, 0);
	for (ULONG n = 0; n < 2; n++) {
		/* the one processor that the message's address names: PCI 3.0, 6.8 */
		expect_is(StorPortGetMSIInfo(world.ext, 1 + n, &info), STOR_STATUS_SUCCESS);
		expect_is(target[n].Mask, 1ull << (info.MessageAddress.QuadPart >> 12 & 0xff));
		expect_is(target[n].Group, 0);
	}
	expect_is(target[2].Mask, 0x5555555555555555);
	/* nobody has to want to know */
	data.MessageTargets = NULL;
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_SUCCESS);
}

static BOOLEAN NTAPI take_message(PVOID ext, ULONG message)
{
	return TRUE;
}

/* covers: StorPortInitializePerfOpts */
static void a_miniport_hears_where_its_messages_go(void **state)
{
	miniport.message = take_message;
	miniport.cpus = 3;
	miniport.initialize = perf_locality;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(world.violations, 0);
}

static void what_is_completed_is_finished_where_the_flags_say(void **state)
{
	miniport.initialize = perf_redirection;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(world.violations, 0);
}

static BOOLEAN NTAPI perf_in_passive(PVOID ext)
{
	PERF_CONFIGURATION_DATA data = perf(STOR_PERF_VERSION);

	expect_is(StorPortInitializePerfOpts(ext, TRUE, &data), STOR_STATUS_SUCCESS);
	return TRUE;
}

static void perf_later(void)
{
	PERF_CONFIGURATION_DATA data = perf(STOR_PERF_VERSION);

	expect_is(StorPortInitializePerfOpts(world.ext, TRUE, &data), STOR_STATUS_UNSUCCESSFUL);
}

/* */
/* covers: StorPortInitializePerfOpts */
static void performance_options_are_asked_for_while_initialising(void **state)
{
	miniport.initialize = perf_options;
	miniport.passive = perf_in_passive;
	world_run(DMA_CALLBACK_QUEUED, perf_later);
	assert_int_equal(world.start_result, 0);
}

static STARTIO_PERFORMANCE_PARAMETERS given;
static ULONG given_status;

static BOOLEAN ask_parameters(PSCSI_REQUEST_BLOCK srb)
{
	given_status = StorPortGetStartIoPerfParams(world.ext, srb, &given);
	world_give_back(srb, SRB_STATUS_SUCCESS);
	return TRUE;
}

static void submit_here(void *ctx)
{
	struct world_request r;

	memset(&given, 0xff, sizeof(given));
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	world_end(&r);
	expect_is(given_status, STOR_STATUS_SUCCESS);
	expect_is(given.ChannelNumber, (uintptr_t)ctx);
}

static void parameters(void)
{
	STARTIO_PERFORMANCE_PARAMETERS none;

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	submit_here((void *)0);
	world_on(1, submit_here, (void *)1);
	expect_is(StorPortGetStartIoPerfParams(world.ext, NULL, &none),
		STOR_STATUS_INVALID_PARAMETER);
}

static void take_two_channels(void)
{
	PERF_CONFIGURATION_DATA data = perf(STOR_PERF_VERSION);

	data.Flags = STOR_PERF_CONCURRENT_CHANNELS;
	data.ConcurrentChannels = 2;
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_SUCCESS);
}

/* covers: StorPortGetStartIoPerfParams */
static void each_processor_has_a_channel_of_its_own(void **state)
{
	miniport.cpus = 2;
	miniport.initialize = take_two_channels;
	miniport.start_io = ask_parameters;
	world_good(parameters);
}

/* ---- the rest ---- */

static void number_here(void *ctx)
{
	PROCESSOR_NUMBER number = {.Group = 7, .Number = 77, .Reserved = 7};

	expect_is(StorPortGetCurrentProcessorNumber(world.ext, &number), STOR_STATUS_SUCCESS);
	expect_is(number.Group, 0);
	expect_is(number.Number, (uintptr_t)ctx);
	expect_is(number.Reserved, 0);
}

static void small_ones(void)
{
	LARGE_INTEGER frequency, first, second;

	number_here((void *)0);
	world_on(1, number_here, (void *)1);
	expect_is(
		StorPortGetCurrentProcessorNumber(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);

	expect_is(StorPortQueryPerformanceCounter(world.ext, &frequency, &first),
		STOR_STATUS_SUCCESS);
	cpu_stall(2000000);
	expect_is(StorPortQueryPerformanceCounter(world.ext, NULL, &second), STOR_STATUS_SUCCESS);
	expect((second.QuadPart - first.QuadPart) * 1000 / frequency.QuadPart >= 2);
	expect_is(StorPortQueryPerformanceCounter(world.ext, &frequency, NULL),
		STOR_STATUS_INVALID_PARAMETER);

	expect_is(world.violations, 0);
}

/*
 * covers: StorPortExtendedFunction, StorPortGetCurrentProcessorNumber,
 * StorPortQueryPerformanceCounter
 */
static void the_small_functions_answer_and_refuse_null(void **state)
{
	miniport.cpus = 2;
	world_good(small_ones);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(
			unknown_codes_are_not_implemented_and_no_extension_is_an_invalid_parameter),
		world_test(performance_options_are_asked_for_while_initialising),
		world_test(what_is_completed_is_finished_where_the_flags_say),
		world_test(a_miniport_hears_where_its_messages_go),
		world_test(each_processor_has_a_channel_of_its_own),
		world_test(the_small_functions_answer_and_refuse_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
