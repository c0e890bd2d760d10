/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: what a miniport says of its adapter and its units as devices. It is asked by an SRB
 * of the function SRB_FUNCTION_PNP (StorQueryCapabilities) after each start of an adapter and when
 * a unit is found; what it answers goes into IRP_MN_QUERY_CAPABILITIES (ddi_port_dispatch.c,
 * ddi_port_unit.c). Who asks: hba_pnp.c, hba_unit.c. See hba.h.
 */
#include "port/hba.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <errno.h>
#include <string.h>

#define ASK_SECONDS 10

_Static_assert(sizeof(STOR_DEVICE_CAPABILITIES_EX) <= PORT_SENSE_BYTES,
	"it lies where sense data do, as this request has none");

/* What is true of it if the miniport changes nothing. */
static STOR_DEVICE_CAPABILITIES_EX given(const struct port_hba *hba, const struct port_unit *unit)
{
	STOR_DEVICE_CAPABILITIES_EX given = {.Version = STOR_DEVICE_CAPABILITIES_EX_VERSION_1,
		.Size = sizeof(given),
		.UINumber = ~0u};

	if (unit != &hba->port.self) {
		given.SilentInstall = 1;
		given.Address = unit->lun;
	} else if (hba->function) {
		given.Address = bus_function_slot(hba->function) << 16; /* function 0 */
	}
	return given;
}

static STOR_DEVICE_CAPABILITIES shorten(const STOR_DEVICE_CAPABILITIES_EX *from)
{
	return (STOR_DEVICE_CAPABILITIES){
		.Version = STOR_DEVICE_CAPABILITIES_VERSION_1,
		.LockSupported = from->LockSupported,
		.EjectSupported = from->EjectSupported,
		.Removable = from->Removable,
		.DockDevice = from->DockDevice,
		.UniqueID = from->UniqueID,
		.SilentInstall = from->SilentInstall,
		.SurpriseRemovalOK = from->SurpriseRemovalOK,
		.NoDisplayInUI = from->NoDisplayInUI,
	};
}

static void lengthen(STOR_DEVICE_CAPABILITIES_EX *to, const STOR_DEVICE_CAPABILITIES *from)
{
	to->DeviceD1 = from->DeviceD1;
	to->DeviceD2 = from->DeviceD2;
	to->LockSupported = from->LockSupported;
	to->EjectSupported = from->EjectSupported;
	to->Removable = from->Removable;
	to->DockDevice = from->DockDevice;
	to->UniqueID = from->UniqueID;
	to->SilentInstall = from->SilentInstall;
	to->SurpriseRemovalOK = from->SurpriseRemovalOK;
	to->NoDisplayInUI = from->NoDisplayInUI;
}

static struct port_request *request_new(
	struct port_unit *unit, const STOR_DEVICE_CAPABILITIES_EX *given, bool is_whole)
{
	const STOR_DEVICE_CAPABILITIES part = shorten(given);
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request = port_request_get(unit->adapter);

	cpu_irql_lower(irql);
	if (!request)
		return NULL;
	request->unit = unit;
	request->function = SRB_FUNCTION_PNP;
	request->action = (uint8_t)StorQueryCapabilities;
	request->data = request->sense;
	request->length = is_whole ? sizeof(*given) : sizeof(part);
	memcpy(request->data, is_whole ? (const void *)given : &part, request->length);
	return request;
}

static uint32_t bits_of(const STOR_DEVICE_CAPABILITIES_EX *of)
{
	uint32_t bits;

	memcpy(&bits, (const char *)of + 2 * sizeof(USHORT), sizeof(bits));
	return bits;
}

/* A miniport that has nothing to say ends the request with an error. */
static bool ask(struct port_hba *hba, struct port_unit *unit, STOR_DEVICE_CAPABILITIES_EX *to)
{
	bool is_whole = hba->hw.FeatureSupport & STOR_FEATURE_FULL_PNP_DEVICE_CAPABILITIES;
	struct port_request *request = request_new(unit, to, is_whole);
	bool is_answer;
	uint8_t irql;

	if (!request)
		return false;
	if (port_request_tell_keep(request, ASK_SECONDS)) {
		nt_violation(0,
			"%s has not completed SRB function %02x (StorQueryCapabilities) within %u "
			"seconds.",
			hba->name, SRB_FUNCTION_PNP, ASK_SECONDS);
		return false;
	}
	is_answer = request->srb_status == SRB_STATUS_SUCCESS;
	if (is_answer && is_whole)
		memcpy(to, request->sense, sizeof(*to));
	else if (is_answer)
		lengthen(to, request->sense);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	port_request_put(request);
	cpu_irql_lower(irql);
	return is_answer;
}

void port_capabilities_ask(
	struct port_hba *hba, struct port_unit *unit, STOR_DEVICE_CAPABILITIES_EX *to)
{
	*to = given(hba, unit);
	if (!hba->driver->model->has_port_srbs || hba->life != PORT_HBA_PRESENT)
		return;
	if (ask(hba, unit, to))
		trace(TRACE_CAPABILITIES, hba->port.number,
			unit == &hba->port.self ? ~0ull : unit->number, bits_of(to));
	/* Which power states a device has is the bus driver's to say: of these there is D0 and D3.
	 */
	to->DeviceD1 = to->DeviceD2 = 0;
}

void port_capabilities_merge(const STOR_DEVICE_CAPABILITIES_EX *from, PDEVICE_CAPABILITIES to)
{
	to->LockSupported |= from->LockSupported;
	to->EjectSupported |= from->EjectSupported;
	to->Removable |= from->Removable;
	to->DockDevice |= from->DockDevice;
	to->UniqueID |= from->UniqueID;
	to->SilentInstall |= from->SilentInstall;
	to->RawDeviceOK |= from->RawDeviceOK;
	to->SurpriseRemovalOK |= from->SurpriseRemovalOK;
	to->NoDisplayInUI |= from->NoDisplayInUI;
	to->Address = from->Address;
	if (from->UINumber != ~0u)
		to->UINumber = from->UINumber;
}
