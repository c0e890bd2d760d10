/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/fault.c. Each crash happens in a child process.
 */
#include "kit.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "util/error.h"

#define PAGE 4096ull

/* printf to stderr without what a signal handler must not call. */
static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	char line[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		_exit(9);
}

static void report(int signal, uintptr_t address, uintptr_t pc, void *context)
{
	say("report: signal %d address %#lx context %d\n", signal, (long)address, context != NULL);
}

/* cmocka puts handlers of its own around each test; a child has those that the program started
 * with. */
static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
static struct sigaction original[array_size(signals)];

static void originals_save(void)
{
	for (size_t i = 0; i < array_size(signals); i++)
		sigaction(signals[i], NULL, &original[i]);
}

static void originals_restore(void)
{
	for (size_t i = 0; i < array_size(signals); i++)
		sigaction(signals[i], &original[i], NULL);
}

static void child_with_faults(void (*fn)(void *ctx))
{
	originals_restore();
	cpu_fault_init();
	cpu_fault_init();
	cpu_crash_report = report;
	child_on_processor(fn);
}

/* Without a sanitizer's checks, which would name the error before the processor does. */
#define unchecked __attribute__((no_sanitize("address", "undefined", "thread"), noinline))

static unchecked void touch(volatile char *address)
{
	*address = 1;
}

static unchecked void touch_page_5(void *ctx)
{
	touch((volatile char *)(5 * PAGE + 7));
}

static unchecked void execute_nothing(void *ctx)
{
	__asm__ volatile("ud2");
}

static unchecked void divide_by_zero(void *ctx)
{
	__asm__ volatile("xorl %%ecx, %%ecx\n\tmovl $1, %%eax\n\tcltd\n\tidivl %%ecx" ::
				 : "eax", "ecx", "edx");
}

static void call_abort(void *ctx)
{
	abort();
}

static void assert_crash(void (*fn)(void *ctx), const char *line, const char *reported)
{
	char text[65536];
	int status = status_of(child_with_faults, fn, text, sizeof(text));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_text_has(text, line);
	assert_text_has(text, reported);
	/* one report, whatever comes after it */
	assert_null(strstr(strstr(text, "report: ") + 1, "report: "));
}

static void crash_on_a_processor_is_reported_once_and_exits_with_1(void **state)
{
	char reported[64];

	assert_crash(touch_page_5,
		"dryport: invalid memory access on processor 0 at IRQL 0, thread test",
		"report: signal 11 address 0x5007 context 1");
	assert_crash(execute_nothing, "dryport: illegal instruction on processor 0",
		"report: signal 4 ");
	assert_crash(
		divide_by_zero, "dryport: arithmetic fault on processor 0", "report: signal 8 ");
	snprintf(reported, sizeof(reported), "report: signal %d ", SIGABRT);
	assert_crash(call_abort, "dryport: abort on processor 0", reported);
}

#ifdef DRY_ASAN
static void address_sanitizer_reports_after_ours(void **state)
{
	char text[65536], *ours;

	status_of(child_with_faults, touch_page_5, text, sizeof(text));
	ours = strstr(text, "report: signal 11");
	assert_non_null(ours);
	assert_text_has(ours, "AddressSanitizer: SEGV on unknown address");
}
#endif

static unchecked unsigned recurse(unsigned depth)
{
	volatile char frame[2048];

	frame[depth % 2048] = 1;
	return depth < ~0u ? recurse(depth + 1) + frame[0] : 0;
}

static void overflow_stack(void *ctx)
{
	recurse(0);
}

static void overflow_in_dpc(struct cpu_dpc *dpc)
{
	recurse(0);
}

static void overflow_idle_stack(void *ctx)
{
	static struct cpu_dpc dpc = {.fn = overflow_in_dpc};

	/* the idle fiber runs it */
	cpu_dpc_queue(&dpc, NULL, NULL);
	pause();
}

static void child_idle(void (*fn)(void *ctx))
{
	originals_restore();
	cpu_fault_init();
	cpu_crash_report = report;
	machine_start_with(1, false);
	fn(NULL);
}

static void stack_overflow_names_the_thread(void **state)
{
	char text[65536];
	int status = status_of(child_with_faults, overflow_stack, text, sizeof(text));

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_text_has(text, "dryport: kernel stack overflow in thread test\n");
	assert_text_has(text, "report: signal 11");
	status = status_of(child_idle, overflow_idle_stack, text, sizeof(text));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_text_has(text, "dryport: kernel stack overflow in thread (idle)\n");
}

static unchecked void report_with_fault(int signal, uintptr_t address, uintptr_t pc, void *context)
{
	touch((volatile char *)(6 * PAGE));
}

static void crash_twice(void *ctx)
{
	cpu_crash_report = report_with_fault;
	touch_page_5(NULL);
}

