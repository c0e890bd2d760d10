/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Evaluating an ACPI method: what goes in, what comes out (StorPortInvokeAcpiMethod). The first
 * version only, which names a method by four characters. */
#ifndef _ACPIIOCT_H_
#define _ACPIIOCT_H_

#include "ntdef.h"

#define ACPI_EVAL_INPUT_BUFFER_SIGNATURE	 0x42696541 /* AeiB */
#define ACPI_EVAL_INPUT_BUFFER_COMPLEX_SIGNATURE 0x43696541 /* AeiC */
#define ACPI_EVAL_OUTPUT_BUFFER_SIGNATURE	 0x426f6541 /* AeoB */

#define ACPI_METHOD_ARGUMENT_INTEGER	0x0
#define ACPI_METHOD_ARGUMENT_STRING	0x1
#define ACPI_METHOD_ARGUMENT_BUFFER	0x2
#define ACPI_METHOD_ARGUMENT_PACKAGE	0x3
#define ACPI_METHOD_ARGUMENT_PACKAGE_EX 0x4

typedef struct _ACPI_EVAL_INPUT_BUFFER_V1 {
	ULONG Signature;
	union {
		UCHAR MethodName[4];
		ULONG MethodNameAsUlong;
	};
} ACPI_EVAL_INPUT_BUFFER, *PACPI_EVAL_INPUT_BUFFER;
DDK_SIZE(ACPI_EVAL_INPUT_BUFFER, 8);

typedef struct _ACPI_METHOD_ARGUMENT_V1 {
	USHORT Type;
	USHORT DataLength;
	union {
		ULONG Argument;
		UCHAR Data[ANYSIZE_ARRAY];
	};
} ACPI_METHOD_ARGUMENT, *PACPI_METHOD_ARGUMENT;
DDK_SIZE(ACPI_METHOD_ARGUMENT, 8);

/* An argument is at least as long as its number. */
#define ACPI_METHOD_ARGUMENT_LENGTH(data)                                                          \
	((ULONG)FIELD_OFFSET(ACPI_METHOD_ARGUMENT, Data) +                                         \
		((data) < sizeof(ULONG) ? (ULONG)sizeof(ULONG) : (ULONG)(data)))
#define ACPI_METHOD_NEXT_ARGUMENT(argument)                                                        \
	((PACPI_METHOD_ARGUMENT)((PUCHAR)(argument) +                                              \
				 ACPI_METHOD_ARGUMENT_LENGTH((argument)->DataLength)))
#define ACPI_METHOD_SET_ARGUMENT_INTEGER(argument, value)                                          \
	((argument)->Type = ACPI_METHOD_ARGUMENT_INTEGER, (argument)->DataLength = sizeof(ULONG),  \
		(argument)->Argument = (value))

typedef struct _ACPI_EVAL_INPUT_BUFFER_COMPLEX_V1 {
	ULONG Signature;
	union {
		UCHAR MethodName[4];
		ULONG MethodNameAsUlong;
	};
	ULONG Size;
	ULONG ArgumentCount;
	ACPI_METHOD_ARGUMENT Argument[ANYSIZE_ARRAY];
} ACPI_EVAL_INPUT_BUFFER_COMPLEX, *PACPI_EVAL_INPUT_BUFFER_COMPLEX;
DDK_OFFSET(ACPI_EVAL_INPUT_BUFFER_COMPLEX, Argument, 16);

typedef struct _ACPI_EVAL_OUTPUT_BUFFER_V1 {
	ULONG Signature;
	ULONG Length;
	ULONG Count;
	ACPI_METHOD_ARGUMENT Argument[ANYSIZE_ARRAY];
} ACPI_EVAL_OUTPUT_BUFFER, *PACPI_EVAL_OUTPUT_BUFFER;
DDK_OFFSET(ACPI_EVAL_OUTPUT_BUFFER, Argument, 12);

#endif
