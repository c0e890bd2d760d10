# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# The border between driver and host, with hosts by each compiler (abi.h).
. "$(dirname "$0")/lib.sh"

hosts=("$MADE"/abi-host-*)
[ ${#hosts[@]} -ge 2 ] || fail "no hosts were built"
for level in 0 2; do
  status 0 "$BUILD" "$drivers/../abi_driver.c" -O $level -o abi.so
  for host in "${hosts[@]}"; do
    status 0 "$host" ./abi.so
    lines out 0
  done
done
