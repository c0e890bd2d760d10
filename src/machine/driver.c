/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Which port a driver is for: what it imports says so. See machine.h. */
#include "machine/machine.h"
#include "scsiport/scsi_adapter.h"
#include "storport/storport_adapter.h"

_Static_assert(PORT_HBAS_MAX <= MACHINE_ADAPTERS, "room for all adapters of a driver");

int machine_driver_start(struct machine_driver *driver, const struct loader_image *image)
{
	/* Storport's, too, for one that imports neither: it will say what is missing. */
	bool pulls = loader_imports(image, "ScsiPortInitialize") &&
		     !loader_imports(image, "StorPortInitialize");
	int err = port_driver_start(pulls ? &scsi_driver_model : &stor_driver_model,
		loader_entry(image), loader_name(image), &driver->made);

	driver->adapter_count = 0;
	if (err)
		return err;
	for (unsigned n = 0; n < driver->made->adapter_count; n++)
		driver->adapters[driver->adapter_count++] = &driver->made->adapters[n]->port;
	return 0;
}

void machine_driver_stop(struct machine_driver *driver)
{
	if (driver->made)
		port_driver_stop(driver->made);
	driver->made = NULL;
	driver->adapter_count = 0;
}
