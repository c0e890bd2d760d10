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
