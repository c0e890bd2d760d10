/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A Storport miniport that holds the port to its documentation: see README.md. It has eight units
 *on two buses, each an eighth of the simple controller's disk. facts.h has what is checked; the
 *files:
 *
 *	main.c		DriverEntry to unload: find, initialise, stop
 *	watch.c		what holds at each callback: IRQL, locks, order
 *	srb.c		the fields of an SRB, its extension, its list
 *	path.c		a request's way: BuildIo, StartIo, interrupt, DPC
 *	end.c		where requests are completed: nine places
 *	unit.c		commands that the miniport answers itself
 *	script.c	the system thread that plays all scenes, one after the other
 *	queue.c		scenes: pause, busy, ready, depth, link, time-outs and resets
 *	time.c		scenes: timers, DPCs, work items, threads, state changes
 *	irql.c		scenes: each routine at each IRQL
 *	routine.c	scenes: wrong arguments; locks
 *	own.c		scenes: requests and I/O controls of its own, DPC redirection
 *	both.c		a scene: data both ways
 *	life.c		in place of scenes: what `--at` does to an adapter (4.8)
 */
#include <storport.h>
#include "../kit/kit.h"
#include <srbhelper.h>
#include <ntddscsi.h>
#include "../../../examples/simple/controller.h"

/* ---- facts ---- */

enum { /* machines */
	CF_HALF = 1,
	CF_FULL = 2,
	CF_CHANNELS = 4,
	CF_LINE = 8,
	CF_MESSAGES = 0x10,
	CF_SRB = 0x20,
	CF_SRBEX = 0x40,
	CF_REPLAY = 0x80,
	CF_THREADS = 0x100,
	CF_SCENES = 0x200,  /* all of the scenes */
	CF_LIFE = 0x400,    /* in their place, restarts, power and removal: life.c */
	CF_AGAIN = 0x800,   /* the same of a miniport that supports none of it */
	CF_PLAIN = 0x1000,  /* without DPC redirection */
	CF_ORIGIN = 0x2000, /* with it, to where a request came from */
	CF_CURRENT = 0x4000 /* with STOR_PERF_DPC_REDIRECTION_CURRENT_CPU */
};

typedef enum _CF_FACT_ID {
#define F(Id, Where, Number, What) F_##Id,
#include "facts.h"
#undef F
	F_COUNT
} CF_FACT_ID;

extern CF_FACT CfTable[F_COUNT];

#define SEE(Id, Wanted, Seen)	CfFact(&CfTable[F_##Id], (ULONG64)(Wanted), (ULONG64)(Seen), __LINE__)
#define SEE_TRUE(Id, Condition) SEE(Id, TRUE, (Condition) ? TRUE : FALSE)

/* ---- requests and units ---- */

enum {
	CF_BUSES = 2,
	CF_TARGETS = 2,
	CF_LUNS = 2,
	CF_UNITS = CF_BUSES * CF_TARGETS * CF_LUNS,
	CF_DEPTH = 4,	  /* of a unit, at first */
	CF_MAX_IO = 64,	  /* of the adapter */
	CF_ELEMENTS = 33, /* 128 KiB that begin anywhere in a page */
	CF_BLOCK = 512,
	CF_HOLD_TIME = 200000, /* microseconds of BusResetHoldTime */
	CF_MESSAGES_MAX = 64,
	CF_PROCESSORS = 64
};

typedef enum _CF_PLACE { /* where a request is completed */
	PlaceDpc,
	PlaceInterrupt,
	PlaceTimer,
	PlaceTimerEx,
	PlaceWorkItem,
	PlaceThread,
	PlaceStartIo,
	PlaceBuildIo,
	PlaceSynchronized,
	PlaceCount
} CF_PLACE;

enum { CF_BUILT = 0x31746c42, CF_STARTED = 0x32746c53, CF_GONE = 0x33656e47 };

typedef struct _CF_REQUEST { /* SRB extension */
	ULONG Stage;
	struct _CF_ADAPTER *Adapter;
	struct _CF_REQUEST *Next;
	PSCSI_REQUEST_BLOCK Srb;
	PSTOR_SCATTER_GATHER_LIST Sgl;
	ULONG64 Sum; /* of the list, as it came */
	ULONG Unit;
	BOOLEAN IsData; /* a read or write */
	UCHAR Status;
	SIMPLE_COMMAND Command;
	SIMPLE_ELEMENT List[CF_ELEMENTS];
} CF_REQUEST, *PCF_REQUEST;

