#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# docs/cli.md describes every command and every option, and no other.
. "$(dirname "$0")/lib.sh"

page=$SOURCE_ROOT/docs/cli.md

# The options of a command's section (## `dryport NAME ...`), each on a line that begins with `--name`.
described() {
  sed -n "/^## \`dryport $1[ \`]/,/^## /p" "$page" | grep -oE '^`--[a-z-]+' | tr -d '`' | sort -u
}

offered() {
  "$DRYPORT" "$1" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u
}

for command in $("$DRYPORT" help | sed -nE 's/^  dryport ([a-z]+).*/\1/p'); do
  grep -qE "^## \`dryport ${command}[ \`]" "$page" || fail "docs/cli.md has no section on $command"
  # dryport-build lists its options in its own way
  [ "$command" != build ] || continue
  offered "$command" | grep -vx -- --help >"$work/offered" || true
  described "$command" | grep -vx -- --help >"$work/described" || true
  diff "$work/offered" "$work/described" || fail "$command: options (<) and docs/cli.md (>) differ"
done
for option in $("$DRYPORT" build --help | grep -oE -- '--[a-z][a-z-]+' | grep -vx -- --help | sort -u); do
  sed -n "/^## \`dryport build/,/^## /p" "$page" | grep -q -- "$option" || fail "build: $option is not in docs/cli.md"
done
