/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The format of Registry Editor's .reg files, in and out. See registry.h.
 *
 *	Windows Registry Editor Version 5.00        or REGEDIT4, whose hex(1), (2) and (7) are bytes
 *	                                            of the ANSI code page
 *	; a comment
 *	[HKEY_LOCAL_MACHINE\SOFTWARE\Acme]          [-...] deletes the key
 *	@="the default value"
 *	"Name"="text with \\ and \" in it"          "Name"=- deletes the value
 *	"A\x000ab"="..."                            ours: a character of control in a value's name,
 *	                                            for which the format has nothing
 *	"Number"=dword:0000000a
 *	"Bytes"=hex:01,02,\                         hex(T): a value of type T, its bytes
 *	  03
 */
#include "nt/registry.h"
#include "nt/registry_text.h"
#include "nt/rtl_unicode.h"
#include "util/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *name, *path;
} hives[] = {
	{"HKEY_LOCAL_MACHINE", "Machine"},
	{"HKLM", "Machine"},
	{"HKEY_USERS", "User"},
	{"HKU", "User"},
	{"HKEY_CURRENT_USER", "User\\.Default"},
	{"HKCU", "User\\.Default"},
	{"HKEY_CLASSES_ROOT", "Machine\\SOFTWARE\\Classes"},
	{"HKCR", "Machine\\SOFTWARE\\Classes"},
	{"HKEY_CURRENT_CONFIG", "Machine\\SYSTEM\\CurrentControlSet\\Hardware Profiles\\Current"},
};

struct reader {
	struct text text;
	bool is_ansi;	     /* REGEDIT4 */
	bool has_key;	     /* a line with a key stood before */
	struct reg_key *key; /* NULL: it was deleted */
	uint8_t *data;	     /* of the value that is read; room for the whole text's */
	WCHAR *name;	     /* the same */
};

static int refused(const struct reader *reader, NTSTATUS status)
{
	return text_fault(&reader->text, status == STATUS_OBJECT_NAME_INVALID
						 ? "the key's name has an empty part, or one of "
						   "more than 255 characters, or too many parts."
					 : status == STATUS_INVALID_PARAMETER
						 ? "the value's name or its data are too long."
						 : "no memory for the registry.");
}

/* ---- keys ---- */

static const char *hive_path(const char *path, size_t length)
{
	for (size_t n = 0; n < array_size(hives); n++)
		if (strlen(hives[n].name) == length && !strncasecmp(path, hives[n].name, length))
			return hives[n].path;
	return NULL;
}

static int read_key(struct reader *reader, char *line)
{
	char *end = strrchr(line, ']'), *path = line + 1;
	bool is_gone = *path == '-';
	WCHAR wide[4096];
	const char *hive;
	UNICODE_STRING name;
	size_t length, count;
	NTSTATUS status;

	if (!end || *text_trim(end + 1))
		return text_fault(&reader->text, "the key's line does not end with ].");
	*end = 0;
	path += is_gone;
	length = strcspn(path, "\\");
	hive = hive_path(path, length);
	if (!hive)
		return text_fault(&reader->text,
			"'%.60s' begins with no HKEY that there is; one is HKEY_LOCAL_MACHINE.",
			path);
	count = reg_widen(hive, strlen(hive), wide, array_size(wide));
	count += reg_widen(
		path + length, strlen(path + length), wide + count, array_size(wide) - count);
	if (count > array_size(wide))
		return refused(reader, STATUS_OBJECT_NAME_INVALID);
	name = reg_string(wide, count);
	reader->has_key = true;
	reader->key = NULL;
	if (is_gone) {
		struct reg_key *key;

		if (path[length] && !reg_key_find(reg_root(), &name, &key))
			reg_key_delete_tree(key);
		return path[length] ? 0 : text_fault(&reader->text, "a whole HKEY cannot go.");
	}
	status = reg_key_make(reg_root(), &name, true, false, &reader->key, NULL);
	return status ? refused(reader, status) : 0;
}

