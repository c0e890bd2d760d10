# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# --coverage counts what a driver ran, line by line.
. "$(dirname "$0")/lib.sh"

need "llvm-profdata-$LLVM" "llvm-cov-$LLVM"
cat >driver.c <<'EOF'
static int never(int a)
{
	return a + 1;
}
int DriverEntry(unsigned long long number, void *unused)
{
	int sum = 0;
	for (int i = 0; i < 7; i++)
		sum += i;
	return number ? never(sum) : 0;
}
EOF
status 0 "$BUILD" driver.c --coverage -o driver.so
lines err 0
# the runtime of the counters keeps its file's name
export ASAN_OPTIONS=detect_leaks=0
status 0 env LLVM_PROFILE_FILE="$work/raw" "$HOST" driver.so
[ -s raw ] || fail "no counts were written"
"llvm-profdata-$LLVM" merge raw -o data
"llvm-cov-$LLVM" show driver.so -instr-profile=data >out
grep -qE '^ +9\| +7\|' out || fail "line 9 did not run 7 times: $(cat out)"
grep -qE '^ +3\| +0\|' out || fail "line 3 is not 0: $(cat out)"

# sources that share an inline function: each counts for itself, also what it does not call
printf 'static __inline int twice(int n)\n{\n\treturn 2 * n;\n}\n' >shared.h
printf '#include "shared.h"\nint other(void);\nint DriverEntry(void)\n{\n\treturn twice(3) - 6 + other();\n}\n' >main.c
printf '#include "shared.h"\nint other(void)\n{\n\treturn 0;\n}\n' >other.c
status 0 "$BUILD" main.c other.c --coverage -O 2 -o shared.so
status 0 env LLVM_PROFILE_FILE="$work/raw2" "$HOST" shared.so
"llvm-profdata-$LLVM" merge raw2 -o data2
"llvm-cov-$LLVM" show shared.so -instr-profile=data2 "$work/main.c" "$work/shared.h" >out
grep -qE '^ +5\| +1\|' out || fail "line 5 of main.c did not run once: $(cat out)"
grep -qE '^ +3\| +1\|.*2 \* n' out || fail "the inline function did not run once: $(cat out)"
