/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Imports that dryport lacks: what stands in their slots (loader.h). A variable's is the address of
 * an inaccessible page of its own. A routine's leads to a stub of its own, as a call through a slot
 * does not say which slot it was:
 *
 *	movabs	$row, %rax
 *	jmp	*handler(%rip)
 *
 * rax takes no part in a Win64 call. Most drivers lack nothing and get neither.
 */
#include "cpu/cpu.h"
#include "loader/image.h"
#include "mem/mem.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STUB_BYTES 16

/* The stack is as the driver's call left it, so the frame of loader_import_died follows the
 * driver's at once. */
__asm__(".pushsection .text\n"
	".type loader_import_missing, @function\n"
	"loader_import_missing:\n"
	"	.cfi_startproc\n"
	"	movq %rax, %rdi\n"
	"	jmp loader_import_died\n"
	"	.cfi_endproc\n"
	".size loader_import_missing, .-loader_import_missing\n"
	".popsection\n");

void loader_import_missing(void) __attribute__((visibility("hidden")));
__attribute__((used, noreturn)) void loader_import_died(const struct loader_import *row);

void loader_import_died(const struct loader_import *row)
{
	const char *place = loader_driver_frame();

	cpu_die("the driver called %s, which dryport lacks, in %s", row->name,
		place ? place : "an unknown place");
}

static bool hole_touched(void *owner, uintptr_t address, void *ucontext)
{
	const struct loader_image *image = owner;
	uintptr_t hole = round_down(address, MEM_PAGE_SIZE);
	const char *place;

	for (const struct loader_import *row = image->imports; row->name; row++) {
		if ((uintptr_t)row->slot != hole || row->kind != LOADER_VARIABLE)
			continue;
		place = loader_driver_frame();
		cpu_die("the driver used the variable %s, which dryport lacks, in %s", row->name,
			place ? place : "an unknown place");
	}
	return false;
}

static int holes_make(struct loader_image *image, size_t count)
{
	if (!count)
		return 0;
	image->holes_bytes = count * MEM_PAGE_SIZE;
	image->holes = mmap(NULL, image->holes_bytes, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (image->holes == MAP_FAILED) {
		image->holes = NULL;
		return error_set(ENOMEM, "%s: out of memory", image->path);
	}
	cpu_fault_init();
	return cpu_fault_range((uintptr_t)image->holes, image->holes_bytes, hole_touched, image);
}

/* The handler's address, then the stubs. */
static int stubs_make(struct loader_image *image, size_t count)
{
	if (!count)
		return 0;
	image->stubs_bytes = round_up((count + 1) * STUB_BYTES, MEM_PAGE_SIZE);
	image->stubs = mmap(NULL, image->stubs_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (image->stubs == MAP_FAILED) {
		image->stubs = NULL;
		return error_set(ENOMEM, "%s: out of memory", image->path);
	}
	*(void **)image->stubs = (void *)loader_import_missing;
	return 0;
}

static void stub_write(const struct loader_image *image, uint8_t *at, struct loader_import *row)
{
	static const uint8_t load[] = {0x48, 0xb8}, jump[] = {0xff, 0x25};
	int32_t distance = (int32_t)(image->stubs - (at + STUB_BYTES));

	memcpy(at, load, sizeof(load));
	memcpy(at + 2, &row, sizeof(row));
	memcpy(at + 10, jump, sizeof(jump));
	memcpy(at + 12, &distance, sizeof(distance));
}

static int stubs_open(const struct loader_image *image)
{
	if (image->stubs && mprotect(image->stubs, image->stubs_bytes, PROT_READ | PROT_EXEC))
		return error_set(errno,
			"%s: it imports what dryport lacks, and its calls of that cannot be "
			"caught here: %s",
			image->path, strerror(errno));
	return 0;
}

static int places_make(struct loader_image *image)
{
	size_t routines = 0, variables = 0;
	int err;

	for (const struct loader_import *row = image->imports; row->name; row++) {
		if (row->slot)
			continue;
		if (row->kind == LOADER_VARIABLE)
			variables++;
		else
			routines++;
	}
	image->missing = calloc(routines + variables + 1, sizeof(*image->missing));
	if (!image->missing)
		return error_set(ENOMEM, "%s: out of memory", image->path);
	err = holes_make(image, variables);
	return err ? err : stubs_make(image, routines);
}

int loader_missing_fill(struct loader_image *image)
{
	int err = places_make(image);
	uint8_t *stub = image->stubs;
	char *hole = image->holes;
	size_t missing = 0;

	if (err)
		return err;
	for (struct loader_import *row = image->imports; row->name; row++) {
		if (row->slot)
			continue;
		image->missing[missing++] = row->name;
		if (row->kind == LOADER_VARIABLE) {
			row->slot = hole;
			hole += MEM_PAGE_SIZE;
		} else {
			stub += STUB_BYTES;
			stub_write(image, stub, row);
			row->slot = stub;
		}
	}
	return stubs_open(image);
}

void loader_missing_end(struct loader_image *image)
{
	if (image->holes) {
		cpu_fault_range_remove((uintptr_t)image->holes);
		munmap(image->holes, image->holes_bytes);
	}
	if (image->stubs)
		munmap(image->stubs, image->stubs_bytes);
	free(image->missing);
	image->holes = NULL;
	image->stubs = NULL;
	image->missing = NULL;
}

const char *loader_missing(const struct loader_image *image, unsigned n)
{
	for (unsigned i = 0; i <= n; i++)
		if (!image->missing[i])
			return NULL;
	return image->missing[n];
}
