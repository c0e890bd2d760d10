#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# The trace of a run is whole and well formed, however the run ends; `dryport trace` shows what is asked for.
. "$(dirname "$0")/lib.sh"
cd "$work"

ops=2000
work_spec=rw:ops=$ops,sizes=512-64k,depth=8,verify

# ---- under threads: what the events say of each other ----

status 0 "$DRYPORT" run "$simple" --cpus 3 --workload $work_spec --trace threads
cat >check.py <<'PY'
import collections, re, sys
path, ops = sys.argv[1], int(sys.argv[2])
lines = open(path).read().split("\n")
assert lines[0].startswith("# dryport trace 1:"), lines[0]
assert lines[-2:] == ["# end", ""], lines[-2:]
begun = collections.defaultdict(list)  # of each processor: calls that have not ended
places = collections.defaultdict(dict)  # of each request: event -> its first line
counts = collections.Counter()
given_back = set()
before, inside = 0, None
within = collections.Counter()  # (what, in which call of the same processor)
for number, line in enumerate(lines[1:-2]):
    words = line.split()
    ns, place, irql, station, name = int(words[0]), words[1], words[3], words[4], words[5]
    arguments = dict(zip(words[6::2], words[7::2]))
    which = next((arguments[key] for key in ("id", "message", "dpc", "type") if key in arguments), None)
    assert ns >= before, line
    before = ns
    assert (place == "-") == (irql == "-"), line
    stack = begun[place]
    if name.endswith(".end") and name not in ("workload.end", "reset.end"):
        assert stack and stack.pop() == (name[:-4], which), line
    elif name in ("hw.buildio", "hw.startio", "hw.control", "irq", "dpc"):
        for call, _ in stack:
            within[name, call] += 1
        stack.append((name, which))
    elif name == "cpu.switch":
        for call, _ in stack:
            within[name, call] += 1
    if name in ("hw.buildio", "hw.startio", "dpc"):
        assert irql == "2", line
    if name == "hw.buildio.end" and arguments["result"] == "0":  # completed there
        given_back.add(arguments["id"])
    if name == "irq":
        assert 3 <= int(irql) <= 12, line
    if name == "workload.begin":
        assert arguments["ops"] == str(ops), line
        inside = collections.Counter()
    if inside is not None:
        inside[name] += 1
        if name == "srb.submit":
            assert arguments["function"] == "00" and arguments["command"] in ("28", "2a"), line
    if name == "workload.end":
        assert arguments["error"] == "0", line
        assert inside["srb.submit"] == inside["srb.done"] == ops, inside
        inside = None
    counts[name] += 1
    if "id" in arguments:
        assert name not in places[arguments["id"]] or name in ("srb.go", "sg.get"), line
        places[arguments["id"]].setdefault(name, number)
assert counts["workload.end"] == 1 and not any(begun.values()), begun
order = ["srb.submit", "srb.go", "dma.map", "hw.buildio", "hw.buildio.end", "hw.startio", "srb.done"]
for id, events in places.items():
    seen = [events[name] for name in order if name in events]
    assert seen == sorted(seen), (id, events)
    assert "srb.submit" in events and "srb.done" in events, (id, events)
    assert id in given_back or events["hw.startio"] < events["hw.startio.end"], (id, events)
assert len(given_back) < len(places) / 2, given_back
assert counts["srb.submit"] == counts["srb.done"] == len(places), counts
print(within["cpu.switch", "hw.buildio"] > 0, within["cpu.switch", "hw.startio"] > 0, within["irq", "hw.startio"] > 0)
PY
python3 check.py threads $ops

# ---- under replay: the same again, from another seed another order, and everything that can come between comes ----

for file in 7 7again 8; do
  status 0 "$DRYPORT" run "$simple" --cpus 3 --workload $work_spec,seed=1 --seed "${file%again}" --trace "replay$file"
done
cmp replay7 replay7again || fail "seed 7 gives two traces"
[ "$(python3 check.py replay7 $ops)" = "True True True" ] || fail "no switch in BuildIo, in StartIo, or no interrupt in StartIo"
order() { awk '$6 == "hw.startio" || $6 == "irq" { print $2, $6, $8 }' "$1"; }
! cmp -s <(order replay7) <(order replay8) || fail "seeds 7 and 8 give one order of hw.startio and irq"

# ---- runs that end badly ----

