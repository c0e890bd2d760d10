/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Rtl: what has no family: comparing memory, the version (os.h), random numbers. */
#include "nt/nt_check.h"
#include "nt/os.h"
#include "util/export.h"
#include "util/random.h"

SIZE_T NTAPI RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length)
{
	const char *a = Source1, *b = Source2;
	SIZE_T n;

	for (n = 0; n < Length && a[n] == b[n]; n++)
		;
	return n;
}
DRY_EXPORT(RtlCompareMemory)

/* The release that is played (os.h). */
NTSTATUS NTAPI RtlGetVersion(PRTL_OSVERSIONINFOW lpVersionInformation)
{
	struct nt_os_version version = nt_os_version(nt_os());
	char pack[] = "Service Pack 0";

	nt_irql_max("RtlGetVersion", IRQL_PASSIVE, NT_C4(0xE5));
	lpVersionInformation->dwMajorVersion = version.major;
	lpVersionInformation->dwMinorVersion = version.minor;
	lpVersionInformation->dwBuildNumber = version.build;
	lpVersionInformation->dwPlatformId = 2; /* VER_PLATFORM_WIN32_NT */
	pack[sizeof(pack) - 2] = (char)('0' + version.service_pack);
	for (size_t n = 0; n < sizeof(pack); n++)
		lpVersionInformation->szCSDVersion[n] = version.service_pack ? (WCHAR)pack[n] : 0;
	return STATUS_SUCCESS;
}
DRY_EXPORT(RtlGetVersion)

/* Evenly spread over [0, MAXLONG - 1]; only the seed decides. */
ULONG NTAPI RtlRandomEx(PULONG Seed)
{
	uint64_t state = *Seed;
	ULONG value = (ULONG)random_below(&state, MAXLONG);

	*Seed = (ULONG)(state ^ state >> 32);
	return value;
}
DRY_EXPORT(RtlRandomEx)
