#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# dryport test-scsi with the real iscsi-test-cu: an example passes all that its file scsi-expected does not list.
. "$(dirname "$0")/lib.sh"
need iscsi-test-cu

example=$SOURCE_ROOT/examples/$1
status 0 "$DRYPORT" test-scsi "$example" --size 64M
# not because nothing was run
grep -qE '^Read10 +[4-9] ' "$work/out" || fail "$(cat "$work/out")"
[ "$(grep -cE '^[A-Za-z0-9]+ +[0-9]+ +[0-9]+ +[0-9]+$' "$work/out")" -gt 40 ] || fail "few families: $(cat "$work/out")"

[ "$1" = nvme ] || exit 0
for options in '--block-size 4096' '--cpus 2 --memory high --engine iommu'; do
  # shellcheck disable=SC2086
  for family in Inquiry Read16 Unmap Verify10; do
    status 0 "$DRYPORT" test-scsi "$example" --size 64M --family $family $options
  done
done
status 0 "$DRYPORT" test-scsi "$example" --read-only --family ReadOnly
# it passes, and leaves out what the driver lacks
grep -qE '^ReadOnly +0 +0 +1$' "$work/out" || fail "$(cat "$work/out")"

# a fault of the translation is found: reads that look at no protection bits
cp -r "$example" "$work/wrong"
sed -i 's/if (Bits >> 5)/if (Bits >> 8)/' "$work/wrong/nvme_scsi.c"
! cmp -s "$example/nvme_scsi.c" "$work/wrong/nvme_scsi.c" || fail "nothing is changed"
status 1 "$DRYPORT" test-scsi "$work/wrong" --family Read10
grep -qE '^    ReadProtect: test_read10_rdprotect' "$work/out" || fail "$(cat "$work/out")"
