#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# What dryport test-scsi makes of what iscsi-test-cu says and how it ends: by one of our own, which says what a test wants.
. "$(dirname "$0")/lib.sh"

mkdir "$work/bin"
cat >"$work/bin/iscsi-test-cu" <<'CU'
#!/bin/bash
if [ "$1" = --list ]; then
  printf 'ALL\nALL.One\nSCSI\nSCSI.One\nSCSI.One.Good\nSCSI.Two\nLINUX.Three\n'
  exit 0
fi
[ "$*" = "--dataloss --test SCSI.One /dev/dryport0" ] || [ "$*" = "--dataloss --test SCSI.Two /dev/dryport0" ] || exit 9
family=${3#SCSI.}
# shellcheck disable=SC1090
. "$SAYS/$family"
CU
chmod +x "$work/bin/iscsi-test-cu"
export PATH=$work/bin:$PATH SAYS=$work
cp -r "$SOURCE_ROOT/examples/ramdisk" "$work/ramdisk"

good='echo "Suite: One"; echo "  Test: Good ...passed"; exit 0'
reset() {
  echo "$good" >"$work/One"
  echo "$good" >"$work/Two"
  rm -f "$work/ramdisk/scsi-expected"
}
run() { # STATUS OPTIONS...
  local want=$1
  shift
  status "$want" "$DRYPORT" test-scsi "$work/ramdisk" "$@"
}
prints() {
  grep -qE -- "$1" "$work/out" || fail "not printed: $1: $(cat "$work/out" "$work/err")"
}

reset
run 0
prints '^One +1 +0 +0$'
prints '^Two +1 +0 +0$'
prints '^2 passed, 0 failed, 0 skipped: 0 failures not expected, 0 expected that did not come$'
run 0 --family=Two
! grep -q '^One' "$work/out" || fail "another family was run"

# as CUnit prints it: verdicts beside the test or below what it said
cat >"$work/One" <<'CU'
cat <<'SAID'
    [SKIPPED] before any test
Suite: One
  Test: Good ...passed
  Test: Part ...    [SKIPPED] NOTHING is not implemented.
passed
  Test: Said ...    [WARNING] that was close
passed
  Test: Bad ...    [SKIPPED] some of it
    [FAILED] READ10 said passed
FAILED
    1. test_bad.c:32  - CU_ASSERT_EQUAL(_r,"\0")
    2. test_bad.c:33  - CU_ASSERT_EQUAL(_r,1)
  Test: Worse ...FAILED
    1. test_worse.c:1  - CU_FAIL("no")
  Test: Last ...passed

Run Summary:    Type  Total    Ran Passed Failed Inactive
SAID
exit 1
CU
run 1
prints '^One +3 +2 +1$'
prints '^    Bad: test_bad.c:32  - CU_ASSERT_EQUAL\(_r,"\\0"\)$'
prints '^    Worse: test_worse.c:1  - CU_FAIL\("no"\)$'
prints '^4 passed, 2 failed, 1 skipped: 2 failures not expected'
printf '# a comment\n\nOne.Bad  for a reason # and why\nOne.Worse\tfor another\n' >"$work/ramdisk/scsi-expected"
run 0
prints '^    Bad: .* \(expected: for a reason ?\)$'
run 0 --json
python3 - "$work/out" <<'PY' || fail "$(cat "$work/out")"
import json, sys
said = json.load(open(sys.argv[1]))
one = said["families"][0]
assert (one["family"], one["passed"], one["failed"], one["skipped"], one["unexpected"]) == ("One", 3, 2, 1, 0)
assert one["failures"][0]["assertion"] == 'test_bad.c:32  - CU_ASSERT_EQUAL(_r,"\\0")'
assert one["failures"][1] == {"test": "Worse", "assertion": 'test_worse.c:1  - CU_FAIL("no")', "expected": "for another"}
assert said["good"] is True and said["stale"] == [] and said["passed"] == 4
PY
# what is listed has to fail; of families that were not run nothing is said
echo 'One.Good it does not' >>"$work/ramdisk/scsi-expected"
run 1
prints '^One.Good is listed as failing, and did not fail$'
run 1 --json
prints '"stale":\["One.Good"\].*"good":false'
run 0 --family Two
echo 'Nine.Nothing there is no such family' >"$work/ramdisk/scsi-expected"
echo "$good" >"$work/One"
run 1
prints '^Nine.Nothing is listed'
for line in 'One.Bad' 'One reason'; do
  echo "$line" >"$work/ramdisk/scsi-expected"
  run 1
  says 'scsi-expected:1: not a line'
done

# it ends in the middle, in its own way; the other family is run all the same
reset
echo 'echo "  Test: Good ...passed"; echo "  Test: Crash ..."; kill -SEGV $$' >"$work/One"
run 1
prints '^One +1 +1 +0$'
prints 'Crash: iscsi-test-cu ended by signal 11'
prints '^Two +1 +0 +0$'
echo 'echo "  Test: Good ...passed"; echo "  Test: Hang ..."; sleep 100' >"$work/One"
run 1 --timeout 1
prints 'Hang: iscsi-test-cu was not done within 1 seconds'
echo 'echo "  Test: Good ...passed"; exit 3' >"$work/One"
run 1
prints '^    iscsi-test-cu ended with status 3$'
echo 'exit 0' >"$work/One"
run 1
prints 'iscsi-test-cu ran no test'

# the machine's own verdict counts: a driver that goes on after its tests have passed
reset
sed -i -E 's/^(\tStorPortNotification\(RequestComplete, Extension, Srb\);)/\1\n\tif (Function == SRB_FUNCTION_EXECUTE_SCSI \&\& SrbGetCdb(Srb)->AsByte[0] == SCSIOP_TEST_UNIT_READY)\n\t\tStorPortNotification(RequestComplete, Extension, Srb);/' "$work/ramdisk/ramdisk.c"
echo "sg_turs /dev/dryport0; $good" >"$work/One"
if command -v sg_turs >/dev/null; then
  run 1
  prints '^    the machine: .*completed a second time'
fi

# wrong usage, and what is not there
status 2 "$DRYPORT" test-scsi
one_line
for bad in '--disk x' '--seed 1' '--timeout 0' '--timeout 5x' '--family Three'; do
  # shellcheck disable=SC2086
  run 2 $bad
done
rm "$work/bin/iscsi-test-cu"
command -v iscsi-test-cu >/dev/null || {
  run 1
  says 'libiscsi-bin'
}
