# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# Declarations that differ in kinds of pointers and enumerations, which Microsoft's compiler takes with a warning.
. "$(dirname "$0")/lib.sh"

mkdir loose
cat >loose/loose.h <<'EOF'
typedef enum { READ_OK, READ_BAD } READ_STATUS;
typedef enum { TRANSLATE_OK, TRANSLATE_BAD = 5 } TRANSLATE_STATUS;
typedef struct { int value; } ADAPTER;
typedef void TIMER(void *adapter, void *context);
typedef int ENTRY(void *object, void *path);
READ_STATUS Translate(int n);
TIMER Timer;
ENTRY DriverEntry;
static int Local(unsigned char *bytes);
EOF
cat >loose/one.c <<'EOF'
#include "loose.h"
#define DEFINE(type, name) type name
static TIMER *timer = Timer;
int DriverEntry(ADAPTER *adapter, unsigned short *path)
{
	ADAPTER own = { 1 };
	unsigned char bytes[2] = { 3, 4 };
	timer(&own, 0);
	Timer(&own, bytes);
	return own.value + Translate(1) + Local(bytes) - 3 - 5 - 3;
}
void Timer(ADAPTER *adapter, void *context)
{
	adapter->value++;
}
DEFINE(TRANSLATE_STATUS, Translate)(int n)
{
	return n ? TRANSLATE_BAD : TRANSLATE_OK;
}
static int Local(char *bytes)
{
	return bytes[0];
}
EOF
# the same names in another source: its own Local, and calls by the header's declaration
cat >loose/two.c <<'EOF'
#include "loose.h"
int Two(void) { return Translate(0); }
static int Local(char *bytes) { return bytes[1]; }
int Three(void) { return Local("ab"); }
EOF
for level in 0 2; do
  status 0 "$BUILD" loose -O $level -o loose.so
  says err "loose/one.c:4: warning: DriverEntry was declared with other types before"
  says err "loose/one.c:12: warning: Timer was declared with other types before"
  says err "loose/one.c:16: warning: Translate was declared"
  says err "loose/one.c:20: warning: Local was declared"
  says err "loose/two.c:3: warning: Local was declared"
  ! grep -q error err || fail "an error is shown: $(cat err)"
  status 0 "$HOST" loose.so
done
# the names and lines are the driver's; without optimisation a function's first instruction is of its own line
status 0 "$BUILD" loose -O 0 -o loose.so
addr2line -f -e loose.so "0x$(nm loose.so | awk '$3 == "Timer" { print $1 }')" >out
says out "loose/one.c:13"
# what differs by more, and any other error, is shown as the compiler says it
printf 'struct s { int a[9]; };\nint f(int n);\nstruct s f(int n) { struct s s = { { n } }; return s; }\nint DriverEntry(void) { return f(1); }\n' >more.c
status 1 "$BUILD" more.c -o out.so
says err "more.c: two declarations of f differ by more than"
printf 'int f(char *);\nint f(int *p) { return *p + nowhere; }\nint DriverEntry(void) { return 0; }\n' >error.c
status 1 "$BUILD" error.c -o out.so
says err "error.c:2:5: error: conflicting types for 'f'"
says err "error.c:2:29: error: use of undeclared identifier 'nowhere'"
says err "dryport-build: error.c did not compile"
