#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# Bad input: one clear line, status 2 for usage and 1 for failure, no damage.
. "$(dirname "$0")/lib.sh"

# ---- usage: 2 ----

status 2 "$DRYPORT" frobnicate
says "no command 'frobnicate'" && one_line
status 2 "$DRYPORT" run --frobnicate
says 'no option --frobnicate' && one_line
status 2 "$DRYPORT" run -x
says 'no option -x' && one_line
status 2 "$DRYPORT" run --size
says -- '--size needs a value' && one_line
status 2 "$DRYPORT" run --size 0 -- true
says -- '--size 0: must be' && one_line
status 2 "$DRYPORT" run --size 12Q -- true
says -- '--size 12Q: not a size' && one_line
status 2 "$DRYPORT" run --memory sideways -- true
says -- '--memory sideways: must be one of contiguous, scattered, high' && one_line
status 2 "$DRYPORT" run --cpus 0 -- true
says -- '--cpus 0: must be' && one_line
status 2 "$DRYPORT" run --block-size 1000 -- true
says -- '--block-size 1000: must be one of 512, 4096' && one_line
status 2 "$DRYPORT" run --hw nothing -- true
says -- '--hw nothing: no such device'
says '^  simple '
status 2 "$DRYPORT" run --quiet=yes
says -- '--quiet takes no value' && one_line
status 2 "$DRYPORT" run --
says 'nothing follows --' && one_line
status 2 "$DRYPORT" run --nbd "$work/s" -- true
says -- '--nbd' && one_line
status 2 "$DRYPORT" run --nbd "$work/$(printf '%0120d' 0)"
says 'longer than a socket' && one_line
status 2 "$DRYPORT" run --workload rw:ops=10 -- true
says -- '--workload' && one_line
status 2 "$DRYPORT" run --workload rw:opps=10
says 'opps' && one_line
status 2 "$DRYPORT" hw please
says "does not know what to do with 'please'" && one_line
status 2 "$DRYPORT" build
says 'no sources'

