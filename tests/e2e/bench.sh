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
devices = ["simple:null", "nvme:null", "nvme"]
assert [(row["name"], row["depth"]) for row in bench["rows"]] == [(d, n) for d in devices for n in (1, 32, 128)], bench
for row in bench["rows"]:
    assert row["ns"] > row["floor_ns"] > 0, row
    assert row["instructions"] > 0, row
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