/* ---- data ---- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* \xHHHH of a value's name, as write_quoted has it: its bytes; 0: it is none. */
static size_t escape_read(const char *from, char *to)
{
	unsigned character = 0;
	char text[4];
	WCHAR wide;
	size_t bytes;

	if (from[0] != '\\' || from[1] != 'x')
		return 0;
	for (unsigned n = 2; n < 6; n++) {
		if (!isxdigit((unsigned char)from[n]))
			return 0;
		character = character << 4 | (unsigned)hex_digit(from[n]);
	}
	wide = (WCHAR)character;
	bytes = reg_narrow(&wide, 1, text, sizeof(text));
	memcpy(to, text, bytes);
	return bytes;
}

/* The text after its opening quote; what stands behind the closing one. NULL: there is none.
 * Characters go to wide, an ending zero with them. */
static char *read_string(
	const struct reader *reader, char *at, bool is_name, WCHAR *wide, size_t *count)
{
	char *to = at, *from = at;

	for (; *from && *from != '"'; from++) {
		size_t bytes = is_name ? escape_read(from, to) : 0;

		if (bytes) {
			to += bytes;
			from += 5;
			continue;
		}
		if (*from == '\\' && (from[1] == '\\' || from[1] == '"'))
			from++;
		*to++ = *from;
	}
	if (*from != '"')
		return NULL;
	*count = reg_widen(at, (size_t)(to - at), wide, reader->text.count + 1);
	wide[*count] = 0;
	return text_trim(from + 1);
}

/* Takes a line's end with a backslash away and the next line in its place. */
static char *more_bytes(struct reader *reader, char *at)
{
	char *line;

	while (*at == '\\' && !at[1 + strspn(at + 1, " \t")]) {
		line = text_line(&reader->text);
		at = line ? text_trim(line) : at + strlen(at);
	}
	return at;
}

/* Bytes "01,0a,..."; how many, or -EINVAL. */
static int64_t read_bytes(struct reader *reader, char *at)
{
	int64_t count = 0;

	for (;;) {
		int digit, value = 0, digits = 0;

		at = more_bytes(reader, at + strspn(at, " \t"));
		while ((digit = hex_digit(*at)) >= 0 && digits++ < 2) {
			value = value << 4 | digit;
			at++;
		}
		if (digits)
			reader->data[count++] = (uint8_t)value;
		at += strspn(at, " \t");
		if (!*at || *at == ';')
			return count;
		if (!digits || *at != ',')
			return text_fault(&reader->text,
				"'%.20s' where a byte of two hexadecimal digits and a comma are "
				"due.",
				at);
		at++;
	}
}

/* REGEDIT4 writes strings in bytes; the tree has 16-bit characters. */
static void widen_ansi(struct reader *reader, int64_t *count)
{
	uint8_t *data = reader->data;

	for (int64_t n = *count; n-- > 0;) {
		WCHAR c = rtl_from_ansi(data[n]);

		memcpy(data + 2 * n, &c, sizeof(c));
	}
	*count *= 2;
}

