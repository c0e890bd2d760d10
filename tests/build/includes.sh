# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# Includes with backslashes and in any letter case are found, in the folders of the sources, beside them, in -I
# and among dryport's own headers; diagnostics show the file's real name.
. "$(dirname "$0")/lib.sh"

cp -r "$drivers/include" tree
status 0 "$BUILD" tree/Driver -I tree/Inc -o out.so
lines err 0
status 0 "$BUILD" tree/Driver/main.c -I tree/Driver/../Inc -o out.so
(cd tree/Driver && status 0 "$BUILD" . -I ../Inc -o ../../out.so)
# a header in a folder that the other case of its name leads to
echo 'int broken broken;' >>tree/Common/Proto.h
status 1 "$BUILD" tree/Driver -I tree/Inc -o out.so
says err "tree/Driver/main.c:7:"
grep -q 'Common/Proto.h:6:11: error: ' err || fail "not the real name: $(cat err)"
# one file by two spellings is one file
mkdir once
printf '#pragma once\ntypedef struct { int a; } ONCE;\n' >once/Once.h
printf '#include "ONCE.H"\n#include ".\\once.h"\nint DriverEntry(void) { ONCE o = { 0 }; return o.a; }\n' >once/main.c
status 0 "$BUILD" once -o out.so
# two names that differ by case only are told apart, as on Linux
mkdir twins
echo '#define WHICH 1' >twins/header.h
echo '#define WHICH 2' >twins/Header.h
cat >twins/main.c <<'EOF'
#include "Header.h"
_Static_assert(WHICH == 2, "the other one");
#undef WHICH
#include "header.h"
_Static_assert(WHICH == 1, "the other one");
int DriverEntry(void) { return 0; }
EOF
status 0 "$BUILD" twins -o out.so
