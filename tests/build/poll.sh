# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: The dryport authors
#
# Loops poll once in 64 turns, whatever they are made of and however they are optimised; so a driver that spins on
# memory goes on when an interrupt changes it. The same path gives the same polls.
. "$(dirname "$0")/lib.sh"

for level in 0 1 2 3 s; do
  status 0 "$BUILD" "$drivers/poll.c" -O $level -o poll.so
  status 0 timeout 10 "$MADE/poll-host" ./poll.so
done
