/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* `dryport sgl`: maps a described buffer for a described device, and shows the list as a table and
 * as a picture. */
#include "cli.h"
#include "sgl.h"
#include "term.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct cli_option cli_sgl_options[] = {
	{"pages", "N", "pages that the buffer stands on, 1 to 4096; default 8"},
	{"layout", "LAYOUT",
		"frames of the pages: contiguous, scattered (default), high (above 4 GiB), mixed "
		"(every other page high) or runs:N (N neighbours at a time)"},
	{"frames-seed", "N", "seed of the scattered frames; default 1"},
	{"offset", "N", "of the first byte in the first page; default 0"},
	{"length", "N", "bytes; default: to the end of the last page"},
	{"engine", "ENGINE", "direct (default), bounce or iommu"},
	{"width", "N", "address bits of the device, 1 to 64; default 64"},
	{"max-elements", "N", "elements that the list may have"},
	{"max-length", "N", "bytes that an element may have"},
	{"boundary", "N", "no element crosses a multiple of it, a power of two"},
	{"alignment", "N", "where elements start, a power of two"},
	{"map-registers", "N", "map registers of the machine"},
	{"whole", "", "where one page has to be copied, all are, into one run"},
	{"one-element", "", "the device has no scatter/gather"},
	{"svg", "FILE", "a picture of it"},
	{"json", "", "as JSON"},
	{NULL, NULL, NULL},
};

/* ---- options ---- */

static bool size_read(const char *text, uint64_t *value)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	char *end;
	unsigned shift = 0;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 0);
	if (*end && (suffix = strchr(suffixes, *end & ~0x20)) && *suffix) {
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		end++;
	}
	if (errno || *end || *value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return true;
}

/* The option's number into *value, which stays without it; false after a message. */
static bool option_get(
	const struct cli_args *args, const char *name, uint64_t low, uint64_t high, uint64_t *value)
{
	const char *text = cli_args_get(args, name);

	if (!text)
		return true;
	if (size_read(text, value) && *value >= low && *value <= high)
		return true;
	cli_usage("--%s %s: a number from %" PRIu64 " to %" PRIu64 " is needed.", name, text, low,
		high);
	return false;
}

static bool sgl_read(const struct cli_args *args, struct dry_sgl *sgl)
{
	uint64_t pages = 8, offset = 0, width = 64, max_elements = 0, max_length = 0, alignment = 0,
		 registers = 0;

	*sgl = (struct dry_sgl){.layout = "scattered", .engine = "direct", .seed = 1};
	if (!option_get(args, "pages", 1, DRY_SGL_PAGES_MAX, &pages) ||
		!option_get(args, "offset", 0, 4095, &offset) ||
		!option_get(args, "length", 1, UINT32_MAX, &sgl->length) ||
		!option_get(args, "frames-seed", 0, UINT64_MAX, &sgl->seed) ||
		!option_get(args, "width", 1, 64, &width) ||
		!option_get(args, "max-elements", 1, 65536, &max_elements) ||
		!option_get(args, "max-length", 512, UINT32_MAX, &max_length) ||
		!option_get(args, "boundary", 512, 1ull << 63, &sgl->boundary) ||
		!option_get(args, "alignment", 1, 4096, &alignment) ||
		!option_get(args, "map-registers", 2, 65536, &registers))
		return false;
	sgl->pages = (uint32_t)pages;
	sgl->offset = (uint32_t)offset;
	sgl->width = (unsigned)width;
	sgl->max_elements = (uint32_t)max_elements;
	sgl->max_length = (uint32_t)max_length;
	sgl->alignment = (uint32_t)alignment;
	sgl->map_registers = (uint32_t)registers;
	sgl->whole = cli_args_get(args, "whole") != NULL;
	sgl->one_element = cli_args_get(args, "one-element") != NULL;
	if (cli_args_get(args, "layout"))
		sgl->layout = cli_args_get(args, "layout");
	if (cli_args_get(args, "engine"))
		sgl->engine = cli_args_get(args, "engine");
	return true;
}

/* ---- output ---- */

