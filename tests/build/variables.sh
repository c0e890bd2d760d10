# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# A driver reads, writes and points to variables of ours; where that cannot work, the variable is named.
. "$(dirname "$0")/lib.sh"

for level in 0 2; do
  status 0 "$BUILD" "$drivers/variables.c" -O $level -o variables.so
  status 0 "$MADE/variables-host" ./variables.so
  lines out 0
done
echo 'extern int KdSomething; int *table[] = { &KdSomething }; int DriverEntry(void) { return *table[0]; }' >table.c
status 1 "$BUILD" table.c -o table.so
says err "dryport-build: the address of the imported variable KdSomething stands in an initialiser, where it is not known yet"
