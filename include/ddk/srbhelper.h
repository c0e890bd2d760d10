/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Accessors that serve SCSI_REQUEST_BLOCK and STORAGE_REQUEST_BLOCK alike, told apart by Function
 * == SRB_FUNCTION_STORAGE_REQUEST_BLOCK (SG-32). All take the block as PVOID and are inline. Where
 * an extended block lacks the data asked for (no address, no command block), getters answer 0 or
 * NULL and setters do nothing.
 */
#ifndef DDK_SRBHELPER_H
#define DDK_SRBHELPER_H

#include "srb.h"
#include "scsi.h"

#if defined(__GNUC__) && !defined(__clang__)
/* gcc sees a local SCSI_REQUEST_BLOCK read as the larger kind, on the path that Function excludes.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Warray-bounds"
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#endif

/* A macro, as what is expected is not known of a function's result: so it becomes a jump that is
 * foreseen, in place of two addresses to choose from. */
#define ddk_srb_is_extended(srb)                                                                   \
	__builtin_expect(((const SCSI_REQUEST_BLOCK *)(srb))->Function ==                          \
				 SRB_FUNCTION_STORAGE_REQUEST_BLOCK,                               \
		1)

/*
 * Where the parts of an extended block stand when a port puts them behind each other: the address,
 * then the data. Where they say that they stand there, which is
 * looked at each time, a getter finds them without an address to compute.
 */
#define DDK_SRB_ADDRESS_AT ((ULONG)sizeof(STORAGE_REQUEST_BLOCK))
#define DDK_SRB_DATA_AT	   (DDK_SRB_ADDRESS_AT + (ULONG)sizeof(STOR_ADDR_BTL8))

/* Whether so many bytes from there on are in the request block. */
DDK_INLINE BOOLEAN ddk_srb_holds(const STORAGE_REQUEST_BLOCK *srb, ULONG offset, ULONG bytes)
{
	return (ULONGLONG)offset + bytes <= srb->SrbLength;
}

/* ---- extended data ---- */

/* The n-th extended data block, NULL if there is none or its offset leads out of the request block.
 */
DDK_INLINE PSRBEX_DATA SrbGetSrbExDataByIndex(PSTORAGE_REQUEST_BLOCK Srb, ULONG SrbExDataIndex)
{
	ULONG offset;

	if (!ddk_srb_is_extended(Srb) || SrbExDataIndex >= Srb->NumSrbExData)
		return NULL;
	offset = Srb->SrbExDataOffset[SrbExDataIndex];
	if (offset < sizeof(STORAGE_REQUEST_BLOCK) ||
		!ddk_srb_holds(Srb, offset, offsetof(SRBEX_DATA, Data)))
		return NULL;
	return (PSRBEX_DATA)((PUCHAR)Srb + offset);
}

DDK_INLINE PSRBEX_DATA SrbGetSrbExDataByType(PSTORAGE_REQUEST_BLOCK Srb, SRBEXDATATYPE Type)
{
	if (!ddk_srb_is_extended(Srb))
		return NULL;
	for (ULONG i = 0; i < Srb->NumSrbExData; i++) {
		PSRBEX_DATA data = SrbGetSrbExDataByIndex(Srb, i);

		if (data && data->Type == Type)
			return data;
	}
	return NULL;
}

/* Where the parts of a SCSI command stand, whichever kind the request block is of. */
struct ddk_srb_scsi {
	UCHAR *status;
	UCHAR *sense_length;
	PVOID *sense;
	UCHAR *length8;	 /* NULL when the command's length is a ULONG ... */
	ULONG *length32; /* ... which is here then */
	UCHAR *cdb;
};

