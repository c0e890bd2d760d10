/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Loads what `dryport build` made (loader.h): checks the file, gives it to dlopen, fills its
 * imports from our export table, gives frames to its pages once there is memory. Neighbour:
 * missing.c, for what that table lacks.
 */
#include "cpu/cpu.h"
#include "loader/elf_file.h"
#include "loader/image.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"
#include "util/export.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

struct loader_image *loader_images;

/* ---- before dlopen ---- */

static int note_read(const struct elf_file *file, struct loader_note *note)
{
	const Elf64_Sym *symbol = elf_file_symbol(file, "dryport_note");
	const void *bytes = symbol ? elf_file_at(file, symbol->st_value, sizeof(*note)) : NULL;

	if (!bytes)
		return error_set(ENOEXEC,
			"%s is an ELF object that `dryport build` did not make; a Windows driver "
			"has to be "
			"compiled from its sources with it",
			file->path);
	memcpy(note, bytes, sizeof(*note));
	note->compiler[sizeof(note->compiler) - 1] = 0;
	if (note->magic != LOADER_NOTE_MAGIC || !note->version)
		return error_set(ENOEXEC, "%s: its note is damaged; build it again", file->path);
	if (note->version > LOADER_NOTE_VERSION)
		return error_set(ENOEXEC,
			"%s was made by a newer dryport (format %u, this one knows %u); "
			"build it again",
			file->path, note->version, LOADER_NOTE_VERSION);
	return 0;
}

int loader_note_read(const char *path, struct loader_note *note)
{
	struct elf_file file;
	int err = elf_file_open(&file, path);

	if (err)
		return err;
	err = note_read(&file, note);
	elf_file_close(&file);
	return err;
}

static int sanitizers_check(const char *path, const struct loader_note *note)
{
	static const struct {
		uint32_t bit;
		const char *symbol, *option, *runtime;
	} table[] = {
		{LOADER_ASAN, "__asan_init", "address", "asan"},
		{LOADER_TSAN, "__tsan_init", "thread", "tsan"},
		{LOADER_UBSAN, "__ubsan_handle_out_of_bounds", "undefined", "ubsan_standalone"},
	};

	for (size_t i = 0; i < array_size(table); i++)
		if ((note->sanitizers & table[i].bit) && !dlsym(RTLD_DEFAULT, table[i].symbol))
			return error_set(ENOEXEC,
				"%s was built with --sanitize %s, and this process has no runtime "
				"for it: use a "
				"dryport built with -Db_sanitize=%s, or preload "
				"libclang_rt.%s-x86_64.so of %s",
				path, table[i].option, table[i].option, table[i].runtime,
				note->compiler);
	return 0;
}

static int file_check(const char *path)
{
	struct loader_note note;
	struct elf_file file;
	int err = elf_file_open(&file, path);

	if (err)
		return err;
	err = note_read(&file, &note);
	if (!err)
		err = elf_file_check_dynamic(&file);
	if (!err && !elf_file_symbol(&file, "DriverEntry"))
		err = error_set(ENOEXEC, "%s has no DriverEntry", path);
	if (!err && !elf_file_symbol(&file, "dryport_imports"))
		err = error_set(ENOEXEC, "%s has no table of imports; build it again", path);
	if (!err)
		err = sanitizers_check(path, &note);
	elf_file_close(&file);
	return err;
}

/* ---- imports ---- */

static int imports_fill(struct loader_image *image)
{
	for (struct loader_import *row = image->imports; row->name; row++) {
		const struct dry_export *export = export_find(row->name);

		row->slot = export ? export->address : NULL;
	}
	return loader_missing_fill(image);
}

/* ---- segments ---- */

static int segments_take(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct loader_image *image = ctx;

	if (info->dlpi_addr != image->bias)
		return 0;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const Elf64_Phdr *s = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + round_down(s->p_vaddr, MEM_PAGE_SIZE);
		uintptr_t end = info->dlpi_addr + round_up(s->p_vaddr + s->p_memsz, MEM_PAGE_SIZE);

		if (s->p_type != PT_LOAD)
			continue;
		image->base = image->base ? min_of(image->base, start) : start;
		image->end = max_of(image->end, end);
		if (image->segment_count < array_size(image->segment)) {
			image->segment[image->segment_count].start = (void *)start;
			image->segment[image->segment_count].is_writable = s->p_flags & PF_W;
			image->segment[image->segment_count++].bytes = end - start;
		}
	}
	return 1;
}

static int segments_find(struct loader_image *image)
{
	struct link_map *map;

	if (dlinfo(image->handle, RTLD_DI_LINKMAP, &map))
		return error_set(ENOEXEC, "%s: %s", image->path, dlerror());
	image->bias = map->l_addr;
	if (!dl_iterate_phdr(segments_take, image))
		return error_set(ENOEXEC, "%s: its segments are not to be found", image->path);
	return 0;
}

