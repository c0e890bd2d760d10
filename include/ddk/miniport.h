/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What miniports of all kinds include first: the kernel's types, which stand in wdm.h's parts. */
#ifndef _MINIPORT_
#define _MINIPORT_

#include "wdm.h"

#endif
