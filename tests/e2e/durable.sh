#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# NBD's flush, FUA, trim and zero reach the miniport and its controller.
. "$(dirname "$0")/lib.sh"
need qemu-io

# io COMMANDS...: qemu-io's, on one connection without a cache; the controller's counters are in the summary
io() {
  local command arguments=()
  for command in "$@"; do arguments+=(-c "$command"); done
  status 0 "$DRYPORT" run "$simple" --quiet --size 16M --log --summary "$work/summary" -- \
    qemu-io -t none -d unmap -f raw "${arguments[@]}" '{uri}'
  ! grep -q 'failed' "$work/out" || fail "$* says $(cat "$work/out")"
}

# what qemu-io does by itself when it closes the disk
io 'write -P 1 0 64k'
flushes=$(number log_flushes)
[ "$(number log_bytes_written)" = 65536 ] || fail "$(number log_bytes_written) bytes were written"
[ "$(number log_ranges)" = 0 ] || fail "ranges without a trim"
io 'write -P 1 0 64k' flush 'write -P 2 64k 64k' flush 'write -P 3 0 64k' flush
[ "$(number log_flushes)" -ge $((flushes + 2)) ] || fail "flush: $(number log_flushes), without it $flushes"
io 'write -P 1 0 64k' 'discard 0 64k' 'discard 128k 64k'
[ "$(number log_ranges)" = 2 ] || fail "trim: $(number log_ranges) ranges"
io 'write -P 1 0 64k' 'write -z 0 32k' 'read -P 0 0 32k' 'read -P 1 32k 32k'
[ "$(number log_ranges)" = 1 ] || fail "zero: $(number log_ranges) ranges"
[ "$(number log_bytes_written)" = 65536 ] || fail "zeros travelled as data"
! grep -q 'Pattern verification failed' "$work/out" || fail "zero: $(cat "$work/out")"

# FUA: a driver that cannot do it fails those writes alone
variant_of_simple no_fua 's/^\tCommand->Block = Block;/&if (Bits \& 8) Command->Head = 99;/'
"$DRYPORT" run "$work/no_fua" --quiet --size 16M -- \
  qemu-io -t none -f raw -c 'write -P 1 0 4k' -c 'write -f -P 2 4k 4k' -c 'write -P 3 8k 4k' \
  -c 'read -P 1 0 4k' -c 'read -P 0 4k 4k' -c 'read -P 3 8k 4k' '{uri}' >"$work/out" 2>"$work/err" || true
[ "$(grep -c '^wrote' "$work/out")" = 2 ] || fail "not two writes succeeded: $(cat "$work/out" "$work/err")"
grep -q 'write failed' "$work/out" "$work/err" || fail "FUA did not reach the driver: $(cat "$work/out")"
! grep -q 'Pattern verification failed' "$work/out" || fail "the wrong write failed: $(cat "$work/out")"
