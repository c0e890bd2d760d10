#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# conform.sh DRIVER ENGINE: a driver of tests/conform/ (here: tests/conform/dma) uses what is documented, on a machine with this
# DMA engine, under threads and replayed. It prints what differs; each report of a broken rule has to be one that it has announced.
. "$(dirname "$0")/lib.sh"
driver=$SOURCE_ROOT/tests/conform/$1
case $2 in
direct) machine="--engine direct" ;;
bounce) machine="--engine bounce --dma-width 32 --memory high" ;;
iommu) machine="--engine iommu" ;;
*) fail "no engine $2" ;;
esac

# The driver's lines are on standard error, the reports with their numbers in the trace; both in the order of the run.
judge() {
  python3 - "$work/err" "$work/trace" <<'PY'
import re, sys

said, trace = (open(name, encoding="utf-8", errors="replace").read() for name in sys.argv[1:])
failed = re.findall(r"conform: (not ok .*)", said)
total = re.findall(r"conform: (\d+) checks, 0 failed", said)
announced = re.findall(r"conform: violates 0x(\w+) (.*)", said)
reported = re.findall(r' violation +number 0x(\w+) text "(.*)"', trace)
for line in failed:
    print(line)
if len(total) != 1 or int(total[0]) != len(re.findall(r"conform: ok ", said)):
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

for options in "--cpus 2" "--cpus 3 --seed 2 --build-callback other" "--cpus 1 --seed 3 --build-callback before"; do
  # Broken rules make it 1; the disk works all the same.
  # shellcheck disable=SC2086
  status 1 "$DRYPORT" run "$driver" --size 4M $machine $options --trace "$work/trace" --workload rw:ops=20,verify
  grep -q '^  requests .* 0 with errors' "$work/out" || { cat "$work/out"; fail "$options: the workload"; }
  verdict=$(judge)
  sed -n 's/^.*ddi: /ddi: /p' "$work/err" >>"$work/ddi"
  [[ $verdict == all* ]] || { echo "$verdict"; fail "$2 $options"; }
  echo "$2 $options: $verdict"
done
sort -u "$work/ddi"
