/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * WMI for miniports (scsiwmi.h): a request's buffer holds a WNODE; the miniport's callbacks see
 * only the instances and their data. Instance names are static, made from the device
 * (WMIREG_FLAG_INSTANCE_PDO), so a request names an instance by its number. Between the dispatch
 * and ScsiPortWmiPostProcess, which may come later, ReturnSize of the context keeps where the data
 * begin.
 */
#define DRY_MODULE "storport.sys"
#include "storport/storport_adapter.h"
#include "nt/nt.h"
#include "util/export.h"

#include <scsiwmi.h>
#include <string.h>

/* REGINFO_EX is REGINFO with references to device objects, of which a miniport has none. */
#define REGINFO_EX 11

/* A request while it is dispatched. */
struct wmi {
	PSCSI_WMILIB_CONTEXT lib;
	PSCSIWMI_REQUEST_CONTEXT context;
	PVOID device;
	const void *path; /* the block's GUID */
	ULONG block, instance;
	UCHAR *data; /* where they begin, and how much room there is */
	ULONG room;
};

typedef UCHAR wmi_fn(struct wmi *wmi);

static bool is_success(UCHAR status)
{
	return SRB_STATUS(status) == SRB_STATUS_SUCCESS;
}

static UCHAR finish(PSCSIWMI_REQUEST_CONTEXT context, UCHAR status, ULONG size)
{
	context->ReturnStatus = status;
	context->ReturnSize = size;
	return status;
}

/* From here on ReturnSize is the data's offset. */
static void data_at(struct wmi *wmi, ULONG offset)
{
	PSCSIWMI_REQUEST_CONTEXT context = wmi->context;

	context->ReturnStatus = SRB_STATUS_PENDING;
	context->ReturnSize = offset;
	wmi->room = offset < context->BufferSize ? context->BufferSize - offset : 0;
	wmi->data = wmi->room ? context->Buffer + offset : NULL;
}

/* ---- what comes back ---- */

/* The callback has put the lengths one after the other: from the last on, each moves into its pair.
 */
static void instances_place(UCHAR *node, ULONG offset, ULONG end)
{
	const ULONG array = FIELD_OFFSET(WNODE_ALL_DATA, OffsetInstanceDataAndLength);
	ULONG *slots = (ULONG *)(node + array), count = (offset - array) / 8;

	for (ULONG i = count; i-- > 0;)
		slots[2 * i + 1] = slots[i];
	for (ULONG i = 0; i < count; i++) {
		slots[2 * i] = offset;
		if (slots[2 * i + 1] > end - offset) {
			nt_violation(0,
				"HwScsiWmiQueryDataBlock: instance %u has %u bytes, more than "
				"were returned.",
				(unsigned)i, (unsigned)slots[2 * i + 1]);
			slots[2 * i + 1] = 0;
		}
		offset = min_of((offset + slots[2 * i + 1] + 7) & ~7u, end);
	}
}

static void node_fill(PSCSIWMI_REQUEST_CONTEXT context, ULONG offset, ULONG used)
{
	WNODE_HEADER *header = (WNODE_HEADER *)context->Buffer;

	header->BufferSize = offset + used;
	header->TimeStamp.QuadPart = (LONGLONG)cpu_system_time();
	if (context->MinorFunction == WMI_GET_ALL_DATA)
		instances_place(context->Buffer, offset, offset + used);
	else if (context->MinorFunction == WMI_GET_SINGLE_INSTANCE)
		((WNODE_SINGLE_INSTANCE *)header)->SizeDataBlock = used;
	else
		((WNODE_METHOD_ITEM *)header)->SizeDataBlock = used;
}

static void too_small(PSCSIWMI_REQUEST_CONTEXT context, ULONG needed)
{
	WNODE_TOO_SMALL *node = (WNODE_TOO_SMALL *)context->Buffer;

	if (context->BufferSize < sizeof(*node)) {
		finish(context, SRB_STATUS_DATA_OVERRUN, 0);
		return;
	}
	node->WnodeHeader.BufferSize = sizeof(*node);
	node->WnodeHeader.Flags |= WNODE_FLAG_TOO_SMALL;
	node->SizeNeeded = needed;
	finish(context, SRB_STATUS_SUCCESS, sizeof(*node));
}

static bool has_output(UCHAR minor)
{
	return minor == WMI_GET_ALL_DATA || minor == WMI_GET_SINGLE_INSTANCE ||
	       minor == WMI_EXECUTE_METHOD;
}

