/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Uses names that the host's C library has with another meaning, and has functions of its own by
 * such names. Answers the line of the first check that fails.
 */
#include <stddef.h>

typedef size_t size_type;

size_type wcslen(const wchar_t *s);
int sprintf(char *out, const char *format, ...);
long strtol(const char *text, char **end, int base);
int memcmp(const void *a, const void *b, size_type n);

#define CHECK(condition)                                                                           \
	if (!(condition))                                                                          \
	return __LINE__

static int calls;

/* libc: char *index(const char *, int), ssize_t read(int, void *, size_t), void error(int, int,
 * ...) */
int index(int a, int b)
{
	calls++;
	return a * 10 + b;
}

long read(long a)
{
	return index((int)a, 1);
}

const char *error(void)
{
	return "mine";
}

/* The compiler calls a routine of this name itself, in another convention. */
void *memset(void *to, int c, size_type n)
{
	unsigned char *p = to;

	calls += 100;
	while (n--)
		*p++ = (unsigned char)(c + 1);
	return to;
}

struct big {
	char bytes[4096];
};

static int is_zero(const volatile struct big *big)
{
	for (int i = 0; i < 4096; i++)
		if (big->bytes[i])
			return 0;
	return 1;
}

/* The address of a string that no optimiser knows. */
static const wchar_t *volatile hello = L"hello";
static void *(*volatile set)(void *, int, size_type) = memset;

long DriverEntry(size_type number, void *unused)
{
	struct big zeros = {{0}};
	char text[64], *end;

	CHECK(sizeof(wchar_t) == 2 && sizeof(long) == 4);
	CHECK(wcslen(hello) == 5);
	CHECK(sprintf(text, "%ld %I64x %ws|%5s|", -7l, 0x123456789abcdefll, hello, "ab") == 31);
	CHECK(!memcmp(text, "-7 123456789abcdef hello|   ab|", 32));
	CHECK(strtol("-123x", &end, 10) == -123 && *end == 'x');
	/* a long of 32 bits ends here; the host's would go on */
	CHECK(strtol("99999999999", &end, 10) == 0x7fffffff);
	CHECK(read(4) == 41 && calls == 1);
	CHECK(error()[0] == 'm');
	CHECK(is_zero(&zeros));
	set(text, 6, 8);
	CHECK(text[0] == 7 && text[7] == 7 && calls == 101);
	return 0;
}
