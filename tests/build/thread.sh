# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# ThreadSanitizer sees a driver's data race, and none where there is none: not in the safepoints of loops, not
# between volatile accesses, which order others as with Microsoft's compiler.
. "$(dirname "$0")/lib.sh"

need "clang-$LLVM"
echo 'int main(void) { return 0; }' >probe.c
"clang-$LLVM" -fsanitize=thread probe.c -o probe || skip "clang $LLVM has no ThreadSanitizer runtime"
if ! ./probe 2>probe.err; then
  echo "not applicable: ThreadSanitizer of clang $LLVM does not start on this machine: $(head -c 200 probe.err)"
  exit 0
fi
"clang-$LLVM" -g -D_GNU_SOURCE -Wall -Werror -fsanitize=thread "$HERE/race_host.c" -o host -ldl -rdynamic
cat >driver.c <<'EOF'
static int shared;
static int data;
static volatile int ready;
int DriverEntry(unsigned long long number, void *unused)
{
	int sum = 0;
	for (int i = 0; i < 100000; i++) {
		if (number == 1)
			shared++; /* line 9 */
		sum += i;
	}
	if (number == 2) {
		static volatile long first;
		if (!__atomic_exchange_n(&first, 1, __ATOMIC_RELAXED)) {
			data = 5;
			ready = 1;
		} else {
			while (!ready)
				;
			sum += data;
		}
	}
	return sum;
}
EOF
for level in 0 2; do
  status 0 "$BUILD" driver.c -O $level --sanitize thread -o driver.so
  status 0 ./host ./driver.so 0
  status 0 ./host ./driver.so 2
  status 66 ./host ./driver.so 1
  says err "WARNING: ThreadSanitizer: data race"
  says err "driver.c:9"
done
