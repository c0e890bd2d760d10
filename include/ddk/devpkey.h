/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The keys of the properties that devices have here (IoGetDevicePropertyData). */
#ifndef DDK_DEVPKEY_H
#define DDK_DEVPKEY_H

#include "devpropdef.h"

DEFINE_DEVPROPKEY(DEVPKEY_Device_InstanceId, 0x78c34fc8, 0x104a, 0x4aca, 0x9e, 0xa4, 0x52, 0x4d,
	0x52, 0x99, 0x6e, 0x57, 256);

#endif
