#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
"""scripts/check-ddk finds what it is for: each fault below is planted into a copy of include/ddk, and must be
reported with its place; the headers as they are must pass.

Usage: check_ddk_finds.py ROOT
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

# header, what stands there, what is planted, what the report must say
PLANTS = [
    ("parts/ke.h", r"KIRQL NTAPI KeGetCurrentIrql\(VOID\);", "KIRQL KeGetCurrentIrql(VOID);",
     r"parts/ke\.h:\d+: NTAPI is missing: KeGetCurrentIrql"),
    ("parts/port_common.h", r"typedef BOOLEAN NTAPI HW_INITIALIZE\(", "typedef BOOLEAN HW_INITIALIZE(",
     r"parts/port_common\.h:\d+: NTAPI is missing: HW_INITIALIZE,"),
    ("parts/stor_types.h", r"\(NTAPI \*PPOST_SCATTER_GATHER_EXECUTE\)", "(*PPOST_SCATTER_GATHER_EXECUTE)",
     r"parts/stor_types\.h:\d+: NTAPI is missing: PPOST_SCATTER_GATHER_EXECUTE"),
    ("parts/dma.h", r"PPUT_DMA_ADAPTER PutDmaAdapter;", "VOID (*PutDmaAdapter)(PDMA_ADAPTER DmaAdapter);",
     r"parts/dma\.h:\d+: NTAPI is missing: PutDmaAdapter"),
    ("parts/io.h", r"VOID NTAPI IoFreeMdl\(PMDL Mdl\);",
     "VOID NTAPI IoFreeMdl(PMDL Mdl);\nVOID NTAPI Planted(VOID (*Routine)(PVOID Context));",
     r"parts/io\.h:\d+: NTAPI is missing: Planted"),
    ("parts/stor_function.h", r"ULONG NTAPI StorPortExtendedFunction\(", "ULONG StorPortExtendedFunction(",
     r"parts/stor_function\.h:\d+: NTAPI is missing: StorPortExtendedFunction"),
    ("crt/string.h", r"char \*NTAPI strchr\(", "char *strchr(",
     r"crt/string\.h:\d+: NTAPI is missing: strchr"),
    ("parts/mm.h", r"typedef ULONG_PTR PFN_NUMBER,", "typedef unsigned long PFN_NUMBER,",
     r"parts/mm\.h:\d+: a bare `long`"),
    ("parts/scsi_sense.h", r'#include "\.\./ntdef\.h"\n', "",
     r"parts/scsi_sense\.h: does not compile alone, gcc"),
    ("parts/list.h", r"(?m)^#endif\n\Z",
     "DDK_INLINE PLIST_ENTRY PlantedEntry(PVOID entry)\n{\n\treturn entry;\n}\n#endif\n",
     r"parts/list\.h: does not compile alone, Windows front end, C\+\+: "),
    ("guiddef.h", r"(?m)^#ifdef INITGUID$",
     "#ifndef DDK_PLANTED\n#define DDK_PLANTED\nvoid NTAPI PlantedLinkage(void);\n#endif\n#ifdef INITGUID",
     r'guiddef\.h:\d+: extern "C" is missing: PlantedLinkage'),
    ("parts/pci.h", r"DDK_SIZE\(PCI_SLOT_NUMBER, 4\);",
     "#ifdef DDK_WINDOWS\nDDK_SIZE(wchar_t, 4);\n#endif",
     r"parts/pci\.h: does not compile alone, Windows front end: .*size of wchar_t"),
]


def check(root, folder):
    done = subprocess.run([os.path.join(root, "scripts", "check-ddk"), folder], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def plant(folder):
    for header, there, planted, _ in PLANTS:
        path = os.path.join(folder, header)
        with open(path) as file:
            text, count = re.subn(there, lambda m, new=planted: new, file.read())
        if count != 1:
            sys.exit(f"{header}: the place for the plant occurs {count} times: {there}")
        with open(path, "w") as file:
            file.write(text)


def main():
    root = sys.argv[1]
    headers = os.path.join(root, "include", "ddk")
    status, text = check(root, headers)
    if status != 0:
        sys.exit(f"the headers as they are do not pass:\n{text}")
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "ddk")
        shutil.copytree(headers, copy)
        plant(copy)
        status, text = check(root, copy)
    missed = [wanted for _, _, _, wanted in PLANTS if not re.search(wanted, text)]
    if status != 1 or missed:
        sys.exit(f"status {status}, not reported: {missed}\n{text}")
    print(f"{len(PLANTS)} planted faults found")


if __name__ == "__main__":
    main()
