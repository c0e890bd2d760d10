/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Characters: upper case, and the ANSI code page, which is 1252 here as on most Windows systems of
 * the West. */
#ifndef DRY_NT_RTL_UNICODE_H
#define DRY_NT_RTL_UNICODE_H

#include "nt/nt.h"

WCHAR rtl_upcase(WCHAR c);
WCHAR rtl_from_ansi(uint8_t c);
/* '?' for what the code page lacks. */
uint8_t rtl_to_ansi(WCHAR c);

#endif
