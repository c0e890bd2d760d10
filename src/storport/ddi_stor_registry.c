/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The registry for miniports, and the event log. Values stand below the service's key, in
 * Parameters\Device for all adapters and Parameters\Device<d> for the d-th (the port's number: 0 is
 * the first), or below the device's hardware key. Strings are bytes to the miniport and 16-bit
 * characters in the registry; they always end with a zero.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/registry.h"
#include "nt/rtl_unicode.h"
#include "util/export.h"

#include <stdio.h>
#include <stdlib.h>

#define REGISTRY_TAG 0x67655253 /* "SReg" */

/* The adapter, if the routine may be called here: at PASSIVE_LEVEL. */
static struct stor_adapter *caller(void *extension, const char *routine)
{
	struct stor_adapter *adapter = stor_adapter_of(extension, routine);

	cpu_poll();
	if (adapter && KeGetCurrentIrql() != PASSIVE_LEVEL) {
		nt_violation(0, "StorPortIrql: %s at IRQL %u: it is for PASSIVE_LEVEL.", routine,
			KeGetCurrentIrql());
		return NULL;
	}
	return adapter;
}

PUCHAR NTAPI StorPortAllocateRegistryBuffer(PVOID HwDeviceExtension, PULONG Length)
{
	struct stor_adapter *adapter = caller(HwDeviceExtension, "StorPortAllocateRegistryBuffer");

	if (!adapter || !Length || !*Length || adapter->registry_buffer)
		return NULL;
	adapter->registry_buffer = nt_pool_alloc(*Length, REGISTRY_TAG, adapter, true);
	return adapter->registry_buffer;
}
DRY_EXPORT(StorPortAllocateRegistryBuffer)

VOID NTAPI StorPortFreeRegistryBuffer(PVOID HwDeviceExtension, PUCHAR Buffer)
{
	struct stor_adapter *adapter = caller(HwDeviceExtension, "StorPortFreeRegistryBuffer");

	if (!adapter)
		return;
	if (!Buffer || Buffer != adapter->registry_buffer) {
		nt_violation(0, "StorPortFreeRegistryBuffer: %p is not the registry buffer of %s.",
			(void *)Buffer, adapter->hba.name);
		return;
	}
	nt_pool_free(adapter->registry_buffer);
	adapter->registry_buffer = NULL;
}
DRY_EXPORT(StorPortFreeRegistryBuffer)

/* ---- values, as miniports have them ---- */

enum { KEY_TEXT = 64 };

/* Characters for so many bytes, freed by the caller; NULL: out of memory. ends: with a zero, which
 * then counts. */
static WCHAR *widen(const UCHAR *text, size_t *bytes, bool ends)
{
	WCHAR *to = malloc((*bytes + 1) * sizeof(WCHAR));

	if (!to)
		return NULL;
	for (size_t n = 0; n < *bytes; n++)
		to[n] = rtl_from_ansi(text[n]);
	if (ends && (!*bytes || to[*bytes - 1]))
		to[(*bytes)++] = 0;
	return to;
}

/* A value's name or a key's; its Buffer is freed by the caller. False: out of memory, or too long.
 */
static bool name_widen(const UCHAR *text, UNICODE_STRING *name)
{
	size_t count = strlen((const char *)text);
	WCHAR *to = count > REG_VALUE_NAME_MAX ? NULL : widen(text, &count, false);

	if (to)
		*name = reg_string(to, count);
	return to;
}

/* reg_lock held. STOR_STATUS_UNSUCCESSFUL: there is no such value of this type; *length then is 0.
 * STOR_STATUS_BUFFER_TOO_SMALL: *length is what it takes. */
static ULONG value_read(
	struct reg_key *key, const UNICODE_STRING *name, ULONG type, UCHAR *buffer, ULONG *length)
{
	const struct reg_value *value = key ? reg_value_find(key, name) : NULL;
	ULONG room = *length;

	*length = 0;
	if (!value || (type != REG_NONE && type != value->type))
		return STOR_STATUS_UNSUCCESSFUL;
	*length = reg_value_bytes(value, NULL);
	if (*length > room)
		return STOR_STATUS_BUFFER_TOO_SMALL;
	reg_value_bytes(value, buffer);
	return STOR_STATUS_SUCCESS;
}

/* reg_lock held. */
static ULONG value_write(struct reg_key *key, const UNICODE_STRING *name, ULONG type,
	const UCHAR *buffer, ULONG length)
{
	size_t count = length;
	NTSTATUS status;
	WCHAR *text;

	if (!key)
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	if (reg_is_string(type)) {
		text = length > REG_DATA_MAX / sizeof(WCHAR) ? NULL : widen(buffer, &count, true);
		if (!text)
			return STOR_STATUS_INSUFFICIENT_RESOURCES;
		status = reg_value_set(key, name, type, text, count * sizeof(WCHAR));
		free(text);
	} else {
		status = reg_value_set(key, name, type, buffer, length);
	}
	return status ? STOR_STATUS_INSUFFICIENT_RESOURCES : STOR_STATUS_SUCCESS;
}

/* ---- the service's key ---- */

static struct reg_key *parameters(const struct stor_adapter *adapter, bool global, bool make)
{
	const struct port_driver *driver = adapter->hba.driver;
	char path[KEY_TEXT];
	unsigned port = 0;

	while (port + 1 < driver->adapter_count && driver->adapters[port] != &adapter->hba)
		port++;
	if (global)
		return reg_service_key("Parameters\\Device", make);
	snprintf(path, sizeof(path), "Parameters\\Device%u", port);
	return reg_service_key(path, make);
}