static uint32_t copied(const struct dry_sgl *sgl)
{
	uint32_t count = 0;

	for (uint32_t n = 0; n < sgl->pages; n++)
		count += sgl->page[n].is_copied;
	return count;
}

/* "0-3": the pages that an element describes. */
static const char *pages_of(
	const struct dry_sgl *sgl, const struct dry_sgl_element *element, char *text, size_t size)
{
	uint64_t first = (sgl->offset + element->offset) >> 12;
	uint64_t last = (sgl->offset + element->offset + element->length - 1) >> 12;

	if (first == last)
		snprintf(text, size, "%" PRIu64, first);
	else
		snprintf(text, size, "%" PRIu64 "-%" PRIu64, first, last);
	return text;
}

static const char *kind_of(const struct dry_sgl *sgl, const struct dry_sgl_element *element)
{
	const struct dry_sgl_page *page = &sgl->page[(sgl->offset + element->offset) >> 12];

	return page->is_copied ? "copied" : page->is_translated ? "translated" : "";
}

static void table_print(const struct dry_sgl *sgl)
{
	char text[NUMBER_MAX], pages[2 * NUMBER_MAX];

	printf("  element  bus address         bytes       offset      page       \n");
	for (uint32_t n = 0; n < sgl->element_count; n++) {
		const struct dry_sgl_element *element = &sgl->element[n];

		printf("  %7u  0x%-16" PRIx64 "  %-10" PRIu64 "  0x%-8" PRIx64 "  %-9s  %s\n", n,
			element->address, element->length, element->offset,
			pages_of(sgl, element, pages, sizeof(pages)), kind_of(sgl, element));
	}
	printf("\n  %s on %u pages, %u element%s", number_bytes(text, sgl->length), sgl->pages,
		sgl->element_count, sgl->element_count == 1 ? "" : "s");
	if (sgl->registers)
		printf(", %u map registers", sgl->registers);
	if (copied(sgl))
		printf(", %u pages copied", copied(sgl));
	printf("; a device wrote through it: %s\n",
		sgl->is_right ? "every byte arrived" : "NOT every byte arrived");
}

static void json_print(const struct dry_sgl *sgl)
{
	printf("{\"pages\":%u,\"layout\":\"%s\",\"engine\":\"%s\",\"offset\":%u,\"length\":%" PRIu64
	       ",\"registers\":%u,\"copied\":%u,\"right\":%s,\"elements\":[",
		sgl->pages, sgl->layout, sgl->engine, sgl->offset, sgl->length, sgl->registers,
		copied(sgl), sgl->is_right ? "true" : "false");
	for (uint32_t n = 0; n < sgl->element_count; n++)
		printf("%s{\"address\":%" PRIu64 ",\"length\":%" PRIu64 ",\"offset\":%" PRIu64 "}",
			n ? "," : "", sgl->element[n].address, sgl->element[n].length,
			sgl->element[n].offset);
	printf("],\"frames\":[");
	for (uint32_t n = 0; n < sgl->pages; n++)
		printf("%s{\"frame\":%" PRIu64 ",\"shown\":%" PRIu64 ",\"copied\":%s}",
			n ? "," : "", sgl->page[n].frame, sgl->page[n].shown,
			sgl->page[n].is_copied ? "true" : "false");
	printf("]}\n");
}

int cli_sgl(const struct cli_args *args)
{
	const char *svg = cli_args_get(args, "svg");
	struct dry_sgl sgl;
	bool is_right;

	if (!sgl_read(args, &sgl))
		return CLI_USAGE;
	if (svg && sgl.pages > SGL_SVG_PAGES_MAX)
		return cli_usage("--svg: a picture has room for %d pages, not for %u.",
			SGL_SVG_PAGES_MAX, sgl.pages);
	switch (dry_sgl_make(&sgl)) {
	case 0:
		break;
	case -EINVAL:
		return cli_usage("sgl: %s", dry_error());
	default:
		return cli_fail("%s", dry_error());
	}
	if (cli_args_get(args, "json"))
		json_print(&sgl);
	else
		table_print(&sgl);
	is_right = sgl.is_right && (!svg || sgl_svg(&sgl, svg));
	dry_sgl_free(&sgl);
	return is_right ? CLI_OK : CLI_FAILURE;
}
