/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Structures are packed to 2 from here until poppack.h. */
#pragma pack(push, 2)