typedef struct _CF_UNIT {
	volatile LONG Outstanding, Depth, Started; /* Started: reads and writes that StartIo got */
	volatile LONG Asked;			   /* INQUIRYs */
	BOOLEAN HasDepth;
	volatile LONG Power; /* as ScsiUnitPower has it; 0: never told */
} CF_UNIT;

typedef struct _CF_ADAPTER { /* device extension */
	ULONG Machine;	     /* bits of machines */
	ULONG Messages;
	KIRQL Dirql;
	PSIMPLE_REGISTERS Registers;
	ULONG Entries, Slice; /* blocks of a unit */
	PSIMPLE_COMMAND Commands;
	volatile SIMPLE_COMPLETION *Completions;
	ULONG Submitted, Completed; /* these and Active: under the StartIo lock */
	PCF_REQUEST Active[SIMPLE_MAX_ENTRIES];
	STOR_DPC Dpc, SpareDpc, ThreadedDpc;
	CF_UNIT Unit[CF_UNITS];
	volatile LONG Outstanding;

	/* watch.c: the life so far, and who is where */
	volatile LONG Life;
	BOOLEAN IsAgain; /* found again */
	volatile BOOLEAN IsGone, IsAsleep;
	BOOLEAN IsRunningSet; /* ScsiSetRunningConfig has come */
	volatile LONG InStartIoLock, InMessage[CF_MESSAGES_MAX], InDpc, InDpcLock;
	volatile LONG InBuildIo, InStartIo, InReset;
	volatile LONG StartIoOn[CF_PROCESSORS], StartIoEntered;
	volatile LONG DpcRuns, Calls;

	/* end.c */
	PCF_REQUEST volatile Waiting[PlaceCount];
	ULONG Turn;
	volatile LONG IsSweeping;
	volatile BOOLEAN IsPlain; /* all are completed in the DPC */
	PVOID EndTimer, EndWorker, EndThread;
	STOR_EVENT EndEvent;
	volatile BOOLEAN IsEnding;

	/* the scenes tell the path what to do */
	volatile BOOLEAN IsHolding; /* keep what StartIo gets for unit 0 */
	PCF_REQUEST volatile Held;
	volatile LONG HeldCount;
	volatile LONG BusyNext; /* answer the next so many with busy, in the three ways */
	PSCSI_REQUEST_BLOCK volatile BusySrb; /* who was, and what it was */
	volatile ULONG64 BusyCdb;
	volatile ULONG BusyLength;
	volatile LONG Ladder; /* 0: none is under way; then the next rung */
	PCF_REQUEST volatile Stuck;
	volatile ULONG64 StuckAt, ResetAt;
	PCF_REQUEST volatile Own; /* own.c: a request of the driver's own, which is kept */
	volatile LONG OwnCount, Controls;
	volatile ULONG OwnProcessor;
	volatile LONG IsFinished; /* all scenes are over */
} CF_ADAPTER, *PCF_ADAPTER;

/* ---- watch.c ---- */

enum { /* A->Life */
	LIFE_NONE,
	LIFE_FOUND,
	LIFE_INITIALIZED,
	LIFE_SETTLED,
	LIFE_ASKED,
	LIFE_FLUSHED,
	LIFE_SHUT,
	LIFE_STOPPED
};

/* Around a callback, or a stretch of one, under this lock: nobody else may be there. */
VOID CfEnterStartIo(PCF_ADAPTER A);
VOID CfLeaveStartIo(PCF_ADAPTER A);
VOID CfEnterInterrupt(PCF_ADAPTER A, ULONG Message); /* (ULONG)-1: all of them */
VOID CfLeaveInterrupt(PCF_ADAPTER A, ULONG Message);
/* A callback that has the StartIo lock, and in half duplex the interrupt lock too. */
VOID CfEnterCallback(PCF_ADAPTER A, CF_FACT_ID Irql);
VOID CfLeaveCallback(PCF_ADAPTER A);
/* The locks, and what has to hold with them. */
VOID CfLock(PCF_ADAPTER A, STOR_SPINLOCK Kind, PSTOR_LOCK_HANDLE Handle);
VOID CfUnlock(PCF_ADAPTER A, PSTOR_LOCK_HANDLE Handle);
/* Takes these, one after the other. */
VOID CfTryLocks(PCF_ADAPTER A, BOOLEAN Dpc, BOOLEAN StartIo, BOOLEAN Interrupt);
/* Waits a little for another processor to be here too; counts are those of `There`. */
VOID CfMeet(PCF_ADAPTER A, volatile LONG *There, CF_FACT_ID Fact);
ULONG64 CfNow(PCF_ADAPTER A); /* microseconds */
#define IS_HALF(A)     ((A)->Machine & CF_HALF)
#define IS_CHANNELS(A) ((A)->Machine & CF_CHANNELS)

