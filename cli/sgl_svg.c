/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The picture of a list: above, the buffer's pages as the driver sees them; in the middle the
 * elements; below, the frames in the order of their numbers, as memory has them. A band leads from
 * each element to what it stands for. Blue: the device works on the page itself. Orange: on a copy,
 * which an arrow ties to its page. Green: through the iommu.
 */
#include "sgl.h"
#include "cli.h"
#include "term.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEFT	110.0
#define TOP	64.0
#define BOX	38.0 /* height of a page */
#define GAP	92.0 /* between the rows */
#define BAR	30.0 /* height of an element */
#define BETWEEN 10.0 /* between frames that are no neighbours */

static const char style[] =
	"<style>text{font:12px sans-serif;fill:#222}.small{font-size:10px;fill:#555}"
	".title{font-size:15px;font-weight:bold}.row{font-weight:bold;fill:#444}"
	".page{fill:#f4f4f4;stroke:#999}.used{fill:#cfe0f5}.plain{fill:#7da9dd;stroke:#3b6ea8}"
	".copied{fill:#f5b971;stroke:#b06a10}.bus{fill:#9fd3a5;stroke:#3c8a46}"
	".band{opacity:.35;stroke:none}.copy{fill:none;stroke:#b06a10;stroke-dasharray:4 3}"
	".gap{fill:#999}</style>\n";

/* A frame in the lowest row. */
struct frame {
	uint64_t number;
	bool is_bus;		/* an address of the iommu, not memory */
	bool is_copy, is_plain; /* the device works on it */
	double x;
};

struct picture {
	const struct dry_sgl *sgl;
	FILE *out;
	double page; /* width of a page */
	double width;
	struct frame *frames; /* sorted */
	uint32_t frame_count;
};

static const char *class_of(const struct dry_sgl_page *page)
{
	return page->is_copied ? "copied" : page->is_translated ? "bus" : "plain";
}

/* ---- the lowest row ---- */

