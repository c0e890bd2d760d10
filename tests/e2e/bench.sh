#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# The bench prints its rows, in the form that docs/cli.md gives, with instructions counted.
. "$(dirname "$0")/lib.sh"
need valgrind

"$DRYPORT" bench path --json >"$work/rows" || fail "status $?"
python3 - "$work/rows" <<'PY'
import json, sys
bench = json.load(open(sys.argv[1]))
assert bench["bench"] == "path" and bench["cpu"], bench
# What is reached, and a margin for other compilers: whoever makes it less lowers this.
most = {
    "simple:null": (950, 605, 600, 755),
    "nvme:null": (2055, 960, 950, 1105),
    "nvme": (2495, 1395, 1390, 1545),
    "nvme:null,namespaces=32": (2055, 960, 950, 1105),
    "nvme:null,namespaces=255": (2055, 960, 950, 1105),
    # The other processor's idling, which is counted too, depends on time: this margin is wide.
    "simple:null@2": (4200, 3000, 3000, 4000),
}
depths = (1, 32, 128, 256)
assert [(row["name"], row["depth"]) for row in bench["rows"]] == [(d, n) for d in most for n in depths], bench
counts = {}
for row in bench["rows"]:
    assert row["ns"] > row["floor_ns"] > 0, row
    assert row["instructions"] > 0, row
    counts[row["name"], row["depth"]] = row["instructions"]
    limit = most[row["name"]][depths.index(row["depth"])]
    assert row["instructions"] <= limit, f"{row}: {limit} instructions allowed"
for name in list(most)[:-1]: # the other processor's idling is counted too
    of = [counts[name, depth] for depth in depths]
    # what is done once for many makes it less; more than the goal it must not become
    assert all(more <= 1.3 * min(of[:n + 1]) for n, more in enumerate(of)), f"{name}: from depth to depth {of}"
for depth in depths:
    for units in (32, 255):
        one, many = counts["nvme:null", depth], counts[f"nvme:null,namespaces={units}", depth]
        assert many <= 1.1 * one, f"depth {depth}: {one} for one unit, {many} for {units}"
# Both processors at work; what they wait for each other is counted too: these margins are wide.
most = {
    "simple:null*2@2": (2900, 1600, 1600),
    "nvme:null*2@2": (4200, 2300, 2300),
    "nvme:null,engines=2*1@2": (4200, 2300, 2300),
}
depths = (1, 32, 64)
assert [(row["name"], row["depth"]) for row in bench["scale"]] == [(d, n) for d in most for n in depths], bench
for row in bench["scale"]:
    assert row["one_iops"] > 0 and row["two_iops"] > 0, row
    assert abs(row["ratio"] - row["two_iops"] / row["one_iops"]) <= 0.01, row
    assert row["elsewhere"] == 0, row
    limit = most[row["name"]][depths.index(row["depth"])]
    assert 0 < row["instructions"] <= limit, f"{row}: {limit} instructions allowed"
PY
status 2 "$DRYPORT" bench nothing
says 'There are: path, replay'

"$DRYPORT" bench replay --json >"$work/rows" || fail "status $?"
python3 - "$work/rows" <<'PY'
import json, sys
bench = json.load(open(sys.argv[1]))
assert bench["bench"] == "replay" and bench["cpu"], bench
[row] = bench["rows"]
assert row["name"] == "nvme" and row["seeds"] > 100, row
assert row["safepoints_per_second"] > 0 and row["run_ns"] > row["restore_ns"] > 0 and row["fork_ns"] > 0, row
PY

"$DRYPORT" bench models --json >"$work/rows" || fail "status $?"
python3 - "$work/rows" <<'PY'
import json, sys
bench = json.load(open(sys.argv[1]))
assert bench["bench"] == "models" and bench["cpu"], bench
rows = {(row["model"], row["bytes"]): row for row in bench["rows"]}
assert sorted(rows) == [(m, n) for m in ("scsiport", "storport") for n in (4096, 65536, 1048576)], bench
for row in bench["rows"]:
    assert row["pages"] == row["bytes"] // 4096 and row["ns"] > 0 and row["instructions"] > 0, row
    assert row["calls"] > row["list_calls"], row
    # of scattered pages: one call for each; Storport hands their list over; and one for the address of
    # the controller's own list, which one page does not need
    assert row["list_calls"] == (row["pages"] if row["model"] == "scsiport" else 1) + (row["pages"] > 1), row
PY

# Of times nothing is asked, on a computer that others use too; instructions are the same everywhere.
"$DRYPORT" bench sglist --json >"$work/rows" || fail "status $?"
python3 - "$work/rows" <<'PY'
import json, sys
bench = json.load(open(sys.argv[1]))
assert bench["bench"] == "sglist" and bench["cpu"], bench
paths = ["portable", "avx2", "avx512"]
paths = paths[:paths.index(bench["simd"]) + 1]
layouts = ["contiguous", "scattered", "runs:4"]
kinds = [(l, n) for l in layouts for n in (1, 16, 256, 4096, 262144)]
kinds += [(l + " limited", n) for l in layouts for n in (256, 4096)]
rows = {(row["layout"], row["pages"], row["path"]): row for row in bench["rows"]}
assert list(rows) == [(l, n, p) for l, n in kinds for p in paths], bench
for row in bench["rows"]:
    assert row["ns"] > 0 and row["scalar_ns"] > 0 and row["bound_ns"] > 0, row
    assert (row["instructions"] is None) == (row["path"] == "avx512"), row
most = {"portable": (10, 42, 18), "avx2": (2.5, 32, 11)}
for path, limits in most.items():
    if path not in paths:
        print(f"not applicable: this processor has no {path}")
        continue
    for layout, limit in zip(layouts, limits):
        per_page = rows[layout, 256, path]["instructions"] / 256
        assert per_page <= limit, f"{layout}, {path}: {per_page} instructions for each page, {limit} allowed"
PY
"$DRYPORT" bench lists --json >"$work/rows" || fail "status $?"
python3 - "$work/rows" <<'PY'
import json, sys
bench = json.load(open(sys.argv[1]))
assert bench["bench"] == "lists" and bench["cpu"], bench
assert [(row["name"], row["pages"]) for row in bench["rows"]] == [("build", 16)] + \
    [("bounce " + way, pages) for pages in (16, 256) for way in ("write", "read")], bench
assert all(row["ns"] > 0 and row["reference_ns"] > 0 for row in bench["rows"]), bench
PY
"$DRYPORT" bench sglist >"$work/table" || fail "status $?"
grep -q '^runs:4  *262144 portable ' "$work/table" || fail "no row for runs of 262144 pages"
