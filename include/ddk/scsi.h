/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * SCSI as Windows names it: operation codes, command blocks, inquiry and capacity data, vital
 * product data, mode pages, sense data. Numbers are T10's. What a disk needs is here; optical
 * drives, tapes and changers have their operation codes only. Fields of more than one byte are big
 * endian arrays of UCHAR, or integers that hold big endian bytes: use REVERSE_BYTES.
 */
#ifndef DDK_SCSI_H
#define DDK_SCSI_H

#include "srb.h"
#include "parts/stor_address.h"
#include "parts/scsi_opcode.h"
#include "parts/scsi_cdb.h"
#include "parts/scsi_data.h"
#include "parts/scsi_history.h"
#include "parts/scsi_vpd.h"
#include "parts/scsi_mode.h"
#include "parts/scsi_sense.h"

/* ---- byte order; the two ends may be the same place ---- */

typedef union _EIGHT_BYTE {
	struct {
		UCHAR Byte0;
		UCHAR Byte1;
		UCHAR Byte2;
		UCHAR Byte3;
		UCHAR Byte4;
		UCHAR Byte5;
		UCHAR Byte6;
		UCHAR Byte7;
	};
	ULONGLONG AsULongLong;
} EIGHT_BYTE, *PEIGHT_BYTE;

typedef union _FOUR_BYTE {
	struct {
		UCHAR Byte0;
		UCHAR Byte1;
		UCHAR Byte2;
		UCHAR Byte3;
	};
	ULONG AsULong;
} FOUR_BYTE, *PFOUR_BYTE;

typedef union _TWO_BYTE {
	struct {
		UCHAR Byte0;
		UCHAR Byte1;
	};
	USHORT AsUShort;
} TWO_BYTE, *PTWO_BYTE;

DDK_INLINE VOID ddk_reverse_bytes(VOID *destination, const VOID *source, unsigned count)
{
	UCHAR bytes[8];

	for (unsigned i = 0; i < count; i++)
		bytes[i] = ((const UCHAR *)source)[count - 1 - i];
	memcpy(destination, bytes, count);
}

#define REVERSE_BYTES_QUAD(Destination, Source)	 ddk_reverse_bytes((Destination), (Source), 8)
#define REVERSE_BYTES(Destination, Source)	 ddk_reverse_bytes((Destination), (Source), 4)
#define REVERSE_BYTES_SHORT(Destination, Source) ddk_reverse_bytes((Destination), (Source), 2)
#define REVERSE_BYTES_8(Destination, Source)	 REVERSE_BYTES_QUAD(Destination, Source)
#define REVERSE_BYTES_4(Destination, Source)	 REVERSE_BYTES(Destination, Source)
#define REVERSE_BYTES_2(Destination, Source)	 REVERSE_BYTES_SHORT(Destination, Source)
#define REVERSE_LONG(Long)			 ddk_reverse_bytes((Long), (Long), 4)
#define REVERSE_SHORT(Short)			 ddk_reverse_bytes((Short), (Short), 2)
/* The number of the one bit that is set. */
#define WHICH_BIT(Data, Bit)                                                                       \
	{                                                                                          \
		UCHAR ddk_bits = (UCHAR)(Data);                                                    \
		for ((Bit) = 0; (Bit) < 32; (Bit)++) {                                             \
			if ((ddk_bits >> (Bit)) == 1)                                              \
				break;                                                             \
		}                                                                                  \
	}

#endif
