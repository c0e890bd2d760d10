/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What needs no search (port/now.h): the same is asked and completed with the last request known
 * and with it forgotten, and nothing that a driver or its port can see tells which it was.
 */
#include "world.h"
#include "../events.h"
#include "port/now.h"

#define REQUESTS 4
#define PAGE	 4096

static struct {
	bool forgets;
	struct world_request requests[REQUESTS];
	PSCSI_REQUEST_BLOCK srbs[REQUESTS];
	unsigned count;
	PVOID others; /* HwDeviceExtension of another adapter */
	char said[8192];
} t;

static __attribute__((format(printf, 1, 2))) void say(const char *words, ...)
{
	size_t used = strlen(t.said);
	va_list args;

	va_start(args, words);
	vsnprintf(t.said + used, sizeof(t.said) - used, words, args);
	va_end(args);
	expect(strlen(t.said) < sizeof(t.said) - 1);
}

/* What was complained of since. */
static void say_violations(void)
{
	unsigned count = atomic_exchange(&world.violations, 0);

	if (count)
		say(" %u: %#llx %.12s", count, (unsigned long long)world.violation_number,
			world.violation);
	say("\n");
}

static BOOLEAN NTAPI build(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	expect(t.count < REQUESTS);
	t.srbs[t.count++] = srb;
	if (t.forgets)
		port_now_forget(port_now.request->adapter);
	return TRUE;
}

static BOOLEAN hold(PSCSI_REQUEST_BLOCK srb)
{
	return TRUE;
}

/* Whether it is what is known, or nothing is. */
static bool is_known(unsigned n)
{
	if (t.forgets || cpu_inner_locks)
		return !port_now.extension;
	return port_now.extension == world.adapter->hba.extension &&
	       port_now.request == t.requests[n].port;
}

/* ---- lists ---- */

static void ask_list(const char *words, PVOID ext, PVOID srb)
{
	PSTOR_SCATTER_GATHER_LIST list = StorPortGetScatterGatherList(ext, srb);

	say("%s:", words);
	if (!list)
		say(" none");
	for (unsigned n = 0; list && n < REQUESTS; n++)
		if (t.requests[n].port && (PVOID)list == (PVOID)t.requests[n].port->list)
			say(" of %u, %u elements", n, list->NumberOfElements);
	say_violations();
}

