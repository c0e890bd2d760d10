/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The oracle's cases: what cases.c (the builder) and case_transfer.c (the engines) share. A case
 * and what came of it are one record of 64-bit words, little-endian, the first of which is the
 * number of words. sglist.py reads them; the layout of each kind stands there and here side by
 * side, in the order in which both go through it.
 */
#ifndef DRY_TESTS_ORACLE_CASE_H
#define DRY_TESTS_ORACLE_CASE_H

#define CHAIN_PAGES 300

#include "dma/sglist.h"
#include "sg_chain.h"

enum case_kind { CASE_WORLD = 1, CASE_ADAPTER, CASE_OBSTACLES, CASE_BUILD, CASE_TRANSFER };

/* ---- the record ---- */

void case_begin(enum case_kind kind);
void case_word(uint64_t word);
/* Writes it out. */
void case_end(void);
/* The MDLs: their number, and of each its byte offset, its byte count and its frames. */
void case_chain(const struct chain *chain);
/* The number of elements, and of each its address and its length. */
void case_elements(const SCATTER_GATHER_ELEMENT *element, uint32_t count);

/* ---- chance ---- */

uint64_t case_random(void);
static inline uint32_t below(uint32_t n)
{
	return (uint32_t)(case_random() % n);
}
static inline bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* ---- kinds ---- */

/* `count` cases of transfers, in one machine after the other. */
void case_transfers(uint64_t count);

#endif
