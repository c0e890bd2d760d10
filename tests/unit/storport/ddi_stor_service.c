/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Service requests of a virtual miniport: given to HwStorProcessServiceRequest, ended by
 * StorPortCompleteServiceIrp from wherever, taken back, and what the adapter's removal does with
 * those that are left. Facts are those of the pages of the two, of HwStorCompleteServiceIrp and of
 * IOCTL_MINIPORT_PROCESS_SERVICE_IRP.
 */
#include "world.h"

#include <errno.h>
#include <ntddscsi.h>

static struct {
	PIRP irp;	   /* the last one */
	bool ends_at_once; /* in HwStorProcessServiceRequest */
	bool stays;	   /* does not return before HwStorCompleteServiceIrp */
	bool forgets;	   /* what it has when the adapter goes */
	bool cancels;	   /* has a cancel routine */
	KIRQL irql;
	_Atomic unsigned processed;
	unsigned completes, frees;
	KEVENT removed;
	struct port_service service;
	char in[16], out[16];
	int result;
	_Atomic bool done;
} serve;

static ULONG end_it(PIRP irp, NTSTATUS status)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = 5;
	return StorPortCompleteServiceIrp(world.ext, irp);
}

static VOID NTAPI cancel(PDEVICE_OBJECT device, PIRP irp)
{
	IoReleaseCancelSpinLock(irp->CancelIrql);
	expect_is(end_it(irp, STATUS_CANCELLED), STOR_STATUS_SUCCESS);
}

static VOID NTAPI process(PVOID ext, PVOID request)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation((PIRP)request);
	PIRP irp = request;

	serve.irql = KeGetCurrentIrql();
	expect_is(ext, world.ext);
	expect_is(stack->MajorFunction, IRP_MJ_DEVICE_CONTROL);
	expect_is(stack->Parameters.DeviceIoControl.IoControlCode, 0x4d038);
	expect_is(stack->Parameters.DeviceIoControl.InputBufferLength, serve.service.in_bytes);
	expect_is(stack->Parameters.DeviceIoControl.OutputBufferLength, serve.service.out_bytes);
	expect_is(IoGetRequestorProcessId(irp), 4);
	expect_is(irp->RequestorMode, UserMode);
	serve.irp = irp;
	if (serve.service.in_bytes)
		expect(!memcmp(irp->AssociatedIrp.SystemBuffer, serve.in, serve.service.in_bytes));
	if (!serve.service.in_bytes && !serve.service.out_bytes)
		expect_is(irp->AssociatedIrp.SystemBuffer, NULL);
	if (serve.service.out_bytes)
		memcpy(irp->AssociatedIrp.SystemBuffer, "answer", 6);
	if (serve.cancels) {
		IoSetCancelRoutine(irp, cancel);
		if (irp->Cancel && IoSetCancelRoutine(irp, NULL))
			end_it(irp, STATUS_CANCELLED);
	}
	serve.processed++;
	if (serve.stays)
		KeWaitForSingleObject(&serve.removed, Executive, KernelMode, FALSE, NULL);
	if (serve.ends_at_once || serve.stays)
		expect_is(end_it(irp, STATUS_SUCCESS), STOR_STATUS_SUCCESS);
}

static VOID NTAPI complete(PVOID ext)
{
	serve.completes++;
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
	KeSetEvent(&serve.removed, IO_NO_INCREMENT, FALSE);
	if (serve.irp && !serve.forgets && !serve.stays && !serve.done)
		expect_is(end_it(serve.irp, STATUS_DELETE_PENDING), STOR_STATUS_SUCCESS);
}

static VOID NTAPI free_resources(PVOID ext)
{
	serve.frees++;
}

static ULONG NTAPI find(PVOID ext, PVOID context, PVOID bus, PVOID lower, PCHAR arguments,
	PPORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	world.ext = ext;
	KeInitializeEvent(&serve.removed, NotificationEvent, FALSE);
	config->VirtualDevice = TRUE;
	config->MaximumTransferLength = 65536;
	config->NumberOfPhysicalBreaks = 17;
	return SP_RETURN_FOUND;
}

static SCSI_ADAPTER_CONTROL_STATUS NTAPI control(
	PVOID ext, SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters)
{
	return ScsiAdapterControlUnsuccessful;
}

