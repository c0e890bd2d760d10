/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* wdm.h and what Windows declares besides for drivers of the old style. */
#ifndef _NTDDK_
#define _NTDDK_

#include "wdm.h"

#endif
