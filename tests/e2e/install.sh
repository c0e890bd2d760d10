#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
# meson install, moved elsewhere: docs/library.md's program is built against it, shared and static, and its programs work.
. "$(dirname "$0")/lib.sh"
need meson pkg-config

DESTDIR=$work/stage meson install -C "$BUILD_ROOT" --no-rebuild --quiet >"$work/out" 2>"$work/err" || fail "$(cat "$work/out" "$work/err")"
prefix=$work/moved
mv "$(dirname "$(dirname "$(find "$work/stage" -name dryport -type f -path '*/bin/*')")")" "$prefix"
pc=$(find "$prefix" -name dryport.pc)
lib=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH=$lib/pkgconfig
say() { pkg-config --define-variable=prefix="$prefix" "$@" dryport; }
[ "$(say --modversion)" = "$("$DRYPORT" version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -1)" ] || fail "version: $(say --modversion)"

sed -n '/^```c$/,/^```$/p' "$SOURCE_ROOT/docs/library.md" | sed '/^```/d' >"$work/host.c"
[ "$(wc -l <"$work/host.c")" -gt 30 ] || fail "no program in docs/library.md"

# the installed compiler takes its own headers
status 0 "$prefix/bin/dryport-build" -v "$prefix/share/dryport/examples/simple" -o "$work/simple.so"
cat "$work/out" "$work/err" >"$work/said"
grep -q "$prefix/share/dryport/include/ddk" "$work/said" || fail "the installed headers are not used: $(cat "$work/said")"
! grep -q "$SOURCE_ROOT/include/ddk" "$work/said" || fail "the tree's headers are used"

for compiler in gcc "clang-$LLVM"; do
  command -v "$compiler" >/dev/null || continue
  # shellcheck disable=SC2046
  "$compiler" -Wall -Werror "$work/host.c" $(say --cflags) $(say --libs) -Wl,-rpath,"$lib" -o "$work/shared"
  # shellcheck disable=SC2046
  "$compiler" -Wall -Werror "$work/host.c" $(say --cflags) "$lib/libdryport.a" -ldl -lpthread -lZydis -ljansson -o "$work/static"
  for program in shared static; do
    status 0 "$work/$program" "$work/simple.so" simple
    grep -q 'simple: 65536 bytes written by DMA, right' "$work/out" || fail "$compiler, $program: $(cat "$work/out")"
    status 1 "$work/$program" "$work/simple.so" nothing
    says 'no such device'
  done
  ! ldd "$work/static" | grep -q libdryport || fail "the static program needs the shared library"
done
# what is hidden stays hidden
! nm -D --defined-only "$lib"/libdryport.so | grep -vE ' dry_| _init| _fini' || fail "the shared library exports more than dry_*"
! nm --defined-only --extern-only "$lib/libdryport.a" | grep -E ' [TDB] ' | grep -vE ' dry_' || fail "the static library has other names than dry_*"

# the programs, from where they are now
export XDG_CACHE_HOME=$work/cache
status 0 "$prefix/bin/dryport" run "$prefix/share/dryport/examples/nvme" --workload rw:ops=200,verify
status 0 "$prefix/bin/dryport" run "$prefix/share/dryport/examples/simple" --size 1M -- nbdinfo --size '{uri}'
[ "$(cat "$work/out")" = 1048576 ] || fail "$(cat "$work/out")"
status 0 "$prefix/bin/dryport" run "$prefix/share/dryport/examples/simple" --size 1M --sg -- stat -c '%F %t %T' /dev/dryport0
[ "$(cat "$work/out")" = 'character special file 15 0' ] || fail "$(cat "$work/out")"
