#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# fail_nth.sh EXAMPLE: each allocation on the way of a request fails in turn: one request fails by name, nothing hangs, nothing is
# left, until a run has none that fails. tests/unit/dma/fail_nth.c is the same for a driver's own lists.
. "$(dirname "$0")/lib.sh"
example=$SOURCE_ROOT/examples/$1

engines=("--engine bounce --dma-width 32 --memory high" "--engine iommu")
# it has no lists
[ "$1" != ramdisk ] || engines=()
for engine in ${engines[@]+"${engines[@]}"}; do
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

# the same over what happens to an adapter, where nothing else allocates: a run in which one fails ends well, or with a reason
hw=(--size 8M)
[ "$1" != ramdisk ] || hw=(--hw none)

# LAST WORDS...: how many of the first LAST allocations end a run, in failed
sweep() {
  local last=$1 n at
  shift
  failed=0
  for ((n = 1; n <= last; n++)); do
    got=0
    timeout 60 "$DRYPORT" run "$example" "${hw[@]}" --workload rw:ops=500,depth=2 --seed 1 --hold 1 --fail-allocation $n "$@" \
      >"$work/out" 2>"$work/err" </dev/null || got=$?
    at="$example $* --fail-allocation $n"
    ! grep -q 'left behind' "$work/out" || { cat "$work/out"; fail "$at: something is left"; }
    ! grep -q 'rules broken' "$work/out" || { cat "$work/out"; fail "$at: a rule is broken"; }
    case $got in
      0) grep -q 'nothing left' "$work/out" || fail "$at: no verdict" ;;
      1)
        failed=$((failed + 1))
        grep -qE 'has gone|the request failed' "$work/out" || { cat "$work/out" "$work/err"; fail "$at: no reason"; }
        grep -qE '^dryport: --at: (restart|nap|(re)?plug): ' "$work/err" || { cat "$work/err"; fail "$at: no sentence"; }
        ;;
      *) cat "$work/out" "$work/err"; fail "$at: status $got" ;;
    esac
  done
}

sweep 40 --at 50us:reset-bus --at 200us:restart --at 400us:nap --at 600us:remove --at 700us:plug --at 900us:replug
[ $failed -ge 4 ] || fail "$1: only $failed allocations on the way of events"
[ $got = 0 ] || fail "$1: there is no end"

# and each alone, so that no event after it brings back what it has left
for event in restart nap replug; do
  sweep 12 --at 50us:$event
  # an IRP's two, or the device objects and the IRP's
  [ $failed -ge 2 ] || fail "$1: only $failed allocations on the way of $event"
done
