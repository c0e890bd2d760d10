#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# faults.sh EXAMPLE KINDS: the example under each fault of the device (singles:N), and some pairs (pairs:N): orderly ends, whole data.
# faults.sh says: what is said of plans and sweeps, and that drivers which do not stand a fault are found.
. "$(dirname "$0")/lib.sh"
load=rw:ops=24,depth=4,span=64k,sizes=512-16k,verify

if [ "$1" != says ]; then
  example=$SOURCE_ROOT/examples/$1
  shift
  # with little memory there is less of it to copy for each run
  status 0 "$DRYPORT" run "$example" --size 1M --ram 64M --workload $load --faults "$@"
  cat "$work/out"
  grep -qE "^[0-9]+ runs with .* 0 failed" "$work/out" || fail "no last line"
  exit 0
fi

run() {
  status "$1" "$DRYPORT" run "$2" --size 1M --workload $load "${@:3}"
}

# what befell the device is told, and no reason for a bad end
run 0 "$simple" --seed 1 --fault irq-late@3,done-lost@9
grep -q 'device  *3 faults, the first: device 1 (simple), step [0-9]*: the interrupt by message 0 comes late (irq-late@3)' "$work/out" ||
  fail "$(cat "$work/out")"
says 'device fault: .*the completion is lost \(done-lost@9\)'
says 'device fault: request [0-9]+ .* was not completed within its 30 seconds'
cp "$work/err" "$work/first"
run 0 "$simple" --seed 1 --fault irq-late@3,done-lost@9
cmp "$work/err" "$work/first" || fail "another run"

# nor is a request late whose time-out the registry has made longer
cat >"$work/long.reg" <<'END'
Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\simple\Parameters]
"IoTimeoutValue"=dword:000000c8
END
run 0 "$simple" --seed 1 --fault done-lost@20 --registry "$work/long.reg"
says 'device fault: request [0-9]+ .* was not completed within its 200 seconds'

# a device that has gone fails its requests, and that is all
run 0 "$simple" --seed 1 --fault gone@30
grep -qE '[1-9][0-9]* with errors' "$work/out" || fail "no request has failed"
says 'device fault: .*the last flush failed'

# another card is another
run 0 "$simple" --seed 1 --fault gone@60 --at 1s:replug
! grep 'replug' "$work/err" || fail 'the other card has gone too'

# Each run once. The first two steps are a write, which two kinds befall, and an access to memory, which five do: 1 + 2 + 5. After the
# spurious interrupt at step 1 comes the removal at it, or one of the five; after that at step 2 one of the other four. Two others do
# not befall one step, and nothing befalls what has gone.
run 0 "$simple" --faults pairs:2
grep -q '^18 runs ' "$work/out" || fail "$(cat "$work/out")"
# the part of it that begins at step 2: none, the five, and the four after the spurious interrupt
run 0 "$simple" --faults pairs:2-2
grep -q "^10 runs .*device's steps 2 to 2" "$work/out" || fail "$(cat "$work/out")"

# bad words
for words in "--fault gone@0 --seed 1" "--fault lost@1 --seed 1" "--faults triples" "--faults singles:0" "--faults singles:1001" \
  "--faults pairs:" "--faults pairs:3-2" "--faults pairs:0-2" "--faults pairs:1-2x" "--faults pairs --seeds 3" "--fault gone@1" "--faults singles --fault gone@1"; do
  # shellcheck disable=SC2086
  run 2 "$simple" $words
  one_line
done
status 2 "$DRYPORT" run "$simple" --faults singles -- true
one_line
"$DRYPORT" hw | grep -q '^dma-astray ' || fail "dryport hw does not list the kinds"

# A driver that lacks one line of what docs/faults.md asks for is found, with a command that repeats it.
found() { # NAME STEPS FAILURE EXPRESSION
  variant_of_simple "$1" "$4"
  run 1 "$work/$1" --faults "singles:$2"
  grep -qE '^[0-9]+ runs .* [1-9][0-9]* failed, and got no further fault;' "$work/out" || fail "$(cat "$work/out")"
  grep -qE "^[a-z]+(-[a-z]+)?@[0-9]+ failed: .*$3" "$work/out" || { cat "$work/out"; fail "$1 is not found"; }
  plan=$(sed -nE 's/.* --seed 1 --fault ([^ ]*)$/\1/p' "$work/out" | head -n 1)
  run 1 "$work/$1" --seed 1 --fault "$plan"
}
found believes 12 'ended with status 1' 's/^\tif \(Request == NULL \|\| .*/\tif (0) {/'
# a pair, too, of which its own process says the same
variant_of_simple pairs 's/^\tif \(Request == NULL \|\| .*/\tif (0) {/'
run 1 "$work/pairs" --faults pairs:6
pair=$(grep -E '^[^ ]*,[^ ]* failed: ' "$work/out" | tail -n 1)
[ -n "$pair" ] || { cat "$work/out"; fail "no pair has failed"; }
run 1 "$work/pairs" --seed 1 --fault "${pair%% failed: *}"
failure=${pair#* failed: }
[[ $failure == ended\ with* ]] || grep -qF "${failure:0:60}" "$work/out" "$work/err" || { cat "$work/err"; fail "another end than: $pair"; }
found waits 6 '' 's/^(\tif \(!Stopped) && !Adapter->Gone\)/\1)/'
found lies 12 'wrong data' 's/(NO_DEVICE : SRB_STATUS_)BUS_RESET/\1SUCCESS/'
