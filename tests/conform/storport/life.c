/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What happens to an adapter as a whole (4.8): HwStorAdapterControl, HwStorUnitControl, and the
 * SRBs for those that have not. With scenes an adapter is only stopped, at its end; else `--at`
 * restarts it, puts it to sleep, pulls it out. See conform.h.
 */
#include "conform.h"

BOOLEAN CfIsStopped;

#define IS_LIFE(A) ((A)->Machine & CF_LIFE)
/* In half duplex it goes to sleep by ScsiStopAdapter, and comes back by ScsiRestartAdapter. */
#define HAS_POWER(A) (IS_LIFE(A) && !IS_HALF(A))

static BOOLEAN IsSupported(PCF_ADAPTER A, ULONG Type)
{
	switch (Type) {
	case ScsiStopAdapter:
		return TRUE;
	case ScsiRestartAdapter:
	case ScsiSetBootConfig:
	case ScsiSetRunningConfig:
	case ScsiAdapterSurpriseRemoval:
		return IS_LIFE(A) != 0;
	case ScsiAdapterPower:
		return HAS_POWER(A);
	default:
		return FALSE;
	}
}

/* Units that were found and are not lost. */
static ULONG Present(PCF_ADAPTER A)
{
	ULONG Count = 0;

	for (ULONG n = 0; n < CF_UNITS; n++)
		Count += A->Unit[n].Power != 0;
	return Count;
}

/* ---- a timer that is always due ---- */

#define TICK 100 /* microseconds */

/* On threads one may begin between the driver's last word in a stop and its return. */
static BOOLEAN Ticks(PCF_ADAPTER A)
{
	return !(A->Machine & CF_SCENES) && A->Machine & CF_REPLAY;
}

static VOID Tick(PVOID Extension)
{
	PCF_ADAPTER A = Extension;

	CfEnterStartIo(A);
	StorPortNotification(RequestTimerCall, A, Tick, TICK);
	CfLeaveStartIo(A);
}

VOID CfTick(PCF_ADAPTER A)
{
	if (Ticks(A))
		StorPortNotification(RequestTimerCall, A, Tick, TICK);
}

/* The driver's last deed in a stop, after which no callback comes (4.1, 4.8). */
static VOID Stopped(PCF_ADAPTER A)
{
	if (Ticks(A))
		StorPortStallExecution(3 * TICK);
	A->Life = LIFE_STOPPED;
}

/* ---- the adapter ---- */

static VOID Supported(PCF_ADAPTER A, PSCSI_SUPPORTED_CONTROL_TYPE_LIST List)
{
	SEE_TRUE(ControlList, List != NULL && List->MaxControlType > ScsiRestartAdapter);
	for (ULONG n = 0; n < List->MaxControlType; n++)
		List->SupportedTypeList[n] =
			n == ScsiQuerySupportedControlTypes || IsSupported(A, n);
}

static VOID Stop(PCF_ADAPTER A)
{
	SEE(StopIrql, PASSIVE_LEVEL, KeGetCurrentIrql()); /* */
	SEE(StopEmpty, 0, A->Outstanding);
	if (A->Machine & CF_SCENES)
		SEE(StopLast, LIFE_SHUT, A->Life);
	CfControl(A, 0);
	CfIsStopped = TRUE;
	Stopped(A);
}

static BOOLEAN Restart(PCF_ADAPTER A)
{
	BOOLEAN IsStarted;

	SEE(RestartIrql, A->Dirql, KeGetCurrentIrql()); /* */
	SEE(RestartAfter, LIFE_STOPPED, A->Life);
	SEE(RestartAfter, TRUE, A->IsAsleep);
	SEE(RunningIrql, TRUE, A->IsRunningSet);
	A->IsAsleep = A->IsRunningSet = FALSE;
	CfEnterInterrupt(A, (ULONG)-1);
	A->Life = LIFE_ASKED;
	IsStarted = CfStart(A);
	CfLeaveInterrupt(A, (ULONG)-1);
	return IsStarted;
}

