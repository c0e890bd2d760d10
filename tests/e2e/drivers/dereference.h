/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Put into a miniport after its includes: it follows its pointers to registers, and calls no
 * accessor. */
#define StorPortReadRegisterUlong(h, r)	      (*(volatile ULONG *)(r))
#define StorPortReadRegisterUlong64(h, r)     (*(volatile ULONG64 *)(r))
#define StorPortWriteRegisterUlong(h, r, v)   (*(volatile ULONG *)(r) = (v))
#define StorPortWriteRegisterUlong64(h, r, v) (*(volatile ULONG64 *)(r) = (v))
#define ScsiPortReadRegisterUlong(r)	      (*(volatile ULONG *)(r))
#define ScsiPortWriteRegisterUlong(r, v)      (*(volatile ULONG *)(r) = (v))
