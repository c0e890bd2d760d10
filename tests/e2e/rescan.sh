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

# What the driver says with each write to unit 0, after which units come and go, in the trace's words.
try() { # EXPRESSION BEFORE
  cp -r "$work/plug" "$work/try"
  sed -i -e "s/StorPortNotification(BusChangeDetected, Extension, 0)/$1/" -e "s/^static LONG IsThere/& = $2/" "$work/try/plug.c"
  grep -q "= $2;" "$work/try/plug.c" || fail "the driver could not be changed"
  status "${3:-0}" "$DRYPORT" run "$work/try" --hw none --trace "$work/trace" -- sh -c '
    for n in 1 2 3; do qemu-io -f raw -c "write -P $n 0 512" {uri} >/dev/null || exit 1; sleep 0.5; done'
  grep -oE ' (unit  *unit 1|hw.control  *adapter 0 type 11).*' "$work/trace" | tr -s ' ' >"$work/seen"
  cmp "$work/seen" - || fail "$1: units came and went otherwise: $(cat "$work/seen")"
  rm -r "$work/try"
}

unit='(PSTOR_ADDRESS)\&(STOR_ADDR_BTL8){.Type = STOR_ADDRESS_TYPE_BTL8, .AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH, .Lun = 1}'
# It comes, goes and comes again.
for said in 'StorPortNotification(BusChangeDetected, Extension, 0)' \
  "StorPortStateChangeDetected(Extension, STATE_CHANGE_LUN, $unit, 0, NULL, NULL)"; do
  try "$said" FALSE <<END
 hw.control adapter 0 type 11
 unit unit 1 address 0:0:1 there 1
 hw.control adapter 0 type 11
 unit unit 1 address 0:0:1 there 0
 hw.control adapter 0 type 11
 unit unit 1 address 0:0:1 there 1
END
done

# One that has failed goes, and does not come again whatever it answers.
try "StorPortMarkDeviceFailed(Extension, $unit, STORPORT_MARK_DEVICE_FAILED_FLAG_REMOVE_DEVICE, NULL); IsThere = TRUE" TRUE <<END
 unit unit 1 address 0:0:1 there 1
 hw.control adapter 0 type 11
 unit unit 1 address 0:0:1 there 0
 hw.control adapter 0 type 11
 hw.control adapter 0 type 11
END
says 'adapter 0 0:0:1 is marked as failed'

# An adapter that has failed is removed, and its units with it.
try "StorPortMarkDeviceFailed(Extension, NULL, STORPORT_MARK_DEVICE_FAILED_FLAG_REMOVE_DEVICE, NULL); IsThere = TRUE" TRUE 1 <<END
 unit unit 1 address 0:0:1 there 1
 unit unit 1 address 0:0:1 there 0
END
grep -q 'hw.control  *adapter 0 type 1$' "$work/trace" || fail "the adapter was not stopped"
echo ok
