# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# Software tracing as drivers write it: trace headers that only Microsoft's preprocessor makes, trace functions
# named in comments. Nothing is traced and no argument is looked at.
. "$(dirname "$0")/lib.sh"

mkdir traced
cat >traced/Trace.h <<'EOF'
#define WPP_CONTROL_GUIDS \
	WPP_DEFINE_CONTROL_GUID(Driver, (0F5937E9, FEAB, 40FF, BBAE, 9C2202C54B1F), WPP_DEFINE_BIT(Default))
#define WPP_LEVEL_LOGGER(level) (WPP_CONTROL(WPP_BIT_##Default).Logger),
#define TraceError(msg, ...) DoTraceMessage(TRACE_LEVEL_ERROR, msg, __VA_ARGS__)
// begin_wpp config
// USEPREFIX (Trace, "%!STDPREFIX! %!FUNC!");
// FUNC Trace(LEVEL, MSG, ...);
// FUNC Enter{ENTRYLEVEL=TRACE_LEVEL_VERBOSE}(...);
// end_wpp
/*
 * begin_wpp config
 * FUNC TraceBlock{LEVEL=TRACE_LEVEL_ERROR}(MSG, ...);
 * end_wpp
 */
// FUNC Untouched(MSG, ...);
EOF
cat >traced/Driver.c <<'EOF'
#include <ntddk.h>
#include "trace.h"
#include "driver.tmh"
static int evaluated;
static int Untouched(int n) { return n; }
int Other(void);
int DriverEntry(void *object, void *path)
{
	int level = TRACE_LEVEL_WARNING;
	WPP_INIT_TRACING(object, path);
	Enter();
	Trace(level, "%!STATUS! %d", ++evaluated, nobody_declared_this);
	if (evaluated)
		TraceBlock("never");
	else
		TraceError("%d", ++evaluated);
	WPP_CLEANUP(object);
	return evaluated + Other() + Untouched(0);
}
EOF
cat >traced/other.c <<'EOF'
#include <stortrce.h>
#include "Trace.h"
#include "OTHER.TMH"
int Other(void) { Trace(TRACE_LEVEL_ERROR, "x"); return 0; }
EOF
status 0 "$BUILD" traced -o traced.so
lines err 0
status 0 "$HOST" traced.so
# a trace header that the driver brings is the one
mkdir traced/inc
printf '#define Trace(...) Brought(__VA_ARGS__)\n#define Enter() 0\n#define TraceBlock(...) 0\n#define TraceError(...) 0\n' >traced/inc/driver.tmh
printf '#define WPP_INIT_TRACING(...)\n#define WPP_CLEANUP(...)\n#define TRACE_LEVEL_WARNING 3\n#define Brought(...) (evaluated = 7)\n' >>traced/inc/driver.tmh
sed -i 's/#include "trace.h"//' traced/Driver.c
status 0 "$BUILD" traced -I traced/inc -o traced.so
status 1 "$HOST" traced.so
says out "traced: 7"
