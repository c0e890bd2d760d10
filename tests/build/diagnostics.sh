# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# The compiler's messages come through as they are, in the order of the sources; no object is left behind.
. "$(dirname "$0")/lib.sh"

mkdir bad
printf 'int DriverEntry(void)\n{\n\treturn missing_name;\n}\n' >bad/one.c
printf '#include "nowhere.h"\n' >bad/two.c
printf 'int fine;\nint *warn(void)\n{\n\treturn 1;\n}\n' >bad/zero.c
status 1 "$BUILD" bad -j 3 -o out.so
says err "bad/one.c:3:9: error: use of undeclared identifier 'missing_name'"
says err "bad/two.c:1:10: fatal error: 'nowhere.h' file not found"
says err "bad/zero.c:4:9: warning: "
says err "dryport-build: 2 of 3 sources did not compile"
grep -oE '(one|two|zero)\.c:[0-9]' err | uniq | tr '\n' ' ' | grep -q 'one.c:3 two.c:1 zero.c:4' ||
  fail "not in the order of the sources: $(cat err)"
[ ! -e out.so ] || fail "an object was left"
# an older object is not touched by a build that fails
echo old >out.so
status 1 "$BUILD" bad -o out.so
[ "$(cat out.so)" = old ] || fail "the old object is gone"
# two sources that define the same routine
printf 'int same(void) { return 1; }\nint DriverEntry(void) { return same(); }\n' >a.c
printf 'int same(void) { return 2; }\n' >b.c
status 1 "$BUILD" a.c b.c -o out.so
says err "dryport-build: b.c: Linking globals named 'same': symbol multiply defined!"
# but one variable may be declared in each, as Microsoft's compiler allows
printf 'int shared;\nstatic int own = 1;\nint other(void);\nint DriverEntry(void) { shared = 5; return other() - 7 - own; }\n' >a.c
printf 'int shared;\nstatic int own = 2;\nint other(void) { return shared + own + 1; }\n' >b.c
status 0 "$BUILD" a.c b.c -o two.so
status 0 "$HOST" two.so
# nothing is left in the folder for temporary files
mkdir tmp
TMPDIR=$work/tmp status 0 "$BUILD" a.c b.c -o two.so
TMPDIR=$work/tmp status 1 "$BUILD" bad -o two.so
[ -z "$(ls tmp)" ] || fail "left behind: $(ls tmp)"
TMPDIR=$work/tmp status 0 "$BUILD" a.c b.c -o two.so --llvm-keep
says err "dryport-build: the intermediate files are in $work/tmp/dryport-build."
[ -s "$(echo tmp/*/module.bc)" ] || fail "--llvm-keep kept nothing"
