#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# A unit that comes and goes while the machine runs: BusChangeDetected leads to a new scan, for which the miniport prepares
# (ScsiAdapterPrepareForBusReScan).
. "$(dirname "$0")/lib.sh"

cp -r "$SOURCE_ROOT/examples/ramdisk" "$work/plug"
cp "$SOURCE_ROOT/tests/e2e/drivers/plug.c" "$work/plug/"
# two units with one disk, found without REPORT LUNS
sed -i -e '/case SCSIOP_REPORT_LUNS/,+1d' -e 's/&Adapter->Units\[Lun\]/\&Adapter->Units[0]/' -e 's/Lun >= Adapter->UnitCount/Lun > 1/' \
  -e 's/MaximumNumberOfLogicalUnits = RAM_UNITS/MaximumNumberOfLogicalUnits = 2/' \
  -e 's/^\tif (Function == SRB_FUNCTION_EXECUTE_SCSI)$/\tif (!PlugIsThere(Extension, Srb))\n\t\tStatus = SRB_STATUS_INVALID_LUN;\n\telse if (Function == SRB_FUNCTION_EXECUTE_SCSI)/' \
  -e 's/^#define RAM_TAG.*/&\nBOOLEAN PlugIsThere(PVOID Extension, PSCSI_REQUEST_BLOCK Srb);/' \
  "$work"/plug/ramdisk.c
sed -i 's/= i <= ScsiRestartAdapter;/= i <= ScsiRestartAdapter || i == ScsiAdapterPrepareForBusReScan;/' "$work/plug/ramdisk.c"
grep -q ScsiAdapterPrepareForBusReScan "$work/plug/ramdisk.c" || fail "the driver could not be changed"
grep -q 'PlugIsThere(Extension, Srb))' "$work/plug/ramdisk.c" || fail "the driver could not be changed"

# It comes, goes and comes again.
status 0 "$DRYPORT" run "$work/plug" --hw none --trace "$work/trace" -- sh -c '
  for n in 1 2 3; do qemu-io -f raw -c "write -P $n 0 512" {uri} >/dev/null || exit 1; sleep 0.5; done'
grep -oE ' (unit  *unit 1|hw.control  *adapter 0 type 11).*' "$work/trace" | tr -s ' ' >"$work/seen"
cat >"$work/expected" <<END
 hw.control adapter 0 type 11
 unit unit 1 address 0:0:1 there 1
 hw.control adapter 0 type 11
 unit unit 1 address 0:0:1 there 0
 hw.control adapter 0 type 11
 unit unit 1 address 0:0:1 there 1
END
cmp "$work/seen" "$work/expected" || fail "units came and went otherwise: $(cat "$work/seen")"
echo ok
