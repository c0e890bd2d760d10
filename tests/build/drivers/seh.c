/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Structured exceptions. Each step leaves a letter in a log, so that not only the results but the
 * order is checked: filters run while everything is still in place, innermost first; then the
 * __finally blocks, innermost first; then the __except block. DriverEntry answers the line of the
 * first check that fails; with a number it lets an exception go uncaught.
 */
#include <ntddk.h>

void RtlRaiseException(PEXCEPTION_RECORD record);
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));

static char trail[64];
static int steps;

static void step(char c)
{
	trail[steps++] = c;
	trail[steps] = 0;
}

static int trail_is(const char *want)
{
	int i = 0;

	while (trail[i] && trail[i] == want[i])
		i++;
	steps = 0;
	return trail[i] == want[i];
}

static DECLSPEC_NOINLINE void thrower(NTSTATUS code)
{
	step('t');
	if (code)
		ExRaiseStatus(code); /* line 39 */
	step('n');
}

static DECLSPEC_NOINLINE int filter(ULONG code, PEXCEPTION_POINTERS info, NTSTATUS want)
{
	step('f');
	if (info->ExceptionRecord->ExceptionCode != (NTSTATUS)code)
		return EXCEPTION_CONTINUE_SEARCH;
	return (NTSTATUS)code == want ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH;
}

static int except(NTSTATUS code)
{
	int x = 1;

	__try {
		x = 2;
		thrower(code);
		x = 3;
	} __except (filter(GetExceptionCode(), GetExceptionInformation(), STATUS_UNSUCCESSFUL)) {
		step('e');
		x += 100;
	}
	return x;
}

static int finally_in_except(NTSTATUS code)
{
	volatile int v = 5;
	int x = 0;

	__try {
		__try {
			x = 1;
			thrower(code);
			x = 2;
		} __finally {
			step(AbnormalTermination() ? 'A' : 'a');
			x += 10;
			v += 1;
		}
		step('m');
	} __except (filter(GetExceptionCode(), GetExceptionInformation(), code)) {
		step('e');
		return x + 1000 * v;
	}
	return x + 1000 * v;
}

static DECLSPEC_NOINLINE int middle(NTSTATUS code)
{
	int y = 1;

	__try {
		step('[');
		thrower(code);
	} __finally {
		step(']');
		y = 2;
	}
	return y;
}

static NTSTATUS through_a_frame(NTSTATUS code)
{
	NTSTATUS r = 0;

	__try {
		r = middle(code);
	} __except (step('F'), EXCEPTION_EXECUTE_HANDLER) {
		r = (NTSTATUS)GetExceptionCode();
	}
	return r;
}

static int in_a_loop(void)
{
	int n = 0, i;

	for (i = 0; i < 10; i++) {
		__try {
			if (i == 3)
				continue;
			if (i == 8)
				break;
			if (i & 1)
				thrower((NTSTATUS)(0xC0000000 + i));
			n++;
		} __except (EXCEPTION_EXECUTE_HANDLER) {
			n += 100;
		}
	}
	steps = 0;
	return n * 100 + i;
}

static void declined(void)
{
	__try {
		__try {
			__try {
				thrower(STATUS_ACCESS_VIOLATION);
			} __finally {
				step('1');
			}
		} __except (step('x'), EXCEPTION_CONTINUE_SEARCH) {
			step('!');
		}
	} __except (step('y'), EXCEPTION_EXECUTE_HANDLER) {
		step('e');
	}
}

static NTSTATUS raised_in_finally(void)
{
	NTSTATUS code = 0;

	__try {
		__try {
			thrower(STATUS_UNSUCCESSFUL);
		} __finally {
			step('1');
			thrower(STATUS_NOT_IMPLEMENTED);
		}
	} __except (EXCEPTION_EXECUTE_HANDLER) {
		code = (NTSTATUS)GetExceptionCode();
		step('e');
	}
	return code;
}

static NTSTATUS raised_in_except(void)
{
	NTSTATUS code = 0;

	__try {
		__try {
			thrower(STATUS_UNSUCCESSFUL);
		} __except (EXCEPTION_EXECUTE_HANDLER) {
			step('e');
			thrower(STATUS_NOT_IMPLEMENTED);
		}
	} __except (EXCEPTION_EXECUTE_HANDLER) {
		code = (NTSTATUS)GetExceptionCode();
		step('E');
	}
	return code;
}

static int continued(void)
{
	EXCEPTION_RECORD record = {0};
	int x = 0;

	record.ExceptionCode = 0x40000001;
	__try {
		RtlRaiseException(&record);
		step('c');
		x = 7;
	} __except (step('f'), EXCEPTION_CONTINUE_EXECUTION) {
		step('!');
	}
	return x;
}

static void recursive(int n)
{
	int mine = n;

	__try {
		if (!n)
			ExRaiseStatus(STATUS_INVALID_PARAMETER);
		recursive(n - 1);
	} __finally {
		step((char)('0' + mine));
	}
}

static void recursion(void)
{
	__try {
		recursive(5);
	} __except (EXCEPTION_EXECUTE_HANDLER) {
		step('e');
	}
}

static int return_from_try(int a)
{
	__try {
		if (a)
			return a;
		step('b');
	} __finally {
		step('f');
	}
	return -1;
}

struct big {
	ULONG64 a[5];
};

static DECLSPEC_NOINLINE struct big big_make(NTSTATUS code, ULONG64 v)
{
	struct big b;

	if (code)
		ExRaiseStatus(code);
	for (int i = 0; i < 5; i++)
		b.a[i] = v + i;
	return b;
}

