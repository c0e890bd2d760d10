#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# The plugin by hand, without dryport run.
. "$(dirname "$0")/lib.sh"

[ "$SANITIZED" = 0 ] || {
  echo "not applicable: nbdkit by hand lacks the sanitizers' runtime"
  exit 0
}
plugin=$(dirname "$DRYPORT")/../nbdkit/nbdkit-dryport-plugin.so
"$DRYPORT" build "$simple" -o "$work/simple.so"

random "$work/disk" 4M
cd "$work"
# relative names, and into the background: nbdkit leaves the folder
nbdkit -U nbd -P pid "$plugin" simple.so hw=simple disk=disk
for _ in $(seq 100); do [ ! -s pid ] || break; sleep 0.1; done
nbdcopy "nbd+unix:///?socket=$work/nbd" out.img
cmp disk out.img
kill "$(cat pid)"

status 1 nbdkit -f -U "$work/nbd2" "$plugin" hw=simple
says 'driver=FILE is missing'
status 1 nbdkit -f -U "$work/nbd2" "$plugin" simple.so hw=simple colour=red
says 'colour'
status 1 nbdkit -f -U "$work/nbd2" "$plugin" simple.so hw=simple disk=missing
says 'missing'
status 0 nbdkit --help "$plugin"
grep -q 'driver=FILE' "$work/out" || fail "nbdkit --help: $(cat "$work/out")"
