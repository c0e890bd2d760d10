#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# A full disk under the disk: the client gets ENOSPC, and the machine goes on.
. "$(dirname "$0")/lib.sh"
need qemu-io
[ "$(id -u)" = 0 ] || skip "a small file system can be mounted by root alone"

mkdir "$work/mnt"
mount -t tmpfs -o size=4M tmpfs "$work/mnt" 2>"$work/err" || skip "no tmpfs can be mounted here: $(cat "$work/err")"
truncate -s 16M "$work/mnt/disk"
serve "$simple" --disk "$work/mnt/disk"
qemu-io -f raw -c 'write -P 1 0 1M' "$uri" >"$work/out" 2>&1 || fail "a write that has room: $(cat "$work/out")"
qemu-io -f raw -c 'write -P 2 8M 8M' "$uri" >"$work/out" 2>&1 || true
grep -q 'No space left on device' "$work/out" || fail "the client was told: $(cat "$work/out")"
qemu-io -f raw -c 'read -P 1 0 1M' "$uri" >"$work/out" 2>&1 || true
grep -q 'read 1048576/1048576' "$work/out" || fail "earlier data: $(cat "$work/out")"
! grep -q 'verification failed' "$work/out" || fail "earlier data: $(cat "$work/out")"
serve_stop 0