VOID NTAPI ScsiPortWmiPostProcess(
	PSCSIWMI_REQUEST_CONTEXT RequestContext, UCHAR SrbStatus, ULONG BufferUsed)
{
	PSCSIWMI_REQUEST_CONTEXT context = RequestContext;
	ULONG offset = context->ReturnSize;
	bool fits;

	cpu_poll();
	fits = offset <= context->BufferSize && BufferUsed <= context->BufferSize - offset;
	if (!has_output(context->MinorFunction)) {
		finish(context, SrbStatus, 0);
	} else if (is_success(SrbStatus) && fits) {
		node_fill(context, offset, BufferUsed);
		finish(context, SrbStatus, offset + BufferUsed);
	} else if (is_success(SrbStatus)) {
		nt_violation(0,
			"ScsiPortWmiPostProcess: success with %u bytes, but there is room for %u.",
			(unsigned)BufferUsed,
			offset < context->BufferSize ? (unsigned)(context->BufferSize - offset)
						     : 0);
		finish(context, SRB_STATUS_ERROR, 0);
	} else if (SRB_STATUS(SrbStatus) == SRB_STATUS_DATA_OVERRUN) {
		too_small(context, offset + BufferUsed);
	} else {
		finish(context, SrbStatus, 0);
	}
}
DRY_EXPORT(ScsiPortWmiPostProcess)

/* A callback's answer; pending, or what ScsiPortWmiPostProcess made of it. */
static UCHAR answered(struct wmi *wmi, UCHAR status)
{
	if (status == SRB_STATUS_PENDING)
		return status;
	if (wmi->context->ReturnStatus == SRB_STATUS_PENDING)
		ScsiPortWmiPostProcess(wmi->context, status, 0);
	return wmi->context->ReturnStatus;
}

/* ---- by kind of request ---- */

static UCHAR query_all(struct wmi *wmi)
{
	PSCSIWMI_REQUEST_CONTEXT context = wmi->context;
	ULONG count = wmi->lib->GuidList[wmi->block].InstanceCount, *lengths = NULL;
	ULONG array = FIELD_OFFSET(WNODE_ALL_DATA, OffsetInstanceDataAndLength);
	uint64_t offset = (array + 8ull * count + 7) & ~7ull;
	WNODE_ALL_DATA *node = (WNODE_ALL_DATA *)context->Buffer;

	if (!wmi->lib->QueryWmiDataBlock || offset > UINT32_MAX)
		return finish(context, SRB_STATUS_ERROR, 0);
	data_at(wmi, (ULONG)offset);
	if (context->BufferSize >= offset) {
		memset(node, 0, offset);
		node->WnodeHeader.BufferSize = context->BufferSize;
		node->WnodeHeader.Flags = WNODE_FLAG_ALL_DATA | WNODE_FLAG_STATIC_INSTANCE_NAMES;
		memcpy(&node->WnodeHeader.Guid, wmi->path, sizeof(GUID));
		node->DataBlockOffset = (ULONG)offset;
		node->InstanceCount = count;
		lengths = (ULONG *)(context->Buffer + array);
	}
	return answered(wmi, wmi->lib->QueryWmiDataBlock(wmi->device, context, wmi->block, 0, count,
				     lengths, wmi->room, wmi->data));
}

/* The fixed part of a WNODE that names one instance; false if it is not there, or names none. */
static bool instance_read(struct wmi *wmi, ULONG fixed, ULONG offset)
{
	const WNODE_SINGLE_INSTANCE *node = (WNODE_SINGLE_INSTANCE *)wmi->context->Buffer;

	if (wmi->context->BufferSize < fixed || offset < fixed)
		return false;
	wmi->instance = node->InstanceIndex;
	return node->WnodeHeader.Flags & WNODE_FLAG_STATIC_INSTANCE_NAMES &&
	       wmi->instance < wmi->lib->GuidList[wmi->block].InstanceCount;
}

#define wmi_node(wmi, type)                                                                        \
	((wmi)->context->BufferSize < FIELD_OFFSET(type, VariableData)                             \
			? NULL                                                                     \
			: (type *)(wmi)->context->Buffer)

static UCHAR query_single(struct wmi *wmi)
{
	WNODE_SINGLE_INSTANCE *node = wmi_node(wmi, WNODE_SINGLE_INSTANCE);

	if (!node || !wmi->lib->QueryWmiDataBlock ||
		!instance_read(wmi, sizeof(*node), node->DataBlockOffset))
		return finish(wmi->context, SRB_STATUS_ERROR, 0);
	data_at(wmi, node->DataBlockOffset);
	return answered(wmi,
		wmi->lib->QueryWmiDataBlock(wmi->device, wmi->context, wmi->block, wmi->instance, 1,
			wmi->room ? &node->SizeDataBlock : NULL, wmi->room, wmi->data));
}

