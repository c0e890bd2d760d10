/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A driver's life: DriverEntry, what it registers, its adapters, DriverUnload. hba_life.c has the
 * adapters'; see hba.h.
 */
#include "port/hba.h"
#include "nt/registry.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>

#define CLASS	     11 /* in configuration space: the base class */
#define MASS_STORAGE 1

/* The driver whose DriverEntry runs: StorPortInitialize gets only a DRIVER_OBJECT. */
static struct port_driver *loading;

/* ---- what is registered ---- */

struct port_driver *port_driver_of(const struct port_driver_model *model, const void *object,
	const void *registry, const void *data, uint64_t number)
{
	if (loading && loading->is_dump && loading->model == model) {
		if (object || registry || !data) {
			nt_violation(number,
				"%sPortInitialize in dump mode: the first two arguments must be "
				"DriverEntry's, which are NULL, the third must not be NULL.",
				model->stem);
			return NULL;
		}
		loading->has_called = true;
		return loading;
	}
	if (!object || !registry || !data) {
		nt_violation(number, "%sPortInitialize: a pointer is NULL.", model->stem);
		return NULL;
	}
	if (!loading || loading->model != model || object != &loading->object) {
		nt_violation(number,
			"%sPortInitialize: not the DriverObject of the DriverEntry that runs.",
			model->stem);
		return NULL;
	}
	loading->has_called = true;
	return loading;
}

const char *port_registration_bad(const HW_INITIALIZATION_DATA *hw)
{
	if (!hw->HwFindAdapter)
		return "HwFindAdapter is NULL";
	if (!hw->HwInitialize)
		return "HwInitialize is NULL";
	if (!hw->HwStartIo)
		return "HwStartIo is NULL";
	if (!hw->HwResetBus)
		return "HwResetBus is NULL";
	return NULL;
}

void port_driver_register(struct port_driver *driver, bool is_virtual,
	const HW_INITIALIZATION_DATA *hw, void *context)
{
	struct port_registration *kept = is_virtual ? &driver->virtual : &driver->physical;

	port_driver_object_fill(driver);
	if (!is_virtual && kept->is_there && kept->hw.AdapterInterfaceType == PCIBus &&
		hw->AdapterInterfaceType != PCIBus)
		return;
	*kept = (struct port_registration){.is_there = true, .hw = *hw, .context = context};
}

static int entry_run(struct port_driver *driver, void *entry)
{
	/* "The operating system passes NULL arguments": Restrictions on Miniport Drivers that
	 * Manage the Boot Drive. */
	UNICODE_STRING *path = driver->is_dump ? NULL : reg_service_path(driver->name);
	uint8_t irql = cpu_irql();
	NTSTATUS status;

	loading = driver;
	status = ((PDRIVER_INITIALIZE)entry)(driver->is_dump ? NULL : &driver->object, path);
	loading = NULL;
	if (cpu_irql() != irql)
		port_irql_mend(driver->model, NULL, "DriverEntry", irql);
	if (!NT_SUCCESS(status))
		return error_set(EIO, "%s: DriverEntry failed with status %08x.", driver->name,
			(unsigned)status);
	driver->is_loaded = true;
	if (!driver->has_called)
		return error_set(EIO,
			"%s: DriverEntry succeeded but never called %sPortInitialize.",
			driver->name, driver->model->stem);
	if (!driver->physical.is_there && !driver->virtual.is_there)
		return error_set(ENODEV,
			"%s: DriverEntry registered no AdapterInterfaceType PCIBus, and this "
			"machine has no other bus.",
			driver->name);
	return 0;
}

/* ---- its adapters ---- */

static bool is_storage(struct bus_function *function)
{
	uint8_t class = 0;

	bus_config_read(function, CLASS, &class, sizeof(class));
	return class == MASS_STORAGE;
}

static void unknown_tell(struct port_driver *driver)
{
	if (*driver->unknown)
		nt_debug_line(driver->unknown);
	*driver->unknown = 0;
}

/* As Plug and Play does, which shows each device to the driver once, by itself: one that it does
 * not take, for whatever reason HwFindAdapter gives, keeps it from no other. */
static int device_start(struct port_driver *driver, const struct port_registration *registration,
	struct bus_function *function)
{
	unsigned place = driver->adapter_count;
	uint32_t answer;
	int err;

	if (!registration->is_there || place == PORT_HBAS_MAX)
		return 0;
	unknown_tell(driver);
	err = port_hba_start(driver, registration, function);
	if (!err || driver->adapter_count == place)
		return err;
	answer = driver->adapters[place]->answer;
	if (answer == SP_RETURN_FOUND || answer == SP_UNINITIALIZED_VALUE)
		return err;
	error_take(driver->unknown, sizeof(driver->unknown));
	port_hba_end(driver);
	return 0;
}

static int adapters_start(struct port_driver *driver)
{
	struct bus_function *function;
	int err = 0;

	for (unsigned n = 0; !err && (function = bus_function_get(n)) != NULL; n++)
		if (is_storage(function))
			err = device_start(driver, &driver->physical, function);
	if (!err) /* one that no bus reports: the system has been told of it */
		err = device_start(driver, &driver->virtual, NULL);
	if (err)
		return err;
	if (driver->adapter_count) {
		unknown_tell(driver);
		return 0;
	}
	if (*driver->unknown)
		return error_set(ENODEV, "%s", driver->unknown);
	return error_set(ENODEV,
		"the machine has no mass-storage device for %s; name one with --hw.", driver->name);
}

int port_driver_load_dump(const struct port_driver_model *model, void *entry, const char *name,
	struct port_driver **driver)
{
	struct port_driver *made = calloc(1, sizeof(*made));
	int err;

	if (!made)
		return error_set(ENOMEM, "no memory for driver %s.", name);
	made->model = model;
	made->name = name;
	made->is_dump = true;
	err = entry_run(made, entry);
	if (!err && !made->physical.is_there)
		err = error_set(
			ENODEV, "%s: in dump mode it registered no device of the bus.", name);
	if (err) {
		free(made);
		return err;
	}
	*driver = made;
	return 0;
}

int port_driver_start(const struct port_driver_model *model, void *entry, const char *name,
	struct port_driver **driver)
{
	struct port_driver *made = calloc(1, sizeof(*made));
	int err;

	if (!made)
		return error_set(ENOMEM, "no memory for driver %s.", name);
	made->model = model;
	made->name = name;
	port_driver_object_init(made);
	err = entry_run(made, entry);
	if (!err)
		err = adapters_start(made);
	if (err) {
		port_driver_stop(made);
		return err;
	}
	*driver = made;
	return 0;
}

void port_driver_stop(struct port_driver *driver)
{
	while (driver->adapter_count)
		port_hba_end(driver);
	/* "A driver's Unload routine is not called if [its] DriverEntry routine returns a failure
	 * status": DriverEntry Return Values. */
	if (driver->is_loaded && driver->object.DriverUnload)
		driver->object.DriverUnload(&driver->object);
	if (cpu_irql() != IRQL_PASSIVE)
		port_irql_mend(driver->model, NULL, "DriverUnload", IRQL_PASSIVE);
	free(driver);
}
