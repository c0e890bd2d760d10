/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Includes as people write them who have never seen a file system with letter case. */
#include <NtDDK.h>
#include "local.h"
#include "SUB\inner.h"
#include "..\common\PROTO.H"
#include <mixedcase.H>
#define TWIN "..\Common\twin.h"
#include TWIN

#if !HAVE_LOCAL_H || !HAVE_INNER_H || !HAVE_PROTO_H || !HAVE_TYPES_H || !HAVE_MIXEDCASE_H ||       \
	!HAVE_TWIN_H
#error not all were found
#endif

NTSTATUS DriverEntry(PVOID a, PVOID b)
{
	return STATUS_SUCCESS;
}
