/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The calling thread's last error message (error.h). Thread-local storage of a plugin is scarce
 * (glibc keeps about 1.6 KiB for all objects that are loaded late), so only a pointer stands there.
 */
#include "util/error.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_MAX 1024

static __thread char *message;
static pthread_key_t owner; /* frees it with the thread */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void owner_make(void)
{
	pthread_key_create(&owner, free);
}

static char *message_get(void)
{
	static char last_resort[MESSAGE_MAX];

	if (message)
		return message;
	pthread_once(&once, owner_make);
	message = calloc(1, MESSAGE_MAX);
	if (!message)
		return last_resort;
	pthread_setspecific(owner, message);
	return message;
}

int error_set(int err, const char *fmt, ...)
{
	char fresh[MESSAGE_MAX];
	va_list args;

	/* an argument may be error_text() itself */
	va_start(args, fmt);
	vsnprintf(fresh, sizeof(fresh), fmt, args);
	va_end(args);
	snprintf(message_get(), MESSAGE_MAX, "%s", fresh);
	return -err;
}

const char *error_text(void)
{
	return message ? message : "";
}

void error_take(char *dst, unsigned long size)
{
	snprintf(dst, size, "%s", error_text());
}
