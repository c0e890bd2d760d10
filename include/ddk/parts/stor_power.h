/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Run-time power management (PoFx): its structures, and wrappers over StorPortExtendedFunction. */
#ifndef DDK_PARTS_STOR_POWER_H
#define DDK_PARTS_STOR_POWER_H

#include "stor_function.h"

typedef struct _STOR_POFX_COMPONENT_IDLE_STATE {
	ULONG Version;
	ULONG Size;
	ULONGLONG TransitionLatency;
	ULONGLONG ResidencyRequirement;
	ULONG NominalPower;
} STOR_POFX_COMPONENT_IDLE_STATE, *PSTOR_POFX_COMPONENT_IDLE_STATE;
#define STOR_POFX_COMPONENT_IDLE_STATE_VERSION_V1 1
#define STOR_POFX_COMPONENT_IDLE_STATE_SIZE	  sizeof(STOR_POFX_COMPONENT_IDLE_STATE)
#define STOR_POFX_UNKNOWN_POWER			  0xFFFFFFFF

typedef struct _STOR_POFX_COMPONENT {
	ULONG Version;
	ULONG Size;
	ULONG FStateCount;
	ULONG DeepestWakeableFState;
	GUID Id;
	STOR_POFX_COMPONENT_IDLE_STATE FStates[ANYSIZE_ARRAY];
} STOR_POFX_COMPONENT, *PSTOR_POFX_COMPONENT;
#define STOR_POFX_COMPONENT_VERSION_V1 1
#define STOR_POFX_COMPONENT_SIZE       sizeof(STOR_POFX_COMPONENT)

typedef struct _STOR_POFX_COMPONENT_V2 {
	ULONG Version;
	ULONG Size;
	ULONG FStateCount;
	ULONG DeepestWakeableFState;
	GUID Id;
	ULONG DeepestAdapterPowerRequiredFState;
	ULONG DeepestCrashDumpReadyFState;
	STOR_POFX_COMPONENT_IDLE_STATE FStates[ANYSIZE_ARRAY];
} STOR_POFX_COMPONENT_V2, *PSTOR_POFX_COMPONENT_V2;
#define STOR_POFX_COMPONENT_VERSION_V2 2
#define STOR_POFX_COMPONENT_V2_SIZE    sizeof(STOR_POFX_COMPONENT_V2)

/* The two kinds of component. Their bytes stand on no public page. */
DDK_GUID const GUID DECLSPEC_SELECTANY STORPORT_POFX_ADAPTER_GUID = {
	0x6d5f6a2b, 0x4c1e, 0x4b1d, {0x9a, 0x3c, 0x5e, 0x0b, 0x1f, 0x77, 0x41, 0xd0}};
DDK_GUID const GUID DECLSPEC_SELECTANY STORPORT_POFX_LUN_GUID = {
	0x1b8e2f54, 0x90d3, 0x47a6, {0xb2, 0x15, 0x8c, 0x6a, 0x2d, 0x39, 0xe4, 0x5f}};

typedef struct _STOR_POFX_DEVICE {
	ULONG Version;
	ULONG Size;
	ULONG ComponentCount;
	ULONG Flags;
	STOR_POFX_COMPONENT Components[ANYSIZE_ARRAY];
} STOR_POFX_DEVICE, *PSTOR_POFX_DEVICE;
#define STOR_POFX_DEVICE_VERSION_V1 1
#define STOR_POFX_DEVICE_SIZE	    sizeof(STOR_POFX_DEVICE)

typedef struct _STOR_POFX_DEVICE_V2 {
	ULONG Version;
	ULONG Size;
	ULONG ComponentCount;
	ULONG Flags;
	ULONG UnitMinIdleTimeoutInMS;
	ULONG AdapterIdleTimeoutInMS;
	STOR_POFX_COMPONENT Components[ANYSIZE_ARRAY];
} STOR_POFX_DEVICE_V2, *PSTOR_POFX_DEVICE_V2;
#define STOR_POFX_DEVICE_VERSION_V2 2
#define STOR_POFX_DEVICE_V2_SIZE    sizeof(STOR_POFX_DEVICE_V2)

typedef struct _STOR_POFX_DEVICE_V3 {
	ULONG Version;
	ULONG Size;
	ULONG ComponentCount;
	ULONG Flags;
	ULONG UnitMinIdleTimeoutInMS;
	ULONG AdapterIdleTimeoutInMS;
	ULONG MinimumPowerCyclePeriodInMS;
	STOR_POFX_COMPONENT Components[ANYSIZE_ARRAY];
} STOR_POFX_DEVICE_V3, *PSTOR_POFX_DEVICE_V3;
#define STOR_POFX_DEVICE_VERSION_V3 3
#define STOR_POFX_DEVICE_V3_SIZE    sizeof(STOR_POFX_DEVICE_V3)