/* ---- srb.c ---- */

VOID CfCheckSrb(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb);
VOID CfCheckExtension(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb);
BOOLEAN CfIsData(PSCSI_REQUEST_BLOCK Srb);
ULONG CfUnitOf(PSCSI_REQUEST_BLOCK Srb);
ULONG64 CfSum(PSTOR_SCATTER_GATHER_LIST List);

/* ---- path.c ---- */

HW_BUILDIO CfBuildIo;
HW_STARTIO CfStartIo;
HW_INTERRUPT CfInterrupt;
HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE CfMessage;
HW_DPC_ROUTINE CfDpc;
HW_RESET_BUS CfResetBus;
/* Under the StartIo lock. */
VOID CfSubmit(PCF_ADAPTER A, PCF_REQUEST Request);
BOOLEAN CfControl(PCF_ADAPTER A, ULONG Value);
BOOLEAN CfStart(PCF_ADAPTER A);
VOID CfTick(PCF_ADAPTER A);
/* A flush of the controller's own, without an SRB: TRUE when the DPC has seen its end. */
BOOLEAN CfTouch(PCF_ADAPTER A);

/* ---- end.c ---- */

VOID CfComplete(PCF_ADAPTER A, PCF_REQUEST Request, UCHAR Status);
/* A request that is done finds its place, and those that wait there their end. */
VOID CfEnd1(PCF_ADAPTER A, PCF_REQUEST Request);
VOID CfEndAll(PCF_ADAPTER A, CF_PLACE Place);
BOOLEAN CfEndStart(PCF_ADAPTER A);
/* RequestTimerCall has one timer: while it is off, a scene has it. PASSIVE_LEVEL. */
VOID CfSweep(PCF_ADAPTER A, BOOLEAN On);
VOID CfEndStop(PCF_ADAPTER A);

/* ---- unit.c ---- */

/* The SRB's status; for a command that the controller carries out, SRB_STATUS_PENDING. */
UCHAR CfAnswer(PCF_ADAPTER A, PCF_REQUEST Request);

/* ---- life.c ---- */

HW_ADAPTER_CONTROL CfAdapterControl;
HW_UNIT_CONTROL CfUnitControl;
/* What functions of adapters have to be like, PNP and POWER. */
VOID CfCheckAdapterSrb(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb);
extern BOOLEAN CfIsStopped;

/* ---- own.c ---- */

VOID CfHook(PDRIVER_OBJECT Driver);
BOOLEAN CfIsOwn(PSCSI_REQUEST_BLOCK Srb);
/* In HwStorStartIo: completes it, or keeps it for its scene. */
VOID CfTakeOwn(PCF_ADAPTER A, PCF_REQUEST Request);
/* Where HwStorBuildIo and HwStorStartIo begin. */
VOID CfNothingNested(PCF_ADAPTER A);
VOID CfCheckIoControl(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb);
UCHAR CfAnswerIoControl(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb);

/* A device control, at PASSIVE_LEVEL; in and out are one buffer. */
NTSTATUS CfAsk(PDEVICE_OBJECT Device, ULONG Code, PVOID Data, ULONG In, ULONG Out);

/* ---- both.c ---- */

BOOLEAN CfIsBoth(PSCSI_REQUEST_BLOCK Srb);
VOID CfCheckBoth(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb);
UCHAR CfAnswerBoth(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb);
VOID CfBothScene(PCF_ADAPTER A, PDEVICE_OBJECT Unit);

/* ---- script.c and the scenes ---- */

BOOLEAN CfScriptStart(PCF_ADAPTER A);
/* Waits until a counter has reached a value, for at most so many milliseconds. */
BOOLEAN CfAwait(PCF_ADAPTER A, volatile LONG *Counter, LONG Value, ULONG Milliseconds);
VOID CfSleep(PCF_ADAPTER A, ULONG Milliseconds);
VOID CfQueueScenes(PCF_ADAPTER A);
VOID CfLadderScene(PCF_ADAPTER A);
VOID CfTimeScenes(PCF_ADAPTER A);
VOID CfOwnScenes(PCF_ADAPTER A);
VOID CfRoutineScenes(PCF_ADAPTER A);
VOID CfIrqlScenes(PCF_ADAPTER A);
VOID CfIrqlFacts(const ULONG *Groups, ULONG Machine);
