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

# the queue's lock left out: found within a minute, and found again from its seed
cp -r "$nvme" "$work/race"
sed -i -E '/^\tStorPort(Acquire|Release)SpinLock/d' "$work/race/nvme_queue.c"
! cmp -s "$nvme/nvme_queue.c" "$work/race/nvme_queue.c" || fail "no lock was left out"
small=rw:ops=200,sizes=512-16k,span=1M,verify
status 1 timeout 60 "$DRYPORT" run "$work/race" --cpus 3 --workload $small --seeds 100000
seed=$(sed -nE 's/^seed ([0-9]+) failed, .*/\1/p' "$work/out")
[ -n "$seed" ] || fail "no seed: $(cat "$work/out")"
for _ in 1 2 3; do
  status 1 "$DRYPORT" run "$work/race" --cpus 3 --workload $small --seed "$seed"
  says "seed $seed"
done
status 0 "$DRYPORT" run "$nvme" --cpus 3 --workload $small --seeds 100