static void data(HW_INITIALIZATION_DATA *data)
{
	data->AdapterInterfaceType = Internal;
	data->FeatureSupport = STOR_FEATURE_VIRTUAL_MINIPORT;
	data->HwFindAdapter = (PVOID)find;
	data->HwAdapterControl = control;
	data->HwFreeAdapterResources = free_resources;
	data->HwProcessServiceRequest = process;
	data->HwCompleteServiceIrp = complete;
}

static int setup(void **state)
{
	world_miniport(NULL);
	memset(&serve, 0, sizeof(serve));
	memcpy(serve.in, "a question......", 16);
	serve.service = (struct port_service){
		.in = serve.in, .out = serve.out, .in_bytes = 16, .out_bytes = 16, .seconds = 60};
	miniport.data = data;
	miniport.cpus = 2;
	return 0;
}

/* ---- a request ---- */

static void send(void *ctx)
{
	const struct port_target target = port_hba_target(&world.adapter->hba);

	expect(port_hba_hold(&world.adapter->hba));
	serve.service.code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP;
	serve.result = port_service_run(&target, &serve.service);
	atomic_store(&serve.done, true);
}

static struct cpu_thread *sender;

/* On another processor; returns when the miniport has it. */
static void send_beside(void)
{
	sender = cpu_thread_new(send, NULL, 1, "sender");
	world_wait(serve.processed);
}

static void joined(void)
{
	cpu_thread_join(sender);
	cpu_thread_free(sender);
}

static void answered(NTSTATUS status)
{
	expect_is(serve.result, 0);
	expect_is(serve.service.status, (uint32_t)status);
	expect_is(serve.service.returned, 5); /* IoStatus.Information */
	expect(!memcmp(serve.out, "answe\0\0", 7));
}

static void send_and_look(void)
{
	send(NULL);
	expect_is(serve.irql, PASSIVE_LEVEL);
	answered(STATUS_SUCCESS);
}

/* covers: StorPortCompleteServiceIrp */
static void a_request_may_be_ended_at_once(void **state)
{
	serve.ends_at_once = true;
	world_good(send_and_look);
	assert_int_equal(serve.completes, 1);
	assert_int_equal(serve.frees, 1);
}

static void end_from_here(void)
{
	KIRQL old;

	send_beside();
	expect_is(StorPortCompleteServiceIrp(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect(!serve.done);
	old = KeRaiseIrqlToDpcLevel();
	expect_is(end_it(serve.irp, STATUS_SUCCESS), STOR_STATUS_SUCCESS);
	KeLowerIrql(old);
	joined();
	answered(STATUS_SUCCESS);
	serve.forgets = true;
}

/* covers: StorPortCompleteServiceIrp */
static void a_request_may_be_ended_later_from_another_processor(void **state)
{
	world_good(end_from_here);
}

static void end_wrongly(void)
{
	PIRP irp = IoAllocateIrp(1, FALSE);

	expect_is(StorPortCompleteServiceIrp(world.ext, irp), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "no service request of test adapter 0");
	IoFreeIrp(irp);
	send(NULL);
	expect_is(StorPortCompleteServiceIrp(world.ext, serve.irp), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "no service request of test adapter 0, or no more");
}

/* covers: StorPortCompleteServiceIrp */
static void what_is_no_request_or_no_more_is_told(void **state)
{
	serve.ends_at_once = true;
	world_good(end_wrongly);
}

/* A failure brings nothing back, a request without buffers has none. */
static void fail_it(void)
{
	send_beside();
	end_it(serve.irp, STATUS_UNSUCCESSFUL);
	joined();
	expect_is(serve.service.status, (uint32_t)STATUS_UNSUCCESSFUL);
	expect_is(serve.service.returned, 0);
	expect_is(serve.out[0], 0);
	serve.service = (struct port_service){.seconds = 60};
	serve.ends_at_once = true;
	send(NULL);
	expect_is(serve.service.returned, 0);
	nt_allocation_fail(1);
	send(NULL);
	expect_is(serve.result, -ENOMEM);
	nt_allocation_fail(2);
	send(NULL);
	expect_is(serve.result, -ENOMEM);
	nt_allocation_fail(3);
	send(NULL);
	nt_allocation_fail(0);
	expect_is(serve.service.status, (uint32_t)STATUS_INSUFFICIENT_RESOURCES);
}

static void failures_come_back(void **state)
{
	world_good(fail_it);
}

/* ---- taken back ---- */

static void expire(void)
{
	serve.service.seconds = 0;
	send(NULL);
	expect_is(serve.result, 0);
	expect_is(serve.service.status, (uint32_t)STATUS_CANCELLED);
	expect_is(serve.service.returned, 0);
}

static void a_cancel_routine_ends_a_request_whose_time_is_up(void **state)
{
	serve.cancels = true;
	world_good(expire);
}

static void keep_it(void)
{
	serve.service.seconds = 0;
	port_service_grace = 1;
	send(NULL);
	expect_is(serve.result, -ETIMEDOUT);
	expect_has(error_text(), "has not ended a device control");
	expect(serve.irp->Cancel);
	expect_is(end_it(serve.irp, STATUS_SUCCESS), STOR_STATUS_SUCCESS);
	expect_is(serve.out[0], 0); /* nobody's any more */
}

/* It ends for its sender, and is whole until the driver ends it. */
static void a_driver_may_keep_what_it_should_have_ended(void **state)
{
	world_good(keep_it);
	port_service_grace = 5;
}

/* ---- at the adapter's end ---- */

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
	joined();
}

static void leave_pending(void)
{
	send_beside();
	world.driver->object.DriverUnload = unload; /* comes when the adapter has gone */
}

static void pending_requests_are_ended_by_HwStorCompleteServiceIrp(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, leave_pending);
	world_was_good();
	assert_int_equal(serve.completes, 1);
	assert_true(serve.done);
	assert_int_equal(serve.service.status, (uint32_t)STATUS_DELETE_PENDING);
}

