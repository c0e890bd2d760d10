/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The Windows release that is played (`--os`). What came later than it answers as its documents say
 * of a release that lacks it: STOR_STATUS_NOT_IMPLEMENTED, STATUS_REVISION_MISMATCH, NULL. Who says
 * since when: src/storport/os_table.h for Storport, src/dma/dma_os.h for DMA; docs/os-releases.md
 * lists it all.
 *
 * Releases are in the order of their builds, clients and the one server release that no client
 * shares a build with. A later release has all that an earlier one has. Vista and 7 are played with
 * their last service packs: virtual miniports need Vista's first (storage/history-of-storport).
 */
#ifndef DRY_NT_OS_H
#define DRY_NT_OS_H

#include "util/common.h"

enum nt_os {
	NT_OS_UNKNOWN, /* no page names a release: counts as there from the first on */
	NT_OS_VISTA,
	NT_OS_7,
	NT_OS_8,
	NT_OS_8_1,
	NT_OS_10_1507,
	NT_OS_10_1511,
	NT_OS_10_1607,
	NT_OS_10_1703,
	NT_OS_10_1709,
	NT_OS_10_1803,
	NT_OS_10_1809,
	NT_OS_10_1903,
	NT_OS_10_1909,
	NT_OS_10_2004,
	NT_OS_10_20H2,
	NT_OS_10_21H1,
	NT_OS_10_21H2,
	NT_OS_10_22H2,
	NT_OS_SERVER_2022,
	NT_OS_11_21H2,
	NT_OS_11_22H2,
	NT_OS_11_23H2,
	NT_OS_11_24H2,
	NT_OS_COUNT,
	NT_OS_NEWEST = NT_OS_COUNT - 1
};

/* What a driver can read about the release. */
struct nt_os_version {
	uint32_t major, minor, build, service_pack;
};

/* "vista", "10-1803"; "unknown" for NT_OS_UNKNOWN. */
const char *nt_os_name(enum nt_os os);
struct nt_os_version nt_os_version(enum nt_os os);
/* The release of this name, or one of the servers that share a client's build ("server-2016");
 * letter case does not matter. NT_OS_UNKNOWN: there is none. */
enum nt_os nt_os_find(const char *name);

/* Before the driver's start. */
void nt_os_set(enum nt_os os);
extern enum nt_os nt_os_active; /* private */
/* The release that is played; the newest if none was set. */
static inline enum nt_os nt_os(void)
{
	return nt_os_active;
}
/* Whether the release that is played has what came with `since`. */
static inline bool nt_os_has(enum nt_os since)
{
	return nt_os_active >= since;
}

#endif
