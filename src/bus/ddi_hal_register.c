/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * READ_REGISTER_*, WRITE_REGISTER_*, READ_PORT_*, WRITE_PORT_* and their BUFFER forms: one line
 * each in two tables below. Neighbour: register.c, where the access is carried out.
 */
#define DRY_MODULE "ntoskrnl.exe"
#include "bus/bus.h"
#include "util/export.h"
#include <ntddk.h>

/* A register buffer walks over registers at rising addresses (wdm: READ_REGISTER_BUFFER_UCHAR). */
#define REGISTER(width, type)                                                                      \
	type NTAPI READ_REGISTER_##width(volatile type *Register)                                  \
	{                                                                                          \
		return (type)bus_register_read(Register, sizeof(type));                            \
	}                                                                                          \
	DRY_EXPORT(READ_REGISTER_##width)                                                          \
                                                                                                   \
	VOID NTAPI WRITE_REGISTER_##width(volatile type *Register, type Value)                     \
	{                                                                                          \
		if (sizeof(type) == sizeof(ULONG))                                                 \
			bus_register_write_ulong(Register, (ULONG)Value);                          \
		else                                                                               \
			bus_register_write(Register, sizeof(type), Value);                         \
	}                                                                                          \
                                                                                                   \
	VOID NTAPI READ_REGISTER_BUFFER_##width(                                                   \
		volatile type *Register, type *Buffer, ULONG Count)                                \
	{                                                                                          \
		for (ULONG i = 0; i < Count; i++)                                                  \
			Buffer[i] = (type)bus_register_read(Register + i, sizeof(type));           \
	}                                                                                          \
	DRY_EXPORT(READ_REGISTER_BUFFER_##width)                                                   \
                                                                                                   \
	VOID NTAPI WRITE_REGISTER_BUFFER_##width(                                                  \
		volatile type *Register, type *Buffer, ULONG Count)                                \
	{                                                                                          \
		for (ULONG i = 0; i < Count; i++)                                                  \
			bus_register_write(Register + i, sizeof(type), Buffer[i]);                 \
	}                                                                                          \
	DRY_EXPORT(WRITE_REGISTER_BUFFER_##width)

REGISTER(UCHAR, UCHAR)
REGISTER(USHORT, USHORT)
REGISTER(ULONG, ULONG)
REGISTER(ULONG64, ULONG64)
DRY_EXPORT(WRITE_REGISTER_UCHAR)
DRY_EXPORT(WRITE_REGISTER_USHORT)
/* it does nothing else, and is on the way of every request */
DRY_EXPORT_AS(WRITE_REGISTER_ULONG, bus_register_write_ulong)
DRY_EXPORT(WRITE_REGISTER_ULONG64)

/* A port buffer goes through the same port each time (wdm: READ_PORT_BUFFER_UCHAR). */
#define PORT(width, type)                                                                          \
	type NTAPI READ_PORT_##width(type *Port)                                                   \
	{                                                                                          \
		return (type)bus_port_read((uintptr_t)Port, sizeof(type));                         \
	}                                                                                          \
	DRY_EXPORT(READ_PORT_##width)                                                              \
                                                                                                   \
	VOID NTAPI WRITE_PORT_##width(type *Port, type Value)                                      \
	{                                                                                          \
		bus_port_write((uintptr_t)Port, sizeof(type), Value);                              \
	}                                                                                          \
	DRY_EXPORT(WRITE_PORT_##width)                                                             \
                                                                                                   \
	VOID NTAPI READ_PORT_BUFFER_##width(type *Port, type *Buffer, ULONG Count)                 \
	{                                                                                          \
		for (ULONG i = 0; i < Count; i++)                                                  \
			Buffer[i] = (type)bus_port_read((uintptr_t)Port, sizeof(type));            \
	}                                                                                          \
	DRY_EXPORT(READ_PORT_BUFFER_##width)                                                       \
                                                                                                   \
	VOID NTAPI WRITE_PORT_BUFFER_##width(type *Port, type *Buffer, ULONG Count)                \
	{                                                                                          \
		for (ULONG i = 0; i < Count; i++)                                                  \
			bus_port_write((uintptr_t)Port, sizeof(type), Buffer[i]);                  \
	}                                                                                          \
	DRY_EXPORT(WRITE_PORT_BUFFER_##width)

PORT(UCHAR, UCHAR)
PORT(USHORT, USHORT)
PORT(ULONG, ULONG)
