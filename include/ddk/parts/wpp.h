/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Software tracing (WPP) as far as every driver may use it. Tracing is not compiled in: these
 * macros do nothing and do not evaluate their arguments. `dryport build` makes the .tmh files,
 * which include this and define the driver's own trace functions likewise (cli/build/wpp.c).
 */
#ifndef DDK_PARTS_WPP_H
#define DDK_PARTS_WPP_H

#include "../evntrace.h"

#ifndef WPP_INIT_TRACING
#define WPP_INIT_TRACING(...) ((VOID)0)
#endif
#ifndef WPP_CLEANUP
#define WPP_CLEANUP(...) ((VOID)0)
#endif
#ifndef DoTraceMessage
#define DoTraceMessage(...) ((VOID)0)
#endif
#ifndef DoTraceLevelMessage
#define DoTraceLevelMessage(...) ((VOID)0)
#endif
#ifndef WPP_LEVEL_ENABLED
#define WPP_LEVEL_ENABLED(...) 0
#endif
#ifndef WPP_FLAG_ENABLED
#define WPP_FLAG_ENABLED(...) 0
#endif
#ifndef WPP_LEVEL_FLAGS_ENABLED
#define WPP_LEVEL_FLAGS_ENABLED(...) 0
#endif

#endif
