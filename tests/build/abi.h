/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The border between a driver and its host, both sides of the test. abi_driver.c is built by
 * dryport-build, abi_host.c by gcc and by clang. Each routine exists on both sides under its own
 * name, and each side calls the other's directly and through pointers. "Dirty" is a caller that
 * leaves garbage in the bits of a register beyond a narrow argument's, or a routine that does so in
 * its result, as Win64 allows: it is made by calling through a pointer to a wider type.
 */
#ifndef TEST_ABI_H
#define TEST_ABI_H

#ifdef _WIN32
#define BORDER
typedef long LONG;
typedef unsigned long ULONG;
typedef char *abi_list;
#else
#define BORDER __attribute__((ms_abi))
typedef int LONG;
typedef unsigned int ULONG;
typedef __builtin_ms_va_list abi_list;
#endif
typedef signed char CHAR;
typedef unsigned char UCHAR, BOOLEAN;
typedef short SHORT;
typedef unsigned short USHORT;
typedef long long LONG64;
typedef unsigned long long ULONG64;

#define DIRT 0xfedcba9876543210ull

#define EACH_NARROW(X) X(CHAR) X(UCHAR) X(BOOLEAN) X(SHORT) X(USHORT) X(LONG) X(ULONG)
#define EACH_SIZE(X)                                                                               \
	X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16)

/* Six narrow arguments: four in registers, two on the stack; the answer mixes them by place. */
#define NARROW_TYPES(T)                                                                            \
	typedef LONG64 BORDER T##_mix_fn(T a, T b, T c, T d, T e, T f);                            \
	typedef LONG64 BORDER T##_dirty_fn(                                                        \
		ULONG64 a, ULONG64 b, ULONG64 c, ULONG64 d, ULONG64 e, ULONG64 f);                 \
	typedef T BORDER T##_echo_fn(T a);                                                         \
	typedef ULONG64 BORDER T##_foul_fn(ULONG64 a);
EACH_NARROW(NARROW_TYPES)

#define SIZE_TYPES(N)                                                                              \
	struct s##N {                                                                              \
		UCHAR b[N];                                                                        \
	};                                                                                         \
	typedef struct s##N BORDER s##N##_fn(int first, struct s##N x, double d, struct s##N y,    \
		struct s##N z, struct s##N last);
EACH_SIZE(SIZE_TYPES)

struct pair {
	double d;
	ULONG n;
};
struct floats {
	float a, b;
};
union large {
	struct {
		ULONG low;
		LONG high;
	} u;
	LONG64 quad;
};
typedef struct pair BORDER pair_fn(struct pair p, struct floats f, union large l);
typedef double BORDER mixed_fn(
	int a, double b, ULONG64 c, float d, UCHAR e, double f, SHORT g, float h, void *i);
typedef LONG64 BORDER sum_fn(int count, const char *kinds, ...);
typedef LONG64 BORDER vsum_fn(int count, const char *kinds, abi_list list);

/* What DriverEntry gives to the host: the driver's routines. */
struct abi_driver {
#define MEMBER_NARROW(T)                                                                           \
	T##_mix_fn *T##_mix;                                                                       \
	T##_echo_fn *T##_echo;                                                                     \
	T##_foul_fn *T##_foul;
#define MEMBER_SIZE(N) s##N##_fn *s##N;
	EACH_NARROW(MEMBER_NARROW)
	EACH_SIZE(MEMBER_SIZE)
	pair_fn *pair;
	mixed_fn *mixed;
	sum_fn *sum;
	vsum_fn *vsum;
	const char *place; /* what it looked at last of the host's */
};

/* ---- what both sides do alike; each is compiled by each compiler ---- */

/* Each side says first what its own routines are called and how it calls the other's:
 * MINE(name) and OTHER(name). */
static const char *abi_place;
#define NARROW_MASK(T) (~0ull >> (64 - 8 * sizeof(T)))

