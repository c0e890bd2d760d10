#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# qemu.sh data|life|bad|iommu: examples/nvme, which was written for the device model beside it, on QEMU's NVMe controller: images of
# other formats, all kinds of memory, both kinds of interrupts, an adapter's life, a QEMU that does not start or dies, and its iommu, which finds what drivers do wrong.
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 qemu-img nbdcopy fio pgrep
nvme=$SOURCE_ROOT/examples/nvme

none_left() {
  ! pgrep -f "^qemu-system-x86_64 .*$work" >/dev/null || fail "a QEMU is left: $(pgrep -af "$work")"
}

data() {
  local ops=2000 options
  [ "$SANITIZED" = 0 ] || ops=300
  random "$work/in" 24M
  # the size that the client reads is the disk's
  for options in '' '--memory high --cpus 4' '--memory contiguous --ram 1G' '--memory high --ram 4G' \
    '--engine bounce --dma-width 32 --memory high' "--inf $work/line.inf" "--inf $work/line.inf --cpus 4"; do
    qemu-img create -q -f qcow2 "$work/disk" 24M
    # shellcheck disable=SC2086 # words
    status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --disk "$work/disk" $options -- nbdcopy "$work/in" '{uri}'
    # shellcheck disable=SC2086
    status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --disk "$work/disk" $options -- nbdcopy '{uri}' "$work/back"
    cmp "$work/in" "$work/back" || fail "$options: the data differ"
    qemu-img check -q "$work/disk" || fail "$options: the image is not whole"
    # shellcheck disable=SC2086
    status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --size 64M $options --workload rw:ops=$ops,verify --summary "$work/summary"
    [ "$(number interrupts)" -gt 10 ] || fail "$options: $(number interrupts) interrupts"
  done
  says 'it interrupts by its line'
  # a raw file that begins as no image does, blocks of 4 KiB, a queue's property of QEMU's, two devices
  truncate -s 32M "$work/raw"
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme,max_ioqpairs=2 --disk "$work/raw" --block-size 4096 -- nbdcopy "$work/in" '{uri}'
  cmp -n $((24 << 20)) "$work/in" "$work/raw" || fail "raw: the data differ"
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --devices 2 --cpus 2 --workload rw:ops=100,verify
  # reads without the right to write
  chmod a-w "$work/raw"
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --disk "$work/raw" --block-size 4096 --read-only -- nbdcopy '{uri}' "$work/back"
  cmp -n $((24 << 20)) "$work/in" "$work/back" || fail "read-only: the data differ"
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --size 32M --cpus 2 -- fio --name=v --ioengine=nbd --uri='{uri}' --rw=randrw --bs=4k \
    --iodepth=32 --size=16m --verify=crc32c --verify_fatal=1 --verify_state_save=0 --output="$work/fio"
  none_left
}

