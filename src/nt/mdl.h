/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What mm_mdl.c, io_mdl.c and mm_pages.c share. An MDL describes [StartVa + ByteOffset, +
 * ByteCount) by the frames of its pages, which follow it. All memory is mapped already, once and
 * for ever, so a "system mapping" of an MDL is the place where its pages stand; it exists if they
 * stand side by side.
 */
#ifndef DRY_NT_MDL_H
#define DRY_NT_MDL_H

#include "nt/nt.h"

#define MDL_TAG 0x206c644du /* "Mdl " */

/* One of these says that the frames are filled in. */
#define MDL_DESCRIBES (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)

static inline ULONG mdl_pages(const MDL *mdl)
{
	return ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(mdl), mdl->ByteCount);
}

/* Frames that it has room for. */
uint64_t mdl_room(const MDL *mdl);

#endif
