/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a person reads: messages of one line, steps with ticks, a progress bar on terminals,
 * numbers. Colours and symbols only where the terminal and the locale take them (NO_COLOR is
 * obeyed).
 */
#ifndef DRY_CLI_TERM_H
#define DRY_CLI_TERM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* "dryport: ..." on stderr; returns CLI_FAILURE, CLI_USAGE. */
int cli_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct term {
	FILE *out;
	bool tty, colour, utf8;
};

void term_init(struct term *term, FILE *out);
const char *term_tick(const struct term *term, bool good);
/* A bar of `width` cells, filled to part / whole, in a buffer of the caller's (3 bytes a cell and
 * one). */
#define TERM_BAR_MAX 40
void term_bar(const struct term *term, char *buffer, unsigned width, uint64_t part, uint64_t whole);

/* One step of a job: on a terminal a line that changes while it runs, elsewhere only its end. */
struct step {
	const struct term *term;
	const char *text;
	uint64_t start_ns;
};

void step_begin(struct step *step, const struct term *term, const char *text);
/* part of whole is done. A whole of 0: not known. Call it as often as you like. */
void step_progress(struct step *step, uint64_t part, uint64_t whole);
/* detail may be "". */
void step_end(struct step *step, bool good, const char *detail);

uint64_t term_clock(void);

/* Numbers, in a buffer of the caller's: "12,345", "96.0 MiB", "1.2 ms". They return the buffer. */
#define NUMBER_MAX 32
const char *number_count(char *buffer, uint64_t n);
const char *number_bytes(char *buffer, uint64_t bytes);
const char *number_time(char *buffer, uint64_t ns);

#endif
