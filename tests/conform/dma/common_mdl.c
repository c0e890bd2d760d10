/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Common buffers out of a driver's own memory, and DMA domains; see conform.h. */
#include "conform.h"

#define LENGTH (3 * PAGE_SIZE)

typedef DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION CONFIGURATION;

static PVOID Contiguous;
static PMDL ContiguousMdl;

static BOOLEAN ContiguousNew(VOID)
{
	PHYSICAL_ADDRESS Highest = {.QuadPart = 0xffffffff};

	Contiguous = MmAllocateContiguousMemory(LENGTH, Highest);
	ContiguousMdl = Contiguous ? IoAllocateMdl(Contiguous, LENGTH, FALSE, FALSE, NULL) : NULL;
	return EXPECT("contiguous memory", TRUE, ContiguousMdl != NULL);
}

static VOID ContiguousFree(VOID)
{
	IoFreeMdl(ContiguousMdl);
	MmFreeContiguousMemory(Contiguous);
}

static NTSTATUS Create(
	PMDL Mdl, CONFIGURATION *Configurations, ULONG Count, PPHYSICAL_ADDRESS Address)
{
	return OPS(CfAdapter)->CreateCommonBufferFromMdl(
		CfAdapter, Mdl, Configurations, Count, Address);
}

static VOID Free(PVOID Va, ULONG Length, PHYSICAL_ADDRESS Address)
{
	OPS(CfAdapter)->FreeCommonBuffer(CfAdapter, Length, Address, Va, TRUE);
}

static NTSTATUS CreateAt(ULONG Offset, ULONG Length, PPHYSICAL_ADDRESS Address)
{
	PMDL Mdl = IoAllocateMdl((PUCHAR)Contiguous + Offset, Length, FALSE, FALSE, NULL);
	NTSTATUS Status;

	MmBuildMdlForNonPagedPool(Mdl);
	Status = Create(Mdl, NULL, 0, Address);
	IoFreeMdl(Mdl);
	return Status;
}

/* 2.5; covers: DMA_OPERATIONS.CreateCommonBufferFromMdl */
static VOID Conditions(VOID)
{
	PHYSICAL_ADDRESS Address, Second;

	if (!ContiguousNew())
		return;
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_INVALID_PARAMETER,
		Create(ContiguousMdl, NULL, 0, &Address)); /* neither resident nor mapped yet */
	MmBuildMdlForNonPagedPool(ContiguousMdl);
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_INVALID_PARAMETER,
		Create(NULL, NULL, 0, &Address));
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_INVALID_PARAMETER,
		Create(ContiguousMdl, NULL, 0, NULL));
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_INVALID_PARAMETER,
		Create(ContiguousMdl, NULL, 1, &Address));
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_INVALID_PARAMETER,
		CreateAt(16, PAGE_SIZE, &Address));
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_INVALID_PARAMETER,
		CreateAt(0, PAGE_SIZE + 512, &Address));
	ContiguousMdl->Next = ContiguousMdl;
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_INVALID_PARAMETER,
		Create(ContiguousMdl, NULL, 0, &Address));
	ContiguousMdl->Next = NULL;
	if (STATUS_IS(CreateCommonBufferFromMdl, STATUS_SUCCESS,
		    Create(ContiguousMdl, NULL, 0, &Address))) {
		/* Twice: each has its address, and is freed by it. */
		if (STATUS_IS(CreateCommonBufferFromMdl, STATUS_SUCCESS,
			    Create(ContiguousMdl, NULL, 0, &Second))) {
			CfCommon(Contiguous, Address.QuadPart, LENGTH);
			Free(Contiguous, LENGTH, Address);
			CfCommon(Contiguous, Second.QuadPart, LENGTH);
			Free(Contiguous, LENGTH, Second);
		}
	}
	ContiguousFree();
}

/* Only translation makes scattered pages one piece. covers:
 * DMA_OPERATIONS.CreateCommonBufferFromMdl */
static VOID Scattered(VOID)
{
	static const CF_SPAN Span = {0, LENGTH};
	PHYSICAL_ADDRESS Address;
	CF_BUFFER Buffer;
	NTSTATUS Status;

	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	Status = Create(Buffer.Mdl, NULL, 0, &Address);
	STATUS_IS(CreateCommonBufferFromMdl, CfIommu ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER,
		Status);
	if (NT_SUCCESS(Status)) {
		CfCommon(Buffer.Part[0].Va, Address.QuadPart, LENGTH);
		Free(Buffer.Part[0].Va, LENGTH, Address);
	}
	CfBufferFree(&Buffer);
}

