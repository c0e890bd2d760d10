/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Values as a port and its miniports have them: numbers, and strings of bytes. See registry.h. */
#include "nt/registry.h"
#include "nt/rtl_unicode.h"

bool reg_is_string(ULONG type)
{
	return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

uint32_t reg_value_bytes(const struct reg_value *value, uint8_t *to)
{
	const WCHAR *wide = (const WCHAR *)value->data;
	uint32_t count = value->bytes / 2;
	bool ends;

	if (!reg_is_string(value->type)) {
		if (to && value->bytes)
			memcpy(to, value->data, value->bytes);
		return value->bytes;
	}
	ends = count && !wide[count - 1];
	for (uint32_t n = 0; to && n < count; n++)
		to[n] = rtl_to_ansi(wide[n]);
	if (to && !ends)
		to[count] = 0;
	return count + !ends;
}

const struct reg_value *reg_value_at(struct reg_key *key, const char *path, const char *name)
{
	WCHAR wide[REG_NAME_MAX];
	UNICODE_STRING text;

	text = reg_string(wide, reg_widen(path, strlen(path), wide, array_size(wide)));
	if (!key || reg_key_find(key, &text, &key))
		return NULL;
	text = reg_string(wide, reg_widen(name, strlen(name), wide, array_size(wide)));
	return reg_value_find(key, &text);
}

bool reg_value_number(const struct reg_value *value, uint64_t *number)
{
	bool is_right = value->type == REG_DWORD    ? value->bytes == 4
			: value->type == REG_QWORD  ? value->bytes == 8
			: value->type == REG_BINARY ? value->bytes && value->bytes <= 8
						    : false;

	*number = 0;
	if (is_right)
		memcpy(number, value->data, value->bytes);
	return is_right;
}
