#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# qemu.sh data|life|bridges|hotplug|adversity|iommu|bad: examples/nvme, which was written for the device model beside it, on QEMU's NVMe
# controller: images of other formats, all kinds of memory, both kinds of interrupts, an adapter's life, bridges and slots, its iommu, which
# finds what drivers do wrong, and a QEMU that does not start or dies.
. "$(dirname "$0")/lib.sh"
need qemu-system-x86_64 qemu-img nbdcopy fio pgrep
nvme=$SOURCE_ROOT/examples/nvme

none_left() {
  ! pgrep -f "^qemu-system-x86_64 .*$work" >/dev/null || fail "a QEMU is left: $(pgrep -af "$work")"
}

# In the trace each request that was submitted has one end.
each_ends() {
  local event
  for event in submit done; do
    sed -nE "s/.* srb.$event +id ([0-9]+) .*/\1/p" "$work/trace" | sort -n >"$work/$event"
  done
  [ "$(wc -l <"$work/submit")" -gt 5 ] || fail "$(wc -l <"$work/submit") requests"
  cmp "$work/submit" "$work/done" || fail "not each request has one end: $(diff "$work/submit" "$work/done" | head)"
}

tails() { # of the first queue for I/O
  grep -c 'reg.write .* offset 0x1008 ' "$work/trace"
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
  # of many commands at once QEMU finds most in memory: fewer registers are written than requests sent. By the line each is.
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --workload rw:ops=$ops,depth=32,verify --trace "$work/trace"
  [ "$(tails)" -lt $((ops / 2)) ] || fail "$(tails) writes of the tail for $ops requests"
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --inf "$work/line.inf" --workload rw:ops=$ops,depth=32,verify --trace "$work/trace"
  [ "$(tails)" -ge $ops ] || fail "by the line: $(tails) writes of the tail for $ops requests"
  none_left
}

# As status 0. QEMU 7.2's NVMe controller crashes now and then when it is reset in the midst of requests (docs/qemu.md). A run in which that
# is said to have happened is made again.
outlives() {
  for _ in 1 2 3 4; do
    "$@" >"$work/out" 2>"$work/err" </dev/null && return
    grep -q 'was ended by signal 11' "$work/err" || break
    echo "QEMU has crashed: again"
  done
  cat "$work/out" "$work/err" >&2
  fail "no status 0: $*"
}

# DRIVER OPTIONS: its QEMU is killed under load, which is told, and the run ends soon.
qemu_dies() {
  "$DRYPORT" run "$1" --hw qemu:nvme,serial="${work##*-}" --cpus 2 --workload rw:ops=10000000,verify "${@:2}" >"$work/out" 2>"$work/err" &
  for _ in $(seq 300); do
    pgrep -f "^qemu-system-x86_64 .*serial=${work##*-}" >"$work/pid" && break
    sleep 0.1
  done
  sleep 1
  kill -KILL "$(cat "$work/pid")"
  SECONDS=0
  ! wait $! || fail "nothing is said of it"
  [ $SECONDS -lt 60 ] || fail "it took $SECONDS s to end"
  says 'QEMU, which has the device nvme, was ended by signal 9'
}