variant_of_simple crash 's/^(\t+Entry->Head = Request->Command.Head = Head;)/\tif (Request->Command.Opcode == SIMPLE_WRITE) *(volatile ULONG *)NULL = 1; \1/'
variant_of_simple bugcheck 's/^(\t+Entry->Head = Request->Command.Head = Head;)/\tif (Request->Command.Opcode == SIMPLE_WRITE) KeBugCheckEx(0xE2, 1, 2, 3, 4); \1/'
sed -i 's/#include <storport.h>/&\n#include <ntddk.h>/' bugcheck/*.[ch]
for driver in crash bugcheck; do
  status 1 "$DRYPORT" run $driver --workload rw:ops=100 --trace died
  [ "$(tail -n 1 died)" = '# died' ] || fail "$driver: the trace ends with $(tail -n 1 died)"
  # it died inside the call that the last event of its processor began
  tail -n 30 died | grep -q ' 4 hw.startio ' || fail "$driver: no StartIo before the end"
  status 0 "$DRYPORT" trace died --type hw.startio.end
  ended=$(tail -n 1 out)
  status 0 "$DRYPORT" trace died --type hw.startio
  [ "${ended##* id }" != "$(tail -n 1 out | sed 's/.* id //') result 1" ] || fail "$driver: its last StartIo has an end"
done

# a sanitizer ends the process in its own way
if [ "$SANITIZED" = 1 ]; then
  variant_of_simple overflow 's/^(\t+Entry->Head = Request->Command.Head = Head;)/\tULONG Few[2] = {0}; ((volatile ULONG *)Few)[2 + Tag] = 1; \1/'
  status 1 "$DRYPORT" run overflow --workload rw:ops=100 --seed 5 --trace died
  says 'replayed from seed 5'
  says 'SRB in flight: '
  [ "$(tail -n 1 died)" = '# died' ] || fail "a sanitizer's end: the trace ends with $(tail -n 1 died)"
fi

status 1 "$DRYPORT" run "$simple" --workload rw:ops=2000 --trace /dev/full
[ "$(grep -c -- '--trace /dev/full: No space left on device' err)" = 1 ] || fail "a full disk: $(cat err)"
status 1 "$DRYPORT" run "$simple" --workload rw:ops=1 --trace /nonexistent/trace
says '--trace /nonexistent/trace: No such file'
status 2 "$DRYPORT" run "$simple" --workload rw:ops=1 --seeds 2 --trace none
says '--seeds with --trace'
[ ! -e none ] || fail "a trace was made"

# served, in another process, whose folder is ours
status 0 "$DRYPORT" run "$simple" --size 1M --trace served -- true
grep -q ' srb.submit .* command 12 ' served || fail "no INQUIRY"
[ "$(tail -n 1 served)" = '# end' ] || fail "served: $(tail -n 1 served)"

# ---- dryport trace ----

show() { # FILTER... ; what it shows is in `out`, and only lines of the trace are
  status 0 "$DRYPORT" trace threads "$@"
  grep -vxFf threads out >foreign || return 0
  fail "not of the trace: $(head -n 1 foreign)"
}

head -n 1200 threads | grep -v '^#' >short
{ head -n 1 threads && cat short && echo '# end'; } >small && mv small threads
show
cmp out short || fail "without a filter"
show --type 'srb.*'
cmp out <(awk '$6 ~ /^srb\./' short) || fail "--type"
show --type irq,dpc.end
cmp out <(awk '$6 == "irq" || $6 == "dpc.end"' short) || fail "--type with a list"
show --srb 8
cmp out <(awk '$7 == "id" && $8 == 8' short) || fail "--srb"
[ "$(awk '{ print $6 }' out | head -n 1)" = srb.submit ] || fail "--srb: no beginning"
show --cpu 0
cmp out <(awk '$2 == "cpu0"' short) || fail "--cpu 0"
show --cpu -
cmp out <(awk '$2 == "-"' short) || fail "--cpu -"
from=$(sed -n 300p short | awk '{ print $1 }') to=$(sed -n 600p short | awk '{ print $1 }')
show --from "$from" --to "${to}ns"
cmp out <(awk -v from="$from" -v to="$to" '$1 >= from && $1 <= to' short) || fail "--from, --to"
show --from 1ms --cpu 0 --type 'hw.*'
cmp out <(awk '$1 >= 1000000 && $2 == "cpu0" && $6 ~ /^hw\./' short) || fail "filters together"
"$DRYPORT" trace - --srb 8 <threads >out || fail "standard input"
cmp out <(awk '$7 == "id" && $8 == 8' short) || fail "standard input"

status 0 "$DRYPORT" trace threads --summary
for type in $(awk '{ print $6 }' short | sort -u) all; do
  wanted=$(awk -v type="$type" '$6 == type || type == "all" { n[$2]++; all++ }
    END { print all, n["cpu0"] + 0, n["cpu1"] + 0, n["cpu2"] + 0, n["-"] + 0 }' short)
  # a column for each processor that there is anything of; nothing may come from outside the processors
  got=$(awk -v type="$type" 'function of(name) { return name in at ? $at[name] : 0 }
    $1 == "event" { for (n = 2; n <= NF; n++) at[$n] = n }
    $1 == type { line = of("all") " " of("cpu0") " " of("cpu1") " " of("cpu2") " " of("-") } END { print line }' out)
  [ "$got" = "$wanted" ] || fail "--summary: $type: $got, not $wanted"
done
status 0 "$DRYPORT" trace threads --summary --type 'srb.*' --cpu 0
[ "$(awk '$1 == "all" { print $2 }' out)" = "$(awk '$2 == "cpu0" && $6 ~ /^srb\./' short | wc -l)" ] || fail "--summary of some"

# to the first request, and half of a line; how many polls of a register come before it differs
{ sed '/srb\.submit/q' threads; grep -m 1 'srb\.done' threads | head -c 30; } >cut
status 0 "$DRYPORT" trace cut --type srb.submit
says 'cut ends in the middle'
status 1 "$DRYPORT" trace threads --srb 999999
says 'threads: no such event'
status 1 "$DRYPORT" trace "$simple/simple.c"
says 'not a trace'
{ cat threads && echo nonsense; } >bad
status 1 "$DRYPORT" trace bad
says "bad:$(wc -l <bad): not an event"
status 1 "$DRYPORT" trace nowhere
says 'nowhere: No such file'
for wrong in '--srb x' '--srb 1x' '--cpu 64' '--cpu one' '--from 1h' '--to -1' '--from 99999999999999999999s'; do
  # shellcheck disable=SC2086
  status 2 "$DRYPORT" trace threads $wrong
  one_line
done
status 2 "$DRYPORT" trace
says 'which file'
