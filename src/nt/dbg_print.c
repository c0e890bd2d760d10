/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Dbg: a driver's messages, to stderr. A line is written at once, with its time, processor and
 * IRQL; a call that ends in mid-line is joined with the next one of the same processor and IRQL.
 */
#include "nt/format.h"
#include "nt/nt_check.h"
#include "nt/nt_parts.h"
#include "util/export.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	CALL_MAX = 512, /* Windows cuts what one call prints here */
	LINE_MAX_BYTES = 1024
};

struct line {
	unsigned used;
	uint8_t irql;
	char text[LINE_MAX_BYTES];
};

static int debug_level;
static struct line lines[CPU_MAX];

void nt_debug_line(const char *text)
{
	char out[LINE_MAX_BYTES + 64], number[4] = "-";
	uint64_t us = cpu_clock() / 1000;
	int length;

	if (cpu_self)
		snprintf(number, sizeof(number), "%u", cpu_self->number);
	length = snprintf(out, sizeof(out), "[%4llu.%06llu cpu %s irql %u] %s\n",
		(unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000), number,
		cpu_irql(), text);
	if (length >= (int)sizeof(out)) {
		length = sizeof(out) - 1;
		out[length - 1] = '\n';
	}
	/* What stderr does not take is lost: nobody could be told. */
	if (write(STDERR_FILENO, out, (size_t)length) < 0)
		return;
}

static void line_end(struct line *line)
{
	line->text[line->used] = 0;
	line->used = 0;
	nt_debug_line(line->text);
}

static void line_add(struct line *line, const char *text)
{
	uint8_t irql = cpu_irql();

	/* What was begun by code that is now interrupted stays its own. */
	if (line->used && line->irql != irql)
		line_end(line);
	line->irql = irql;
	for (; *text; text++) {
		if (*text == '\n' || line->used == sizeof(line->text) - 1)
			line_end(line);
		if (*text != '\n' && *text != '\r')
			line->text[line->used++] = *text;
	}
}

static ULONG print(const char *prefix, const char *format, __builtin_ms_va_list args)
{
	char text[CALL_MAX + 1];
	/* A host thread's calls are not joined. */
	struct line host_line = {0}, *line;

	cpu_poll();
	if (!format || nt_vformat(text, sizeof(text), format, args) < 0)
		return STATUS_INVALID_PARAMETER;
	/* No safepoint from here on: nobody else uses this processor's line. */
	line = cpu_self ? &lines[cpu_self->number] : &host_line;
	line_add(line, prefix);
	line_add(line, text);
	if (host_line.used)
		line_end(&host_line);
	return STATUS_SUCCESS;
}

/* A level below 32 is a bit's number, any other one a mask of bits. */
static bool is_wanted(ULONG level)
{
	ULONG bits = level < 32 ? 1u << level : level & ~DPFLTR_MASK;

	if (debug_level < 0)
		return false;
	return debug_level >= 31 || (bits & ((2u << debug_level) - 1));
}

ULONG NTAPI DbgPrint(PCSTR Format, ...)
{
	__builtin_ms_va_list args;
	ULONG status;

	if (debug_level < 0)
		return STATUS_SUCCESS;
	__builtin_ms_va_start(args, Format);
	status = print("", Format, args);
	__builtin_ms_va_end(args);
	return status;
}
DRY_EXPORT(DbgPrint)

ULONG NTAPI DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...)
{
	__builtin_ms_va_list args;
	ULONG status;

	if (!is_wanted(Level))
		return STATUS_SUCCESS;
	__builtin_ms_va_start(args, Format);
	status = print("", Format, args);
	__builtin_ms_va_end(args);
	return status;
}
DRY_EXPORT(DbgPrintEx)

ULONG NTAPI vDbgPrintEx(ULONG ComponentId, ULONG Level, PCCH Format, DDK_VA_LIST arglist)
{
	return is_wanted(Level) ? print("", Format, arglist) : STATUS_SUCCESS;
}
DRY_EXPORT(vDbgPrintEx)

ULONG NTAPI vDbgPrintExWithPrefix(
	PCCH Prefix, ULONG ComponentId, ULONG Level, PCCH Format, DDK_VA_LIST arglist)
{
	return is_wanted(Level) ? print(Prefix ? Prefix : "", Format, arglist) : STATUS_SUCCESS;
}
DRY_EXPORT(vDbgPrintExWithPrefix)

void nt_debug_init(int level)
{
	debug_level = level;
	for (unsigned i = 0; i < CPU_MAX; i++)
		lines[i].used = 0;
}

void nt_debug_fini(void)
{
	for (unsigned i = 0; i < CPU_MAX; i++)
		if (lines[i].used)
			line_end(&lines[i]);
}
