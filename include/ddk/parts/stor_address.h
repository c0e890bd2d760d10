/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Addresses of units: STOR_ADDRESS and its one kind, bus, target and LUN of eight bits each. */
#ifndef DDK_PARTS_STOR_ADDRESS_H
#define DDK_PARTS_STOR_ADDRESS_H

#include "../ntdef.h"

#define STOR_ADDRESS_TYPE_UNKNOWN     0x0
#define STOR_ADDRESS_TYPE_BTL8	      0x1
#define STOR_ADDRESS_TYPE_MAX	      0xffff
#define STOR_ADDR_BTL8_ADDRESS_LENGTH 4
#define STOR_ADDRESS_ALIGN	      DECLSPEC_ALIGN(8)

typedef struct STOR_ADDRESS_ALIGN _STOR_ADDRESS {
	USHORT Type;
	USHORT Port;
	ULONG AddressLength;
	UCHAR AddressData[ANYSIZE_ARRAY];
} STOR_ADDRESS, *PSTOR_ADDRESS;
DDK_OFFSET(STOR_ADDRESS, AddressLength, 4);
DDK_OFFSET(STOR_ADDRESS, AddressData, 8);

typedef struct STOR_ADDRESS_ALIGN _STOR_ADDR_BTL8 {
	USHORT Type;
	USHORT Port;
	ULONG AddressLength;
	UCHAR Path;
	UCHAR Target;
	UCHAR Lun;
	UCHAR Reserved;
} STOR_ADDR_BTL8, *PSTOR_ADDR_BTL8;
DDK_OFFSET(STOR_ADDR_BTL8, Path, 8);
DDK_OFFSET(STOR_ADDR_BTL8, Target, 9);
DDK_OFFSET(STOR_ADDR_BTL8, Lun, 10);
DDK_SIZE(STOR_ADDR_BTL8, 16);

#endif
