/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the dynamic linker follows blindly, looked at before it does (elf_file.h): segments, the
 * dynamic section, its tables, the hash table, relocations.
 */
#include "loader/elf_file.h"
#include "loader/loader.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

enum { PAGE = 4096 };

struct dynamic {
	uint64_t value[DT_NUM];
	uint64_t gnu_hash, relative_count;
};

static int check_failed(const struct elf_file *file, const char *what)
{
	return error_set(
		ENOEXEC, "%s is damaged, or `dryport build` did not make it: %s", file->path, what);
}

/* Whether [address, address + size) lies in a segment with these flags, zero-filled part included.
 */
static bool segment_holds(
	const struct elf_file *file, uint64_t address, uint64_t size, uint32_t flags)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *s = &file->segments[i];

		if (s->p_type == PT_LOAD && (s->p_flags & flags) == flags &&
			address >= s->p_vaddr && address - s->p_vaddr <= s->p_memsz &&
			size <= s->p_memsz - (address - s->p_vaddr))
			return true;
	}
	return false;
}

static int segments_check(const struct elf_file *file)
{
	uint64_t end = 0;
	bool any = false;

	for (size_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *s = &file->segments[i];

		if (s->p_offset > file->size || s->p_filesz > file->size - s->p_offset)
			return check_failed(file, "a segment reaches beyond the end of the file");
		if (s->p_type == PT_INTERP || s->p_type == PT_TLS)
			return check_failed(file, "a kind of segment that drivers have not");
		if (s->p_type == PT_GNU_STACK && (s->p_flags & PF_X))
			return check_failed(file, "it asks for an executable stack");
		if (s->p_type != PT_LOAD)
			continue;
		if (!(s->p_flags & PF_R) || s->p_flags > (PF_R | PF_W | PF_X) ||
			s->p_memsz < s->p_filesz || s->p_memsz > 1u << 30 ||
			s->p_vaddr > 1u << 30 || s->p_vaddr < end ||
			s->p_vaddr % PAGE != s->p_offset % PAGE || s->p_align < PAGE ||
			(s->p_align & (s->p_align - 1)) || s->p_align > 1u << 21 ||
			(s->p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
			return check_failed(file, "a segment that cannot be mapped");
		end = s->p_vaddr + s->p_memsz;
		any = true;
	}
	return any ? 0 : check_failed(file, "nothing to load");
}

/* What becomes read-only after relocation must be writable before, and must not be the table of
 * imports. */
static int relro_check(const struct elf_file *file)
{
	const Elf64_Sym *imports = elf_file_symbol(file, "dryport_imports");

	for (size_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *s = &file->segments[i];

		if (s->p_type != PT_GNU_RELRO)
			continue;
		if (!segment_holds(file, s->p_vaddr, s->p_memsz, PF_W))
			return check_failed(file, "a read-only part lies outside");
		if (imports && imports->st_value >= s->p_vaddr &&
			imports->st_value - s->p_vaddr < s->p_memsz)
			return check_failed(file, "its imports cannot be filled");
	}
	return 0;
}

static int dynamic_read(const struct elf_file *file, struct dynamic *dynamic)
{
	static const uint64_t known =
		1ull << DT_NEEDED | 1ull << DT_SONAME | 1ull << DT_SYMBOLIC | 1ull << DT_FLAGS |
		1ull << DT_BIND_NOW | 1ull << DT_STRTAB | 1ull << DT_STRSZ | 1ull << DT_SYMTAB |
		1ull << DT_SYMENT | 1ull << DT_RELA | 1ull << DT_RELASZ | 1ull << DT_RELAENT |
		1ull << DT_JMPREL | 1ull << DT_PLTRELSZ | 1ull << DT_PLTREL | 1ull << DT_PLTGOT |
		1ull << DT_INIT_ARRAY | 1ull << DT_INIT_ARRAYSZ | 1ull << DT_FINI_ARRAY |
		1ull << DT_FINI_ARRAYSZ;
	const Elf64_Phdr *segment = NULL;
	const Elf64_Dyn *entry;
	size_t count;

	for (size_t i = 0; i < file->segment_count; i++)
		if (file->segments[i].p_type == PT_DYNAMIC)
			segment = &file->segments[i];
	if (!segment || segment->p_vaddr % 8)
		return check_failed(file, "no dynamic section");
	count = segment->p_memsz / sizeof(*entry);
	entry = elf_file_at(file, segment->p_vaddr, segment->p_memsz);
	if (!entry || (uintptr_t)entry % 8)
		return check_failed(file, "its dynamic section lies outside");
	for (; count && entry->d_tag != DT_NULL; entry++, count--) {
		if (entry->d_tag == DT_GNU_HASH)
			dynamic->gnu_hash = entry->d_un.d_val;
		else if (entry->d_tag == DT_RELACOUNT)
			dynamic->relative_count = entry->d_un.d_val;
		else if (entry->d_tag > 0 && entry->d_tag < DT_NUM && (known >> entry->d_tag & 1))
			dynamic->value[entry->d_tag] = entry->d_un.d_val;
		else if (entry->d_tag != DT_FLAGS_1)
			return check_failed(
				file, "an entry of the dynamic section that drivers have not");
	}
	return count ? 0 : check_failed(file, "its dynamic section has no end");
}

static int symbols_check(const struct elf_file *file, const struct dynamic *dynamic)
{
	const uint64_t *value = dynamic->value;
	uint64_t bytes = file->symbol_count * sizeof(Elf64_Sym);

	/* the tables that were looked at through the section headers must be those that are used */
	if (elf_file_at(file, value[DT_SYMTAB], bytes) != file->symbols ||
		elf_file_at(file, value[DT_STRTAB], file->names_size) != file->names ||
		value[DT_STRSZ] != file->names_size || value[DT_SYMENT] != sizeof(Elf64_Sym) ||
		value[DT_NEEDED] >= file->names_size || value[DT_SONAME] >= file->names_size)
		return check_failed(file, "its dynamic symbols contradict its sections");
	for (size_t i = 1; i < file->symbol_count; i++) {
		const Elf64_Sym *symbol = &file->symbols[i];
		unsigned type = ELF64_ST_TYPE(symbol->st_info);

		if (type == STT_TLS || type == STT_GNU_IFUNC)
			return check_failed(file, "a kind of symbol that drivers have not");
		if (symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
			!segment_holds(file, symbol->st_value, symbol->st_size, 0))
			return check_failed(file, "a symbol lies outside");
	}
	return 0;
}

static int hash_check(const struct elf_file *file, uint64_t address)
{
	const uint32_t *head = elf_file_at(file, address, 16), *buckets, *chain;
	uint64_t bloom, count = file->symbol_count;

	if (!head || address % 8 || !head[0] || !head[2] || (head[2] & (head[2] - 1)) ||
		head[1] > count || head[0] > 1u << 24 || head[2] > 1u << 24)
		return check_failed(file, "its hash table is wrong");
	bloom = address + 16 + 8ull * head[2];
	buckets = elf_file_at(file, bloom, 4ull * head[0]);
	chain = elf_file_at(file, bloom + 4ull * head[0], 4 * (count - head[1]));
	if (!elf_file_at(file, address + 16, 8ull * head[2]) || !buckets || !chain)
		return check_failed(file, "its hash table lies outside");
	for (uint32_t i = 0; i < head[0]; i++)
		if (buckets[i] && (buckets[i] < head[1] || buckets[i] >= count))
			return check_failed(file, "its hash table leads outside");
	if (count > head[1] && !(chain[count - head[1] - 1] & 1))
		return check_failed(file, "its hash table has no end");
	return 0;
}

static int relocations_check(const struct elf_file *file, uint64_t address, uint64_t size)
{
	const Elf64_Rela *rela;

	if (!size)
		return 0;
	rela = elf_file_at(file, address, size);
	if (!rela || address % 8 || size % sizeof(*rela))
		return check_failed(file, "its relocations lie outside");
	for (uint64_t i = 0; i < size / sizeof(*rela); i++) {
		uint64_t type = ELF64_R_TYPE(rela[i].r_info);

		if (type != R_X86_64_RELATIVE && type != R_X86_64_GLOB_DAT &&
			type != R_X86_64_JUMP_SLOT && type != R_X86_64_64 && type != R_X86_64_NONE)
			return check_failed(file, "a kind of relocation that drivers have not");
		if (ELF64_R_SYM(rela[i].r_info) >= file->symbol_count ||
			!segment_holds(file, rela[i].r_offset, 8, PF_W) ||
			(type == R_X86_64_RELATIVE &&
				!segment_holds(file, (uint64_t)rela[i].r_addend, 0, 0)))
			return check_failed(file, "a relocation leads outside");
	}
	return 0;
}

/* The dynamic linker takes the first ones for relative without a look. */
static int relative_check(const struct elf_file *file, const struct dynamic *dynamic)
{
	uint64_t count = dynamic->value[DT_RELASZ] / sizeof(Elf64_Rela);
	const Elf64_Rela *rela = elf_file_at(file, dynamic->value[DT_RELA], 0);

	if (dynamic->relative_count > count)
		return check_failed(file, "it counts more relocations than it has");
	for (uint64_t i = 0; i < dynamic->relative_count; i++)
		if (ELF64_R_TYPE(rela[i].r_info) != R_X86_64_RELATIVE)
			return check_failed(file, "its relocations are out of order");
	return 0;
}

/* Whether a string stands at an address, with its end. */
static bool is_text(const struct elf_file *file, uint64_t address)
{
	for (const char *c; (c = elf_file_at(file, address, 1)); address++)
		if (!*c)
			return true;
	return false;
}

/* How many rows of the table of imports relocations give a name, -1 if one hits anything else in
 * it. */
static int64_t imports_named(
	const struct elf_file *file, const Elf64_Sym *table, uint64_t address, uint64_t size)
{
	const Elf64_Rela *rela = elf_file_at(file, address, size);
	uint64_t end = table->st_value + table->st_size, row = sizeof(struct loader_import);
	int64_t named = 0;

	for (uint64_t i = 0; i < size / sizeof(*rela); i++) {
		uint64_t at = rela[i].r_offset;

		if (at >= end || at + 8 <= table->st_value)
			continue;
		if (at < table->st_value || (at - table->st_value) % row || at + row >= end ||
			ELF64_R_TYPE(rela[i].r_info) != R_X86_64_RELATIVE ||
			!is_text(file, (uint64_t)rela[i].r_addend))
			return -1;
		named++;
	}
	return named;
}

/* The loader walks the table of imports: each row but the last gets a name, which is a string, and
 * the last gets none. */
static int imports_check(const struct elf_file *file, const struct dynamic *dynamic)
{
	const Elf64_Sym *table = elf_file_symbol(file, "dryport_imports");
	const uint64_t *value = dynamic->value;
	static const struct loader_import none;
	const unsigned char *bytes;
	uint64_t rows;

	if (!table)
		return check_failed(file, "no table of imports");
	rows = table->st_size / sizeof(none);
	bytes = elf_file_at(file, table->st_value, table->st_size);
	if (!bytes || !rows || table->st_size % sizeof(none) || table->st_value % 8 ||
		!segment_holds(file, table->st_value, table->st_size, PF_W) ||
		memcmp(bytes + (rows - 1) * sizeof(none), &none, sizeof(none)))
		return check_failed(file, "its table of imports has no end");
	if (imports_named(file, table, value[DT_RELA], value[DT_RELASZ]) != (int64_t)rows - 1 ||
		imports_named(file, table, value[DT_JMPREL], value[DT_PLTRELSZ]))
		return check_failed(file, "its table of imports is wrong");
	return 0;
}

int elf_file_check_dynamic(const struct elf_file *file)
{
	struct dynamic dynamic = {0};
	const uint64_t *value = dynamic.value;
	int err;

	if (file->header->e_type != ET_DYN || !file->symbol_count)
		return check_failed(file, "not a shared object with symbols");
	err = segments_check(file);
	if (!err)
		err = relro_check(file);
	if (!err)
		err = dynamic_read(file, &dynamic);
	if (!err)
		err = symbols_check(file, &dynamic);
	if (!err)
		err = hash_check(file, dynamic.gnu_hash);
	if (!err)
		err = relocations_check(file, value[DT_RELA], value[DT_RELASZ]);
	if (!err)
		err = relocations_check(file, value[DT_JMPREL], value[DT_PLTRELSZ]);
	if (!err)
		err = relative_check(file, &dynamic);
	if (!err)
		err = imports_check(file, &dynamic);
	if (err)
		return err;
	if ((value[DT_RELA] && value[DT_RELAENT] != sizeof(Elf64_Rela)) ||
		!value[DT_RELA] != !value[DT_RELASZ] || !value[DT_JMPREL] != !value[DT_PLTRELSZ] ||
		(value[DT_JMPREL] && value[DT_PLTREL] != DT_RELA) ||
		(value[DT_PLTGOT] && !segment_holds(file, value[DT_PLTGOT], 24, PF_W)) ||
		value[DT_INIT_ARRAYSZ] % 8 || value[DT_FINI_ARRAYSZ] % 8 ||
		(value[DT_INIT_ARRAY] &&
			!segment_holds(file, value[DT_INIT_ARRAY], value[DT_INIT_ARRAYSZ], PF_W)) ||
		(value[DT_FINI_ARRAY] &&
			!segment_holds(file, value[DT_FINI_ARRAY], value[DT_FINI_ARRAYSZ], PF_W)))
		return check_failed(file, "its dynamic section is wrong");
	return 0;
}
