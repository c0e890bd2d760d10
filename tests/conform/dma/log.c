/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The other half of the miniport around the checks; see main.c. */
#include "../../../examples/simple/log.c"