static BOOLEAN Power(PCF_ADAPTER A, PSTOR_ADAPTER_CONTROL_POWER Parameters)
{
	SEE_TRUE(PowerIrql, KeGetCurrentIrql() <= DISPATCH_LEVEL);
	A->Life = LIFE_ASKED;
	CfTryLocks(A, TRUE, TRUE, TRUE);
	SEE(PowerStates, A->IsAsleep ? StorPowerDeviceD0 : StorPowerDeviceD3,
		Parameters->PowerState);
	A->IsAsleep = Parameters->PowerState == StorPowerDeviceD3;
	SEE(StopEmpty, 0, A->Outstanding);
	if (A->IsAsleep) {
		CfControl(A, 0);
		Stopped(A);
		return TRUE;
	}
	return CfStart(A);
}

/* What the controller had comes back now, as its memory is ours again. */
static VOID Surprise(PCF_ADAPTER A)
{
	STOR_LOCK_HANDLE Lock;

	SEE_TRUE(SurpriseIrql, KeGetCurrentIrql() < DISPATCH_LEVEL);
	SEE(UnitGone, 0, Present(A));
	A->IsGone = TRUE;
	CfLock(A, StartIoLock, &Lock);
	for (ULONG n = 0; n < A->Entries; n++) {
		PCF_REQUEST Request = A->Active[n];

		A->Active[n] = NULL;
		if (Request != NULL)
			CfComplete(A, Request, SRB_STATUS_NO_HBA);
	}
	CfUnlock(A, &Lock);
}

