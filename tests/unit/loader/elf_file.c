/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Reading an ELF file that may say anything: an object file made by hand, valid but for what each
 * test changes.
 */
#include "loader/elf_file.h"
#include "util/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A header, three sections (nothing, symbols, names), two symbols besides the first. */
static struct object {
	Elf64_Ehdr header;
	Elf64_Shdr sections[3];
	Elf64_Sym symbols[3];
	char names[16];
} object;

static char path[64];

static int object_make(void **state)
{
	object = (struct object){
		.header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			.e_type = ET_REL,
			.e_machine = EM_X86_64,
			.e_shoff = offsetof(struct object, sections),
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = 3},
		.sections = {[1] = {.sh_type = SHT_SYMTAB,
				     .sh_offset = offsetof(struct object, symbols),
				     .sh_size = sizeof(object.symbols),
				     .sh_link = 2},
			[2] = {.sh_type = SHT_STRTAB,
				.sh_offset = offsetof(struct object, names),
				.sh_size = sizeof(object.names)}},
		.symbols = {[1] = {.st_name = 1, .st_shndx = SHN_UNDEF},
			[2] = {.st_name = 8, .st_shndx = 1, .st_value = 0x123}},
		.names = "\0absent\0here",
	};
	return 0;
}

static int object_open(struct elf_file *file)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(&object, sizeof(object), 1, out), 1);
	fclose(out);
	return elf_file_open(file, path);
}

static void is_refused(const char *text)
{
	struct elf_file file;

	assert_true(object_open(&file) < 0);
	if (!strstr(error_text(), text))
		fail_msg("\"%s\" does not say \"%s\"", error_text(), text);
	assert_null(file.bytes);
}

static void name_note(void *ctx, const char *name)
{
	strcat(ctx, name);
	strcat(ctx, ",");
}

static void symbols_are_found_by_name_and_undefined_ones_listed(void **state)
{
	struct elf_file file;
	char names[64] = "";

	assert_int_equal(object_open(&file), 0);
	assert_int_equal(file.symbol_count, 3);
	assert_int_equal(elf_file_symbol(&file, "here")->st_value, 0x123);
	assert_null(elf_file_symbol(&file, "absent"));
	assert_null(elf_file_symbol(&file, "nowhere"));
	elf_file_undefined(&file, name_note, names);
	assert_string_equal(names, "absent,");
	elf_file_close(&file);
}

static void a_file_without_symbols_is_read(void **state)
{
	struct elf_file file;

	object.header.e_shnum = 0;
	assert_int_equal(object_open(&file), 0);
	assert_int_equal(file.symbol_count, 0);
	assert_null(elf_file_symbol(&file, "here"));
	elf_file_close(&file);
}

static void a_section_table_outside_is_refused(void **state)
{
	object.header.e_shoff = sizeof(object);
	is_refused("its section table lies outside");
	object.header.e_shoff = ~0ull - 63;
	is_refused("its section table lies outside");
	object_make(NULL);
	object.header.e_shnum = 0xffff;
	is_refused("its section table lies outside");
	object_make(NULL);
	object.header.e_shentsize = 1;
	is_refused("its section table lies outside");
	object_make(NULL);
	object.header.e_shoff++;
	is_refused("its section table lies outside");
}

static void program_headers_outside_are_refused(void **state)
{
	object.header.e_phnum = 1;
	object.header.e_phentsize = sizeof(Elf64_Phdr);
	object.header.e_phoff = round_up(sizeof(object) - sizeof(Elf64_Phdr), 8) + 8;
	is_refused("its program headers lie outside");
	object.header.e_phoff = ~0ull - 7;
	is_refused("its program headers lie outside");
}

static void symbols_or_names_outside_are_refused(void **state)
{
	object.sections[1].sh_size = sizeof(object);
	is_refused("its symbol table lies outside");
	object_make(NULL);
	object.sections[1].sh_link = 3;
	is_refused("its symbol table lies outside");
	object_make(NULL);
	object.sections[2].sh_offset = ~0ull;
	is_refused("its symbols' names lie outside");
	object_make(NULL);
	object.sections[2].sh_size = 0;
	is_refused("its symbols' names lie outside");
	/* names whose last one has no end */
	object_make(NULL);
	object.sections[2].sh_size = 5;
	is_refused("its symbols' names lie outside");
	object_make(NULL);
	object.symbols[1].st_name = sizeof(object.names);
	is_refused("a symbol's name lies outside");
}

static void addresses_are_looked_up_in_what_the_file_loads(void **state)
{
	const Elf64_Phdr segments[] = {{.p_type = PT_NOTE, .p_vaddr = 0x1000, .p_filesz = 0x1000},
		{.p_type = PT_LOAD,
			.p_offset = 0x20,
			.p_vaddr = 0x2000,
			.p_filesz = 0x10,
			.p_memsz = 0x100},
		{.p_type = PT_LOAD, .p_offset = ~0ull, .p_vaddr = 0x3000, .p_filesz = 0x10}};
	unsigned char bytes[0x40];
	const struct elf_file file = {
		.bytes = bytes, .size = sizeof(bytes), .segments = segments, .segment_count = 3};

	assert_ptr_equal(elf_file_at(&file, 0x2000, 0x10), bytes + 0x20);
	assert_ptr_equal(elf_file_at(&file, 0x200f, 1), bytes + 0x2f);
	assert_null(elf_file_at(&file, 0x200f, 2));
	assert_null(elf_file_at(&file, 0x2008, ~0ull));
	assert_null(elf_file_at(&file, 0x2020, 1)); /* zeros, not from the file */
	assert_null(elf_file_at(&file, 0x1000, 1));
	assert_null(elf_file_at(&file, 0x1fff, 1));
	assert_null(elf_file_at(&file, 0x3000, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			symbols_are_found_by_name_and_undefined_ones_listed, object_make),
		cmocka_unit_test_setup(a_file_without_symbols_is_read, object_make),
		cmocka_unit_test_setup(a_section_table_outside_is_refused, object_make),
		cmocka_unit_test_setup(program_headers_outside_are_refused, object_make),
		cmocka_unit_test_setup(symbols_or_names_outside_are_refused, object_make),
		cmocka_unit_test(addresses_are_looked_up_in_what_the_file_loads),
	};
	int failed;

	snprintf(path, sizeof(path), "/tmp/dryport-elf-file-%d.o", (int)getpid());
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
