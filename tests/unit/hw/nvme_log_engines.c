/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* nvme_log.c once more, with an engine for each I/O queue. */
#define DRIVER_MORE "engines=16"
#include "nvme_log.c"
