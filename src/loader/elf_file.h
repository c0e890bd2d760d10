/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Reads an ELF file for x86-64 without trusting a byte of it: every offset, size and index is
 * checked against the file before it is followed. The loader asks it whether a file may be given to
 * dlopen, which trusts all; dryport-build asks it what an object file leaves undefined.
 */
#ifndef DRY_LOADER_ELF_FILE_H
#define DRY_LOADER_ELF_FILE_H

#include "util/common.h"
#include <elf.h>

struct elf_file {
	const char *path;     /* the caller's, for messages */
	unsigned char *bytes; /* the whole file */
	size_t size;
	const Elf64_Ehdr *header;
	const Elf64_Shdr *sections;
	size_t section_count;
	const Elf64_Phdr *segments;
	size_t segment_count;
	/* SHT_DYNSYM of a shared object, SHT_SYMTAB of an object file; count 0 if there is none */
	const Elf64_Sym *symbols;
	size_t symbol_count;
	const char *names; /* ends with a zero byte */
	size_t names_size;
};

/* Errors (error_set): cannot be read, not ELF, not for x86-64, neither shared nor an object file,
 * truncated, damaged. On failure nothing is left open. */
int elf_file_open(struct elf_file *file, const char *path);
void elf_file_close(struct elf_file *file);

/* A defined symbol by name, NULL if there is none. */
const Elf64_Sym *elf_file_symbol(const struct elf_file *file, const char *name);
/* Each undefined name, once for each symbol. */
void elf_file_undefined(
	const struct elf_file *file, void (*each)(void *ctx, const char *name), void *ctx);
/* size bytes of the file that are loaded at an address, NULL if not all of them come from the file.
 */
const void *elf_file_at(const struct elf_file *file, uint64_t address, uint64_t size);

/* Whether dlopen can be trusted with a shared object: its segments are within the file, and all
 * that the dynamic linker follows is within its segments. error_set otherwise. */
int elf_file_check_dynamic(const struct elf_file *file);

#endif
