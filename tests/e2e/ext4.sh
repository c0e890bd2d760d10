#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# A file system of real files goes in, and the copy that comes out is sound.
. "$(dirname "$0")/lib.sh"
need mke2fs e2fsck debugfs

mke2fs -q -t ext4 -d "$SOURCE_ROOT/include" "$work/image" 32M
status 0 "$DRYPORT" run "$simple" --size 32M -- sh -ec "nbdcopy '$work/image' \"\$uri\"; nbdcopy \"\$uri\" '$work/copy'"
cmp "$work/image" "$work/copy"
e2fsck -f -n "$work/copy"
mkdir "$work/files"
debugfs -R "rdump / $work/files" "$work/copy" 2>"$work/err"
rm -rf "$work/files/lost+found"
diff -r "$SOURCE_ROOT/include" "$work/files"
