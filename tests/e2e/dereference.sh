#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# Drivers that dereference registers, as inlined accessors do on x64, work as those that call the accessors.
. "$(dirname "$0")/lib.sh"

# copies of the examples that call no accessor
for file in simple/simple.h nvme/nvme.h pull/pull.c; do
  cp -r "$SOURCE_ROOT/examples/${file%/*}" "$work/"
  sed -i "/^#include \"/r $SOURCE_ROOT/tests/e2e/drivers/dereference.h" "$work/$file"
done

ops=2000
[ "$SANITIZED" = 0 ] || ops=500
for driver in simple nvme pull; do
  status 0 "$DRYPORT" run "$work/$driver" --cpus 2 --workload rw:ops=$ops,verify --summary "$work/summary"
  [ "$(number dereferenced)" -gt $((ops / 2)) ] || fail "$driver: $(number dereferenced) accesses"
  [ "$(number dereferenced_split)" = 0 ] || fail "$driver: $(number dereferenced_split) accesses in parts"
  grep -qE '^  registers +[0-9,]+ accesses without an accessor, 0 of them in parts$' "$work/out" || fail "$(cat "$work/out")"
  # a seed is a run, and every access is an event
  for n in 1 2; do
    status 0 "$DRYPORT" run "$work/$driver" --cpus 2 --workload rw:ops=300,verify --seed 5 \
      --summary "$work/summary" --trace "$work/trace.$n"
  done
  cmp "$work/trace.1" "$work/trace.2" || fail "$driver: two runs of one seed differ"
  [ "$(grep -cE ' reg\.(read|write) ' "$work/trace.1")" = "$(grep -c ' by dereference$' "$work/trace.1")" ] ||
    fail "$driver: accesses that are not said to be dereferences"
done

# with the accessors no such thing is said
status 0 "$DRYPORT" run "$simple" --workload rw:ops=100 --summary "$work/summary"
[ "$(number dereferenced)" = 0 ] || fail "$(number dereferenced) accesses"
! grep -q registers "$work/out" || fail "$(cat "$work/out")"

# instructions that compilers make of C: a vector, read-modify-write
start='s/^\tAdapter->Submitted = Adapter->Completed = 0;/&'
variant_of_simple vector "$start { typedef long long PAIR __attribute__((vector_size(16))); volatile PAIR Two = *(volatile PAIR *)Adapter->Registers; (VOID)Two; }/"
status 0 "$DRYPORT" run "$work/vector" --workload rw:ops=100,verify --summary "$work/summary"
says "^dryport: 16 bytes at BAR 0 \+ 0x0 of .* are moved in 2 parts; .*"
says '\[driver: SimpleStart \(simple\.c:'
[ "$(number dereferenced_split)" = 1 ] || fail "$(number dereferenced_split) accesses in parts"
variant_of_simple change "$start *(volatile ULONG *)\&Adapter->Registers->Control |= 0; InterlockedCompareExchange((volatile LONG *)\&Adapter->Registers->Control, 0, MAXLONG);/"
status 0 "$DRYPORT" run "$work/change" --workload rw:ops=100,verify --summary "$work/summary"
[ "$(number dereferenced)" = 4 ] || fail "$(number dereferenced) accesses, not 2 reads and 2 writes"

# what is no register is a crash, at the driver's line
line=$(grep -n '^.Adapter->Submitted = Adapter->Completed = 0;' "$simple/simple.c" | cut -d: -f1)
variant_of_simple astray "$start *(volatile ULONG *)((PUCHAR)Adapter->Registers + 0x100000) = 0;/"
status 1 "$DRYPORT" run "$work/astray" --workload rw:ops=100
says 'direct access to bus address 0x[0-9a-f]+, where no device is mapped'
says "the driver crashed in SimpleStart \(simple\.c:$line\)|driver: SimpleStart \(simple\.c:$line\)"
