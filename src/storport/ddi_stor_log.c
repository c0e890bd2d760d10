/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a miniport logs: ETW events, telemetry, failures, entries of the system's event log. All of
 * it goes into the trace as one line of text with its parameters; failures and entries of the event
 * log are also shown at once. Nothing is filtered by keyword or level.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <stdio.h>

#define PARAMETERS_MAX 8
#define BYTES_SHOWN    16
#define ETW_LEVEL_MAX  StorportEtwLevelVerbose

/* ---- text ---- */

struct line {
	char text[900];
	size_t used;
};

static void put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct line *line, const char *format, ...)
{
	size_t room = sizeof(line->text) - line->used;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line->text + line->used, room, format, args);
	va_end(args);
	line->used += min_of((size_t)max_of(length, 0), room - 1);
}

static void put_wide(struct line *line, PCWSTR text)
{
	for (; *text; text++)
		put(line, "%c", *text >= ' ' && *text < 0x7f ? (char)*text : '?');
}

static void put_bytes(struct line *line, const UCHAR *data, ULONG length)
{
	put(line, ", %u bytes", (unsigned)length);
	for (ULONG n = 0; n < min_of(length, (ULONG)BYTES_SHOWN); n++)
		put(line, "%s%02x", n ? " " : ": ", data[n]);
	if (length > BYTES_SHOWN)
		put(line, " ...");
}

static void put_place(struct line *line, struct stor_adapter *adapter, PSTOR_ADDRESS address)
{
	PSTOR_ADDR_BTL8 unit = (PSTOR_ADDR_BTL8)address;

	put(line, "%s", adapter->hba.name);
	if (unit && unit->Type == STOR_ADDRESS_TYPE_BTL8)
		put(line, " %u:%u:%u", unit->Path, unit->Target, unit->Lun);
}

/* At most `most` characters, of a text that may be longer than may be read. */
static bool is_short(PCWSTR text, unsigned most)
{
	unsigned n = 0;

	while (n <= most && text[n])
		n++;
	return n <= most;
}

/* ---- ETW ---- */

static const char *const channels[] = {
	[StorportEtwEventDiagnostic] = "Diagnose",
	[StorportEtwEventOperational] = "Operational",
	[StorportEtwEventHealth] = "Health",
};

/* What all events begin with, in order. */
struct etw_event {
	PSTOR_ADDRESS address;
	ULONG channel, id;
	PCWSTR description;
	ULONGLONG keywords;
	ULONG level, opcode;
};

static void event_read(struct stor_call *args, bool has_channel, struct etw_event *event)
{
	event->address = stor_arg(args, PSTOR_ADDRESS);
	event->channel = has_channel ? stor_arg(args, ULONG) : StorportEtwEventDiagnostic;
	event->id = stor_arg(args, ULONG);
	event->description = stor_arg(args, PCWSTR);
	event->keywords = stor_arg(args, ULONGLONG);
	event->level = stor_arg(args, ULONG);
	event->opcode = stor_arg(args, ULONG);
}

static bool event_is_good(const struct etw_event *event)
{
	return event->description &&
	       is_short(event->description, STORPORT_ETW_MAX_DESCRIPTION_LENGTH) &&
	       event->channel < array_size(channels) && event->level <= ETW_LEVEL_MAX;
}

static void put_event(
	struct line *line, struct stor_adapter *adapter, const struct etw_event *event)
{
	put_place(line, adapter, event->address);
	put(line, " %s event %u opcode %u keywords %#llx: ", channels[event->channel],
		(unsigned)event->id, (unsigned)event->opcode, (unsigned long long)event->keywords);
	put_wide(line, event->description);
}

static void emit(const struct line *line, ULONG id, ULONG level)
{
	trace(TRACE_LOG, (uintptr_t)line->text, id, level);
}

