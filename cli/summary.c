/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What happened in a machine: see summary.h. Used by run.c and job.c. */
#include "summary.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>

#define HISTOGRAM_WIDTH 28

/*
 * Whether what the device moved can be compared with what was asked for. Requests that failed may
 * have moved a part, a device that fails may not have moved what it said; a driver without a device
 * moves the bytes itself, unseen; with --no-stats nobody knows of either.
 */
static bool bytes_known(const struct dry_summary *s)
{
	return s->has_dma && s->srbs && !s->srb_errors && !s->has_crashed && !s->device_faults;
}

/* The heart of the whole. */
static bool bytes_agree(const struct dry_summary *s)
{
	return !bytes_known(s) || (s->dma_read == s->client_written + s->port_written &&
					  s->dma_written == s->client_read + s->port_read);
}

bool summary_is_good(const struct dry_summary *summary, const struct outcome *outcome)
{
	return outcome->stopped && !outcome->failure && !summary->violations && !summary->leaks &&
	       bytes_agree(summary);
}

/* ---- for a person ---- */

static void row(const struct term *term, const char *name)
{
	fprintf(term->out, "  %-12s ", name);
}

static void counts_print(const struct term *term, const struct dry_summary *s)
{
	char a[NUMBER_MAX], b[NUMBER_MAX], c[NUMBER_MAX];

	row(term, "requests");
	fprintf(term->out, "%s SRBs, %s with errors\n", number_count(a, s->srbs),
		number_count(b, s->srb_errors));
	row(term, "");
	fprintf(term->out, "%s interrupts, %s DPCs\n", number_count(a, s->interrupts),
		number_count(b, s->dpcs));
	row(term, "lists");
	fprintf(term->out, "%s got, %s built, %s put back\n", number_count(a, s->lists_got),
		number_count(b, s->lists_built), number_count(c, s->lists_put));
}

static void dereferenced_print(const struct term *term, const struct dry_summary *s)
{
	char a[NUMBER_MAX], b[NUMBER_MAX];

	if (!s->dereferenced)
		return;
	row(term, "registers");
	fprintf(term->out, "%s accesses without an accessor, %s of them in parts\n",
		number_count(a, s->dereferenced), number_count(b, s->dereferenced_split));
}

/* 1, 2, 3-4, 5-8 ...: the last one has no upper end. */
static void bucket_name(char name[NUMBER_MAX], unsigned n)
{
	unsigned low = n < 2 ? n + 1 : (1u << (n - 1)) + 1, high = 1u << n;

	if (n == DRY_HISTOGRAM - 1)
		snprintf(name, NUMBER_MAX, "%u or more", low);
	else if (low == high)
		snprintf(name, NUMBER_MAX, "%u", low);
	else
		snprintf(name, NUMBER_MAX, "%u-%u", low, high);
}

static void histogram_print(const struct term *term, const uint64_t elements[DRY_HISTOGRAM])
{
	char bar[3 * TERM_BAR_MAX + 1], name[NUMBER_MAX], count[NUMBER_MAX];
	uint64_t most = 0;
	bool first = true;
	unsigned n;

	for (n = 0; n < DRY_HISTOGRAM; n++)
		if (elements[n] > most)
			most = elements[n];
	for (n = 0; n < DRY_HISTOGRAM; n++) {
		if (!elements[n])
			continue;
		bucket_name(name, n);
		term_bar(term, bar, HISTOGRAM_WIDTH, elements[n], most);
		row(term, first ? "elements" : "");
		fprintf(term->out, "%9s  %s %s\n", name, bar, number_count(count, elements[n]));
		first = false;
	}
}

static void bytes_print(const struct term *term, const char *did, const char *client_did,
	uint64_t dma, uint64_t client, uint64_t port)
{
	char a[NUMBER_MAX], b[NUMBER_MAX], c[NUMBER_MAX];

	fprintf(term->out, "%-17s %14s bytes = client %-5s %s + port %s\n", did,
		number_count(a, dma), client_did, number_count(b, client), number_count(c, port));
}

