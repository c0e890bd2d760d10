/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Upper case by simple mappings of one character to one (Unicode's, for Latin, Greek, Cyrillic,
 * Armenian and the compatibility forms), and code page 1252. See rtl_unicode.h.
 */
#include "nt/rtl_unicode.h"
#include "util/export.h"

/* Every step-th character of first..last is lower case, and its capital is delta away. */
static const struct {
	uint16_t first, last;
	int16_t step, delta;
} lower[] = {
	{0x0061, 0x007a, 1, -32},
	{0x00e0, 0x00f6, 1, -32},
	{0x00f8, 0x00fe, 1, -32},
	{0x00ff, 0x00ff, 1, 121},
	{0x0101, 0x012f, 2, -1},
	{0x0133, 0x0137, 2, -1},
	{0x013a, 0x0148, 2, -1},
	{0x014b, 0x0177, 2, -1},
	{0x017a, 0x017e, 2, -1},
	{0x03ac, 0x03ac, 1, -38},
	{0x03ad, 0x03af, 1, -37},
	{0x03b1, 0x03c1, 1, -32},
	{0x03c2, 0x03c2, 1, -31},
	{0x03c3, 0x03cb, 1, -32},
	{0x03cc, 0x03cc, 1, -64},
	{0x03cd, 0x03ce, 1, -63},
	{0x0430, 0x044f, 1, -32},
	{0x0450, 0x045f, 1, -80},
	{0x0461, 0x0481, 2, -1},
	{0x048b, 0x04bf, 2, -1},
	{0x04c2, 0x04ce, 2, -1},
	{0x04d1, 0x0513, 2, -1},
	{0x0561, 0x0586, 1, -48},
	{0x1e01, 0x1e95, 2, -1},
	{0x1ea1, 0x1ef9, 2, -1},
	{0x2170, 0x217f, 1, -16},
	{0x24d0, 0x24e9, 1, -26},
	{0xff41, 0xff5a, 1, -32},
};

WCHAR rtl_upcase(WCHAR c)
{
	for (size_t i = 0; i < array_size(lower); i++)
		if (c >= lower[i].first && c <= lower[i].last)
			return (c - lower[i].first) % lower[i].step ? c
								    : (WCHAR)(c + lower[i].delta);
	return c;
}

/* Bytes 0x80 to 0x9f; what the code page leaves open stands for itself. */
static const uint16_t high[32] = {
	0x20ac,
	0x0081,
	0x201a,
	0x0192,
	0x201e,
	0x2026,
	0x2020,
	0x2021,
	0x02c6,
	0x2030,
	0x0160,
	0x2039,
	0x0152,
	0x008d,
	0x017d,
	0x008f,
	0x0090,
	0x2018,
	0x2019,
	0x201c,
	0x201d,
	0x2022,
	0x2013,
	0x2014,
	0x02dc,
	0x2122,
	0x0161,
	0x203a,
	0x0153,
	0x009d,
	0x017e,
	0x0178,
};

WCHAR rtl_from_ansi(uint8_t c)
{
	return c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c;
}

uint8_t rtl_to_ansi(WCHAR c)
{
	if (c < 0x80 || (c >= 0xa0 && c <= 0xff))
		return (uint8_t)c;
	for (unsigned i = 0; i < array_size(high); i++)
		if (high[i] == c)
			return (uint8_t)(0x80 + i);
	return '?';
}

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter)
{
	return rtl_upcase(SourceCharacter);
}
DRY_EXPORT(RtlUpcaseUnicodeChar)
