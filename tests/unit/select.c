/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Linked into each unit test: DRYPORT_TEST names the only test to run, with * and ? as in a
 * shell; and what a child did that died on purpose is in the coverage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((constructor)) static void select_test(void)
{
	const char *pattern = getenv("DRYPORT_TEST");

	if (pattern)
		cmocka_set_test_filter(pattern);
}

#ifdef DRY_COVERAGE
int __llvm_profile_write_file(void);

/* The C library's would drop the counters. */
void _exit(int status)
{
	__llvm_profile_write_file();
	syscall(SYS_exit_group, status);
	__builtin_unreachable();
}
#endif
