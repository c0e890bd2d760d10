# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# Imports are resolved from dryport's table alone, and a driver's own functions stay its own, whatever the
# host's C library has by their names.
. "$(dirname "$0")/lib.sh"

for level in 0 2; do
  status 0 "$BUILD" "$drivers/names.c" -O $level -o names.so
  lines err 0
  status 0 "$HOST" names.so
  says out "names: 0"
done
# nothing but DriverEntry and the two tables can be seen from outside, and only mem* is asked for
nm -D names.so | awk '{ print $NF }' | grep -vxE 'DriverEntry|dryport_(note|imports)|mem(cpy|move|set|cmp)' >names &&
  fail "visible: $(tr '\n' ' ' <names)"
exit 0
