/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The miniport around the checks is examples/simple, word for word. Its passive initialisation is
 * preceded by ours, while the controller is nobody else's: that gets the device objects, runs all
 * checks and leaves the controller stopped. Interrupts of that time are swallowed; completions are
 * looked for in the ring.
 */
#include <storport.h>

#define StorPortInitialize CfInitialize
ULONG CfInitialize(PVOID Argument1, PVOID Argument2, PHW_INITIALIZATION_DATA Data, PVOID HwContext);
#include "../../../examples/simple/simple.c"
#undef StorPortInitialize
#include "conform.h"

static PSIMPLE_ADAPTER Controller;
static BOOLEAN IsChecking;
static PHW_FIND_ADAPTER SimpleFind;

ULONG CfCommand(BOOLEAN Write, ULONG64 List, ULONG Elements)
{
	ULONG n = Controller->Submitted++ % Controller->Entries;
	volatile SIMPLE_COMPLETION *Done = &Controller->Completions[n];

	Controller->Commands[n] = (SIMPLE_COMMAND){.Opcode = Write ? SIMPLE_WRITE : SIMPLE_READ,
		.Elements = (USHORT)Elements,
		.List = List};
	StorPortWriteRegisterUlong(
		Controller, &Controller->Registers->Doorbell, Controller->Submitted);
	for (ULONG i = 0; i < 500000; i++) {
		if (Done->Sequence == Controller->Submitted)
			return Done->Status;
		StorPortStallExecution(10);
	}
	return (ULONG)-1;
}

static VOID RunAll(VOID)
{
	CfBegin("start");
	if (!CfOpen()) {
		CfEnd();
		return;
	}
	CfEnd();
	CfIrqlChecks();
	CfRun(CfAdapterChecks);
	CfRun(CfCommonChecks);
	CfRun(CfMdlChecks);
	CfRun(CfDomainChecks);
	CfRun(CfChannelChecks);
	CfRun(CfChannelExChecks);
	CfRun(CfMapExChecks);
	CfRun(CfListChecks);
	CfRun(CfListFailures);
	CfRun(CfListExChecks);
	CfRun(CfShortageChecks);
	CfClose();
}

static BOOLEAN CfPassiveInitialize(PVOID Extension)
{
	PVOID Functional, Physical, Lower;

	Controller = Extension;
	StorPortGetDeviceObjects(Extension, &Functional, &Physical, &Lower);
	CfFunctional = Functional;
	CfPhysical = Physical;
	IsChecking = TRUE;
	if (SimpleStart(Controller)) {
		RunAll();
		CfSummary();
	}
	if (!SimpleControl(Controller, 0))
		return FALSE;
	IsChecking = FALSE;
	return SimplePassiveInitialize(Extension);
}

static BOOLEAN CfHwInitialize(PVOID Extension)
{
	return StorPortEnablePassiveInitialization(Extension, CfPassiveInitialize);
}

static BOOLEAN CfMessage(PVOID Extension, ULONG MessageId)
{
	return IsChecking || SimpleMessage(Extension, MessageId);
}

static ULONG CfFindAdapter(PVOID Extension, PVOID HwContext, PVOID BusInformation,
	PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION Config, PBOOLEAN Again)
{
	ULONG Status =
		SimpleFind(Extension, HwContext, BusInformation, ArgumentString, Config, Again);

	Config->HwMSInterruptRoutine = CfMessage;
	return Status;
}

/* What examples/simple calls for StorPortInitialize. */
ULONG CfInitialize(PVOID Argument1, PVOID Argument2, PHW_INITIALIZATION_DATA Data, PVOID HwContext)
{
	SimpleFind = Data->HwFindAdapter;
	Data->HwFindAdapter = CfFindAdapter;
	Data->HwInitialize = CfHwInitialize;
	return StorPortInitialize(Argument1, Argument2, Data, HwContext);
}