DDK_RARE BOOLEAN ddk_srb_scsi_find(PVOID srb, struct ddk_srb_scsi *found)
{
	PSCSI_REQUEST_BLOCK plain = (PSCSI_REQUEST_BLOCK)srb;
	PSTORAGE_REQUEST_BLOCK extended = (PSTORAGE_REQUEST_BLOCK)srb;
	PSRBEX_DATA_SCSI_CDB16 cdb16;
	PSRBEX_DATA_SCSI_CDB32 cdb32;
	PSRBEX_DATA_SCSI_CDB_VAR cdb_var;

	if (!ddk_srb_is_extended(srb)) {
		*found = (struct ddk_srb_scsi){&plain->ScsiStatus, &plain->SenseInfoBufferLength,
			&plain->SenseInfoBuffer, &plain->CdbLength, NULL, plain->Cdb};
		return TRUE;
	}
	if (extended->SrbFunction != SRB_FUNCTION_EXECUTE_SCSI)
		return FALSE;
	cdb16 = (PSRBEX_DATA_SCSI_CDB16)SrbGetSrbExDataByType(extended, SrbExDataTypeScsiCdb16);
	if (cdb16) {
		*found = (struct ddk_srb_scsi){&cdb16->ScsiStatus, &cdb16->SenseInfoBufferLength,
			&cdb16->SenseInfoBuffer, &cdb16->CdbLength, NULL, cdb16->Cdb};
		return TRUE;
	}
	cdb32 = (PSRBEX_DATA_SCSI_CDB32)SrbGetSrbExDataByType(extended, SrbExDataTypeScsiCdb32);
	if (cdb32) {
		*found = (struct ddk_srb_scsi){&cdb32->ScsiStatus, &cdb32->SenseInfoBufferLength,
			&cdb32->SenseInfoBuffer, &cdb32->CdbLength, NULL, cdb32->Cdb};
		return TRUE;
	}
	cdb_var =
		(PSRBEX_DATA_SCSI_CDB_VAR)SrbGetSrbExDataByType(extended, SrbExDataTypeScsiCdbVar);
	if (!cdb_var)
		return FALSE;
	*found = (struct ddk_srb_scsi){&cdb_var->ScsiStatus, &cdb_var->SenseInfoBufferLength,
		&cdb_var->SenseInfoBuffer, NULL, &cdb_var->CdbLength, cdb_var->Cdb};
	return TRUE;
}

/* ---- the SCSI command ---- */

/*
 * Every out pointer may be NULL. Of the two lengths the one that does not apply becomes 0. Returns
 * the command block, or NULL.
 */
DDK_INLINE PCDB SrbGetScsiData(PVOID Srb, PUCHAR CdbLength8, PULONG CdbLength32, PUCHAR ScsiStatus,
	PVOID *SenseInfoBuffer, PUCHAR SenseInfoBufferLength)
{
	struct ddk_srb_scsi at;
	BOOLEAN found = ddk_srb_scsi_find(Srb, &at);

	if (CdbLength8)
		*CdbLength8 = found && at.length8 ? *at.length8 : 0;
	if (CdbLength32)
		*CdbLength32 = found && at.length32 ? *at.length32 : 0;
	if (ScsiStatus)
		*ScsiStatus = found ? *at.status : 0;
	if (SenseInfoBuffer)
		*SenseInfoBuffer = found ? *at.sense : NULL;
	if (SenseInfoBufferLength)
		*SenseInfoBufferLength = found ? *at.sense_length : 0;
	return found ? (PCDB)at.cdb : NULL;
}

/* What is not NULL is set. */
DDK_INLINE VOID SrbSetScsiData(PVOID Srb, PUCHAR CdbLength8, PULONG CdbLength32, PUCHAR ScsiStatus,
	PVOID *SenseInfoBuffer, PUCHAR SenseInfoBufferLength)
{
	struct ddk_srb_scsi at;

	if (!ddk_srb_scsi_find(Srb, &at))
		return;
	if (CdbLength8 && at.length8)
		*at.length8 = *CdbLength8;
	if (CdbLength32 && at.length32)
		*at.length32 = *CdbLength32;
	if (ScsiStatus)
		*at.status = *ScsiStatus;
	if (SenseInfoBuffer)
		*at.sense = *SenseInfoBuffer;
	if (SenseInfoBufferLength)
		*at.sense_length = *SenseInfoBufferLength;
}

/* Of any block. */
DDK_RARE PCDB ddk_srb_cdb(PVOID srb)
{
	return SrbGetScsiData(srb, NULL, NULL, NULL, NULL, NULL);
}

DDK_INLINE PCDB SrbGetCdb(PVOID Srb)
{
	PSTORAGE_REQUEST_BLOCK extended = (PSTORAGE_REQUEST_BLOCK)Srb;
	PSRBEX_DATA_SCSI_CDB16 first = (PSRBEX_DATA_SCSI_CDB16)((PUCHAR)Srb + DDK_SRB_DATA_AT);

	if (!ddk_srb_is_extended(Srb))
		return (PCDB)((PSCSI_REQUEST_BLOCK)Srb)->Cdb;
	/* most commands are of 16 bytes at most */
	if (__builtin_expect(
		    extended->SrbFunction == SRB_FUNCTION_EXECUTE_SCSI && extended->NumSrbExData &&
			    extended->SrbExDataOffset[0] == DDK_SRB_DATA_AT &&
			    ddk_srb_holds(extended, DDK_SRB_DATA_AT, offsetof(SRBEX_DATA, Data)) &&
			    first->Type == SrbExDataTypeScsiCdb16,
		    1))
		return (PCDB)first->Cdb;
	return ddk_srb_cdb(Srb);
}

