# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# gdb stops at a driver's function by its name and shows its lines, arguments and variables.
. "$(dirname "$0")/lib.sh"

need gdb
cat >driver.c <<'EOF'
static __declspec(noinline) int inner(int first, const char *second)
{
	int local = first * 2;
	if (second)
		local++; /* line 5 */
	return local;
}
int memset(int a);
int DriverEntry(unsigned long long number, void *unused)
{
	return inner(21, "text") - 43;
}
EOF
status 0 "$BUILD" driver.c --debug -o driver.so
status 0 env -u LD_PRELOAD gdb -nx -batch -ex 'set breakpoint pending on' -ex 'break inner' -ex run -ex next -ex next \
  -ex 'print local' -ex bt -ex continue --args "$HOST" driver.so
says out 'inner (first=21, second='
says out '"text") at driver.c:3'
says out "\$1 = 42"
grep -qE '#1 .* in DriverEntry \(.*\) at driver.c:11' out || fail "no frame of DriverEntry: $(cat out)"
says out "driver: 0"
