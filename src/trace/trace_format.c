/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The table of events, their names and those of their arguments; a line of text for each
 * (trace_format.h). Written by hand in place of snprintf: a run has hundreds of thousands of them.
 */
#include "trace/trace_format.h"

#include <string.h>

#define FIELDS 6

enum format {
	DECIMAL,
	HEX,	 /* with 0x */
	HEX2,	 /* two digits, as SCSI's pages write opcodes and status */
	MESSAGE, /* a message's number, or "line" */
	UNIT,	 /* a unit's number, or "all" */
	ADDRESS, /* bus:target:unit, a byte each */
	CLOSED,	 /* enum port_closed */
	RESET,
	BY,  /* an access to a register: left out where it was an accessor's */
	TEXT /* const char *: the last, in quotes */
};

struct field {
	const char *name; /* NULL: no more fields */
	uint8_t arg;
	uint8_t format;
	uint8_t shift, bits; /* where in the argument; 0 bits: to its end */
};

struct description {
	const char *name;
	char station;
	struct field field[FIELDS];
};

#define ID                                                                                         \
	{                                                                                          \
		"id", 0, DECIMAL, 0, 0                                                             \
	}

static const struct description descriptions[TRACE_TYPES] = {
	[TRACE_SRB_SUBMIT] = {"srb.submit", '1',
		{ID, {"function", 1, HEX2, 0, 8}, {"command", 1, HEX2, 8, 8},
			{"unit", 2, DECIMAL, 0, 0}, {"bytes", 3, DECIMAL, 0, 0}}},
	[TRACE_SRB_GO] = {"srb.go", '2', {ID, {"unit", 1, DECIMAL, 0, 0}}},
	[TRACE_DMA_MAP] = {"dma.map", '3',
		{ID, {"elements", 1, DECIMAL, 0, 0}, {"bytes", 2, DECIMAL, 0, 0},
			{"registers", 3, DECIMAL, 0, 0}}},
	[TRACE_HW_BUILDIO] = {"hw.buildio", '4', {ID}},
	[TRACE_HW_BUILDIO_END] = {"hw.buildio.end", '4', {ID, {"result", 1, DECIMAL, 0, 0}}},
	[TRACE_HW_STARTIO] = {"hw.startio", '4', {ID}},
	[TRACE_HW_STARTIO_END] = {"hw.startio.end", '4', {ID, {"result", 1, DECIMAL, 0, 0}}},
	[TRACE_DMA_TRANSFER] = {"dma.transfer", '5',
		{{"device", 0, DECIMAL, 0, 0}, {"address", 1, HEX, 0, 0},
			{"bytes", 2, DECIMAL, 0, 0}, {"writes", 3, DECIMAL, 0, 1},
			{"kind", 3, DECIMAL, 1, 0}}},
	[TRACE_IRQ] = {"irq", '6', {{"message", 0, MESSAGE, 0, 32}}},
	[TRACE_IRQ_END] = {"irq.end", '6',
		{{"message", 0, MESSAGE, 0, 32}, {"claimed", 1, DECIMAL, 0, 0}}},
	[TRACE_DPC] = {"dpc", '6', {{"dpc", 0, DECIMAL, 0, 0}}},
	[TRACE_DPC_END] = {"dpc.end", '6', {{"dpc", 0, DECIMAL, 0, 0}}},
	[TRACE_SRB_AGAIN] = {"srb.again", '7', {ID, {"times", 1, DECIMAL, 0, 0}}},
	[TRACE_SRB_DONE] = {"srb.done", '7',
		{ID, {"status", 1, HEX2, 0, 8}, {"bytes", 2, DECIMAL, 0, 0},
			{"took", 3, DECIMAL, 0, 0}}},
	[TRACE_REG_READ] = {"reg.read", '-',
		{{"slot", 0, DECIMAL, 0, 0}, {"bar", 1, DECIMAL, 0, 8}, {"offset", 2, HEX, 0, 0},
			{"size", 1, DECIMAL, 8, 8}, {"value", 3, HEX, 0, 0}, {"by", 1, BY, 16, 1}}},
	[TRACE_REG_WRITE] = {"reg.write", '-',
		{{"slot", 0, DECIMAL, 0, 0}, {"bar", 1, DECIMAL, 0, 8}, {"offset", 2, HEX, 0, 0},
			{"size", 1, DECIMAL, 8, 8}, {"value", 3, HEX, 0, 0}, {"by", 1, BY, 16, 1}}},
	[TRACE_SG_BUILD] = {"sg.build", '-',
		{{"adapter", 0, DECIMAL, 0, 0}, {"elements", 1, DECIMAL, 0, 0},
			{"bytes", 2, DECIMAL, 0, 0}, {"status", 3, HEX, 0, 0}}},
	[TRACE_SG_PUT] = {"sg.put", '-',
		{{"adapter", 0, DECIMAL, 0, 0}, {"elements", 1, DECIMAL, 0, 0},
			{"bytes", 2, DECIMAL, 0, 0}, {"status", 3, HEX, 0, 0}}},
	[TRACE_SG_GET] = {"sg.get", '-', {ID, {"elements", 1, DECIMAL, 0, 0}}},
	[TRACE_HW_TIMER] = {"hw.timer", '-', {{"adapter", 0, DECIMAL, 0, 0}}},
	[TRACE_HW_TIMER_END] = {"hw.timer.end", '-', {{"adapter", 0, DECIMAL, 0, 0}}},
	[TRACE_PORT_CLOSE] = {"port.close", '-',
		{{"adapter", 0, DECIMAL, 0, 0}, {"unit", 1, UNIT, 0, 0}, {"why", 2, CLOSED, 0, 0}}},
	[TRACE_PORT_OPEN] = {"port.open", '-',
		{{"adapter", 0, DECIMAL, 0, 0}, {"unit", 1, UNIT, 0, 0}, {"why", 2, CLOSED, 0, 0}}},
	[TRACE_RESET] = {"reset", '-',
		{{"what", 0, RESET, 0, 0}, {"address", 1, ADDRESS, 0, 0},
			{"for", 2, DECIMAL, 0, 0}}},
	[TRACE_RESET_END] = {"reset.end", '-',
		{{"what", 0, RESET, 0, 0}, {"address", 1, ADDRESS, 0, 0}, {"for", 2, DECIMAL, 0, 0},
			{"done", 3, DECIMAL, 0, 0}}},
	[TRACE_UNIT] = {"unit", '-',
		{{"unit", 0, DECIMAL, 0, 0}, {"address", 1, ADDRESS, 0, 0},
			{"there", 2, DECIMAL, 0, 0}}},
	[TRACE_STATE_CHANGE] = {"state.change", '-',
		{{"what", 0, HEX, 0, 0}, {"address", 1, ADDRESS, 0, 0},
			{"attributes", 2, HEX, 0, 0}}},
	[TRACE_VIOLATION] = {"violation", '-', {{"number", 1, HEX, 0, 0}, {"text", 0, TEXT, 0, 0}}},
	[TRACE_LOG] = {"log", '-',
		{{"number", 1, HEX, 0, 0}, {"level", 2, DECIMAL, 0, 0}, {"text", 0, TEXT, 0, 0}}},
	[TRACE_CPU_SWITCH] = {"cpu.switch", '-',
		{{"from", 0, DECIMAL, 0, 0}, {"to", 1, DECIMAL, 0, 0}}},
	[TRACE_WORKLOAD_BEGIN] = {"workload.begin", '-',
		{{"ops", 0, DECIMAL, 0, 0}, {"depth", 1, DECIMAL, 0, 0},
			{"seed", 2, DECIMAL, 0, 0}}},
	[TRACE_WORKLOAD_END] = {"workload.end", '-', {{"error", 0, DECIMAL, 0, 0}}},
	[TRACE_HW_CONTROL] = {"hw.control", '-',
		{{"adapter", 0, DECIMAL, 0, 0}, {"type", 1, DECIMAL, 0, 0}}},
	[TRACE_HW_CONTROL_END] = {"hw.control.end", '-',
		{{"adapter", 0, DECIMAL, 0, 0}, {"type", 1, DECIMAL, 0, 0},
			{"status", 2, DECIMAL, 0, 0}}},
	[TRACE_EVENT] = {"event", '-', {{"adapter", 1, DECIMAL, 0, 0}, {"what", 0, TEXT, 0, 0}}},
	[TRACE_EVENT_END] = {"event.end", '-',
		{{"adapter", 1, DECIMAL, 0, 0}, {"error", 2, DECIMAL, 0, 0},
			{"what", 0, TEXT, 0, 0}}},
	[TRACE_CAPABILITIES] = {"capabilities", '-',
		{{"adapter", 0, DECIMAL, 0, 0}, {"unit", 1, UNIT, 0, 0}, {"bits", 2, HEX, 0, 0}}},
};

