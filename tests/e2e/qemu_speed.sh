#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# qemu_speed.sh idle|bench: a machine with QEMU's device that has nothing to do uses next to no processor; `dryport bench path
# --hw qemu:nvme` prints its rows in the form that docs/cli.md gives. How fast anything is nobody asks, on a computer that others use.
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 qemu-storage-daemon fio pgrep
nvme=$SOURCE_ROOT/examples/nvme

# Ticks, a hundredth of a second each, that these processes have used.
ticks() {
  local pid fields sum=0
  for pid in "$@"; do
    read -r -a fields <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
    sum=$((sum + fields[11] + fields[12]))
  done
  echo $sum
}

idle() {
  local options most=5 pids used
  # instrumented timers and wake-ups cost several times as much
  [ "$SANITIZED" = 0 ] || most=25
  truncate -s 64M "$work/disk"
  for options in '' '--cpus 2'; do
    # shellcheck disable=SC2086 # words
    serve "$nvme" --hw qemu:nvme --disk "$work/disk" $options
    fio --name=r --ioengine=nbd --uri="$uri" --rw=randread --bs=4k --iodepth=32 --size=64m --time_based --runtime=1s --output="$work/fio"
    mapfile -t pids < <(pgrep -f "^nbdkit .*$work/nbd"; pgrep -f "^qemu-system-x86_64 .*file=$work/disk")
    [ ${#pids[@]} = 2 ] || fail "processes: ${pids[*]}"
    # what a timer of the port's or the driver's still had to see
    sleep 1
    used=$(ticks "${pids[@]}")
    [ "$used" -gt 10 ] || fail "a second of load took $used ticks"
    sleep 5
    used=$(($(ticks "${pids[@]}") - used))
    [ $used -le $most ] || fail "$options: an idle machine used $used ticks of 500, more than $most"
    serve_stop 0
  done
}

bench() {
  export TMPDIR=$work
  status 0 "$DRYPORT" bench path --hw qemu:nvme --rounds 1 --seconds 1 --json
  python3 - "$work/out" <<'PY'
import json, sys
bench = json.load(open(sys.argv[1]))
assert bench["bench"] == "path" and bench["cpu"] and bench["hw"] == "qemu:nvme" and bench["processors"] in (1, 2), bench
one, many, nbd = bench["rows"]
for row, depth in (one, 1), (many, 32):
    assert row["name"] == "inside" and row["depth"] == depth and row["iops"] > 100, row
    assert abs(row["iops"] * row["ns"] / 1e9 - 1) < 0.01, row
assert nbd["name"] == "nbd" and nbd["depth"] == 32, nbd
assert nbd["iops"] > 100 and nbd["reference_iops"] > 100, nbd
assert nbd["uring_iops"] is None or nbd["uring_iops"] > 100, nbd
assert abs(nbd["ratio"] - nbd["iops"] / nbd["reference_iops"]) < 0.01, nbd
# a read costs more than nothing and less than a second
for key in "cpu_ns", "reference_cpu_ns":
    assert 1000 < nbd[key] < 1e9, nbd
assert 0 < bench["start_ms"] < 30000, bench
assert 0 <= bench["idle_percent"] < 1, bench
PY
  status 0 "$DRYPORT" bench path --hw qemu:nvme,max_ioqpairs=2 --driver "$nvme" --rounds 1 --seconds 1
  grep -q '^ratio [0-9.]*; from its start to the first data [0-9]* ms; idle [0-9.]* % of a processor$' "$work/out" || fail "$(cat "$work/out")"
  status 2 "$DRYPORT" bench path --hw qemu:virtio-blk-pci
  says 'there is no example driver for it; name a miniport with --driver FILE'
  status 2 "$DRYPORT" bench path --hw nvme
  says "this is for QEMU's devices"
  status 2 "$DRYPORT" bench models --hw qemu:nvme
  says '--hw goes with path'
  status 2 "$DRYPORT" bench path --rounds 2
  says '--rounds goes with --hw'
  status 2 "$DRYPORT" bench path --hw qemu:nvme --rounds 0
  says 'numbers from 1 to 99'
  status 1 "$DRYPORT" bench path --hw qemu:nvme,foo=1 --rounds 1
  says "QEMU refuses: .*Property 'nvme.foo' not found"
  ! compgen -G "$work/dryport-bench-*" >/dev/null || fail "left: $(ls -d "$work"/dryport-bench-*)"
  ! pgrep -f "qemu-(system-x86_64|storage-daemon) .*$work" >/dev/null || fail 'a QEMU is left'
}

"$1"
