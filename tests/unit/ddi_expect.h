/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What tests see drivers' routines answer, written down for scripts/ddi-status: a routine counts as
 * done only if a documented failure was seen from it. Nothing is written unless DRYPORT_DDI_RECORD
 * names a file.
 *
 * The asserts of cmocka, those of expect.h and of nt/nt_kit.h write by themselves where the call
 * stands in them:
 *
 *	assert_int_equal(StorPortFreePool(ext, NULL), STOR_STATUS_INVALID_PARAMETER);
 *	assert_null(adapter->DmaOperations->AllocateCommonBuffer(adapter, 0, &address, TRUE));
 *	expect(!StorPortReady(ext));
 *
 * A test that calls through a helper says which routine that is, by its name in docs/ddi.tsv, in
 * the helper or where it checks; the call stands last, as its arguments hold commas. A structure is
 * given by its member (.QuadPart).
 *
 *	return ddi_result(DMA_OPERATIONS.JoinDmaDomain, ops->JoinDmaDomain(adapter, domain));
 *	ddi_expect(StorPortBuildScatterGatherList, STOR_STATUS_INVALID_IRQL, build(mdl, va));
 */
#ifndef TESTS_DDI_EXPECT_H
#define TESTS_DDI_EXPECT_H

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A LONG that was made longer is still one. */
static inline uint64_t ddi_value(uint64_t value)
{
	return value >> 32 == 0xffffffff ? value & 0xffffffff : value;
}

/* A line in the record: for results that are seen in yet another way. value: a number, or a name
 * that scripts/ddi-status knows. */
static inline void ddi_record(const char *name, const char *value)
{
	const char *path = getenv("DRYPORT_DDI_RECORD");
	FILE *file = path ? fopen(path, "a") : NULL;

	if (!file)
		return;
	fprintf(file, "%s %s\n", name, value);
	fclose(file);
}

static inline void ddi_record_number(const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)ddi_value(value));
	ddi_record(name, text);
}

/* The last call of those that stand side by side, table()->name(...): its '(', and what follows it.
 */
static inline const char *ddi_last_call(const char *text, const char **end)
{
	const char *open = NULL;
	unsigned depth = 0;

	for (; *text; text++) {
		if (*text == '(' && !depth++)
			open = text;
		else if (*text == ')' && depth && !--depth)
			*end = text + 1;
	}
	return depth ? NULL : open;
}

/* The routine's name, where the expression begins as a call: NAME(...), table->NAME(...), or
 * d_NAME(...) as crt_kit.h names its pointers. */
static inline bool ddi_call(const char *text, char *name, size_t size, const char **end)
{
	const char *open = ddi_last_call(text, end), *first = open;

	while (first && first > text && (isalnum((unsigned char)first[-1]) || first[-1] == '_'))
		first--;
	if (!first || first == open)
		return false;
	if (first == text) {
		first += !strncmp(first, "d_", 2) ? 2 : 0;
		snprintf(name, size, "%.*s", (int)(open - first), first);
	} else if (first > text + 2 && first[-1] == '>' && first[-2] == '-')
		snprintf(name, size, "DMA_OPERATIONS.%.*s", (int)(open - first), first);
	else
		return false;
	return true;
}

static inline bool ddi_is_recording(void)
{
	static int wanted; /* -1: no */

	if (!wanted)
		wanted = getenv("DRYPORT_DDI_RECORD") ? 1 : -1;
	return wanted > 0;
}

/* The value of an expression that is a call, or the member QuadPart of what it returns. */
static inline uint64_t ddi_seen(const char *text, uint64_t value)
{
	const char *end = "";
	char name[200];

	if (ddi_is_recording() && ddi_call(text, name, sizeof(name), &end) &&
		(!*end || !strcmp(end, ".QuadPart")))
		ddi_record_number(name, value);
	return value;
}

/* A condition that holds: !CALL, or CALL == VALUE where that is one word. */
static inline bool ddi_seen_true(const char *text, bool holds)
{
	const char *end = "";
	char name[200];

	if (!holds || !ddi_is_recording() ||
		!ddi_call(text + (*text == '!'), name, sizeof(name), &end))
		return holds;
	if (*text == '!' && !*end)
		ddi_record(name, "0");
	else if (!strncmp(end, " == ", 4) && !strpbrk(end + 4, " ()"))
		ddi_record(name, end + 4);
	return holds;
}

#undef assert_int_equal
#define assert_int_equal(a, b)                                                                     \
	_assert_int_equal(ddi_seen(#a, (uintmax_t)(a)), (uintmax_t)(b), __FILE__, __LINE__)
#undef assert_false
#define assert_false(c) _assert_true(!ddi_seen(#c, (uintmax_t)(c)), "!(" #c ")", __FILE__, __LINE__)
#undef assert_true
#define assert_true(c) _assert_true(ddi_seen_true(#c, (uintmax_t)(c) != 0), #c, __FILE__, __LINE__)
#undef assert_null
#define assert_null(c)                                                                             \
	_assert_true(!ddi_seen(#c, (uintptr_t)(c)), #c " == NULL", __FILE__, __LINE__)

/* ---- through a helper ---- */

#define ddi_result(name, ...)                                                                      \
	({                                                                                         \
		__auto_type ddi_result_ = (__VA_ARGS__);                                           \
		ddi_record_number(#name, (uint64_t)ddi_result_);                                   \
		ddi_result_;                                                                       \
	})

#ifdef TESTS_EXPECT_H
#define ddi_differs expect_fail
#elif defined(TEST_NT_KIT_H)
#define ddi_differs(file, line, ...)                                                               \
	do {                                                                                       \
		char ddi_text_[300];                                                               \
		snprintf(ddi_text_, sizeof(ddi_text_), __VA_ARGS__);                               \
		check_note(false, ddi_text_, line);                                                \
	} while (0)
#else
#define ddi_differs(file, line, ...)                                                               \
	do {                                                                                       \
		print_error("%s:%d: ", file, line);                                                \
		fail_msg(__VA_ARGS__);                                                             \
	} while (0)
#endif

#define ddi_expect(name, wanted, ...)                                                              \
	do {                                                                                       \
		uint64_t ddi_got_ = ddi_value((uint64_t)(__VA_ARGS__));                            \
		uint64_t ddi_wanted_ = ddi_value((uint64_t)(wanted));                              \
                                                                                                   \
		ddi_record_number(#name, ddi_got_);                                                \
		if (ddi_got_ != ddi_wanted_)                                                       \
			ddi_differs(__FILE__, __LINE__, "%s answers %#llx, not %s (%#llx)", #name, \
				(unsigned long long)ddi_got_, #wanted,                             \
				(unsigned long long)ddi_wanted_);                                  \
	} while (0)

#endif
