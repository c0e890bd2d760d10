#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# QEMU's tools as a client: convert in both directions, compare.
. "$(dirname "$0")/lib.sh"
need qemu-img

size=128M
[ "$SANITIZED" = 0 ] || size=32M
random "$work/random" 8M
qemu-img create -q -f raw "$work/in" $size
# data, holes and zeros
dd if="$work/random" of="$work/in" conv=notrunc status=none
dd if="$work/random" of="$work/in" conv=notrunc status=none bs=1M seek=20
qemu-img convert -f raw -O qcow2 "$work/in" "$work/in.qcow2"

status 0 "$DRYPORT" run --cpus 2 --size $size -- sh -ec "
  qemu-img convert -n -f qcow2 -O raw '$work/in.qcow2' \"\$uri\"
  qemu-img compare -f qcow2 -F raw '$work/in.qcow2' \"\$uri\"
  qemu-img convert -f raw -O qcow2 \"\$uri\" '$work/out.qcow2'"
qemu-img compare "$work/in" "$work/out.qcow2"