DDK_INLINE ULONG SrbGetCdbLength(PVOID Srb)
{
	UCHAR length8;
	ULONG length32;

	SrbGetScsiData(Srb, &length8, &length32, NULL, NULL, NULL);
	return length8 ? length8 : length32;
}

DDK_INLINE VOID SrbSetCdbLength(PVOID Srb, ULONG CdbLength)
{
	UCHAR length8 = (UCHAR)CdbLength;

	SrbSetScsiData(Srb, &length8, &CdbLength, NULL, NULL, NULL);
}

DDK_INLINE UCHAR SrbGetScsiStatus(PVOID Srb)
{
	UCHAR status;

	SrbGetScsiData(Srb, NULL, NULL, &status, NULL, NULL);
	return status;
}

DDK_INLINE VOID SrbSetScsiStatus(PVOID Srb, UCHAR ScsiStatus)
{
	SrbSetScsiData(Srb, NULL, NULL, &ScsiStatus, NULL, NULL);
}

DDK_INLINE PVOID SrbGetSenseInfoBuffer(PVOID Srb)
{
	PVOID buffer;

	SrbGetScsiData(Srb, NULL, NULL, NULL, &buffer, NULL);
	return buffer;
}

DDK_INLINE VOID SrbSetSenseInfoBuffer(PVOID Srb, PVOID SenseInfoBuffer)
{
	SrbSetScsiData(Srb, NULL, NULL, NULL, &SenseInfoBuffer, NULL);
}

DDK_INLINE UCHAR SrbGetSenseInfoBufferLength(PVOID Srb)
{
	UCHAR length;

	SrbGetScsiData(Srb, NULL, NULL, NULL, NULL, &length);
	return length;
}

DDK_INLINE VOID SrbSetSenseInfoBufferLength(PVOID Srb, UCHAR SenseInfoBufferLength)
{
	SrbSetScsiData(Srb, NULL, NULL, NULL, NULL, &SenseInfoBufferLength);
}

/* ---- members that both kinds have under one name or two ---- */

/* A getter and a setter over `plain` of the one kind and `extended` of the other. That the access
 * to the plain kind is volatile says that these are two accesses, and not one at either of two
 * offsets, which would have to be chosen. */
#define DDK_SRB_MEMBER(Name, type, plain, extended)                                                \
	DDK_INLINE type SrbGet##Name(PVOID Srb)                                                    \
	{                                                                                          \
		if (ddk_srb_is_extended(Srb))                                                      \
			return (type)((PSTORAGE_REQUEST_BLOCK)Srb)->extended;                      \
		return (type)((volatile SCSI_REQUEST_BLOCK *)Srb)->plain;                          \
	}                                                                                          \
	DDK_INLINE VOID SrbSet##Name(PVOID Srb, type value)                                        \
	{                                                                                          \
		if (ddk_srb_is_extended(Srb))                                                      \
			((PSTORAGE_REQUEST_BLOCK)Srb)->extended = value;                           \
		else                                                                               \
			((volatile SCSI_REQUEST_BLOCK *)Srb)->plain = value;                       \
	}

DDK_SRB_MEMBER(DataBuffer, PVOID, DataBuffer, DataBuffer)
DDK_SRB_MEMBER(DataTransferLength, ULONG, DataTransferLength, DataTransferLength)
DDK_SRB_MEMBER(TimeOutValue, ULONG, TimeOutValue, TimeOutValue)
DDK_SRB_MEMBER(OriginalRequest, PVOID, OriginalRequest, OriginalRequest)
DDK_SRB_MEMBER(MiniportContext, PVOID, SrbExtension, MiniportContext)
DDK_SRB_MEMBER(SystemStatus, ULONG, InternalStatus, SystemStatus)
#undef DDK_SRB_MEMBER

/* In the same place. */
C_ASSERT(offsetof(SCSI_REQUEST_BLOCK, SrbStatus) == offsetof(STORAGE_REQUEST_BLOCK, SrbStatus));

DDK_INLINE UCHAR SrbGetSrbStatus(PVOID Srb)
{
	return ((PSCSI_REQUEST_BLOCK)Srb)->SrbStatus;
}

DDK_INLINE VOID SrbSetSrbStatus(PVOID Srb, UCHAR value)
{
	((PSCSI_REQUEST_BLOCK)Srb)->SrbStatus = value;
}

DDK_INLINE PVOID SrbGetNextSrb(PVOID Srb)
{
	if (ddk_srb_is_extended(Srb))
		return ((PSTORAGE_REQUEST_BLOCK)Srb)->NextSrb;
	return ((PSCSI_REQUEST_BLOCK)Srb)->NextSrb;
}

