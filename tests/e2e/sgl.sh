#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# `dryport sgl` shows lists that describe the buffer to the byte and obey the device, and pictures that are well-formed.
. "$(dirname "$0")/lib.sh"

# check NAME=VALUE...: the list for these options, judged byte by byte from the frames that it was made of.
check() {
  local options=() option
  for option; do options+=("--${option%%=*}"); [[ $option != *=* ]] || options+=("${option#*=}"); done
  "$DRYPORT" sgl "${options[@]}" --json >"$work/list" || fail "sgl ${options[*]}: status $?"
  python3 - "$work/list" "$@" <<'PY'
import json, sys
sgl = json.load(open(sys.argv[1]))
asked = dict(option.partition("=")[::2] for option in sys.argv[2:])
shown = [frame["shown"] for frame in sgl["frames"]]
# What the device has to be given for each byte of the transfer, in order.
wanted = [(shown[at >> 12] << 12) + (at & 4095) for at in range(sgl["offset"], sgl["offset"] + sgl["length"])]
got = [element["address"] + n for element in sgl["elements"] for n in range(element["length"])]
assert got == wanted, asked
assert sgl["right"], asked
top = 1 << int(asked.get("width", 64))
assert all(address < top for address in got), asked
offset = 0
for element in sgl["elements"]:
    assert element["length"] > 0 and element["offset"] == offset, (asked, element)
    offset += element["length"]
    assert element["length"] <= int(asked.get("max-length", 1 << 32)), (asked, element)
    boundary = int(asked.get("boundary", 1 << 63))
    assert element["address"] // boundary == (element["address"] + element["length"] - 1) // boundary, (asked, element)
# Neighbours are one element unless a limit keeps them apart.
if "max-length" not in asked and "boundary" not in asked:
    for one, two in zip(sgl["elements"], sgl["elements"][1:]):
        assert one["address"] + one["length"] != two["address"], (asked, one, two)
reach = [frame["frame"] << 12 < top for frame in sgl["frames"]]
if sgl["engine"] == "bounce":
    used = range(sgl["offset"] >> 12, (sgl["offset"] + sgl["length"] - 1 >> 12) + 1)
    whole = ("whole" in asked or "one-element" in asked) and not all(reach[n] for n in used)
    assert all(sgl["frames"][n]["copied"] == (whole or not reach[n]) for n in used), asked
if sgl["engine"] == "direct":
    assert all(frame["shown"] == frame["frame"] for frame in sgl["frames"]), asked
if "one-element" in asked:
    assert len(sgl["elements"]) == 1, asked
PY
}

for layout in contiguous scattered high runs:1 runs:4 runs:7; do
  check "layout=$layout"
  check "layout=$layout" pages=1 offset=4095 length=1
  check "layout=$layout" pages=13 offset=513 length=40001
  check "layout=$layout" pages=9 offset=1 engine=iommu
  check "layout=$layout" pages=20 max-length=3072 boundary=8192
done
for layout in high mixed; do
  check "layout=$layout" pages=10 offset=100 engine=bounce width=32
  check "layout=$layout" pages=10 offset=100 engine=bounce width=32 whole
  check "layout=$layout" pages=10 offset=100 engine=bounce width=32 one-element
done
check layout=mixed pages=3 length=4096 engine=bounce width=32 whole
check layout=scattered pages=16 engine=iommu width=30 boundary=16384

for options in "--layout runs:4 --pages 16" "--layout mixed --engine bounce --width 32" "--engine iommu --pages 3" "--pages 128"; do
  # shellcheck disable=SC2086
  "$DRYPORT" sgl $options --svg "$work/picture.svg" >"$work/table" || fail "sgl $options: status $?"
  grep -q "every byte arrived" "$work/table" || fail "sgl $options: no verdict"
  python3 - "$work/picture.svg" "$work/table" <<'PY'
import re, sys
from xml.etree import ElementTree
root = ElementTree.parse(sys.argv[1]).getroot()
elements = int(re.search(r"(\d+) element", open(sys.argv[2]).read()).group(1))
titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
assert sum(title.startswith("element ") for title in titles) == elements, titles
assert sum(title.startswith("page ") for title in titles) in (3, 8, 16, 128), titles
PY
done

status 1 "$DRYPORT" sgl --layout high --width 32
says 'nothing to bounce with'
status 1 "$DRYPORT" sgl --max-elements 7
says 'more than the 7 elements'
status 1 "$DRYPORT" sgl --map-registers 4
says 'takes 8 map registers, and the adapter has 4'
status 2 "$DRYPORT" sgl --layout upside-down
says 'contiguous, scattered, high, mixed'
status 2 "$DRYPORT" sgl --pages 0
says 'a number from 1 to 4096'
status 2 "$DRYPORT" sgl --length 40K
says '32768 bytes'
status 2 "$DRYPORT" sgl --boundary 3000
says 'power of two'
status 2 "$DRYPORT" sgl --alignment 12
says 'power of two'
status 2 "$DRYPORT" sgl --pages 200 --svg "$work/picture.svg"
says 'room for 128 pages'

# The pictures of docs/scatter-gather.md are this program's, and each fact that it cites stands at code and in a test.
mkdir "$work/pictures"
bash "$SOURCE_ROOT/scripts/sgl-pictures" "$DRYPORT" "$work/pictures"
diff -r "$work/pictures" "$SOURCE_ROOT/docs/pictures" || fail "docs/pictures is stale: run scripts/sgl-pictures"
for fact in $(grep -oE '\b(SG|SZ|X|D|CH|SGL|MR|R|LK)-[0-9]+\b' "$SOURCE_ROOT/docs/scatter-gather.md" | sort -u); do
  for folder in src tests; do
    grep -rqE "\b$fact\b" "$SOURCE_ROOT/$folder" || fail "docs/scatter-gather.md cites $fact, which nothing in $folder does"
  done
done
