/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Compares the tables of docs/os-releases.md with the program's: all its lines that begin with '|',
 * in order. Without an argument it prints the tables.
 */
#include "dma/dma_os.h"
#include "storport/os_table.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *page;
static char *line;
static size_t line_size;
static unsigned differences;

static bool next_row(void)
{
	while (getline(&line, &line_size, page) >= 0)
		if (line[0] == '|') {
			line[strcspn(line, "\n")] = 0;
			return true;
		}
	return false;
}

__attribute__((format(printf, 1, 2))) static void row(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!page) {
		puts(text);
		return;
	}
	if (next_row() && !strcmp(line, text))
		return;
	if (!differences++)
		fprintf(stderr, "the page has:    %s\nthe program has: %s\n",
			feof(page) ? "no more rows" : line, text);
}

static void title(const char *text)
{
	if (!page)
		printf("\n%s\n\n", text);
}

static const char *source(const struct stor_os_row *of)
{
	return of->page ? of->page : "no page";
}

static void releases(void)
{
	title("releases");
	row("| `--os` | version | build | service pack |");
	row("|---|---|---|---|");
	for (unsigned os = NT_OS_VISTA; os < NT_OS_COUNT; os++) {
		struct nt_os_version version = nt_os_version((enum nt_os)os);

		row("| %s | %u.%u | %u | %u |", nt_os_name((enum nt_os)os), version.major,
			version.minor, version.build, version.service_pack);
	}
}

static void details(void)
{
	const struct stor_os_row *of;
	uint32_t bytes;

	title("structures");
	row("| what | bytes | since | page |");
	row("|---|---|---|---|");
	for (unsigned n = 0; (of = stor_os_detail(n, &bytes)) != NULL; n++)
		if (bytes)
			row("| %s | %#x | %s | %s |", of->name, bytes, nt_os_name(of->since),
				source(of));
		else
			row("| %s | | %s | %s |", of->name, nt_os_name(of->since), source(of));
}

static void dma(void)
{
	title("DMA");
	row("| `--os` | version 0, 1 | version 2 | version 3 |");
	row("|---|---|---|---|");
	for (unsigned os = NT_OS_VISTA, last = 1; os < NT_OS_COUNT; os++) {
		uint32_t size = dma_operations_size(3, (enum nt_os)os);

		if (size == last)
			continue;
		last = size;
		if (size)
			row("| from %s | %#x | %#x | %#x |", nt_os_name((enum nt_os)os),
				dma_operations_size(1, (enum nt_os)os),
				dma_operations_size(2, (enum nt_os)os), size);
		else
			row("| from %s | %#x | %#x | NULL |", nt_os_name((enum nt_os)os),
				dma_operations_size(1, (enum nt_os)os),
				dma_operations_size(2, (enum nt_os)os));
	}
}

static void functions(void)
{
	const struct stor_os_row *of;

	title("extended functions");
	row("| code | function | since | page |");
	row("|---|---|---|---|");
	for (unsigned code = 0; (of = stor_os_function(code)) != NULL; code++)
		row("| %02x | %s | %s | %s |", code, of->name, nt_os_name(of->since), source(of));
}

static void notifications(void)
{
	const struct stor_os_row *of;
	unsigned type;

	title("notifications");
	row("| type | wrapper | since | page |");
	row("|---|---|---|---|");
	for (unsigned n = 0; (of = stor_os_notification(n, &type)) != NULL; n++)
		row("| %#x | %s | %s | %s |", type, of->name, nt_os_name(of->since), source(of));
}

static void exports(void)
{
	const struct stor_os_row *of;

	title("by name");
	row("| routine | since | page |");
	row("|---|---|---|");
	for (unsigned n = 0; (of = stor_os_export(n)) != NULL; n++)
		row("| %s | %s | %s |", of->name, nt_os_name(of->since), source(of));
}

int main(int argc, char **argv)
{
	if (argc > 1 && !(page = fopen(argv[1], "r")))
		err(1, "%s", argv[1]);
	releases();
	details();
	dma();
	notifications();
	functions();
	exports();
	if (page && next_row() && !differences++)
		fprintf(stderr, "the page has a row too many: %s\n", line);
	if (page)
		fclose(page);
	free(line);
	return differences != 0;
}
