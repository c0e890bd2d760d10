/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What a miniport logs, as it stands in the trace, with the statuses of the pages. */
#include "world.h"
#include "../events.h"

static STOR_ADDR_BTL8 unit = {
	.Type = STOR_ADDRESS_TYPE_BTL8, .AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH};
#define UNIT ((PSTOR_ADDRESS)&unit)

/* What has been logged since the last look is this one line. */
static void expect_line(const char *line)
{
	if (strcmp(events, line))
		expect_fail(__FILE__, __LINE__, "logged \"%s\", not \"%s\"", events, line);
	events[0] = 0;
}

/* ---- ETW ---- */

#define KEYWORDS (STORPORT_ETW_EVENT_KEYWORD_IO | STORPORT_ETW_EVENT_KEYWORD_POWER)

static PSCSI_REQUEST_BLOCK held;

static BOOLEAN hold(PSCSI_REQUEST_BLOCK srb)
{
	held = srb;
	return TRUE;
}

static void etw(void)
{
	struct world_request r;
	char line[200];

	expect_is(StorPortEtwEvent2(world.ext, NULL, 7, u"it works", KEYWORDS,
			  StorportEtwLevelWarning, StorportEtwEventOpcodeStop, NULL, u"a", 16, NULL,
			  99),
		STOR_STATUS_SUCCESS);
	expect_line(
		"log number 0x7 level 3 text \"test adapter 0 Diagnose event 7 opcode 2 keywords "
		"0x5: it works, a 0x10\"\n");
	expect_is(StorPortEtwEvent4(world.ext, UNIT, 8, u"u", 0, StorportEtwLevelLogAlways,
			  StorportEtwEventOpcodeReceive, NULL, NULL, 1, u"b", 2, NULL, 3, u"d", 4),
		STOR_STATUS_SUCCESS);
	expect_line(
		"log number 0x8 level 0 text \"test adapter 0 0:0:0 Diagnose event 8 opcode 240 "
		"keywords 0: u, b 0x2, d 0x4\"\n");
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	expect_is(StorPortEtwEvent8(world.ext, NULL, 9, u"\x263a", 0, StorportEtwLevelVerbose, 0,
			  held, u"1", 1, u"2", 2, u"3", 3, u"4", 4, u"5", 5, u"6", 6, u"7", 7, u"8",
			  ~0ull),
		STOR_STATUS_SUCCESS);
	snprintf(line, sizeof(line),
		"log number 0x9 level 5 text \"test adapter 0 Diagnose event 9 opcode 0 keywords "
		"0: ?, "
		"srb %llu, 1 0x1, 2 0x2, 3 0x3, 4 0x4, 5 0x5, 6 0x6, 7 0x7, 8 "
		"0xffffffffffffffff\"\n",
		(unsigned long long)r.port->id);
	expect_line(line);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
}

static void channels(void)
{
	expect_is(StorPortEtwChannelEvent2(world.ext, NULL, StorportEtwEventHealth, 1, u"x", 0,
			  StorportEtwLevelError, 0, NULL, u"p", 1, u"q", 2),
		STOR_STATUS_SUCCESS);
	expect_line(
		"log number 0x1 level 2 text \"test adapter 0 Health event 1 opcode 0 keywords 0: "
		"x, p 0x1, q 0x2\"\n");
	expect_is(StorPortEtwChannelEvent4(world.ext, NULL, StorportEtwEventOperational, 2, u"y", 0,
			  StorportEtwLevelError, 0, NULL, u"p", 1, u"q", 2, u"r", 3, u"s", 4),
		STOR_STATUS_SUCCESS);
	expect_line("log number 0x2 level 2 text \"test adapter 0 Operational event 2 opcode 0 "
		    "keywords 0: y, p 0x1, q 0x2, r 0x3, s 0x4\"\n");
	expect_is(StorPortEtwChannelEvent8(world.ext, NULL, StorportEtwEventDiagnostic, 3, u"z", 0,
			  StorportEtwLevelError, 0, NULL, u"p", 1, u"q", 2, u"r", 3, u"s", 4, u"t",
			  5, u"u", 6, u"v", 7, u"w", 8),
		STOR_STATUS_SUCCESS);
	expect_line(
		"log number 0x3 level 2 text \"test adapter 0 Diagnose event 3 opcode 0 keywords "
		"0: z, p 0x1, q 0x2, r 0x3, s 0x4, t 0x5, u 0x6, v 0x7, w 0x8\"\n");
	expect_is(StorPortEtwChannelEvent2(world.ext, NULL, 3, 1, u"x", 0, StorportEtwLevelError, 0,
			  NULL, NULL, 1, NULL, 2),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortEtwChannelEvent4(world.ext, NULL, StorportEtwEventHealth, 1, NULL, 0,
			  StorportEtwLevelError, 0, NULL, NULL, 1, NULL, 2, NULL, 3, NULL, 4),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortEtwChannelEvent8(world.ext, NULL, StorportEtwEventHealth, 1, NULL, 0,
			  StorportEtwLevelError, 0, NULL, NULL, 1, NULL, 2, NULL, 3, NULL, 4, NULL,
			  5, NULL, 6, NULL, 7, NULL, 8),
		STOR_STATUS_INVALID_PARAMETER);
	expect_line("");
}