/* A value without a name counts as 0, and is not shown. */
static bool put_parameters(struct line *line, struct stor_call *args, unsigned parameters)
{
	for (unsigned n = 0; n < parameters; n++) {
		PCWSTR name = stor_arg(args, PCWSTR);
		ULONGLONG value = stor_arg(args, ULONGLONG);

		if (!name)
			continue;
		if (!is_short(name, STORPORT_ETW_MAX_PARAM_NAME_LENGTH))
			return false;
		put(line, ", ");
		put_wide(line, name);
		put(line, " %#llx", (unsigned long long)value);
	}
	return true;
}

static ULONG etw_event(
	struct stor_adapter *adapter, struct stor_call *args, bool has_channel, unsigned parameters)
{
	struct port_request *request;
	struct line line = {.used = 0};
	struct etw_event event;

	event_read(args, has_channel, &event);
	request = port_request_find(&adapter->hba.port, stor_arg(args, PVOID));
	if (!event_is_good(&event))
		return STOR_STATUS_INVALID_PARAMETER;
	put_event(&line, adapter, &event);
	if (request)
		put(&line, ", srb %llu", (unsigned long long)request->id);
	if (!put_parameters(&line, args, parameters))
		return STOR_STATUS_INVALID_PARAMETER;
	emit(&line, event.id, event.level);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_etw_event2(struct stor_adapter *adapter, struct stor_call *args)
{
	return etw_event(adapter, args, false, 2);
}

ULONG stor_etw_event4(struct stor_adapter *adapter, struct stor_call *args)
{
	return etw_event(adapter, args, false, 4);
}

ULONG stor_etw_event8(struct stor_adapter *adapter, struct stor_call *args)
{
	return etw_event(adapter, args, false, PARAMETERS_MAX);
}

ULONG stor_etw_channel_event2(struct stor_adapter *adapter, struct stor_call *args)
{
	return etw_event(adapter, args, true, 2);
}

ULONG stor_etw_channel_event4(struct stor_adapter *adapter, struct stor_call *args)
{
	return etw_event(adapter, args, true, 4);
}

ULONG stor_etw_channel_event8(struct stor_adapter *adapter, struct stor_call *args)
{
	return etw_event(adapter, args, true, PARAMETERS_MAX);
}

ULONG stor_etw_bytes(struct stor_adapter *adapter, struct stor_call *args)
{
	struct line line = {.used = 0};
	struct etw_event event;
	const UCHAR *data;
	ULONG length;

	event_read(args, true, &event);
	length = stor_arg(args, ULONG);
	data = stor_arg(args, PUCHAR);
	if (!event_is_good(&event) || !data || !length ||
		length > STORPORT_ETW_MAX_BYTE_STREAM_LENGTH)
		return STOR_STATUS_INVALID_PARAMETER;
	put_event(&line, adapter, &event);
	put_bytes(&line, data, length);
	emit(&line, event.id, event.level);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_etw_error(struct stor_adapter *adapter, struct stor_call *args)
{
	struct etw_event event = {.channel = StorportEtwEventOperational,
		.level = StorportEtwLevelError,
		.keywords = STORPORT_ETW_EVENT_KEYWORD_IO};
	struct line line = {.used = 0};
	const UCHAR *data;
	ULONG length;

	event.address = stor_arg(args, PSTOR_ADDRESS);
	event.id = stor_arg(args, ULONG);
	event.description = stor_arg(args, PCWSTR);
	length = stor_arg(args, ULONG);
	data = stor_arg(args, PUCHAR);
	if (!event_is_good(&event) || !data || !length)
		return STOR_STATUS_INVALID_PARAMETER;
	put_event(&line, adapter, &event);
	put_bytes(&line, data, length);
	emit(&line, event.id, event.level);
	return STOR_STATUS_SUCCESS;
}

/* ---- telemetry ---- */

static ULONG telemetry(struct stor_adapter *adapter, PSTOR_ADDRESS address,
	PSTORPORT_TELEMETRY_EVENT event, ULONG category)
{
	struct line line = {.used = 0};

	if (!event || category > StorMeasuresCategory)
		return STOR_STATUS_INVALID_PARAMETER;
	if (event->EventBufferLength > EVENT_BUFFER_MAX_LENGTH)
		return STOR_STATUS_INVALID_BUFFER_SIZE;
	if (!event->EventBuffer != !event->EventBufferLength)
		return STOR_STATUS_INVALID_PARAMETER;
	put_place(&line, adapter, address);
	put(&line, " %s %.*s, driver version %u, event version %u",
		category == StorMeasuresCategory ? "measures" : "telemetry", EVENT_NAME_MAX_LENGTH,
		(const char *)event->EventName, (unsigned)event->DriverVersion,
		(unsigned)event->EventVersion);
	for (unsigned n = 0; n < PARAMETERS_MAX; n++) {
		const char *name = (const char *)&event->ParameterName0 +
				   n * (offsetof(STORPORT_TELEMETRY_EVENT, ParameterName1) -
					       offsetof(STORPORT_TELEMETRY_EVENT, ParameterName0));
		const ULONGLONG *value = (const void *)(name + EVENT_MAX_PARAM_NAME_LEN);

		if (*name)
			put(&line, ", %.*s %#llx", EVENT_MAX_PARAM_NAME_LEN, name,
				(unsigned long long)*value);
	}
	if (event->EventBuffer)
		put_bytes(&line, event->EventBuffer, event->EventBufferLength);
	emit(&line, event->EventId, StorportEtwLevelInformational);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_log_telemetry(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_ADDRESS address = stor_arg(args, PSTOR_ADDRESS);

	return telemetry(
		adapter, address, stor_arg(args, PSTORPORT_TELEMETRY_EVENT), StorTelemetryCategory);
}

ULONG stor_log_telemetry_ex(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_ADDRESS address = stor_arg(args, PSTOR_ADDRESS);
	PSTORPORT_TELEMETRY_EVENT event = stor_arg(args, PSTORPORT_TELEMETRY_EVENT);

	return telemetry(adapter, address, event, stor_arg(args, ULONG));
}

/* ---- failures and changes ---- */

static _Atomic bool *failed_of(struct stor_adapter *adapter, const STOR_ADDRESS *address)
{
	struct port_adapter *port = &adapter->hba.port;

	return address ? &stor_unit_of(adapter, address)->has_failed : &port->has_failed;
}

ULONG stor_log_failure(struct stor_adapter *adapter, const struct stor_failure *failure)
{
	const ULONG known = STORPORT_MARK_DEVICE_FAILED_FLAG_REMOVE_DEVICE |
			    STORPORT_MARK_DEVICE_FAILED_FLAG_PREDICTED_FAILURE;
	bool is_to_come = failure->flags & STORPORT_MARK_DEVICE_FAILED_FLAG_PREDICTED_FAILURE;
	struct line line = {.used = 0};

	if (failure->flags & ~known ||
		(failure->address && !stor_unit_of(adapter, failure->address)))
		return STOR_STATUS_INVALID_PARAMETER;
	put_place(&line, adapter, failure->address);
	put(&line, " is marked as %s, code %u", is_to_come ? "about to fail" : "failed",
		(unsigned)failure->code);
	if (failure->text) {
		put(&line, ": ");
		put_wide(&line, failure->text);
	}
	for (unsigned n = 0; n < array_size(failure->more); n++)
		if (failure->more[n].data && failure->more[n].bytes)
			put_bytes(&line, failure->more[n].data, failure->more[n].bytes);
	nt_debug_line(line.text);
	emit(&line, failure->code, StorportEtwLevelCritical);
	if (failure->flags & STORPORT_MARK_DEVICE_FAILED_FLAG_REMOVE_DEVICE) {
		atomic_store(failed_of(adapter, failure->address), true);
		port_adapter_changed(&adapter->hba.port);
	}
	return STOR_STATUS_SUCCESS;
}

void stor_log_service_time(struct stor_adapter *adapter, uint64_t duration, const void *srb)
{
	struct port_request *request = stor_request_of(adapter, srb, "IoTargetRequestServiceTime");
	struct line line = {.used = 0};

	if (!request)
		return;
	put(&line, "request %llu took %llu ns at its target", (unsigned long long)request->id,
		(unsigned long long)duration * 100);
	emit(&line, 0, StorportEtwLevelInformational);
}

/* No class driver is there to be told: it stands in the trace. */
static void async_tell(struct cpu_dpc *dpc)
{
	struct stor_adapter *adapter = dpc->ctx;
	struct line line = {.used = 0};
	uint64_t flags = atomic_exchange(&adapter->async_flags, 0);

	put(&line, "%s has an asynchronous notification, flags %#llx", adapter->hba.name,
		(unsigned long long)flags);
	emit(&line, (ULONG)flags, StorportEtwLevelInformational);
}

ULONG stor_async_notification(struct stor_adapter *adapter, PSTOR_ADDRESS address, uint64_t flags)
{
	struct port_unit *unit = stor_unit_of(adapter, address);
	uint64_t none = 0;

	if (!stor_address_is_good(address) || flags & ~(uint64_t)RAID_ASYNC_NOTIFY_SUPPORTED_FLAGS)
		return STOR_STATUS_INVALID_PARAMETER;
	if (!unit || !adapter->unit_attributes[unit->number].AsyncNotificationSupported)
		return STOR_STATUS_INVALID_DEVICE_REQUEST;
	if (!atomic_compare_exchange_strong(&adapter->async_flags, &none,
		    flags ? flags : RAID_ASYNC_NOTIFY_SUPPORTED_FLAGS))
		return STOR_STATUS_BUSY;
	adapter->async.fn = async_tell;
	adapter->async.ctx = adapter;
	adapter->async.cpu = CPU_HERE;
	cpu_dpc_queue(&adapter->async, NULL, NULL);
	return STOR_STATUS_SUCCESS;
}

/* ---- the event log ---- */

ULONG stor_log_event(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_LOG_EVENT_DETAILS details = stor_arg(args, PSTOR_LOG_EVENT_DETAILS);
	/* MaximumSize follows, for what is too large: nothing is. */
	struct line line = {.used = 0};

	if (stor_irql_too_high("StorPortLogSystemEvent"))
		return STOR_STATUS_INVALID_IRQL;
	if (!details || (details->DumpDataSize && !details->DumpData) ||
		(details->StringCount && !details->StringList))
		return STOR_STATUS_INVALID_PARAMETER;
	/* The lowest byte tells compatible revisions apart. */
	if (details->InterfaceRevision >> 8 != STOR_CURRENT_LOG_INTERFACE_REVISION >> 8) {
		details->InterfaceRevision = STOR_CURRENT_LOG_INTERFACE_REVISION;
		return STOR_STATUS_UNSUPPORTED_VERSION;
	}
	put(&line, "%s logs an event: error code %08x, unique id %08x", adapter->hba.name,
		(unsigned)details->ErrorCode, (unsigned)details->UniqueId);
	if (details->EventAssociation == StorEventLunAssociation)
		put(&line, ", unit %u:%u:%u", (unsigned)details->PathId,
			(unsigned)details->TargetId, (unsigned)details->LunId);
	put_bytes(&line, details->DumpData, details->DumpDataSize);
	for (ULONG n = 0; n < details->StringCount; n++) {
		put(&line, n ? " | " : "; ");
		if (details->StringList[n])
			put_wide(&line, details->StringList[n]);
	}
	nt_debug_line(line.text);
	emit(&line, details->ErrorCode, StorportEtwLevelError);
	return STOR_STATUS_SUCCESS;
}
