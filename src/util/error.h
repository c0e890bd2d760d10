/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Errors: a function that can fail returns 0 or -errno. Where a person has to read of it, the one
 * who knows most calls error_set with a full sentence (what, where, what to do; no final newline),
 * and returns its result. The text belongs to the calling host thread until its next error_set;
 * dry_error() of dryport.h hands it out.
 */
#ifndef DRY_UTIL_ERROR_H
#define DRY_UTIL_ERROR_H

/* Keeps the message; returns -err, so that `return error_set(EINVAL, "...")` reads well. */
int error_set(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The calling thread's last message, "" if none. */
const char *error_text(void);

/* Carries a message from one host thread to another: error_take copies into dst. */
void error_take(char *dst, unsigned long size);

#endif
