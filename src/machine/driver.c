/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Which port a driver is for: what it imports says so. Each of the two models starts and stops its
 * drivers; what is between is the life of requests, which they share. See machine.h.
 */
#include "machine/machine.h"
#include "scsiport/scsi_adapter.h"
#include "storport/storport_adapter.h"

static int storport_start(struct machine_driver *driver, void *entry, const char *name)
{
	struct stor_driver *made;
	int err = stor_driver_start(entry, name, &made);

	if (err)
		return err;
	driver->made = made;
	for (unsigned n = 0; n < made->adapter_count; n++)
		driver->adapters[driver->adapter_count++] = &made->adapters[n]->port;
	return 0;
}

static void storport_stop(void *made)
{
	stor_driver_stop(made);
}

static int scsiport_start(struct machine_driver *driver, void *entry, const char *name)
{
	struct scsi_driver *made;
	int err = scsi_driver_start(entry, name, &made);

	if (err)
		return err;
	driver->made = made;
	for (unsigned n = 0; n < made->adapter_count; n++)
		driver->adapters[driver->adapter_count++] = &made->adapters[n]->port;
	return 0;
}

static void scsiport_stop(void *made)
{
	scsi_driver_stop(made);
}

struct machine_model {
	const char *import;
	int (*start)(struct machine_driver *driver, void *entry, const char *name);
	void (*stop)(void *made);
};

_Static_assert(STOR_ADAPTERS_MAX <= MACHINE_ADAPTERS && SCSI_ADAPTERS_MAX <= MACHINE_ADAPTERS,
	"room for all adapters of a driver");

static const struct machine_model storport = {"StorPortInitialize", storport_start, storport_stop};
static const struct machine_model scsiport = {"ScsiPortInitialize", scsiport_start, scsiport_stop};

int machine_driver_start(struct machine_driver *driver, const struct loader_image *image)
{
	/* Storport's, too, for one that imports neither: it will say what is missing. */
	bool pulls =
		loader_imports(image, scsiport.import) && !loader_imports(image, storport.import);

	driver->adapter_count = 0;
	driver->model = pulls ? &scsiport : &storport;
	return driver->model->start(driver, loader_entry(image), loader_name(image));
}

void machine_driver_stop(struct machine_driver *driver)
{
	if (driver->made)
		driver->model->stop(driver->made);
	driver->made = NULL;
	driver->adapter_count = 0;
}