DDK_INLINE VOID SrbSetNextSrb(PVOID Srb, PVOID NextSrb)
{
	if (ddk_srb_is_extended(Srb))
		((PSTORAGE_REQUEST_BLOCK)Srb)->NextSrb = (PSTORAGE_REQUEST_BLOCK)NextSrb;
	else
		((PSCSI_REQUEST_BLOCK)Srb)->NextSrb = (PSCSI_REQUEST_BLOCK)NextSrb;
}

DDK_INLINE ULONG SrbGetSrbFunction(PVOID Srb)
{
	if (ddk_srb_is_extended(Srb))
		return ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbFunction;
	return ((volatile SCSI_REQUEST_BLOCK *)Srb)->Function;
}

DDK_INLINE ULONG SrbGetSrbLength(PVOID Srb)
{
	if (ddk_srb_is_extended(Srb))
		return ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbLength;
	return ((PSCSI_REQUEST_BLOCK)Srb)->Length;
}

/* The port's own pointer exists in the extended kind only. */
DDK_INLINE PVOID SrbGetPortContext(PVOID Srb)
{
	return ddk_srb_is_extended(Srb) ? ((PSTORAGE_REQUEST_BLOCK)Srb)->PortContext : NULL;
}

DDK_INLINE VOID SrbSetPortContext(PVOID Srb, PVOID PortContext)
{
	if (ddk_srb_is_extended(Srb))
		((PSTORAGE_REQUEST_BLOCK)Srb)->PortContext = PortContext;
}

DDK_INLINE ULONG SrbGetRequestTag(PVOID Srb)
{
	if (ddk_srb_is_extended(Srb))
		return ((PSTORAGE_REQUEST_BLOCK)Srb)->RequestTag;
	return ((PSCSI_REQUEST_BLOCK)Srb)->QueueTag;
}

DDK_INLINE VOID SrbSetRequestTag(PVOID Srb, ULONG RequestTag)
{
	if (ddk_srb_is_extended(Srb))
		((PSTORAGE_REQUEST_BLOCK)Srb)->RequestTag = RequestTag;
	else
		((PSCSI_REQUEST_BLOCK)Srb)->QueueTag = (UCHAR)RequestTag;
}

/* The tagged-queuing message: QueueAction of the plain kind. */
DDK_INLINE ULONG SrbGetRequestAttribute(PVOID Srb)
{
	if (ddk_srb_is_extended(Srb))
		return ((PSTORAGE_REQUEST_BLOCK)Srb)->RequestAttribute;
	return ((PSCSI_REQUEST_BLOCK)Srb)->QueueAction;
}

DDK_INLINE VOID SrbSetRequestAttribute(PVOID Srb, UCHAR RequestAttribute)
{
	if (ddk_srb_is_extended(Srb))
		((PSTORAGE_REQUEST_BLOCK)Srb)->RequestAttribute = RequestAttribute;
	else
		((PSCSI_REQUEST_BLOCK)Srb)->QueueAction = RequestAttribute;
}

/* ---- flags ---- */

DDK_INLINE ULONG SrbGetSrbFlags(PVOID Srb)
{
	if (ddk_srb_is_extended(Srb))
		return ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbFlags;
	return ((PSCSI_REQUEST_BLOCK)Srb)->SrbFlags;
}

DDK_INLINE VOID SrbAssignSrbFlags(PVOID Srb, ULONG Flags)
{
	if (ddk_srb_is_extended(Srb))
		((PSTORAGE_REQUEST_BLOCK)Srb)->SrbFlags = Flags;
	else
		((PSCSI_REQUEST_BLOCK)Srb)->SrbFlags = Flags;
}

/* Adds; SrbAssignSrbFlags replaces. */
DDK_INLINE VOID SrbSetSrbFlags(PVOID Srb, ULONG Flags)
{
	SrbAssignSrbFlags(Srb, SrbGetSrbFlags(Srb) | Flags);
}

DDK_INLINE VOID SrbClearSrbFlags(PVOID Srb, ULONG Flags)
{
	SrbAssignSrbFlags(Srb, SrbGetSrbFlags(Srb) & ~Flags);
}

/* ---- the address ---- */

DDK_INLINE BOOLEAN ddk_srb_btl8_at(PSTORAGE_REQUEST_BLOCK srb, ULONG offset)
{
	PSTOR_ADDR_BTL8 address = (PSTOR_ADDR_BTL8)((PUCHAR)srb + offset);

	return ddk_srb_holds(srb, offset, offsetof(STOR_ADDR_BTL8, Reserved)) &&
	       address->Type == STOR_ADDRESS_TYPE_BTL8;
}

