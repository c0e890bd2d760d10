/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The annotations of sal.h under their other header name. */
#include "sal.h"
