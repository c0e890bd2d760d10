#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# A miniport in C++ runs, and a crash in a member function names it.
. "$(dirname "$0")/lib.sh"

driver=$SOURCE_ROOT/tests/e2e/drivers/cxx.cpp
for machine in '--cpus 3' '--cpus 3 --seed 5'; do
  # shellcheck disable=SC2086
  status 0 "$DRYPORT" run "$driver" --hw none $machine --summary "$work/summary" --workload rw:ops=2000,verify
  grep -q '"verdict": "good"' "$work/summary" || fail "$(cat "$work/summary")"
  [ "$(number srbs)" -ge 2000 ] || fail "$(number srbs) SRBs for 2000 operations"
done

mkdir "$work/crash"
{ echo '#define CRASH'; cat "$driver"; } >"$work/crash/cxx.cpp"
line=$(grep -n '/\* here \*/' "$work/crash/cxx.cpp" | cut -d: -f1)
status 1 "$DRYPORT" run "$work/crash" --hw none --workload rw:ops=100
if [ "$SANITIZED" = 1 ] && grep -q 'ERROR: AddressSanitizer\|runtime error' "$work/err"; then
  says "cxx.cpp:$line"
else
  says "the driver crashed in ram::Adapter::Move \(cxx.cpp:$line\)"
fi