_Static_assert(
	TRACE_WORKLOAD_END < 32, "a look at trace_wanted is one instruction for the lower half");
_Static_assert(TRACE_TYPES <= 64, "a bit for each");

static const char *const closed_words[] = {[1] = "paused",
	[2] = "busy",
	[4] = "resetting",
	[8] = "stopped",
	[16] = "retry",
	[64] = "away",
	[128] = "frozen",
	[256] = "locked"};
static const char *const reset_words[] = {"unit", "target", "bus", "command"};

const char *trace_name(enum trace_type type)
{
	if ((unsigned)type >= TRACE_TYPES || !descriptions[type].name)
		return "unknown";
	return descriptions[type].name;
}

/* ---- pieces; each returns the end of what it wrote ---- */

static char *put_text(char *at, const char *text)
{
	size_t length = strlen(text);

	memcpy(at, text, length);
	return at + length;
}

/* At least `least` characters, filled up with `fill` on the left. */
static char *put_number(char *at, uint64_t value, unsigned base, unsigned least, char fill)
{
	char digits[20];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	for (; least > count; least--)
		*at++ = fill;
	while (count)
		*at++ = digits[--count];
	return at;
}

static char *put_decimal(char *at, uint64_t value)
{
	return put_number(at, value, 10, 1, ' ');
}

