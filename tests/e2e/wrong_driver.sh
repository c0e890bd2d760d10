#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# Three wrong drivers, one changed line each: the job fails, and the first wrong byte is named.
. "$(dirname "$0")/lib.sh"

random "$work/in" 8M

# first_difference: of the image and the disk, as cmp counts (from 1)
first_difference() {
  (cmp "$work/in" <(head -c 8M "$work/disk") || true) | sed -nE 's/.*(byte|char) ([0-9]+),.*/\2/p'
}

# wrong NAME EXPRESSION FIRST: the job of copy.sh must go wrong, at byte FIRST if given
wrong() {
  variant_of_simple "$1" "$2"
  truncate -s 0 "$work/disk"
  truncate -s 16M "$work/disk"
  "$DRYPORT" run "$work/$1" --memory high --disk "$work/disk" -- nbdcopy "$work/in" '{uri}' >"$work/out" 2>"$work/err" || true
  byte=$(first_difference)
  [ -n "$byte" ] || fail "$1: the disk has the right contents"
  echo "$1: the first wrong byte is $byte"
  [ -z "${3:-}" ] || [ "$byte" = "$3" ] || fail "$1: the first wrong byte is $byte, expected $3"
}

block='s/^(\tCommand->Block = Block);/\1 + (Cdb[0] == SCSIOP_WRITE);/'
last='s/^(\t+Request->Command.Elements = \(USHORT\))List->NumberOfElements;/\1(List->NumberOfElements - (List->NumberOfElements > 1));/'
first='s/^(\t+Request->List\[i\].Length = List->List\[i\].Length);/\1 - (i == 0 \&\& List->List[i].Length > 512 ? 512 : 0);/'

# everything lies one block late, so the very first byte is wrong
wrong block_plus_1 "$block" 1
wrong last_element_dropped "$last"
wrong first_element_short "$first" 3585

# the device moved fewer bytes than were asked for, and the verdict says so
for name in last_element_dropped first_element_short; do
  status 1 "$DRYPORT" run "$work/$name" --size 16M -- nbdcopy "$work/in" '{uri}'
  says 'the device moved other bytes than were asked for'
done

# the checked model of --workload and the main job name the byte themselves (generators' buffers begin
# anywhere, so that a dropped last element leaves no whole blocks: the controller refuses that)
for name in block_plus_1 first_element_short; do
  status 1 "$DRYPORT" run "$work/$name" --size 16M --workload rw:ops=500,sizes=64k-256k,depth=1,verify
  says 'wrong data: byte [0-9]+ of unit 0:0:0'
done
status 1 "$DRYPORT" run "$work/last_element_dropped" --size 16M
grep -q 'the first wrong byte is [0-9]' "$work/out" || fail "the main job: $(cat "$work/out")"
