#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# 255 units behind one adapter: all are found, each is its own part of the disk, and none costs much.
. "$(dirname "$0")/lib.sh"
need sg_luns sg_dd python3

nvme=$SOURCE_ROOT/examples/nvme
units() { # NAMESPACES OPTIONS...: dryport run
  local count=$1
  shift
  status 0 "$DRYPORT" run "$nvme" --quiet --hw "nvme:namespaces=$count" --size 255M "$@"
}
milliseconds() { echo $(($(date +%s%N) / 1000000)); }

units 1 -- true # the driver is built
start=$(milliseconds)
units 1 -- true
one=$(($(milliseconds) - start))
start=$(milliseconds)
units 255 -- true
all=$(($(milliseconds) - start))
# a unit is asked what it is and can: a fifth of a second for all of them, ten where the machine is busy
[ $((all - one)) -lt 10000 ] || fail "255 units take $all ms to start, one $one ms"

# REPORT LUNS, and each unit's bytes where they belong: number n in unit n, at the end of its megabyte
units 255 --sg -- sg_luns /dev/dryport254
grep -q '255 lun entries' "$work/out" || fail "$(cat "$work/out")"
cat >"$work/mark.py" <<'PY'
import subprocess, sys
for n in (0, 1, 127, 128, 253, 254):
    with open(sys.argv[1], "wb") as f:
        f.write(bytes([n]) * 512)
    subprocess.run(["sg_dd", "if=" + sys.argv[1], "of=/dev/dryport%d" % n, "bs=512", "seek=2047", "count=1"],
                   check=True, stderr=subprocess.DEVNULL)
PY
truncate -s 255M "$work/disk"
status 0 "$DRYPORT" run "$nvme" --quiet --hw nvme:namespaces=255 --disk "$work/disk" --sg -- python3 "$work/mark.py" "$work/block"
python3 - "$work/disk" <<'PY' || fail "the blocks are not where they belong"
import sys
disk = open(sys.argv[1], "rb").read()
marks = (0, 1, 127, 128, 253, 254)
for n in range(255):
    block = disk[(n + 1 << 20) - 512:n + 1 << 20]
    assert block == bytes([n if n in marks else 0]) * 512, n
    assert not any(disk[n << 20:(n + 1 << 20) - 512]), n
PY
status 1 "$DRYPORT" run "$nvme" --hw nvme:namespaces=256 -- true
says 'from 1 to 255'
