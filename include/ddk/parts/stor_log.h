/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a miniport tells the system's logs: ETW events and telemetry. Wrappers over
 * StorPortExtendedFunction. The lengths that are limits, that of a telemetry event's names and the
 * keyword of command traces stand on no public page.
 */
#ifndef DDK_PARTS_STOR_LOG_H
#define DDK_PARTS_STOR_LOG_H

#include "stor_function.h"

/* ---- ETW ---- */

#define STORPORT_ETW_MAX_DESCRIPTION_LENGTH	 80 /* characters */
#define STORPORT_ETW_MAX_PARAM_NAME_LENGTH	 20
#define STORPORT_ETW_MAX_BYTE_STREAM_LENGTH	 4096
#define STORPORT_ETW_EVENT_KEYWORD_IO		 0x1ull
#define STORPORT_ETW_EVENT_KEYWORD_PERFORMANCE	 0x2ull
#define STORPORT_ETW_EVENT_KEYWORD_POWER	 0x4ull
#define STORPORT_ETW_EVENT_KEYWORD_ENUMERATION	 0x8ull
#define STORPORT_ETW_EVENT_KEYWORD_COMMAND_TRACE 0x10ull

/* Levels and opcodes have the numbers that they have in all of ETW. */
typedef enum _STORPORT_ETW_LEVEL {
	StorportEtwLevelLogAlways = 0,
	StorportEtwLevelCritical = 1,
	StorportEtwLevelError = 2,
	StorportEtwLevelWarning = 3,
	StorportEtwLevelInformational = 4,
	StorportEtwLevelVerbose = 5
} STORPORT_ETW_LEVEL;

typedef enum _STORPORT_ETW_EVENT_OPCODE {
	StorportEtwEventOpcodeInfo = 0,
	StorportEtwEventOpcodeStart = 1,
	StorportEtwEventOpcodeStop = 2,
	StorportEtwEventOpcodeDC_Start = 3,
	StorportEtwEventOpcodeDC_Stop = 4,
	StorportEtwEventOpcodeExtension = 5,
	StorportEtwEventOpcodeReply = 6,
	StorportEtwEventOpcodeResume = 7,
	StorportEtwEventOpcodeSuspend = 8,
	StorportEtwEventOpcodeReceive = 240
} STORPORT_ETW_EVENT_OPCODE;

typedef enum STORPORT_ETW_EVENT_CHANNEL {
	StorportEtwEventDiagnostic,
	StorportEtwEventOperational,
	StorportEtwEventHealth
} STORPORT_ETW_EVENT_CHANNEL;

DDK_INLINE ULONG StorPortEtwEvent2(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG EventId,
	PWSTR EventDescription, ULONGLONG EventKeywords, STORPORT_ETW_LEVEL EventLevel,
	STORPORT_ETW_EVENT_OPCODE EventOpcode, PSCSI_REQUEST_BLOCK Srb, PWSTR Parameter1Name,
	ULONGLONG Parameter1Value, PWSTR Parameter2Name, ULONGLONG Parameter2Value)
{
	return StorPortExtendedFunction(ExtFunctionMiniportEtwEvent2, HwDeviceExtension, Address,
		EventId, EventDescription, EventKeywords, EventLevel, EventOpcode, Srb,
		Parameter1Name, Parameter1Value, Parameter2Name, Parameter2Value);
}

DDK_INLINE ULONG StorPortEtwEvent4(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG EventId,
	PWSTR EventDescription, ULONGLONG EventKeywords, STORPORT_ETW_LEVEL EventLevel,
	STORPORT_ETW_EVENT_OPCODE EventOpcode, PSCSI_REQUEST_BLOCK Srb, PWSTR Parameter1Name,
	ULONGLONG Parameter1Value, PWSTR Parameter2Name, ULONGLONG Parameter2Value,
	PWSTR Parameter3Name, ULONGLONG Parameter3Value, PWSTR Parameter4Name,
	ULONGLONG Parameter4Value)
{
	return StorPortExtendedFunction(ExtFunctionMiniportEtwEvent4, HwDeviceExtension, Address,
		EventId, EventDescription, EventKeywords, EventLevel, EventOpcode, Srb,
		Parameter1Name, Parameter1Value, Parameter2Name, Parameter2Value, Parameter3Name,
		Parameter3Value, Parameter4Name, Parameter4Value);
}

