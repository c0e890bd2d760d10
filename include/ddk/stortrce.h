/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Software tracing (WPP). Tracing is not built: the macros that a driver calls do nothing. The .tmh
 * files that Microsoft's preprocessor would make are empty.
 */
#ifndef DDK_STORTRCE_H
#define DDK_STORTRCE_H

#include "ntdef.h"

typedef struct _STORAGE_TRACE_INIT_INFO {
	PVOID TraceContext;
	PVOID DriverObject;
	ULONG NumErrorLogRecords;
	PVOID TraceCleanupRoutine;
	PVOID Reserved;
} STORAGE_TRACE_INIT_INFO, *PSTORAGE_TRACE_INIT_INFO;

#define WPP_INIT_TRACING(...) ((VOID)0)
#define WPP_CLEANUP(...)      ((VOID)0)

#endif