static void ask_lists(void)
{
	PVOID ext = world.adapter->hba.extension;

	world_submit(&t.requests[0], SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, PAGE);
	expect(is_known(0));
	ask_list("the first", ext, t.srbs[0]);
	world_submit(&t.requests[1], SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 10000);
	expect(is_known(1));
	ask_list("the second", ext, t.srbs[1]);
	ask_list("the one before", ext, t.srbs[0]);
	ask_list("no SRB", ext, NULL);
	ask_list("inside it", ext, (PUCHAR)t.srbs[1] + 8);
	ask_list("no adapter", NULL, t.srbs[1]);
	ask_list("another one's", t.others, t.srbs[1]);
	ask_list("neither", NULL, NULL);
	events_begin(EVENT(SG_GET));
	ask_list("with an event", ext, t.srbs[1]);
	events_end();
	say("%s", events);
	world_give_back(t.srbs[1], SRB_STATUS_SUCCESS);
	ask_list("after its end", ext, t.srbs[1]);
	world_end(&t.requests[1]);
	world_submit(&t.requests[2], SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	expect(is_known(2));
	ask_list("without data", ext, t.srbs[2]);
	world_give_back(t.srbs[2], SRB_STATUS_SUCCESS);
	world_end(&t.requests[2]);
	world_give_back(t.srbs[0], SRB_STATUS_SUCCESS);
	world_end(&t.requests[0]);
}

/* ---- addresses ---- */

static void ask_address(PVOID ext, PVOID srb, PVOID base, LONG offset, bool length_too)
{
	ULONG length = 77;
	uint64_t at = ddi_result(StorPortGetPhysicalAddress,
		(uint64_t)StorPortGetPhysicalAddress(
			ext, srb, (PUCHAR)base + offset, length_too ? &length : NULL)
			.QuadPart);

	/* where it is, seen from where it begins */
	if (at)
		at -= dma_address(world.adapter->hba.port.dma, base);
	say("%d: %lld, %u", offset, (long long)at, length);
	say_violations();
}

static void ask_addresses(void)
{
	static const LONG offsets[] = {0, 1, 64, WORLD_EXTENSION - 1, WORLD_EXTENSION, -1, 1 << 20};
	PVOID ext = world.adapter->hba.extension, own, before;

	for (unsigned n = 0; n < 2; n++)
		world_submit(&t.requests[n], SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, PAGE);
	expect(is_known(1));
	before = SrbGetMiniportContext(t.srbs[0]);
	own = SrbGetMiniportContext(t.srbs[1]);
	for (unsigned n = 0; n < array_size(offsets); n++) {
		ask_address(ext, NULL, own, offsets[n], true);
		ask_address(ext, NULL, own, offsets[n], false);
		ask_address(ext, t.srbs[1], own, offsets[n], true);
		ask_address(ext, NULL, before, offsets[n], true);
	}
	ask_address(NULL, NULL, own, 0, true);
	ask_address(t.others, NULL, own, 0, true);
	ask_address(ext, own, own, 0, true); /* that is no SRB */
	for (unsigned n = 0; n < 2; n++) {
		world_give_back(t.srbs[n], SRB_STATUS_SUCCESS);
		world_end(&t.requests[n]);
	}
	/* the memory is there even so */
	ask_address(ext, NULL, own, 5, true);
}

/* ---- completions ---- */

static unsigned done_count;

static void page_done(struct port_request *request)
{
	struct world_request *r = request->ctx;

	say("done %u: %u, request %u\n", done_count++, request->srb_status,
		(unsigned)(r - t.requests));
	world_request_done(request);
}

/* As src/disk does it. */
static void submit_page(unsigned n)
{
	struct port_adapter *port = &world.adapter->hba.port;
	struct world_request *r = &t.requests[n];
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request = port_request_get(port);

	memset(r, 0, sizeof(*r));
	r->data = mem_alloc(PAGE, 0, MEM_DATA, NULL);
	r->port = request;
	request->unit = port_unit_add(port, 0, 0, 0);
	request->function = SRB_FUNCTION_EXECUTE_SCSI;
	request->cdb_length = 10;
	memset(request->cdb, 0, sizeof(request->cdb));
	request->cdb[0] = SCSIOP_READ;
	request->flags = SRB_FLAGS_DATA_IN;
	request->length = PAGE;
	request->timeout = 5;
	request->mdl = r->mdl = IoAllocateMdl(r->data, PAGE, FALSE, FALSE, NULL);
	MmBuildMdlForNonPagedPool(r->mdl);
	request->data = r->data;
	request->data_at = mem_physical(r->data);
	request->done = page_done;
	request->ctx = r;
	r->bytes = PAGE;
	if (port->takes_pages)
		port_page_submit(request);
	else
		port_request_submit(request);
	cpu_irql_lower(irql);
}

static bool interrupted(struct cpu_interrupt *interrupt)
{
	say("interrupt: state %d\n", atomic_load(&t.requests[1].port->state));
	return true;
}

static void complete(const char *words, PVOID ext, PVOID srb)
{
	StorPortNotification(RequestComplete, ext, srb);
	say("%s:", words);
	for (unsigned n = 0; n < REQUESTS; n++)
		say(" %d", atomic_load(&t.requests[n].port->state));
	say_violations();
}

static void complete_all(void)
{
	struct cpu_interrupt interrupt = {.irql = STOR_DIRQL, .service = interrupted};
	PVOID ext = world.adapter->hba.extension;
#ifndef DRY_ASAN
	PSCATTER_GATHER_LIST list;
#endif
	uint8_t irql;

	done_count = 0;
	/* The way that starts are to go is the same after a restart, which settles it anew. */
	for (unsigned n = 0; n < 2; n++) {
		const struct port_adapter *port = &world.adapter->hba.port;

		if (n)
			stor_start_settle(world.adapter);
		expect_is(
			port->ordinary.is_usual, port->ordinary.build && port->limits.extended_srb);
	}
	for (unsigned n = 0; n < REQUESTS; n++)
		submit_page(n);
	expect(is_known(REQUESTS - 1));
	irql = cpu_irql_raise(IRQL_DISPATCH); /* their DPC waits */
	for (unsigned n = 0; n < REQUESTS; n++)
		SrbSetSrbStatus(t.srbs[n], SRB_STATUS_SUCCESS);
	complete("the third, for which there is no DPC yet", ext, t.srbs[2]);
	complete("no SRB", ext, NULL);
	complete("inside one", ext, (PUCHAR)t.srbs[1] + 128);
	complete("no adapter", NULL, t.srbs[1]);
	complete("another one's", t.others, t.srbs[1]);
	complete("neither", NULL, NULL);
	cpu_interrupt_raise(&interrupt);
	complete("the second, with an interrupt", ext, t.srbs[1]);
	complete("the same again", ext, t.srbs[1]);
#ifndef DRY_ASAN /* to which a dead list is nobody's */
	list = t.requests[1].port->list;
	expect_is(list->NumberOfElements, 0xdead5631);
	/* as if it were alive */
	list->NumberOfElements = 1;
	list->Elements[0].Address.QuadPart = (LONGLONG)t.requests[1].port->data_at;
	complete("again, with its list", ext, t.srbs[1]);
#endif
	t.requests[0].port->list->NumberOfElements++;
	complete("the first, whose list was changed", ext, t.srbs[0]);
	t.requests[3].port->list->Elements[0].Address.QuadPart++;
	complete("the last, whose list was changed", ext, t.srbs[3]);
	cpu_irql_lower(irql);
	for (unsigned n = 0; n < REQUESTS; n++)
		world_end(&t.requests[n]);
	say_violations();
}

/* ---- both ---- */

static void (*body)(void);

static void run_body(void)
{
	expect_is(world.driver->adapter_count, 2);
	t.others = world.driver->adapters[1]->extension;
	world.ext = world.adapter->hba.extension;
	body();
}

static void run(bool forgets, unsigned cpus, enum dma_engine engine)
{
	memset(&t, 0, sizeof(t));
	t.forgets = forgets;
	world_miniport(NULL);
	miniport.cpus = cpus;
	miniport.devices = 2;
	miniport.dma.engine = engine;
	miniport.memory = MEM_CONTIGUOUS;
	miniport.build_io = build;
	miniport.start_io = hold;
	world_run(DMA_CALLBACK_QUEUED, run_body);
	assert_int_equal(world.start_result, 0);
	/* it does not outlive them */
	assert_null(port_now.extension);
}

static void alike(void (*fn)(void), enum dma_engine engine)
{
	static char known[sizeof(t.said)];

	body = fn;
	run(false, 1, engine);
	memcpy(known, t.said, sizeof(known));
	run(true, 1, engine);
	assert_string_equal(known, t.said);
	if (fn != complete_all) { /* whose DPC would run elsewhere, and meanwhile */
		run(false, 2, engine);
		assert_string_equal(known, t.said);
	}
}

static void a_list_is_the_same_whether_its_request_is_known_or_not(void **state)
{
	alike(ask_lists, DMA_DIRECT);
	alike(ask_lists, DMA_IOMMU);
}

static void an_address_is_the_same_whether_its_request_is_known_or_not(void **state)
{
	alike(ask_addresses, DMA_DIRECT);
	alike(ask_addresses, DMA_IOMMU);
}

static void a_completion_is_the_same_whether_its_adapter_is_known_or_not(void **state)
{
	alike(complete_all, DMA_DIRECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(a_list_is_the_same_whether_its_request_is_known_or_not),
		world_test(an_address_is_the_same_whether_its_request_is_known_or_not),
		world_test(a_completion_is_the_same_whether_its_adapter_is_known_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
