#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# Blocks that cannot be read or written (--fail): the device fails these requests and no others, through its own error path.
. "$(dirname "$0")/lib.sh"
need qemu-io qemu-system-x86_64

commands=()
for command in 'read 2559488 512' 'read 2560000 512' 'read 2560512 512' 'write -f 3072000 512' 'write 3071488 512' 'write 3073024 512' \
  'read 3072000 512' 'write 2560000 512' 'read 2555904 8192'; do
  commands+=(-c "'$command'")
done
cat >"$work/want" <<'W'
read 512/512 bytes at offset 2559488
read failed: Input/output error
read 512/512 bytes at offset 2560512
write failed: Input/output error
wrote 512/512 bytes at offset 3071488
wrote 512/512 bytes at offset 3073024
read 512/512 bytes at offset 3072000
wrote 512/512 bytes at offset 2560000
read failed: Input/output error
W
for machine in 'simple --hw simple' 'nvme --hw nvme' 'nvme --hw qemu:nvme'; do
  # shellcheck disable=SC2086 # words
  status 1 "$DRYPORT" run "$SOURCE_ROOT/examples/"$machine --size 8M --fail read:lba=5000 --fail write:lba=6000-6001 -- \
    bash -c "qemu-io -f raw \"\$uri\" ${commands[*]} 2>&1 | grep -v ' ops; ' >$work/got; exit 1"
  diff "$work/want" "$work/got" || fail "$machine"
done
# blocks of 4 KiB, in an image of another format
qemu-img create -q -f qcow2 "$work/disk" 8M
for hw in nvme,max_ioqpairs=1 nvme; do
  status 1 "$DRYPORT" run "$SOURCE_ROOT/examples/nvme" --hw qemu:$hw --disk "$work/disk" --block-size 4096 --fail read:lba=625 -- \
    bash -c "qemu-io -f raw \"\$uri\" -c 'read 2555904 4096' -c 'read 2560000 4096' -c 'read 2564096 4096' 2>&1 | grep -v ' ops; ' >$work/got; exit 1"
  diff - "$work/got" <<'W' || fail "$hw"
read 4096/4096 bytes at offset 2555904
read failed: Input/output error
read 4096/4096 bytes at offset 2564096
W
done
# in a slot, from which the device goes and comes: more such blocks, and a longer name, than a line for QEMU's monitor has room for; the image
# refers to another beside it
long=$work/$(printf 'a%.0s' {1..250})/$(printf ',b%.0s' {1..120})/$(printf 'c%.0s' {1..250})/$(printf ',d%.0s' {1..120})
mkdir -p "$long"
(cd "$long" && truncate -s 8M base && qemu-img create -q -f qcow2 -b base -F raw "$(printf ',e%.0s' {1..100})")
status 0 "$DRYPORT" run "$SOURCE_ROOT/examples/nvme" --hw qemu:nvme,bridge=pcie-root-port --disk "$long/$(printf ',e%.0s' {1..100})" \
  --fail read:lba=10001-10060 --hold 20 --at every-30ms:replug --workload rw:ops=8000,span=4M,verify --trace "$work/trace"
! grep 'dryport: ' "$work/err" || fail "it was said"
[ "$(grep -c 'event.end.*replug' "$work/trace")" -gt 1 ] || fail "$(grep event "$work/trace")"
# in an image at an address
cat >"$work/remote" <<'R'
"$DRYPORT" run "$SOURCE_ROOT/examples/nvme" --hw qemu:nvme --disk "$uri" --fail read:lba=5000 --quiet -- \
  bash -c "qemu-io -f raw \"\$uri\" -c 'read 2559488 512' -c 'read 2560000 512' 2>&1 | grep -v ' ops; '"
R
export DRYPORT SOURCE_ROOT
nbdkit -U - memory 8M --run "export uri; bash $work/remote" >"$work/got" 2>"$work/err" || true
diff - "$work/got" <<'W' || fail "$(cat "$work/err")"
read 512/512 bytes at offset 2559488
read failed: Input/output error
W
for bad in read write:5 read:lba=5-4 read:lba=0-64; do
  status 2 "$DRYPORT" run "$simple" --fail $bad --workload rw:ops=1
  says "--fail $bad: it is read:lba=N or write:lba=N"
done
# beyond the end, of a disk in memory, of a file, and of an image in a format
truncate -s 8M "$work/raw"
for machine in 'simple --hw simple --size 8M' "nvme --hw nvme --disk $work/raw" 'nvme --hw qemu:nvme --size 8M' "nvme --hw qemu:nvme --disk $work/disk"; do
  # shellcheck disable=SC2086 # words
  status 1 "$DRYPORT" run "$SOURCE_ROOT/examples/"$machine --fail read:lba=5,read:lba=16384 --workload rw:ops=1
  says '--fail read:lba=16384: the disk ends before it; its last block is 16383'
done
status 1 "$DRYPORT" run "$SOURCE_ROOT/examples/ramdisk" --fail read:lba=5 --workload rw:ops=1
says 'without a device there is no use for --fail'
