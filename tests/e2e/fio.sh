#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# fio's NBD engine: random sizes, depth 32, four jobs, every block's crc32c. Argument: block size.
. "$(dirname "$0")/lib.sh"
need fio

size=64m
[ "$SANITIZED" = 0 ] || size=16m
cd "$work"
status 0 "$DRYPORT" run "$simple" --block-size "$1" --cpus 2 --memory scattered --size 512M --summary "$work/summary" -- \
  fio --name=verify --ioengine=nbd '--uri={uri}' --rw=randwrite --bsrange=4k-1m --blockalign=4k --iodepth=32 \
  --numjobs=4 --size=$size --offset_increment=128m --verify=crc32c --verify_fatal=1 --do_verify=1 \
  --verify_state_save=0 --group_reporting --eta=never
# everything was written once, and read again to be verified
least=$((4 * ${size%m} << 20))
[ "$(number client_written)" -ge $least ] || fail "only $(number client_written) bytes were written"
[ "$(number client_read)" -ge $least ] || fail "only $(number client_read) bytes were verified"
[ "$(number srb_errors)" = 0 ] || fail "$(number srb_errors) SRBs had errors"