DDK_INLINE ULONG StorPortEtwEvent8(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG EventId,
	PWSTR EventDescription, ULONGLONG EventKeywords, STORPORT_ETW_LEVEL EventLevel,
	STORPORT_ETW_EVENT_OPCODE EventOpcode, PSCSI_REQUEST_BLOCK Srb, PWSTR Parameter1Name,
	ULONGLONG Parameter1Value, PWSTR Parameter2Name, ULONGLONG Parameter2Value,
	PWSTR Parameter3Name, ULONGLONG Parameter3Value, PWSTR Parameter4Name,
	ULONGLONG Parameter4Value, PWSTR Parameter5Name, ULONGLONG Parameter5Value,
	PWSTR Parameter6Name, ULONGLONG Parameter6Value, PWSTR Parameter7Name,
	ULONGLONG Parameter7Value, PWSTR Parameter8Name, ULONGLONG Parameter8Value)
{
	return StorPortExtendedFunction(ExtFunctionMiniportEtwEvent8, HwDeviceExtension, Address,
		EventId, EventDescription, EventKeywords, EventLevel, EventOpcode, Srb,
		Parameter1Name, Parameter1Value, Parameter2Name, Parameter2Value, Parameter3Name,
		Parameter3Value, Parameter4Name, Parameter4Value, Parameter5Name, Parameter5Value,
		Parameter6Name, Parameter6Value, Parameter7Name, Parameter7Value, Parameter8Name,
		Parameter8Value);
}

DDK_INLINE ULONG StorPortEtwChannelEvent2(PVOID HwDeviceExtension, PSTOR_ADDRESS Address,
	STORPORT_ETW_EVENT_CHANNEL EventChannel, ULONG EventId, PWSTR EventDescription,
	ULONGLONG EventKeywords, STORPORT_ETW_LEVEL EventLevel,
	STORPORT_ETW_EVENT_OPCODE EventOpcode, PSCSI_REQUEST_BLOCK Srb, PWSTR Parameter1Name,
	ULONGLONG Parameter1Value, PWSTR Parameter2Name, ULONGLONG Parameter2Value)
{
	return StorPortExtendedFunction(ExtFunctionMiniportChannelEtwEvent2, HwDeviceExtension,
		Address, EventChannel, EventId, EventDescription, EventKeywords, EventLevel,
		EventOpcode, Srb, Parameter1Name, Parameter1Value, Parameter2Name, Parameter2Value);
}

DDK_INLINE ULONG StorPortEtwChannelEvent4(PVOID HwDeviceExtension, PSTOR_ADDRESS Address,
	STORPORT_ETW_EVENT_CHANNEL EventChannel, ULONG EventId, PWSTR EventDescription,
	ULONGLONG EventKeywords, STORPORT_ETW_LEVEL EventLevel,
	STORPORT_ETW_EVENT_OPCODE EventOpcode, PSCSI_REQUEST_BLOCK Srb, PWSTR Parameter1Name,
	ULONGLONG Parameter1Value, PWSTR Parameter2Name, ULONGLONG Parameter2Value,
	PWSTR Parameter3Name, ULONGLONG Parameter3Value, PWSTR Parameter4Name,
	ULONGLONG Parameter4Value)
{
	return StorPortExtendedFunction(ExtFunctionMiniportChannelEtwEvent4, HwDeviceExtension,
		Address, EventChannel, EventId, EventDescription, EventKeywords, EventLevel,
		EventOpcode, Srb, Parameter1Name, Parameter1Value, Parameter2Name, Parameter2Value,
		Parameter3Name, Parameter3Value, Parameter4Name, Parameter4Value);
}

DDK_INLINE ULONG StorPortEtwChannelEvent8(PVOID HwDeviceExtension, PSTOR_ADDRESS Address,
	STORPORT_ETW_EVENT_CHANNEL EventChannel, ULONG EventId, PWSTR EventDescription,
	ULONGLONG EventKeywords, STORPORT_ETW_LEVEL EventLevel,
	STORPORT_ETW_EVENT_OPCODE EventOpcode, PSCSI_REQUEST_BLOCK Srb, PWSTR Parameter1Name,
	ULONGLONG Parameter1Value, PWSTR Parameter2Name, ULONGLONG Parameter2Value,
	PWSTR Parameter3Name, ULONGLONG Parameter3Value, PWSTR Parameter4Name,
	ULONGLONG Parameter4Value, PWSTR Parameter5Name, ULONGLONG Parameter5Value,
	PWSTR Parameter6Name, ULONGLONG Parameter6Value, PWSTR Parameter7Name,
	ULONGLONG Parameter7Value, PWSTR Parameter8Name, ULONGLONG Parameter8Value)
{
	return StorPortExtendedFunction(ExtFunctionMiniportChannelEtwEvent8, HwDeviceExtension,
		Address, EventChannel, EventId, EventDescription, EventKeywords, EventLevel,
		EventOpcode, Srb, Parameter1Name, Parameter1Value, Parameter2Name, Parameter2Value,
		Parameter3Name, Parameter3Value, Parameter4Name, Parameter4Value, Parameter5Name,
		Parameter5Value, Parameter6Name, Parameter6Value, Parameter7Name, Parameter7Value,
		Parameter8Name, Parameter8Value);
}

