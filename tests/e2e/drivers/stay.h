/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Put into examples/simple: a system thread that its driver never ends. */
static KEVENT Never;

static VOID Stay(PVOID Context)
{
	KeWaitForSingleObject(&Never, Executive, KernelMode, FALSE, NULL);
}

static VOID StayBegin(VOID)
{
	HANDLE Thread;

	KeInitializeEvent(&Never, NotificationEvent, FALSE);
	if (NT_SUCCESS(
		    PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Stay, NULL)))
		ZwClose(Thread);
}
