/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Since which Windows release Storport has what, and the page that says so. The one place where
 * that stands: the port asks it, docs/os-releases.md is compared with it by a test.
 *
 * A page is named by its file in Microsoft's DDI reference (nf-..., ns-..., in the folder of its
 * header) or, with a slash, in the driver documentation. Its requirements, or its words on a
 * member, name the release. NT_OS_UNKNOWN: the page names none (page NULL: there is none); that
 * counts as there from the first release on. Releases before Vista count as Vista.
 */
#ifndef DRY_STORPORT_OS_TABLE_H
#define DRY_STORPORT_OS_TABLE_H

#include "nt/os.h"

struct stor_os_row {
	const char *name;
	enum nt_os since;
	const char *page;
};

/* What STORPORT_FUNCTION_CODE `code` stands for (its name without ExtFunction); NULL: nothing. */
const struct stor_os_row *stor_os_function(unsigned code);
/* Whether the release that is played has it. */
bool stor_os_function_is_there(unsigned code);

/* The n-th routine exported by name, in order of names; NULL past the end. */
const struct stor_os_row *stor_os_export(unsigned n);

/* The SCSI_NOTIFICATION_TYPEs that a page dates, by the wrapper's name; NULL past the end. */
const struct stor_os_row *stor_os_notification(unsigned n, unsigned *type);
/* Whether the release that is played has it. A type without a row is there. */
bool stor_os_notification_is_there(unsigned type);

/* Sizes and members of structures. */
enum stor_os_detail {
	STOR_OS_INIT_FIRST,    /* HW_INITIALIZATION_DATA without what Windows 8 added */
	STOR_OS_INIT_VIRTUAL,  /* VIRTUAL_HW_INITIALIZATION_DATA */
	STOR_OS_INIT_WHOLE,    /* all of HW_INITIALIZATION_DATA */
	STOR_OS_CONFIG_FIRST,  /* PORT_CONFIGURATION_INFORMATION without what Windows 8 added */
	STOR_OS_CONFIG_WHOLE,  /* all of it */
	STOR_OS_CONFIG_SET,    /* ScatterGather and Master are TRUE when the miniport sees them */
	STOR_OS_CONFIG_WIDTH,  /* DmaAddressWidth counts */
	STOR_OS_PERF_CHANNELS, /* STOR_PERF_CONCURRENT_CHANNELS */
	STOR_OS_DETAILS
};
/* NULL past the end. *bytes: of what is a size, else 0. */
const struct stor_os_row *stor_os_detail(unsigned detail, uint32_t *bytes);
bool stor_os_detail_is_there(enum stor_os_detail detail);

/* Whether StorPortInitialize takes a structure of so many bytes, else STATUS_REVISION_MISMATCH. */
bool stor_os_init_size_is_known(uint32_t bytes);
/* The largest that it takes. */
uint32_t stor_os_init_size(void);
/* PORT_CONFIGURATION_INFORMATION.Length, which is also its version. */
uint32_t stor_os_config_length(void);
/* The flags of a PERF_CONFIGURATION_DATA of this Version: those whose page calls them valid for it
 * or for an earlier one. No page says which release knows which Version. */
uint32_t stor_os_perf_flags(uint32_t version);

#endif