#define DEFINE_NARROW(T)                                                                           \
	LONG64 BORDER MINE(T##_mix)(T a, T b, T c, T d, T e, T f)                                  \
	{                                                                                          \
		return a + 3ll * b + 5ll * c + 7ll * d + 11ll * e + 13ll * f;                      \
	}                                                                                          \
	T BORDER MINE(T##_echo)(T a)                                                               \
	{                                                                                          \
		return (T)(a + 1);                                                                 \
	}                                                                                          \
	ULONG64 BORDER MINE(T##_foul)(ULONG64 a)                                                   \
	{                                                                                          \
		return (DIRT & ~NARROW_MASK(T)) | ((a + 1) & NARROW_MASK(T));                      \
	}

/* Returns the number of the first wrong one, counted from place; 0 if all are right. */
#define CHECK_NARROW(T)                                                                            \
	{                                                                                          \
		T##_mix_fn *volatile mix = OTHER(T##_mix);                                         \
		T##_dirty_fn *volatile dirty = (T##_dirty_fn *)(void *)OTHER(T##_mix);             \
		T##_echo_fn *volatile foul = (T##_echo_fn *)(void *)OTHER(T##_foul);               \
		T v[6] = {(T)1, (T)-2, (T)100, (T)-128, (T)77, (T)-1};                             \
		ULONG64 d[6];                                                                      \
		LONG64 want = 0;                                                                   \
		static const int by[6] = {1, 3, 5, 7, 11, 13};                                     \
                                                                                                   \
		abi_place = #T;                                                                    \
                                                                                                   \
		for (int i = 0; i < 6; i++) {                                                      \
			want += (LONG64)v[i] * by[i];                                              \
			d[i] = (DIRT & ~NARROW_MASK(T)) | ((ULONG64)v[i] & NARROW_MASK(T));        \
		}                                                                                  \
		if (OTHER(T##_mix)(v[0], v[1], v[2], v[3], v[4], v[5]) != want)                    \
			return 1;                                                                  \
		if (mix(v[0], v[1], v[2], v[3], v[4], v[5]) != want)                               \
			return 2;                                                                  \
		if (dirty(d[0], d[1], d[2], d[3], d[4], d[5]) != want)                             \
			return 3;                                                                  \
		for (int i = 0; i < 6; i++) {                                                      \
			if (OTHER(T##_echo)(v[i]) != (T)(v[i] + 1))                                \
				return 4;                                                          \
			if ((LONG64)foul(v[i]) != (LONG64)(T)(v[i] + 1))                           \
				return 5;                                                          \
		}                                                                                  \
	}

/* Every byte of the four structures and both numbers go into the answer. */
#define DEFINE_SIZE(N)                                                                             \
	struct s##N BORDER MINE(s##N)(int first, struct s##N x, double d, struct s##N y,           \
		struct s##N z, struct s##N last)                                                   \
	{                                                                                          \
		struct s##N r;                                                                     \
                                                                                                   \
		for (int i = 0; i < N; i++)                                                        \
			r.b[i] = (UCHAR)(first + x.b[i] + 2 * (int)d + 3 * y.b[i] + 5 * z.b[i] +   \
					 7 * last.b[i]);                                           \
		x.b[0] = y.b[0] = z.b[0] = last.b[0] = 0; /* copies, not the caller's */           \
		return r;                                                                          \
	}
#define CHECK_SIZE(N)                                                                              \
	{                                                                                          \
		s##N##_fn *volatile pointer = OTHER(s##N);                                         \
		struct s##N x, y, z, last, r, q;                                                   \
                                                                                                   \
		abi_place = "a structure of " #N;                                                  \
		for (int i = 0; i < N; i++) {                                                      \
			x.b[i] = (UCHAR)(i + 1);                                                   \
			y.b[i] = (UCHAR)(i * 17 + 2);                                              \
			z.b[i] = (UCHAR)(200 - i);                                                 \
			last.b[i] = (UCHAR)(i * i + 9);                                            \
		}                                                                                  \
		r = OTHER(s##N)(N, x, 21.5, y, z, last);                                           \
		q = pointer(N, x, 21.5, y, z, last);                                               \
		for (int i = 0; i < N; i++) {                                                      \
			UCHAR want = (UCHAR)(N + x.b[i] + 42 + 3 * y.b[i] + 5 * z.b[i] +           \
					     7 * last.b[i]);                                       \
                                                                                                   \
			if (r.b[i] != want || q.b[i] != want)                                      \
				return 1;                                                          \
		}                                                                                  \
		if (x.b[0] != 1 || y.b[0] != 2 || z.b[0] != 200 || last.b[0] != 9)                 \
			return 1;                                                                  \
	}

/* kinds: i int, q 64 bits, d double, p pointer to int, s struct floats (8 bytes) */
#define DEFINE_REST                                                                                \
	struct pair BORDER MINE(pair)(struct pair p, struct floats f, union large l)               \
	{                                                                                          \
		struct pair r = {p.d * f.a + f.b, p.n + l.u.low + (ULONG)l.u.high};                \
                                                                                                   \
		return r;                                                                          \
	}                                                                                          \
	double BORDER MINE(mixed)(                                                                 \
		int a, double b, ULONG64 c, float d, UCHAR e, double f, SHORT g, float h, void *i) \
	{                                                                                          \
		return a + 2 * b + 3 * (double)c + 5 * d + 7 * e + 11 * f + 13 * g + 17 * h +      \
		       *(int *)i;                                                                  \
	}                                                                                          \
	LONG64 BORDER MINE(vsum)(int count, const char *kinds, abi_list list)                      \
	{                                                                                          \
		LONG64 sum = 0;                                                                    \
                                                                                                   \
		for (int i = 0; i < count; i++) {                                                  \
			LONG64 v = 0;                                                              \
                                                                                                   \
			if (kinds[i] == 'i')                                                       \
				v = __builtin_va_arg(list, int);                                   \
			else if (kinds[i] == 'q')                                                  \
				v = __builtin_va_arg(list, LONG64);                                \
			else if (kinds[i] == 'd')                                                  \
				v = (LONG64)(__builtin_va_arg(list, double) * 4);                  \
			else if (kinds[i] == 'p')                                                  \
				v = *__builtin_va_arg(list, int *);                                \
			else                                                                       \
				v = (LONG64)(__builtin_va_arg(list, struct floats).b * 8);         \
			sum = sum * 31 + v;                                                        \
		}                                                                                  \
		return sum;                                                                        \
	}

#define CHECK_REST                                                                                 \
	{                                                                                          \
		struct pair p = {1.5, 10}, r;                                                      \
		struct floats f = {4, 0.25f};                                                      \
		union large l;                                                                     \
		int i = -9, n = 5;                                                                 \
		pair_fn *volatile pair = OTHER(pair);                                              \
		mixed_fn *volatile mixed = OTHER(mixed);                                           \
		sum_fn *volatile sum = OTHER(sum);                                                 \
		LONG64 want;                                                                       \
                                                                                                   \
		abi_place = "mixed and variadic";                                                  \
		l.quad = 0x0000000700000003ll;                                                     \
		r = OTHER(pair)(p, f, l);                                                          \
		if (r.d != 6.25 || r.n != 20)                                                      \
			return 1;                                                                  \
		r = pair(p, f, l);                                                                 \
		if (r.d != 6.25 || r.n != 20)                                                      \
			return 2;                                                                  \
		/* 1 + 4 + 9 + 20 + 35 + 66 - 91 + 136 - 9 */                                      \
		if (OTHER(mixed)(1, 2, 3, 4, 5, 6, -7, 8, &i) != 171)                              \
			return 3;                                                                  \
		if (mixed(1, 2, 3, 4, 5, 6, -7, 8, &i) != 171)                                     \
			return 4;                                                                  \
		want = ((((((LONG64)-3 * 31 + 0x123456789ll) * 31 + 10) * 31 + n) * 31 + 2) * 31 + \
			       8) *                                                                \
			       31 -                                                                \
		       1;                                                                          \
		if (OTHER(sum)(7, "iqdpsii", -3, 0x123456789ll, 2.5, &n, f, 8, -1) != want)        \
			return 5;                                                                  \
		if (sum(7, "iqdpsii", -3, 0x123456789ll, 2.5, &n, f, 8, -1) != want)               \
			return 6;                                                                  \
		/* a double among the first four, where Win64 wants it in both registers */        \
		if (OTHER(sum)(2, "di", 2.5, 6) != 316 || sum(2, "di", 2.5, 6) != 316)             \
			return 7;                                                                  \
	}

#endif