/* Of an extended block; NULL if there is none. */
DDK_RARE PSTOR_ADDR_BTL8 ddk_srb_btl8(PSTORAGE_REQUEST_BLOCK srb)
{
	ULONG offset = srb->AddressOffset;

	return offset && ddk_srb_btl8_at(srb, offset) ? (PSTOR_ADDR_BTL8)((PUCHAR)srb + offset)
						      : NULL;
}

/* The same, path, target and unit; 0 if there is none. */
DDK_RARE VOID ddk_srb_path_target_lun(PSTORAGE_REQUEST_BLOCK srb, UCHAR numbers[3])
{
	PSTOR_ADDR_BTL8 address = ddk_srb_btl8(srb);

	numbers[0] = address ? address->Path : 0;
	numbers[1] = address ? address->Target : 0;
	numbers[2] = address ? address->Lun : 0;
}

/* Any pointer may be NULL. */
DDK_INLINE VOID SrbGetPathTargetLun(PVOID Srb, PUCHAR PathId, PUCHAR TargetId, PUCHAR Lun)
{
	PSCSI_REQUEST_BLOCK plain = (PSCSI_REQUEST_BLOCK)Srb;
	PSTORAGE_REQUEST_BLOCK extended = (PSTORAGE_REQUEST_BLOCK)Srb;
	PSTOR_ADDR_BTL8 address = (PSTOR_ADDR_BTL8)((PUCHAR)Srb + DDK_SRB_ADDRESS_AT);
	UCHAR path, target, lun, numbers[3];

	if (!ddk_srb_is_extended(Srb)) {
		path = plain->PathId;
		target = plain->TargetId;
		lun = plain->Lun;
	} else if (extended->AddressOffset == DDK_SRB_ADDRESS_AT &&
		   ddk_srb_btl8_at(extended, DDK_SRB_ADDRESS_AT)) {
		path = address->Path;
		target = address->Target;
		lun = address->Lun;
	} else {
		ddk_srb_path_target_lun(extended, numbers);
		path = numbers[0];
		target = numbers[1];
		lun = numbers[2];
	}
	if (PathId)
		*PathId = path;
	if (TargetId)
		*TargetId = target;
	if (Lun)
		*Lun = lun;
}

DDK_INLINE UCHAR SrbGetPathId(PVOID Srb)
{
	UCHAR path;

	SrbGetPathTargetLun(Srb, &path, NULL, NULL);
	return path;
}

DDK_INLINE UCHAR SrbGetTargetId(PVOID Srb)
{
	UCHAR target;

	SrbGetPathTargetLun(Srb, NULL, &target, NULL);
	return target;
}

DDK_INLINE UCHAR SrbGetLun(PVOID Srb)
{
	UCHAR lun;

	SrbGetPathTargetLun(Srb, NULL, NULL, &lun);
	return lun;
}

DDK_INLINE PSTOR_ADDRESS SrbGetDeviceAddress(PVOID Srb)
{
	return ddk_srb_is_extended(Srb) ? (PSTOR_ADDRESS)ddk_srb_btl8((PSTORAGE_REQUEST_BLOCK)Srb)
					: NULL;
}

/* ---- whole blocks ---- */

/* Clears everything but what says how large and of which kind the block is. */
DDK_INLINE VOID SrbZeroSrb(PVOID Srb)
{
	PSCSI_REQUEST_BLOCK plain = (PSCSI_REQUEST_BLOCK)Srb;
	PSTORAGE_REQUEST_BLOCK extended = (PSTORAGE_REQUEST_BLOCK)Srb;
	USHORT length = plain->Length;
	UCHAR function = plain->Function;
	ULONG srb_length;

	if (!ddk_srb_is_extended(Srb)) {
		memset(Srb, 0, sizeof(*plain));
		plain->Length = length;
		return;
	}
	srb_length = extended->SrbLength;
	memset(Srb, 0, srb_length);
	extended->Length = length;
	extended->Function = function;
	extended->SrbLength = srb_length;
}

/* FALSE if the source is larger than the destination. */
DDK_INLINE BOOLEAN SrbCopySrb(PVOID DestinationSrb, ULONG DestinationSrbLength, PVOID SourceSrb)
{
	ULONG length = ddk_srb_is_extended(SourceSrb) ? SrbGetSrbLength(SourceSrb)
						      : (ULONG)sizeof(SCSI_REQUEST_BLOCK);

	if (length > DestinationSrbLength)
		return FALSE;
	memcpy(DestinationSrb, SourceSrb, length);
	return TRUE;
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
