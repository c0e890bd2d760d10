/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What a miniport says of errors, for the trace and whoever looks on. */
#include "port/hba.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <stdio.h>

#define LEVEL_ERROR 2 /* of ETW */

static const char *error_name(ULONG code)
{
	static const char *const names[] = {
		[SP_BUS_PARITY_ERROR] = "bus parity error",
		[SP_UNEXPECTED_DISCONNECT] = "unexpected disconnect",
		[SP_INVALID_RESELECTION] = "invalid reselection",
		[SP_BUS_TIME_OUT] = "bus time-out",
		[SP_PROTOCOL_ERROR] = "protocol error",
		[SP_INTERNAL_ADAPTER_ERROR] = "internal adapter error",
		[SP_REQUEST_TIMEOUT] = "request time-out",
		[SP_IRQ_NOT_RESPONDING] = "no interrupts",
		[SP_BAD_FW_WARNING] = "old or bad firmware",
		[SP_BAD_FW_ERROR] = "bad firmware, the device is not used",
	};

	return code < array_size(names) && names[code] ? names[code] : "a code of its own";
}

void port_hba_log_error(const struct port_hba *hba, uint8_t path, uint8_t target, uint8_t lun,
	uint32_t code, uint32_t unique)
{
	char line[160];

	snprintf(line, sizeof(line),
		"%s logs an error: code %08x (%s), unique id %08x, unit %u:%u:%u.", hba->name, code,
		error_name(code), unique, path, target, lun);
	trace(TRACE_LOG, (uintptr_t)line, unique, LEVEL_ERROR);
	nt_debug_line(line);
}
