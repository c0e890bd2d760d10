/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Messages, steps and numbers for people. Used by every command. */
#include "cli.h"
#include "term.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STEP_WIDTH 46
#define BAR_WIDTH  24

static void message(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("dryport: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int cli_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	return CLI_FAILURE;
}

int cli_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap);
	va_end(ap);
	return CLI_USAGE;
}

void term_init(struct term *term, FILE *out)
{
	const char *name = getenv("TERM");

	term->out = out;
	term->tty = isatty(fileno(out)) && name && strcmp(name, "dumb");
	term->colour = term->tty && !getenv("NO_COLOR");
	term->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
}

const char *term_tick(const struct term *term, bool good)
{
	if (!term->utf8)
		return good ? "ok  " : "FAIL";
	if (!term->colour)
		return good ? "✓" : "✗";
	return good ? "\033[32m✓\033[0m" : "\033[31m✗\033[0m";
}

void term_bar(const struct term *term, char *buffer, unsigned width, uint64_t part, uint64_t whole)
{
	const char *full = term->utf8 ? "█" : "#";
	unsigned n, filled;

	if (width > TERM_BAR_MAX)
		width = TERM_BAR_MAX;
	if (part > whole)
		part = whole;
	filled = whole ? (unsigned)((double)part / (double)whole * width) : 0;
	/* what is there is seen */
	if (part && !filled)
		filled = 1;
	*buffer = 0;
	for (n = 0; n < filled; n++)
		buffer = stpcpy(buffer, full);
}

uint64_t term_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void step_begin(struct step *step, const struct term *term, const char *text)
{
	*step = (struct step){.term = term, .text = text, .start_ns = term_clock()};
	step_progress(step, 0, 0);
}

void step_progress(struct step *step, uint64_t part, uint64_t whole)
{
	char bar[3 * TERM_BAR_MAX + 1];
	const struct term *term = step->term;
	unsigned cells;

	if (!term->tty)
		return;
	fprintf(term->out, "\r\033[K  %s %-*s", term->utf8 ? "·" : "..", STEP_WIDTH, step->text);
	if (whole) {
		term_bar(term, bar, BAR_WIDTH, part, whole);
		cells = (unsigned)strlen(bar) / (term->utf8 ? 3 : 1);
		fprintf(term->out, " [%s%*s] %3u %%", bar, (int)(BAR_WIDTH - cells), "",
			part < whole ? (unsigned)((double)part / (double)whole * 100) : 100);
	}
	fflush(term->out);
}

void step_end(struct step *step, bool good, const char *detail)
{
	const struct term *term = step->term;

	fprintf(term->out, "%s  %s %-*s %5.1f s", term->tty ? "\r\033[K" : "",
		term_tick(term, good), STEP_WIDTH, step->text,
		(double)(term_clock() - step->start_ns) / 1e9);
	fprintf(term->out, "%s%s\n", *detail ? "   " : "", detail);
	fflush(term->out);
}

const char *number_count(char *buffer, uint64_t n)
{
	char digits[NUMBER_MAX];
	unsigned length = (unsigned)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	char *to = buffer;
	unsigned i;

	for (i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = 0;
	return buffer;
}

const char *number_bytes(char *buffer, uint64_t bytes)
{
	static const char *const unit[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	unsigned n = 0;

	for (; value >= 1024; value /= 1024)
		n++;
	snprintf(buffer, NUMBER_MAX, n ? "%.1f %s" : "%.0f %s", value, unit[n]);
	return buffer;
}

const char *number_time(char *buffer, uint64_t ns)
{
	static const char *const unit[] = {"ns", "us", "ms", "s"};
	double value = (double)ns;
	unsigned n = 0;

	for (; value >= 1000 && n < 3; value /= 1000)
		n++;
	snprintf(buffer, NUMBER_MAX, n ? "%.1f %s" : "%.0f %s", value, unit[n]);
	return buffer;
}
