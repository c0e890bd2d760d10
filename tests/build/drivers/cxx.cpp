/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What drivers in C++ use: classes, virtual functions, templates, lambdas, their own operator new, local static
 * variables, Microsoft's exceptions. DriverEntry answers how many of the expectations were not met. With the
 * number 1 it calls a pure virtual function.
 */
#include <ntddk.h>
#include <storport.h>
#include <srbhelper.h>
#include <ntstrsafe.h>

/* there is no pool without a machine */
alignas(16) static unsigned char memory[1024];
static size_t used;

void *operator new(size_t bytes)
{
	void *block = memory + used;

	used += (bytes + 15) & ~(size_t)15;
	return block;
}

void operator delete(void *)
{
	used = 0;
}

void operator delete(void *, size_t)
{
	used = 0;
}

static int failures;

static void Expect(bool met)
{
	failures += !met;
}

namespace disk
{

class Device
{
public:
	explicit Device(ULONG blocks) : Blocks(blocks)
	{
		Live++;
	}
	virtual ~Device()
	{
		Live--;
	}
	virtual ULONG Capacity() const = 0;
	virtual ULONG64 Bytes() const
	{
		return (ULONG64)Capacity() * 512;
	}
	static int Live;

protected:
	ULONG Blocks;
};

int Device::Live;

class Mirror final : public Device
{
public:
	Mirror(ULONG blocks, ULONG copies) : Device(blocks), Copies(copies)
	{
	}
	ULONG Capacity() const override
	{
		return Blocks / Copies;
	}

private:
	ULONG Copies;
};

/* its constructor calls what is not there yet */
class Early : public Device
{
public:
	Early() : Device(1)
	{
		Report(this);
	}
	static ULONG Report(const Device *device);
};

DECLSPEC_NOINLINE ULONG Early::Report(const Device *device)
{
	return device->Capacity();
}

class Late final : public Early
{
public:
	ULONG Capacity() const override
	{
		return 1;
	}
};

}

template <typename T, size_t N> class Ring
{
public:
	bool Put(const T &item)
	{
		if (Count == N)
			return false;
		Items[(First + Count++) % N] = item;
		return true;
	}
	T Take()
	{
		T item = Items[First];

		First = (First + 1) % N;
		Count--;
		return item;
	}

private:
	T Items[N] = {};
	size_t First = 0, Count = 0;
};

/* overloads differ by their names for the linker alone */
static int Kind(ULONG)
{
	return 1;
}

static int Kind(const char *)
{
	return 2;
}

static int Kind(const wchar_t *)
{
	return 3;
}

static DECLSPEC_NOINLINE LONG Counted(LONG start)
{
	static LONG count = start; /* initialised when it is first passed */

	return InterlockedIncrement(&count);
}

static void Objects()
{
	disk::Device *device = new disk::Mirror(100, 2);
	Ring<USHORT, 3> ring;
	ULONG sum = 0;
	auto add = [&sum](ULONG n) { sum += n; };

	Expect(device->Capacity() == 50 && device->Bytes() == 25600);
	Expect(disk::Device::Live == 1);
	delete device;
	Expect(disk::Device::Live == 0 && used == 0);
	Expect(ring.Put(1) && ring.Put(2) && ring.Put(3) && !ring.Put(4));
	Expect(ring.Take() == 1 && ring.Put(4) && ring.Take() == 2 && ring.Take() == 3);
	Expect(ring.Take() == 4);
	add(3);
	add(4);
	Expect(sum == 7);
	Expect(Kind(1ul) == 1 && Kind("a") == 2 && Kind(L"a") == 3);
	Expect(Counted(10) == 11 && Counted(20) == 12);
}

/* what stands in the headers, as C++ sees it */
static void Headers()
{
	SCSI_REQUEST_BLOCK srb = {};
	UNICODE_STRING name = RTL_CONSTANT_STRING(L"disk");
	LIST_ENTRY list;
	char text[16];

	srb.Length = sizeof(srb);
	srb.Function = SRB_FUNCTION_EXECUTE_SCSI;
	srb.DataTransferLength = 512;
	Expect(SrbGetDataTransferLength(&srb) == 512);
	SrbSetSrbStatus(&srb, SRB_STATUS_SUCCESS);
	Expect(srb.SrbStatus == SRB_STATUS_SUCCESS);
	Expect(name.Length == 8 && name.Buffer[3] == L'k');
	InitializeListHead(&list);
	Expect(IsListEmpty(&list) && TYPE_ALIGNMENT(LIST_ENTRY) == 8);
	Expect(NT_SUCCESS(RtlStringCbPrintfA(text, sizeof(text), "%d %S", 5, L"w")));
	Expect(strcmp(text, "5 w") == 0);
	Expect(min(3, 4) == 3 && ARRAYSIZE(text) == 16);
	C_ASSERT(sizeof(wchar_t) == 2 && sizeof(long) == 4);
}

static DECLSPEC_NOINLINE int Guarded(ULONG status)
{
	int way = 0;

	__try {
		__try {
			if (status)
				ExRaiseStatus((NTSTATUS)status);
			way |= 1;
		} __finally {
			way |= 2;
		}
	} __except (GetExceptionCode() == STATUS_NO_MEMORY ? EXCEPTION_EXECUTE_HANDLER
							    : EXCEPTION_CONTINUE_SEARCH) {
		way |= 4;
	}
	return way;
}

extern "C" NTSTATUS DriverEntry(ULONG_PTR number, PVOID)
{
	if (number == 1)
		delete new disk::Late;
	Objects();
	Headers();
	Expect(Guarded(0) == 3);
	Expect(Guarded(STATUS_NO_MEMORY) == 6);
	return failures;
}
