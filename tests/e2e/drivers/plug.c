/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Goes with a copy of examples/ramdisk that asks it about each request: unit 1 comes, and goes,
 * with every write to unit 0.
 */
#include <storport.h>
#include <srbhelper.h>

BOOLEAN PlugIsThere(PVOID Extension, PSCSI_REQUEST_BLOCK Srb);

static LONG IsThere;

BOOLEAN PlugIsThere(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PCDB Cdb = SrbGetCdb(Srb);

	if (SrbGetTargetId(Srb) != 0)
		return FALSE;
	if (SrbGetLun(Srb) != 0)
		return SrbGetLun(Srb) == 1 && IsThere;
	if (Cdb != NULL && Cdb->CDB10.OperationCode == SCSIOP_WRITE) {
		IsThere = !IsThere;
		StorPortNotification(BusChangeDetected, Extension, 0);
	}
	return TRUE;
}
