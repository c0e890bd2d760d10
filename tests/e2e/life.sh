#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# life.sh EXAMPLE: its adapter is stopped, sleeps, is reset, comes and goes in the midst of requests, in both schedules: every byte is right
# afterwards, nothing is left, and each request ends once.
. "$(dirname "$0")/lib.sh"
example=$SOURCE_ROOT/examples/$1
hw=(--size 8M)
seeds=60
[ "$SANITIZED" = 0 ] || seeds=10
[ "$1" != ramdisk ] || { hw=(--hw none); seeds=$((seeds / 4)); }

# WORDS...: two runs and many seeds; each must be good
survives() {
  status 0 "$DRYPORT" run "$example" "${hw[@]}" --cpus 3 --workload rw:ops=3000,verify --hold 60 "$@"
  grep -q 'no rule broken, nothing left' "$work/out" || fail "$*: $(cat "$work/out")"
  # a command that ends before its abort comes is not aborted: examples/nvme says so of the reset
  ! grep -v 'reset-lun: nvme .* refused\|reset-target: nvme .* refused' "$work/err" || fail "$*"
  status 0 "$DRYPORT" run "$example" "${hw[@]}" --cpus 2 --workload rw:ops=150,span=1M,verify --hold 60 --seeds $seeds "$@"
  grep -q 'none has failed' "$work/out" || fail "$*: $(cat "$work/out")"
}

# a request may be made anew a few times only: a slow build is not to meet a reset each time
often=800us
[ "$SANITIZED" = 0 ] || often=4ms
survives --at 1ms:restart --at every-700us:restart
survives --at 200us:stop --at 500us:start --at 1ms:reset-bus --at every-$often:reset-bus
survives --at every-600us:nap
[ "$1" = pull ] || survives --at every-$often:reset-lun --at every-$often:reset-target
survives --at 200us:sleep --at 1ms:wake --at 1100us:pause --at 2ms:resume --at 2ms:rescan
# its disk is its adapter's memory, which a removal frees; and it has no interrupts
if [ "$1" != ramdisk ]; then
  survives --at every-300us:mask --at every-400us:unmask --at 1ms:restart --at 2ms:replug
  survives --at every-900us:replug
  survives --at 300us:unplug --at 1ms:plug --at 2ms:remove --at 3ms:plug --at 4ms:replug
fi

# without --hold what is under way fails, once; the rest of the run is in order
status 1 "$DRYPORT" run "$example" "${hw[@]}" --cpus 2 --seed 5 --workload rw:ops=2000,verify --at 500us:unplug --trace "$work/trace"
grep -q 'No such device or address\|has gone' "$work/out" || fail "unplug: $(cat "$work/out")"
! grep -q 'left behind\|rules broken' "$work/out" || fail "unplug: $(cat "$work/out")"
for event in submit done; do
  sed -nE "s/.* srb.$event +id ([0-9]+) .*/\1/p" "$work/trace" | sort -n >"$work/$event"
done
cmp "$work/submit" "$work/done" || fail "not each request has one end: $(diff "$work/submit" "$work/done" | head)"

# the same seed gives the same events
for n in 1 2; do
  status 0 "$DRYPORT" run "$example" "${hw[@]}" --cpus 2 --seed 9 --workload rw:ops=300,verify --at 300us:nap --at every-500us:restart --trace "$work/trace$n"
done
cmp "$work/trace1" "$work/trace2" || fail 'seed 9 gives two traces'
grep -q ' event .*what "nap"' "$work/trace1" || fail 'no event in the trace'
grep -q ' hw.control .*type 1$' "$work/trace1" || fail 'no ScsiStopAdapter in the trace'

[ "$1" = simple ] || exit 0
# bad input
for words in 2:restart 2s 2s:explode every-0ms:nap 2s:restart:x 2s:restart:16 '' ; do
  [ -n "$words" ] || continue
  status 2 "$DRYPORT" run "$simple" --workload rw:ops=1 --at "$words"
  one_line
done
status 2 "$DRYPORT" run "$simple" --workload rw:ops=1 --at 2ms:sleep
one_line
says 'sleep needs a wake'
status 0 "$DRYPORT" run "$simple" --workload rw:ops=2000 --at 100us:start --at 200us:restart:3
says 'simple adapter 0 is running: it cannot be started'
says 'there is no adapter 3'