/* How much of what the miniport says is the registry buffer is; 0 and a violation: it is none. */
static ULONG buffer_room(const struct stor_adapter *adapter, const UCHAR *buffer, ULONG length)
{
	const void *owner;
	void *start;
	size_t bytes;

	if (buffer && buffer == adapter->registry_buffer &&
		nt_pool_block(buffer, &start, &bytes, &owner))
		return (ULONG)min_of(bytes, (size_t)length);
	nt_violation(0,
		"StorPortRegistryRead: %p is not the buffer that StorPortAllocateRegistryBuffer "
		"gave %s.",
		(const void *)buffer, adapter->hba.name);
	return 0;
}

BOOLEAN NTAPI StorPortRegistryRead(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global,
	ULONG Type, PUCHAR Buffer, PULONG BufferLength)
{
	struct stor_adapter *adapter = caller(HwDeviceExtension, "StorPortRegistryRead");
	ULONG status = STOR_STATUS_INVALID_PARAMETER, length = 0;
	UNICODE_STRING name;

	if (adapter && ValueName && BufferLength && *BufferLength)
		length = buffer_room(adapter, Buffer, *BufferLength);
	if (length && name_widen(ValueName, &name)) {
		reg_lock();
		status = value_read(
			parameters(adapter, Global != 0, false), &name, Type, Buffer, &length);
		reg_unlock();
		free(name.Buffer);
	}
	/* with FALSE a length says that the buffer is too small, none that it is something else */
	if (BufferLength)
		*BufferLength = length;
	return status == STOR_STATUS_SUCCESS;
}
DRY_EXPORT(StorPortRegistryRead)

BOOLEAN NTAPI StorPortRegistryWrite(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global,
	ULONG Type, PUCHAR Buffer, ULONG BufferLength)
{
	struct stor_adapter *adapter = caller(HwDeviceExtension, "StorPortRegistryWrite");
	UNICODE_STRING name;
	ULONG status;

	if (!adapter || !ValueName || (BufferLength && !Buffer) || !name_widen(ValueName, &name))
		return FALSE;
	reg_lock();
	status = value_write(
		parameters(adapter, Global != 0, true), &name, Type, Buffer, BufferLength);
	reg_unlock();
	free(name.Buffer);
	return status == STOR_STATUS_SUCCESS;
}
DRY_EXPORT(StorPortRegistryWrite)

/* ---- the device's key ---- */

/* The arguments that both routines have. */
struct adapter_value {
	UCHAR *subkey, *value;
	ULONG type;
	void *data;
	ULONG *length;
};

static ULONG adapter_value_do(
	struct stor_adapter *adapter, const struct adapter_value *value, bool writes)
{
	UNICODE_STRING subkey, name;
	struct reg_key *key;
	NTSTATUS found = STATUS_OBJECT_NAME_NOT_FOUND;
	ULONG status;

	if (!name_widen(value->subkey ? value->subkey : (const UCHAR *)"", &subkey))
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	if (!name_widen(value->value, &name)) {
		free(subkey.Buffer);
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	}
	reg_lock();
	key = reg_device_key(adapter->hba.registry_device, REG_DEVICE_HARDWARE);
	if (key)
		found = writes ? reg_key_make(key, &subkey, true, false, &key, NULL)
			       : reg_key_find(key, &subkey, &key);
	status = found	  ? STOR_STATUS_UNSUCCESSFUL
		 : writes ? value_write(key, &name, value->type, value->data, *value->length)
			  : value_read(key, &name, value->type, value->data, value->length);
	reg_unlock();
	free(subkey.Buffer);
	free(name.Buffer);
	return status;
}

static ULONG irql_bad(const char *routine)
{
	if (likely(KeGetCurrentIrql() == PASSIVE_LEVEL))
		return STOR_STATUS_SUCCESS;
	nt_violation(0, "%s at IRQL %u: it is for PASSIVE_LEVEL.", routine, KeGetCurrentIrql());
	return STOR_STATUS_INVALID_IRQL;
}

ULONG stor_read_adapter_key(struct stor_adapter *adapter, struct stor_call *args)
{
	struct adapter_value value = {stor_arg(args, UCHAR *), stor_arg(args, UCHAR *),
		stor_arg(args, ULONG), NULL, NULL};
	void **data = stor_arg(args, void **);

	value.length = stor_arg(args, ULONG *);
	if (irql_bad("StorPortRegistryReadAdapterKey"))
		return STOR_STATUS_INVALID_IRQL;
	if (!value.value || !data || !*data || !value.length)
		return STOR_STATUS_INVALID_PARAMETER;
	value.data = *data;
	return adapter_value_do(adapter, &value, false);
}

ULONG stor_write_adapter_key(struct stor_adapter *adapter, struct stor_call *args)
{
	struct adapter_value value = {stor_arg(args, UCHAR *), stor_arg(args, UCHAR *),
		stor_arg(args, ULONG), NULL, NULL};
	ULONG length;

	value.data = stor_arg(args, void *);
	length = stor_arg(args, ULONG);
	value.length = &length;
	if (irql_bad("StorPortRegistryWriteAdapterKey"))
		return STOR_STATUS_INVALID_IRQL;
	if (!value.value || (length && !value.data))
		return STOR_STATUS_INVALID_PARAMETER;
	return adapter_value_do(adapter, &value, true);
}

/* ---- the event log ---- */

VOID NTAPI StorPortLogError(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, UCHAR PathId,
	UCHAR TargetId, UCHAR Lun, ULONG ErrorCode, ULONG UniqueId)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortLogError");

	cpu_poll();
	if (adapter)
		port_hba_log_error(&adapter->hba, PathId, TargetId, Lun, ErrorCode, UniqueId);
}
DRY_EXPORT(StorPortLogError)
