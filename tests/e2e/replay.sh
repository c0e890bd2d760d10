#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# Runs from a seed: the same again, another with another seed, and the first failing one is found and repeated.
. "$(dirname "$0")/lib.sh"

run() { # SEED SUMMARY OPTIONS...
  local seed=$1 summary=$2
  shift 2
  status 0 "$DRYPORT" run "$simple" --cpus 3 --workload rw:ops=2000,verify --seed "$seed" --summary "$summary" "$@"
}

# the summary counts interrupts, DPCs and latencies of the machine's own clock
run 7 "$work/first"
run 7 "$work/again"
cmp "$work/first" "$work/again" || fail "seed 7 gives two summaries: $(diff "$work/first" "$work/again")"
run 8 "$work/other"
! cmp -s "$work/first" "$work/other" || fail "seeds 7 and 8 give one summary"
# and a trace changes nothing, with several processors at one adapter and requests that come back and wait again
crowd=(--cpus 8 --hw nvme:queues=3,entries=64 --workload rw:ops=1500,verify,depth=250 --at every-200us:reset-bus)
for seed in 1 2 3; do
  "$DRYPORT" run "$SOURCE_ROOT/examples/nvme" "${crowd[@]}" --seed $seed --summary "$work/bare" >"$work/out" 2>&1 || true
  "$DRYPORT" run "$SOURCE_ROOT/examples/nvme" "${crowd[@]}" --seed $seed --summary "$work/traced" --trace "$work/trace.crowd" >"$work/out" 2>&1 || true
  cmp "$work/bare" "$work/traced" || fail "seed $seed is another run with a trace"
done
run 7 "$work/high" --memory high --block-size 4096

# a driver that waits for its interrupt by looking at memory, on one processor, in both schedules
cp -r "$simple" "$work/spin"
cp "$SOURCE_ROOT/tests/e2e/drivers/spin.c" "$work/spin/"
sed -i -e 's/return SimpleStart(Extension);/return SimpleStart(Extension) \&\& SimpleSpin(Extension);/' \
  -e 's/HwMSInterruptRoutine = SimpleMessage/HwMSInterruptRoutine = SimpleSpinMessage/' \
  -e 's/^static BOOLEAN SimpleMessage/BOOLEAN SimpleMessage/' "$work/spin/simple.c"
echo 'BOOLEAN SimpleSpin(PSIMPLE_ADAPTER Adapter); BOOLEAN SimpleSpinMessage(PVOID Extension, ULONG MessageId);' >>"$work/spin/simple.h"
for seed in '' '--seed 1' '--seed 2' '--seed 3'; do
  # shellcheck disable=SC2086
  status 0 "$DRYPORT" run "$work/spin" --cpus 1 --workload rw:ops=100,verify $seed
done

# the doorbell is rung before the command stands in the ring: found, and found again from its seed
cp -r "$simple" "$work/race"
sed -i -E -e '/^\tEntry->Head = Request->Command.Head = Head;/d' \
  -e 's/^\t(StorPortWriteRegisterUlong\(.*Doorbell, .*)/\1 Entry->Head = Request->Command.Head = Head;/' "$work/race/simple.c"
small=rw:ops=300,sizes=512-4k,span=1M,verify
status 1 "$DRYPORT" run "$work/race" --cpus 3 --workload $small --seeds 3000
seed=$(sed -nE 's/^seed ([0-9]+) failed, .*/\1/p' "$work/out")
[ -n "$seed" ] || fail "no seed: $(cat "$work/out")"
grep -q -- "repeat it   dryport run .* --seed $seed\$" "$work/out" || fail "no command: $(cat "$work/out")"
cp "$work/out" "$work/found"
for _ in 1 2 3; do
  status 1 "$DRYPORT" run "$work/race" --cpus 3 --workload $small --seed "$seed"
  says "seed $seed"
done
# and it is the driver's: unchanged, none of the seeds fails
status 0 "$DRYPORT" run "$simple" --cpus 3 --workload $small --seeds 60
grep -q '^60 seeds, 1 to 60: none has failed' "$work/out" || fail "$(cat "$work/out")"

# what does not go together
status 2 "$DRYPORT" run "$simple" --seed 1 -- true
one_line
says '--seed goes with --workload'
status 2 "$DRYPORT" run "$simple" --workload rw:ops=1 --seeds 0
one_line
status 2 "$DRYPORT" run "$simple" --workload rw:ops=1 --jobs 2
one_line
truncate -s 1M "$work/disk"
status 2 "$DRYPORT" run "$simple" --workload rw:ops=1 --seeds 2 --disk "$work/disk"
one_line
says 'starts from the same disk'
