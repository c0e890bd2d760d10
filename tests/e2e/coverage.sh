#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# --coverage-report: which lines of the driver ran, wherever the report is wanted.
. "$(dirname "$0")/lib.sh"

for folder in report 'of [1] run*'; do
  status 0 "$DRYPORT" run "$simple" --workload rw:ops=20,verify --seed 1 --quiet --coverage-report "$work/$folder"
  says '^coverage: [0-9.]+% of the driver.s [0-9]+ lines ran'
  [ -s "$work/$folder/index.html" ] || fail "no report"
  grep -q '^TOTAL' "$work/$folder/summary.txt" || fail "no summary"
  [ -z "$(find "$work/$folder" -name '*.profraw')" ] || fail "the counts are left behind"
done

status 1 "$DRYPORT" run "$simple" --workload rw:ops=20,verify --quiet --coverage-report "$work/50%p"
one_line
says '50%p'