DDK_INLINE ULONG StorPortEtwLogError(PVOID HwDeviceExtension, PSTOR_ADDRESS Address, ULONG Id,
	PWSTR Description, ULONG DataBufferLength, PVOID DataBuffer)
{
	return StorPortExtendedFunction(ExtFunctionLogHardwareError, HwDeviceExtension, Address, Id,
		Description, DataBufferLength, DataBuffer);
}

DDK_INLINE ULONG StorPortEtwLogByteStream(PVOID HwDeviceExtension, PSTOR_ADDRESS Address,
	STORPORT_ETW_EVENT_CHANNEL EventChannel, ULONG EventId, PWSTR EventDescription,
	ULONGLONG EventKeywords, STORPORT_ETW_LEVEL EventLevel,
	STORPORT_ETW_EVENT_OPCODE EventOpcode, ULONG DataLength, PVOID Data)
{
	return StorPortExtendedFunction(ExtFunctionMiniportLogByteStream, HwDeviceExtension,
		Address, EventChannel, EventId, EventDescription, EventKeywords, EventLevel,
		EventOpcode, DataLength, Data);
}

/* ---- telemetry ---- */

#define EVENT_NAME_MAX_LENGTH	 32
#define EVENT_MAX_PARAM_NAME_LEN 32
#define EVENT_BUFFER_MAX_LENGTH	 4096

typedef struct _STORPORT_TELEMETRY_EVENT {
	ULONG DriverVersion;
	ULONG EventId;
	UCHAR EventName[EVENT_NAME_MAX_LENGTH];
	ULONG EventVersion;
	ULONG Flags;
	ULONG EventBufferLength;
	PUCHAR EventBuffer;
	UCHAR ParameterName0[EVENT_MAX_PARAM_NAME_LEN];
	ULONGLONG ParameterValue0;
	UCHAR ParameterName1[EVENT_MAX_PARAM_NAME_LEN];
	ULONGLONG ParameterValue1;
	UCHAR ParameterName2[EVENT_MAX_PARAM_NAME_LEN];
	ULONGLONG ParameterValue2;
	UCHAR ParameterName3[EVENT_MAX_PARAM_NAME_LEN];
	ULONGLONG ParameterValue3;
	UCHAR ParameterName4[EVENT_MAX_PARAM_NAME_LEN];
	ULONGLONG ParameterValue4;
	UCHAR ParameterName5[EVENT_MAX_PARAM_NAME_LEN];
	ULONGLONG ParameterValue5;
	UCHAR ParameterName6[EVENT_MAX_PARAM_NAME_LEN];
	ULONGLONG ParameterValue6;
	UCHAR ParameterName7[EVENT_MAX_PARAM_NAME_LEN];
	ULONGLONG ParameterValue7;
} STORPORT_TELEMETRY_EVENT, *PSTORPORT_TELEMETRY_EVENT;

typedef enum _STOR_TELEMETRY_CATEGORY {
	StorTelemetryCategory,
	StorMeasuresCategory
} STOR_TELEMETRY_CATEGORY,
	*PSTOR_TELEMETRY_CATEGORY;

DDK_INLINE ULONG StorPortLogTelemetry(
	PVOID HwDeviceExtension, PSTOR_ADDRESS StorAddress, PSTORPORT_TELEMETRY_EVENT Event)
{
	return StorPortExtendedFunction(
		ExtFunctionMiniportTelemetry, HwDeviceExtension, StorAddress, Event);
}

DDK_INLINE ULONG StorPortLogTelemetryEx(PVOID HwDeviceExtension, PSTOR_ADDRESS StorAddress,
	PSTORPORT_TELEMETRY_EVENT Event, STOR_TELEMETRY_CATEGORY Category)
{
	return StorPortExtendedFunction(
		ExtFunctionMiniportTelemetryEx, HwDeviceExtension, StorAddress, Event, Category);
}

#endif
