/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Io: device interfaces, by which programs find a device on Windows. Here nothing looks for one:
 * what is registered is kept, so that a driver's mistakes show, and can be seen in the log.
 */
#include "nt/io_interface.h"
#include "nt/nt_check.h"
#include "nt/nt_lock.h"
#include "nt/pool.h"
#include "nt/registry.h"
#include "util/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINK_TAG 0x6b6e694c /* "Link" */

struct interface {
	struct interface *next;
	bool is_enabled;
	USHORT bytes;
	WCHAR link[];
};

static struct {
	struct nt_lock lock;
	struct interface *first;
} known;

static struct interface *find(PCUNICODE_STRING link)
{
	struct interface *at = known.first;

	while (at && (at->bytes != link->Length || memcmp(at->link, link->Buffer, at->bytes)))
		at = at->next;
	return at;
}

/* \??\<instance with # for \>#{<class>}, in characters. */
static size_t link_text(char *text, size_t room, const char *instance, const GUID *class)
{
	const UCHAR *last = class->Data4;
	size_t count = (size_t)snprintf(text, room,
		"\\??\\%s#{%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}", instance,
		(unsigned)class->Data1, class->Data2, class->Data3, last[0], last[1], last[2],
		last[3], last[4], last[5], last[6], last[7]);

	for (char *at = text + 4; *at; at++)
		if (*at == '\\')
			*at = '#';
	return count;
}

static bool has_separator(PCUNICODE_STRING string)
{
	for (unsigned n = 0; string && n < string->Length / sizeof(WCHAR); n++)
		if (string->Buffer[n] == '/' || string->Buffer[n] == '\\')
			return true;
	return false;
}

/* Remembers it. 1: it was known already. -1: out of memory. */
static int interface_add(PCUNICODE_STRING link)
{
	struct interface *was,
		*new = nt_allocation_fails() ? NULL : calloc(1, sizeof(*new) + link->Length);

	if (!new)
		return -1;
	new->bytes = link->Length;
	memcpy(new->link, link->Buffer, link->Length);
	nt_lock_take(&known.lock);
	was = find(link);
	if (!was) {
		new->next = known.first;
		known.first = new;
	}
	nt_lock_drop(&known.lock);
	if (was)
		free(new);
	return was != NULL;
}

NTSTATUS NTAPI IoRegisterDeviceInterface(PDEVICE_OBJECT PhysicalDeviceObject,
	const GUID *InterfaceClassGuid, PUNICODE_STRING ReferenceString,
	PUNICODE_STRING SymbolicLinkName)
{
	int device = reg_device_of(PhysicalDeviceObject);
	size_t more = ReferenceString ? ReferenceString->Length / sizeof(WCHAR) : 0, count;
	char text[REG_INSTANCE_MAX + 64];
	int added;

	cpu_poll();
	nt_irql_max("IoRegisterDeviceInterface", IRQL_PASSIVE, NT_C4(0xE5));
	if (device < 0 || !InterfaceClassGuid || has_separator(ReferenceString))
		return STATUS_INVALID_DEVICE_REQUEST;
	count = link_text(
		text, sizeof(text), reg_device_instance((unsigned)device), InterfaceClassGuid);
	/* a zero behind it, and a separator before the reference string */
	if ((count + more + 2) * sizeof(WCHAR) > MAXUSHORT)
		return STATUS_INVALID_DEVICE_REQUEST;
	SymbolicLinkName->Buffer = pool_take((count + more + 2) * sizeof(WCHAR), LINK_TAG, NULL,
		(uintptr_t)__builtin_return_address(0), POOL_ASK_PAGED | POOL_ASK_ZERO);
	if (!SymbolicLinkName->Buffer)
		return STATUS_INSUFFICIENT_RESOURCES;
	reg_widen(text, count, SymbolicLinkName->Buffer, count);
	if (more) {
		SymbolicLinkName->Buffer[count++] = '\\';
		memcpy(SymbolicLinkName->Buffer + count, ReferenceString->Buffer,
			more * sizeof(WCHAR));
		count += more;
	}
	SymbolicLinkName->Length = (USHORT)(count * sizeof(WCHAR));
	SymbolicLinkName->MaximumLength = SymbolicLinkName->Length + sizeof(WCHAR);
	added = interface_add(SymbolicLinkName);
	if (added < 0) {
		RtlFreeUnicodeString(SymbolicLinkName);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	return added ? STATUS_OBJECT_NAME_EXISTS : STATUS_SUCCESS;
}
DRY_EXPORT(IoRegisterDeviceInterface)

NTSTATUS NTAPI IoSetDeviceInterfaceState(PUNICODE_STRING SymbolicLinkName, BOOLEAN Enable)
{
	struct interface *interface;
	NTSTATUS status = STATUS_SUCCESS;

	cpu_poll();
	nt_irql_max("IoSetDeviceInterfaceState", IRQL_PASSIVE, NT_C4(0xE5));
	nt_lock_take(&known.lock);
	interface = find(SymbolicLinkName);
	if (!interface || (!Enable && !interface->is_enabled))
		status = STATUS_OBJECT_NAME_NOT_FOUND;
	else if (Enable && interface->is_enabled)
		status = STATUS_OBJECT_NAME_EXISTS;
	else
		interface->is_enabled = Enable;
	nt_lock_drop(&known.lock);
	return status;
}
DRY_EXPORT(IoSetDeviceInterfaceState)

void io_interfaces_forget(void)
{
	while (known.first) {
		struct interface *interface = known.first;

		known.first = interface->next;
		free(interface);
	}
}
