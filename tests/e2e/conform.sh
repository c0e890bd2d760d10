#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# conform.sh dma ENGINE: the driver of tests/conform/dma uses what is documented, on a machine with this DMA engine, under
#   threads and replayed.
# conform.sh storport KIND DUPLEX INTERRUPT SCHEDULE REDIRECT [LIFE]: that of tests/conform/storport sees whether the port keeps its promises:
#   SRBs of KIND srb or srbex; half duplex, full or with channels; by a line, msi or msix; on threads or in a replay; without DPC
#   redirection (plain), with it to the processor of a request's origin, or to the current one. With
#   `supported` or `bare` its adapter is restarted, sleeps, and comes and goes; a bare miniport supports no control for that.
# conform.sh scsiport SCHEDULE: that of tests/conform/scsiport does the same to SCSI Port.
# Each prints what differs; each report of a broken rule has to be one that it has announced.
. "$(dirname "$0")/lib.sh"
driver=$SOURCE_ROOT/tests/conform/$1
# What each run of the list `runs` has besides.
machine=()

dma() {
  case $1 in
  direct) machine=(--engine direct) ;;
  bounce) machine=(--engine bounce --dma-width 32 --memory high) ;;
  iommu) machine=(--engine iommu) ;;
  *) fail "no engine $1" ;;
  esac
  machine+=(--size 4M --workload "rw:ops=20,verify")
  runs=("--cpus 2" "--cpus 3 --seed 2 --build-callback other" "--cpus 1 --seed 3 --build-callback before")
}

# Prints the place of a word in a list, from 0.
place() { # WORD LIST...
  local word=$1 n=0
  shift
  while [ $# -gt 0 ]; do
    if [ "$1" = "$word" ]; then
      echo $n
      return
    fi
    n=$((n + 1))
    shift
  done
  fail "$word is not among the words for it"
}

storport() { # KIND DUPLEX INTERRUPT SCHEDULE REDIRECT [LIFE]
  local extended duplex replay redirect life
  declare -A hw=([line]=simple:intx [msi]=simple:msi [msix]=simple:messages=3)
  extended=$(place "$1" srb srbex)
  duplex=$(place "$2" half full channels)
  replay=$(place "$4" threads replay)
  redirect=$(place "$5" plain origin current)
  life=$(place "${6:-scenes}" scenes supported bare)
  # Values of the service, whose name is the driver's.
  cat >"$work/values.reg" <<END
Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\storport\Parameters]
"Extended"=dword:$extended
"Duplex"=dword:$duplex
"Replay"=dword:$replay
"Redirect"=dword:$redirect
"Life"=dword:$life
END
  machine=(--hw "${hw[$3]},delay=300" --registry "$work/values.reg" --size 16M --workload "rw:ops=800,verify")
  runs=("--cpus 3")
  [ "$life" = 0 ] || machine+=(--hold 60 --at 20ms:restart --at 30ms:nap --at 40ms:replug --at every-25ms:restart)
  if [ "$4" = replay ]; then
    runs=("--cpus 3 --seed 1" "--cpus 2 --seed 2 --engine iommu" "--cpus 4 --seed 3 --engine bounce --dma-width 32 --memory high")
  fi
}

scsiport() { # SCHEDULE
  machine=(--hw simple:delay=300 --size 16M)
  case $1 in
  threads) runs=("--cpus 3 --workload rw:ops=250,verify") ;;
  # long enough for the driver to lose a request: its 30 seconds are the virtual clock's
  replay)
    runs=("--cpus 3 --seed 1 --workload rw:ops=600,verify"
      "--cpus 2 --seed 2 --engine bounce --dma-width 32 --memory high --workload rw:ops=600,verify")
    ;;
  *) fail "no schedule $1" ;;
  esac
}

# The driver's lines are on standard error, the reports with their numbers in the trace; both in the order of the run.
judge() {
  python3 - "$work/err" "$work/trace" <<'PY'
import re, sys

said, trace = (open(name, encoding="utf-8", errors="replace").read() for name in sys.argv[1:])
failed = re.findall(r"conform: (not ok .*)", said)
total = re.findall(r"conform: (\d+) checks, \d+ failed", said)
announced = re.findall(r"conform: violates 0x(\w+) (.*)", said)
reported = re.findall(r' violation +number 0x(\w+) text "(.*)"', trace)
for line in failed:
    print(line)
if len(total) != 1 or int(total[0]) > len(re.findall(r"conform: ok ", said)) + len(failed):
    print("the driver has not come to its end:", total)
for n, (number, text) in enumerate(announced):
    if n >= len(reported) or reported[n][0] != number or text not in reported[n][1]:
        print(f"announced: 0x{number} {text}\nreported:  {reported[n] if n < len(reported) else 'nothing'}")
        break
else:
    if len(reported) > len(announced):
        print("reported and not announced:", reported[len(announced)])
    elif not failed and total:
        print(f"all {total[0]} checks, {len(announced)} reports")
PY
}

"$@"
for options in "${runs[@]}"; do
  # Broken rules make it 1; the disk works all the same.
  # shellcheck disable=SC2086
  status 1 "$DRYPORT" run "$driver" "${machine[@]}" $options --trace "$work/trace"
  verdict=$(judge)
  sed -n 's/^.*ddi: /ddi: /p' "$work/err" >>"$work/ddi"
  [[ $verdict == all* ]] || { echo "$verdict"; fail "$* $options"; }
  # Reports are all that is wrong: no byte, nothing left behind, no failure of the workload.
  [ "$(grep -c '✗' "$work/out")" = 1 ] || { cat "$work/out"; fail "$options: the verdict"; }
  if grep '^dryport: ' "$work/err" | grep -vE '^dryport: (further )?violation'; then fail "$options: the workload"; fi
  echo "$* $options: $verdict"
done
sort -u "$work/ddi"
