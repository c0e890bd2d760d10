/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Properties of the unified device property model: their keys and types. Page:
 * https://learn.microsoft.com/windows-hardware/drivers/install/unified-device-property-model--windows-vista-and-later-
 */
#ifndef DDK_DEVPROPDEF_H
#define DDK_DEVPROPDEF_H

#include "ntdef.h"
#include "guiddef.h"

typedef ULONG DEVPROPTYPE, *PDEVPROPTYPE;
typedef GUID DEVPROPGUID, *PDEVPROPGUID;
typedef ULONG DEVPROPID, *PDEVPROPID;

typedef struct _DEVPROPKEY {
	DEVPROPGUID fmtid;
	DEVPROPID pid;
} DEVPROPKEY, *PDEVPROPKEY;
DDK_SIZE(DEVPROPKEY, 20);

#define DEVPROPID_FIRST_USABLE 2

#define DEVPROP_TYPEMOD_ARRAY 0x00001000
#define DEVPROP_TYPEMOD_LIST  0x00002000

#define DEVPROP_TYPE_EMPTY	 0x00000000
#define DEVPROP_TYPE_NULL	 0x00000001
#define DEVPROP_TYPE_SBYTE	 0x00000002
#define DEVPROP_TYPE_BYTE	 0x00000003
#define DEVPROP_TYPE_INT16	 0x00000004
#define DEVPROP_TYPE_UINT16	 0x00000005
#define DEVPROP_TYPE_INT32	 0x00000006
#define DEVPROP_TYPE_UINT32	 0x00000007
#define DEVPROP_TYPE_INT64	 0x00000008
#define DEVPROP_TYPE_UINT64	 0x00000009
#define DEVPROP_TYPE_GUID	 0x0000000d
#define DEVPROP_TYPE_BOOLEAN	 0x00000011
#define DEVPROP_TYPE_STRING	 0x00000012
#define DEVPROP_TYPE_STRING_LIST (DEVPROP_TYPE_STRING | DEVPROP_TYPEMOD_LIST)
#define DEVPROP_TYPE_BINARY	 (DEVPROP_TYPE_BYTE | DEVPROP_TYPEMOD_ARRAY)

#define IsEqualDevPropKey(a, b) ((a).pid == (b).pid && IsEqualGUID(&(a).fmtid, &(b).fmtid))

#endif

/* As DEFINE_GUID (guiddef.h): initguid.h may have come in between. */
#undef DEFINE_DEVPROPKEY
#ifdef INITGUID
#define DEFINE_DEVPROPKEY(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8, pid)                    \
	DDK_GUID const DEVPROPKEY DECLSPEC_SELECTANY name = {                                      \
		{l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}, pid}
#else
#define DEFINE_DEVPROPKEY(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8, pid)                    \
	EXTERN_C const DEVPROPKEY name
#endif
