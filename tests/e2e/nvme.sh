#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# examples/nvme on the NVMe controller: its shapes, real clients, replay, and a lock that is left out.
. "$(dirname "$0")/lib.sh"
need nbdcopy nbdinfo qemu-img

nvme=$SOURCE_ROOT/examples/nvme
ops=3000
[ "$SANITIZED" = 0 ] || ops=600

shape() { # OPTIONS...
  status 0 "$DRYPORT" run "$nvme" --workload "rw:ops=$ops,verify" --summary "$work/summary" "$@"
  [ "$(number dma_read)" = "$(number client_written)" ] || fail "$*: the bytes do not add up"
  [ "$(number dma_written)" = "$(number client_read)" ] || fail "$*: the bytes do not add up"
}

shape --cpus 1
shape --cpus 4 --memory high
shape --cpus 2 --memory contiguous --block-size 4096
shape --cpus 2 --hw nvme:vectors=0            # the line
shape --cpus 2 --hw nvme:vectors=1            # one message for all
shape --cpus 4 --hw nvme:queues=2             # processors share
shape --cpus 2 --hw nvme:entries=4            # queues run full
shape --cpus 2 --hw nvme:mdts=8192
shape --cpus 1 --hw nvme:write-cache=0
shape --cpus 4 --hw nvme:doorbell-buffer=1    # doorbells in memory
shape --cpus 4 --hw nvme:doorbell-buffer=1,queues=2,entries=4
shape --cpus 4 --hw nvme:engines=3,doorbell-buffer=1

# and forgotten at a reset
for options in nvme:doorbell-buffer=1,queues=2,entries=4 nvme:engines=3,doorbell-buffer=1; do
  status 0 "$DRYPORT" run "$nvme" --cpus 4 --hw $options --at every-20ms:reset-bus --at every-50ms:restart --workload "rw:ops=$ops,depth=8,verify"
done

# several namespaces are several units
status 0 "$DRYPORT" run "$nvme" --hw nvme:namespaces=3 --size 48M -- nbdinfo --list '{uri}'
[ "$(grep -c '^export=' "$work/out")" = 3 ] || fail "not three exports: $(cat "$work/out")"
grep -q 'export-size: 16777216' "$work/out" || fail "$(cat "$work/out")"

# real clients: data out and in, zeros and holes
random "$work/in" 8M
truncate -s 16M "$work/disk"
for block in 512 4096; do
  status 0 "$DRYPORT" run "$nvme" --cpus 2 --block-size $block --memory high --disk "$work/disk" -- nbdcopy "$work/in" '{uri}'
  cmp -n 8388608 "$work/in" "$work/disk" || fail "block size $block: the data differ"
  status 0 "$DRYPORT" run "$nvme" --cpus 2 --block-size $block --disk "$work/disk" -- \
    sh -c 'qemu-io -f raw -c "write -z 1M 1M" -c "discard 3M 1M" -c "read -P 0 1M 1M" "$uri"'
  cmp -i 2097152 -n 1048576 "$work/in" "$work/disk" || fail "zeros went too far"
done
status 0 "$DRYPORT" run "$nvme" --read-only --disk "$work/disk" -- nbdinfo '{uri}'
grep -q 'is_read_only: true' "$work/out" || fail "a read-only disk can be written: $(cat "$work/out")"

# the older kind of SRB
cp -r "$nvme" "$work/plain"
sed -i '/SrbTypeFlags = /d' "$work/plain/nvme.c"
status 0 "$DRYPORT" run "$work/plain" --cpus 2 --workload "rw:ops=$ops,verify"

