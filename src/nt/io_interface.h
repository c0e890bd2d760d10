/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#ifndef DRY_NT_IO_INTERFACE_H
#define DRY_NT_IO_INTERFACE_H

/* nt_fini: no device interface is registered any more. */
void io_interfaces_forget(void);

#endif