static int frame_compare(const void *a, const void *b)
{
	const struct frame *x = a, *y = b;

	if (x->is_bus != y->is_bus)
		return x->is_bus ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void frame_add(struct picture *picture, const struct frame *frame)
{
	for (uint32_t n = 0; n < picture->frame_count; n++)
		if (!frame_compare(&picture->frames[n], frame))
			return;
	picture->frames[picture->frame_count++] = *frame;
}

static bool frames_lay(struct picture *picture)
{
	const struct dry_sgl *sgl = picture->sgl;
	double x = LEFT;

	picture->frames = calloc(2 * sgl->pages, sizeof(*picture->frames));
	if (!picture->frames)
		return false;
	for (uint32_t n = 0; n < sgl->pages; n++) {
		const struct dry_sgl_page *page = &sgl->page[n];

		bool is_own = !page->is_copied && !page->is_translated;

		frame_add(picture, &(struct frame){.number = page->frame,
					   .is_plain = is_own && page->is_used});
		if (!is_own)
			frame_add(picture, &(struct frame){.number = page->shown,
						   .is_bus = page->is_translated,
						   .is_copy = page->is_copied});
	}
	qsort(picture->frames, picture->frame_count, sizeof(*picture->frames), frame_compare);
	for (uint32_t n = 0; n < picture->frame_count; n++) {
		if (n && picture->frames[n].number != picture->frames[n - 1].number + 1)
			x += BETWEEN;
		picture->frames[n].x = x;
		x += picture->page;
	}
	picture->width = x + 20 < 640 ? 640 : x + 20;
	return true;
}

static const struct frame *frame_find(const struct picture *picture, uint64_t number, bool is_bus)
{
	const struct frame key = {.number = number, .is_bus = is_bus};

	return bsearch(&key, picture->frames, picture->frame_count, sizeof(key), frame_compare);
}

/* ---- drawing ---- */

static void row_name(const struct picture *picture, double y, const char *name, const char *more)
{
	fprintf(picture->out,
		"<text class=\"row\" x=\"8\" y=\"%.0f\">%s</text><text class=\"small\" x=\"8\" "
		"y=\"%.0f\">%s</text>\n",
		y, name, y + 14, more);
}

static void pages_draw(const struct picture *picture, double y)
{
	const struct dry_sgl *sgl = picture->sgl;
	double start = LEFT + sgl->offset / 4096.0 * picture->page;
	double length = (double)sgl->length / 4096.0 * picture->page;

	row_name(picture, y + 18, "Buffer", "virtual pages");
	for (uint32_t n = 0; n < sgl->pages; n++) {
		double x = LEFT + n * picture->page;

		fprintf(picture->out,
			"<rect class=\"page\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			"height=\"%.1f\"><title>page %u, frame 0x%" PRIx64 "</title></rect>\n",
			x, y, picture->page, BOX, n, sgl->page[n].frame);
	}
	fprintf(picture->out,
		"<rect class=\"used\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
		"pointer-events=\"none\"/>\n",
		start, y + 5, length, BOX - 10);
	for (uint32_t n = 0; n < sgl->pages && picture->page >= 18; n++)
		fprintf(picture->out,
			"<text class=\"small\" text-anchor=\"middle\" x=\"%.1f\" "
			"y=\"%.1f\">%u</text>\n",
			LEFT + (n + 0.5) * picture->page, y + BOX / 2 + 4, n);
}

static void band_draw(const struct picture *picture, const char *class, double x1, double w1,
	double y1, double x2, double w2, double y2)
{
	double middle = (y1 + y2) / 2;

	fprintf(picture->out,
		"<path class=\"band %s\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fL%.1f "
		"%.1fC%.1f %.1f %.1f %.1f %.1f %.1fZ\"/>\n",
		class, x1, y1, x1, middle, x2, middle, x2, y2, x2 + w2, y2, x2 + w2, middle,
		x1 + w1, middle, x1 + w1, y1);
}

/* An element page by page: what it stands for may lie in several frames. */
static void element_draw(const struct picture *picture, uint32_t n, double y, double frames_y)
{
	const struct dry_sgl *sgl = picture->sgl;
	const struct dry_sgl_element *element = &sgl->element[n];
	uint64_t at = sgl->offset + element->offset, end = at + element->length;
	double scale = picture->page / 4096.0, x = LEFT + (double)at * scale;
	double width = (double)element->length * scale;
	const char *class = class_of(&sgl->page[at >> 12]);

	band_draw(picture, class, x, width, y - GAP, x + 1, width - 2, y);
	while (at < end) {
		const struct dry_sgl_page *page = &sgl->page[at >> 12];
		uint64_t next = (at | 4095) + 1, piece = (next < end ? next : end) - at;
		const struct frame *frame = frame_find(picture, page->shown, page->is_translated);
		uint64_t in_page = (element->address + (at - sgl->offset - element->offset)) & 4095;

		if (frame)
			band_draw(picture, class_of(page), LEFT + (double)at * scale,
				(double)piece * scale, y + BAR, frame->x + (double)in_page * scale,
				(double)piece * scale, frames_y);
		at += piece;
	}
	fprintf(picture->out,
		"<rect class=\"%s\" rx=\"3\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		"height=\"%.1f\"><title>element %u: 0x%" PRIx64 ", %" PRIu64
		" bytes</title></rect>\n",
		class, x + 1, y, width > 3 ? width - 2 : width, BAR, n, element->address,
		element->length);
	if (width >= 100)
		fprintf(picture->out,
			"<text text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">0x%" PRIx64
			" + %" PRIu64 "</text>\n",
			x + width / 2, y + BAR / 2 + 4, element->address, element->length);
	else if (width >= 16)
		fprintf(picture->out,
			"<text text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%u</text>\n",
			x + width / 2, y + BAR / 2 + 4, n);
}

static void frames_draw(const struct picture *picture, double y)
{
	const struct dry_sgl *sgl = picture->sgl;

	row_name(picture, y + 18, "Memory", "frames by number");
	for (uint32_t n = 0; n < picture->frame_count; n++) {
		const struct frame *frame = &picture->frames[n];
		bool starts = !n || frame->number != frame[-1].number + 1 ||
			      frame->is_bus != frame[-1].is_bus;

		fprintf(picture->out,
			"<rect class=\"page%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			"height=\"%.1f\"><title>frame 0x%" PRIx64 "</title></rect>\n",
			frame->is_copy	  ? " copied"
			: frame->is_bus	  ? " bus"
			: frame->is_plain ? " used"
					  : "",
			frame->x, y, picture->page, BOX, frame->number);
		if (starts)
			fprintf(picture->out,
				"<text class=\"small\" transform=\"translate(%.1f %.1f) "
				"rotate(35)\">0x%" PRIx64 "%s</text>\n",
				frame->x + 4, y + BOX + 14, frame->number << 12,
				frame->is_bus	 ? " (bus)"
				: frame->is_copy ? " (copy)"
						 : "");
	}
	for (uint32_t n = 0; n < sgl->pages; n++) {
		const struct frame *from = frame_find(picture, sgl->page[n].frame, false);
		const struct frame *to =
			frame_find(picture, sgl->page[n].shown, sgl->page[n].is_translated);

		if (!from || !to || from == to)
			continue;
		fprintf(picture->out,
			"<path class=\"copy\" d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\"/>\n",
			from->x + picture->page / 2, y + BOX, from->x + picture->page / 2,
			y + BOX + 70, to->x + picture->page / 2, y + BOX + 70,
			to->x + picture->page / 2, y + BOX);
	}
}

static void head_draw(const struct picture *picture, double height)
{
	const struct dry_sgl *sgl = picture->sgl;

	fprintf(picture->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\">\n%s<rect width=\"100%%\" height=\"100%%\" "
		"fill=\"#fff\"/>\n",
		picture->width, height, picture->width, height, style);
	fprintf(picture->out,
		"<text class=\"title\" x=\"8\" y=\"24\">%" PRIu64
		" bytes at offset %u of %u page%s, %s: %u element%s</text>\n",
		sgl->length, sgl->offset, sgl->pages, sgl->pages == 1 ? "" : "s", sgl->layout,
		sgl->element_count, sgl->element_count == 1 ? "" : "s");
	fprintf(picture->out, "<text class=\"small\" x=\"8\" y=\"42\">engine %s", sgl->engine);
	if (sgl->width && sgl->width < 64)
		fprintf(picture->out, ", device of %u address bits", sgl->width);
	if (sgl->boundary)
		fprintf(picture->out, ", boundary %" PRIu64, sgl->boundary);
	if (sgl->max_length)
		fprintf(picture->out, ", elements of at most %u bytes", sgl->max_length);
	if (sgl->registers)
		fprintf(picture->out, ", %u map registers", sgl->registers);
	fprintf(picture->out, "</text>\n");
}

/* What the colours say, of those that there are. */
static void legend_draw(const struct picture *picture, double y)
{
	static const struct {
		const char *class, *text;
	} entries[] = {
		{"plain", "the device works on the page itself"},
		{"copied", "on a copy; dashed: copied from there, or back to there"},
		{"bus", "through addresses of the iommu; dashed: where they lead"},
	};
	double x = LEFT;

	for (unsigned n = 0; n < 3; n++) {
		bool is_there = false;

		for (uint32_t page = 0; page < picture->sgl->pages; page++)
			is_there |= picture->sgl->page[page].is_used &&
				    !strcmp(class_of(&picture->sgl->page[page]), entries[n].class);
		if (!is_there)
			continue;
		fprintf(picture->out,
			"<rect class=\"%s\" x=\"%.0f\" y=\"%.0f\" width=\"12\" "
			"height=\"12\"/><text class=\"small\" x=\"%.0f\" y=\"%.0f\">%s</text>\n",
			entries[n].class, x, y - 10, x + 18, y, entries[n].text);
		x += 40 + 5.6 * (double)strlen(entries[n].text);
	}
}

static void picture_draw(const struct picture *picture)
{
	double elements_y = TOP + BOX + GAP, frames_y = elements_y + BAR + GAP;

	head_draw(picture, frames_y + BOX + 130);
	pages_draw(picture, TOP);
	row_name(picture, elements_y + 14, "Elements", "what the device gets");
	for (uint32_t n = 0; n < picture->sgl->element_count; n++)
		element_draw(picture, n, elements_y, frames_y);
	frames_draw(picture, frames_y);
	legend_draw(picture, frames_y + BOX + 116);
	fprintf(picture->out, "</svg>\n");
}

bool sgl_svg(const struct dry_sgl *sgl, const char *path)
{
	struct picture picture = {.sgl = sgl, .page = sgl->pages <= 24 ? 56 : 1344.0 / sgl->pages};
	bool good;

	if (!frames_lay(&picture)) {
		cli_fail("no memory for the picture.");
		return false;
	}
	picture.out = fopen(path, "w");
	if (!picture.out) {
		cli_fail("%s: %s", path, strerror(errno));
		free(picture.frames);
		return false;
	}
	picture_draw(&picture);
	good = !ferror(picture.out);
	good &= !fclose(picture.out);
	if (!good)
		cli_fail("%s: %s", path, strerror(errno));
	free(picture.frames);
	return good;
}