# without --hw and without a `machine` file
mkdir "$work/bare"
cp "$simple"/*.c "$work/bare/"
status 2 "$DRYPORT" run "$work/bare" -- true
says 'which device\?'
says '^  simple '
echo 'hw simple' >"$work/bare/machine"
status 1 "$DRYPORT" run "$work/bare" -- true
says 'machine:1: not a line' && one_line

# the main job writes over its disk: never a file of the user's
random "$work/disk" 1M
status 2 "$DRYPORT" run --disk "$work/disk"
says 'would overwrite it' && one_line

# ---- the miniport: 1 ----

status 1 "$DRYPORT" run "$work/missing.so" -- true
says 'missing.so: No such file or directory' && one_line
echo 'not an object' >"$work/text.so"
status 1 "$DRYPORT" run "$work/text.so" --hw simple -- true
says 'text.so' && one_line
: >"$work/empty.so"
status 1 "$DRYPORT" run "$work/empty.so" --hw simple -- true
says 'empty.so' && one_line
cp /bin/true "$work/foreign.so"
status 1 "$DRYPORT" run "$work/foreign.so" --hw simple -- true
says 'foreign.so' && one_line
mkdir "$work/folder"
status 1 "$DRYPORT" run "$work/folder" --hw simple -- true
says 'folder'

# a driver without DriverEntry, one whose DriverEntry fails, one whose HwFindAdapter fails or gives nonsense
driver() { # NAME, C on standard input
  mkdir -p "$work/$1"
  cat >"$work/$1/$1.c"
  echo 'hw = simple' >"$work/$1/machine"
}

driver no_entry <<'C'
#include <storport.h>
BOOLEAN Something(PVOID extension);
BOOLEAN Something(PVOID extension) { return extension != NULL; }
C
status 1 "$DRYPORT" run "$work/no_entry" -- true
says 'DriverEntry'

driver entry_fails <<'C'
#include <storport.h>
ULONG DriverEntry(PVOID driver, PVOID path)
{
	return (ULONG)STATUS_INSUFFICIENT_RESOURCES;
}
C
status 1 "$DRYPORT" run "$work/entry_fails" -- true
says 'DriverEntry.*(0x)?[cC]000009[aA]'

find_adapter() { # NAME RESULT STATEMENTS
  driver "$1" <<C
#include <storport.h>
static BOOLEAN Initialize(PVOID extension) { return TRUE; }
static BOOLEAN StartIo(PVOID extension, PSCSI_REQUEST_BLOCK srb) { return FALSE; }
static BOOLEAN Reset(PVOID extension, ULONG path) { return TRUE; }
static SCSI_ADAPTER_CONTROL_STATUS Control(PVOID extension, SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters)
{
	return ScsiAdapterControlSuccess;
}
static ULONG FindAdapter(PVOID extension, PVOID context, PVOID bus, PCHAR arguments,
	PPORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	$3
	return $2;
}
ULONG DriverEntry(PVOID driver, PVOID path)
{
	HW_INITIALIZATION_DATA init = {0};

	init.HwInitializationDataSize = sizeof(init);
	init.AdapterInterfaceType = PCIBus;
	init.HwInitialize = Initialize;
	init.HwStartIo = StartIo;
	init.HwFindAdapter = FindAdapter;
	init.HwResetBus = Reset;
	init.HwAdapterControl = Control;
	init.DeviceExtensionSize = 64;
	init.NumberOfAccessRanges = 1;
	init.NeedPhysicalAddresses = TRUE;
	init.TaggedQueuing = TRUE;
	init.AutoRequestSense = TRUE;
	init.MultipleRequestPerLu = TRUE;
	return StorPortInitialize(driver, path, &init, NULL);
}
C
}
find_adapter find_error SP_RETURN_ERROR ''
status 1 "$DRYPORT" run "$work/find_error" -- true
says 'Hw(Stor)?FindAdapter'
find_adapter find_none SP_RETURN_NOT_FOUND ''
status 1 "$DRYPORT" run "$work/find_none" -- true
says 'Hw(Stor)?FindAdapter'
find_adapter find_nonsense 4711 ''
status 1 "$DRYPORT" run "$work/find_nonsense" -- true
says 'Hw(Stor)?FindAdapter.*(4711|1267)'

# a compiler error comes through with file and line
driver wrong_c <<'C'
#include <storport.h>
ULONG DriverEntry(PVOID driver, PVOID path) { return undeclared; }
C
status 1 "$DRYPORT" run "$work/wrong_c" -- true
says 'wrong_c.c:2:[0-9]+: error: .*undeclared'

# ---- the disk: 1, and no byte of it changes ----

head -c 1000 /dev/urandom >"$work/odd"
cp "$work/odd" "$work/odd.before"
status 1 "$DRYPORT" run --disk "$work/odd" -- true
says "$work/odd.*block" && one_line
cmp "$work/odd" "$work/odd.before"
: >"$work/zero"
status 1 "$DRYPORT" run --disk "$work/zero" -- true
says "$work/zero" && one_line
[ ! -s "$work/zero" ] || fail "an empty file has grown"
status 1 "$DRYPORT" run --disk "$work/no-such-disk" -- true
says "no-such-disk.*No such file" && one_line
[ ! -e "$work/no-such-disk" ] || fail "the file was made"
status 1 "$DRYPORT" run --disk "$work" -- true
says "$work" && one_line

# ---- the socket: 1 ----

echo precious >"$work/file"
status 1 "$DRYPORT" run --size 1M --nbd "$work/file"
says 'is no socket' && one_line
[ "$(cat "$work/file")" = precious ] || fail "the file was harmed"
status 1 "$DRYPORT" run --size 1M --nbd "$work/none/s"
says 'no socket can be made there: No such file' && one_line
serve --size 1M
status 1 "$DRYPORT" run --size 1M --nbd "$work/nbd"
says 'the socket is in use' && one_line
[ "$(nbdinfo --size "$uri")" = 1048576 ] || fail "the first server was disturbed"
serve_stop 0
[ ! -e "$work/nbd" ] || fail "the socket is still there"
# a socket that a killed server left is none in use
serve --size 1M
kill -KILL "$server"
wait "$server" || true
for _ in $(seq 100); do nbdinfo --size "$uri" >/dev/null 2>&1 || break; sleep 0.1; done
[ -S "$work/nbd" ] || fail "the killed server took its socket along"
serve --size 1M
serve_stop 0
