/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The releases by name, version and build; see os.h. Versions: the table of RTL_OSVERSIONINFOEXW.
 * Builds: Microsoft's lists of releases (learn.microsoft.com/windows/release-health: Windows 10
 * release information, Windows 11 release information, Windows Server release information).
 */
#include "nt/os.h"

#include <strings.h>

enum nt_os nt_os_active = NT_OS_NEWEST;

static const struct {
	const char *name;
	struct nt_os_version version;
} releases[] = {
	[NT_OS_UNKNOWN] = {"unknown", {0}},
	[NT_OS_VISTA] = {"vista", {6, 0, 6002, 2}},
	[NT_OS_7] = {"7", {6, 1, 7601, 1}},
	[NT_OS_8] = {"8", {6, 2, 9200, 0}},
	[NT_OS_8_1] = {"8.1", {6, 3, 9600, 0}},
	[NT_OS_10_1507] = {"10-1507", {10, 0, 10240, 0}},
	[NT_OS_10_1511] = {"10-1511", {10, 0, 10586, 0}},
	[NT_OS_10_1607] = {"10-1607", {10, 0, 14393, 0}},
	[NT_OS_10_1703] = {"10-1703", {10, 0, 15063, 0}},
	[NT_OS_10_1709] = {"10-1709", {10, 0, 16299, 0}},
	[NT_OS_10_1803] = {"10-1803", {10, 0, 17134, 0}},
	[NT_OS_10_1809] = {"10-1809", {10, 0, 17763, 0}},
	[NT_OS_10_1903] = {"10-1903", {10, 0, 18362, 0}},
	[NT_OS_10_1909] = {"10-1909", {10, 0, 18363, 0}},
	[NT_OS_10_2004] = {"10-2004", {10, 0, 19041, 0}},
	[NT_OS_10_20H2] = {"10-20H2", {10, 0, 19042, 0}},
	[NT_OS_10_21H1] = {"10-21H1", {10, 0, 19043, 0}},
	[NT_OS_10_21H2] = {"10-21H2", {10, 0, 19044, 0}},
	[NT_OS_10_22H2] = {"10-22H2", {10, 0, 19045, 0}},
	[NT_OS_SERVER_2022] = {"server-2022", {10, 0, 20348, 0}},
	[NT_OS_11_21H2] = {"11-21H2", {10, 0, 22000, 0}},
	[NT_OS_11_22H2] = {"11-22H2", {10, 0, 22621, 0}},
	[NT_OS_11_23H2] = {"11-23H2", {10, 0, 22631, 0}},
	[NT_OS_11_24H2] = {"11-24H2", {10, 0, 26100, 0}},
};
_Static_assert(array_size(releases) == NT_OS_COUNT, "one row for each release");

/* Servers that share a client's build, where pages of the DDI reference name them. */
static const struct {
	const char *name;
	enum nt_os os;
} servers[] = {
	{"server-2008", NT_OS_VISTA},
	{"server-2008r2", NT_OS_7},
	{"server-2012", NT_OS_8},
	{"server-2012r2", NT_OS_8_1},
	{"server-2016", NT_OS_10_1607},
};

const char *nt_os_name(enum nt_os os)
{
	return releases[os].name;
}

struct nt_os_version nt_os_version(enum nt_os os)
{
	return releases[os].version;
}

enum nt_os nt_os_find(const char *name)
{
	for (unsigned os = NT_OS_VISTA; os < NT_OS_COUNT; os++)
		if (!strcasecmp(name, releases[os].name))
			return (enum nt_os)os;
	for (size_t n = 0; n < array_size(servers); n++)
		if (!strcasecmp(name, servers[n].name))
			return servers[n].os;
	return NT_OS_UNKNOWN;
}

void nt_os_set(enum nt_os os)
{
	nt_os_active = os;
}