static ULONG64 structures(NTSTATUS code)
{
	struct big b = {1, 2, 3, 4, 5};
	ULONG64 sum = 0;

	__try {
		b = big_make(0, 10);
		b = big_make(code, 20);
	} __except (EXCEPTION_EXECUTE_HANDLER) {
		sum = 1000;
	}
	for (int i = 0; i < 5; i++)
		sum += b.a[i];
	return sum;
}

/* Values that live in vector registers across the call. */
static double doubles(double x, NTSTATUS code)
{
	double y = x * 2, z = x + 1;

	__try {
		y = x * 3;
		thrower(code);
		y = x * 5;
	} __except (EXCEPTION_EXECUTE_HANDLER) {
		y += 0.5;
	}
	steps = 0;
	return y + x + z;
}

static int try_in_filter(void)
{
	__try {
		thrower(STATUS_UNSUCCESSFUL);
	} __except (except(STATUS_UNSUCCESSFUL), EXCEPTION_EXECUTE_HANDLER) {
		step('E');
	}
	return 0;
}

static int leave_and_nested(int k)
{
	int x = 0;

	__try {
		__try {
			x = 1;
			if (k == 1)
				__leave;
			thrower(0);
			x = 2;
		} __finally {
			x *= 10;
			__try {
				if (k == 2)
					thrower(STATUS_UNSUCCESSFUL);
			} __except (EXCEPTION_EXECUTE_HANDLER) {
				x += 5;
			}
		}
	} __except (EXCEPTION_EXECUTE_HANDLER) {
		x = -1;
	}
	steps = 0;
	return x;
}

/* Blocks within blocks reach the variables of all that are around them. */
static int captured(void)
{
	int a = 1, b = 2;

	__try {
		int c = 3;

		__try {
			b = 20;
			thrower(STATUS_UNSUCCESSFUL);
		} __finally {
			int d = 4;

			a += c;
			__try {
				b += d;
				thrower(STATUS_NOT_IMPLEMENTED);
			} __finally {
				a += b + d;
				step('i');
			}
		}
	} __except (a == 3 ? EXCEPTION_CONTINUE_SEARCH : EXCEPTION_EXECUTE_HANDLER) {
		step('e');
	}
	return a * 1000 + b;
}

static int in_a_switch(int n)
{
	int r = 0;

	__try {
		switch (n) {
		case 0:
			thrower(STATUS_UNSUCCESSFUL);
		case 1:
			r = 1;
			break;
		default:
			r = 2;
		}
		r += 10;
	} __except (filter(GetExceptionCode(), GetExceptionInformation(), STATUS_UNSUCCESSFUL)) {
		r = 99;
	}
	steps = 0;
	return r;
}

static int compare(const void *a, const void *b)
{
	if (*(const int *)a == 5 || *(const int *)b == 5)
		ExRaiseStatus(STATUS_DATA_ERROR);
	return *(const int *)a - *(const int *)b;
}

/* Out of a callback, through a routine of dryport's own. */
static int through_the_host(int poison)
{
	int v[4] = {3, 9, poison, 1}, r = 0;

	__try {
		qsort(v, 4, sizeof(v[0]), compare);
		r = v[0] * 1000 + v[3];
	} __except (GetExceptionCode() == STATUS_DATA_ERROR) {
		r = -5;
	}
	return r;
}

#define CHECK(expression, want)                                                                    \
	if ((expression) != (want))                                                                \
	return __LINE__
#define TRAIL(want)                                                                                \
	if (!trail_is(want))                                                                       \
	return __LINE__

static int round_of_checks(void)
{
	CHECK(except(0), 3);
	TRAIL("tn");
	CHECK(except(STATUS_UNSUCCESSFUL), 102);
	TRAIL("tfe");
	CHECK(finally_in_except(0), 6012);
	TRAIL("tnam");
	CHECK(finally_in_except(STATUS_DATA_ERROR), 6011);
	TRAIL("tfAe");
	CHECK(through_a_frame(0), 2);
	TRAIL("[tn]");
	CHECK(through_a_frame(STATUS_DATA_ERROR), STATUS_DATA_ERROR);
	TRAIL("[tF]");
	CHECK(in_a_loop(), 30408);
	declined();
	TRAIL("txy1e");
	CHECK(raised_in_finally(), STATUS_NOT_IMPLEMENTED);
	TRAIL("t1te");
	CHECK(raised_in_except(), STATUS_NOT_IMPLEMENTED);
	TRAIL("tetE");
	CHECK(continued(), 7);
	TRAIL("fc");
	recursion();
	TRAIL("012345e");
	CHECK(return_from_try(4), 4);
	TRAIL("f");
	CHECK(return_from_try(0), -1);
	TRAIL("bf");
	CHECK(structures(0), 20 * 5 + 10);
	CHECK(structures(STATUS_UNSUCCESSFUL), 1000 + 10 * 5 + 10);
	CHECK(doubles(2, 0) == 15.0, 1);
	CHECK(doubles(2, STATUS_UNSUCCESSFUL) == 11.5, 1);
	try_in_filter();
	TRAIL("ttfeE");
	CHECK(leave_and_nested(0), 20);
	CHECK(leave_and_nested(1), 10);
	CHECK(leave_and_nested(2), 25);
	CHECK(captured(), 32024);
	TRAIL("ttie");
	CHECK(in_a_switch(0), 99);
	CHECK(in_a_switch(1), 11);
	CHECK(in_a_switch(5), 12);
	CHECK(through_the_host(4), 1009);
	CHECK(through_the_host(5), -5);
	return 0;
}

LONG DriverEntry(ULONG_PTR number, PVOID unused)
{
	/* more than once: what is left behind would show */
	for (int i = 0; i < 3; i++) {
		int line = round_of_checks();

		if (line)
			return line;
	}
	if (number)
		middle((NTSTATUS)0xC0000042);
	return 0;
}