life() {
  local event
  # what it finds wrong while it runs is told at once
  mkdir "$work/says"
  cat >"$work/says/qemu-system-x86_64" <<W
#!/bin/sh
(until [ -e "$work/now" ]; do sleep 0.1; done; echo 'qemu-system-x86_64: a bogus descriptor' >&2) &
exec $(command -v qemu-system-x86_64) "\$@"
W
  chmod +x "$work/says/qemu-system-x86_64"
  PATH=$work/says:$PATH serve "$nvme" --hw qemu:nvme
  ! grep -q 'QEMU says' "$work/serve.err" || fail "$(cat "$work/serve.err")"
  touch "$work/now"
  for _ in $(seq 300); do
    ! grep -q 'dryport: nvme: QEMU says: a bogus descriptor$' "$work/serve.err" || break
    sleep 0.1
  done
  grep -q 'dryport: nvme: QEMU says: a bogus descriptor$' "$work/serve.err" || fail "it is not told: $(cat "$work/serve.err")"
  serve_stop 0
  for event in every-30ms:nap every-20ms:restart every-20ms:reset-bus every-20ms:reset-lun 20ms:replug every-10ms:pause,every-15ms:resume; do
    local at=()
    for e in ${event//,/ }; do at+=(--at "$e"); done
    outlives "$DRYPORT" run "$nvme" --hw qemu:nvme --cpus 2 --hold 20 "${at[@]}" --workload rw:ops=1000,verify
    # QEMU's controller aborts no command that it works on, so a reset by aborting all may be refused
    ! grep 'dryport: --at' "$work/err" | grep -v 'reset-lun: .* refused' || fail "$event: $(cat "$work/err")"
  done
  # QEMU dies under load: every request ends
  qemu_dies "$nvme" --trace "$work/trace"
  says '0:0:0: the request failed: No such device|unit 0:0:0 has gone'
  each_ends
  rm "$work/trace"
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
  for _ in $(seq 300); do
    pgrep -f "^qemu-system-x86_64 .*file=$work/disk" >/dev/null || break
    sleep 0.1
  done
  none_left
}

# The device's place, its registers, messages and line through bridges of each kind.
bridges() {
  local ops=400 chain place
  [ "$SANITIZED" = 0 ] || ops=100
  # a driver that says where it is told that it is
  cp -r "$nvme" "$work/nvme"
  sed -i -E 's/^(\tAdapter->Slot = Config->SlotNumber;)/\1 StorPortDebugPrint(0, "at bus %u slot %u\\n", Config->SystemIoBusNumber, Config->SlotNumber);/' "$work/nvme/nvme.c"
  ! cmp -s "$nvme/nvme.c" "$work/nvme/nvme.c" || fail "nothing is changed"
  while read -r place chain; do
    status 0 "$DRYPORT" run "$work/nvme" --hw "qemu:nvme$chain" --cpus 2 --workload rw:ops=$ops,verify --registry-out "$work/reg"
    grep -hq "at bus ${place%:*} slot ${place#*:}\$" "$work/out" "$work/err" || fail "$chain: $(cat "$work/out" "$work/err")"
    grep -q "REV_02.3&${place%:*}&0${place#*:}]" "$work/reg" || fail "$chain: $(grep -a 'Enum.PCI' "$work/reg")"
    status 0 "$DRYPORT" run "$nvme" --hw "qemu:nvme$chain" --inf "$work/line.inf" --workload rw:ops=$ops,verify --summary "$work/summary"
    says 'it interrupts by its line'
    [ "$(number interrupts)" -gt 10 ] || fail "$chain: $(number interrupts) interrupts"
  done <<'B'
0:1
1:0 ,bridge=pcie-root-port
1:1 ,bridge=pci-bridge
2:1 ,bridge=pcie-root-port/pcie-pci-bridge
3:0 ,bridge=pcie-root-port/x3130-upstream/xio3130-downstream
2:1 ,bridge=i82801b11-bridge/pci-bridge
B
  # several, each behind bridges of its own
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme,bridge=pcie-root-port/pcie-pci-bridge --devices 3 --cpus 2 --workload rw:ops=$ops,verify
  refused 'there is no bridge "pcie-port"; there are pcie-root-port, ' --hw qemu:nvme,bridge=pcie-port
  refused 'there is no bridge ""' --hw qemu:nvme,bridge=pci-bridge/
  refused 'pcie-root-port is on the root bus, and behind no bridge' --hw qemu:nvme,bridge=pci-bridge/pcie-root-port
  refused 'more than 4 bridges' --hw qemu:nvme,bridge=pci-bridge/pci-bridge/pci-bridge/pci-bridge/pci-bridge
  none_left
}

# Whether the QEMU of this disk has it open.
has_open() {
  local pid
  for _ in 1 2 3 4 5; do
    ! pid=$(pgrep -f "^qemu-system-x86_64 .*file=$1,") || break
    sleep 0.1
  done
  [ -n "$pid" ] || fail "no QEMU: $(cat "$work/serve.err")"
  [ -n "$(find "/proc/$pid/fd" -lname "$1" 2>/dev/null)" ]
}

until_open() { # DISK YES|NO
  local is
  for _ in $(seq 600); do
    is=no
    ! has_open "$1" || is=yes
    [ $is != "$2" ] || return 0
    sleep 0.05
  done
  fail "the image stays ${2/yes/closed}${2/no/open}: $(cat "$work/serve.err")"
}

# FROM TO: an nbdcopy that goes well, now or when the device is in again.
copied() {
  for _ in $(seq 200); do
    ! timeout 60 nbdcopy "$@" 2>"$work/client" || return 0
    sleep 0.1
  done
  fail "$(cat "$work/client" "$work/serve.err")"
}

hotplug() {
  local ops=10000 port told
  [ "$SANITIZED" = 0 ] || ops=5000
  for port in pcie-root-port ioh3420 pcie-root-port/x3130-upstream/xio3130-downstream pci-bridge pcie-root-port/pcie-pci-bridge; do
    status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme,bridge=$port --cpus 2 --hold 20 --at every-30ms:replug --workload rw:ops=$ops,verify \
      --trace "$work/trace"
    ! grep -q 'dryport: ' "$work/err" || fail "$port: $(cat "$work/err")"
    [ "$(grep -c 'event.end.*replug' "$work/trace")" -gt 1 ] || fail "$port: $(grep event "$work/trace")"
  done
  # by its line, and in good order
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme,bridge=i82801b11-bridge/pci-bridge --inf "$work/line.inf" --hold 20 --at every-30ms:replug --workload rw:ops=300,verify
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme,bridge=pcie-root-port --inf "$work/line.inf" --hold 20 --at every-30ms:replug --workload rw:ops=300,verify
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme,bridge=pcie-root-port --hold 20 --at 20ms:remove --at 120ms:plug --at 200ms:unplug --at 220ms:plug --workload rw:ops=$ops,verify
  ! grep -q 'dryport: ' "$work/err" || fail "$(cat "$work/err")"
  # for good: what comes after it is refused, and what is under way fails, each request once, by NO_HBA (11) or NO_DEVICE (08);
  # now and then all that is under way ends well before the device has left
  for _ in $(seq 5); do
    status 1 "$DRYPORT" run "$nvme" --hw qemu:nvme,bridge=pcie-root-port --cpus 2 --at 300ms:unplug --workload rw:ops=1000000,depth=8,verify \
      --trace "$work/trace"
    says '0:0:0: the request failed: No such device|unit 0:0:0 has gone'
    each_ends
    ! grep -q 'srb.done .*status \(0x\)\?\(11\|8\|08\)\b' "$work/trace" || break
  done
  grep -q 'srb.done .*status \(0x\)\?\(11\|8\|08\)\b' "$work/trace" || fail "$(grep srb.done "$work/trace" | tail -n 5)"
  rm "$work/trace"
  # it goes and comes, however long either takes: what a client writes while it is in is there each time that it is, while it is out QEMU has let
  # go of the image, and a client hears EIO and no more
  random "$work/in" 4M
  for port in pcie-root-port pci-bridge; do
    truncate -s 0 "$work/disk"
    truncate -s 4M "$work/disk"
    serve "$nvme" --hw qemu:nvme,bridge=$port --disk "$work/disk" --at every-4s:unplug --at every-5s:plug
    copied "$work/in" "$uri"
    until_open "$work/disk" yes
    until_open "$work/disk" no
    told=no
    for _ in $(seq 200); do
      timeout 60 nbdcopy "$uri" "$work/back" 2>"$work/client" || told=yes
      [ $told = no ] || break
      sleep 0.1
    done
    [ $told = yes ] || fail "the client was told nothing"
    grep -q 'Input/output error' "$work/client" || fail "$(cat "$work/client")"
    until_open "$work/disk" yes
    copied "$uri" "$work/back"
    cmp "$work/in" "$work/back" || fail "$port: the data differ after it was put in again"
    serve_stop 0
  done
  # on the root bus, and behind a bridge without slots, it is reset, and QEMU keeps it
  for port in '' ,bridge=i82801b11-bridge; do
    serve "$nvme" --hw qemu:nvme$port --disk "$work/disk" --hold 20 --at 100ms:unplug --at 200ms:plug
    for _ in $(seq 300); do
      ! grep -q 'nvme has no slot in QEMU that it could be pulled out of' "$work/serve.err" || break
      sleep 0.1
    done
    grep -q 'nvme has no slot in QEMU that it could be pulled out of' "$work/serve.err" || fail "$port: $(cat "$work/serve.err")"
    nbdcopy "$uri" "$work/back"
    cmp "$work/disk" "$work/back" || fail "$port: the data differ"
    serve_stop 0
  done
  # another has taken the image meanwhile: it is told, and the device stays out
  serve "$nvme" --hw qemu:nvme,bridge=pcie-root-port --disk "$work/disk" --at every-4s:unplug --at every-5s:plug
  cat >"$work/other" <<O
for _ in \$(seq 200); do
  ! "$DRYPORT" run "$nvme" --hw qemu:nvme --disk "$work/disk" -- bash -c 'until [ -e "$work/enough" ]; do sleep 0.1; done' || exit 0
done
exit 1
O
  bash "$work/other" >"$work/out" 2>"$work/err" &
  children+=($!)
  for _ in $(seq 600); do
    ! grep -q 'cannot be put in: QEMU refuses' "$work/serve.err" || break
    sleep 0.1
  done
  touch "$work/enough"
  grep -qE 'nvme cannot be put in: QEMU refuses drive_add|nvme cannot be put in: QEMU refuses device_add: Failed to get "write" lock' "$work/serve.err" ||
    fail "$(cat "$work/serve.err")"
  wait "${children[-1]}" || fail "$(cat "$work/err")"
  serve_stop 0
  none_left
}

# A machine in bad circumstances: nothing is lost, or it is said what was.
adversity() {
  local ops=10000 options chain
  [ "$SANITIZED" = 0 ] || ops=4000
  cat >"$work/short.reg" <<'R'
Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\nvme\Parameters]
"IoTimeoutValue"=dword:00000002
R
  # interrupts masked for a while: what came meanwhile is pending, and nothing times out
  for options in '' "--inf $work/line.inf"; do
    for chain in '' ,bridge=pcie-root-port; do
      # shellcheck disable=SC2086 # words
      status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme$chain $options --cpus 2 --at every-20ms:mask --at every-30ms:unmask \
        --workload rw:ops=$ops,verify --trace "$work/trace"
      ! grep -q 'not completed within\|dryport: --at' "$work/err" || fail "$options: $(cat "$work/err")"
      [ "$(grep -c 'event.end.*"\?unmask' "$work/trace")" -gt 2 ] || fail "$options: $(grep event "$work/trace")"
    done
  done
  # for good: requests time out, and it is said why; at the latest at the end they are served
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --registry "$work/short.reg" --cpus 2 --at 20ms:mask --at 8s:unmask --workload rw:ops=$ops,verify
  says "not completed within its 2 seconds; its device's interrupts are masked"
  # no bus mastering in the midst of requests: it reaches no memory, a reset helps once it is back
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --registry "$work/short.reg" --cpus 2 --at 20ms:bus-master-off --at 200ms:bus-master-on \
    --workload rw:ops=$ops,verify
  says 'nvme: the controller has failed, and starts anew|device fault: request [0-9]+ .* was not completed within its 2 seconds'
  # and if it does not come back in time the adapter is given up, all that wait for it hear so, and the reason is told
  SECONDS=0
  status 1 timeout 150 "$DRYPORT" run "$nvme" --hw qemu:nvme --registry "$work/short.reg" --cpus 2 --at 20ms:bus-master-off \
    --workload rw:ops=10000000,verify
  [ $SECONDS -lt 120 ] || fail "it took $SECONDS s to end"
  says 'was not completed within its 2 seconds; its device may not reach memory|nvme: the controller does not start again'
  says '--at: nvme adapter 0: its bus mastering was off until the end'
  says '0:0:0: the request failed: No such device'
  # 6 GiB of RAM, of which the machine uses what lies above 4 GiB
  random "$work/in" 24M
  truncate -s 24M "$work/disk"
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --disk "$work/disk" --memory high --ram 6G -- nbdcopy "$work/in" '{uri}'
  cmp "$work/in" "$work/disk" || fail "6 GiB: the data differ"
  status 0 "$DRYPORT" run "$nvme" --hw qemu:nvme --memory high --ram 6G --cpus 2 --workload rw:ops=$ops,verify
  # they do: a device of 32 address bits gets no list for them
  status 1 "$DRYPORT" run "$nvme" --hw qemu:nvme --memory high --ram 6G --dma-width 32 --workload rw:ops=5
  says 'drives 32 address bits and cannot reach page frame 0x1'
  # a controller that does not become ready, as it has no pages of 64 MiB (CAP.MPSMAX, at 04): what its registers show is told
  cp -r "$nvme" "$work/nvme"
  sed -i -E 's/^(#define NVME_CONTROL_ENABLE) .*/\1 0x460701u/' "$work/nvme/nvme_spec.h"
  ! cmp -s "$nvme/nvme_spec.h" "$work/nvme/nvme_spec.h" || fail "nothing is changed"
  status 1 "$DRYPORT" run "$work/nvme" --hw qemu:nvme --workload rw:ops=5
  says 'HwStorFindAdapter failed for nvme with SP_RETURN_ERROR. Its registers now, BAR 0: 00=0f0107ff 04=004[0-9a-f]{5} 08=00010400 .* 1c=0000000[02] '
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

# DRIVER DEVICE WORDS: its wrong access is reported, in these words at least once: when it is told something else may be mapped there already.
caught() {
  for _ in 1 2 3 4 5; do
    status 1 "$DRYPORT" run "$work/$1.so" --hw "$2" --size 64M --engine iommu --workload rw:ops=300,depth=1 --summary "$work/summary"
    says 'device [0-9]+ \(nvme\): (read|write) of bus address 0x[0-9a-f]+ failed: '
    ! grep -qE "device [0-9]+ \(nvme\): $3" "$work/err" || return 0
  done
  says "device [0-9]+ \(nvme\): $3"
}

# The device's own iommu finds what a driver does wrong, and says what a model in this process says, but for the byte in the page.
found() { # NAME WORDS [DEVICE...]
  local device
  for device in "${@:3}"; do
    caught "$1" "$device" "$2"
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
    outlives "$DRYPORT" run "$work/nvme.so" --hw qemu:nvme --engine iommu --cpus 2 --hold 20 --at $options --workload rw:ops=$ops,verify
  done
  # a request's first page is that of the request before; a read of more than was asked for, and of a page more; a write in a read's place
  variant late nvme_prp.c 's/^(\treturn Count == Pages;)/\tstatic ULONG64 Old; static ULONG Nth; ULONG64 Mine = Command->Prp1; if (++Nth == 60) Command->Prp1 = Old; Old = Mine; \1/'
  variant beyond nvme_prp.c 's/^(\treturn SRB_STATUS_PENDING;)/\tPNVME_COMMAND Command = \&Own->Request.Command; static ULONG Nth; if (Command->Opcode == NVME_READ \&\& ++Nth == 3) Command->Dword12 += 8, Command->Prp2 = (Command->Prp1 | 4095) + 1; \1/'
  variant turned nvme_scsi.c 's/^(\tCommand->Opcode = Opcode;)/\tstatic ULONG Nth; if (Opcode == NVME_READ \&\& ++Nth == 40) Opcode = NVME_WRITE; \1/'
  found late "write of bus address 0x[0-9a-f]+ failed: nothing is mapped there now: ${mapped}was unmapped at [0-9]* ns" nvme qemu:nvme
  found turned "read of bus address 0x[0-9a-f]+ failed: (it is mapped|nothing is mapped there now, and it was) for the other direction: ${mapped}(is still mapped|was unmapped)" nvme qemu:nvme
  caught beyond qemu:nvme "write of bus address 0x[0-9a-f]+ failed: nothing is mapped there now: .*; in the page before it ends ${mapped}(is still mapped|was unmapped)"
  # at once, not at the end
  SECONDS=0
  status 1 "$DRYPORT" run "$work/late.so" --hw qemu:nvme --engine iommu --strict --workload rw:ops=10000000,depth=1
  [ $SECONDS -lt 60 ] || fail "it took $SECONDS s to be stopped"
  says 'stopped, being strict, at device [0-9]+ \(nvme\): write of bus address'
  none_left
  # behind bridges: two devices, each behind its own; a device that comes again into its slot, which is held to the same rules
  variant later nvme_prp.c 's/^(\treturn Count == Pages;)/\tstatic ULONG64 Old; static ULONG Nth; ULONG64 Mine = Command->Prp1; if (++Nth == 20000) Command->Prp1 = Old; Old = Mine; \1/'
  for options in pcie-root-port pcie-root-port/pcie-pci-bridge i82801b11-bridge/pci-bridge; do
    status 0 "$DRYPORT" run "$work/nvme.so" --hw qemu:nvme,bridge=$options --engine iommu --devices 2 --cpus 2 --workload rw:ops=$ops,verify --strict
    found late "write of bus address 0x[0-9a-f]+ failed: nothing is mapped there now: ${mapped}was unmapped at [0-9]* ns" "qemu:nvme,bridge=$options"
  done
  serve "$work/nvme.so" --hw qemu:nvme,bridge=pcie-root-port --engine iommu --strict --cpus 2 --hold 20 --at 500ms:replug --at every-400ms:replug \
    --trace "$work/trace"
  nbdcopy "$work/in" "$uri"
  nbdcopy "$uri" "$work/back"
  for _ in $(seq 100); do
    [ "$(grep -c 'event.end.*replug' "$work/trace")" -lt 2 ] || break
    nbdcopy "$uri" "$work/back"
  done
  [ "$(grep -c 'event.end.*replug' "$work/trace")" -gt 1 ] || fail "$(grep event "$work/trace")"
  cmp -n $((24 << 20)) "$work/in" "$work/back" || fail "the data differ after it was put in again"
  serve_stop 0
  status 1 "$DRYPORT" run "$work/later.so" --hw qemu:nvme,bridge=pcie-root-port --engine iommu --strict --hold 20 --at 20ms:replug \
    --workload rw:ops=10000000,depth=1
  says 'stopped, being strict, at device [0-9]+ \(nvme\): write of bus address'
  # QEMU dies under load
  qemu_dies "$work/nvme.so" --engine iommu
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
