#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# A project of MSBuild in place of sources: it is built, again when something that it is made of has changed, and runs.
. "$(dirname "$0")/lib.sh"

mkdir -p "$work/tree/props"
cp -r "$simple" "$work/tree/driver"
project=$work/tree/driver/simple.vcxproj
echo '<Project><ItemDefinitionGroup><ClCompile><AdditionalIncludeDirectories>..\headers</AdditionalIncludeDirectories></ClCompile></ItemDefinitionGroup></Project>' \
  >"$work/tree/props/own.props"
sed -i 's|<ItemDefinitionGroup>|<Import Project="..\\Props\\own.props" />&|; s|;log.c|;..\\LOG.c|' "$project"
mkdir "$work/tree/headers"
{
  echo '#include "marker.h"'
  echo '#include "driver/simple.h"'
  grep -v '"simple.h"' "$work/tree/driver/log.c"
} >"$work/tree/log.c"
rm "$work/tree/driver/log.c"
# a message of the compiler's tells that it ran
marker() { echo "#warning \"built $1\"" >"$work/tree/headers/marker.h"; }
workload() { status 0 "$DRYPORT" run "$@" --size 1M --workload rw:ops=50,verify --quiet; }
built() { says "built $1"; }
kept() { ! grep -q built "$work/err" || fail "built again: $(cat "$work/err")"; }

marker one
workload "$project"
built one
workload "$project"
kept
sleep 0.01
marker two
workload "$project"
built two
touch "$work/tree/props/own.props"
workload "$project"
built two
workload "$project"
kept
touch "$work/tree/log.c"
workload "$project"
built two
# another configuration is another object
workload "$project" --config Debug
built two
workload "$project" --config debug --seed 3
built two
# the machine file beside the project counts
grep -q '^hw' "$work/tree/driver/machine" || fail "no machine file"
status 2 "$DRYPORT" run "$simple" --config Debug --workload rw:ops=1
says '^dryport: --config: .* is no project \(\.vcxproj\)$'
one_line
status 1 "$DRYPORT" run "$project" --config Retail --workload rw:ops=1
says 'simple.vcxproj:4: no configuration "Retail" for x64; there is "Debug", "Release"'
rm "$work/tree/log.c"
status 1 "$DRYPORT" run "$project" --workload rw:ops=1
says 'simple.vcxproj:[0-9]+: no such source: \.\.\\LOG\.c$'
