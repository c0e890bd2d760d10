/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What WMI sends and wants back: a WNODE with a header and, at the offsets it tells, instance names
 * and data; and the list of blocks with which a driver registers. Offsets count from the
 * structure's beginning.
 */
#ifndef _WMISTR_
#define _WMISTR_

#include "ntdef.h"

typedef struct _WNODE_HEADER {
	ULONG BufferSize;
	ULONG ProviderId;
	union {
		ULONG64 HistoricalContext;
		struct {
			ULONG Version;
			ULONG Linkage;
		};
	};
	union {
		ULONG CountLost;
		HANDLE KernelHandle;
		LARGE_INTEGER TimeStamp;
	};
	GUID Guid;
	ULONG ClientContext;
	ULONG Flags;
} WNODE_HEADER, *PWNODE_HEADER;
DDK_OFFSET(WNODE_HEADER, Guid, 24);
DDK_SIZE(WNODE_HEADER, 48);

#define WNODE_FLAG_ALL_DATA		 0x00000001
#define WNODE_FLAG_SINGLE_INSTANCE	 0x00000002
#define WNODE_FLAG_SINGLE_ITEM		 0x00000004
#define WNODE_FLAG_EVENT_ITEM		 0x00000008
#define WNODE_FLAG_FIXED_INSTANCE_SIZE	 0x00000010
#define WNODE_FLAG_TOO_SMALL		 0x00000020
#define WNODE_FLAG_INSTANCES_SAME	 0x00000040
#define WNODE_FLAG_STATIC_INSTANCE_NAMES 0x00000080
#define WNODE_FLAG_INTERNAL		 0x00000100
#define WNODE_FLAG_USE_TIMESTAMP	 0x00000200
#define WNODE_FLAG_PERSIST_EVENT	 0x00000400
#define WNODE_FLAG_EVENT_REFERENCE	 0x00002000
#define WNODE_FLAG_ANSI_INSTANCENAMES	 0x00004000
#define WNODE_FLAG_METHOD_ITEM		 0x00008000
#define WNODE_FLAG_PDO_INSTANCE_NAMES	 0x00010000
#define WNODE_FLAG_TRACED_GUID		 0x00020000
#define WNODE_FLAG_LOG_WNODE		 0x00040000
#define WNODE_FLAG_USE_GUID_PTR		 0x00080000
#define WNODE_FLAG_USE_MOF_PTR		 0x00100000
#define WNODE_FLAG_NO_HEADER		 0x00200000
#define WNODE_FLAG_SEND_DATA_BLOCK	 0x00400000
#define WNODE_FLAG_VERSIONED_PROPERTIES	 0x00800000
#define WNODE_FLAG_SEVERITY_MASK	 0xff000000

typedef struct {
	ULONG OffsetInstanceData;
	ULONG LengthInstanceData;
} OFFSETINSTANCEDATAANDLENGTH, *POFFSETINSTANCEDATAANDLENGTH;

typedef struct tagWNODE_ALL_DATA {
	struct _WNODE_HEADER WnodeHeader;
	ULONG DataBlockOffset;
	ULONG InstanceCount;
	ULONG OffsetInstanceNameOffsets;
	union {
		ULONG FixedInstanceSize;
		OFFSETINSTANCEDATAANDLENGTH OffsetInstanceDataAndLength[1];
	};
} WNODE_ALL_DATA, *PWNODE_ALL_DATA;
DDK_OFFSET(WNODE_ALL_DATA, DataBlockOffset, 48);
DDK_OFFSET(WNODE_ALL_DATA, OffsetInstanceDataAndLength, 60);

typedef struct tagWNODE_SINGLE_INSTANCE {
	struct _WNODE_HEADER WnodeHeader;
	ULONG OffsetInstanceName;
	ULONG InstanceIndex;
	ULONG DataBlockOffset;
	ULONG SizeDataBlock;
	UCHAR VariableData[];
} WNODE_SINGLE_INSTANCE, *PWNODE_SINGLE_INSTANCE;
DDK_OFFSET(WNODE_SINGLE_INSTANCE, VariableData, 64);