static UCHAR set_block(struct wmi *wmi)
{
	WNODE_SINGLE_INSTANCE *node = wmi_node(wmi, WNODE_SINGLE_INSTANCE);

	if (!node || !wmi->lib->SetWmiDataBlock ||
		!instance_read(wmi, sizeof(*node), node->DataBlockOffset))
		return finish(wmi->context, SRB_STATUS_ERROR, 0);
	data_at(wmi, node->DataBlockOffset);
	if (node->SizeDataBlock > wmi->room)
		return finish(wmi->context, SRB_STATUS_ERROR, 0);
	return answered(wmi, wmi->lib->SetWmiDataBlock(wmi->device, wmi->context, wmi->block,
				     wmi->instance, node->SizeDataBlock, wmi->data));
}

static UCHAR set_item(struct wmi *wmi)
{
	WNODE_SINGLE_ITEM *node = wmi_node(wmi, WNODE_SINGLE_ITEM);

	if (!node || !wmi->lib->SetWmiDataItem ||
		!instance_read(
			wmi, FIELD_OFFSET(WNODE_SINGLE_ITEM, VariableData), node->DataBlockOffset))
		return finish(wmi->context, SRB_STATUS_ERROR, 0);
	data_at(wmi, node->DataBlockOffset);
	if (node->SizeDataItem > wmi->room)
		return finish(wmi->context, SRB_STATUS_ERROR, 0);
	return answered(wmi, wmi->lib->SetWmiDataItem(wmi->device, wmi->context, wmi->block,
				     wmi->instance, node->ItemId, node->SizeDataItem, wmi->data));
}

static UCHAR execute(struct wmi *wmi)
{
	WNODE_METHOD_ITEM *node = wmi_node(wmi, WNODE_METHOD_ITEM);

	if (!node || !wmi->lib->ExecuteWmiMethod ||
		!instance_read(
			wmi, FIELD_OFFSET(WNODE_METHOD_ITEM, VariableData), node->DataBlockOffset))
		return finish(wmi->context, SRB_STATUS_ERROR, 0);
	data_at(wmi, node->DataBlockOffset);
	if (node->SizeDataBlock > wmi->room)
		return finish(wmi->context, SRB_STATUS_ERROR, 0);
	return answered(wmi,
		wmi->lib->ExecuteWmiMethod(wmi->device, wmi->context, wmi->block, wmi->instance,
			node->MethodId, node->SizeDataBlock, wmi->room, wmi->data));
}

static UCHAR control(struct wmi *wmi)
{
	UCHAR minor = wmi->context->MinorFunction;
	bool events = minor == WMI_ENABLE_EVENTS || minor == WMI_DISABLE_EVENTS;
	bool enable = minor == WMI_ENABLE_EVENTS || minor == WMI_ENABLE_COLLECTION;

	if (!wmi->lib->WmiFunctionControl)
		return finish(wmi->context, SRB_STATUS_SUCCESS, 0);
	data_at(wmi, 0);
	return answered(
		wmi, wmi->lib->WmiFunctionControl(wmi->device, wmi->context, wmi->block,
			     events ? ScsiWmiEventControl : ScsiWmiDataBlockControl, enable));
}

/* The list of blocks, and behind it the name of the MOF resource, counted. */
static void registration_write(const struct wmi *wmi, ULONG size, const WCHAR *name, USHORT bytes)
{
	WMIREGINFOW *info = (WMIREGINFOW *)wmi->context->Buffer;
	UCHAR *end;

	memset(info, 0, size);
	info->BufferSize = size;
	info->GuidCount = wmi->lib->GuidCount;
	for (ULONG i = 0; i < info->GuidCount; i++) {
		const SCSIWMIGUIDREGINFO *block = &wmi->lib->GuidList[i];

		info->WmiRegGuid[i].Guid = *block->Guid;
		info->WmiRegGuid[i].InstanceCount = block->InstanceCount;
		info->WmiRegGuid[i].Flags = block->Flags | WMIREG_FLAG_INSTANCE_PDO;
	}
	if (!name)
		return;
	end = (UCHAR *)&info->WmiRegGuid[info->GuidCount];
	info->MofResourceName = (ULONG)(end - (UCHAR *)info);
	memcpy(end, &bytes, sizeof(bytes));
	memcpy(end + sizeof(bytes), name, bytes);
}

