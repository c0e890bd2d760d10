#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# soak.sh EXAMPLE [long]: fio writes at random over NBD and verifies, again and again, while the adapter is reset, stopped, put to sleep,
# paused, pulled out and put in at times of chance: no error, and the machine's memory does not grow. 20 seconds; as a part of
# `./dryport test --long` 30 minutes; SOAK_SECONDS in place of either. ThreadSanitizer, where DRYPORT has it, must be silent.
. "$(dirname "$0")/lib.sh"
need fio pgrep
seconds=20
[ "${2:-}" != long ] || seconds=1800
seconds=${SOAK_SECONDS:-$seconds}
growth=4096 # KiB

at=()
for event in reset-bus restart nap replug pause resume; do
  at+=(--at "every-$((300 + RANDOM % 1500))ms:$event")
done
at+=(--at 100ms:resume)
echo "$1 for $seconds s: ${at[*]}"

# The command: passes of fio, and after each the anonymous memory of the process that the machine lives in. The first passes
# touch what the storage and the sanitizers have.
cat >"$work/passes" <<'P'
set -e
machine=$(pgrep -P "$PPID" -x nbdkit)
end=$((SECONDS + seconds))
while [ $SECONDS -lt $end ]; do
  fio --name=soak --ioengine=nbd "--uri=$uri" --rw=randrw --bsrange=4k-64k --blockalign=4k --iodepth=16 --size=8m --numjobs=2 \
    --offset_increment=8m --verify=crc32c --verify_fatal=1 --verify_state_save=0 --randrepeat=0 --eta=never --output=fio.out ||
    { cat fio.out >&2; exit 1; }
  sed -nE 's/^RssAnon:\s+([0-9]+) kB/\1/p' "/proc/$machine/status" >>rss
done
P
cd "$work"
status 0 env seconds="$seconds" "$DRYPORT" run "$SOURCE_ROOT/examples/$1" --cpus 4 --size 16M --hold 60 "${at[@]}" --summary "$work/summary" -- \
  bash "$work/passes"
grep -q '"verdict": "good"' "$work/summary" || fail "$(cat "$work/summary")"
! grep -q 'dryport: --at: re' "$work/err" || fail "an event failed: $(cat "$work/err")"
! grep -q ThreadSanitizer "$work/err" || fail "$(cat "$work/err")"
passes=$(wc -l <"$work/rss")
[ "$passes" -ge 3 ] || fail "only $passes passes in $seconds s"
first=$(sed -n "$(((passes + 3) / 4 + 1))p" "$work/rss") last=$(tail -n 1 "$work/rss")
echo "$passes passes, memory $first KiB, then $last KiB"
# a sanitizer keeps what was freed
[ "$SANITIZED" = 1 ] || [ "$last" -le $((first + growth)) ] || fail "the machine's memory grew from $first KiB to $last KiB"