typedef struct tagWNODE_SINGLE_ITEM {
	struct _WNODE_HEADER WnodeHeader;
	ULONG OffsetInstanceName;
	ULONG InstanceIndex;
	ULONG ItemId;
	ULONG DataBlockOffset;
	ULONG SizeDataItem;
	UCHAR VariableData[];
} WNODE_SINGLE_ITEM, *PWNODE_SINGLE_ITEM;
DDK_OFFSET(WNODE_SINGLE_ITEM, VariableData, 68);

typedef struct tagWNODE_METHOD_ITEM {
	struct _WNODE_HEADER WnodeHeader;
	ULONG OffsetInstanceName;
	ULONG InstanceIndex;
	ULONG MethodId;
	ULONG DataBlockOffset;
	ULONG SizeDataBlock;
	UCHAR VariableData[];
} WNODE_METHOD_ITEM, *PWNODE_METHOD_ITEM;
DDK_OFFSET(WNODE_METHOD_ITEM, VariableData, 68);

typedef struct tagWNODE_EVENT_ITEM {
	struct _WNODE_HEADER WnodeHeader;
} WNODE_EVENT_ITEM, *PWNODE_EVENT_ITEM;

typedef struct tagWNODE_EVENT_REFERENCE {
	struct _WNODE_HEADER WnodeHeader;
	GUID TargetGuid;
	ULONG TargetDataBlockSize;
	union {
		ULONG TargetInstanceIndex;
		WCHAR TargetInstanceName[1];
	};
} WNODE_EVENT_REFERENCE, *PWNODE_EVENT_REFERENCE;
DDK_SIZE(WNODE_EVENT_REFERENCE, 72);

/* In place of any of these, when the buffer was too small. */
typedef struct tagWNODE_TOO_SMALL {
	struct _WNODE_HEADER WnodeHeader;
	ULONG SizeNeeded;
} WNODE_TOO_SMALL, *PWNODE_TOO_SMALL;
DDK_OFFSET(WNODE_TOO_SMALL, SizeNeeded, 48);
DDK_SIZE(WNODE_TOO_SMALL, 56);

/* ---- registration ---- */

#define WMIREG_FLAG_EXPENSIVE	       0x00000001
#define WMIREG_FLAG_INSTANCE_LIST      0x00000004
#define WMIREG_FLAG_INSTANCE_BASENAME  0x00000008
#define WMIREG_FLAG_INSTANCE_PDO       0x00000020
#define WMIREG_FLAG_EVENT_ONLY_GUID    0x00000040
#define WMIREG_FLAG_TRACE_CONTROL_GUID 0x00001000
#define WMIREG_FLAG_REMOVE_GUID	       0x00010000
#define WMIREG_FLAG_TRACED_GUID	       0x00080000

/* How a REGINFO request asks: DataPath is one of these. */
#define WMIREGISTER 0
#define WMIUPDATE   1

typedef struct {
	GUID Guid;
	ULONG Flags;
	ULONG InstanceCount;
	union {
		ULONG InstanceNameList;
		ULONG BaseNameOffset;
		ULONG_PTR Pdo;
		ULONG_PTR InstanceInfo;
	};
} WMIREGGUIDW, *PWMIREGGUIDW, WMIREGGUID, *PWMIREGGUID;
DDK_SIZE(WMIREGGUIDW, 32);

typedef struct {
	ULONG BufferSize;
	ULONG NextWmiRegInfo;
	ULONG RegistryPath;
	ULONG MofResourceName;
	ULONG GuidCount;
	WMIREGGUIDW WmiRegGuid[];
} WMIREGINFOW, *PWMIREGINFOW, WMIREGINFO, *PWMIREGINFO;
DDK_OFFSET(WMIREGINFOW, WmiRegGuid, 24);

typedef enum {
	WMI_GET_ALL_DATA = 0,
	WMI_GET_SINGLE_INSTANCE = 1,
	WMI_SET_SINGLE_INSTANCE = 2,
	WMI_SET_SINGLE_ITEM = 3,
	WMI_ENABLE_EVENTS = 4,
	WMI_DISABLE_EVENTS = 5,
	WMI_ENABLE_COLLECTION = 6,
	WMI_DISABLE_COLLECTION = 7,
	WMI_REGINFO = 8,
	WMI_EXECUTE_METHOD = 9,
	WMI_CAPTURE_STATE = 10
} WMIDPREQUESTCODE;

#endif
