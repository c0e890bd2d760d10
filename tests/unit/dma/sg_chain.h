/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* MDL chains made by hand, for tests that need no kernel. */
#ifndef DRY_TESTS_SG_CHAIN_H
#define DRY_TESTS_SG_CHAIN_H

#include <ntddk.h>

#define CHAIN_MDLS 6
#ifndef CHAIN_PAGES
#define CHAIN_PAGES 20
#endif

struct chain_mdl {
	MDL mdl;
	PFN_NUMBER frames[CHAIN_PAGES];
};

struct chain {
	struct chain_mdl part[CHAIN_MDLS];
	unsigned parts;
};

static __attribute__((unused)) void chain_clear(struct chain *chain)
{
	chain->parts = 0;
}

/* Appends an MDL for `bytes` bytes from va on, whose frames are still to be filled in. */
static __attribute__((unused)) PPFN_NUMBER chain_add(
	struct chain *chain, const void *va, size_t bytes)
{
	PMDL mdl = &chain->part[chain->parts].mdl;

	mdl->Next = NULL;
	MmInitializeMdl(mdl, (PVOID)va, bytes);
	mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
	if (chain->parts)
		chain->part[chain->parts - 1].mdl.Next = mdl;
	chain->parts++;
	return MmGetMdlPfnArray(mdl);
}

#endif
