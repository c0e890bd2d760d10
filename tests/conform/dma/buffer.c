/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Memory with a pattern, and a device that moves it: what is to be written to the device must come
 * to its disk, byte for byte, and what it reads from there to memory and nowhere else. The disk is
 * looked at through a common buffer, the mirror. The device moves whole blocks: what a transfer
 * lacks of one comes from a pad, or goes there. See conform.h.
 */
#include "conform.h"

#define GUARD	   0xEE
#define MIRROR	   0x20000
#define ELEMENTS   256
#define PAD	   (MIRROR + ELEMENTS * sizeof(ELEMENT))
#define ALL	   (PAD + CF_BLOCK)
#define BLOCKS(n)  (((n) + CF_BLOCK - 1) / CF_BLOCK * CF_BLOCK)
#define SEED_MOVED 3
#define SEED_OLD   5

typedef struct _ELEMENT {
	ULONG64 Address;
	ULONG Length, Reserved;
} ELEMENT;

static PUCHAR Mirror;
static ELEMENT *Table; /* behind the mirror */
static PHYSICAL_ADDRESS MirrorAddress;

UCHAR CfPattern(ULONG Seed, ULONG At)
{
	return (UCHAR)(Seed * 31 + At * 7 + (At >> 8) * 13);
}

/* ---- buffers ---- */

static BOOLEAN PartNew(PCF_BUFFER Buffer, const CF_SPAN *Span)
{
	ULONG n = Buffer->Parts;
	ULONG Bytes = (ULONG)ROUND_TO_PAGES(Span->Offset + Span->Length);
	PUCHAR Base = ExAllocatePoolWithTag(NonPagedPool, Bytes, CF_TAG);
	PMDL Mdl;

	if (Base == NULL)
		return FALSE;
	Mdl = IoAllocateMdl(Base + Span->Offset, Span->Length, FALSE, FALSE, NULL);
	if (Mdl == NULL) {
		ExFreePoolWithTag(Base, CF_TAG);
		return FALSE;
	}
	MmBuildMdlForNonPagedPool(Mdl);
	Buffer->Part[n].Base = Base;
	Buffer->Part[n].Va = Base + Span->Offset;
	Buffer->Part[n].Length = Span->Length;
	Buffer->Part[n].Mdl = Mdl;
	if (n == 0)
		Buffer->Mdl = Mdl;
	else
		Buffer->Part[n - 1].Mdl->Next = Mdl;
	Buffer->Length += Span->Length;
	Buffer->Parts++;
	return TRUE;
}

BOOLEAN CfBufferNew(PCF_BUFFER Buffer, ULONG Parts, const CF_SPAN *Span)
{
	BOOLEAN Good = TRUE;

	RtlZeroMemory(Buffer, sizeof(*Buffer));
	for (ULONG n = 0; n < Parts && Good; n++)
		Good = PartNew(Buffer, &Span[n]);
	if (!EXPECT("memory", TRUE, Good))
		CfBufferFree(Buffer);
	return Good;
}

VOID CfBufferFree(PCF_BUFFER Buffer)
{
	for (ULONG n = 0; n < Buffer->Parts; n++) {
		IoFreeMdl(Buffer->Part[n].Mdl);
		ExFreePoolWithTag(Buffer->Part[n].Base, CF_TAG);
	}
	Buffer->Parts = 0;
}

PVOID CfBufferAt(const CF_BUFFER *Buffer, ULONG From, PMDL *Mdl)
{
	ULONG n = 0;

	for (; From >= Buffer->Part[n].Length; n++)
		From -= Buffer->Part[n].Length;
	if (Mdl != NULL)
		*Mdl = Buffer->Part[n].Mdl;
	return Buffer->Part[n].Va + From;
}

/* The whole allocations are guards, but for the chain's bytes, which have the seed's pattern. */
static VOID BufferFill(PCF_BUFFER Buffer, ULONG Seed)
{
	ULONG At = 0;

	for (ULONG n = 0; n < Buffer->Parts; n++) {
		PUCHAR Base = Buffer->Part[n].Base, Va = Buffer->Part[n].Va;

		RtlFillMemory(Base, ROUND_TO_PAGES(Va - Base + Buffer->Part[n].Length), GUARD);
		for (ULONG i = 0; i < Buffer->Part[n].Length; i++)
			Va[i] = CfPattern(Seed, At++);
	}
}

/* The number of bytes that are wrong: Moved in [From, From + Length), the old seed elsewhere. */
static ULONG BufferWrong(const CF_BUFFER *Buffer, ULONG From, ULONG Length, ULONG Moved, ULONG Old)
{
	ULONG At = 0, Wrong = 0;

	for (ULONG n = 0; n < Buffer->Parts; n++) {
		PUCHAR Base = Buffer->Part[n].Base, Va = Buffer->Part[n].Va;
		PUCHAR End = Va + Buffer->Part[n].Length;
		PUCHAR Last = Base + ROUND_TO_PAGES(End - Base);

		for (PUCHAR p = Base; p < Va; p++)
			Wrong += *p != GUARD;
		for (PUCHAR p = End; p < Last; p++)
			Wrong += *p != GUARD;
		for (PUCHAR p = Va; p < End; p++, At++) {
			BOOLEAN IsMoved = At >= From && At - From < Length;

			Wrong += *p != CfPattern(IsMoved ? Moved : Old, IsMoved ? At - From : At);
		}
	}
	return Wrong;
}

