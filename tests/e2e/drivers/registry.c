/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Goes with a copy of examples/simple that calls RegistryInitialize for StorPortInitialize: it
 * reads Parameters\Device\Depth and the device's Sub\Power, tells them, writes one more than the
 * first, and adds a value by way of DriverEntry's RegistryPath. It tells its ArgumentString, too,
 * and what requests it is offered.
 */
#include "simple.h"

#include <ntddk.h>

#define REGISTRY_TELL(...) StorPortDebugPrint(0, __VA_ARGS__)

static PHW_FIND_ADAPTER RegistrySimpleFindAdapter;

static ULONG RegistryRead(PVOID Extension, PUCHAR Name)
{
	ULONG Length = sizeof(ULONG), Value = 0;
	PUCHAR Buffer = StorPortAllocateRegistryBuffer(Extension, &Length);

	if (StorPortRegistryRead(Extension, Name, 1, MINIPORT_REG_DWORD, Buffer, &Length))
		RtlCopyMemory(&Value, Buffer, sizeof(Value));
	StorPortFreeRegistryBuffer(Extension, Buffer);
	return Value;
}

static ULONG RegistryFindAdapter(PVOID Extension, PVOID HwContext, PVOID BusInformation,
	PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION Config, PBOOLEAN Again)
{
	ULONG Depth = RegistryRead(Extension, (PUCHAR) "Depth"), Power = 0, Length = sizeof(Power);
	PVOID Data = &Power;

	StorPortRegistryReadAdapterKey(
		Extension, (PUCHAR) "Sub", (PUCHAR) "Power", REG_DWORD, &Data, &Length);
	REGISTRY_TELL("registry: depth %u, power %u\n", Depth, Power);
	REGISTRY_TELL(
		"registry: argument '%s', requests %u\n", ArgumentString, Config->MaxNumberOfIO);
	Depth++;
	StorPortRegistryWrite(
		Extension, (PUCHAR) "Deeper", 0, MINIPORT_REG_DWORD, (PUCHAR)&Depth, sizeof(Depth));
	return RegistrySimpleFindAdapter(
		Extension, HwContext, BusInformation, ArgumentString, Config, Again);
}

ULONG RegistryInitialize(
	PVOID DriverObject, PVOID RegistryPath, PHW_INITIALIZATION_DATA Data, PVOID HwContext)
{
	OBJECT_ATTRIBUTES Attributes;
	UNICODE_STRING Name;
	HANDLE Key;
	NTSTATUS Status;

	InitializeObjectAttributes(
		&Attributes, RegistryPath, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, NULL, NULL);
	Status = ZwOpenKey(&Key, KEY_ALL_ACCESS, &Attributes);
	if (!NT_SUCCESS(Status))
		return (ULONG)Status;
	RtlInitUnicodeString(&Name, L"Greeting");
	ZwSetValueKey(Key, &Name, 0, REG_SZ, L"hello", 6 * sizeof(WCHAR));
#ifndef REGISTRY_LEAK
	ZwClose(Key);
#endif
	RegistrySimpleFindAdapter = Data->HwFindAdapter;
	Data->HwFindAdapter = RegistryFindAdapter;
	return StorPortInitialize(DriverObject, RegistryPath, Data, HwContext);
}