static VOID SubSection(VOID)
{
	CONFIGURATION Part = {.ConfigType = CommonBufferConfigTypeSubSection,
		.SubSection = {.Offset = PAGE_SIZE, .Length = PAGE_SIZE}};
	PUCHAR Va = (PUCHAR)Contiguous + PAGE_SIZE;
	PHYSICAL_ADDRESS Address;

	if (STATUS_IS(CreateCommonBufferFromMdl, STATUS_SUCCESS,
		    Create(ContiguousMdl, &Part, 1, &Address))) {
		CfCommon(Va, Address.QuadPart, PAGE_SIZE);
		Free(Va, PAGE_SIZE, Address);
	}
	Part.SubSection.Length = LENGTH;
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_INVALID_PARAMETER,
		Create(ContiguousMdl, &Part, 1, &Address));
	Part.SubSection.Offset = LENGTH;
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_INVALID_PARAMETER,
		Create(ContiguousMdl, &Part, 1, &Address));
}

/* What the hardware may do to it; without an iommu nothing can hold it to that. */
static VOID Permissions(VOID)
{
	CONFIGURATION Access = {.ConfigType = CommonBufferConfigTypeHardwareAccessPermissions,
		.HardwareAccessType = CommonBufferHardwareAccessReadOnly};
	PHYSICAL_ADDRESS Address;

	if (STATUS_IS(CreateCommonBufferFromMdl, CfIommu ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED,
		    Create(ContiguousMdl, &Access, 1, &Address)) &&
		CfIommu) {
		EXPECT("the device's status when it reads", 0, CfTouch(Address.QuadPart, TRUE));
		CfViolates(0, "write of bus address 0x%I64x failed", Address.QuadPart);
		EXPECT("the device's status when it writes", 4, CfTouch(Address.QuadPart, FALSE));
		Free(Contiguous, LENGTH, Address);
	}
	Access.HardwareAccessType = CommonBufferHardwareAccessMax;
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_INVALID_PARAMETER,
		Create(ContiguousMdl, &Access, 1, &Address));
	Access.HardwareAccessType = CommonBufferHardwareAccessReadWrite;
	if (STATUS_IS(CreateCommonBufferFromMdl, STATUS_SUCCESS,
		    Create(ContiguousMdl, &Access, 1, &Address))) {
		CfCommon(Contiguous, Address.QuadPart, LENGTH);
		Free(Contiguous, LENGTH, Address);
	}
}

/* covers: DMA_OPERATIONS.CreateCommonBufferFromMdl */
static VOID Configured(VOID)
{
	CONFIGURATION Limits[] = {
		{.ConfigType = CommonBufferConfigTypeLogicalAddressLimits,
			.LogicalAddressLimits = {.MaximumAddress = {.QuadPart = 0xffffffff}}},
		{.ConfigType = CommonBufferConfigTypeLogicalAddressLimits},
	};
	CONFIGURATION Unknown = {.ConfigType = CommonBufferConfigTypeMax};
	PHYSICAL_ADDRESS Address;

	if (!ContiguousNew())
		return;
	MmBuildMdlForNonPagedPool(ContiguousMdl);
	SubSection();
	Permissions();
	if (STATUS_IS(CreateCommonBufferFromMdl, STATUS_SUCCESS,
		    Create(ContiguousMdl, Limits, 1, &Address))) {
		EXPECT("its end below", TRUE, Address.QuadPart + LENGTH <= 0x100000000ll);
		Free(Contiguous, LENGTH, Address);
	}
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_INVALID_PARAMETER,
		Create(ContiguousMdl, Limits, 2, &Address)); /* the same twice */
	Limits[0].LogicalAddressLimits.MaximumAddress.QuadPart = PAGE_SIZE;
	STATUS_IS(CreateCommonBufferFromMdl,
		CfIommu ? STATUS_INSUFFICIENT_RESOURCES : STATUS_INVALID_PARAMETER,
		Create(ContiguousMdl, Limits, 1, &Address));
	STATUS_IS(CreateCommonBufferFromMdl, STATUS_NOT_SUPPORTED,
		Create(ContiguousMdl, &Unknown, 1, &Address));
	ContiguousFree();
}

const CF_CHECK CfMdlChecks[] = {
	{"common from MDL/conditions", Conditions},
	{"common from MDL/scattered", Scattered},
	{"common from MDL/configured", Configured},
	{NULL, NULL},
};

/* ---- domains ---- */

static NTSTATUS DomainBuffer(
	PDMA_ADAPTER Adapter, HANDLE Domain, ULONG Length, PPHYSICAL_ADDRESS Address, PVOID *Va)
{
	return OPS(Adapter)->AllocateDomainCommonBuffer(
		Adapter, Domain, NULL, Length, 0, NULL, 0, Address, Va);
}

/* covers: DMA_OPERATIONS.AllocateDomainCommonBuffer, DMA_OPERATIONS.JoinDmaDomain,
 * DMA_OPERATIONS.LeaveDmaDomain, DMA_OPERATIONS.GetDmaDomain */