life() {
  local event
  for event in every-30ms:nap every-20ms:restart every-20ms:reset-bus every-20ms:reset-lun 20ms:replug every-10ms:pause,every-15ms:resume; do
    local at=()
    for e in ${event//,/ }; do at+=(--at "$e"); done
    status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --cpus 2 --hold 20 "${at[@]}" --workload rw:ops=1000,verify
    ! grep -q 'dryport: --at' "$work/err" || fail "$event: $(cat "$work/err")"
  done
  # QEMU dies under load: every request ends
  "$DRYPORT" run "$nvme" --hw qemu:nvme,serial="${work##*-}" --cpus 2 --workload rw:ops=10000000,verify >"$work/out" 2>"$work/err" &
  for _ in $(seq 100); do
    pgrep -f "^qemu-system-x86_64 .*serial=${work##*-}" >"$work/pid" && break
    sleep 0.1
  done
  sleep 1
  kill -KILL "$(cat "$work/pid")"
  SECONDS=0
  ! wait $! || fail "nothing is said of it"
  [ $SECONDS -lt 10 ] || fail "it took $SECONDS s to end"
  says 'QEMU, which has the device nvme, was ended by signal 9'
  says '0:0:0: the request failed: No such device'
  # and a client is told
  truncate -s 64M "$work/disk"
  serve "$nvme" --hw qemu:nvme --disk "$work/disk"
  kill -KILL "$(pgrep -f "^qemu-system-x86_64 .*file=$work/disk")"
  ! timeout 20 nbdcopy "$uri" "$work/back" 2>/dev/null || fail "the client was told nothing"
  serve_stop 1
  # we die: it does not outlive us
  serve "$nvme" --hw qemu:nvme --disk "$work/disk"
  pgrep -f "^qemu-system-x86_64 .*file=$work/disk" >/dev/null || fail "no QEMU"
  kill -KILL "$(pgrep -f "^nbdkit .*$work/nbd")"
  wait "$server" || true
  for _ in $(seq 50); do
    pgrep -f "^qemu-system-x86_64 .*file=$work/disk" >/dev/null || break
    sleep 0.1
  done
  none_left
}

refused() { # MESSAGE OPTIONS...
  local message=$1
  shift
  status 1 "$DRYPORT" run "$nvme" --workload rw:ops=5 "$@"
  says "$message"
  none_left
}

bad() {
  refused "--hw qemu:: there is no such device; there are nvme, virtio-blk-pci" --hw qemu
  refused "--hw qemu:nvmex: there is no such device" --hw qemu:nvmex
  refused "QEMU refuses: .*Property 'nvme.foo' not found" --hw qemu:nvme,foo=1
  refused "the property addr is dryport's own" --hw qemu:nvme,addr=7
  refused "no disk apart from itself: no disk.serial" --hw qemu:nvme,disk.serial=7
  refused "QEMU refuses: .*Could not open '$work/absent': No such file" --hw qemu:nvme --disk "$work/absent"
  head -c 4096 /dev/urandom >"$work/odd"
  refused "Image is not in qcow2 format" --hw qemu:nvme,format=qcow2 --disk "$work/odd"
  refused 'it keeps real time' --hw qemu:nvme --seed 1
  refused 'a transitional device goes round the iommu; with --engine iommu take virtio-blk-pci\.' --hw qemu:virtio-blk-pci-transitional --engine iommu
  refused 'with --engine iommu iommu_platform and disable-legacy are on' --hw qemu:virtio-scsi-pci,iommu_platform=off --engine iommu
  refused 'with --engine iommu iommu_platform and disable-legacy are on' --hw qemu:virtio-blk-pci,disable-legacy=off --engine iommu
  # those that QEMU takes with the properties that it needs; the driver is another device's
  for device in virtio-blk-pci virtio-scsi-pci-non-transitional; do
    refused 'HwStorFindAdapter says that virtio.* is not its device' --hw qemu:$device --engine iommu
  done
  # another machine has the image
  truncate -s 16M "$work/disk"
  serve "$nvme" --hw qemu:nvme --disk "$work/disk"
  status 1 "$DRYPORT" run "$nvme" --hw qemu:nvme --disk "$work/disk" --workload rw:ops=5
  says 'Failed to get "write" lock; Is another process using the image \[.*disk\]'
  serve_stop 0
  # one that dies at once, and one whose last words come late
  mkdir "$work/early" "$work/wordy"
  printf '#!/bin/sh\nkill -KILL $$\n' >"$work/early/qemu-system-x86_64"
  printf '#!/bin/sh\nseq 2000 >&2\necho "$0: the real reason" >&2\nexit 1\n' >"$work/wordy/qemu-system-x86_64"
  chmod +x "$work"/*/qemu-system-x86_64
  PATH=$work/early:$PATH refused 'QEMU was ended by signal 9 at its start' --hw qemu:nvme
  PATH=$work/wordy:$PATH refused 'QEMU refuses: .*the real reason$' --hw qemu:nvme
  # no QEMU
  mkdir "$work/bin"
  for tool in clang-"${LLVM:-14}" ld ld.bfd gcc as nm objcopy; do
    ! command -v "$tool" >/dev/null || ln -s "$(command -v "$tool")" "$work/bin/$tool"
  done
  status 0 "$DRYPORT" build "$nvme" -o "$work/nvme.so"
  status 1 env PATH="$work/bin" "$DRYPORT" run "$work/nvme.so" --hw qemu:nvme --workload rw:ops=5
  says "there is no qemu-system-x86_64; install Debian's package qemu-system-x86"
  status 0 env PATH="$work/bin" "$DRYPORT" hw
  grep -q 'there is no qemu-system-x86_64 here' "$work/out" || fail "$(cat "$work/out")"
  status 0 "$DRYPORT" hw
  grep -q 'nvme  Non-Volatile Memory Express$' "$work/out" || fail "$(cat "$work/out")"
}

# The driver as it is but for one expression in one file.
variant() { # NAME FILE EXPRESSION
  cp -r "$nvme" "$work/$1"
  sed -i -E "$3" "$work/$1/$2"
  [ "$(diff "$nvme/$2" "$work/$1/$2" | grep -c '^>')" = 1 ] || fail "$1: not one line is changed"
  status 0 "$DRYPORT" build "$work/$1" -o "$work/$1.so"
}

# The device's own iommu finds what a driver does wrong, and says what a model in this process says, but for the byte in the page.
found() { # NAME WORDS
  local device words=$2
  for device in nvme qemu:nvme; do
    status 1 "$DRYPORT" run "$work/$1.so" --hw $device --size 64M --engine iommu --workload rw:ops=300,depth=1 --summary "$work/summary"
    says "device 1 \(nvme\): $words"
    [ "$(number violations)" = 1 ] || fail "$1, $device: $(number violations) violations"
  done
}

iommu() {
  local ops=1000 options mapped='the request [0-9]* \([0-9]* bytes, DMA adapter 0\), mapped at [0-9]* ns, '
  [ "$SANITIZED" = 0 ] || ops=200
  random "$work/in" 24M
  status 0 "$DRYPORT" build "$nvme" -o "$work/nvme.so"
  for options in '' '--memory high' '--cpus 4' '--memory high --cpus 4 --strict'; do
    qemu-img create -q -f qcow2 "$work/disk" 24M
    # shellcheck disable=SC2086 # words
    status 0 "$DRYPORT" run "$work/nvme.so" --hw qemu:nvme --disk "$work/disk" --engine iommu $options -- nbdcopy "$work/in" '{uri}'
    # shellcheck disable=SC2086
    status 0 "$DRYPORT" run "$work/nvme.so" --hw qemu:nvme --disk "$work/disk" --engine iommu $options -- nbdcopy '{uri}' "$work/back"
    cmp "$work/in" "$work/back" || fail "$options: the data differ"
  done
  # few registers, so that addresses come round at once; few address bits; the line; two devices, each with an iommu of its own
  for options in '--map-registers 40 --cpus 2' '--dma-width 32 --memory high' '--dma-width 24' '--dma-width 30 --memory contiguous --ram 1G' \
    "--inf $work/line.inf" '--devices 2 --cpus 2'; do
    # shellcheck disable=SC2086
    status 0 "$DRYPORT" run "$work/nvme.so" --hw qemu:nvme --engine iommu $options --workload rw:ops=$ops,verify --strict
  done
  for options in every-30ms:nap every-20ms:restart every-20ms:reset-bus 20ms:replug; do
    status 0 "$DRYPORT" run "$work/nvme.so" --hw qemu:nvme --engine iommu --cpus 2 --hold 20 --at $options --workload rw:ops=$ops,verify
  done
  # a request's first page is that of the request before; a read of more than was asked for, and of a page more; a write in a read's place
  variant late nvme_prp.c 's/^(\treturn Count == Pages;)/\tstatic ULONG64 Old; static ULONG Nth; ULONG64 Mine = Command->Prp1; if (++Nth == 60) Command->Prp1 = Old; Old = Mine; \1/'
  variant beyond nvme_prp.c 's/^(\treturn Count == Pages;)/\tstatic ULONG Nth; if (Count == 1 \&\& Command->Opcode == NVME_READ \&\& ++Nth == 3) Command->Dword12 += 8, Command->Prp2 = (Command->Prp1 | 4095) + 1; \1/'
  variant turned nvme_scsi.c 's/^(\tCommand->Opcode = Opcode;)/\tstatic ULONG Nth; if (Opcode == NVME_READ \&\& ++Nth == 40) Opcode = NVME_WRITE; \1/'
  found late "write of bus address 0x[0-9a-f]+ failed: nothing is mapped there now: ${mapped}was unmapped at [0-9]* ns"
  found turned "read of bus address 0x[0-9a-f]+ failed: (it is mapped|nothing is mapped there now, and it was) for the other direction: ${mapped}(is still mapped|was unmapped)"
  status 1 "$DRYPORT" run "$work/beyond.so" --hw qemu:nvme --size 64M --engine iommu --workload rw:ops=300,depth=1
  says "write of bus address 0x[0-9a-f]+ failed: nothing is mapped there now: .*; in the page before it ends ${mapped}(is still mapped|was unmapped)"
  # at once, not at the end
  SECONDS=0
  status 1 "$DRYPORT" run "$work/late.so" --hw qemu:nvme --engine iommu --strict --workload rw:ops=10000000,depth=1
  [ $SECONDS -lt 20 ] || fail "it took $SECONDS s to be stopped"
  says 'stopped, being strict, at device 1 \(nvme\): write of bus address'
  none_left
  # QEMU dies under load
  "$DRYPORT" run "$work/nvme.so" --hw qemu:nvme,serial="${work##*-}" --engine iommu --cpus 2 --workload rw:ops=10000000,verify >"$work/out" 2>"$work/err" &
  for _ in $(seq 100); do
    pgrep -f "^qemu-system-x86_64 .*serial=${work##*-}" >"$work/pid" && break
    sleep 0.1
  done
  sleep 1
  kill -KILL "$(cat "$work/pid")"
  SECONDS=0
  ! wait $! || fail "nothing is said of it"
  [ $SECONDS -lt 10 ] || fail "it took $SECONDS s to end"
  says 'QEMU, which has the device nvme, was ended by signal 9'
}

# its messages are not asked for: the device interrupts by its line
cat >"$work/line.inf" <<'I'
[Version]
Signature = "$Windows NT$"
[Manufacturer]
Acme = Models,NTamd64
[Models.NTamd64]
Disk = Install, PCI\VEN_1B36&DEV_0010
[Install]
[Install.Services]
AddService = nvme, 0x00000002, Service
[Service]
AddReg = Parameters
[Parameters]
HKR, "Parameters", "Example", 0x00010001, 1
I
"$1"