#define STOR_POFX_DEVICE_FLAG_NO_D0		       0x0001
#define STOR_POFX_DEVICE_FLAG_NO_D3		       0x0002
#define STOR_POFX_DEVICE_FLAG_ENABLE_D3_COLD	       0x0004
#define STOR_POFX_DEVICE_FLAG_NO_DUMP_ACTIVE	       0x0008
#define STOR_POFX_DEVICE_FLAG_IDLE_TIMEOUT	       0x0010
#define STOR_POFX_DEVICE_FLAG_ADAPTIVE_D3_IDLE_TIMEOUT 0x0020
#define STOR_POFX_DEVICE_FLAG_NO_UNIT_REGISTRATION     0x0040
#define STOR_POFX_DEVICE_FLAG_PERF_STATE_PEP_OPTIONAL  0x0080
#define STOR_POFX_DEVICE_FLAG_NO_IDLE_DEBOUNCE	       0x0100
#define STOR_POFX_DEVICE_FLAG_DUMP_ALWAYS_POWER_ON     0x0200
#define STOR_POFX_DEVICE_FLAG_DISABLE_INTERRUPTS_ON_D3 0x0400
#define STOR_POFX_DEVICE_FLAG_ADAPTER_D3_WAKE	       0x0800
#define STOR_POFX_DEVICE_FLAG_GET_PERF_STATE_FROM_PEP  0x1000

typedef struct _STOR_POFX_ACTIVE_CONTEXT {
	STOR_POWER_CONTROL_HEADER Header;
	ULONG ComponentIndex;
	BOOLEAN Active;
} STOR_POFX_ACTIVE_CONTEXT, *PSTOR_POFX_ACTIVE_CONTEXT;

typedef struct _STOR_POFX_FSTATE_CONTEXT {
	STOR_POWER_CONTROL_HEADER Header;
	ULONG ComponentIndex;
	ULONG FState;
} STOR_POFX_FSTATE_CONTEXT, *PSTOR_POFX_FSTATE_CONTEXT;

typedef struct _STOR_POFX_POWER_REQUIRED_CONTEXT {
	STOR_POWER_CONTROL_HEADER Header;
	BOOLEAN PowerRequired;
} STOR_POFX_POWER_REQUIRED_CONTEXT, *PSTOR_POFX_POWER_REQUIRED_CONTEXT;

typedef struct _STOR_POFX_UNIT_POWER_INFO {
	STOR_POWER_CONTROL_HEADER Header;
	BOOLEAN IdlePowerEnabled;
} STOR_POFX_UNIT_POWER_INFO, *PSTOR_POFX_UNIT_POWER_INFO;

DDK_INLINE ULONG StorPortInitializePoFxPower(PVOID HwDeviceExtension, PSTOR_ADDRESS Address,
	PSTOR_POFX_DEVICE Device, PBOOLEAN D3ColdEnabled)
{
	return StorPortExtendedFunction(
		ExtFunctionInitializePoFxPower, HwDeviceExtension, Address, Device, D3ColdEnabled);
}

DDK_INLINE ULONG StorPortPoFxActivateComponent(PVOID HwDeviceExtension, PSTOR_ADDRESS Address,
	PSCSI_REQUEST_BLOCK Srb, ULONG Component, ULONG Flags)
{
	return StorPortExtendedFunction(ExtFunctionPoFxActivateComponent, HwDeviceExtension,
		Address, Srb, Component, Flags);
}

DDK_INLINE ULONG StorPortPoFxIdleComponent(PVOID HwDeviceExtension, PSTOR_ADDRESS Address,
	PSCSI_REQUEST_BLOCK Srb, ULONG Component, ULONG Flags)
{
	return StorPortExtendedFunction(
		ExtFunctionPoFxIdleComponent, HwDeviceExtension, Address, Srb, Component, Flags);
}

DDK_INLINE ULONG StorPortPoFxSetComponentLatency(
	PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG Component, ULONGLONG Latency)
{
	return StorPortExtendedFunction(
		ExtFunctionPoFxSetComponentLatency, HwDeviceExtension, Address, Component, Latency);
}

DDK_INLINE ULONG StorPortPoFxSetComponentResidency(
	PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG Component, ULONGLONG Residency)
{
	return StorPortExtendedFunction(ExtFunctionPoFxSetComponentResidency, HwDeviceExtension,
		Address, Component, Residency);
}

DDK_INLINE ULONG StorPortPoFxSetIdleTimeout(
	PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG IdleTimeoutInMS)
{
	return StorPortExtendedFunction(
		ExtFunctionPoFxSetIdleTimeout, HwDeviceExtension, Address, IdleTimeoutInMS);
}

DDK_INLINE ULONG StorPortPoFxSetPerfState(PVOID HwDeviceExtension, PSTOR_ADDRESS Address,
	ULONG Component, ULONG Flags, ULONG SetIndex, ULONGLONG State, PVOID Context)
{
	return StorPortExtendedFunction(ExtFunctionPoFxSetPerfState, HwDeviceExtension, Address,
		Component, Flags, SetIndex, State, Context);
}

DDK_INLINE ULONG StorPortPoFxPowerControl(PVOID HwDeviceExtension, PSTOR_ADDRESS Address,
	LPCGUID PowerControlCode, PVOID InBuffer, SIZE_T InBufferSize, PVOID OutBuffer,
	SIZE_T OutBufferSize, PSIZE_T BytesReturned)
{
	return StorPortExtendedFunction(ExtFunctionPoFxPowerControl, HwDeviceExtension, Address,
		PowerControlCode, InBuffer, InBufferSize, OutBuffer, OutBufferSize, BytesReturned);
}

DDK_INLINE ULONG StorPortGetD3ColdSupport(
	PVOID HwDeviceExtension, PSTOR_ADDRESS Address, PBOOLEAN Supported)
{
	return StorPortExtendedFunction(
		ExtFunctionGetD3ColdSupport, HwDeviceExtension, Address, Supported);
}

#endif
