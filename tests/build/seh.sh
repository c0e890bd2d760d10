# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# __try, __except and __finally, at every level of optimisation; what nobody catches ends the run.
. "$(dirname "$0")/lib.sh"

for level in 0 1 2 3 s; do
  status 0 "$BUILD" "$drivers/seh.c" -O $level -o seh.so
  lines err 0
  status 0 "$HOST" seh.so 0
done
status 1 "$HOST" seh.so 1
says err "dryport: ExRaiseStatus: exception 0xC0000042, raised in thrower (seh.c:"
says err "is caught by no __except; Windows stops with bug check 0x1E, KMODE_EXCEPTION_NOT_HANDLED"