static void crash_inside_the_report_ends_the_process(void **state)
{
	char text[65536];
	int status = status_of(child_with_faults, crash_twice, text, sizeof(text));

	assert_text_has(text, "while reporting the crash");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* ---- ranges that somebody handles ---- */

struct range {
	uintptr_t address;
	unsigned faults;
	uint8_t irql;
	bool handles;
};

/* Carries out the store: movb $1, (%rdi) in touch_7_bytes below. */
static bool handle(void *owner, uintptr_t address, void *context)
{
	struct range *range = owner;
	ucontext_t *uc = context;

	range->address = address;
	range->faults++;
	range->irql = cpu_irql();
	cpu_poll();
	uc->uc_mcontext.gregs[REG_RIP] += range->handles ? 3 : 0;
	return range->handles;
}

static unchecked void store_3_bytes_long(uintptr_t address)
{
	__asm__ volatile("movb $1, (%0)" ::"D"(address) : "memory");
}

static _Atomic unsigned served;

static bool serve(struct cpu_interrupt *interrupt)
{
	count(served);
	return true;
}

static struct range range;
static char *inaccessible;

static void store_in_range(void *ctx)
{
	static struct cpu_interrupt interrupt = {.irql = 7, .service = serve};

	cpu_irql_raise(8);
	cpu_interrupt_raise(&interrupt);
	store_3_bytes_long((uintptr_t)inaccessible + 100);
	range.irql = range.irql == IRQL_HIGH && !get(served) ? cpu_irql() : 99;
	cpu_irql_lower(IRQL_PASSIVE);
}

static void child_of_range(void (*fn)(void *ctx))
{
	inaccessible = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range = (struct range){.handles = true};
	cpu_fault_range((uintptr_t)inaccessible, PAGE, handle, &range);
	child_with_faults(fn);
	say("%u faults, offset %#lx, irql %u, %u served\n", range.faults,
		(long)(range.address - (uintptr_t)inaccessible), range.irql, get(served));
	/* on a host thread too */
	store_3_bytes_long((uintptr_t)inaccessible + PAGE - 1);
	say("%u faults, offset %#lx\n", range.faults,
		(long)(range.address - (uintptr_t)inaccessible));
}

/* Safepoints inside the handler serve nothing, and the IRQL comes back after it. */
static void range_carries_out_the_access(void **state)
{
	char text[65536];
	int status = status_of(child_of_range, store_in_range, text, sizeof(text));

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_string_equal(
		text, "1 faults, offset 0x64, irql 8, 1 served\n2 faults, offset 0xfff\n");
}

static void store_refused(void *ctx)
{
	inaccessible = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range = (struct range){.handles = false};
	cpu_fault_range((uintptr_t)inaccessible, PAGE, handle, &range);
	store_3_bytes_long((uintptr_t)inaccessible);
}

static void store_after_removal(void *ctx)
{
	inaccessible = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range = (struct range){.handles = true};
	cpu_fault_range((uintptr_t)inaccessible, PAGE, handle, &range);
	cpu_fault_range_remove((uintptr_t)inaccessible);
	store_3_bytes_long((uintptr_t)inaccessible);
}

static void access_that_nobody_carries_out_is_a_crash(void **state)
{
	assert_crash(store_refused, "dryport: invalid memory access", "report: signal 11");
	assert_crash(store_after_removal, "dryport: invalid memory access", "report: signal 11");
}

static void more_than_64_ranges_are_refused(void **state)
{
	for (uintptr_t i = 1; i <= 64; i++)
		assert_int_equal(cpu_fault_range(i * PAGE, PAGE, handle, &range), 0);
	assert_int_equal(cpu_fault_range(65 * PAGE, PAGE, handle, &range), -ENOSPC);
	for (uintptr_t i = 1; i <= 64; i++)
		cpu_fault_range_remove(i * PAGE);
	assert_int_equal(cpu_fault_range(65 * PAGE, PAGE, handle, &range), 0);
	cpu_fault_range_remove(65 * PAGE);
}

/* ---- faults of the host program ---- */

static void hosts_handler(int signal)
{
	say("host program's handler: %d\n", signal);
	_exit(7);
}

static void child_of_host_program(void (*fn)(void *ctx))
{
	originals_restore();
	signal(SIGSEGV, hosts_handler);
	signal(SIGABRT, SIG_DFL);
	signal(SIGFPE, SIG_DFL);
	cpu_fault_init();
	cpu_crash_report = report;
	machine_start_with(1, false);
	fn(NULL);
}

static void host_programs_fault_goes_to_its_own_handler(void **state)
{
	char text[65536];
	int status = status_of(child_of_host_program, touch_page_5, text, sizeof(text));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_string_equal(text, "host program's handler: 11\n");
}

static void host_programs_abort_and_default_faults_kill_it(void **state)
{
	char text[65536];
	int status = status_of(child_of_host_program, call_abort, text, sizeof(text));

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_null(strstr(text, "report: "));
	status = status_of(child_of_host_program, divide_by_zero, text, sizeof(text));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGFPE);
	assert_null(strstr(text, "report: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crash_on_a_processor_is_reported_once_and_exits_with_1),
#ifdef DRY_ASAN
		cmocka_unit_test(address_sanitizer_reports_after_ours),
#endif
		cmocka_unit_test(stack_overflow_names_the_thread),
		cmocka_unit_test(crash_inside_the_report_ends_the_process),
		cmocka_unit_test(range_carries_out_the_access),
		cmocka_unit_test(access_that_nobody_carries_out_is_a_crash),
		cmocka_unit_test(more_than_64_ranges_are_refused),
		cmocka_unit_test(host_programs_fault_goes_to_its_own_handler),
		cmocka_unit_test(host_programs_abort_and_default_faults_kill_it),
	};

	originals_save();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
