/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#pragma once
#define HAVE_PROTO_H 1
#include "..\OUTSIDE\types.H"
