/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Device objects: counted like other objects (ob_object.h), stacked by attachment. Their makers are
 * in src/port.
 */
#ifndef DRY_NT_IO_DEVICE_H
#define DRY_NT_IO_DEVICE_H

#include "nt/nt.h"

/* A device object of this driver, of a FILE_DEVICE_ type, with one reference, the maker's. NULL:
 * out of memory. */
DEVICE_OBJECT *io_device_new(DRIVER_OBJECT *driver, ULONG type);
/* Puts top onto lower, which has nothing attached, and makes it one of its driver's. */
void io_device_attach(DEVICE_OBJECT *top, DEVICE_OBJECT *lower);
/* It is its driver's no more, and nothing is attached to it: IRPs to it are refused. The lower one
 * of a stack first. */
void io_device_end(DEVICE_OBJECT *device);
/* The same, if that has not been, and the maker's reference ends; what a driver still refers to
 * stays. NULL: nothing. */
void io_device_free(DEVICE_OBJECT *device);

#endif