static VOID NoDomains(VOID)
{
	PHYSICAL_ADDRESS Address;
	PVOID Va;

	EXPECT("a domain", 0, (ULONG_PTR)OPS(CfAdapter)->GetDmaDomain(CfAdapter));
	STATUS_IS(JoinDmaDomain, STATUS_NOT_SUPPORTED,
		OPS(CfAdapter)->JoinDmaDomain(CfAdapter, NULL));
	STATUS_IS(LeaveDmaDomain, STATUS_NOT_SUPPORTED, OPS(CfAdapter)->LeaveDmaDomain(CfAdapter));
	STATUS_IS(AllocateDomainCommonBuffer, STATUS_NOT_SUPPORTED,
		DomainBuffer(CfAdapter, NULL, PAGE_SIZE, &Address, &Va));
}

static VOID Joined(PDMA_ADAPTER Other)
{
	HANDLE Own = OPS(Other)->GetDmaDomain(Other),
	       Domain = OPS(CfAdapter)->GetDmaDomain(CfAdapter);

	EXPECT("a domain of its own", TRUE, Own != NULL && Own != Domain);
	CfViolates(0, "has joined no domain");
	STATUS_IS(LeaveDmaDomain, STATUS_INVALID_PARAMETER, OPS(Other)->LeaveDmaDomain(Other));
	CfViolates(0, "JoinDmaDomain with the handle");
	STATUS_IS(JoinDmaDomain, STATUS_INVALID_PARAMETER, OPS(Other)->JoinDmaDomain(Other, Other));
	STATUS_IS(JoinDmaDomain, STATUS_SUCCESS, OPS(Other)->JoinDmaDomain(Other, Domain));
	EXPECT("the domain joined", (ULONG_PTR)Domain, (ULONG_PTR)OPS(Other)->GetDmaDomain(Other));
	STATUS_IS(LeaveDmaDomain, STATUS_SUCCESS, OPS(Other)->LeaveDmaDomain(Other));
	EXPECT("its own domain again", (ULONG_PTR)Own, (ULONG_PTR)OPS(Other)->GetDmaDomain(Other));
}

/* covers: DMA_OPERATIONS.AllocateDomainCommonBuffer, DMA_OPERATIONS.JoinDmaDomain,
 * DMA_OPERATIONS.LeaveDmaDomain, DMA_OPERATIONS.GetDmaDomain */
static VOID Domains(VOID)
{
	HANDLE Domain = OPS(CfAdapter)->GetDmaDomain(CfAdapter);
	PDMA_ADAPTER Other;
	PHYSICAL_ADDRESS Address;
	PVOID Va;

	if (!CfIommu) {
		NoDomains();
		return;
	}
	Other = CfAdapterNew(3, TRUE, CF_MAXIMUM, NULL);
	Joined(Other);
	if (STATUS_IS(AllocateDomainCommonBuffer, STATUS_SUCCESS,
		    DomainBuffer(Other, Domain, 0x2200, &Address, &Va))) {
		CfCommon(Va, Address.QuadPart, 0x2200);
		OPS(Other)->FreeCommonBuffer(Other, 0x2200, Address, Va, TRUE);
	}
	CfViolates(0, "AllocateDomainCommonBuffer with the handle");
	STATUS_IS(AllocateDomainCommonBuffer, STATUS_INVALID_PARAMETER,
		DomainBuffer(Other, &Va, PAGE_SIZE, &Address, &Va));
	CfViolates(0, "AllocateDomainCommonBuffer of length 0");
	STATUS_IS(AllocateDomainCommonBuffer, STATUS_INVALID_PARAMETER,
		DomainBuffer(Other, Domain, 0, &Address, &Va));
	STATUS_IS(AllocateDomainCommonBuffer, STATUS_INSUFFICIENT_RESOURCES,
		DomainBuffer(Other, Domain, 0xfffff000, &Address, &Va));
	CfAdapterPut(Other);
}

/* covers: DMA_OPERATIONS.FlushDmaBuffer */
static VOID Flush(VOID)
{
	static const CF_SPAN Span = {0x10, PAGE_SIZE};
	CF_BUFFER Buffer;

	if (!CfBufferNew(&Buffer, 1, &Span))
		return;
	STATUS_IS(FlushDmaBuffer, STATUS_SUCCESS,
		OPS(CfAdapter)->FlushDmaBuffer(CfAdapter, Buffer.Mdl, TRUE));
	STATUS_IS(FlushDmaBuffer, STATUS_SUCCESS,
		OPS(CfAdapter)->FlushDmaBuffer(CfAdapter, Buffer.Mdl, FALSE));
	STATUS_IS(FlushDmaBuffer, STATUS_INVALID_PARAMETER,
		OPS(CfAdapter)->FlushDmaBuffer(CfAdapter, NULL, TRUE));
	CfBufferFree(&Buffer);
}

const CF_CHECK CfDomainChecks[] = {
	{"domain/domains", Domains},
	{"domain/flush", Flush},
	{NULL, NULL},
};
