/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The header of file systems and filters; for storage drivers it is ntddk.h. */
#ifndef _NTIFS_
#define _NTIFS_

#include "ntddk.h"

#endif