static void dma_print(const struct term *term, const struct dry_summary *s)
{
	char a[NUMBER_MAX], b[NUMBER_MAX];

	row(term, "device DMA");
	if (!s->has_dma) {
		fprintf(term->out, "%s\n",
			s->has_process ? "by another process, which does not say what it moved"
				       : "none: the driver moves the data itself");
		row(term, "client");
		fprintf(term->out, "wrote %s bytes, read %s bytes\n",
			number_count(a, s->client_written), number_count(b, s->client_read));
		return;
	}
	bytes_print(
		term, "read from memory", "wrote", s->dma_read, s->client_written, s->port_written);
	row(term, "");
	bytes_print(
		term, "written to memory", "read", s->dma_written, s->client_read, s->port_read);
	row(term, "");
	fprintf(term->out, "%-17s %14s bytes\n", "rings and lists",
		number_count(a, s->dma_control));
}

/* In place of what the device moved: after a crash nobody can ask it. */
static void dump_print(const struct term *term, const struct dry_summary *s)
{
	char a[NUMBER_MAX], b[NUMBER_MAX], c[NUMBER_MAX];

	row(term, "crash");
	fprintf(term->out, "after %s operations, %s requests outstanding\n",
		number_count(a, s->crash_operations), number_count(b, s->crash_outstanding));
	row(term, "dump");
	fprintf(term->out, "%s bytes of memory, %s writes, %s\n", number_count(a, s->dump_bytes),
		number_count(b, s->dump_writes), number_time(c, s->dump_ns));
}

/* The log page's counters, in its order. */
static const char *const log_names[] = {"commands", "bytes_read", "bytes_written", "flushes",
	"ranges", "errors", "resets", "interrupts"};

static void log_print(const struct term *term, const uint64_t *log)
{
	char a[NUMBER_MAX], b[NUMBER_MAX], c[NUMBER_MAX], d[NUMBER_MAX];

	if (!log)
		return;
	row(term, "controller");
	fprintf(term->out, "%s commands, %s flushes, %s trims and zeros, %s interrupts\n",
		number_count(a, log[0]), number_count(b, log[3]), number_count(c, log[4]),
		number_count(d, log[7]));
}

static void latency_print(const struct term *term, const struct dry_summary *s)
{
	char a[NUMBER_MAX], b[NUMBER_MAX], c[NUMBER_MAX], d[NUMBER_MAX], count[NUMBER_MAX];

	if (!s->latency_samples)
		return;
	row(term, "latency");
	fprintf(term->out, "p50 %s, p90 %s, p99 %s, max %s (%s samples)\n",
		number_time(a, s->latency_ns[0]), number_time(b, s->latency_ns[1]),
		number_time(c, s->latency_ns[2]), number_time(d, s->latency_ns[3]),
		number_count(count, s->latency_samples));
}

static void faults_print(const struct term *term, const struct dry_summary *s)
{
	char a[NUMBER_MAX];

	if (!s->device_faults)
		return;
	row(term, "device");
	fprintf(term->out, "%s faults, the first: %s\n", number_count(a, s->device_faults),
		s->first_device_fault);
}

