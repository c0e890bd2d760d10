/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * `dryport trace FILE`: the lines of a trace (`--trace` of a machine, src/trace/trace_format.h)
 * that are asked for, or how many there are of each type.
 */
#include "cli.h"
#include "term.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define TYPES_MAX     64
#define PROCESSORS    65 /* the last: not on a processor */
#define NAME_MAX_SIZE 32
#define HEADER	      "# dryport trace 1:"

const struct cli_option cli_trace_options[] = {
	{"type", "LIST", "events of these types: srb.*,irq"},
	{"srb", "ID", "events of this request"},
	{"cpu", "N", "events on this processor; - for those on none"},
	{"from", "TIME", "events from this time on: 1500, 3us, 2ms, 1s"},
	{"to", "TIME", "events up to this time"},
	{"summary", "", "in place of the events: how many of each type, and on which processor"},
	{NULL, NULL, NULL},
};

/* One event of the file; the texts are in its line. */
struct event {
	uint64_t ns;
	unsigned processor;
	const char *type;
	bool has_id;
	uint64_t id;
};

struct filter {
	char *types; /* NULL: all */
	bool has_srb, has_cpu;
	uint64_t srb, cpu, from, to;
};

struct type_count {
	char name[NAME_MAX_SIZE];
	uint64_t on[PROCESSORS], all;
};

struct counts {
	struct type_count types[TYPES_MAX];
	unsigned type_count;
	struct type_count total;
	uint64_t first_ns, last_ns;
};

/* ---- options ---- */

static bool number_read(const char *text, char **end, uint64_t *number)
{
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*number = strtoull(text, end, 10);
	return !errno;
}

