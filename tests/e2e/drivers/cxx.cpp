/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A virtual miniport in C++: a disk in memory. The port's callbacks are plain functions that find their object
 * in the device extension. CRASH: a write breaks in a member function.
 */
#include <storport.h>
#include <srbhelper.h>

/* Placement: the port has allocated the device extension. */
inline void *operator new(size_t, void *place)
{
	return place;
}

namespace ram
{

constexpr ULONG BlockBytes = 512, Blocks = 16 * 1024 * 1024 / BlockBytes;
constexpr ULONG Transfer = 256 * 1024;

/* What answers a command: one for each kind of memory. */
class Store
{
public:
	virtual UCHAR *At(ULONG64 block) = 0;
};

class Pool final : public Store
{
public:
	BOOLEAN Allocate(PVOID extension)
	{
		void *memory = nullptr;

		if (StorPortAllocatePool(extension, Blocks * BlockBytes, 'xxcD', &memory))
			return FALSE;
		Memory = static_cast<UCHAR *>(memory);
		RtlZeroMemory(Memory, Blocks * BlockBytes);
		return TRUE;
	}
	UCHAR *At(ULONG64 block) override
	{
		return Memory + block * BlockBytes;
	}
	void Free(PVOID extension)
	{
		StorPortFreePool(extension, Memory);
	}

private:
	UCHAR *Memory = nullptr;
};

class Adapter
{
public:
	static Adapter *Of(PVOID extension)
	{
		return static_cast<Adapter *>(extension);
	}
	BOOLEAN Find()
	{
		return Disk.Allocate(this);
	}
	void Stop()
	{
		Disk.Free(this);
	}
	UCHAR Execute(PSCSI_REQUEST_BLOCK srb);

private:
	UCHAR Move(PSCSI_REQUEST_BLOCK srb, ULONG64 block, ULONG count, bool write);
	template <size_t N> UCHAR Answer(PSCSI_REQUEST_BLOCK srb, const UCHAR (&bytes)[N]);

	Pool Disk;
};

DECLSPEC_NOINLINE UCHAR Adapter::Move(
	PSCSI_REQUEST_BLOCK srb, ULONG64 block, ULONG count, bool write)
{
	Store &store = Disk;
	PVOID data = nullptr;

	if (block > Blocks || count > Blocks - block)
		return SRB_STATUS_ERROR;
	if (count && StorPortGetSystemAddress(this, srb, &data))
		return SRB_STATUS_INVALID_REQUEST;
#ifdef CRASH
	if (write)
		*reinterpret_cast<volatile ULONG *>(block & 1) = 1; /* here */
#endif
	RtlCopyMemory(write ? store.At(block) : data, write ? data : store.At(block), count * BlockBytes);
	return SRB_STATUS_SUCCESS;
}

template <size_t N> UCHAR Adapter::Answer(PSCSI_REQUEST_BLOCK srb, const UCHAR (&bytes)[N])
{
	ULONG room = SrbGetDataTransferLength(srb);
	PVOID data;

	if (StorPortGetSystemAddress(this, srb, &data))
		return SRB_STATUS_INVALID_REQUEST;
	RtlCopyMemory(data, bytes, min(N, room));
	if (room <= N)
		return SRB_STATUS_SUCCESS;
	SrbSetDataTransferLength(srb, N);
	return SRB_STATUS_DATA_OVERRUN;
}

UCHAR Adapter::Execute(PSCSI_REQUEST_BLOCK srb)
{
	static const UCHAR inquiry[36] = {0, 0, 6, 2, 31, 0, 0, 2, 'D', 'R', 'Y', 'P', 'O', 'R', 'T',
		' ', 'C', '+', '+', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ',
		'1', '.', '0', ' '};
	static const UCHAR capacity[8] = {0, 0, UCHAR((Blocks - 1) >> 8), UCHAR(Blocks - 1), 0, 0, 2, 0};
	PCDB cdb = SrbGetCdb(srb);
	ULONG block;
	USHORT count;

	switch (cdb->CDB10.OperationCode) {
	case SCSIOP_INQUIRY:
		return cdb->AsByte[1] & 1 ? SRB_STATUS_ERROR : Answer(srb, inquiry);
	case SCSIOP_READ_CAPACITY:
		return Answer(srb, capacity);
	case SCSIOP_READ:
	case SCSIOP_WRITE:
		REVERSE_BYTES(&block, &cdb->CDB10.LogicalBlockByte0);
		REVERSE_BYTES_SHORT(&count, &cdb->CDB10.TransferBlocksMsb);
		return Move(srb, block, count, cdb->CDB10.OperationCode == SCSIOP_WRITE);
	case SCSIOP_TEST_UNIT_READY:
	case SCSIOP_SYNCHRONIZE_CACHE:
		return SRB_STATUS_SUCCESS;
	default:
		return SRB_STATUS_ERROR;
	}
}

}