/* The reasons of a bad verdict, one a line. */
static void reason(const struct term *term, bool *first, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void reason(const struct term *term, bool *first, const char *fmt, ...)
{
	va_list ap;

	row(term, *first ? "verdict" : "");
	fprintf(term->out, "%s ", term_tick(term, false));
	va_start(ap, fmt);
	vfprintf(term->out, fmt, ap);
	va_end(ap);
	fputc('\n', term->out);
	*first = false;
}

static void verdict_print(
	const struct term *term, const struct dry_summary *s, const struct outcome *outcome)
{
	char a[NUMBER_MAX];
	bool first = true;

	if (!outcome->stopped)
		reason(term, &first, "the machine did not stop in good order");
	if (outcome->failure)
		reason(term, &first, "%s", outcome->failure);
	if (s->violations)
		reason(term, &first, "rules broken: %s, the first: %s",
			number_count(a, s->violations), s->first_violation);
	if (s->leaks)
		reason(term, &first, "left behind at the end: %s", number_count(a, s->leaks));
	if (!bytes_agree(s))
		reason(term, &first, "the device moved other bytes than were asked for");
	if (!first)
		return;
	row(term, "verdict");
	if (s->has_crashed)
		fprintf(term->out, "%s no rule broken, the disk has what memory held\n",
			term_tick(term, true));
	else
		fprintf(term->out, "%s %sno rule broken, nothing left\n", term_tick(term, true),
			bytes_known(s) ? "every byte is accounted for, " : "");
}

void summary_print(
	const struct term *term, const struct dry_summary *s, const struct outcome *outcome)
{
	char a[NUMBER_MAX];

	fputc('\n', term->out);
	/* a machine that crashed counted in vain */
	if (s->run_ns) {
		fprintf(term->out, "  %-12s %s, device %s, %s\n", "driver", s->driver, s->device,
			number_time(a, s->run_ns));
		counts_print(term, s);
		histogram_print(term, s->elements);
		dereferenced_print(term, s);
		if (s->has_crashed)
			dump_print(term, s);
		else
			dma_print(term, s);
		log_print(term, outcome->log);
		latency_print(term, s);
		faults_print(term, s);
	}
	verdict_print(term, s, outcome);
	fflush(term->out);
}

/* ---- for a program ---- */

static const struct {
	const char *name;
	size_t offset;
} numbers[] = {
#define NUMBER(field)                                                                              \
	{                                                                                          \
#field, offsetof(struct dry_summary, field)                                        \
	}
	NUMBER(client_read),
	NUMBER(client_written),
	NUMBER(port_read),
	NUMBER(port_written),
	NUMBER(dma_read),
	NUMBER(dma_written),
	NUMBER(dma_control),
	NUMBER(lists_got),
	NUMBER(lists_built),
	NUMBER(lists_put),
	NUMBER(srbs),
	NUMBER(srb_errors),
	NUMBER(interrupts),
	NUMBER(dpcs),
	NUMBER(latency_samples),
	NUMBER(violations),
	NUMBER(device_faults),
	NUMBER(dereferenced),
	NUMBER(dereferenced_split),
	NUMBER(leaks),
	NUMBER(run_ns),
	NUMBER(crash_operations),
	NUMBER(crash_outstanding),
	NUMBER(dump_bytes),
	NUMBER(dump_writes),
	NUMBER(dump_ns),
};

static void string_write(FILE *out, const char *name, const char *text)
{
	fprintf(out, "  \"%s\": \"", name);
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", (unsigned)*text);
		else
			fputc(*text, out);
	fputs("\",\n", out);
}

static void array_write(FILE *out, const char *name, const uint64_t *value, unsigned count)
{
	unsigned n;

	fprintf(out, "  \"%s\": [", name);
	for (n = 0; n < count; n++)
		fprintf(out, "%s%" PRIu64, n ? ", " : "", value[n]);
	fputs("],\n", out);
}

int summary_save(const char *path, const struct dry_summary *s, const struct outcome *outcome)
{
	FILE *out = fopen(path, "we");
	unsigned n;

	if (!out)
		return -errno;
	fputs("{\n", out);
	string_write(out, "driver", s->driver);
	string_write(out, "device", s->device);
	fprintf(out, "  \"has_dma\": %s,\n", s->has_dma ? "true" : "false");
	fprintf(out, "  \"has_process\": %s,\n", s->has_process ? "true" : "false");
	for (n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++)
		fprintf(out, "  \"%s\": %" PRIu64 ",\n", numbers[n].name,
			*(const uint64_t *)((const char *)s + numbers[n].offset));
	array_write(out, "elements", s->elements, DRY_HISTOGRAM);
	array_write(out, "latency_ns", s->latency_ns, 4);
	string_write(out, "first_violation", s->first_violation);
	string_write(out, "first_device_fault", s->first_device_fault);
	for (n = 0; outcome->log && n < sizeof(log_names) / sizeof(log_names[0]); n++)
		fprintf(out, "  \"log_%s\": %" PRIu64 ",\n", log_names[n], outcome->log[n]);
	fprintf(out, "  \"verdict\": \"%s\"\n}\n", summary_is_good(s, outcome) ? "good" : "bad");
	return fclose(out) == 0 ? 0 : -errno;
}