static bool time_read(const char *text, uint64_t *ns)
{
	static const struct {
		const char *suffix;
		uint64_t ns;
	} units[] = {{"", 1}, {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
	char *end;

	if (!number_read(text, &end, ns))
		return false;
	for (unsigned n = 0; n < sizeof(units) / sizeof(units[0]); n++)
		if (!strcmp(end, units[n].suffix))
			return !__builtin_mul_overflow(*ns, units[n].ns, ns);
	return false;
}

static int filter_read(struct filter *filter, const struct cli_args *args)
{
	const char *srb = cli_args_get(args, "srb"), *cpu = cli_args_get(args, "cpu");
	const char *from = cli_args_get(args, "from"), *to = cli_args_get(args, "to");
	const char *types = cli_args_get(args, "type");
	char *end = "";

	*filter = (struct filter){.to = UINT64_MAX, .has_srb = srb, .has_cpu = cpu};
	if (srb && (!number_read(srb, &end, &filter->srb) || *end))
		return cli_usage("trace: --srb %s: not a request's number", srb);
	filter->cpu = PROCESSORS - 1;
	if (cpu && strcmp(cpu, "-") &&
		(!number_read(cpu, &end, &filter->cpu) || *end || filter->cpu >= PROCESSORS - 1))
		return cli_usage("trace: --cpu %s: not a processor's number, nor -", cpu);
	if (from && !time_read(from, &filter->from))
		return cli_usage("trace: --from %s: not a time (1500, 3us, 2ms, 1s)", from);
	if (to && !time_read(to, &filter->to))
		return cli_usage("trace: --to %s: not a time (1500, 3us, 2ms, 1s)", to);
	filter->types = types ? strdup(types) : NULL;
	return types && !filter->types ? cli_fail("out of memory") : CLI_OK;
}

static bool type_matches(const char *list, const char *type)
{
	char pattern[128];
	size_t length;

	for (; *list; list += length + (list[length] == ',')) {
		length = strcspn(list, ",");
		snprintf(pattern, sizeof(pattern), "%.*s", (int)length, list);
		if (!fnmatch(pattern, type, 0))
			return true;
	}
	return false;
}

static bool matches(const struct filter *filter, const struct event *event)
{
	return event->ns >= filter->from && event->ns <= filter->to &&
	       (!filter->has_cpu || event->processor == filter->cpu) &&
	       (!filter->has_srb || (event->has_id && event->id == filter->srb)) &&
	       (!filter->types || type_matches(filter->types, event->type));
}

/* ---- lines ---- */

/* The next word of a line, NULL at its end; cuts it off. */
static char *word_next(char **line)
{
	char *word;

	*line += strspn(*line, " ");
	word = strsep(line, " \n");
	if (!*line)
		*line = word + strlen(word);
	return *word ? word : NULL;
}

/* Cuts the line into words. */
static bool event_read(struct event *event, char *line)
{
	char *time = word_next(&line), *place = word_next(&line), *irql = word_next(&line);
	char *level = word_next(&line), *station = word_next(&line), *end;
	char *type = word_next(&line), *name = word_next(&line), *value = word_next(&line);
	uint64_t processor = PROCESSORS - 1;

	if (!type || strcmp(irql, "irql") || !*level || strlen(station) != 1 ||
		!number_read(time, &end, &event->ns) || *end)
		return false;
	if (strcmp(place, "-") &&
		(strncmp(place, "cpu", 3) || !number_read(place + 3, &end, &processor) || *end ||
			processor >= PROCESSORS - 1))
		return false;
	event->processor = (unsigned)processor;
	event->type = type;
	event->has_id = name && value && !strcmp(name, "id");
	return !event->has_id || (number_read(value, &end, &event->id) && !*end);
}

static int count(struct counts *counts, const struct event *event)
{
	unsigned n = 0;

	while (n < counts->type_count && strcmp(counts->types[n].name, event->type))
		n++;
	if (n == TYPES_MAX || strlen(event->type) >= NAME_MAX_SIZE)
		return cli_fail("trace: %s: not a type of event", event->type);
	if (n == counts->type_count) {
		strcpy(counts->types[n].name, event->type);
		counts->type_count++;
	}
	counts->types[n].on[event->processor]++;
	counts->types[n].all++;
	if (!counts->total.all)
		counts->first_ns = event->ns;
	counts->total.on[event->processor]++;
	counts->total.all++;
	counts->last_ns = event->ns;
	return CLI_OK;
}

/* ---- the summary ---- */

static int type_compare(const void *a, const void *b)
{
	return strcmp(((const struct type_count *)a)->name, ((const struct type_count *)b)->name);
}

static void row_print(const struct type_count *row, const struct type_count *total)
{
	printf("%-16s %10llu", row->name, (unsigned long long)row->all);
	for (unsigned n = 0; n < PROCESSORS; n++)
		if (total->on[n])
			printf(" %9llu", (unsigned long long)row->on[n]);
	puts("");
}

static void summary_show(struct counts *counts)
{
	char word[16];

	qsort(counts->types, counts->type_count, sizeof(counts->types[0]), type_compare);
	printf("%-16s %10s", "event", "all");
	for (unsigned n = 0; n < PROCESSORS; n++) {
		snprintf(word, sizeof(word), n == PROCESSORS - 1 ? "-" : "cpu%u", n);
		if (counts->total.on[n])
			printf(" %9s", word);
	}
	puts("");
	for (unsigned n = 0; n < counts->type_count; n++)
		row_print(&counts->types[n], &counts->total);
	strcpy(counts->total.name, "all");
	row_print(&counts->total, &counts->total);
	printf("from %llu to %llu ns\n", (unsigned long long)counts->first_ns,
		(unsigned long long)counts->last_ns);
}

/* ---- the file ---- */

struct reader {
	const char *path;
	FILE *file;
	char *line, *words; /* the words are cut out of a copy */
	size_t line_size, words_size;
	unsigned long number;
	bool is_over; /* the line that says so has been seen */
};

static bool line_next(struct reader *reader, ssize_t *length)
{
	*length = getline(&reader->line, &reader->line_size, reader->file);
	reader->number++;
	return *length >= 0;
}

static char *words_of(struct reader *reader, size_t length)
{
	if (reader->words_size < length + 1) {
		free(reader->words);
		reader->words_size = 2 * (length + 1);
		reader->words = malloc(reader->words_size);
	}
	return reader->words ? memcpy(reader->words, reader->line, length + 1) : NULL;
}

static int lines_read(
	struct reader *reader, const struct filter *filter, struct counts *counts, bool prints)
{
	struct event event;
	ssize_t length;
	int status = CLI_OK;

	if (!line_next(reader, &length) || strncmp(reader->line, HEADER, strlen(HEADER)))
		return cli_fail(
			"%s: not a trace (`dryport run --trace FILE` writes one)", reader->path);
	while (!status && line_next(reader, &length)) {
		char *words;

		if (reader->line[0] == '#' || reader->line[length - 1] != '\n') {
			reader->is_over = reader->line[0] == '#';
			continue;
		}
		words = words_of(reader, (size_t)length);
		if (!words)
			return cli_fail("out of memory");
		if (!event_read(&event, words))
			return cli_fail("%s:%lu: not an event", reader->path, reader->number);
		if (!matches(filter, &event))
			continue;
		if (prints)
			fwrite(reader->line, 1, (size_t)length, stdout);
		status = count(counts, &event);
	}
	return status;
}

static int trace_show(struct reader *reader, const struct filter *filter, bool wants_summary)
{
	static struct counts counts;
	int status = lines_read(reader, filter, &counts, !wants_summary);

	if (status)
		return status;
	if (ferror(reader->file))
		return cli_fail("%s: %s", reader->path, strerror(errno));
	if (!reader->is_over)
		fprintf(stderr, "dryport: %s ends in the middle: its run was killed, or goes on\n",
			reader->path);
	if (!counts.total.all)
		return cli_fail("%s: no such event", reader->path);
	if (wants_summary)
		summary_show(&counts);
	if (fflush(stdout) || ferror(stdout))
		return cli_fail("standard output: %s", strerror(errno));
	return CLI_OK;
}

int cli_trace(const struct cli_args *args)
{
	struct reader reader = {.path = args->operand_count ? args->operands[0] : NULL};
	struct filter filter;
	int status;

	if (!reader.path)
		return cli_usage("trace: which file? `dryport run --trace FILE` writes one");
	status = filter_read(&filter, args);
	if (status)
		return status;
	reader.file = strcmp(reader.path, "-") ? fopen(reader.path, "re") : stdin;
	if (reader.file)
		status = trace_show(&reader, &filter, cli_args_get(args, "summary"));
	else
		status = cli_fail("%s: %s", reader.path, strerror(errno));
	if (reader.file && reader.file != stdin)
		fclose(reader.file);
	free(reader.line);
	free(reader.words);
	free(filter.types);
	return status;
}
