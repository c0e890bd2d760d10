/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/bus/trap.c: what is not carried out is a crash, where the driver was. Each happens in a
 * process of its own.
 */
#include "trap_kit.h"

#include <sys/wait.h>
#include <unistd.h>

/* ---- what is not carried out, each in a process of its own ---- */

static void violation_print(void *ctx, const struct trace_event *event)
{
	fprintf(stderr, "%s\n", (const char *)event->arg[0]);
}

static void crash_print(int signal, uintptr_t address, uintptr_t pc, void *context)
{
	fprintf(stderr, "signal %d at code + %ld, address %s\n", signal,
		(long)(pc - (uintptr_t)code_page), address ? "known" : "0");
}

static const struct refused {
	const uint8_t *code;
	size_t length;
	uint64_t rdx;
	const char *says[2];
} refused[] = {
	{CODE("\xff\x17"), 0,
		{"BAR 0 + 0x40 of ram by an instruction (call)", "signal 11 at code + 0"}},
	{CODE("\xff\x27"), 0, {"by an instruction (jmp)", "signal 11 at code + 0"}},
	{CODE("\xff\xe7"), 0, {"invalid memory access on processor 0", "signal 11"}},
	{CODE("\x66\x0f\xf7\xc1"), 0, {"by an instruction (maskmovdqu)", "signal 11 at code + 0"}},
	/* rsp as an operand */
	{CODE("\x48\x03\x27"), 0, {"by an instruction (add)", "signal 11 at code + 0"}},
	/* six bytes are the BAR's, two nobody's */
	{CODE("\x48\x8b\x97\xba\x3f\0\0"), 0, {"direct access to ", "signal 11 at code + 0"}},
	{CODE("\x8b\x87\0\0\x10\0"), 0,
		{"bus address 0xe0100040, where no device is mapped", "signal 11 at code + 0"}},
	/* a division by zero */
	{CODE("\x90\xf7\x37"), 0, {"arithmetic fault on processor 0", "signal 8 at code + 1,"}},
	/* a port of nobody's; hlt; no instruction */
	{CODE("\xec"), 0x60, {"invalid memory access", "signal 11 at code + 0, address 0"}},
	{CODE("\xf4"), 0, {"invalid memory access", "signal 11 at code + 0, address 0"}},
	{CODE("\x0f\x0b"), 0, {"illegal instruction", "signal 4 at code + 0"}},
};

static const struct refused *refusal;
static uint8_t *refused_bar;

static void crash_now(void)
{
	static struct state s;

	state_make(&s);
	s.gpr[RDI] = (uintptr_t)refused_bar + 0x40;
	s.gpr[RDX] = refusal->rdx;
	s.gpr[RBP] = 0; /* here unwinders end */
	run_at(code_page, &s, refusal->code, refusal->length);
}

/* The child: dies of the n-th. */
static int refuse(unsigned n)
{
	machine_setup(NULL);
	trace_subscribe(1ull << TRACE_VIOLATION, violation_print, NULL);
	cpu_crash_report = crash_print;
	refused_bar = ram_begin();
	refusal = &refused[n];
	on_processor(crash_now);
	return 0;
}

static void what_cannot_be_carried_out_is_a_crash_at_its_place(void **state)
{
	char command[256], path[200], text[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(length > 0);
	path[length] = 0;
	for (unsigned n = 0; n < array_size(refused); n++) {
		FILE *child;
		int status;

		snprintf(command, sizeof(command), "%s %u 2>&1", path, n);
		child = popen(command, "r");
		assert_non_null(child);
		text[fread(text, 1, sizeof(text) - 1, child)] = 0;
		status = pclose(child);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 1 ||
			!strstr(text, refused[n].says[0]) || !strstr(text, refused[n].says[1]))
			fail_msg("%u: status %#x: %s", n, status, text);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		machine_test(what_cannot_be_carried_out_is_a_crash_at_its_place),
	};

	trap_kit_begin();
	if (argc > 1)
		return refuse((unsigned)atoi(argv[1]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
