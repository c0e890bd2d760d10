# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# A call of an imported routine goes through its slot, with nothing in between; a routine whose address is taken has
# one address, wherever it is taken, and a call through that arrives too.
. "$(dirname "$0")/lib.sh"

need objdump nm
cat >driver.c <<'EOF'
#include <stddef.h>
typedef size_t size_type;
size_type wcslen(const wchar_t *s);
size_type wcsnlen(const wchar_t *s, size_type most);
typedef size_type count(const wchar_t *s, size_type most);
static count *const table[] = {wcsnlen};
static __declspec(noinline) int direct(const wchar_t *s)
{
	return (int)wcslen(s);
}
static __declspec(noinline) int again(const wchar_t *s, size_type n)
{
	size_type all = 0;
	for (size_type i = 0; i < n; i++)
		all += wcslen(s) + wcsnlen(s + i, 2);
	return (int)all;
}
long DriverEntry(unsigned long long number, void *unused)
{
	count *volatile taken = wcsnlen;
	if (taken != table[number] || taken != wcsnlen)
		return 1;
	if (taken(L"four", 3) != 3 || table[number](L"four", 9) != 4)
		return 2;
	if (direct(L"text") != 4 || again(L"text", 5) != 5 * 4 + 2 + 2 + 2 + 1)
		return 3;
	return 0;
}
EOF
for options in '-O 0' '-O 2' '-O 2 --debug'; do
  # shellcheck disable=SC2086
  status 0 "$BUILD" driver.c $options -o driver.so
  status 0 "$HOST" driver.so
  says out "driver: 0"
  # the one whose address is taken, and no other
  nm driver.so | awk '$2 ~ /[tT]/ && $3 ~ /^import\./ { print $3 }' >thunks
  [ "$(cat thunks)" = import.wcsnlen ] || fail "thunks with $options: $(tr '\n' ' ' <thunks)"
done
# the slot's load is part of the call
status 0 "$BUILD" driver.c -O 2 -o driver.so
objdump -d --no-show-raw-insn driver.so >code
for wanted in 'wcslen 2' 'wcsnlen 1'; do
  found=$(grep -cE "call +\\*0x[0-9a-f]+\(%rip\) .*<import\.${wanted% *}\.slot>" code)
  [ "$found" = "${wanted#* }" ] || fail "$found calls of ${wanted% *}: $(grep call code)"
done
grep -qE 'jmp +\*0x[0-9a-f]+\(%rip\) .*<import\.wcsnlen\.slot>' code || fail "$(grep jmp code)"
