/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Device control codes: device types, methods, access and CTL_CODE. ntddk.h has them too. */
#ifndef DDK_DEVIOCTL_H
#define DDK_DEVIOCTL_H

#include "parts/io.h"

#endif
