/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the runtimes of AddressSanitizer and ThreadSanitizer must be told: which memory is free, and
 * which fiber runs. They are looked for at run time, not at compile time, as a plain dryport may
 * run a sanitized miniport with the runtime preloaded. Every member is NULL where there is no such
 * runtime.
 */
#ifndef DRY_UTIL_SANITIZER_H
#define DRY_UTIL_SANITIZER_H

#include <stddef.h>

struct sanitizer {
	/* AddressSanitizer: an access to a poisoned region is an error */
	void (*poison)(const volatile void *start, size_t bytes);
	void (*unpoison)(const volatile void *start, size_t bytes);
	void (*no_return)(void); /* before a jump out of functions */
	void (*switch_start)(void **fake_stack, const void *bottom, size_t bytes);
	void (*switch_finish)(void *fake_stack, const void **old_bottom, size_t *old_bytes);
	void (*on_death)(void (*fn)(void)); /* fn runs after a report that ends the process */
	/* ThreadSanitizer */
	void *(*fiber_create)(unsigned flags);
	void (*fiber_destroy)(void *fiber);
	void (*fiber_switch)(void *fiber, unsigned flags);
	void *(*fiber_current)(void);
	/* between the two the thread's plain accesses are nobody's race; its atomics still order */
	void (*ignore_begin)(const char *file, int line);
	void (*ignore_end)(const char *file, int line);
};

extern struct sanitizer sanitizer;

/* Fills the table; idempotent, any thread. Before it, all members are NULL. */
void sanitizer_init(void);

static inline void sanitizer_poison(const volatile void *start, size_t bytes)
{
	if (sanitizer.poison)
		sanitizer.poison(start, bytes);
}

static inline void sanitizer_unpoison(const volatile void *start, size_t bytes)
{
	if (sanitizer.unpoison)
		sanitizer.unpoison(start, bytes);
}

static inline void sanitizer_no_return(void)
{
	if (sanitizer.no_return)
		sanitizer.no_return();
}

#endif
