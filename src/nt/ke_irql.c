/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: the interrupt request level of the calling processor, on top of cpu/. */
#include "nt/nt_check.h"
#include "util/export.h"

KIRQL NTAPI KeGetCurrentIrql(VOID)
{
	cpu_poll();
	return cpu_irql();
}
DRY_EXPORT(KeGetCurrentIrql)

/* 0xC4/30: neither downwards nor above HIGH_LEVEL; the IRQL then stays as it is. */
KIRQL NTAPI KfRaiseIrql(KIRQL NewIrql)
{
	uint8_t old = nt_processor("KeRaiseIrql")->irql;

	if (NewIrql < old || NewIrql > HIGH_LEVEL) {
		nt_violation(NT_C4(0x30), "KeRaiseIrql to %u (%s) at IRQL %u (%s)", NewIrql,
			nt_irql_name(NewIrql), old, nt_irql_name(old));
		return old;
	}
	cpu_poll();
	return cpu_irql_raise(NewIrql);
}
DRY_EXPORT(KfRaiseIrql)

VOID NTAPI KeRaiseIrql(KIRQL NewIrql, PKIRQL OldIrql)
{
	*OldIrql = KfRaiseIrql(NewIrql);
}
DRY_EXPORT(KeRaiseIrql)

KIRQL NTAPI KeRaiseIrqlToDpcLevel(VOID)
{
	return KfRaiseIrql(DISPATCH_LEVEL);
}
DRY_EXPORT(KeRaiseIrqlToDpcLevel)

/* 0xC4/31: never upwards; the IRQL then stays as it is. */
VOID NTAPI KeLowerIrql(KIRQL NewIrql)
{
	uint8_t old = nt_processor("KeLowerIrql")->irql;

	if (NewIrql > old) {
		nt_violation(NT_C4(0x31), "KeLowerIrql to %u (%s) at IRQL %u (%s)", NewIrql,
			nt_irql_name(NewIrql), old, nt_irql_name(old));
		return;
	}
	cpu_irql_lower(NewIrql);
}
DRY_EXPORT(KeLowerIrql)

VOID NTAPI KfLowerIrql(KIRQL NewIrql)
{
	KeLowerIrql(NewIrql);
}
DRY_EXPORT(KfLowerIrql)