/* ---- the device ---- */

BOOLEAN CfDeviceStart(VOID)
{
	Mirror = OPS(CfAdapter)->AllocateCommonBuffer(CfAdapter, ALL, &MirrorAddress, TRUE);
	Table = (ELEMENT *)(Mirror + MIRROR);
	return Mirror != NULL;
}

VOID CfDeviceStop(VOID)
{
	OPS(CfAdapter)->FreeCommonBuffer(CfAdapter, ALL, MirrorAddress, Mirror, TRUE);
}

static ULONG Go(BOOLEAN Write, ULONG Elements)
{
	return CfCommand(Write, MirrorAddress.QuadPart + MIRROR, Elements);
}

/* Moves between the disk's start and an address that the device reaches for certain. */
static ULONG MoveAt(ULONG64 Address, ULONG Length, BOOLEAN Write)
{
	Table[0] = (ELEMENT){.Address = Address, .Length = Length};
	return Go(Write, 1);
}

ULONG CfTouch(ULONG64 Address, BOOLEAN Write)
{
	return MoveAt(Address, CF_BLOCK, Write);
}

static VOID DiskSet(ULONG Length, ULONG Seed, ULONG From)
{
	for (ULONG i = 0; i < Length; i++)
		Mirror[i] = CfPattern(Seed, From + i);
	EXPECT("status of the disk's setting", 0,
		MoveAt(MirrorAddress.QuadPart, BLOCKS(Length), TRUE));
}

static ULONG DiskWrong(ULONG Length, ULONG Seed, ULONG From)
{
	ULONG Wrong = 0;

	RtlFillMemory(Mirror, Length, GUARD);
	EXPECT("status of the look at the disk", 0,
		MoveAt(MirrorAddress.QuadPart, BLOCKS(Length), FALSE));
	for (ULONG i = 0; i < Length; i++)
		Wrong += Mirror[i] != CfPattern(Seed, From + i);
	return Wrong;
}

VOID CfBefore(PCF_BUFFER Buffer, ULONG From, ULONG Length, BOOLEAN Write)
{
	BufferFill(Buffer, SEED_OLD);
	DiskSet(Length, SEED_MOVED, 0);
}

VOID CfMove(PSCATTER_GATHER_LIST List, ULONG Length, BOOLEAN Write)
{
	ULONG Sum = 0;

	if (!EXPECT("elements that the table holds", TRUE, List->NumberOfElements < ELEMENTS))
		return;
	for (ULONG i = 0; i < List->NumberOfElements; i++) {
		Table[i] = (ELEMENT){.Address = List->Elements[i].Address.QuadPart,
			.Length = List->Elements[i].Length};
		Sum += Table[i].Length;
	}
	/* MR-5 */
	if (!EXPECT("sum of the elements", Length, Sum))
		return;
	Table[List->NumberOfElements] = (ELEMENT){
		.Address = MirrorAddress.QuadPart + PAD, .Length = BLOCKS(Length) - Length};
	EXPECT("status of the transfer", 0,
		Go(Write, List->NumberOfElements + (BLOCKS(Length) != Length)));
}

VOID CfAfter(PCF_BUFFER Buffer, ULONG From, ULONG Length, BOOLEAN Write)
{
	if (Write) {
		EXPECT("wrong bytes on the disk", 0, DiskWrong(Length, SEED_OLD, From));
		EXPECT("changed bytes in memory", 0, BufferWrong(Buffer, 0, 0, 0, SEED_OLD));
	} else {
		EXPECT("wrong bytes in memory", 0,
			BufferWrong(Buffer, From, Length, SEED_MOVED, SEED_OLD));
	}
}

VOID CfCommon(PUCHAR Va, ULONG64 Address, ULONG Length)
{
	ULONG Wrong = 0;

	for (ULONG i = 0; i < Length; i++)
		Va[i] = CfPattern(SEED_OLD, i);
	/* Of common buffers: whole blocks. */
	EXPECT("status of a write from it", 0, MoveAt(Address, Length, TRUE));
	EXPECT("wrong bytes on the disk", 0, DiskWrong(Length, SEED_OLD, 0));
	DiskSet(Length, SEED_MOVED, 0);
	EXPECT("status of a read into it", 0, MoveAt(Address, Length, FALSE));
	for (ULONG i = 0; i < Length; i++)
		Wrong += Va[i] != CfPattern(SEED_MOVED, i);
	EXPECT("wrong bytes in it", 0, Wrong);
}
