/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the drivers of tests/conform/ share. */
#include "../kit/kit.c"
