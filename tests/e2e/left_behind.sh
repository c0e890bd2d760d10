#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# A driver that leaves a system thread behind: the machine ends all the same, and says so once, in both schedules.
. "$(dirname "$0")/lib.sh"

cp -r "$simple" "$work/stay"
sed -i -e "/^#include \"/r $SOURCE_ROOT/tests/e2e/drivers/stay.h" -e 's/^\treturn StorPortInitialize/\tStayBegin();\n&/' "$work/stay/simple.c"
for how in '--cpus 1' '--cpus 2' '--seed 3'; do
  # shellcheck disable=SC2086
  status 1 timeout 60 "$DRYPORT" run "$work/stay" $how --size 8M --workload rw:ops=20,verify
  one_line
  says '^dryport: violation: 1 system thread is still running at the end$'
done
