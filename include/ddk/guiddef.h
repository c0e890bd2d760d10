/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * GUIDs. DEFINE_GUID declares a GUID; in one file of a driver that includes initguid.h first, it
 * defines it.
 */
#ifndef GUID_DEFINED
#define GUID_DEFINED

#include "parts/compiler.h"

typedef struct _GUID {
	unsigned DDK_LONG Data1;
	unsigned short Data2;
	unsigned short Data3;
	unsigned char Data4[8];
} GUID, *PGUID, *LPGUID, IID, CLSID;
typedef const GUID *LPCGUID, *REFGUID, *REFIID, *REFCLSID;
DDK_SIZE(GUID, 16);

DDK_INLINE int IsEqualGUID_(const GUID *a, const GUID *b)
{
	return __builtin_memcmp(a, b, sizeof(*a)) == 0;
}
#define InlineIsEqualGUID(a, b) IsEqualGUID_((a), (b))
#define IsEqualGUID(a, b)	IsEqualGUID_((a), (b))

/* What a definition begins with: in C, `extern` would be a warning. */
#ifdef __cplusplus
#define DDK_GUID EXTERN_C
#else
#define DDK_GUID
#endif

#endif

#undef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)                               \
	DDK_GUID const GUID DECLSPEC_SELECTANY name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) EXTERN_C const GUID name
#endif