/* Where configuration space may be written. */
static VOID Configure(PCF_ADAPTER A, BOOLEAN IsRunning)
{
	if (IsRunning)
		SEE(RunningIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	else
		SEE(BootIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	SEE(BootIrql, LIFE_STOPPED, A->Life);
	A->IsRunningSet = IsRunning;
}

static BOOLEAN Control(PCF_ADAPTER A, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
	SEE_TRUE(OnlySupported, IsSupported(A, Type));
	if (Type == ScsiStopAdapter)
		Stop(A);
	else if (Type == ScsiSetBootConfig || Type == ScsiSetRunningConfig)
		Configure(A, Type == ScsiSetRunningConfig);
	else if (Type == ScsiRestartAdapter)
		return Restart(A);
	else if (Type == ScsiAdapterPower)
		return Power(A, Parameters);
	else
		Surprise(A);
	return TRUE;
}

SCSI_ADAPTER_CONTROL_STATUS CfAdapterControl(
	PVOID Extension, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
	PCF_ADAPTER A = Extension;

	if (Type != ScsiQuerySupportedControlTypes)
		return Control(A, Type, Parameters) ? ScsiAdapterControlSuccess
						    : ScsiAdapterControlUnsuccessful;
	SEE(ControlIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	SEE(Asked, LIFE_SETTLED, A->Life);
	A->Life = LIFE_ASKED;
	Supported(A, Parameters);
	return ScsiAdapterControlSuccess;
}

/* ---- units ---- */

static VOID SupportedUnit(PCF_ADAPTER A, PSCSI_SUPPORTED_CONTROL_TYPE_LIST List)
{
	SEE(UnitQuery, PASSIVE_LEVEL, KeGetCurrentIrql());
	SEE_TRUE(UnitQuery, List->MaxControlType > ScsiUnitSurpriseRemoval);
	for (ULONG n = 0; n < List->MaxControlType; n++)
		List->SupportedTypeList[n] =
			n == ScsiQuerySupportedUnitControlTypes ||
			(IS_LIFE(A) && (n == ScsiUnitStart || n == ScsiUnitPower ||
					       n == ScsiUnitSurpriseRemoval));
}

static VOID UnitPower(CF_UNIT *Unit, PSTOR_UNIT_CONTROL_POWER Parameters)
{
	SEE(UnitPower, Unit->Power == StorPowerDeviceD0 ? StorPowerDeviceD3 : StorPowerDeviceD0,
		Parameters->PowerState);
	Unit->Power = Parameters->PowerState;
}

SCSI_UNIT_CONTROL_STATUS CfUnitControl(
	PVOID Extension, SCSI_UNIT_CONTROL_TYPE Type, PVOID Parameters)
{
	PCF_ADAPTER A = Extension;
	PSTOR_ADDR_BTL8 Address = Parameters;
	CF_UNIT *Unit;

	if (Type == ScsiQuerySupportedUnitControlTypes) {
		SupportedUnit(A, Parameters);
		return ScsiUnitControlSuccess;
	}
	if (Type == ScsiUnitPower)
		Address = (PSTOR_ADDR_BTL8)((PSTOR_UNIT_CONTROL_POWER)Parameters)->Address;
	SEE(UnitIrql, Type == ScsiUnitPower ? DISPATCH_LEVEL : PASSIVE_LEVEL, KeGetCurrentIrql());
	SEE(UnitPlace, STOR_ADDRESS_TYPE_BTL8, Address->Type);
	SEE_TRUE(UnitPlace,
		Address->Path < CF_BUSES && Address->Target < CF_TARGETS && Address->Lun < CF_LUNS);
	Unit = &A->Unit[(Address->Path * CF_TARGETS + Address->Target) * CF_LUNS + Address->Lun];
	CfTryLocks(A, TRUE, TRUE, TRUE); /* it is called without a lock */
	SEE_TRUE(UnitStarted, Unit->Asked > 0);
	if (Type == ScsiUnitPower)
		UnitPower(Unit, Parameters);
	else
		Unit->Power = Type == ScsiUnitStart ? StorPowerDeviceD0 : 0;
	return ScsiUnitControlSuccess;
}

/* ---- SRBs of adapters ---- */

static VOID CheckCapabilities(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	PSTOR_DEVICE_CAPABILITIES Capabilities = SrbGetDataBuffer(Srb);

	SEE(Capabilities, sizeof(*Capabilities), SrbGetDataTransferLength(Srb));
	if (SEE_TRUE(Capabilities, Capabilities != NULL))
		SEE(Capabilities, STOR_DEVICE_CAPABILITIES_VERSION_1, Capabilities->Version);
}

VOID CfCheckAdapterSrb(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	PSCSI_PNP_REQUEST_BLOCK Pnp = (PVOID)Srb;
	PSCSI_POWER_REQUEST_BLOCK PowerSrb = (PVOID)Srb;
	BOOLEAN IsPower = SrbGetSrbFunction(Srb) == SRB_FUNCTION_POWER;
	ULONG Flags, Action;
	PSRBEX_DATA Data;

	SEE(PowerSrb, FALSE, IsPower && HAS_POWER(A));
	if (A->Machine & CF_SRBEX) {
		Data = SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)Srb,
			IsPower ? SrbExDataTypePower : SrbExDataTypePnP);
		SEE_TRUE(AdapterSrb, Data != NULL);
		if (Data == NULL)
			return;
		Flags = IsPower ? ((PSRBEX_DATA_POWER)Data)->SrbPowerFlags
				: ((PSRBEX_DATA_PNP)Data)->SrbPnPFlags;
		Action = IsPower ? ((PSRBEX_DATA_POWER)Data)->DevicePowerState
				 : ((PSRBEX_DATA_PNP)Data)->PnPAction;
	} else {
		Flags = IsPower ? PowerSrb->SrbPowerFlags & SRB_POWER_FLAGS_ADAPTER_REQUEST
				: Pnp->SrbPnPFlags & SRB_PNP_FLAGS_ADAPTER_REQUEST;
		Action = IsPower ? PowerSrb->DevicePowerState : Pnp->PnPAction;
	}
	if (IsPower)
		A->IsAsleep = Action == StorPowerDeviceD3;
	if (!IsPower && Action == StorQueryCapabilities)
		CheckCapabilities(A, Srb);
	else
		SEE(AdapterSrb, 1, Flags);
}
