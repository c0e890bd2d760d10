# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# AddressSanitizer and UndefinedBehaviorSanitizer find a driver's bugs and name its function, file and line; a
# host without the runtime says what is missing.
. "$(dirname "$0")/lib.sh"

need "clang-$LLVM"
runtime=$("clang-$LLVM" -print-file-name=libclang_rt.asan-x86_64.so)
[ -e "$runtime" ] || skip "clang $LLVM has no sanitizer runtime"
"clang-$LLVM" -g -D_GNU_SOURCE -Wall -Werror -fsanitize=address,undefined -shared-libsan "$HERE/sanitize_host.c" -o host \
  -ldl -Wl,-rpath,"$(dirname "$runtime")"
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
ASAN_SYMBOLIZER_PATH=$(command -v "llvm-symbolizer-$LLVM" || command -v llvm-symbolizer || skip "no llvm-symbolizer")
export ASAN_SYMBOLIZER_PATH UBSAN_SYMBOLIZER_PATH=$ASAN_SYMBOLIZER_PATH

# bug NUMBER KIND FUNCTION LINE
bug() {
  status 1 ./host ./overflow.so "$1"
  says err "AddressSanitizer: $2"
  grep -qE "in $3 .*overflow.c:$4" err || fail "not at $3, overflow.c:$4: $(cat err)"
}

for level in 0 2; do
  status 0 "$BUILD" "$drivers/overflow.c" -O $level --sanitize address,undefined -o overflow.so
  status 0 ./host ./overflow.so 0
  lines err 0
  bug 1 heap-buffer-overflow heap 14
  bug 2 stack-buffer-overflow stack 25
  bug 3 global-buffer-overflow global 31
  bug 4 heap-use-after-free freed 39
  status 0 ./host ./overflow.so 5
  says err "overflow.c:44:11: runtime error: shift exponent 40 is too large for 32-bit type 'int'"
  ./host ./overflow.so 6 >out 2>err || true
  says err "overflow.c:49:9: runtime error: index 11 out of bounds for type 'int[10]'"
done

# the same object in a process that has no runtime
if [ "${SANITIZED:-0}" = 0 ]; then
  status 1 "$HOST" overflow.so
  says out "error: overflow.so was built with --sanitize address, and this process has no runtime for it"
  # a driver alone, with the runtime preloaded
  status 0 "$BUILD" "$drivers/names.c" --sanitize address,undefined -o names.so
  status 0 env LD_PRELOAD="$runtime" "$HOST" names.so
fi

# frame pointers are for the sanitizers' runtimes alone
need objdump
pointers() {
  objdump -d --no-show-raw-insn "$1" | grep -cE 'mov +%rsp,%rbp' || true
}
[ "$(pointers overflow.so)" -ge 7 ] || fail "$(pointers overflow.so) functions with a frame pointer"
status 0 "$BUILD" "$drivers/overflow.c" -o plain.so
[ "$(pointers plain.so)" = 0 ] || fail "frame pointers without a sanitizer"
