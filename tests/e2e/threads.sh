#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# Under ThreadSanitizer (DRYPORT is the tsan variant's): right drivers are clean, with clients too; a wrong one is not.
. "$(dirname "$0")/lib.sh"
need nbdcopy

random "$work/in" 8M
for driver in simple nvme; do
  for cpus in 1 4; do
    status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/$driver" --cpus $cpus --workload rw:ops=2000,verify
    ! grep -q ThreadSanitizer "$work/err" || fail "$driver, $cpus processors: $(cat "$work/err")"
  done
  status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/$driver" --cpus 4 --size 2M --workload rw:ops=200,verify --dump
  ! grep -q ThreadSanitizer "$work/err" || fail "$driver, crashed: $(cat "$work/err")"
  truncate -s 0 "$work/disk"
  truncate -s 16M "$work/disk"
  status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/$driver" --cpus 4 --disk "$work/disk" -- nbdcopy "$work/in" '{uri}'
  ! grep -q ThreadSanitizer "$work/err" || fail "$driver over NBD: $(cat "$work/err")"
  cmp -n 8388608 "$work/in" "$work/disk" || fail "$driver: the data differ"
done

# a controller that works on several queues at once
status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/nvme" --hw nvme:engines=3,write-cache=0 --cpus 4 --workload rw:ops=3000,verify
! grep -q ThreadSanitizer "$work/err" || fail "engines: $(cat "$work/err")"
status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/nvme" --hw nvme:engines=2 --cpus 4 --at 2ms:restart --at 10ms:reset-bus --at 30ms:restart --workload rw:ops=5000,verify
! grep -q ThreadSanitizer "$work/err" || fail "engines, restarted and reset: $(cat "$work/err")"

# a card that is pulled out and put back as requests come
for driver in simple nvme; do
  status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/$driver" --cpus 2 --inline-device --hold 20 --at every-5ms:replug --workload rw:ops=4000,verify,span=8M,depth=32
  ! grep -q ThreadSanitizer "$work/err" || fail "$driver, replugged: $(cat "$work/err")"
done

# a driver that dereferences its registers
cp -r "$SOURCE_ROOT/examples/nvme" "$work/dereference"
sed -i "/^#include \"/r $SOURCE_ROOT/tests/e2e/drivers/dereference.h" "$work/dereference/nvme.h"
status 0 "$DRYPORT" run "$work/dereference" --cpus 4 --workload rw:ops=500,verify
! grep -q ThreadSanitizer "$work/err" || fail "registers that are dereferenced: $(cat "$work/err")"

# where processors share a queue
cp -r "$SOURCE_ROOT/examples/nvme" "$work/race"
sed -i -E '/^\tStorPort(Acquire|Release)SpinLock/d' "$work/race/nvme_queue.c"
TSAN_OPTIONS=halt_on_error=1 "$DRYPORT" run "$work/race" --hw nvme:queues=2 --cpus 4 --workload rw:ops=3000,verify >"$work/out" 2>"$work/err" && fail "the race was not seen"
says 'WARNING: ThreadSanitizer: data race'
says '#[0-9]+ Nvme'
