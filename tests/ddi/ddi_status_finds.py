#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
"""scripts/ddi-status judges by its rules, and its check finds each fault below, planted into a copy of the tree's
files; the files as they are must pass.

Usage: ddi_status_finds.py ROOT
"""

import importlib.machinery
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile

COPIED = ["docs", "include", "src", "tests", "CAVEATS.md"]
# Rows of the small tree that the rules are tried on.
ROUTINES = """\
StorPortFreePool\tSTORPORT_FUNCTION_CODE\tSTOR_STATUS_INVALID_PARAMETER|STOR_STATUS_INVALID_IRQL\t-
KeLowerIrql\tntoskrnl.exe\t-\t-
IoAllocateMdl\tntoskrnl.exe\tNULL\t-
ZwClose\tntoskrnl.exe\terror\t-
"""
FUNCTION = """\
ULONG NTAPI routine(ULONG value, ULONG *out)
{
	if (value)
		return 1;

	/*
	 * why */
	*out = 0;
	return 0;
}
"""


def load(root):
    path = os.path.join(root, "scripts", "ddi-status")
    loader = importlib.machinery.SourceFileLoader("ddi_status", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("ddi_status", loader))
    loader.exec_module(module)
    return module


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def expect(faults, what, got, wanted):
    if got != wanted:
        faults.append(f"{what}: {got}, not {wanted}")


# ---- the rules ----

def rules(root, folder):
    tool = load(root)
    faults = []
    write(os.path.join(folder, "docs/ddi.tsv"), ROUTINES)
    write(os.path.join(folder, "CAVEATS.md"), "* KeLowerIrqlEx and Another.StorPortFreePoolX are others.\n")
    for header in ("ntstatus.h", "parts/stor_types.h"):
        path = os.path.join("include/ddk", header)
        os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
        shutil.copy(os.path.join(root, path), os.path.join(folder, path))
    tree = tool.Tree(folder)

    def status(name, *shown, server="function"):
        return tool.judge(tree, tree.routines[name], server, list(shown))

    def seen(lines, calls=1, returned=()):
        return tool.Seen("test", "file.c", lines, calls, set(returned))

    good, bad = {1: True, 2: True}, {1: True, 2: False}
    expect(faults, "nothing serves it", status("KeLowerIrql", server=None), ("missing", []))
    expect(faults, "no test", status("KeLowerIrql"), ("partial", ["no test names it"]))
    expect(faults, "no failure is documented", status("KeLowerIrql", seen(good)), ("done", []))
    expect(faults, "a line is left out", status("KeLowerIrql", seen(bad)),
           ("partial", ["1 of 2 lines not executed"]))
    expect(faults, "another test runs the line", status("KeLowerIrql", seen(bad), seen({1: False, 2: True})),
           ("done", []))
    lacks = ("partial", ["no documented failure returned"])
    expect(faults, "no failure", status("StorPortFreePool", seen(good)), lacks)
    expect(faults, "success alone", status("StorPortFreePool", seen(good, 1, [0])), lacks)
    expect(faults, "another failure", status("StorPortFreePool", seen(good, 1, [0xc1000003])), lacks)
    expect(faults, "a documented one", status("StorPortFreePool", seen(good, 1, [0, 0xc1000008])), ("done", []))
    expect(faults, "a documented one, where the routine did not run",
           status("StorPortFreePool", seen(good, 1), seen(good, 0, [0xc1000008])), lacks)
    expect(faults, "NULL", status("IoAllocateMdl", seen(good, 1, [0])), ("done", []))
    expect(faults, "a pointer", status("IoAllocateMdl", seen(good, 1, [0x7f0000000000])), lacks)
    expect(faults, "any error", status("ZwClose", seen(good, 1, [0xc0000008])), ("done", []))
    expect(faults, "a warning is no success", status("ZwClose", seen(good, 1, [0x80000005])), ("done", []))
    expect(faults, "information is no error", status("ZwClose", seen(good, 1, [0x40000000])), lacks)
    expect(faults, "a caveat of another", tree.has_caveat(tree.routines["StorPortFreePool"]), False)
    tree.caveats += "`KeLowerIrql` does nothing."
    expect(faults, "a caveat", status("KeLowerIrql", seen(good)), ("caveat", []))
    expect(faults, "a test that does not run what it names",
           tool.idle({"KeLowerIrql": [seen({1: False}, 0)]}), ["test: covers: KeLowerIrql, but does not run it"])

    # llvm-cov's regions: first and last place, count, file, -, kind
    regions = [[1, 46, 10, 2, 3, 0, 0, 0], [3, 6, 3, 11, 3, 0, 0, 0], [3, 12, 4, 3, 0, 0, 0, 3],
               [4, 3, 4, 11, 0, 0, 0, 0], [4, 12, 8, 2, 3, 0, 0, 3], [8, 2, 9, 10, 3, 0, 0, 0],
               [20, 1, 20, 9, 0, 1, 0, 0]]
    lines = tool.count_lines({"filenames": ["a.c", "b.h"], "regions": regions}, FUNCTION.splitlines())
    expect(faults, "lines", lines, {1: True, 3: True, 4: False, 8: True, 9: True})
    expect(faults, "tokens", tool.covered("/* x.\n * covers: A, B,\n *   DMA_OPERATIONS.C. covers: D */"),
           ["A", "B", "DMA_OPERATIONS.C", "D"])
    expect(faults, "names of tests", tool.titles('{"one way", t, NULL}, {"another", t}, cmocka_unit_test(u)', "t"),
           ["one way", "another"])
    expect(faults, "the name of a test", tool.titles("cmocka_unit_test(u)", "u"), ["u"])
    return faults