using ram::Adapter;

static BOOLEAN StartIo(PVOID extension, PSCSI_REQUEST_BLOCK srb)
{
	UCHAR status = SRB_STATUS_INVALID_REQUEST;

	if (SrbGetSrbFunction(srb) == SRB_FUNCTION_EXECUTE_SCSI)
		status = Adapter::Of(extension)->Execute(srb);
	SrbSetSrbStatus(srb, status);
	StorPortNotification(RequestComplete, extension, srb);
	return TRUE;
}

static ULONG FindAdapter(PVOID extension, PVOID, PVOID, PVOID, PCHAR,
	PPORT_CONFIGURATION_INFORMATION config, PBOOLEAN)
{
	if (!(new (extension) Adapter)->Find())
		return SP_RETURN_ERROR;
	config->VirtualDevice = TRUE;
	config->MaximumTransferLength = ram::Transfer;
	config->NumberOfPhysicalBreaks = ram::Transfer / PAGE_SIZE + 1;
	config->MaximumNumberOfTargets = config->MaximumNumberOfLogicalUnits = 1;
	return SP_RETURN_FOUND;
}

static BOOLEAN Initialize(PVOID)
{
	return TRUE;
}

static BOOLEAN ResetBus(PVOID, ULONG)
{
	return TRUE;
}

static SCSI_ADAPTER_CONTROL_STATUS Control(PVOID, SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters)
{
	auto list = static_cast<PSCSI_SUPPORTED_CONTROL_TYPE_LIST>(parameters);

	for (ULONG i = 0; type == ScsiQuerySupportedControlTypes && i < list->MaxControlType; i++)
		list->SupportedTypeList[i] = i <= ScsiRestartAdapter;
	return ScsiAdapterControlSuccess;
}

static VOID FreeResources(PVOID extension)
{
	Adapter::Of(extension)->Stop();
}

extern "C" sp_DRIVER_INITIALIZE DriverEntry;

extern "C" ULONG DriverEntry(PVOID driver, PVOID registry)
{
	HW_INITIALIZATION_DATA data = {};

	data.HwInitializationDataSize = sizeof(data);
	data.AdapterInterfaceType = Internal;
	data.HwFindAdapter = reinterpret_cast<PVOID>(FindAdapter);
	data.HwInitialize = Initialize;
	data.HwAdapterControl = Control;
	data.HwStartIo = StartIo;
	data.HwResetBus = ResetBus;
	data.HwFreeAdapterResources = FreeResources;
	data.DeviceExtensionSize = sizeof(Adapter);
	data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
	data.NeedPhysicalAddresses = TRUE;
	data.TaggedQueuing = TRUE;
	data.AutoRequestSense = TRUE;
	data.MultipleRequestPerLu = TRUE;
	data.FeatureSupport = STOR_FEATURE_VIRTUAL_MINIPORT;
	data.SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK;
	data.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8;
	return StorPortInitialize(driver, registry, &data, nullptr);
}
