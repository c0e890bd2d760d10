/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Outcomes of checks as lines of text, for the drivers of tests/conform/; each includes kit.c in a
 * file of its own. There are two ways to check:
 *
 *	CfRun, CfBegin … CfEnd	one check after the other, by one thread, at PASSIVE_LEVEL
 *	CfFact … CfFacts, CfSummary
 *				facts that callbacks see again and again, anywhere and at any IRQL;
 *what became of them is told at the end
 */
#include <ntddk.h>

/* ---- one after the other ---- */

typedef struct _CF_CHECK {
	PCSTR Name;
	VOID (*Run)(VOID);
} CF_CHECK;

VOID CfRun(const CF_CHECK *Checks);
VOID CfBegin(PCSTR Format, ...);
VOID CfEnd(VOID);
/* TRUE if it is as wanted; else the check has failed, and it is said. */
BOOLEAN CfExpect(PCSTR What, ULONG64 Wanted, ULONG64 Got, ULONG Line);
/* The same for what a member of DMA_OPERATIONS returns; failures are told for scripts/ddi-status.
 */
BOOLEAN CfReturns(PCSTR Member, ULONG64 Wanted, ULONG64 Got, ULONG Line);
VOID CfSummary(VOID);
/* The next call is wrong on purpose, and this is said of it: a number of a bug check, 0: none. */
VOID CfViolates(ULONG Number, PCSTR Format, ...);

#define EXPECT(What, Wanted, Got) CfExpect(What, (ULONG64)(Wanted), (ULONG64)(Got), __LINE__)

/* ---- facts ---- */

typedef struct _CF_FACT {
	PCSTR Number, What;
	ULONG Where;	      /* bits of the machines on which it has to be seen */
	volatile LONG Wrong;  /* how often it was not so; the first time is told at once */
	volatile LONG IsSeen; /* whether it was looked at */
} CF_FACT;

BOOLEAN CfFact(CF_FACT *Fact, ULONG64 Wanted, ULONG64 Seen, ULONG Line);
/* Tells of each. Of a fact's bits in a group (a mask each, 0 after the last), those of
 * this machine have to be among them; a fact that has none in a group is for all of it. */
VOID CfFacts(CF_FACT *Facts, ULONG Count, const ULONG *Groups, ULONG Machine);
