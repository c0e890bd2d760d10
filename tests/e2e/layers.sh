#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# scripts/check-layers lets the tree pass, and finds each kind of planted violation.
. "$(dirname "$0")/lib.sh"

check=$SOURCE_ROOT/scripts/check-layers
"$check" "$SOURCE_ROOT" || fail "the tree itself"

mkdir "$work/tree"
cp -r "$SOURCE_ROOT"/{src,cli,nbdkit,sg,include} "$work/tree/"

plant() { # FILE LINE PATTERN
  mkdir -p "$(dirname "$work/tree/$1")"
  [ ! -e "$work/tree/$1" ] || cp "$work/tree/$1" "$work/before"
  echo "$2" >>"$work/tree/$1"
  if "$check" "$work/tree" >"$work/out"; then fail "not found: $2 in $1"; fi
  grep -qE "$3" "$work/out" || fail "$2 in $1: $(cat "$work/out")"
  rm "$work/tree/$1"
  [ ! -e "$work/before" ] || mv "$work/before" "$work/tree/$1"
  [ "$(ls -A "$(dirname "$work/tree/$1")")" ] || rmdir "$(dirname "$work/tree/$1")"
}

plant src/mem/mem.h '#include "cpu/cpu.h"' '^src/mem/mem.h:[0-9]+: mem \(1\) includes cpu \(2\)'
plant src/dma/dma.h '#include "bus/bus.h"' 'dma \(4\) includes bus \(4\)'
plant src/dma/dma.h ' # include <port/port.h>' 'dma \(4\) includes port \(7\)'
plant src/disk/disk.h '#include "verifier/rule.h"' 'disk \(9\) includes verifier'
plant src/mem/mem.h '#include "../cpu/cpu.h"' 'name the layer'
plant src/mem/mem.h '#include "nowhere.h"' 'in no layer'
plant src/attic/old.c '' 'src/attic: not in src/layers.txt'
plant src/cpu/mem.h '' 'mem.h: two files'
plant cli/run.c '#include "cpu/cpu.h"' 'cli/run.c:[0-9]+: cli/ knows dryport.h alone'
plant nbdkit/plugin.c '#include <mem/mem.h>' 'nbdkit/ knows dryport.h alone'
plant sg/server.c '#include "port/port.h"' 'sg/ knows dryport.h alone'

# the twins may share a name; a third may not
mkdir -p "$work/tree/src/scsiport"
touch "$work/tree/src/scsiport/twin.c" "$work/tree/src/storport/twin.c"
"$check" "$work/tree" || fail "twins"
touch "$work/tree/src/port/twin.c"
if "$check" "$work/tree"; then fail "a third twin"; fi
