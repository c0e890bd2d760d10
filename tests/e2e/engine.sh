#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# engine.sh EXAMPLE: behind each DMA engine, with and without a shortage of map registers, every byte of real clients is right.
. "$(dirname "$0")/lib.sh"
need nbdcopy
example=$SOURCE_ROOT/examples/$1
size=24M
[ "$SANITIZED" = 0 ] || size=8M

random "$work/in" $size
truncate -s $size "$work/disk"

short="--map-registers 16"
low="--dma-width 32 --memory high --engine bounce"
for options in "$short" "$low" "$low $short" "--engine iommu" "--engine iommu $short" "--engine iommu --strict"; do
  # shellcheck disable=SC2086
  "$DRYPORT" run "$example" --disk "$work/disk" $options -- nbdcopy "$work/in" '{uri}' \
    >"$work/out" 2>"$work/err" || { cat "$work/err"; fail "$1 $options: status $?"; }
  cmp "$work/in" "$work/disk" || fail "$1 $options: what was written is not on the disk"
  # shellcheck disable=SC2086
  "$DRYPORT" run "$example" --disk "$work/disk" $options -- nbdcopy '{uri}' "$work/back" \
    >"$work/out" 2>"$work/err" || { cat "$work/err"; fail "$1 $options: status $?"; }
  cmp "$work/in" "$work/back" || fail "$1 $options: what was read is not on the disk"
  : >"$work/disk"
  truncate -s $size "$work/disk"
  rm "$work/back"
  # shellcheck disable=SC2086
  "$DRYPORT" run "$example" $options --size $size --cpus 2 --workload rw:ops=300,verify --seed 3 >"$work/out" 2>"$work/err" ||
    { cat "$work/out" "$work/err"; fail "$1 $options --seed 3: status $?"; }
done

# Memory that the direct engine's device cannot reach: each request fails, by name, and nothing hangs.
status 1 "$DRYPORT" run "$example" --size $size --dma-width 32 --memory high --workload rw:ops=2
says 'cannot reach page frame'