static UCHAR reginfo(struct wmi *wmi)
{
	PSCSIWMI_REQUEST_CONTEXT context = wmi->context;
	PWCHAR name = NULL;
	USHORT bytes = 0;
	ULONG size;

	if (!wmi->lib->QueryWmiRegInfo)
		return finish(context, SRB_STATUS_ERROR, 0);
	wmi->lib->QueryWmiRegInfo(wmi->device, context, &name);
	if (wmi->path != (void *)WMIREGISTER)
		name = NULL;
	while (name && name[bytes / sizeof(WCHAR)] && bytes < 1000)
		bytes += sizeof(WCHAR);
	size = FIELD_OFFSET(WMIREGINFOW, WmiRegGuid) + wmi->lib->GuidCount * sizeof(WMIREGGUIDW) +
	       (name ? (ULONG)sizeof(bytes) + bytes : 0);
	if (context->BufferSize >= size) {
		registration_write(wmi, size, name, bytes);
		return finish(context, SRB_STATUS_SUCCESS, size);
	}
	if (context->BufferSize < sizeof(ULONG))
		return finish(context, SRB_STATUS_DATA_OVERRUN, 0);
	memcpy(context->Buffer, &size, sizeof(size));
	return finish(context, SRB_STATUS_DATA_OVERRUN, sizeof(size));
}

static wmi_fn *const requests[] = {
	[WMI_GET_ALL_DATA] = query_all,
	[WMI_GET_SINGLE_INSTANCE] = query_single,
	[WMI_SET_SINGLE_INSTANCE] = set_block,
	[WMI_SET_SINGLE_ITEM] = set_item,
	[WMI_ENABLE_EVENTS] = control,
	[WMI_DISABLE_EVENTS] = control,
	[WMI_ENABLE_COLLECTION] = control,
	[WMI_DISABLE_COLLECTION] = control,
	[WMI_REGINFO] = reginfo,
	[WMI_EXECUTE_METHOD] = execute,
	[REGINFO_EX] = reginfo,
};

static bool block_find(struct wmi *wmi)
{
	for (ULONG i = 0; wmi->path && i < wmi->lib->GuidCount; i++) {
		wmi->block = i;
		if (IsEqualGUID((const GUID *)wmi->path, wmi->lib->GuidList[i].Guid))
			return true;
	}
	return false;
}

BOOLEAN NTAPI ScsiPortWmiDispatchFunction(PSCSI_WMILIB_CONTEXT WmiLibInfo, UCHAR MinorFunction,
	PVOID DeviceContext, PSCSIWMI_REQUEST_CONTEXT RequestContext, PVOID DataPath,
	ULONG BufferSize, PVOID Buffer)
{
	struct wmi wmi = {.lib = WmiLibInfo,
		.context = RequestContext,
		.device = DeviceContext,
		.path = DataPath};

	cpu_poll();
	if (!WmiLibInfo || !RequestContext || !WmiLibInfo->GuidList) {
		nt_violation(
			0, "ScsiPortWmiDispatchFunction without a list of blocks or a context.");
		return FALSE;
	}
	RequestContext->MinorFunction = MinorFunction;
	RequestContext->Buffer = Buffer;
	RequestContext->BufferSize = Buffer ? BufferSize : 0;
	if (MinorFunction >= array_size(requests) || !requests[MinorFunction]) {
		finish(RequestContext, SRB_STATUS_INVALID_REQUEST, 0);
		return FALSE;
	}
	if (requests[MinorFunction] != reginfo && !block_find(&wmi)) {
		finish(RequestContext, SRB_STATUS_ERROR, 0);
		return FALSE;
	}
	return requests[MinorFunction](&wmi) == SRB_STATUS_PENDING;
}
DRY_EXPORT(ScsiPortWmiDispatchFunction)

/* Nobody here asks for events: none was ever enabled, and what is not enabled goes to nobody. */
VOID NTAPI ScsiPortWmiFireLogicalUnitEvent(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId,
	UCHAR Lun, LPGUID Guid, ULONG InstanceIndex, ULONG EventDataSize, PVOID EventData)
{
	cpu_poll();
	stor_adapter_of(HwDeviceExtension, "ScsiPortWmiFireLogicalUnitEvent");
}
DRY_EXPORT(ScsiPortWmiFireLogicalUnitEvent)
