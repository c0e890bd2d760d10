/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ends what the last pshpack*.h began. */
#pragma pack(pop)
