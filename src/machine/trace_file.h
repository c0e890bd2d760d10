/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The trace of a run: a subscriber that writes every event into a file, a line of text each, in the
 * order in which they were emitted (src/trace/trace_format.h). The file is whole when the machine
 * stops, when it crashes, when cpu_die ends it, and when a sanitizer does: its last line says
 * which,
 * "# end" or "# died". A process that is killed leaves the last part out.
 */
#ifndef DRY_MACHINE_TRACE_FILE_H
#define DRY_MACHINE_TRACE_FILE_H

/* Before anything of the machine runs. 0, or -errno with error_set if there can be no such file. */
int trace_file_start(const char *path);

/* When nothing of the machine runs any more: the file is complete and closed. -errno: something
 * could not be written (the first reason); what was written before that is there. */
int trace_file_stop(void);

/* The process is about to end: what is still in memory goes into the file, and nothing after it.
 * Async-signal-safe; any thread, one that was about to write an event too. Does nothing without a
 * trace. */
void trace_file_died(void);

#endif
