# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# --safepoints memory: one stands before each access to memory that others may see, however the object is optimised,
# and before no other; and a local variable that was never set has a value of its own, not what the stack held.
. "$(dirname "$0")/lib.sh"

for level in 0 1 2 3 s; do
  status 0 "$BUILD" "$drivers/memory.c" --safepoints memory -O $level -o memory.so
  status 0 timeout 10 "$MADE/poll-host" ./memory.so
done
status 0 "$BUILD" "$drivers/memory.c" -o memory.so
status 1 timeout 10 "$MADE/poll-host" ./memory.so

# the checks that a sanitizer puts in change nothing about it
need objdump
calls() {
  status 0 "$BUILD" "$drivers/memory.c" --safepoints memory -O 0 "$@" -o memory.so
  # each call loads its routine's address anew
  objdump -d memory.so | grep -c '<import\.__dry_memory\.slot>'
}
# as many as EXPECT in memory.c names: 1 + 2 + 0 + 5 + 3 + 1 + 1 + 3
for sanitize in '' '--sanitize undefined'; do
  # shellcheck disable=SC2086
  found=$(calls $sanitize)
  [ "$found" = 16 ] || fail "$found safepoints: $sanitize"
done
