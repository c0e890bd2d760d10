/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* From here on DEFINE_GUID (guiddef.h) defines instead of declaring. */
#ifndef INITGUID
#define INITGUID
#endif
#include "guiddef.h"
