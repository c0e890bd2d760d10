/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* System threads and objects: what storage drivers name of Ps and Ob. */
#ifndef DDK_PARTS_PS_H
#define DDK_PARTS_PS_H

#include "io.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef VOID NTAPI KSTART_ROUTINE(PVOID StartContext);
typedef KSTART_ROUTINE *PKSTART_ROUTINE;
#define THREAD_ALL_ACCESS	 0x001FFFFF
#define SYNCHRONIZE		 0x00100000
#define STANDARD_RIGHTS_REQUIRED 0x000F0000
#define DELETE			 0x00010000
#define READ_CONTROL		 0x00020000
#define MAXIMUM_ALLOWED		 0x02000000
#define GENERIC_ALL		 0x10000000
#define GENERIC_EXECUTE		 0x20000000
#define GENERIC_WRITE		 0x40000000
#define GENERIC_READ		 0x80000000

NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, HANDLE ProcessHandle, PVOID ClientId,
	PKSTART_ROUTINE StartRoutine, PVOID StartContext);
NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS ExitStatus);
#define PsGetCurrentThread() ((PETHREAD)KeGetCurrentThread())

typedef struct _OBJECT_TYPE *POBJECT_TYPE;
extern POBJECT_TYPE *PsThreadType;
NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
	POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode, PVOID *Object,
	PVOID HandleInformation);
LONG_PTR NTAPI ObfDereferenceObject(PVOID Object);
LONG_PTR NTAPI ObfReferenceObject(PVOID Object);
#define ObDereferenceObject(Object) ObfDereferenceObject(Object)
#define ObReferenceObject(Object)   ObfReferenceObject(Object)
NTSTATUS NTAPI ZwClose(HANDLE Handle);

#ifdef __cplusplus
}
#endif

#endif