static bool is_string_type(ULONG type)
{
	return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

static int read_hex(struct reader *reader, const UNICODE_STRING *name, char *at)
{
	ULONG type = REG_BINARY;
	int64_t count;
	NTSTATUS status;

	if (*at == '(') {
		char *end;

		type = (ULONG)strtoul(at + 1, &end, 16);
		if (end == at + 1 || hex_digit(at[1]) < 0 || *end != ')')
			return text_fault(&reader->text, "hex( is not followed by a type and ).");
		at = end + 1;
	}
	if (*at != ':')
		return text_fault(&reader->text, "hex is not followed by a colon.");
	count = read_bytes(reader, at + 1);
	if (count < 0)
		return (int)count;
	if (reader->is_ansi && is_string_type(type))
		widen_ansi(reader, &count);
	if (!reader->key)
		return 0;
	status = reg_value_set(reader->key, name, type, reader->data, (size_t)count);
	return status ? refused(reader, status) : 0;
}

static int read_dword(struct reader *reader, const UNICODE_STRING *name, char *at)
{
	char *digits = at, *end;
	uint32_t value = 0;
	NTSTATUS status;

	for (end = at; hex_digit(*end) >= 0; end++)
		value = value << 4 | (uint32_t)hex_digit(*end);
	at = text_trim(end);
	if (end == digits || end - digits > 8 || (*at && *at != ';'))
		return text_fault(
			&reader->text, "dword: is not followed by 1 to 8 hexadecimal digits.");
	if (!reader->key)
		return 0;
	status = reg_value_set(reader->key, name, REG_DWORD, &value, sizeof(value));
	return status ? refused(reader, status) : 0;
}

static int read_text(struct reader *reader, const UNICODE_STRING *name, char *at)
{
	WCHAR *wide = (WCHAR *)reader->data;
	size_t count;
	NTSTATUS status;

	at = read_string(reader, at, false, wide, &count);
	if (!at || (*at && *at != ';'))
		return text_fault(&reader->text, "%s",
			at ? "something follows the string." : "the string does not end.");
	if (!reader->key)
		return 0;
	status = reg_value_set(reader->key, name, REG_SZ, wide, (count + 1) * sizeof(WCHAR));
	return status ? refused(reader, status) : 0;
}

static int read_value(struct reader *reader, char *line)
{
	UNICODE_STRING name;
	size_t count = 0;
	char *at = line + 1;

	if (*line == '"')
		at = read_string(reader, at, true, reader->name, &count);
	if (!at)
		return text_fault(&reader->text, "the value's name does not end.");
	if (count > REG_VALUE_NAME_MAX)
		return refused(reader, STATUS_INVALID_PARAMETER);
	at = text_trim(at);
	if (*at != '=')
		return text_fault(&reader->text, "the value's name is not followed by =.");
	if (!reader->has_key)
		return text_fault(&reader->text, "a value before the first key.");
	at = text_trim(at + 1);
	name = reg_string(reader->name, count);
	if (*at == '-' && (!at[1] || at[1] == ' ' || at[1] == ';')) {
		if (reader->key)
			reg_value_delete(reader->key, &name);
		return 0;
	}
	if (*at == '"')
		return read_text(reader, &name, at + 1);
	if (!strncasecmp(at, "dword:", 6))
		return read_dword(reader, &name, text_trim(at + 6));
	if (!strncasecmp(at, "hex", 3))
		return read_hex(reader, &name, at + 3);
	return text_fault(&reader->text,
		"'%.40s' is no data: there are \"text\", dword:, hex:, hex(type): and -.", at);
}

static int read_lines(struct reader *reader)
{
	char *line = text_line(&reader->text);
	int err = 0;

	line = line ? text_trim(line) : NULL;
	reader->is_ansi = line && !strcmp(line, "REGEDIT4");
	if (!reader->is_ansi && (!line || strcmp(line, "Windows Registry Editor Version 5.00"))) {
		reader->text.line = 1;
		return text_fault(&reader->text,
			"it must begin with the line 'Windows Registry Editor Version 5.00' or "
			"'REGEDIT4'.");
	}
	while (!err && (line = text_line(&reader->text))) {
		line = text_trim(line);
		if (!*line || *line == ';')
			continue;
		if (*line == '[')
			err = read_key(reader, line);
		else if (*line == '"' || *line == '@')
			err = read_value(reader, line);
		else
			err = text_fault(&reader->text,
				"'%.40s' is no key in brackets, no value and no comment.", line);
	}
	return err;
}

static int read_all(struct reader *reader)
{
	int err;

	/* No value has more data than twice what the text has. */
	reader->data = malloc(2 * reader->text.count + 4);
	reader->name = malloc(2 * reader->text.count + 4);
	if (!reader->data || !reader->name) {
		err = error_set(ENOMEM, "%s: no memory for it.", reader->text.name);
	} else {
		reg_lock();
		err = read_lines(reader);
		reg_unlock();
	}
	free(reader->data);
	free(reader->name);
	free(reader->text.bytes);
	return err;
}

int reg_file_read(const char *path)
{
	struct reader reader = {0};
	int err = text_read(&reader.text, path);

	return err ? err : read_all(&reader);
}

int reg_file_parse(const char *name, const char *text, size_t bytes)
{
	struct reader reader = {0};
	int err = text_decode(&reader.text, name, text, bytes);

	return err ? err : read_all(&reader);
}

/* ---- out ---- */

static bool is_half(const WCHAR *wide, size_t left)
{
	bool pair = left > 1 && (wide[0] & 0xfc00) == 0xd800 && (wide[1] & 0xfc00) == 0xdc00;

	return (wide[0] & 0xf800) == 0xd800 && !pair;
}

/* Characters of control and halves of pairs, which only a value's name may have, as \xHHHH. */
static void write_quoted(FILE *file, const WCHAR *wide, size_t count)
{
	char text[8];

	putc('"', file);
	for (size_t n = 0; n < count; n++) {
		bool pair = (wide[n] & 0xf800) == 0xd800 && !is_half(wide + n, count - n);

		if (wide[n] < ' ' || is_half(wide + n, count - n)) {
			fprintf(file, "\\x%04x", wide[n]);
			continue;
		}
		if (wide[n] == '"' || wide[n] == '\\')
			putc('\\', file);
		reg_narrow(wide + n, 1 + pair, text, sizeof(text));
		fputs(text, file);
		n += pair;
	}
	putc('"', file);
}

/* A string that the quoted form gives back: one zero, at its end, and no character of control. */
static bool is_plain(const struct reg_value *value)
{
	const WCHAR *wide = (const WCHAR *)value->data;
	size_t count = value->bytes / 2;

	if (value->type != REG_SZ || value->bytes % 2 || !count || wide[count - 1])
		return false;
	while (--count)
		if (wide[count - 1] < ' ' || (wide[count - 1] & 0xf800) == 0xd800)
			return false;
	return true;
}

static void write_bytes(FILE *file, const struct reg_value *value)
{
	enum { FIRST = 20, LATER = 25 };

	fprintf(file, value->type == REG_BINARY ? "hex:" : "hex(%x):", (unsigned)value->type);
	for (uint32_t n = 0; n < value->bytes; n++) {
		bool breaks = n >= FIRST && (n - FIRST) % LATER == 0;

		fprintf(file, "%s%02x%s", breaks ? "\\\n  " : "", value->data[n],
			n + 1 < value->bytes ? "," : "");
	}
}

static void write_value(FILE *file, const struct reg_value *value)
{
	if (value->name.Length)
		write_quoted(file, value->name.Buffer, value->name.Length / 2);
	else
		putc('@', file);
	putc('=', file);
	if (is_plain(value))
		write_quoted(file, (const WCHAR *)value->data, value->bytes / 2 - 1);
	else if (value->type == REG_DWORD && value->bytes == 4)
		fprintf(file, "dword:%02x%02x%02x%02x", value->data[3], value->data[2],
			value->data[1], value->data[0]);
	else
		write_bytes(file, value);
	putc('\n', file);
}

/* Keys with subkeys and no value are there because of those. */
static bool write_key(FILE *file, const struct reg_key *key)
{
	size_t bytes = reg_key_path(key, NULL, 0) + 1;
	bool is_machine;
	char *path;

	if (key->level < 2 || key->is_volatile || (key->child && !key->values))
		return true;
	path = malloc(bytes);
	if (!path)
		return false;
	reg_key_path(key, path, bytes);
	is_machine = !strncasecmp(path, "\\Registry\\Machine\\", 18);
	fprintf(file, "\n[%s%s]\n", is_machine ? "HKEY_LOCAL_MACHINE" : "HKEY_USERS",
		path + (is_machine ? 17 : 14));
	free(path);
	for (const struct reg_value *value = key->values; value; value = value->next)
		write_value(file, value);
	return true;
}

int reg_file_write(const char *path)
{
	FILE *file = fopen(path, "we");
	const struct reg_key *key;
	int err = 0;

	if (!file)
		return error_set(errno, "%s: %s.", path, strerror(errno));
	fputs("Windows Registry Editor Version 5.00\n", file);
	reg_lock();
	for (key = reg_root(); key;) {
		if (!write_key(file, key))
			err = ENOMEM;
		if (key->child) {
			key = key->child;
			continue;
		}
		while (key && !key->next)
			key = key->parent;
		key = key ? key->next : NULL;
	}
	reg_unlock();
	if (ferror(file))
		err = EIO;
	if (fclose(file) && !err)
		err = errno;
	return err ? error_set(err, "%s: %s.", path, strerror(err)) : 0;
}
