/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What is done of each routine that a driver can call: docs/ddi-status.json, made into a table when
 * dryport is built (scripts/ddi-status --table). exports.c prints it.
 */
#ifndef DRY_CLI_DDI_STATUS_H
#define DRY_CLI_DDI_STATUS_H

struct ddi_status {
	const char *name, *module, *status;
	const char *tests; /* a JSON array */
};

extern const struct ddi_status ddi_status_rows[];
extern const unsigned ddi_status_count;

#endif