# what goes wrong, once, in copies of the driver; 30 seconds of a virtual clock are nothing
wrong() { # NAME FILE EXPRESSION
  cp -r "$nvme" "$work/$1"
  sed -i -E "$3" "$work/$1/$2"
  ! cmp -s "$nvme/$2" "$work/$1/$2" || fail "$1: nothing is changed"
}
ladder() { # STATUS NAME OPTIONS...
  status "$1" "$DRYPORT" run "$work/$2" --trace "$work/trace" --workload rw:ops=300,verify "${@:3}"
}
rungs() { # RUNG DONE...
  local climbed
  climbed=$(awk '$6 == "reset.end" { print $8, $NF }' "$work/trace" | paste -sd ' ')
  [ "$climbed" = "$*" ] || fail "the ladder was \"$climbed\", not \"$*\""
}
# a completion whose interrupt gets lost: the reset of the unit finds it
# shellcheck disable=SC2016
wrong lost nvme_interrupt.c 's/^(\tStorPortIssueDpc\(Adapter, .Queue->Dpc.*)/\tstatic LONG Messages; if (MessageId > 0 \&\& ++Messages == 100) return TRUE;\n\1/'
ladder 1 lost --cpus 1 --workload rw:ops=300,depth=1,verify --seed 1
says 'was not completed within its 30 seconds'
rungs unit 1
# a command that the controller never learns of, so that it cannot abort it: up to the reset of the bus
wrong bell nvme_queue.c 's/^(\tNvmeRing\(Adapter, &Queue->TailDoorbell.*)/\tstatic LONG Bells; if (Queue->Id > 0 \&\& ++Bells == 100) { Queue->Tail = (USHORT)(Queue->Tail ? Queue->Tail - 1 : Queue->Entries - 1); return; }\n\1/'
ladder 1 bell --cpus 3 --seed 1
rungs unit 0 target 0 bus 1
# a controller that says it has failed: the watch restarts it, and all data are right
wrong fatal nvme_control.c 's/Status & NVME_STATUS_FATAL/Status \& NVME_STATUS_FATAL || Fails++ == 2/; s/^(#define NVME_WATCH_US) 1000000/static LONG Fails;\n\1 300/'
for seed in 1 2 3; do
  ladder 0 fatal --cpus 3 --seed $seed
  grep -q 'why paused' "$work/trace" || fail "seed $seed: no reset was detected"
done

# the controller's own words, through INQUIRY
status 0 "$DRYPORT" run "$nvme" --workload rw:ops=1 --cpus 1
grep -q 'device nvme' "$work/out" || fail "$(cat "$work/out")"

# replay: the same bytes again, and from the release build; other seeds have another order
trace() { # DRYPORT SEED FILE
  status 0 "$1" run "$nvme" --cpus 3 --workload rw:ops=1000,verify --seed "$2" --trace "$3"
}
trace "$DRYPORT" 7 "$work/trace"
trace "$DRYPORT" 7 "$work/trace.again"
trace "$DRYPORT" 8 "$work/trace.other"
cmp "$work/trace" "$work/trace.again" || fail "seed 7 gives two traces"
release=$SOURCE_ROOT/build/release/cli/dryport
if [ "$SANITIZED" = 1 ] && [ -x "$release" ]; then
  (unset LD_PRELOAD; trace "$release" 7 "$work/trace.release")
  cmp "$work/trace" "$work/trace.release" || fail "the sanitized build's trace is another"
else
  echo "not applicable: no other build to compare the trace with"
fi
order() { awk '$5 == "hw.startio" || $5 == "irq" || $6 == "hw.startio" || $6 == "irq" { print $2, $NF }' "$1"; }
[ "$(order "$work/trace" | wc -l)" -gt 1000 ] || fail "no order: $(head "$work/trace")"
! cmp -s <(order "$work/trace") <(order "$work/trace.other") || fail "seeds 7 and 8 have one order"

# the lock of a queue that processors share left out: found within a minute, and found again from its seed
cp -r "$nvme" "$work/race"
sed -i -E '/^\tStorPort(Acquire|Release)SpinLock/d' "$work/race/nvme_queue.c"
! cmp -s "$nvme/nvme_queue.c" "$work/race/nvme_queue.c" || fail "no lock was left out"
small=rw:ops=200,sizes=512-16k,span=1M,verify
status 1 timeout 60 "$DRYPORT" run "$work/race" --hw nvme:queues=2 --cpus 3 --workload $small --seeds 100000
seed=$(sed -nE 's/^seed ([0-9]+) failed, .*/\1/p' "$work/out")
[ -n "$seed" ] || fail "no seed: $(cat "$work/out")"
for n in 1 2 3; do
  status 1 "$DRYPORT" run "$work/race" --hw nvme:queues=2 --cpus 3 --workload $small --seed "$seed"
  cp "$work/err" "$work/err$n"
done
[ -s "$work/err1" ] || fail "seed $seed says nothing"
cmp "$work/err1" "$work/err2" && cmp "$work/err1" "$work/err3" || fail "seed $seed fails in several ways"
status 0 "$DRYPORT" run "$nvme" --hw nvme:queues=2 --cpus 3 --workload $small --seeds 100
status 0 "$DRYPORT" run "$nvme" --hw nvme:queues=2,doorbell-buffer=1 --cpus 3 --workload $small --seeds 100
