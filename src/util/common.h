/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The handful of macros that every layer uses. Checked arithmetic: use __builtin_add_overflow and
 * __builtin_mul_overflow on every length that comes from a driver, a device, a client or a file.
 */
#ifndef DRY_UTIL_COMMON_H
#define DRY_UTIL_COMMON_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

/*
 * A routine that a driver calls keeps xmm6 to xmm15, rsi and rdi, which functions of ours may
 * change: calling one, it has to save them all. One of these keeps them too. For what such routines
 * call rarely, and for what is on a request's way and calls nothing else on it.
 */
#define border_call __attribute__((ms_abi))

#define CACHE_LINE 64

/* Of what one processor writes, or all of them do: cache lines are fetched in pairs. */
#define APART __attribute__((aligned(128)))

/* Written once, compiled for each of the constants it is called with. */
#define path_inline static inline __attribute__((always_inline))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define array_size(a)			(sizeof(a) / sizeof((a)[0]))
#define min_of(a, b)			((a) < (b) ? (a) : (b))
#define max_of(a, b)			((a) > (b) ? (a) : (b))
#define round_up(x, pow2)		(((x) + ((pow2)-1)) & ~((uint64_t)(pow2)-1))
#define round_down(x, pow2)		((x) & ~((uint64_t)(pow2)-1))

/* A build with AddressSanitizer or ThreadSanitizer, gcc or clang. */
#if defined(__SANITIZE_ADDRESS__)
#define DRY_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DRY_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define DRY_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DRY_TSAN 1
#endif
#endif

#endif
