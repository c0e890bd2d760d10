#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# docs/cli.md describes every command and every option, and no other.
. "$(dirname "$0")/lib.sh"

page=$SOURCE_ROOT/docs/cli.md

# The options of a command's section (## `dryport NAME ...`), each on a line that begins with `--name`.
section() {
  sed -n "/^## \`dryport $1[ \`]/,/^## /p" "$page"
}

# A section may refer to run's for the machine's options.
described() {
  {
    section "$1"
    if section "$1" | grep -q '^The options of the machine are those of `run`'; then
      section run | sed -n '/^Options of the machine/,/^### /p'
    fi
  } | grep -oE '^`--[a-z-]+' | tr -d '`' | sort -u
}

offered() {
  "$DRYPORT" "$1" --help | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u
}

for command in $("$DRYPORT" help | sed -nE 's/^  dryport ([a-z-]+).*/\1/p'); do
  grep -qE "^## \`dryport ${command}[ \`]" "$page" || fail "docs/cli.md has no section on $command"
  # dryport-build lists its options in its own way
  [ "$command" != build ] || continue
  offered "$command" | grep -vx -- --help >"$work/offered" || true
  described "$command" | grep -vx -- --help >"$work/described" || true
  diff "$work/offered" "$work/described" || fail "$command: options (<) and docs/cli.md (>) differ"
done
for option in $("$DRYPORT" build --help | grep -oE -- '--[a-z][a-z-]+' | grep -vx -- --help | sort -u); do
  sed -n "/^## \`dryport build/,/^## /p" "$page" | grep -- "$option" >/dev/null || fail "build: $option is not in docs/cli.md"
done
