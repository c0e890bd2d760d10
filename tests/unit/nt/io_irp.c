/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Io: IRPs made, built, used again and freed. Expectations are those of the routines' pages and of
 * bug check 0xC9. */
#include "nt_kit.h"

#define IOCTL(function, method) CTL_CODE(FILE_DEVICE_UNKNOWN, function, method, FILE_ANY_ACCESS)

/* A driver of one device that completes at once. */
static struct {
	DRIVER_OBJECT driver;
	DEVICE_OBJECT device;
	IO_STACK_LOCATION seen;
	IRP irp;
	char system[64]; /* what SystemBuffer held */
	PVOID mapped;	 /* of the MDL */
	NTSTATUS status;
	ULONG_PTR information;
} below;

static NTSTATUS NTAPI answer(PDEVICE_OBJECT device, PIRP irp)
{
	PVOID buffer = irp->AssociatedIrp.SystemBuffer;

	below.seen = *IoGetCurrentIrpStackLocation(irp);
	below.irp = *irp;
	if (buffer) {
		memcpy(below.system, buffer, 16);
		memcpy(buffer, "from the driver.", 16);
	}
	if (irp->MdlAddress) {
		below.mapped = MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority);
		memcpy(below.mapped, "through the MDL.", 16);
	}
	irp->IoStatus.Status = below.status;
	irp->IoStatus.Information = below.information;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return below.status;
}

static PDEVICE_OBJECT device_below(void)
{
	memset(&below, 0, sizeof(below));
	below.device.Type = IO_TYPE_DEVICE;
	below.device.DriverObject = &below.driver;
	below.device.StackSize = 2;
	for (unsigned n = 0; n <= IRP_MJ_MAXIMUM_FUNCTION; n++)
		below.driver.MajorFunction[n] = answer;
	return &below.device;
}

/* covers: IoAllocateIrp, IoFreeIrp */
NT_TEST(a_fresh_irp_stands_before_its_first_location)
{
	PIRP irp = IoAllocateIrp(3, FALSE);

	CHECK_EQUAL(irp->Type, IO_TYPE_IRP);
	CHECK_EQUAL(irp->Size, 0xd0 + 3 * 0x48);
	CHECK_EQUAL(irp->StackCount, 3);
	CHECK_EQUAL(irp->CurrentLocation, 4);
	CHECK((char *)IoGetCurrentIrpStackLocation(irp) == (char *)irp + irp->Size);
	CHECK((char *)IoGetNextIrpStackLocation(irp) == (char *)irp + irp->Size - 0x48);
	CHECK(!irp->Cancel && !irp->CancelRoutine && !irp->PendingReturned);
	CHECK_EQUAL(IoGetRequestorProcessId(irp), 0);
	IoFreeIrp(irp);
}