int loader_frames_give(struct loader_image *image)
{
	for (unsigned i = 0; i < image->segment_count && !image->has_frames; i++) {
		enum mem_kind kind = image->segment[i].is_writable ? MEM_IMAGE : MEM_CODE;
		int err = mem_range_add(
			image->segment[i].start, image->segment[i].bytes, kind, image);

		while (err && i)
			mem_range_remove(image->segment[--i].start);
		if (err)
			return err;
	}
	image->has_frames = true;
	return 0;
}

void loader_frames_take(struct loader_image *image)
{
	for (unsigned i = 0; i < image->segment_count && image->has_frames; i++)
		mem_range_remove(image->segment[i].start);
	image->has_frames = false;
}

/* ---- life ---- */

static char *name_of(const char *path, const char *prefix)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t length = strlen(base);
	char *name;

	if (length > 3 && !strcmp(base + length - 3, ".so"))
		length -= 3;
	return asprintf(&name, "%s%.*s", prefix, (int)length, base) < 0 ? NULL : name;
}

/* A file of its own with the same contents, which the linker takes for another object. */
static int file_copy(const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC),
	    to = memfd_create("dryport-image", MFD_CLOEXEC);
	struct stat st;
	off_t at = 0;

	if (from >= 0 && to >= 0 && !fstat(from, &st))
		while (at < st.st_size && sendfile(to, from, &at, (size_t)(st.st_size - at)) > 0)
			;
	else
		st.st_size = 1;
	if (from >= 0)
		close(from);
	if (at == st.st_size)
		return to;
	if (to >= 0)
		close(to);
	return -1;
}

static void *object_open(const struct loader_image *image, bool is_copy)
{
	char place[32];
	void *handle;
	int file;

	if (!is_copy)
		return dlopen(image->path, RTLD_NOW | RTLD_LOCAL);
	file = file_copy(image->path);
	if (file < 0)
		return NULL;
	snprintf(place, sizeof(place), "/proc/self/fd/%d", file);
	handle = dlopen(place, RTLD_NOW | RTLD_LOCAL);
	close(file);
	return handle;
}

static int image_open(struct loader_image *image, bool is_copy)
{
	const char *reason;
	int err;

	image->handle = object_open(image, is_copy);
	reason = image->handle ? NULL : dlerror();
	if (!image->handle)
		return error_set(ENOEXEC, "%s cannot be loaded%s: %s", image->path,
			is_copy ? " a second time" : "", reason ? reason : strerror(errno));
	image->imports = dlsym(image->handle, "dryport_imports");
	image->entry = dlsym(image->handle, "DriverEntry");
	if (!image->imports || !image->entry)
		return error_set(ENOEXEC, "%s has no DriverEntry", image->path);
	err = segments_find(image);
	return err ? err : imports_fill(image);
}

static int load(const char *path, bool is_copy, struct loader_image **result)
{
	struct loader_image *image = calloc(1, sizeof(*image));
	int err;

	if (!image)
		return error_set(ENOMEM, "%s: out of memory", path);
	image->path = realpath(path, NULL);
	image->name = name_of(path, is_copy ? "dump_" : "");
	if (!image->path || !image->name)
		err = error_set(errno ? errno : ENOMEM, "%s: %s", path, strerror(errno));
	else
		err = image_open(image, is_copy);
	if (err) {
		loader_unload(image);
		return err;
	}
	image->next = loader_images;
	loader_images = image;
	nt_driver_place = loader_driver_frame;
	nt_code_place = loader_call_place;
	*result = image;
	return 0;
}

int loader_load(const char *path, struct loader_image **result)
{
	int err = file_check(path);

	return err ? err : load(path, false, result);
}

int loader_load_dump(const struct loader_image *image, struct loader_image **result)
{
	return load(image->path, true, result);
}

void loader_unload(struct loader_image *image)
{
	for (struct loader_image **at = &loader_images; *at; at = &(*at)->next) {
		if (*at == image) {
			*at = image->next;
			break;
		}
	}
	loader_frames_take(image);
	loader_missing_end(image);
	loader_calls_end(image);
	if (image->handle)
		dlclose(image->handle);
	free(image->path);
	free(image->name);
	free(image);
}

void *loader_entry(const struct loader_image *image)
{
	return image->entry;
}

const char *loader_path(const struct loader_image *image)
{
	return image->path;
}

const char *loader_name(const struct loader_image *image)
{
	return image->name;
}

bool loader_imports(const struct loader_image *image, const char *name)
{
	for (const struct loader_import *row = image->imports; row->name; row++)
		if (!strcmp(row->name, name))
			return true;
	return false;
}
