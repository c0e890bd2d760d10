#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# The registry: a driver reads what an INF and a .reg file give it, and what it writes is in the file at the end.
. "$(dirname "$0")/lib.sh"

cp -r "$simple" "$work/acme"
cp "$SOURCE_ROOT/tests/e2e/drivers/registry.c" "$work/acme/"
sed -i 's/return StorPortInitialize(/return RegistryInitialize(/' "$work/acme/simple.c"
echo 'ULONG RegistryInitialize(PVOID DriverObject, PVOID RegistryPath, PHW_INITIALIZATION_DATA Data, PVOID HwContext);' \
  >>"$work/acme/simple.h"
"$DRYPORT" build "$work/acme" -o "$work/acme.so"

cat >"$work/acme.inf" <<'END'
[Version]
Signature = "$Windows NT$"
[Manufacturer]
%Acme% = Models,NTamd64
[Models.NTamd64]
%Disk% = Install, PCI\VEN_FFFF&DEV_0001 ; of no device there is: the first model is taken
[Install]
[Install.HW]
AddReg = Hardware
[Install.Services]
AddService = acmedisk, 0x00000002, Service
[Service]
AddReg = Parameters
[Parameters]
HKR, "Parameters\Device", "Depth", %REG_DWORD%, 41
[Hardware]
HKR, "Sub", "Power", %REG_DWORD%, 7
[Strings]
Acme = "Acme Inc."
Disk = "A disk"
REG_DWORD = 0x00010001
END
cat >"$work/acme.reg" <<'END'
Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\acmedisk\Parameters\Device]
"Depth"=dword:00000064
END

run() { # OPTIONS...
  status 0 "$DRYPORT" run "$work/acme.so" --hw simple --size 16M --workload rw:ops=100,verify "$@"
}

service='HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services'

# Storport's own entries: in an INF, told where they are out of their bounds
cat >"$work/entries.inf" <<'END'
[Version]
Signature = "$Windows NT$"
[Manufacturer]
Acme = Models,NTamd64
[Models.NTamd64]
Disk = Install, PCI\VEN_FFFF&DEV_0001
[Install]
[Install.HW]
AddReg = Hardware
[Install.Services]
AddService = acmedisk, 0x00000002, Service
[Service]
AddReg = Parameters
[Parameters]
HKR, "Parameters\Device", "DriverParameter", , "burst=4"
HKR, "Parameters\Device", "NumberOfRequests", 0x00010001, 1000
HKR, "Parameters", "IoTimeoutValue", 0x00010001, 9
HKR, "Parameters", "DmaRemappingCompatible", 0x00010001, 0
[Hardware]
HKR, "Interrupt Management",, 0x00000010
HKR, "Interrupt Management\MessageSignaledInterruptProperties",, 0x00000010
HKR, "Interrupt Management\MessageSignaledInterruptProperties", MSISupported, 0x00010001, 1
END
run --inf "$work/entries.inf" --engine iommu
says "argument 'burst=4', requests 255$"
says 'acme adapter 0: in the registry, NumberOfRequests is 1000; its bounds are 16 and 255\.'
says 'acme adapter 0: in the registry, DmaRemappingCompatible is 0; --engine decides, which is iommu\.'
! grep 'MSISupported is missing' "$work/err" || fail 'MSISupported was there'
# without it the device interrupts by its line
sed -i '/MSISupported/d' "$work/entries.inf"
run --inf "$work/entries.inf"
says 'acme adapter 0: in the registry, MSISupported is missing: it interrupts by its line\.'
! grep 'DmaRemappingCompatible' "$work/err" || fail 'the driver has what it asks for'

# nothing: the service is named after the driver
run --registry-out "$work/out.reg"
says 'registry: depth 0, power 0$'
grep -A1 "^\[$service\\\\acme\]\$" "$work/out.reg" | grep -qx '"Greeting"="hello"' || fail 'no greeting'

# the INF names the service; its values reach the driver, and the .reg file's after them
run --inf "$work/acme.inf" --registry-out "$work/out.reg"
says 'registry: depth 41, power 7$'
run --inf "$work/acme.inf" --registry "$work/acme.reg" --registry-out "$work/out.reg"
says 'registry: depth 100, power 7$'
grep -A1 "^\[$service\\\\acmedisk\\\\Parameters\\\\Device0\]\$" "$work/out.reg" | grep -qx '"Deeper"=dword:00000065' ||
  fail 'what the driver wrote is not in the file'

# what was written is what the next run begins with
run --registry "$work/out.reg" --inf "$work/acme.inf"
says 'registry: depth 100, power 7$'

# the same under replay, and the same file each time
for n in 1 2; do
  run --inf "$work/acme.inf" --seed 5 --registry-out "$work/$n.reg"
done
cmp "$work/1.reg" "$work/2.reg"

# another process serves: the same options
status 0 "$DRYPORT" run "$work/acme.so" --hw simple --size 16M --inf "$work/acme.inf" --registry-out "$work/served.reg" -- true
grep -qx '"Deeper"=dword:0000002a' "$work/served.reg" || fail 'nothing was written by the served machine'

# faults name file and line
echo '"a"=1' >>"$work/acme.reg"
status 1 "$DRYPORT" run "$work/acme.so" --hw simple --registry "$work/acme.reg" --workload rw:ops=1
says "$work/acme.reg:5: '1' is no data"
echo 'HKR' >>"$work/acme.inf"
sed -i 's/41/x/' "$work/acme.inf"
status 1 "$DRYPORT" run "$work/acme.so" --hw simple --inf "$work/acme.inf" --workload rw:ops=1
says "$work/acme.inf:15: 'x' is no number"
status 1 "$DRYPORT" run "$work/acme.so" --hw simple --registry "$work/none.reg" --workload rw:ops=1
says "$work/none.reg: No such file"
status 1 "$DRYPORT" run "$work/acme.so" --hw simple --registry-out "$work/none/x.reg" --workload rw:ops=1
says "$work/none/x.reg: No such file"
status 2 "$DRYPORT" run "$work/acme.so" --hw simple --seeds 2 --seed 1 --registry-out "$work/x.reg" --workload rw:ops=1
says '--registry-out'

# a handle that stays open is reported with its key and the line that opened it
"$DRYPORT" build "$work/acme" -D REGISTRY_LEAK -o "$work/leak.so"
status 1 "$DRYPORT" run "$work/leak.so" --hw simple --size 16M --workload rw:ops=10
says 'a handle of a key \\Registry\\Machine\\SYSTEM\\CurrentControlSet\\Services\\leak was never closed; it was opened at .*registry\.c:'
