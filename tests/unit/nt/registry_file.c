/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The .reg format, in and out. */
#define TEXT_PARSE reg_file_parse
#define TEXT_NAME  "x.reg"
#include "reg_kit.h"

#define V5   "Windows Registry Editor Version 5.00\n"
#define ACME "Machine\\SOFTWARE\\Acme"

NT_TEST(every_kind_of_value_is_read)
{
	static const uint8_t bytes[] = {1, 0xab, 3, 4};
	const uint64_t number = 0x0123456789abcdef;

	good(V5 "; a comment\r\n\r\n"
		"[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]\r\n"
		"@=\"default\"\r\n"
		"\"text\"=\"a \\\\ and \\\"b\\\" \u00e4\" ; comment\r\n"
		"\"number\"=dword:0000000A\r\n"
		" \"bytes\" = hex:01,AB,\\\r\n"
		"  03,\\\r\n"
		"  04\r\n"
		"\"none\"=hex(0):\n"
		"\"expand\"=hex(2):25,00,00,00\n"
		"\"several\"=hex(7):61,00,00,00,62,00,00,00,00,00\n"
		"\"large\"=hex(b):ef,cd,ab,89,67,45,23,01\n"
		"\"own\"=hex(1234):ff\n"
		"\"a\\\"b\\\\c\"=dword:1");
	CHECK(kit_is_text(ACME, "", REG_SZ, u"default"));
	CHECK(kit_is_text(ACME, "text", REG_SZ, u"a \\ and \"b\" \u00e4"));
	CHECK(kit_is_dword(ACME, "number", 10));
	CHECK(kit_is(ACME, "bytes", REG_BINARY, bytes, 4));
	CHECK(kit_is(ACME, "none", REG_NONE, "", 0));
	CHECK(kit_is_text(ACME, "expand", REG_EXPAND_SZ, u"%"));
	CHECK(kit_is_text(ACME, "several", REG_MULTI_SZ, u"a\0b\0"));
	CHECK(kit_is(ACME, "large", REG_QWORD, &number, 8));
	CHECK(kit_is(ACME, "own", 0x1234, "\xff", 1));
	CHECK(kit_is_dword(ACME, "a\"b\\c", 1));
}

NT_TEST(keys_and_values_are_deleted)
{
	good(V5 "[HKLM\\SOFTWARE\\Acme]\n\"a\"=dword:1\n\"b\"=dword:2\n"
		"[HKLM\\SOFTWARE\\Acme\\Deep\\Deeper]\n");
	good(V5 "[hkey_local_machine\\software\\ACME]\n\"A\"=-\n\"no such\"=-\n"
		"[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme\\Deep]\n\"lost\"=dword:3\n"
		"[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Nothing]\n");
	CHECK(!kit_value(ACME, "a"));
	CHECK(kit_is_dword(ACME, "b", 2));
	CHECK(kit_key(ACME) && !kit_key(ACME "\\Deep"));
}

NT_TEST(regedit4_has_strings_in_bytes)
{
	good("REGEDIT4\n[HKEY_USERS\\.DEFAULT\\X]\n\"e\"=hex(2):25,80,00\n\"s\"=\"\xe4\"\n");
	/* 0x80 is the euro sign of code page 1252, as 0xe4 is a character of it */
	CHECK(kit_is_text("User\\.Default\\X", "e", REG_EXPAND_SZ, u"%\u20ac"));
	CHECK(kit_is_text("User\\.Default\\X", "s", REG_SZ, u"\u00e4"));
}

NT_TEST(utf_16_is_read)
{
	static const WCHAR text[] = u"\ufeffWindows Registry Editor Version 5.00\r\n\r\n"
				    u"[HKEY_CURRENT_USER\\\u03b1]\r\n\"\U0001f4be\"=\"\u4e00\"\r\n";

	CHECK_EQUAL((uint32_t)reg_file_parse("x.reg", (const char *)text, sizeof(text) - 2), 0);
	CHECK(kit_is_text("User\\.Default\\\u03b1", "\U0001f4be", REG_SZ, u"\u4e00"));
	CHECK(!memcmp(kit_key("User\\.Default\\\u03b1")->values->name.Buffer, u"\U0001f4be", 6));
	CHECK_EQUAL((uint32_t)reg_file_parse("x.reg", (const char *)text, sizeof(text) - 3),
		(uint32_t)-EINVAL);
	CHECK(strstr(error_text(), "odd number of bytes"));
	CHECK_EQUAL((uint32_t)reg_file_parse("x.reg", "\xfe\xff\0W", 4), (uint32_t)-EINVAL);
}

