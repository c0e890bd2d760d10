/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Goes with a copy of examples/simple whose passive initialisation ends with SimpleSpin: it gives
 * the controller a command and then does nothing but look at memory until the interrupt has come.
 */
#include "simple.h"

BOOLEAN SimpleMessage(PVOID Extension, ULONG MessageId);

static volatile ULONG Interrupts;
static BOOLEAN Spinning;

BOOLEAN SimpleSpinMessage(PVOID Extension, ULONG MessageId)
{
	if (!Spinning)
		return SimpleMessage(Extension, MessageId);
	Interrupts++;
	return TRUE;
}

BOOLEAN SimpleSpin(PSIMPLE_ADAPTER Adapter)
{
	Spinning = TRUE;
	Adapter->Commands[0] = (SIMPLE_COMMAND){.Opcode = SIMPLE_FLUSH};
	StorPortWriteRegisterUlong(Adapter, &Adapter->Registers->Doorbell, 1);
	while (Interrupts == 0)
		;
	Spinning = FALSE;
	Adapter->Submitted = Adapter->Completed = 1;
	return TRUE;
}
