/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Looks for the sanitizers' runtimes in this process (sanitizer.h).
 */
#include "util/sanitizer.h"
#include "util/common.h"
#include "util/layout.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

struct sanitizer sanitizer;

#ifdef DRY_ASAN
uint64_t layout_base = LAYOUT_BASE_ASAN;
#else
uint64_t layout_base = LAYOUT_BASE_PLAIN;
#endif

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	{"__asan_poison_memory_region", offsetof(struct sanitizer, poison)},
	{"__asan_unpoison_memory_region", offsetof(struct sanitizer, unpoison)},
	{"__asan_handle_no_return", offsetof(struct sanitizer, no_return)},
	{"__sanitizer_start_switch_fiber", offsetof(struct sanitizer, switch_start)},
	{"__sanitizer_finish_switch_fiber", offsetof(struct sanitizer, switch_finish)},
	{"__sanitizer_set_death_callback", offsetof(struct sanitizer, on_death)},
	{"__tsan_create_fiber", offsetof(struct sanitizer, fiber_create)},
	{"__tsan_destroy_fiber", offsetof(struct sanitizer, fiber_destroy)},
	{"__tsan_switch_to_fiber", offsetof(struct sanitizer, fiber_switch)},
	{"__tsan_get_current_fiber", offsetof(struct sanitizer, fiber_current)},
	{"AnnotateIgnoreReadsBegin", offsetof(struct sanitizer, ignore_begin)},
	{"AnnotateIgnoreReadsEnd", offsetof(struct sanitizer, ignore_end)},
};

static void sanitizer_find(void)
{
	for (size_t i = 0; i < array_size(symbols); i++) {
		void *address = dlsym(RTLD_DEFAULT, symbols[i].name);

		memcpy((char *)&sanitizer + symbols[i].offset, &address, sizeof(address));
	}
	if (sanitizer.poison)
		layout_base = LAYOUT_BASE_ASAN;
}

void sanitizer_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, sanitizer_find);
}
