/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the miniport keeps, and what its two files need of each other. */
#include <storport.h>
#include <srbhelper.h>
#include <ntddscsi.h>
#include "controller.h"

#define SIMPLE_MAX_ELEMENTS 257 /* of one request: 1 MiB that begins anywhere in a page */

typedef struct _SIMPLE_REQUEST { /* SRB extension: memory that the controller can read */
	PSCSI_REQUEST_BLOCK Srb;
	SIMPLE_COMMAND Command;	 /* both in one line of the cache */
	PVOID Adapter, Log, Mdl; /* of a log request: its buffer, and what leads there */
	PSTOR_SCATTER_GATHER_LIST LogList;
	SIMPLE_ELEMENT List[SIMPLE_MAX_ELEMENTS];
} SIMPLE_REQUEST, *PSIMPLE_REQUEST;

typedef struct _SIMPLE_ADAPTER { /* device extension */
	PSIMPLE_REGISTERS Registers;
	BOOLEAN IsDump; /* the machine has crashed: no DPC, no interrupt, one request at a time */
	ULONG Bus, Slot;
	ULONG Entries, Mask;	  /* of each ring; one less: there is a power of two */
	PSIMPLE_COMMAND Commands; /* the rings, in the uncached extension */
	volatile SIMPLE_COMPLETION *Completions;
	STOR_DPC Dpc;
	BOOLEAN Gone;				    /* pulled out */
	ULONG Submitted, Completed;		    /* these and Active: under the StartIo lock */
	PSIMPLE_REQUEST Active[SIMPLE_MAX_ENTRIES]; /* by tag & Mask */
} SIMPLE_ADAPTER, *PSIMPLE_ADAPTER;

/* simple.c */
VOID SimpleSetList(
	PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request, PSTOR_SCATTER_GATHER_LIST List);
BOOLEAN SimpleSubmit(PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request);
/* log.c */
VOID SimpleBuildLog(PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request);
VOID SimpleEndLog(PSIMPLE_REQUEST Request, UCHAR SrbStatus);

/* After this the SRB and its extension are the port's again. */
FORCEINLINE VOID SimpleComplete(PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request, UCHAR SrbStatus)
{
	PSCSI_REQUEST_BLOCK Srb = Request->Srb;

	if (Request->Command.Opcode == SIMPLE_LOG)
		SimpleEndLog(Request, SrbStatus);
	SrbSetSrbStatus(Srb, SrbStatus);
	StorPortNotification(RequestComplete, Adapter, Srb);
}