# ---- the check ----

def done_routine(root):
    """A routine that is done: the plants speak of it."""
    with open(os.path.join(root, "docs/ddi-status.json"), encoding="utf-8") as file:
        for line in file:
            found = re.search(r'"name": "(\w+)", "module": "STORPORT_FUNCTION_CODE", "status": "done"', line)
            if found:
                return found[1]
    raise SystemExit("docs/ddi-status.json: no extended function is done")


def plants(name):
    code = f"ExtFunction{name[len('StorPort'):]}"
    token = "/* covers: {} */\nstatic void planted(void **state)\n{{\n}}\n"
    test = "tests/unit/util/export.c"
    # file, what stands there ("" for the end), what is planted, what the check must say
    return [
        (test, "", token.format("NoSuchRoutine"), r"covers: NoSuchRoutine: docs/ddi\.tsv has no such routine"),
        (test, "", "/* covers: KeLowerIrql */\n", r"export\.c: no test function follows covers: KeLowerIrql"),
        (test, "", "/* covers: KeLowerIrql */\nstatic void helper(void)\n{\n}\n" + token.format(name),
         r"export\.c: no test function follows covers: KeLowerIrql"),
        (test, "", token.format(name), rf"util/export: planted: now covers {name}"),
        ("CAVEATS.md", "", f"* {name} lies.\n", rf"{name}: CAVEATS\.md names it, its status is done"),
        ("docs/ddi.tsv", rf"(?m)^{name}\t.*\n", "", rf"{name}: docs/ddi-status\.json has it, docs/ddi\.tsv has not"),
        ("docs/ddi.tsv", "", "KePlanted\tntoskrnl.exe\t-\t-\n", r"KePlanted: docs/ddi\.tsv has it, docs/ddi-status\.json has not"),
        ("docs/ddi.tsv", rf"(?m)^({name}\t\w+)\t\S+", r"\1\tSTOR_STATUS_PLANTED", r"no header gives STOR_STATUS_PLANTED a value"),
        ("docs/ddi-status.md", r"\| done \|", "| fine |", r"docs/ddi-status\.md is not what docs/ddi-status\.json gives"),
        ("src/storport/ddi_stor_extended.c", rf"\[{code}\] = ", "[0] = ", rf"{name}: nothing serves it, its status is done"),
    ]


def check(root, folder):
    done = subprocess.run([os.path.join(root, "scripts/ddi-status"), "--root", folder, "--check"],
                          capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def finds(root, folder):
    faults = []
    for name in COPIED:
        source, target = os.path.join(root, name), os.path.join(folder, name)
        shutil.copytree(source, target) if os.path.isdir(source) else shutil.copy(source, target)
    status, said = check(root, folder)
    if status != 0:
        return [f"the tree as it is: status {status}, {said}"]
    for name, there, planted, report in plants(done_routine(root)):
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as file:
            before = file.read()
        after = re.sub(there, planted, before, count=1) if there else before + planted
        if after == before:
            faults.append(f"{name}: nothing there to plant into: {there}")
        write(path, after)
        status, said = check(root, folder)
        if status != 1 or not re.search(report, said):
            faults.append(f"{name}: status {status}, nothing says {report}:\n{said}")
        write(path, before)
    return faults


def main():
    root = os.path.realpath(sys.argv[1])
    with tempfile.TemporaryDirectory() as small, tempfile.TemporaryDirectory() as folder:
        faults = rules(root, small) + finds(root, folder)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
