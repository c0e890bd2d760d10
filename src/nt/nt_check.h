/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What every routine of this layer checks before it works: the caller's IRQL and that there is a
 * processor at all. A break is one violation; the caller then gives the documented result or goes
 * on in a way that damages nothing.
 */
#ifndef DRY_NT_CHECK_H
#define DRY_NT_CHECK_H

#include "nt/nt.h"
#include "cpu/cpu.h"

/* Numbers of bug check 0xC4: the code of the verifier, or the rule of DDI compliance (5.2, 5.3). */
#define NT_C4(parameter) (0xC4000000ull | (parameter))
enum nt_rule {
	NT_RULE_EX_APC = 0x20006,      /* IrqlExApcLte2 */
	NT_RULE_IO_DISPATCH = 0x20022, /* IrqlIoDispatch */
	NT_RULE_KE_APC = 0x2000F,      /* IrqlKeApcLte1 */
	NT_RULE_KE_DISPATCH = 0x20011, /* IrqlKeDispatchLte */
	NT_RULE_KE_SET_EVENT = 0x20016,
	NT_RULE_MM_APC = 0x20019,
	NT_RULE_MM_DISPATCH = 0x2001A,
	NT_RULE_OB_PASSIVE = 0x2001B,
	NT_RULE_PS_PASSIVE = 0x2001C,
	NT_RULE_ZW_PASSIVE = 0x2001F,
	NT_RULE_QUEUED_LOCK = 0x40006,
	NT_RULE_QUEUED_RELEASE = 0x40007,
	NT_RULE_SPIN_LOCK = 0x40009,
	NT_RULE_SPIN_RELEASE = 0x4000B,
};

/* "DISPATCH_LEVEL", "DIRQL" ... */
const char *nt_irql_name(uint8_t irql);
/* The violation of nt_irql_max. Returns false. */
bool nt_irql_break(const char *routine, uint8_t max, uint64_t number);

/* Whether the IRQL is at or below max; else a violation that names routine, IRQL and what is
 * allowed. */
static inline bool nt_irql_max(const char *routine, uint8_t max, uint64_t number)
{
	if (likely(cpu_irql() <= max))
		return true;
	return nt_irql_break(routine, max, number);
}

/* The calling processor; ends the process if the caller is a host thread that is none. */
struct cpu *nt_processor(const char *routine);

#endif
