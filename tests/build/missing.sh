# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# Imports that dryport lacks are listed all at once, the object is made all the same, and touching one ends the
# run with its name and the driver's place.
. "$(dirname "$0")/lib.sh"

status 0 "$BUILD" "$drivers/missing.c" -o missing.so
says err "missing.so: 3 imports that dryport lacks: KdNoSuchVariable, KeNoSuchRoutine, NtNothingOfThisName; calling one ends the run"
lines err 1
status 0 "$HOST" missing.so 0
says out "missing: KeNoSuchRoutine"
says out "missing: NtNothingOfThisName"
says out "missing: KdNoSuchVariable"
status 1 "$HOST" missing.so 1
says err "dryport: the driver called KeNoSuchRoutine, which dryport lacks, in caller (missing.c:10)"
status 1 "$HOST" missing.so 2
says err "the driver called NtNothingOfThisName, which dryport lacks, in last (missing.c:15)"
status 1 "$HOST" missing.so 3
says err "the driver used the variable KdNoSuchVariable, which dryport lacks, in reader (missing.c:20)"
status 1 "$HOST" missing.so 4
says err "the driver called KeNoSuchRoutine, which dryport lacks, in turning (missing.c:29)"
status 1 "$HOST" missing.so 5
says err "the driver called KeNoSuchRoutine, which dryport lacks, in DriverEntry (missing.c:46)"
