/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Software tracing (WPP) of Storport miniports: parts/wpp.h, and what WPP_INIT_TRACING takes there.
 * No public source gives the order of its members; nothing reads them.
 */
#ifndef DDK_STORTRCE_H
#define DDK_STORTRCE_H

#include "ntdef.h"
#include "parts/wpp.h"

typedef struct _STORAGE_TRACE_INIT_INFO {
	ULONG Size;
	PVOID TraceContext;
	PVOID DriverObject;
	ULONG NumErrorLogRecords;
	PVOID TraceCleanupRoutine;
} STORAGE_TRACE_INIT_INFO, *PSTORAGE_TRACE_INIT_INFO;

#endif
