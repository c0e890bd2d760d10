/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Outcomes of checks as lines of text; see kit.h. */
#include "kit.h"
#include <ntstrsafe.h>

static CHAR Name[80];
static ULONG Checks, Failed;
static BOOLEAN IsGood;

VOID CfBegin(PCSTR Format, ...)
{
	va_list Arguments;

	va_start(Arguments, Format);
	RtlStringCbVPrintfA(Name, sizeof(Name), Format, Arguments);
	va_end(Arguments);
	IsGood = TRUE;
}

VOID CfEnd(VOID)
{
	Checks++;
	if (IsGood)
		DbgPrint("conform: ok %s\n", Name);
	else
		Failed++;
}

VOID CfRun(const CF_CHECK *Check)
{
	for (; Check->Name != NULL; Check++) {
		CfBegin("%s", Check->Name);
		Check->Run();
		EXPECT("IRQL afterwards", PASSIVE_LEVEL, KeGetCurrentIrql());
		CfEnd();
	}
}

BOOLEAN CfExpect(PCSTR What, ULONG64 Wanted, ULONG64 Got, ULONG Line)
{
	if (Wanted == Got)
		return TRUE;
	IsGood = FALSE;
	DbgPrint("conform: not ok %s: %s seen 0x%I64x expected 0x%I64x (line %u)\n", Name, What,
		Got, Wanted, Line);
	return FALSE;
}

BOOLEAN CfReturns(PCSTR Member, ULONG64 Wanted, ULONG64 Got, ULONG Line)
{
	if (Got == 0 || (Got >> 30) == 3)
		DbgPrint("ddi: DMA_OPERATIONS.%s 0x%I64x\n", Member, Got);
	return CfExpect(Member, Wanted, Got, Line);
}

VOID CfViolates(ULONG Number, PCSTR Format, ...)
{
	CHAR Text[160];
	va_list Arguments;

	va_start(Arguments, Format);
	RtlStringCbVPrintfA(Text, sizeof(Text), Format, Arguments);
	va_end(Arguments);
	DbgPrint("conform: violates 0x%x %s\n", Number, Text);
}

VOID CfSummary(VOID)
{
	DbgPrint("conform: %u checks, %u failed\n", Checks, Failed);
}

/* ---- facts ---- */

BOOLEAN CfFact(CF_FACT *Fact, ULONG64 Wanted, ULONG64 Seen, ULONG Line)
{
	Fact->IsSeen = TRUE;
	if (Wanted == Seen)
		return TRUE;
	if (InterlockedIncrement(&Fact->Wrong) == 1)
		DbgPrint("conform: not ok %s %s: seen 0x%I64x expected 0x%I64x (line %u)\n",
			Fact->Number, Fact->What, Seen, Wanted, Line);
	return FALSE;
}

static BOOLEAN IsFor(const CF_FACT *Fact, const ULONG *Groups, ULONG Machine)
{
	for (; *Groups != 0; Groups++)
		if ((Fact->Where & *Groups) != 0 && (Fact->Where & *Groups & Machine) == 0)
			return FALSE;
	return TRUE;
}

VOID CfFacts(CF_FACT *Facts, ULONG Count, const ULONG *Groups, ULONG Machine)
{
	for (CF_FACT *Fact = Facts; Fact < Facts + Count; Fact++) {
		if (!Fact->IsSeen && !IsFor(Fact, Groups, Machine))
			continue;
		Checks++;
		if (Fact->IsSeen && Fact->Wrong == 0) {
			DbgPrint("conform: ok %s %s\n", Fact->Number, Fact->What);
			continue;
		}
		Failed++;
		if (!Fact->IsSeen)
			DbgPrint("conform: not ok %s %s: never seen\n", Fact->Number, Fact->What);
	}
}
