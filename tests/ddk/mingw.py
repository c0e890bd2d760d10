#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
"""Compares include/ddk with mingw-w64's DDK headers, compiled by x86_64-w64-mingw32-gcc: the size of every
structure, the offset of every field and the value of every constant that both declare.

What is ours is read from clang's syntax tree and its list of macros, with the front end's flags; each
expression stands on a line of its own, so that the compilers' errors tell which one a side lacks. mingw is
older or wrong where MINGW_DIFFERS says so; each entry must be needed.

Usage: mingw.py ROOT CLANG [-v]      exit status 0, 1 or, without the compiler, 77
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

MINGW = "x86_64-w64-mingw32-gcc"
VERSION = ["-D_WIN32_WINNT=0x0A00", "-DWINVER=0x0A00", "-DNTDDI_VERSION=0x0A00000B", "-DMS_SM_HBA_API"]

# Ours, and mingw's by the same names. mingw's storport.h defines a structure of srb.h a second time.
OURS = """
#include <ntddk.h>
#include <ntifs.h>
#include <scsi.h>
#include <srb.h>
#include <storport.h>
#include <ntddscsi.h>
#include <ntddstor.h>
#include <ntdddisk.h>
#include <ntstatus.h>
#include <ata.h>
#include <scsiwmi.h>
#include <wmistr.h>
#include <evntrace.h>
"""
THEIRS = """
#include <stddef.h>
#include <ntifs.h>
#include <ntddk.h>
#include <scsi.h>
#include <srb.h>
#define _SCSI_WMI_REQUEST_BLOCK _SECOND_WMI
#define SCSI_WMI_REQUEST_BLOCK SECOND_WMI
#define PSCSI_WMI_REQUEST_BLOCK PSECOND_WMI
#include <storport.h>
#undef _SCSI_WMI_REQUEST_BLOCK
#undef SCSI_WMI_REQUEST_BLOCK
#undef PSCSI_WMI_REQUEST_BLOCK
#include <ntddscsi.h>
#include <ntddstor.h>
#include <ntdddisk.h>
#include <ata.h>
#include <scsiwmi.h>
#include <wmistr.h>
"""

# name of a structure or constant, or of a field: why mingw is no measure
MINGW_DIFFERS = {
    "BusTypeMax": "older: without NVMe, SCM and UFS",
    "ScsiAdapterControlMax": "older: five control types",
    "HW_INITIALIZATION_DATA": "that of SCSI Port",
    "PORT_CONFIGURATION_INFORMATION": "that of SCSI Port",
    "CONFIG_INFO_VERSION_2": "the size of PORT_CONFIGURATION_INFORMATION",
    "DEVICE_DESCRIPTION": "older: up to version 2, without the members of version 3",
    "DMA_OPERATIONS": "older: up to version 2",
    "DEVICE_OBJECT": "not aligned to 16 bytes, as it is on x64",
    "PROCESSOR_RELATIONSHIP.Reserved": "older: without EfficiencyClass",
    "INQUIRYDATA": "older: without version descriptors, 96 bytes for 104",
    "READ_CAPACITY_DATA_EX": "padded, though it lies on the wire",
    "SCATTER_GATHER_LIST": "counts one element in",
}

# At least these, or the comparison has become empty.
STRUCTURES_LEAST, FIELDS_LEAST, CONSTANTS_LEAST = 140, 1000, 1100
KNOWN = ["SCSI_REQUEST_BLOCK", "CDB", "INQUIRYDATA", "SENSE_DATA", "MDL", "DEVICE_DESCRIPTION", "LIST_ENTRY",
         "SRB_IO_CONTROL", "SCSI_PASS_THROUGH_DIRECT", "IDENTIFY_DEVICE_DATA", "WNODE_ALL_DATA",
         "SCSI_WMILIB_CONTEXT", "DISK_GEOMETRY", "PCI_COMMON_CONFIG"]


class Tree:
    """The records of our headers: name → fields, a field being a path that offsetof takes."""

    def __init__(self, root):
        self.records, self.typedefs, self.enumerators = {}, {}, []
        for node in root["inner"]:
            self.declaration(node)

    def declaration(self, node):
        kind = node.get("kind")
        if kind == "RecordDecl" and node.get("completeDefinition"):
            self.record(node)
        elif kind == "EnumDecl":
            self.enumerators += [n["name"] for n in node.get("inner", []) if n["kind"] == "EnumConstantDecl"]
        elif kind == "TypedefDecl":
            self.typedef(node)
        elif kind == "LinkageSpecDecl":
            for child in node.get("inner", []):
                self.declaration(child)

    def record(self, node):
        self.records[node["id"]] = (node.get("name"), node["tagUsed"], list(self.fields(node, "")))
        for child in node.get("inner", []):
            if child.get("kind") in ("RecordDecl", "EnumDecl") and child.get("name"):
                self.declaration(child)

    def fields(self, record, prefix):
        inline = None
        for child in record.get("inner", []):
            if child["kind"] == "RecordDecl":
                inline = child
            elif child["kind"] == "FieldDecl":
                unnamed = re.search(r"\((unnamed|anonymous)", child["type"]["qualType"]) and "[" not in \
                    child["type"]["qualType"]
                path = prefix + child.get("name", "")
                if unnamed and inline:
                    if child.get("name"):
                        yield path
                    yield from self.fields(inline, path + "." if child.get("name") else prefix)
                elif child.get("name") and not child.get("isBitfield"):
                    yield path

    def typedef(self, node):
        """The first name of a record by typedef: `typedef struct _X {...} X`."""
        for child in node.get("inner", []):
            owned = child.get("ownedTagDecl") or {}
            if child["kind"] == "ElaboratedType" and not owned:
                owned = next((c.get("decl", {}) for c in child.get("inner", [])), {})
            if owned.get("kind") == "RecordDecl":
                self.typedefs.setdefault(owned["id"], node["name"])

    def structures(self):
        """(name to show, how to write the type: candidates, fields)"""
        for key, (name, tag, fields) in self.records.items():
            writings = [self.typedefs[key]] if key in self.typedefs else []
            if name:
                writings.append(f"{tag} {name}")
            if writings:
                yield writings[0].split()[-1], writings, fields


def run(command, text=None, folder=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=folder)
    return done.returncode, done.stdout, done.stderr


def values(compiler, prologue, rows, folder):
    """name → value of the rows (name, expression) that this compiler can compute."""
    names = [None]
    lines = []
    for name, expression in rows:
        lines.append(f"const long long value_{len(names)} = (long long)({expression});")
        names.append(name)
    bad = set()
    for _ in range(30):
        source = os.path.join(folder, "rows.c")
        kept = [line if n not in bad else "" for n, line in enumerate(lines, 1)]
        with open(source, "w") as file:
            file.write(prologue + "\n#line 1 \"rows\"\n" + "\n".join(kept) + "\n")
        status, out, errors = run(compiler + ["-S", "-o", "-", source])
        if status == 0:
            break
        found = {int(n) for n in re.findall(r"^rows:(\d+):.*error:", errors, re.M)} - bad
        if not found:
            sys.exit(f"{compiler[0]}: {errors[:2000]}")
        bad |= found
    else:
        sys.exit(f"{compiler[0]}: errors without end")
    # zeros stand in .zero, or .space
    pattern = r"^value_(\d+):\s*(?:#.*)?\n\s*\.(quad|zero|space)\s+(-?\d\w*)\s*(?:#.*)?$"
    return {names[int(n)]: 0 if kind != "quad" else int(value, 0)
            for n, kind, value in re.findall(pattern, out, re.M)}


def macros(compiler, prologue):
    """Object-like macros that the headers define: names that may be constants."""
    _, builtin, _ = run(compiler + ["-E", "-dM", "-x", "c", "-"], "")
    _, ours, errors = run(compiler + ["-E", "-dM", "-x", "c", "-"], prologue)
    if not ours:
        sys.exit(errors)
    defined = dict(re.findall(r"^#define (\w+)[ ](.+)$", ours, re.M))
    known = dict(re.findall(r"^#define (\w+)[ ](.+)$", builtin, re.M))
    return sorted(n for n in defined if n not in known and not n.startswith(("DDK_", "__", "_WIN32_WINNT")))


def sizes_of(tree):
    """For each way of writing a type."""
    return [((name, "", writing), f"sizeof({writing})") for name, writings, _ in tree.structures()
            for writing in writings]


def offsets_of(tree, sizes):
    """Of the types that the other side has."""
    return [((name, field, writing), f"offsetof({writing}, {field})") for name, writings, fields in
            tree.structures() for writing in writings if (name, "", writing) in sizes for field in fields]


def label(key):
    return key if isinstance(key, str) else key[0] + ("." + key[1] if key[1] else "")


def excused(key, used):
    names = [label(key)] if isinstance(key, str) else [label(key), key[0]]
    for name in names:
        if name in MINGW_DIFFERS:
            used.add(name)
            return True
    return False


def main():
    root, clang = sys.argv[1:3]
    verbose = "-v" in sys.argv
    if not shutil.which(MINGW):
        print(f"skipped: {MINGW} is not installed")
        return 77
    ddk = os.path.join(root, "include", "ddk")
    ours = [clang, "-target", "x86_64-pc-windows-msvc-elf", "-fms-extensions", "-fms-compatibility", "-nostdlibinc",
            "-D__MM_MALLOC_H", "-w", "-ferror-limit=0", f"-I{ddk}", f"-I{ddk}/crt"] + VERSION
    theirs = [MINGW, "-w", "-fmax-errors=0", "-fno-leading-underscore", "-isystem",
              os.path.join(mingw_include(), "ddk")] + VERSION
    with tempfile.TemporaryDirectory() as folder:
        _, out, errors = run(ours + ["-fsyntax-only", "-Xclang", "-ast-dump=json", "-x", "c", "-"], OURS)
        if not out:
            sys.exit(errors)
        tree = Tree(json.loads(out))
        # what never occurs in mingw's headers need not be tried: each error is slow
        words = set(re.findall(r"\w+", run(theirs + ["-E", "-x", "c", "-"], THEIRS)[1]))
        sizes = values(theirs, THEIRS, [r for r in sizes_of(tree) if r[0][2].split()[-1] in words], folder)
        constants = set(macros(ours, OURS)) & set(macros(theirs, THEIRS)) | words.intersection(tree.enumerators)
        rows = sizes_of(tree) + offsets_of(tree, sizes) + [(n, n) for n in sorted(constants)]
        mine = values(ours, OURS, rows, folder)
        rows = [r for r in rows if r[0] in mine and (isinstance(r[0], str) or (r[0][0], "", r[0][2]) in sizes)]
        theirs_values = values(theirs, THEIRS, rows, folder)
    return report(mine, theirs_values, verbose)


def mingw_include():
    """Where the compiler finds its windows.h."""
    _, _, text = run([MINGW, "-E", "-v", "-x", "c", "-"], "")
    for line in text.splitlines():
        if os.path.exists(os.path.join(line.strip(), "ddk", "wdm.h")):
            return line.strip()
    sys.exit(f"{MINGW} has no ddk/wdm.h; install mingw-w64-x86-64-dev")


def report(mine, theirs, verbose):
    used, faults = set(), []
    structures = {k[0] for k in theirs if not isinstance(k, str) and not k[1]}
    fields = {k[:2] for k in theirs if not isinstance(k, str) and k[1]}
    constants = {k for k in theirs if isinstance(k, str)}
    for key, value in theirs.items():
        if value != mine[key] and not excused(key, used):
            faults.append(f"{label(key)}: ours {mine[key]:#x}, mingw's {value:#x}")
    faults += [f"MINGW_DIFFERS: {n} does not differ" for n in MINGW_DIFFERS if n not in used]
    faults += [f"{n} was not compared" for n in KNOWN if n not in structures]
    for what, count, least in (("structures", len(structures), STRUCTURES_LEAST),
                               ("fields", len(fields), FIELDS_LEAST),
                               ("constants", len(constants), CONSTANTS_LEAST)):
        if count < least:
            faults.append(f"only {count} {what} were compared, expected {least} at least")
    if verbose:
        absent = {k[0] for k in mine if not isinstance(k, str)} - structures
        print("mingw lacks:", " ".join(sorted(absent)))
    for fault in sorted(set(faults)):
        print(fault)
    skipped = len({label(k) for k in mine}) - len({label(k) for k in theirs})
    print(f"{len(structures)} structures, {len(fields)} fields, {len(constants)} constants compared; mingw lacks "
          f"{skipped}; {len(used)} known differences, {len(set(faults))} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
