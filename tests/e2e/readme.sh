#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# The commands of README.md and the docs are run as they stand.
. "$(dirname "$0")/lib.sh"

# The lines of ```sh blocks that begin with ./dryport. `./dryport test` is what runs this.
commands() {
  sed -n '/^```sh$/,/^```$/p' "$1" | grep -E '^\./dryport ' | grep -vE '^\./dryport (test|setup)( |$)' || true
}

cp -r "$SOURCE_ROOT/examples" "$work/"
mkdir "$work/bin"
cd "$work"
# the files that the pages' examples speak of
random disk.img 64M
truncate -s 64M copy.img
count=0
for page in "$SOURCE_ROOT"/README.md "$SOURCE_ROOT"/docs/*.md; do
  while IFS= read -r line; do
    count=$((count + 1))
    echo "\$ $line"
    status=0
    timeout 120 bash -c "${line//.\/dryport/\"\$DRYPORT\"}" </dev/null >out 2>&1 || status=$?
    [ $status = 0 ] || { cat out; fail "${page##*/}: status $status: $line"; }
  done < <(commands "$page")
done
[ $count -gt 2 ] || fail "only $count commands were found"