static char *put_hex(char *at, uint64_t value)
{
	return put_number(put_text(at, "0x"), value, 16, 1, '0');
}

static char *put_address(char *at, uint64_t address)
{
	at = put_decimal(at, address >> 16 & 0xff);
	*at++ = ':';
	at = put_decimal(at, address >> 8 & 0xff);
	*at++ = ':';
	return put_decimal(at, address & 0xff);
}

static char *put_word(char *at, uint64_t value, const char *const *words, size_t count)
{
	return value < count && words[value] ? put_text(at, words[value]) : put_hex(at, value);
}

/* What would end the line or the quotes is replaced; room is left for the quote and the '\n'. */
static char *put_quoted(char *at, const char *end, const char *text)
{
	*at++ = '"';
	for (; *text && at < end - 2; text++) {
		unsigned char c = (unsigned char)*text;

		*at++ = c == '"' ? '\'' : c < ' ' || c == 0x7f ? ' ' : (char)c;
	}
	*at++ = '"';
	return at;
}

static char *put_field(char *at, const char *end, const struct field *field, uint64_t value)
{
	value >>= field->shift;
	if (field->bits)
		value &= (1ull << field->bits) - 1;
	if (field->format == BY && !value)
		return at;
	*at++ = ' ';
	at = put_text(at, field->name);
	*at++ = ' ';
	switch (field->format) {
	case HEX:
		return put_hex(at, value);
	case HEX2:
		return put_number(at, value, 16, 2, '0');
	case MESSAGE:
		return value == UINT32_MAX ? put_text(at, "line") : put_decimal(at, value);
	case UNIT:
		return value == UINT64_MAX ? put_text(at, "all") : put_decimal(at, value);
	case ADDRESS:
		return put_address(at, value);
	case CLOSED:
		return put_word(at, value, closed_words, array_size(closed_words));
	case RESET:
		return put_word(at, value, reset_words, array_size(reset_words));
	case BY:
		return put_text(at, "dereference");
	case TEXT:
		return put_quoted(at, end, (const char *)(uintptr_t)value);
	default:
		return put_decimal(at, value);
	}
}

static char *pad_to(char *at, const char *column)
{
	do
		*at++ = ' ';
	while (at < column);
	return at;
}

static char *put_place(char *at, const struct trace_event *event)
{
	char *start = at;

	if (event->processor == 0xff) {
		*at++ = '-';
		at = put_text(pad_to(at, start + 6), "irql -");
	} else {
		at = put_decimal(put_text(at, "cpu"), event->processor);
		at = put_decimal(put_text(pad_to(at, start + 6), "irql "), event->irql);
	}
	return pad_to(at, start + 14);
}

size_t trace_format(char *line, uint64_t ns, const struct trace_event *event)
{
	static const struct description unknown = {"unknown", '-', {{NULL, 0, 0, 0, 0}}};
	const struct description *description =
		(unsigned)event->type < TRACE_TYPES ? &descriptions[event->type] : &unknown;
	const struct field *field = description->field;
	char *at = put_number(line, ns, 10, 13, ' '), *name;

	*at++ = ' ';
	at = put_place(at, event);
	*at++ = description->station;
	*at++ = ' ';
	name = at;
	at = put_text(at, description->name);
	if (field->name)
		at = pad_to(at, name + 15);
	for (; field < description->field + FIELDS && field->name; field++)
		at = put_field(
			at - (at[-1] == ' '), line + TRACE_LINE, field, event->arg[field->arg]);
	*at++ = '\n';
	return (size_t)(at - line);
}
