/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Text files in; see registry_text.h. */
#include "nt/registry_text.h"
#include "nt/registry.h"
#include "nt/rtl_unicode.h"
#include "util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX_BYTES = 64 << 20 };

unsigned text_utf8(const char *text, size_t left)
{
	const uint8_t *p = (const uint8_t *)text;
	unsigned bytes = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	if (!bytes || *p > 0xf4 || bytes > left)
		return 0;
	for (unsigned n = 1; n < bytes; n++)
		if ((p[n] & 0xc0) != 0x80)
			return 0;
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xf0 && p[1] < 0x90) ||
		(*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return bytes;
}

static int decode_utf16(struct text *text, const void *bytes, size_t count)
{
	size_t chars = count / 2;
	WCHAR *wide;

	if (count % 2)
		return error_set(EINVAL, "%s: UTF-16 with an odd number of bytes.", text->name);
	wide = malloc(count + 2); /* the bytes need not be aligned */
	text->bytes = malloc(3 * chars + 1);
	if (!wide || !text->bytes) {
		free(wide);
		return error_set(ENOMEM, "%s: no memory for it.", text->name);
	}
	memcpy(wide, bytes, count);
	text->count = reg_narrow(wide, chars, text->bytes, 3 * chars + 1);
	free(wide);
	return 0;
}

static int decode_bytes(struct text *text, const char *bytes, size_t count)
{
	size_t used = 0;

	text->bytes = malloc(3 * count + 1);
	if (!text->bytes)
		return error_set(ENOMEM, "%s: no memory for it.", text->name);
	for (size_t n = 0; n < count;) {
		unsigned length = text_utf8(bytes + n, count - n);
		WCHAR c;

		if (length) {
			memcpy(text->bytes + used, bytes + n, length);
			used += length;
			n += length;
			continue;
		}
		c = rtl_from_ansi((uint8_t)bytes[n++]);
		used += reg_narrow(&c, 1, text->bytes + used, 4);
	}
	text->bytes[used] = 0;
	text->count = used;
	return 0;
}

int text_decode(struct text *text, const char *name, const void *bytes, size_t count)
{
	const uint8_t *p = bytes;
	const char *zero;
	int err;

	*text = (struct text){.name = name};
	if (count >= 2 && p[0] == 0xfe && p[1] == 0xff)
		return error_set(EINVAL, "%s: UTF-16 with the high byte first.", name);
	if (count >= 2 && p[0] == 0xff && p[1] == 0xfe)
		err = decode_utf16(text, p + 2, count - 2);
	else if (count >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		err = decode_bytes(text, (const char *)p + 3, count - 3);
	else
		err = decode_bytes(text, bytes, count);
	if (err) {
		free(text->bytes);
		text->bytes = NULL;
		return err;
	}
	text->next = text->bytes;
	zero = memchr(text->bytes, 0, text->count);
	if (!zero)
		return 0;
	for (const char *c = text->bytes; c < zero; c++)
		text->line += *c == '\n';
	text->line++;
	err = text_fault(text, "a zero character; this is no text file.");
	free(text->bytes);
	text->bytes = NULL;
	return err;
}

int text_read(struct text *text, const char *path)
{
	FILE *file = fopen(path, "re");
	char *bytes = NULL, *larger;
	size_t count = 0, room = 0;
	int err = 0;

	if (!file)
		return error_set(errno, "%s: %s.", path, strerror(errno));
	while (!err && !feof(file)) {
		if (count == room) {
			room = room ? 2 * room : 65536;
			larger = room > FILE_MAX_BYTES ? NULL : realloc(bytes, room);
			if (!larger) {
				err = error_set(EFBIG, "%s: too large.", path);
				break;
			}
			bytes = larger;
		}
		count += fread(bytes + count, 1, room - count, file);
		if (ferror(file))
			err = error_set(errno, "%s: %s.", path, strerror(errno));
	}
	fclose(file);
	if (!err)
		err = text_decode(text, path, bytes, count);
	free(bytes);
	return err;
}

char *text_line(struct text *text)
{
	char *line = text->next, *end;

	if (!line || !*line)
		return NULL;
	end = line + strcspn(line, "\r\n");
	text->next = end + (end[0] == '\r' && end[1] == '\n') + (*end != 0);
	*end = 0;
	text->line++;
	return line;
}

char *text_trim(char *line)
{
	char *end;

	line += strspn(line, " \t");
	end = line + strlen(line);
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = 0;
	return line;
}

int text_fault(const struct text *text, const char *fmt, ...)
{
	char what[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return error_set(EINVAL, "%s:%u: %s", text->name, text->line, what);
}
