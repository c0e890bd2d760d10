/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Opening an ELF file and looking up its symbols (elf_file.h).
 */
#include "loader/elf_file.h"
#include "util/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ELF_SIZE_MAX (1ull << 30)

static int elf_damaged(const struct elf_file *file, const char *what)
{
	return error_set(ENOEXEC, "%s is damaged or truncated: %s", file->path, what);
}

/* Whether count records of a size stand at offset within the file, aligned to 8 bytes. */
static bool elf_holds(const struct elf_file *file, uint64_t offset, uint64_t count, uint64_t size)
{
	uint64_t bytes, end;

	return !__builtin_mul_overflow(count, size, &bytes) &&
	       !__builtin_add_overflow(offset, bytes, &end) && end <= file->size && offset % 8 == 0;
}

static int elf_read(struct elf_file *file)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t done = 0;
	ssize_t n = 0;

	if (fd < 0)
		return error_set(errno, "%s: %s", file->path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > ELF_SIZE_MAX) {
		close(fd);
		return error_set(EINVAL, "%s: not a file that could be a driver", file->path);
	}
	file->size = (size_t)st.st_size;
	file->bytes = malloc(file->size + 1);
	while (file->bytes && done < file->size &&
		(n = read(fd, file->bytes + done, file->size - done)) > 0)
		done += (size_t)n;
	close(fd);
	if (!file->bytes)
		return error_set(ENOMEM, "%s: out of memory", file->path);
	if (n < 0)
		return error_set(EIO, "%s: cannot be read", file->path);
	file->size = done;
	return 0;
}

static int elf_header_check(struct elf_file *file)
{
	const Elf64_Ehdr *header = (const void *)file->bytes;

	if (file->size < SELFMAG || memcmp(file->bytes, ELFMAG, SELFMAG))
		return error_set(ENOEXEC, "%s is not an ELF object; make one with `dryport build`",
			file->path);
	if (file->size < sizeof(*header))
		return elf_damaged(file, "no whole header");
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
		header->e_machine != EM_X86_64)
		return error_set(ENOEXEC, "%s is for another processor than x86-64", file->path);
	if (header->e_type != ET_DYN && header->e_type != ET_REL)
		return error_set(
			ENOEXEC, "%s is neither a shared object nor an object file", file->path);
	if (header->e_shnum &&
		(header->e_shentsize != sizeof(Elf64_Shdr) ||
			!elf_holds(file, header->e_shoff, header->e_shnum, sizeof(Elf64_Shdr))))
		return elf_damaged(file, "its section table lies outside");
	if (header->e_phnum &&
		(header->e_phentsize != sizeof(Elf64_Phdr) ||
			!elf_holds(file, header->e_phoff, header->e_phnum, sizeof(Elf64_Phdr))))
		return elf_damaged(file, "its program headers lie outside");
	file->header = header;
	file->sections = (const void *)(file->bytes + header->e_shoff);
	file->section_count = header->e_shnum;
	file->segments = (const void *)(file->bytes + header->e_phoff);
	file->segment_count = header->e_phnum;
	return 0;
}

static int elf_symbols_find(struct elf_file *file)
{
	uint32_t type = file->header->e_type == ET_DYN ? SHT_DYNSYM : SHT_SYMTAB;
	const Elf64_Shdr *table = NULL, *names;

	for (size_t i = 0; i < file->section_count && !table; i++)
		if (file->sections[i].sh_type == type)
			table = &file->sections[i];
	if (!table)
		return 0;
	if (table->sh_link >= file->section_count ||
		!elf_holds(file, table->sh_offset, table->sh_size, 1))
		return elf_damaged(file, "its symbol table lies outside");
	names = &file->sections[table->sh_link];
	if (names->sh_offset > file->size || names->sh_size > file->size - names->sh_offset ||
		!names->sh_size || file->bytes[names->sh_offset + names->sh_size - 1])
		return elf_damaged(file, "its symbols' names lie outside");
	file->symbols = (const void *)(file->bytes + table->sh_offset);
	file->symbol_count = table->sh_size / sizeof(Elf64_Sym);
	file->names = (const char *)file->bytes + names->sh_offset;
	file->names_size = names->sh_size;
	for (size_t i = 0; i < file->symbol_count; i++)
		if (file->symbols[i].st_name >= file->names_size)
			return elf_damaged(file, "a symbol's name lies outside");
	return 0;
}

int elf_file_open(struct elf_file *file, const char *path)
{
	int err;

	*file = (struct elf_file){.path = path};
	err = elf_read(file);
	if (!err)
		err = elf_header_check(file);
	if (!err)
		err = elf_symbols_find(file);
	if (err)
		elf_file_close(file);
	return err;
}

void elf_file_close(struct elf_file *file)
{
	free(file->bytes);
	*file = (struct elf_file){0};
}

const Elf64_Sym *elf_file_symbol(const struct elf_file *file, const char *name)
{
	for (size_t i = 0; i < file->symbol_count; i++) {
		const Elf64_Sym *symbol = &file->symbols[i];

		if (symbol->st_shndx != SHN_UNDEF && !strcmp(file->names + symbol->st_name, name))
			return symbol;
	}
	return NULL;
}

void elf_file_undefined(
	const struct elf_file *file, void (*each)(void *ctx, const char *name), void *ctx)
{
	for (size_t i = 1; i < file->symbol_count; i++)
		if (file->symbols[i].st_shndx == SHN_UNDEF && file->symbols[i].st_name)
			each(ctx, file->names + file->symbols[i].st_name);
}

const void *elf_file_at(const struct elf_file *file, uint64_t address, uint64_t size)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const Elf64_Phdr *s = &file->segments[i];
		uint64_t from;

		if (s->p_type != PT_LOAD || address < s->p_vaddr)
			continue;
		from = address - s->p_vaddr;
		if (from > s->p_filesz || size > s->p_filesz - from)
			continue;
		if (s->p_offset > file->size || s->p_filesz > file->size - s->p_offset)
			return NULL;
		return file->bytes + s->p_offset + from;
	}
	return NULL;
}