static void bad_events(void)
{
	WCHAR text[STORPORT_ETW_MAX_DESCRIPTION_LENGTH + 2];

	for (unsigned n = 0; n < array_size(text) - 1; n++)
		text[n] = 'x';
	text[array_size(text) - 1] = 0;
	expect_is(StorPortEtwEvent2(world.ext, NULL, 1, NULL, 0, 0, 0, NULL, NULL, 0, NULL, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortEtwEvent2(world.ext, NULL, 1, text, 0, 0, 0, NULL, NULL, 0, NULL, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortEtwEvent2(world.ext, NULL, 1, u"x", 0, StorportEtwLevelVerbose + 1, 0,
			  NULL, NULL, 0, NULL, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortEtwEvent4(world.ext, NULL, 1, u"x", 0, 0, 0, NULL, NULL, 0, NULL, 0, NULL,
			  0, u"more than 20 characters", 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortEtwEvent8(world.ext, NULL, 1, NULL, 0, 0, 0, NULL, NULL, 0, NULL, 0, NULL,
			  0, NULL, 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_line("");
	text[STORPORT_ETW_MAX_DESCRIPTION_LENGTH] = 0;
	expect_is(StorPortEtwEvent2(world.ext, NULL, 1, text, 0, 0, 0, NULL, NULL, 0, NULL, 0),
		STOR_STATUS_SUCCESS);
	expect_has(events, "xxxx\"\n");
}

static void run_logged(void (*body)(void))
{
	events_begin(EVENT(LOG));
	world_good(body);
	events_end();
}

/* What a request took at its target, in units of 100 ns. */
static void service_times(void)
{
	struct world_request r;
	char line[200];

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	StorPortNotification(IoTargetRequestServiceTime, world.ext, 1234ull, held);
	snprintf(line, sizeof(line),
		"log number 0x0 level 4 text \"request %llu took 123400 ns at its target\"\n",
		(unsigned long long)world.adapter->hba.port.last_id);
	expect_line(line);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
	StorPortNotification(IoTargetRequestServiceTime, world.ext, 1234ull, held);
	expect_violation(0, "IoTargetRequestServiceTime");
	StorPortNotification(IoTargetRequestServiceTime, world.ext, 1234ull, NULL);
	expect_line("");
}

static void a_target_s_time_is_logged(void **state)
{
	miniport.start_io = hold;
	run_logged(service_times);
}

/* covers: StorPortEtwEvent2, StorPortEtwEvent4, StorPortEtwEvent8 */
static void an_event_is_logged_with_its_named_parameters(void **state)
{
	miniport.start_io = hold;
	run_logged(etw);
	run_logged(bad_events);
}

/* covers: StorPortEtwChannelEvent2, StorPortEtwChannelEvent4, StorPortEtwChannelEvent8 */
static void an_event_is_logged_to_its_channel(void **state)
{
	run_logged(channels);
}

/* ---- bytes ---- */

static void streams(void)
{
	static UCHAR data[STORPORT_ETW_MAX_BYTE_STREAM_LENGTH + 1] = {1, 2, 0xff};

	expect_is(StorPortEtwLogByteStream(world.ext, NULL, StorportEtwEventHealth, 5, u"d", 0,
			  StorportEtwLevelInformational, 0, 3, data),
		STOR_STATUS_SUCCESS);
	expect_line(
		"log number 0x5 level 4 text \"test adapter 0 Health event 5 opcode 0 keywords 0: "
		"d, 3 bytes: 01 02 ff\"\n");
	expect_is(StorPortEtwLogError(world.ext, UNIT, 6, u"e", 17, data), STOR_STATUS_SUCCESS);
	expect_line(
		"log number 0x6 level 2 text \"test adapter 0 0:0:0 Operational event 6 opcode 0 "
		"keywords 0x1: e, 17 bytes: 01 02 ff 00 00 00 00 00 00 00 00 00 00 00 00 00 "
		"...\"\n");
	expect_is(StorPortEtwLogByteStream(
			  world.ext, NULL, StorportEtwEventHealth, 5, u"d", 0, 0, 0, 0, data),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortEtwLogByteStream(world.ext, NULL, StorportEtwEventHealth, 5, u"d", 0, 0,
			  0, sizeof(data), data),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortEtwLogByteStream(
			  world.ext, NULL, StorportEtwEventHealth, 5, u"d", 0, 0, 0, 3, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortEtwLogError(world.ext, NULL, 6, NULL, 3, data),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortEtwLogError(world.ext, NULL, 6, u"e", 0, data),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortEtwLogError(world.ext, NULL, 6, u"e", 3, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_line("");
}

/* covers: StorPortEtwLogByteStream, StorPortEtwLogError */
static void bytes_are_logged_as_far_as_a_line_goes(void **state)
{
	run_logged(streams);
}

static void telemetry(void)
{
	static UCHAR data[EVENT_BUFFER_MAX_LENGTH + 1] = {0xab};
	STORPORT_TELEMETRY_EVENT event = {.DriverVersion = 3,
		.EventId = 11,
		.EventName = "start",
		.EventVersion = 4,
		.ParameterName0 = "first",
		.ParameterValue0 = 1,
		.ParameterValue1 = 2,
		.ParameterName7 = "last",
		.ParameterValue7 = 8};

	expect_is(StorPortLogTelemetry(world.ext, UNIT, &event), STOR_STATUS_SUCCESS);
	expect_line("log number 0xb level 4 text \"test adapter 0 0:0:0 telemetry start, driver "
		    "version 3, event version 4, first 0x1, last 0x8\"\n");
	event.EventBuffer = data;
	event.EventBufferLength = 1;
	expect_is(StorPortLogTelemetryEx(world.ext, NULL, &event, StorMeasuresCategory),
		STOR_STATUS_SUCCESS);
	expect_line(
		"log number 0xb level 4 text \"test adapter 0 measures start, driver version 3, "
		"event version 4, first 0x1, last 0x8, 1 bytes: ab\"\n");
	expect_is(StorPortLogTelemetry(world.ext, NULL, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortLogTelemetryEx(world.ext, NULL, &event, StorMeasuresCategory + 1),
		STOR_STATUS_INVALID_PARAMETER);
	event.EventBufferLength = sizeof(data);
	expect_is(StorPortLogTelemetry(world.ext, NULL, &event), STOR_STATUS_INVALID_BUFFER_SIZE);
	event.EventBufferLength = 0;
	expect_is(StorPortLogTelemetryEx(world.ext, NULL, &event, StorTelemetryCategory),
		STOR_STATUS_INVALID_PARAMETER);
	expect_line("");
}

/* covers: StorPortLogTelemetry, StorPortLogTelemetryEx */
static void telemetry_is_logged(void **state)
{
	run_logged(telemetry);
}

/* ---- the event log, failures, notifications ---- */

static void event_log(void)
{
	static WCHAR *strings[] = {u"one", NULL, u"three"};
	static UCHAR dump[2] = {0x12, 0x34};
	STOR_LOG_EVENT_DETAILS event = {.InterfaceRevision = STOR_CURRENT_LOG_INTERFACE_REVISION,
		.EventAssociation = StorEventLunAssociation,
		.LunId = 3,
		.ErrorCode = 5,
		.UniqueId = 6,
		.DumpData = dump,
		.DumpDataSize = sizeof(dump),
		.StringCount = 3,
		.StringList = strings};
	ULONG most = 77;
	uint8_t irql;

	expect_is(StorPortLogSystemEvent(world.ext, &event, &most), STOR_STATUS_SUCCESS);
	expect_line(
		"log number 0x5 level 2 text \"test adapter 0 logs an event: error code 00000005, "
		"unique id 00000006, unit 0:0:3, 2 bytes: 12 34; one | | three\"\n");
	expect_is(most, 77); /* of what is too large only */
	/* A minor variation; no MaximumSize, as viostor. */
	event.InterfaceRevision++;
	expect_is(StorPortLogSystemEvent(world.ext, &event, NULL), STOR_STATUS_SUCCESS);
	events[0] = 0;
	event.InterfaceRevision = STOR_CURRENT_LOG_INTERFACE_REVISION + 0x100;
	expect_is(StorPortLogSystemEvent(world.ext, &event, NULL), STOR_STATUS_UNSUPPORTED_VERSION);
	expect_is(event.InterfaceRevision, STOR_CURRENT_LOG_INTERFACE_REVISION);
	expect_is(StorPortLogSystemEvent(world.ext, NULL, NULL), STOR_STATUS_INVALID_PARAMETER);
	event.StringList = NULL;
	expect_is(StorPortLogSystemEvent(world.ext, &event, NULL), STOR_STATUS_INVALID_PARAMETER);
	irql = cpu_irql_raise(STOR_DIRQL);
	expect_is(StorPortLogSystemEvent(world.ext, &event, NULL), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortLogSystemEvent at IRQL 8");
	cpu_irql_lower(irql);
	expect_line("");
}

/* covers: StorPortLogSystemEvent */
static void an_entry_of_the_event_log_is_decoded(void **state)
{
	run_logged(event_log);
}

static unsigned changes;

static void count_change(struct port_adapter *adapter)
{
	changes++;
}

static void failures(void)
{
	struct port_adapter *port = &world.adapter->hba.port;
	STOR_ADDR_BTL8 nobody = unit;

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	nobody.Lun = 5;
	expect_is(StorPortMarkDeviceFailed(world.ext, UNIT, 0, u"worn out"), STOR_STATUS_SUCCESS);
	expect_line(
		"log number 0x0 level 1 text \"test adapter 0 0:0:0 is marked as failed, code 0: "
		"worn out\"\n");
	expect_is(StorPortMarkDeviceFailedEx(world.ext, NULL,
			  STORPORT_MARK_DEVICE_FAILED_FLAG_PREDICTED_FAILURE, 9, NULL, 0, NULL, 0,
			  NULL),
		STOR_STATUS_SUCCESS);
	expect_line("log number 0x9 level 1 text \"test adapter 0 is marked as about to fail, code "
		    "9\"\n");
	expect_is(StorPortMarkDeviceFailedEx(world.ext, UNIT, 0, 9, u"hot", 3, "\1\2\3", 1, "\4"),
		STOR_STATUS_SUCCESS);
	expect_line("log number 0x9 level 1 text \"test adapter 0 0:0:0 is marked as failed, code "
		    "9: hot, 3 bytes: 01 02 03, 1 bytes: 04\"\n");
	expect_is(StorPortMarkDeviceFailed(world.ext, (PSTOR_ADDRESS)&nobody, 0, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortMarkDeviceFailedEx(world.ext, NULL, 4, 9, NULL, 0, NULL, 0, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_line("");
	/* Who looks after units is told that one is to be removed, or the adapter. */
	atomic_store(&port->changed, count_change);
	expect(!port->units[0]->has_failed && !port->has_failed);
	expect_is(StorPortMarkDeviceFailed(
			  world.ext, UNIT, STORPORT_MARK_DEVICE_FAILED_FLAG_REMOVE_DEVICE, NULL),
		STOR_STATUS_SUCCESS);
	expect(port->units[0]->has_failed && !port->has_failed);
	expect_is(StorPortMarkDeviceFailed(
			  world.ext, NULL, STORPORT_MARK_DEVICE_FAILED_FLAG_REMOVE_DEVICE, NULL),
		STOR_STATUS_SUCCESS);
	expect(port->has_failed);
	expect_is(changes, 2);
	atomic_store(&port->changed, NULL);
	events[0] = 0;
}

/* covers: StorPortMarkDeviceFailed, StorPortMarkDeviceFailedEx */
static void a_failed_device_is_told(void **state)
{
	run_logged(failures);
}

static void async(void)
{
	STOR_UNIT_ATTRIBUTES attributes = {.AsyncNotificationSupported = 1};
	STOR_ADDR_BTL8 other = unit;
	uint8_t irql;

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	expect_is(StorPortAsyncNotificationDetected(world.ext, UNIT, 0),
		STOR_STATUS_INVALID_DEVICE_REQUEST);
	expect_is(StorPortSetUnitAttributes(world.ext, UNIT, attributes), STOR_STATUS_SUCCESS);
	irql = cpu_irql_raise(STOR_DIRQL);
	expect_is(StorPortAsyncNotificationDetected(
			  world.ext, UNIT, RAID_ASYNC_NOTIFY_FLAG_DEVICE_STATUS),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortAsyncNotificationDetected(world.ext, UNIT, 0), STOR_STATUS_BUSY);
	expect_line("");
	cpu_irql_lower(irql);
	cpu_dpc_flush();
	expect_line(
		"log number 0x2 level 4 text \"test adapter 0 has an asynchronous notification, "
		"flags 0x2\"\n");
	/* None means all. */
	expect_is(StorPortAsyncNotificationDetected(world.ext, UNIT, 0), STOR_STATUS_SUCCESS);
	cpu_dpc_flush();
	expect_has(events, "flags 0x7");
	other.Target = 1;
	expect_is(StorPortAsyncNotificationDetected(world.ext, (PSTOR_ADDRESS)&other, 0),
		STOR_STATUS_INVALID_DEVICE_REQUEST);
	expect_is(StorPortAsyncNotificationDetected(world.ext, UNIT, 8),
		STOR_STATUS_INVALID_PARAMETER);
	other.Type = 9;
	expect_is(StorPortAsyncNotificationDetected(world.ext, (PSTOR_ADDRESS)&other, 0),
		STOR_STATUS_INVALID_PARAMETER);
}

/* covers: StorPortAsyncNotificationDetected, StorPortSetUnitAttributes */
static void a_notification_comes_by_dpc_one_at_a_time(void **state)
{
	run_logged(async);
}

/* ---- whether anybody looks on ---- */

static char tracing[64];

static VOID NTAPI tell_tracing(PVOID ext, BOOLEAN enabled)
{
	snprintf(tracing + strlen(tracing), sizeof(tracing) - strlen(tracing), "%s@%u%s ",
		enabled ? "on" : "off", KeGetCurrentIrql(), ext == world.ext ? "" : "?");
}

static void with_tracing(HW_INITIALIZATION_DATA *data)
{
	data->HwTracingEnabled = tell_tracing;
}

/* HwStorTracingEnabled: at PASSIVE_LEVEL, when events are taken, and when that ends. */
static void a_miniport_hears_whether_its_events_are_taken(void **state)
{
	miniport.data = with_tracing;
	tracing[0] = 0;
	world_good(NULL);
	assert_string_equal(tracing, "");
	run_logged(NULL);
	assert_string_equal(tracing, "on@0 off@0 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(a_miniport_hears_whether_its_events_are_taken),
		world_test(a_target_s_time_is_logged),
		world_test(an_event_is_logged_with_its_named_parameters),
		world_test(an_event_is_logged_to_its_channel),
		world_test(bytes_are_logged_as_far_as_a_line_goes),
		world_test(telemetry_is_logged),
		world_test(an_entry_of_the_event_log_is_decoded),
		world_test(a_failed_device_is_told),
		world_test(a_notification_comes_by_dpc_one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
