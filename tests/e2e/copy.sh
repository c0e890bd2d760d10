#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# nbdcopy in and out, byte for byte. Arguments: memory policy, block size.
. "$(dirname "$0")/lib.sh"

memory=$1
block=${2:-512}
size=64M
# once at full length
if [ "$memory $block" = 'high 512' ] && [ "$SANITIZED" = 0 ]; then size=512M; fi

random "$work/in" $size
truncate -s $size "$work/disk"
status 0 "$DRYPORT" run "$simple" --memory "$memory" --block-size "$block" --disk "$work/disk" \
  --summary "$work/summary" -- nbdcopy "$work/in" '{uri}'
cmp "$work/in" "$work/disk" || fail "what was written is not on the disk"
bytes=$(stat -c %s "$work/in")
[ "$(number client_written)" = "$bytes" ] || fail "client_written is $(number client_written)"
[ "$(number dma_read)" = $((bytes + $(number port_written))) ] || fail "the bytes do not add up"
[ "$(number lists_got)" -gt 0 ] || fail "no scatter/gather list was got"

status 0 "$DRYPORT" run "$simple" --memory "$memory" --block-size "$block" --disk "$work/disk" \
  --summary "$work/summary" -- nbdcopy '{uri}' "$work/out.img"
cmp "$work/in" "$work/out.img" || fail "what was read is not what is on the disk"
[ "$(number dma_written)" = $((bytes + $(number port_read))) ] || fail "the bytes do not add up"

# neighbours in a buffer are neighbours in RAM with one policy only
elements=$(sed -nE 's/.*"elements": \[([0-9]+), .*/\1/p' "$work/summary")
if [ "$memory" = contiguous ]; then
  [ "$elements" = "$(number lists_got)" ] || [ "$elements" -gt 0 ] || fail "no list has one element"
else
  [ "$elements" -lt "$(number lists_got)" ] || fail "every list has one element"
fi
