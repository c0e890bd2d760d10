#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# Runs of many seeds that end badly: what is said about them, and that nothing of them stays behind.
. "$(dirname "$0")/lib.sh"

work20=rw:ops=20,verify

# signal_ends PID SIGNAL: it and its children are gone within ten seconds.
signal_ends() {
  local pid=$1 all
  all="$pid $(pgrep -P "$pid" | tr '\n' ' ' || true)"
  kill "-$2" "$pid"
  for _ in $(seq 100); do
    # a zombie has no memory
    [ -z "$(for pid in $all; do grep -l '^VmRSS' "/proc/$pid/status" 2>/dev/null || true; done)" ] && return
    sleep 0.1
  done
  fail "$2 does not end it: $all"
}

# background NAME OPTIONS...: $runner is the process, once it has begun its work.
background() {
  local name=$1
  shift
  "$DRYPORT" run "$work/$name" --hw simple --workload $work20 "$@" >"$work/out" 2>"$work/err" &
  runner=$!
  children+=("$runner")
  sleep 1
}

variant_of_simple loop 's/^\treturn SimpleStart\(Extension\);/\tstatic volatile ULONG Never; while (!Never) { } return SimpleStart(Extension);/'
status 0 "$DRYPORT" build "$work"/loop/*.c --safepoints memory -o "$work/loop.so"

# who asks a run to end is heard
background loop.so --seed 1
signal_ends "$runner" TERM
background loop.so --seeds 4 --jobs 2
signal_ends "$runner" TERM
# nor do the runs outlive who started them
background loop.so --seeds 4 --jobs 2
signal_ends "$runner" KILL

# a run that somebody else ends
background loop.so --seeds 4 --jobs 1
kill -KILL "$(pgrep -P "$runner")"
got=0
wait "$runner" || got=$?
[ $got = 1 ] || fail "status $got"
grep -q '^seed 1 failed, after 1 seeds: ended by signal 9' "$work/out" || fail "$(cat "$work/out")"

# a crash: whose it is, and the same again
variant_of_simple crash 's/^\tAdapter->Active\[Tag & Adapter->Mask\] = NULL;/\tif (Done->Sequence > 15) *(volatile int *)8 = 1; &/'
status 1 "$DRYPORT" run "$work/crash" --workload $work20 --seeds 3 --jobs 2
grep -qE '^seed 1 failed, after [12] seeds: ended with status 1 before its end' "$work/out" || fail "$(cat "$work/out")"
says 'the driver crashed in SimpleFinish'
says 'replayed from seed 1$'
grep 'SRB in flight' "$work/err" >"$work/first"
status 1 "$DRYPORT" run "$work/crash" --workload $work20 --seed 1
grep 'SRB in flight' "$work/err" | cmp - "$work/first" || fail "another request"

# of what a run prints without end, the end is kept
variant_of_simple print 's/^\treturn SimpleStart\(Extension\);/\tfor (ULONG i = 0; i < 400000; i++) DbgPrint("line %u of what nobody will ever read, as there is too much of it\\n", i); *(volatile int *)8 = 1; return FALSE;/'
status 1 "$DRYPORT" run "$work/print" --workload $work20 --seeds 1
says 'the first [0-9]+ bytes of what the run printed are left out'
says 'line 399999 of'
says 'the driver crashed in SimplePassiveInitialize'
[ "$(stat -c %s "$work/err")" -lt 17000000 ] || fail "$(stat -c %s "$work/err") bytes are printed"

# what the source leaves open, it does not get from the host: locals that are not set, addresses of its own
variant_of_simple open 's/^\tRequest->Srb = Srb;/& ULONG64 Left[64], Sum = (ULONG_PTR)SimpleSubmit; for (int i = 0; i < 64; i++) Sum = Sum * 31 + ((volatile ULONG64 *)Left)[i]; DbgPrint("%llx\\n", Sum); StorPortStallExecution((ULONG)(Sum % 50));/'
(
  ulimit -s 8192
  status 0 "$DRYPORT" run "$work/open" --cpus 2 --workload $work20 --seed 3 --trace "$work/first"
  mv "$work/err" "$work/first.err"
)
(
  ulimit -s 1000000 || exit 0
  export ANOTHER=$work$work$work TZ=Asia/Tokyo MALLOC_PERTURB_=90
  cd /
  status 0 "$DRYPORT" run "$work/open" --cpus 2 --workload $work20 --seed 3 --trace "$work/again"
  cmp "$work/first.err" "$work/err" || fail "it prints something else: $(diff "$work/first.err" "$work/err" | head -n 3)"
  cmp "$work/first" "$work/again" || fail "another run"
)

# a host that allows no more processes (a sanitizer's runtime wants to be loaded first)
[ "$SANITIZED" = 0 ] || exit 0
need cc
cat >"$work/fork.c" <<'C'
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
pid_t fork(void)
{
	static int forks;
	pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");

	if (++forks < 3)
		return real();
	errno = EAGAIN;
	return -1;
}

/* what failed has no number: -1 would be everybody's */
pid_t waitpid(pid_t pid, int *status, int options)
{
	pid_t (*real)(pid_t, int *, int) = (pid_t (*)(pid_t, int *, int))dlsym(RTLD_NEXT, "waitpid");

	return pid == -1 ? abort(), -1 : real(pid, status, options);
}
C
cc -shared -fPIC -D_GNU_SOURCE -o "$work/fork.so" "$work/fork.c" -ldl
status 0 "$DRYPORT" build "$simple"/*.c --safepoints memory -o "$work/simple.so"
status 1 timeout 60 env LD_PRELOAD="$work/fork.so" "$DRYPORT" run "$work/simple.so" --hw simple --workload $work20 --seeds 9 --jobs 4
one_line
says 'fork: Resource temporarily unavailable'
