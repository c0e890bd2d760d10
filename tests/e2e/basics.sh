#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# What dryport says of itself, and how COMMAND and its exit status are passed.
. "$(dirname "$0")/lib.sh"

# the acceptance line of the whole project
status 0 "$DRYPORT" run --size 1G -- nbdinfo --size '{uri}'
[ "$(cat "$work/out")" = 1073741824 ] || fail "the size is $(cat "$work/out")"
# the summary leaves standard output to COMMAND
says 'verdict'

status 0 "$DRYPORT" run --quiet --size 1M -- true
[ ! -s "$work/err" ] || fail "--quiet prints: $(cat "$work/err")"

# COMMAND: its arguments, its environment, its status
status 0 "$DRYPORT" run --quiet --size 1M -- sh -c 'echo "$uri"; echo "$1"; nbdinfo --size "$uri"' sh 'a={uri},{uri}'
uri=$(sed -n 1p "$work/out")
[[ $uri == nbd+unix:///\?socket=* ]] || fail "uri is $uri"
[ "$(sed -n 2p "$work/out")" = "a=$uri,$uri" ] || fail "{uri} became $(sed -n 2p "$work/out")"
[ "$(sed -n 3p "$work/out")" = 1048576 ] || fail "the size is $(sed -n 3p "$work/out")"
[ ! -e "${uri#*=}" ] || fail "the socket is still there"
[ ! -e "$(dirname "${uri#*=}")" ] || fail "the private folder is still there"
status 37 "$DRYPORT" run --quiet --size 1M -- sh -c 'exit 37'
status 143 "$DRYPORT" run --quiet --size 1M -- sh -c 'kill -TERM $$'
status 127 "$DRYPORT" run --quiet --size 1M -- "$work/no-such-command"
says 'no-such-command: no such command'

# one export for each unit, the first by default
status 0 "$DRYPORT" run --quiet --size 1M -- nbdinfo --list '{uri}'
grep -q 'export="0:0:0"' "$work/out" || fail "no export 0:0:0: $(cat "$work/out")"
for name in 0 0:0:0; do
  status 0 "$DRYPORT" run --quiet --size 1M -- sh -c "nbdinfo --size \"nbd+unix:///$name?\${uri#*\\?}\""
  [ "$(cat "$work/out")" = 1048576 ] || fail "export $name"
done
status 1 "$DRYPORT" run --quiet --size 1M -- sh -c 'nbdinfo --size "nbd+unix:///9:9:9?${uri#*\?}"'

# options: --name=VALUE, the last counts, before and after the operand
status 0 "$DRYPORT" run --quiet --size=1M "$simple" --size 2M --cpus 2 -- nbdinfo --size '{uri}'
[ "$(cat "$work/out")" = 2097152 ] || fail "the size is $(cat "$work/out")"

# the summary for programs
status 0 "$DRYPORT" run --quiet --size 1M --summary "$work/summary" -- nbdcopy '{uri}' null:
python3 -m json.tool "$work/summary" >/dev/null || fail "no JSON: $(cat "$work/summary")"
[ "$(number client_read)" = 1048576 ] || fail "client_read is $(number client_read)"
[ "$(number dma_written)" = $((1048576 + $(number port_read))) ] || fail "the bytes do not add up"
[ "$(number dma_read)" = $(($(number client_written) + $(number port_written))) ] ||
  fail "the bytes do not add up"

# the lists
status 0 "$DRYPORT" hw
grep -q '^simple ' "$work/out" || fail "hw does not know simple"
status 0 "$DRYPORT" exports --json
python3 -m json.tool "$work/out" >/dev/null || fail "no JSON"
grep -q '"StorPortGetScatterGatherList", "module": "storport.sys"' "$work/out" || fail "the export is missing"
status 0 "$DRYPORT" exports
grep -qE '^storport.sys +StorPortExtendedFunction$' "$work/out" || fail "the export is missing"
mkdir "$work/lacking"
cp "$simple"/* "$work/lacking/"
sed -i 's/^ULONG DriverEntry(/NTSTATUS NTAPI ZwNobodyHasThis(ULONG); ULONG NTAPI ZwNorThis(VOID);\n&/; s/^\treturn StorPortInitialize(/\tif (ZwNobodyHasThis(ZwNorThis()))\n\t\treturn 1;\n&/' "$work/lacking/simple.c"
status 0 "$DRYPORT" exports "$work/lacking"
[ "$(sort "$work/out" | tr '\n' ' ')" = 'ZwNobodyHasThis ZwNorThis ' ] || fail "missing: $(cat "$work/out")"
says 'lacking: 2 of its imports are missing'
status 0 "$DRYPORT" exports "$simple"
[ ! -s "$work/out" ] || fail "missing: $(cat "$work/out")"
status 0 "$DRYPORT" version
grep -qE '^dryport [0-9]+\.[0-9]+\.[0-9]+$' "$work/out" || fail "version says $(cat "$work/out")"
status 0 "$DRYPORT" help
for command in run build hw exports version help; do
  grep -q "dryport $command " "$work/out" || fail "help does not name $command"
done
status 0 "$DRYPORT" help run
status 0 "$DRYPORT" run --help
