#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# ctrl-C and SIGTERM stop the machine in good order, and what was written is kept.
. "$(dirname "$0")/lib.sh"

random "$work/in" 16M
for signal in INT TERM HUP; do
  truncate -s 0 "$work/disk"
  truncate -s 16M "$work/disk"
  serve "$simple" --disk "$work/disk" --summary "$work/summary"
  nbdcopy "$work/in" "$uri"
  serve_stop 0 $signal
  cmp "$work/in" "$work/disk" || fail "SIG$signal: data was lost"
  grep -q '"verdict": "good"' "$work/summary" || fail "SIG$signal: $(cat "$work/summary")"
  [ ! -e "$work/nbd" ] || fail "SIG$signal: the socket is still there"
done

# while COMMAND runs: it is told, the machine stops after it
"$DRYPORT" run "$simple" --disk "$work/disk" --summary "$work/summary" -- \
  sh -c "nbdcopy '$work/in' \"\$uri\"; touch '$work/copied'; exec sleep 60" >"$work/out" 2>"$work/err" &
server=$!
children+=("$server")
for _ in $(seq 300); do [ ! -e "$work/copied" ] || break; sleep 0.1; done
serve_stop 143 TERM
cmp "$work/in" "$work/disk" || fail "data was lost"
grep -q '"verdict": "good"' "$work/summary" || fail "$(cat "$work/summary")"

# in the middle of a client's work: what it was told is written is there
"$DRYPORT" run "$simple" --size 64M --nbd "$work/nbd" >"$work/serve.out" 2>"$work/serve.err" &
server=$!
children+=("$server")
for _ in $(seq 300); do [ ! -s "$work/serve.out" ] || break; sleep 0.1; done
uri=$(head -n 1 "$work/serve.out")
(while nbdcopy "$work/in" "$uri" 2>/dev/null; do :; done) &
client=$!
sleep 1
serve_stop 0 INT
wait $client || true
