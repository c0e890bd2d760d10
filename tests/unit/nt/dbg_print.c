/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Dbg: messages on stderr: format, levels, whole lines. */
#include "nt_kit.h"
#include <regex.h>

/* Runs fn in a kernel thread of a machine with this level, in a child; what it writes is in `out`.
 */
static char out[16384];
static int level;

static void capture(void (*fn)(void *ctx))
{
	size_t length = 0;
	int fds[2], status;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		const struct mem_config mem = {.size = 16 << 20};
		const struct cpu_config cpu = {.processors = 2};
		const struct nt_config nt = {.debug_level = level};

		alarm(20);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		if (mem_init(&mem) || cpu_init(&cpu) || nt_init(&nt) || cpu_start())
			_exit(3);
		run_on(1, fn, NULL);
		nt_fini();
		_exit(0);
	}
	close(fds[1]);
	while (length < sizeof(out) - 1 &&
		(got = read(fds[0], out + length, sizeof(out) - 1 - length)) > 0)
		length += (size_t)got;
	out[length] = 0;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void assert_matches(const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NEWLINE | REG_NOSUB), 0);
	if (regexec(&regex, out, 0, NULL, 0))
		fail_msg("\"%s\" does not match %s", out, pattern);
	regfree(&regex);
}

static unsigned lines(void)
{
	unsigned n = 0;

	for (const char *p = out; *p; p++)
		n += *p == '\n';
	return n;
}

static void print_one(void *ctx)
{
	DbgPrint("%s is %d\n", "answer", 42);
}

/* covers: DbgPrint */
static void a_line_has_its_time_processor_and_irql(void **state)
{
	level = 0;
	capture(print_one);
	assert_matches("^\\[ {0,3}[0-9]+\\.[0-9]{6} cpu 1 irql 0\\] answer is 42$");
	assert_int_equal(lines(), 1);
}

static void print_parts(void *ctx)
{
	DbgPrint("one ");
	DbgPrint("two ");
	DbgPrint("three\nfour\nfi");
	DbgPrint("ve\n");
	DbgPrint("rest");
}

static void partial_lines_are_joined_and_the_rest_is_written_at_the_end(void **state)
{
	level = 0;
	capture(print_parts);
	assert_matches("irql 0\\] one two three$");
	assert_matches("irql 0\\] four$");
	assert_matches("irql 0\\] five$");
	assert_matches("\\] rest$");
	assert_int_equal(lines(), 4);
}

static void print_interrupted(void *ctx)
{
	KIRQL old;

	DbgPrint("low ");
	old = KeRaiseIrqlToDpcLevel();
	DbgPrint("high\n");
	KeLowerIrql(old);
	DbgPrint("again\n");
}

static void what_interrupts_a_line_does_not_mix_with_it(void **state)
{
	level = 0;
	capture(print_interrupted);
	assert_matches("\\] low $");
	assert_matches("irql 2\\] high$");
	assert_matches("irql 0\\] again$");
}

static void print_long(void *ctx)
{
	char text[3000];

	memset(text, 'x', sizeof(text));
	text[2999] = 0;
	DbgPrint("%s\n", text); /* Windows cuts a call at 512 bytes, its end of line too */
	DbgPrint("\n");
	for (unsigned i = 0; i < 8; i++)
		DbgPrint("%.500s", text);
	DbgPrint("\n");
}

static void long_texts_are_cut_and_lines_broken(void **state)
{
	level = 0;
	capture(print_long);
	assert_matches("\\] x{512}$");
	assert_matches("\\] x{1023}$");
	assert_true(lines() >= 5);
}

static void print_levels(void *ctx)
{
	DbgPrint("plain\n");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, "error\n");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_WARNING_LEVEL, "warning\n");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL, "info\n");
	DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_MASK | 1 << 10, "mask\n");
}

/* covers: DbgPrint, DbgPrintEx */
static void levels_decide_what_is_printed(void **state)
{
	static const struct {
		int level;
		const char *text;
		unsigned lines;
	} cases[] = {{-1, NULL, 0}, {0, "error", 2}, {1, "warning", 3}, {2, "warning", 3},
		{3, "info", 4}, {9, "info", 4}, {10, "mask", 5}, {31, "mask", 5}};

	for (unsigned i = 0; i < array_size(cases); i++) {
		level = cases[i].level;
		capture(print_levels);
		assert_int_equal(lines(), cases[i].lines);
		if (cases[i].text)
			assert_matches(cases[i].text);
	}
}