NT_TEST(a_bad_line_is_named)
{
	bad("", "x.reg:1:", "must begin");
	bad("REGEDIT5\n", "x.reg:1:", "must begin");
	bad(V5 "\"a\"=dword:1\n", "x.reg:2:", "before the first key");
	bad(V5 "[HKLM\\SOFTWARE\n", "x.reg:2:", "does not end with ]");
	bad(V5 "[HKLM\\SOFTWARE] x\n", "x.reg:2:", "does not end with ]");
	bad(V5 "\n[HKEY_MOON\\SOFTWARE]\n",
		"x.reg:3:", "'HKEY_MOON\\SOFTWARE' begins with no HKEY");
	bad(V5 "[HKLMX\\A]\n", "x.reg:2:", "no HKEY");
	bad(V5 "[HKLM\\SOFTWARE\\\\A]\n", "x.reg:2:", "empty part");
	bad(V5 "[-HKLM]\n", "x.reg:2:", "cannot go");
	bad(V5 "[HKLM\\A]\nwhat\n", "x.reg:3:", "'what' is no key");
	bad(V5 "[HKLM\\A]\n\"a=1\n", "x.reg:3:", "name does not end");
	bad(V5 "[HKLM\\A]\n\"a\" 1\n", "x.reg:3:", "not followed by =");
	bad(V5 "[HKLM\\A]\n\"a\"=1\n", "x.reg:3:", "'1' is no data");
	bad(V5 "[HKLM\\A]\n\"a\"=\"b\n", "x.reg:3:", "string does not end");
	bad(V5 "[HKLM\\A]\n\"a\"=\"b\"c\n", "x.reg:3:", "follows the string");
	bad(V5 "[HKLM\\A]\n\"a\"=dword:\n", "x.reg:3:", "1 to 8 hexadecimal");
	bad(V5 "[HKLM\\A]\n\"a\"=dword:123456789\n", "x.reg:3:", "1 to 8 hexadecimal");
	bad(V5 "[HKLM\\A]\n\"a\"=dword:1g\n", "x.reg:3:", "1 to 8 hexadecimal");
	bad(V5 "[HKLM\\A]\n\"a\"=hex:1,2,\\\n  3 4\n", "x.reg:4:", "'4' where a byte");
	bad(V5 "[HKLM\\A]\n\"a\"=hex:001\n", "x.reg:3:", "'1' where a byte");
	bad(V5 "[HKLM\\A]\n\"a\"=hex:,1\n", "x.reg:3:", "',1' where a byte");
	bad(V5 "[HKLM\\A]\n\"a\"=hex(z):1\n", "x.reg:3:", "a type and )");
	bad(V5 "[HKLM\\A]\n\"a\"=hex 1\n", "x.reg:3:", "a colon");
	CHECK_EQUAL((uint32_t)reg_file_parse("x.reg", V5 "\0x", sizeof(V5) + 1), (uint32_t)-EINVAL);
	CHECK(strstr(error_text(), "x.reg:2: a zero character"));
	CHECK_EQUAL((uint32_t)reg_file_read("/nonexistent/x.reg"), (uint32_t)-ENOENT);
	CHECK(strstr(error_text(), "/nonexistent/x.reg"));
}

static const char written[] =
	"\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]\n"
	"@=\"\"\n"
	"\"Q\\\"\\\\\"=\"\xc3\xa4 \\\\ \\\"\"\n"
	"\"n\"=dword:000000ff\n"
	"\"short\"=hex(4):01,02,03\n"
	"\"bytes\"=hex:00,01,02,03,04,05,06,07,08,09,0a,0b,0c,0d,0e,0f,10,11,12,13,\\\n"
	"  14,15\n"
	"\"open\"=hex(1):61,00\n"
	"\"line\"=hex(1):0a,00,00,00\n"
	"\"none\"=hex(0):\n"
	"\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme\\Empty]\n";

