#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# A driver on several Windows releases: what is newer than the release answers as documented, and the driver works.
. "$(dirname "$0")/lib.sh"

cp -r "$simple" "$work/os"
cp "$SOURCE_ROOT/tests/e2e/drivers/os.c" "$work/os/"
sed -i 's/return StorPortInitialize(/return OsInitialize(/' "$work/os/simple.c"
echo 'ULONG OsInitialize(PVOID DriverObject, PVOID RegistryPath, PHW_INITIALIZATION_DATA Data, PVOID HwContext);' >>"$work/os/simple.h"

absent=c1000002  # STOR_STATUS_NOT_IMPLEMENTED
mismatch=c0000059 # STATUS_REVISION_MISMATCH

on() { # RELEASE LINES...: the driver tells these lines
  local release=$1 line
  shift
  "$DRYPORT" run "$work/os" --size 16M --os "$release" --workload rw:ops=100,verify >"$work/out" 2>"$work/err" </dev/null || {
    cat "$work/out" "$work/err" >&2
    fail "--os $release"
  }
  for line in "$@"; do says "os: $line\$"; done
}

on vista 'version 6\.0\.6002' "size 208: $mismatch" 'size 136: 0' 'length 208, scatter/gather 0' 'pool 0' "groups $absent" "counter $absent"
on 7 'version 6\.1\.7601' "size 208: $mismatch" 'size 136: 0' 'length 208, scatter/gather 1' 'pool 0' 'groups 0' "counter $absent"
on 8 'version 6\.2\.9200' 'size 208: 0' 'length 224, scatter/gather 1' 'groups 0' 'counter 0'
on 10-1803 'version 10\.0\.17134' 'size 208: 0' 'groups 0' 'counter 0'
on server-2016 'version 10\.0\.14393'
on 11-24h2 'version 10\.0\.26100' 'size 208: 0' 'groups 0' 'counter 0'

# which tables of DMA operations there are, and how long they are: 0, no adapter
dma() { # RELEASE SIZE: of version 3
  on "$1" 'dma 0: 68' 'dma 1: 68' 'dma 2: 80' "dma 3: $2"
}
dma vista 0
dma 7 0
dma 8 e8
dma 8.1 e8
dma 10-1507 110
dma 10-1803 118
dma 10-1903 138
dma server-2022 140
dma 11-24H2 140

# the same driver built for Windows 7, which knows no later members, runs on it and on the newest
sed -i -e '/^\t*\.SrbTypeFlags/d' -e '/^\t*\.AddressTypeFlags/d' "$work/os/simple.c"
sed -i -e 's/FIELD_OFFSET(HW_INITIALIZATION_DATA, HwFreeAdapterResources)/0/' "$work/os/os.c"
"$DRYPORT" build "$work/os" -D NTDDI_VERSION=NTDDI_WIN7 -o "$work/win7.so"
for release in 7 11-24H2; do
  status 0 "$DRYPORT" run "$work/win7.so" --hw simple --size 16M --os $release --workload rw:ops=100,verify
  says 'os: size 136: 0$'
done

# one built for Windows 8 and later cannot start on Windows 7, and is told why
status 1 "$DRYPORT" run "$simple" --size 16M --os 7 --workload rw:ops=1
says 'HwInitializationDataSize is 208; on Windows 7 it must be 136'
# written behind the end of the configuration
sed -i '/RtlZeroMemory(/d' "$work/os/os.c"
"$DRYPORT" build "$work/os" -D NTDDI_VERSION=NTDDI_WIN7 -o "$work/careless.so"
status 1 "$DRYPORT" run "$work/careless.so" --hw simple --size 16M --os 7 --workload rw:ops=1
says 'offset 0xd0 of the configuration, whose Length is 0xd0 on Windows 7'

# a usage error names the releases
status 2 "$DRYPORT" run "$simple" --os xp --workload rw:ops=1
one_line
says 'must be one of vista, 7, 8, 8\.1, 10-1507, .*, 11-24H2'
