/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Damaged and foreign objects must be refused with a sentence, never loaded, never crash. The
 * argument is a good object of dryport-build; each test changes a copy.
 */
#include "loader/loader.h"
#include "util/error.h"

#include <elf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const char *sample;
static unsigned char *good;
static size_t good_size;
static char path[64];

static void copy_write(const void *bytes, size_t size)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static void is_refused(const void *bytes, size_t size, const char *text)
{
	struct loader_image *image;

	copy_write(bytes, size);
	assert_true(loader_load(path, &image) < 0);
	if (!strstr(error_text(), text))
		fail_msg("\"%s\" does not say \"%s\"", error_text(), text);
}

/* 0: loaded; 1: refused; else a signal killed the child that tried. */
static int load_in_child(const void *bytes, size_t size)
{
	int status;
	pid_t pid;

	copy_write(bytes, size);
	pid = fork();
	if (!pid) {
		static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
		struct loader_image *image;

		/* not cmocka's handlers */
		for (size_t i = 0; i < array_size(fatal); i++)
			signal(fatal[i], SIG_DFL);
		_exit(loader_load(path, &image) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static unsigned char *good_copy(void)
{
	unsigned char *copy = malloc(good_size);

	assert_non_null(copy);
	return memcpy(copy, good, good_size);
}

static void a_good_object_is_loaded_and_says_what_it_is(void **state)
{
	struct loader_image *image;
	struct loader_note note;

	assert_int_equal(loader_load(sample, &image), 0);
	assert_non_null(loader_entry(image));
	assert_true(loader_contains((uintptr_t)loader_entry(image)));
	assert_false(loader_contains((uintptr_t)&note));
	assert_null(loader_missing(image, 0));
	assert_memory_equal(
		loader_symbolize((uintptr_t)loader_entry(image)), "DriverEntry (names.c:", 21);
	assert_int_equal(loader_note_read(sample, &note), 0);
	assert_int_equal(note.sanitizers, 0);
	assert_memory_equal(note.compiler, "clang ", 6);
	loader_unload(image);
}

static void a_place_is_looked_up_once(void **state)
{
	struct loader_image *image;
	char first[128], *path = strdup(getenv("PATH"));

	assert_int_equal(loader_load(sample, &image), 0);
	snprintf(first, sizeof(first), "%s", loader_symbolize((uintptr_t)loader_entry(image)));
	setenv("PATH", "/nowhere", 1); /* no addr2line */
	assert_string_equal(loader_symbolize((uintptr_t)loader_entry(image)), first);
	assert_non_null(strstr(loader_symbolize((uintptr_t)loader_entry(image) + 1), ".so+0x"));
	loader_unload(image);
	/* another image may stand there next */
	assert_int_equal(loader_load(sample, &image), 0);
	assert_non_null(strstr(loader_symbolize((uintptr_t)loader_entry(image)), ".so+0x"));
	setenv("PATH", path, 1);
	free(path);
	loader_unload(image);
}

static void unloading_and_loading_again_starts_afresh(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct loader_image *image;
		int __attribute__((ms_abi)) (*entry)(void *, void *);

		assert_int_equal(loader_load(sample, &image), 0);
		entry = loader_entry(image);
		/* it counts in a variable, and fails when that is not zero at first */
		assert_int_equal(entry(NULL, NULL), 0);
		loader_unload(image);
	}
}

static void what_is_no_object_of_ours_is_named(void **state)
{
	struct loader_image *image;

	assert_true(loader_load("/nowhere/x.so", &image) < 0);
	assert_string_equal(error_text(), "/nowhere/x.so: No such file or directory");
	is_refused("", 0, "is not an ELF object");
	is_refused("MZ\x90", 3, "is not an ELF object");
	is_refused(ELFMAG, 4, "is damaged or truncated: no whole header");
	assert_true(loader_load("/proc/self/exe", &image) < 0);
	assert_non_null(strstr(error_text(), "did not make"));
	assert_true(loader_load("/tmp", &image) < 0);
	assert_non_null(strstr(error_text(), "not a file that could be a driver"));
}

static void another_machine_or_kind_is_named(void **state)
{
	unsigned char *copy = good_copy();
	Elf64_Ehdr *header = (void *)copy;

	header->e_machine = EM_AARCH64;
	is_refused(copy, good_size, "is for another processor than x86-64");
	header->e_machine = EM_X86_64;
	header->e_ident[EI_CLASS] = ELFCLASS32;
	is_refused(copy, good_size, "is for another processor than x86-64");
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_type = ET_CORE;
	is_refused(copy, good_size, "is neither a shared object nor an object file");
	free(copy);
}

static struct loader_note *note_of(unsigned char *copy)
{
	const uint64_t magic = LOADER_NOTE_MAGIC;
	struct loader_note *note = memmem(copy, good_size, &magic, sizeof(magic));

	assert_non_null(note);
	return note;
}

/* 1 differs in what it promises of rax when it calls an import, which nobody needs any more. */
static void an_older_format_is_loaded_and_runs(void **state)
{
	unsigned char *copy = good_copy();

	for (uint32_t version = 1; version < LOADER_NOTE_VERSION; version++) {
		int __attribute__((ms_abi)) (*entry)(void *, void *);
		struct loader_image *image;

		note_of(copy)->version = version;
		copy_write(copy, good_size);
		assert_int_equal(loader_load(path, &image), 0);
		entry = loader_entry(image);
		assert_int_equal(entry(NULL, NULL), 0);
		loader_unload(image);
	}
	free(copy);
}

static void a_newer_format_is_named(void **state)
{
	unsigned char *copy = good_copy();
	struct loader_note *note = note_of(copy);

	note->version = LOADER_NOTE_VERSION + 1;
	is_refused(copy, good_size, "was made by a newer dryport (format 3, this one knows 2)");
	note->version = 0;
	is_refused(copy, good_size, "its note is damaged");
	note->version = LOADER_NOTE_VERSION;
	note->magic++;
	is_refused(copy, good_size, "its note is damaged");
	free(copy);
}

static void every_truncation_is_refused(void **state)
{
	/* the last thing in the file is the section table: without all of it there is no symbol */
	for (size_t size = 0; size < good_size; size += size < 4096 ? 61 : 509)
		is_refused(good, size, path);
	is_refused(good, good_size - 1, "damaged or truncated");
}

static void damaged_tables_never_crash(void **state)
{
	const Elf64_Ehdr *header = (const void *)good;
	unsigned char *copy = good_copy();
	unsigned seed = 12345, refused = 0, tries = 0;

	/* every byte of the headers and, beyond them, of what the dynamic linker reads, one at a
	 * time */
	for (size_t at = 0; at < good_size; at += at < 64 + 9 * sizeof(Elf64_Phdr) ? 1 : 97) {
		int result;

		seed = seed * 1103515245 + 12345;
		copy[at] ^= (unsigned char)(1 + (seed >> 16) % 255);
		result = load_in_child(copy, good_size);
		if (result > 1)
			fail_msg("byte %#zx, %02x for %02x: signal %d", at, copy[at], good[at],
				result - 256);
		refused += result == 1;
		tries++;
		copy[at] = good[at];
	}
	/* most of the headers matter */
	assert_true(refused > header->e_phnum * 10u);
	assert_true(tries > 500);
	free(copy);
}

static void sample_read(void)
{
	FILE *in = fopen(sample, "rb");

	if (!in || fseek(in, 0, SEEK_END))
		exit(2);
	good_size = (size_t)ftell(in);
	good = malloc(good_size);
	rewind(in);
	if (!good || fread(good, 1, good_size, in) != good_size)
		exit(2);
	fclose(in);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_object_is_loaded_and_says_what_it_is),
		cmocka_unit_test(a_place_is_looked_up_once),
		cmocka_unit_test(unloading_and_loading_again_starts_afresh),
		cmocka_unit_test(what_is_no_object_of_ours_is_named),
		cmocka_unit_test(another_machine_or_kind_is_named),
		cmocka_unit_test(an_older_format_is_loaded_and_runs),
		cmocka_unit_test(a_newer_format_is_named),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(damaged_tables_never_crash),
	};
	int failed;

	if (argc < 2)
		return 2;
	sample = argv[1];
	sample_read();
	snprintf(path, sizeof(path), "/tmp/dryport-hostile-%d.so", (int)getpid());
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	free(good);
	return failed;
}
