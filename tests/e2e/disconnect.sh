#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# A client that goes away in mid-write harms nothing that it did not write.
. "$(dirname "$0")/lib.sh"

random "$work/in" 16M
cp "$work/in" "$work/disk"
serve "$simple" --disk "$work/disk" --cpus 2
socket=${uri#*=}

# half of a write's data, then nothing more
for _ in 1 2 3; do
  python3 - "$socket" <<'PY'
import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
def get(n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        assert part, "the server left first"
        data += part
    return data
magic, option_magic, flags = struct.unpack(">8s8sH", get(18))
assert magic == b"NBDMAGIC" and option_magic == b"IHAVEOPT"
s.sendall(struct.pack(">I", 3))                                       # fixed newstyle, no zeroes
s.sendall(b"IHAVEOPT" + struct.pack(">II", 1, 0))                     # NBD_OPT_EXPORT_NAME ""
size, transmission = struct.unpack(">QH", get(10))
assert size == 16 << 20, size
s.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 1, 1, 1 << 20, 1 << 20))  # write 1 MiB at 1 MiB
s.sendall(b"x" * (512 << 10))
s.close()
PY
done

# killed while it writes what is there already
for _ in 1 2 3; do
  timeout -s KILL 0.05 nbdcopy "$work/in" "$uri" 2>/dev/null || true
done

# the next client is served as if nothing had been
nbdcopy "$uri" "$work/out.img"
cmp "$work/in" "$work/out.img"
serve_stop 0
cmp "$work/in" "$work/disk"