static ULONG NTAPI print_list(PCSTR prefix, PCSTR format, ...)
{
	__builtin_ms_va_list args;
	ULONG status;

	__builtin_ms_va_start(args, format);
	status = prefix ? vDbgPrintExWithPrefix(
				  prefix, DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, format, args)
			: vDbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL, format, args);
	__builtin_ms_va_end(args);
	return status;
}

static void print_lists(void *ctx)
{
	CHECK_EQUAL(print_list(NULL, "%d %s\n", 1, "one"), STATUS_SUCCESS);
	CHECK_EQUAL(print_list("drv: ", "%d %s\n", 2, "two"), STATUS_SUCCESS);
}

/* covers: vDbgPrintEx, vDbgPrintExWithPrefix */
static void lists_of_arguments_and_prefixes(void **state)
{
	level = 0;
	capture(print_lists);
	assert_matches("\\] 1 one$");
	assert_matches("\\] drv: 2 two$");
}

static void print_many(void *ctx)
{
	for (unsigned i = 0; i < 100; i++)
		DbgPrint("line %d of %d by %d end\n", i, 100, 1 + (int)(uintptr_t)ctx);
}

static void print_both(void *ctx)
{
	struct cpu_thread *other = cpu_thread_new(print_many, (void *)1, 0, "other");

	print_many(NULL);
	cpu_thread_join(other);
	cpu_thread_free(other);
}

static void lines_of_two_processors_stay_whole(void **state)
{
	char *save, *line;
	unsigned n = 0;

	level = 0;
	capture(print_both);
	for (line = strtok_r(out, "\n", &save); line; line = strtok_r(NULL, "\n", &save), n++) {
		unsigned cpu, number, of, by;
		char end[8] = "";

		assert_int_equal(
			sscanf(strstr(line, "cpu"), "cpu %u irql 0] line %u of %u by %u %7s", &cpu,
				&number, &of, &by, end),
			5);
		assert_string_equal(end, "end");
		assert_int_equal(of, 100);
		assert_int_equal(by, 2 - cpu);
	}
	assert_int_equal(n, 200);
}

static ULONG NTAPI by_list(bool has_prefix, PCCH format, ...)
{
	__builtin_ms_va_list args;
	ULONG status;

	__builtin_ms_va_start(args, format);
	status = has_prefix ? ddi_result(vDbgPrintExWithPrefix,
				      vDbgPrintExWithPrefix("p", 0, 0, format, args))
			    : ddi_result(vDbgPrintEx, vDbgPrintEx(0, 0, format, args));
	__builtin_ms_va_end(args);
	return status;
}

/* covers: DbgPrint, DbgPrintEx, vDbgPrintEx, vDbgPrintExWithPrefix */
NT_TEST(a_format_that_is_refused_or_missing_prints_nothing)
{
	/* not seen by the compiler, which knows better */
	const char *volatile store = "%n", *volatile none = NULL;

	for (unsigned n = 0; n < 2; n++) {
		const char *format = n ? none : store;

		CHECK_EQUAL(DbgPrint(format), (ULONG)STATUS_INVALID_PARAMETER);
		CHECK_EQUAL(DbgPrintEx(0, 0, format), (ULONG)STATUS_INVALID_PARAMETER);
		CHECK_EQUAL(by_list(false, format), (ULONG)STATUS_INVALID_PARAMETER);
		CHECK_EQUAL(by_list(true, format), (ULONG)STATUS_INVALID_PARAMETER);
	}
}

static void from_host_thread(void **state)
{
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t got;

	machine_start(1, MEM_SCATTERED);
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	nt_debug_line("from the host");
	dup2(saved, STDERR_FILENO);
	close(fds[1]);
	got = read(fds[0], out, sizeof(out) - 1);
	out[got > 0 ? got : 0] = 0;
	close(fds[0]);
	close(saved);
	assert_matches("^\\[ {0,3}[0-9]+\\.[0-9]{6} cpu - irql 0\\] from the host$");
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_its_time_processor_and_irql),
		cmocka_unit_test(partial_lines_are_joined_and_the_rest_is_written_at_the_end),
		cmocka_unit_test(what_interrupts_a_line_does_not_mix_with_it),
		cmocka_unit_test(long_texts_are_cut_and_lines_broken),
		cmocka_unit_test(levels_decide_what_is_printed),
		cmocka_unit_test(lists_of_arguments_and_prefixes),
		cmocka_unit_test(lines_of_two_processors_stay_whole),
		cmocka_unit_test(a_format_that_is_refused_or_missing_prints_nothing),
		cmocka_unit_test(from_host_thread),
	};

	return cmocka_run_group_tests_name("nt/dbg_print", tests, NULL, NULL);
}