static char *slurp(const char *path)
{
	static char text[8192];
	FILE *file = fopen(path, "r");
	size_t count = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		fclose(file);
	text[count] = 0;
	return text;
}

/* What is written is read as what it was, and written again as it stood. */
NT_TEST(what_is_written_is_what_was_read)
{
	char path[] = "/tmp/dryport-reg-XXXXXX", all[sizeof(V5) + sizeof(written)];
	struct reg_key *key;
	int fd = mkstemp(path);

	close(fd);
	snprintf(all, sizeof(all), "%s%s", V5, written);
	good(all);
	CHECK_EQUAL(
		reg_key_make(reg_root(), NAME("Machine\\Volatile"), false, true, &key, NULL), 0);
	CHECK_EQUAL((uint32_t)reg_file_write(path), 0);
	CHECK(!strncmp(slurp(path), V5, sizeof(V5) - 1));
	CHECK(strstr(slurp(path), written));
	CHECK(strstr(slurp(path), "\n[HKEY_USERS\\.Default]\n"));
	CHECK(!strstr(slurp(path), "Volatile"));
	/* keys that others imply are not written */
	CHECK(!strstr(slurp(path), "[HKEY_LOCAL_MACHINE\\SOFTWARE]"));
	CHECK_EQUAL((uint32_t)reg_file_read(path), 0);
	unlink(path);
	CHECK_EQUAL((uint32_t)reg_file_write("/nonexistent/x.reg"), (uint32_t)-ENOENT);
}

/* Names may have any character; the format has none for those of control, so ours are its own. */
NT_TEST(every_value_s_name_comes_back)
{
	static const struct {
		const WCHAR *text;
		size_t count;
	} names[] = {{u"a\nb", 3}, {u"\r", 1}, {u"x\0y", 3}, {u"\t\x1f", 2}, {u"\xd800z", 2},
		{u"\xdc00", 1}, {u"\\x000a", 6}, {u"\\\\x000a", 7}, {u"\xd83d\xde00", 2},
		{u"\"=", 2}, {u" a ; b ", 7}};
	char path[] = "/tmp/dryport-reg-XXXXXX";
	struct reg_key *key;
	int fd = mkstemp(path);

	close(fd);
	CHECK_EQUAL(reg_key_make(reg_root(), NAME(ACME), true, false, &key, NULL), 0);
	for (ULONG n = 0; n < array_size(names); n++) {
		UNICODE_STRING name = reg_string(names[n].text, names[n].count);

		CHECK_EQUAL(reg_value_set(key, &name, REG_DWORD, &n, sizeof(n)), 0);
	}
	CHECK_EQUAL((uint32_t)reg_file_write(path), 0);
	reg_key_delete_tree(key);
	CHECK(!kit_key(ACME));
	CHECK_EQUAL((uint32_t)reg_file_read(path), 0);
	key = kit_key(ACME);
	for (ULONG n = 0; key && n < array_size(names); n++) {
		UNICODE_STRING name = reg_string(names[n].text, names[n].count);
		const struct reg_value *value = reg_value_find(key, &name);

		CHECK(value && !memcmp(value->data, &n, sizeof(n)));
	}
	CHECK(key != NULL);
	unlink(path);
	/* in what a program or a person wrote it is an escape in a name alone, and whole alone */
	good(V5 "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Acme]\n\"t\"=\"\\x0041\"\n\"\\x41\"=dword:1");
	CHECK(kit_is_text(ACME, "t", REG_SZ, u"\\x0041"));
	CHECK(kit_is_dword(ACME, "\\x41", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_value_is_read),
		cmocka_unit_test(keys_and_values_are_deleted),
		cmocka_unit_test(regedit4_has_strings_in_bytes),
		cmocka_unit_test(utf_16_is_read),
		cmocka_unit_test(a_bad_line_is_named),
		cmocka_unit_test(what_is_written_is_what_was_read),
		cmocka_unit_test(every_value_s_name_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
