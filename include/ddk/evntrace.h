/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Event tracing: the levels of an event. No event is recorded here (parts/wpp.h). */
#ifndef _EVNTRACE_
#define _EVNTRACE_

#include "wmistr.h"

#define TRACE_LEVEL_NONE	0
#define TRACE_LEVEL_CRITICAL	1
#define TRACE_LEVEL_FATAL	1
#define TRACE_LEVEL_ERROR	2
#define TRACE_LEVEL_WARNING	3
#define TRACE_LEVEL_INFORMATION 4
#define TRACE_LEVEL_VERBOSE	5
#define TRACE_LEVEL_RESERVED6	6
#define TRACE_LEVEL_RESERVED7	7
#define TRACE_LEVEL_RESERVED8	8
#define TRACE_LEVEL_RESERVED9	9

#define EVENT_TRACE_TYPE_INFO  0x00
#define EVENT_TRACE_TYPE_START 0x01
#define EVENT_TRACE_TYPE_END   0x02

typedef ULONG64 TRACEHANDLE, *PTRACEHANDLE;

#endif
