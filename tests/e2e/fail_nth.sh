#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# fail_nth.sh EXAMPLE: each allocation on the way of a request fails in turn: one request fails by name, nothing hangs, nothing is
# left, until a run has none that fails. tests/unit/dma/fail_nth.c is the same for a driver's own lists.
. "$(dirname "$0")/lib.sh"
example=$SOURCE_ROOT/examples/$1

for engine in "--engine bounce --dma-width 32 --memory high" "--engine iommu"; do
  for ((n = 1; ; n++)); do
    got=0
    # shellcheck disable=SC2086
    timeout 60 "$DRYPORT" run "$example" --size 8M $engine --workload rw:ops=12,verify --seed 1 --fail-allocation $n \
      >"$work/out" 2>"$work/err" </dev/null || got=$?
    [ $got != 0 ] || break
    at="$1 $engine --fail-allocation $n"
    [ $got = 1 ] || { cat "$work/err"; fail "$at: status $got"; }
    # the two lines of the verdict: the request, and the port's report of it; a leak would be a third
    grep -q 'the request failed' "$work/out" || { cat "$work/out"; fail "$at: no request has failed"; }
    grep -q 'rules broken: 1,.*no scatter/gather list.*status c000009a' "$work/out" || { cat "$work/out"; fail "$at: another report"; }
    [ "$(grep -c '✗' "$work/out")" = 2 ] || { cat "$work/out"; fail "$at: something else is wrong"; }
    [ $n -lt 200 ] || fail "$at: there is no end"
  done
  # a list for each of the operations that were made
  [ $n -gt 12 ] || fail "$1 $engine: only $((n - 1)) allocations"
  grep -q 'nothing left' "$work/out" || { cat "$work/out"; fail "$1 $engine: $n allocations, and the run without a failure is not clean"; }
done