/* covers: IoGetIoPriorityHint, IoSetIoPriorityHint */
NT_TEST(an_irp_is_of_normal_priority_until_another_is_set)
{
	PIRP irp = IoAllocateIrp(1, FALSE);

	irp->Flags = IRP_SYNCHRONOUS_API | IRP_WRITE_OPERATION;
	CHECK_EQUAL(IoGetIoPriorityHint(irp), IoPriorityNormal);
	for (int hint = IoPriorityVeryLow; hint < MaxIoPriorityTypes; hint++) {
		CHECK_EQUAL(IoSetIoPriorityHint(irp, (IO_PRIORITY_HINT)hint), STATUS_SUCCESS);
		CHECK_EQUAL(IoGetIoPriorityHint(irp), hint);
	}
	CHECK_EQUAL(IoSetIoPriorityHint(irp, MaxIoPriorityTypes), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(IoGetIoPriorityHint(irp), IoPriorityCritical);
	CHECK_EQUAL(irp->Flags & 0xffff, IRP_SYNCHRONOUS_API | IRP_WRITE_OPERATION);
	IoReuseIrp(irp, STATUS_SUCCESS);
	CHECK_EQUAL(IoGetIoPriorityHint(irp), IoPriorityNormal);
	IoFreeIrp(irp);
	irp = ExAllocatePoolWithTag(NonPagedPool, sizeof(*irp), TAG);
	memset(irp, 0, sizeof(*irp));
	CHECK_EQUAL(IoSetIoPriorityHint(irp, IoPriorityLow), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(irp->Flags, 0);
	CHECK_EQUAL(IoGetIoPriorityHint(irp), IoPriorityNormal);
	ExFreePool(irp);
}

/* covers: IoAllocateIrp, IoFreeIrp */
NT_TEST(wrong_sizes_levels_and_pointers_are_told)
{
	char *block = ExAllocatePoolWithTag(NonPagedPool, 512, TAG);
	PIRP irp;
	KIRQL old;

	CHECK(!IoAllocateIrp(0, FALSE));
	CHECK_VIOLATION(0, "IoAllocateIrp for a stack of 0 locations");
	KeRaiseIrql(5, &old);
	irp = IoAllocateIrp(1, FALSE);
	KeLowerIrql(old);
	CHECK_VIOLATION(0xC4020022, "IoAllocateIrp called at IRQL 5");
	IoFreeIrp(irp);
	IoFreeIrp(irp);
	CHECK_VIOLATION(0xC9000001, "no IRP");
	memset(block, 0, 512);
	IoFreeIrp((PIRP)block);
	CHECK_VIOLATION(0xC9000001, "no IRP");
	IoFreeIrp(NULL);
	CHECK_VIOLATION(0xC9000001, "no IRP");
	ExFreePool(block);
}

/* covers: IoAllocateIrp */
NT_TEST(out_of_pool_there_is_no_irp)
{
	nt_allocation_fail(1);
	CHECK(!IoAllocateIrp(1, FALSE));
	nt_allocation_fail(0);
}

/* covers: IoFreeIrp, IoInitializeIrp */
NT_TEST(an_irp_may_lie_in_memory_of_the_drivers_own)
{
	USHORT bytes = IoSizeOfIrp(2);
	PIRP irp = ExAllocatePoolWithTag(NonPagedPool, bytes, TAG), other;

	IoInitializeIrp(irp, (USHORT)(bytes - 1), 2);
	CHECK_VIOLATION(0, "no room for an IRP with 2");
	IoInitializeIrp(irp, bytes, 2);
	CHECK_EQUAL(irp->CurrentLocation, 3);
	CHECK_EQUAL(irp->Size, bytes);
	IoFreeIrp(irp);
	CHECK_VIOLATION(0, "IoAllocateIrp did not make");
	ExFreePool(irp);
	other = IoAllocateIrp(2, FALSE);
	IoInitializeIrp(other, IoSizeOfIrp(1), 1);
	CHECK_VIOLATION(0, "IoReuseIrp is for it");
	CHECK_EQUAL(other->StackCount, 2);
	IoFreeIrp(other);
}

/* covers: IoFreeIrp, IoReuseIrp */
NT_TEST(an_irp_is_used_again_as_if_it_were_fresh)
{
	PIRP irp = IoAllocateIrp(2, FALSE), own = ExAllocatePoolWithTag(NonPagedPool, 512, TAG);

	irp->Cancel = TRUE;
	irp->IoStatus.Information = 7;
	IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_PNP;
	IoReuseIrp(irp, STATUS_NOT_SUPPORTED);
	CHECK_EQUAL(irp->IoStatus.Status, STATUS_NOT_SUPPORTED);
	CHECK_EQUAL(irp->IoStatus.Information, 0);
	CHECK(!irp->Cancel);
	CHECK_EQUAL(IoGetNextIrpStackLocation(irp)->MajorFunction, 0);
	IoSetNextIrpStackLocation(irp);
	IoSetNextIrpStackLocation(irp);
	IoReuseIrp(irp, 0);
	CHECK_VIOLATION(0, "a driver still has");
	IoFreeIrp(irp);
	CHECK_VIOLATION(0, "a driver still has");
	IoSkipCurrentIrpStackLocation(irp);
	IoFreeIrp(irp); /* freed for good: still an IoAllocateIrp one */
	IoInitializeIrp(own, 512, 1);
	IoReuseIrp(own, 0);
	CHECK_VIOLATION(0, "did not make");
	memset(own, 0, 512);
	IoReuseIrp(own, 0);
	CHECK_VIOLATION(0, "no IRP");
	ExFreePool(own);
}

static KEVENT done;
static IO_STATUS_BLOCK result;

static NTSTATUS send(PIRP irp)
{
	return IoCallDriver(&below.device, irp);
}

static void prepare(void)
{
	device_below();
	KeInitializeEvent(&done, NotificationEvent, FALSE);
	memset(&result, 0xee, sizeof(result));
}

static PIRP control(ULONG code, PVOID in, ULONG in_bytes, PVOID out, ULONG out_bytes)
{
	return IoBuildDeviceIoControlRequest(
		code, &below.device, in, in_bytes, out, out_bytes, FALSE, &done, &result);
}

/* covers: IoBuildDeviceIoControlRequest, IoFreeIrp */
NT_TEST(buffered_control_goes_through_a_copy_of_both_buffers)
{
	char in[] = "to the driver...", out[20] = "--------------------";
	PIRP irp;

	prepare();
	below.information = 4;
	irp = control(IOCTL(5, METHOD_BUFFERED), in, 16, out, 20);
	CHECK_EQUAL(IoGetRequestorProcessId(irp), 4);
	IoFreeIrp(irp);
	CHECK_VIOLATION(0xC9000002, "belongs to a thread");
	CHECK_EQUAL(send(irp), STATUS_SUCCESS);
	CHECK_EQUAL(below.seen.MajorFunction, IRP_MJ_DEVICE_CONTROL);
	CHECK(below.seen.DeviceObject == &below.device);
	CHECK_EQUAL(below.seen.Parameters.DeviceIoControl.IoControlCode, 0x220014);
	CHECK_EQUAL(below.seen.Parameters.DeviceIoControl.InputBufferLength, 16);
	CHECK_EQUAL(below.seen.Parameters.DeviceIoControl.OutputBufferLength, 20);
	CHECK(below.irp.AssociatedIrp.SystemBuffer != in && !memcmp(below.system, in, 16));
	CHECK(!memcmp(out, "from----", 8)); /* Information bytes */
	CHECK(KeReadStateEvent(&done) != 0);
	CHECK_EQUAL(result.Status, STATUS_SUCCESS);
	CHECK_EQUAL(result.Information, 4);
}

/* Without an event nobody is told; it ends all the same. An error brings nothing back, a warning
 * does. covers: IoBuildDeviceIoControlRequest */
NT_TEST(an_error_brings_no_data_back)
{
	char out[16] = "---------------";

	prepare();
	below.information = 8;
	below.status = STATUS_IO_DEVICE_ERROR;
	CHECK_EQUAL(send(IoBuildDeviceIoControlRequest(IOCTL(5, METHOD_BUFFERED), &below.device,
			    NULL, 0, out, 16, TRUE, NULL, &result)),
		STATUS_IO_DEVICE_ERROR);
	CHECK_EQUAL(below.seen.MajorFunction, IRP_MJ_INTERNAL_DEVICE_CONTROL);
	CHECK(out[0] == '-');
	CHECK_EQUAL(result.Status, STATUS_IO_DEVICE_ERROR);
	below.status = STATUS_BUFFER_OVERFLOW;
	send(control(IOCTL(5, METHOD_BUFFERED), NULL, 0, out, 16));
	CHECK(!memcmp(out, "from the-", 9));
	below.information = 17; /* of 16 */
	below.status = 0;
	send(control(IOCTL(5, METHOD_BUFFERED), NULL, 0, out, 16));
	CHECK_VIOLATION(0, "Information 17; its maker's buffer has 16 bytes");
	memset(out, '-', 16);
	below.information = 16; /* as many as came in */
	send(control(IOCTL(5, METHOD_BUFFERED), out, 16, out, 4));
	CHECK_VIOLATION(0, "Information 16; its maker's buffer has 4 bytes");
	CHECK(!memcmp(out, "from----", 8));
	send(control(IOCTL(5, METHOD_BUFFERED), NULL, 0, NULL, 0));
	CHECK(!below.irp.AssociatedIrp.SystemBuffer);
}

/* Of the run of pages that somebody has, from this one on. */
static char *end_of_memory(char *at)
{
	at -= (uintptr_t)at % PAGE_SIZE;
	while (mem_is_valid(at, 1))
		at += PAGE_SIZE;
	return at;
}

/* covers: IoBuildDeviceIoControlRequest */
NT_TEST(direct_control_has_an_mdl_for_the_output_and_neither_has_the_pointers)
{
	char in[16] = "to the driver..";
	char *out = ExAllocatePoolWithTag(NonPagedPool, 6000, TAG);

	for (unsigned method = METHOD_IN_DIRECT; method <= METHOD_OUT_DIRECT; method++) {
		prepare();
		memset(out, 0, 6000);
		send(control(IOCTL(5, method), in, 16, out, 6000));
		CHECK(!memcmp(below.system, in, 16));
		CHECK(!memcmp(out, "through the MDL.", 16));
		CHECK(!below.irp.UserBuffer && below.mapped == out);
		prepare();
		send(control(IOCTL(5, method), NULL, 0, NULL, 0));
		CHECK(!below.irp.MdlAddress && !below.irp.AssociatedIrp.SystemBuffer);
	}
	CHECK(!control(IOCTL(5, METHOD_OUT_DIRECT), in, 16, (PVOID)8192, 16));
	CHECK_VIOLATION(0xC9000009, "no memory");
	/* its first bytes are memory, and less than a page further on there is none */
	CHECK(!control(IOCTL(5, METHOD_OUT_DIRECT), in, 16, end_of_memory(out) - 16, 32));
	CHECK_VIOLATION(0xC9000009, "no memory");
	prepare();
	send(control(IOCTL(5, METHOD_NEITHER), in, 16, out, 6000));
	CHECK(below.seen.Parameters.DeviceIoControl.Type3InputBuffer == in);
	CHECK(below.irp.UserBuffer == out && !below.irp.MdlAddress);
	ExFreePool(out);
}

/* covers: IoBuildDeviceIoControlRequest, IoBuildSynchronousFsdRequest */
NT_TEST(out_of_pool_nothing_is_built_and_nothing_is_left)
{
	char in[8], out[8];

	prepare();
	for (unsigned method = 0; method < 3; method++)
		for (unsigned n = 1; n <= (method ? 3 : 2); n++) {
			nt_allocation_fail(n);
			ddi_expect(IoBuildDeviceIoControlRequest, NULL,
				control(IOCTL(5, method), in, 8, out, 8));
		}
	nt_allocation_fail(1);
	CHECK(!IoBuildSynchronousFsdRequest(
		IRP_MJ_READ, &below.device, out, 8, NULL, &done, &result));
	below.device.Flags = DO_BUFFERED_IO;
	nt_allocation_fail(2);
	CHECK(!IoBuildSynchronousFsdRequest(
		IRP_MJ_READ, &below.device, out, 8, NULL, &done, &result));
	nt_allocation_fail(0);
}

static void transfer(UCHAR major, ULONG flags, char *buffer)
{
	LARGE_INTEGER offset = {.QuadPart = 0x123456789};

	prepare();
	below.information = 16;
	below.device.Flags = flags;
	send(IoBuildSynchronousFsdRequest(
		major, &below.device, buffer, 16, &offset, &done, &result));
	CHECK_EQUAL(below.seen.MajorFunction, major);
	CHECK_EQUAL(below.seen.Parameters.Read.Length, 16);
	CHECK_EQUAL(below.seen.Parameters.Read.ByteOffset.QuadPart, 0x123456789);
	CHECK_EQUAL(result.Information, 16);
}

/* covers: IoBuildSynchronousFsdRequest */
NT_TEST(a_transfer_has_the_buffer_that_the_device_asks_for)
{
	char buffer[17] = "";

	transfer(IRP_MJ_READ, DO_BUFFERED_IO, buffer);
	CHECK(!strcmp(buffer, "from the driver."));
	transfer(IRP_MJ_WRITE, DO_BUFFERED_IO, buffer);
	CHECK(!memcmp(below.system, "from the driver.", 16));
	CHECK(!strcmp(buffer, "from the driver.")); /* nothing comes back */
	transfer(IRP_MJ_READ, DO_DIRECT_IO, buffer);
	CHECK(!strcmp(buffer, "through the MDL."));
	transfer(IRP_MJ_WRITE, 0, buffer);
	CHECK(below.irp.UserBuffer == buffer);
}

/* covers: IoBuildSynchronousFsdRequest */
NT_TEST(other_requests_have_no_buffer)
{
	prepare();
	send(IoBuildSynchronousFsdRequest(
		IRP_MJ_FLUSH_BUFFERS, &below.device, NULL, 0, NULL, &done, &result));
	CHECK_EQUAL(below.seen.MajorFunction, IRP_MJ_FLUSH_BUFFERS);
	send(IoBuildSynchronousFsdRequest(
		IRP_MJ_PNP, &below.device, NULL, 0, NULL, &done, &result));
	send(IoBuildSynchronousFsdRequest(
		IRP_MJ_CREATE, &below.device, NULL, 0, NULL, &done, &result));
	CHECK_VIOLATION(0, "for major function 0");
}

/* IRQL: PASSIVE_LEVEL. covers: IoBuildDeviceIoControlRequest, IoGetRequestorProcessId */
NT_TEST(what_belongs_to_a_thread_is_built_at_passive_level)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();
	PIRP irp;

	prepare();
	irp = control(IOCTL(5, METHOD_NEITHER), NULL, 0, NULL, 0);
	KeLowerIrql(old);
	CHECK_VIOLATION(0, "IoBuildDeviceIoControlRequest called at IRQL 2");
	send(irp);
	CHECK_EQUAL(IoGetRequestorProcessId(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_irp_stands_before_its_first_location),
		cmocka_unit_test(an_irp_is_of_normal_priority_until_another_is_set),
		cmocka_unit_test(wrong_sizes_levels_and_pointers_are_told),
		cmocka_unit_test(out_of_pool_there_is_no_irp),
		cmocka_unit_test(an_irp_may_lie_in_memory_of_the_drivers_own),
		cmocka_unit_test(an_irp_is_used_again_as_if_it_were_fresh),
		cmocka_unit_test(buffered_control_goes_through_a_copy_of_both_buffers),
		cmocka_unit_test(an_error_brings_no_data_back),
		cmocka_unit_test(
			direct_control_has_an_mdl_for_the_output_and_neither_has_the_pointers),
		cmocka_unit_test(out_of_pool_nothing_is_built_and_nothing_is_left),
		cmocka_unit_test(a_transfer_has_the_buffer_that_the_device_asks_for),
		cmocka_unit_test(other_requests_have_no_buffer),
		cmocka_unit_test(what_belongs_to_a_thread_is_built_at_passive_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