/* The extension stays until HwStorProcessServiceRequest has returned. */
static void a_thread_inside_the_miniport_is_waited_for(void **state)
{
	serve.stays = true;
	world_run(DMA_CALLBACK_QUEUED, leave_pending);
	world_was_good();
	assert_true(serve.done);
	assert_int_equal(serve.service.status, STATUS_SUCCESS);
	assert_int_equal(serve.frees, 1);
}

static void what_is_forgotten_is_told_and_ended(void **state)
{
	serve.forgets = true;
	world_run(DMA_CALLBACK_QUEUED, leave_pending);
	expect_violation(0, "its driver has not ended a service request");
	assert_true(serve.done);
	assert_int_equal(serve.service.status, (uint32_t)STATUS_NO_SUCH_DEVICE);
}

static void ask_otherwise(void)
{
	PDEVICE_OBJECT device = world.adapter->hba.functional;
	IO_STATUS_BLOCK result;

	IoCallDriver(device, IoBuildDeviceIoControlRequest(IOCTL_SCSI_GET_DUMP_POINTERS, device,
				     NULL, 0, NULL, 0, FALSE, NULL, &result));
	expect_is(result.Status, STATUS_INVALID_DEVICE_REQUEST);
	port_hba_close(&world.adapter->hba);
	IoCallDriver(device, IoBuildDeviceIoControlRequest(IOCTL_MINIPORT_PROCESS_SERVICE_IRP,
				     device, NULL, 0, NULL, 0, FALSE, NULL, &result));
	expect_is(result.Status, STATUS_NO_SUCH_DEVICE);
	expect_is(serve.processed, 0);
}

static void other_controls_and_late_ones_are_refused(void **state)
{
	world_good(ask_otherwise);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_request_may_be_ended_at_once, setup),
		cmocka_unit_test_setup(a_request_may_be_ended_later_from_another_processor, setup),
		cmocka_unit_test_setup(what_is_no_request_or_no_more_is_told, setup),
		cmocka_unit_test_setup(failures_come_back, setup),
		cmocka_unit_test_setup(a_cancel_routine_ends_a_request_whose_time_is_up, setup),
		cmocka_unit_test_setup(a_driver_may_keep_what_it_should_have_ended, setup),
		cmocka_unit_test_setup(
			pending_requests_are_ended_by_HwStorCompleteServiceIrp, setup),
		cmocka_unit_test_setup(a_thread_inside_the_miniport_is_waited_for, setup),
		cmocka_unit_test_setup(what_is_forgotten_is_told_and_ended, setup),
		cmocka_unit_test_setup(other_controls_and_late_ones_are_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
