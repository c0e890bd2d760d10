/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Structures are packed to 4 from here until poppack.h. */
#pragma pack(push, 4)
