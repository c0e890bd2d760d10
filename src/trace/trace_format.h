/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * An event as a line of text: time, processor, IRQL, station, name, arguments with their names.
 *
 *	      1234567 cpu1  irql 2   4 hw.startio.end   id 17 result 1
 *
 * The first five columns are separated by blanks and never empty ('-': not on a processor; no
 * station). A text stands last, in quotes. One table (trace_format.c) serves every reader.
 * Neighbours: trace.h; machine/trace_file.c writes such lines.
 */
#ifndef DRY_TRACE_TRACE_FORMAT_H
#define DRY_TRACE_TRACE_FORMAT_H

#include "trace/trace.h"

#define TRACE_LINE 1024 /* bytes that one line takes at most; a longer text is cut */

/* The first line of a file of such lines. */
#define TRACE_HEADER "# dryport trace 1: nanoseconds, processor, IRQL, station, event, arguments\n"

/* Writes the line, its '\n' included and no NUL after it, and returns its length. No allocation, no
 * lock, no locale: also in a signal handler. */
size_t trace_format(char *line, uint64_t ns, const struct trace_event *event);

#endif
