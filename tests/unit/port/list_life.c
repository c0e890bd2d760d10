/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A list of the port's dies with the completion of its request and must not be changed before
 * (SG-31, SB-13): who breaks that is told, in each of the three ways of list_life.h. */
#include "fake.h"
#include "port/list_life.h"
#include "util/sanitizer.h"

#include <signal.h>

#define BYTES 20000

static const struct dma_config ordinary, strict = {.strict = true};
static struct port_unit *unit;
static void (*deed)(struct port_request *request, PSCATTER_GATHER_LIST list);

static bool is_poisoning(void)
{
	return fake.adapter.lists.care == PORT_LISTS_POISONED;
}

/* ---- filled; and what poisoned lists have in common with them ---- */

static void untouched(void)
{
	struct fake_buffer buffer = fake_buffer(0, BYTES);

	unit = fake_adapter(20);
	for (unsigned n = 0; n < 3 * PORT_SLOTS; n++) {
		struct port_request *request = fake_submit_with(unit, &buffer, SRB_FLAGS_DATA_IN);

		expect(request->list->NumberOfElements >= 1);
		fake_complete(0, SRB_STATUS_SUCCESS);
	}
	expect_is(fake.violations, 0);
	fake_adapter_end();
	fake_buffer_free(&buffer);
}

static void with_live_list(void)
{
	struct fake_buffer buffer = fake_buffer(0, BYTES);
	struct port_request *request;
	char words[80];

	unit = fake_adapter(20);
	request = fake_submit_with(unit, &buffer, SRB_FLAGS_DATA_IN);
	snprintf(words, sizeof(words), "list of request %llu was modified while the miniport had",
		(unsigned long long)request->id);
	deed(request, request->list);
	expect_is(fake.violations, 0);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_violation(0, words);
	/* Told once. */
	request = fake_submit_with(unit, &buffer, SRB_FLAGS_DATA_IN);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.violations, 0);
	fake_adapter_end();
	fake_buffer_free(&buffer);
}

static void change_count(struct port_request *request, PSCATTER_GATHER_LIST list)
{
	list->NumberOfElements--;
}

static void change_first(struct port_request *request, PSCATTER_GATHER_LIST list)
{
	list->Elements[0].Address.QuadPart += 8; /* clipping in place, as a driver might */
}

static void change_last_length(struct port_request *request, PSCATTER_GATHER_LIST list)
{
	list->Elements[list->NumberOfElements - 1].Length--;
}

/* The same for data in a page, whose MDL is not looked at. */
static void page(void)
{
	struct fake_buffer buffer = fake_buffer(512, 3584);
	struct port_request *request;

	unit = fake_adapter(20);
	for (unsigned n = 0; n < 3; n++) {
		request = fake_submit_with(unit, &buffer, SRB_FLAGS_DATA_IN);
		expect_is(request->list->NumberOfElements, 1);
		expect_is(request->list->Elements[0].Address.QuadPart, mem_physical(buffer.data));
		expect_is(request->list->Elements[0].Length, 3584);
		if (n == 1 && !dma_is_strict()) /* there it is a fault at once */
			change_first(request, request->list);
		fake_complete(0, SRB_STATUS_SUCCESS);
		expect_is(fake.violations, n == 1 && !dma_is_strict());
		fake.violations = 0;
	}
	expect_is(dma_adapter_counts(fake.adapter.dma).mapped, 3);
	expect_is(dma_adapter_counts(fake.adapter.dma).unmapped, 3);
	fake_adapter_end();
	fake_buffer_free(&buffer);
}

static void a_list_of_one_page_lives_and_dies_like_others(void **state)
{
	fake_memory = MEM_SCATTERED;
	fake_dma = &ordinary;
	fake_run(page, true);
	fake_run(page, false);
	fake_dma = &strict;
	fake_run(page, true);
}

/* AddressSanitizer's machines have poisoned lists, so none of them takes the short way. */
static void page_filled(void)
{
	struct fake_buffer buffer = fake_buffer(512, 3584);
	struct port_lists *lists;
	struct port_request *request;

	unit = fake_adapter(20);
	lists = &fake.adapter.lists;
	lists->care = PORT_LISTS_FILLED;
	sanitizer_unpoison(lists->base, lists->bytes);
	for (unsigned n = 0; n < PORT_SLOTS; n++)
		port_list_close(lists, port_list_at(lists, n), NULL);
	for (unsigned n = 0; n < 3 * PORT_SLOTS; n++) {
		request = fake_submit_with(unit, &buffer, SRB_FLAGS_DATA_IN);
		expect_is(request->list->NumberOfElements, 1);
		expect_is(request->list->Elements[0].Address.QuadPart, mem_physical(buffer.data));
		expect_is(request->list->Elements[0].Length, 3584);
		fake_complete(0, SRB_STATUS_SUCCESS);
		expect_is(request->list->NumberOfElements, PORT_LIST_DEAD);
	}
	expect_is(fake.violations, 0);
	change_count(request, request->list); /* dead */
	request = fake_submit_with(unit, &buffer, SRB_FLAGS_DATA_IN);
	fake_violation(0, "was written to after the request");
	change_first(request, request->list); /* alive */
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_violation(0, "was modified while the miniport had");
	fake_adapter_end();
	fake_buffer_free(&buffer);
}

static void the_short_way_is_taken_by_sanitized_builds_too(void **state)
{
	fake_memory = MEM_SCATTERED;
	fake_dma = &ordinary;
	fake_run(page_filled, true);
	fake_run(page_filled, false);
}

static void with_dead_list(void)
{
	struct fake_buffer buffer = fake_buffer(0, BYTES);
	struct port_request *request;
	char words[80];

	unit = fake_adapter(20);
	if (is_poisoning()) { /* the runtime's business: the test after this one */
		fake_adapter_end();
		fake_buffer_free(&buffer);
		return;
	}
	request = fake_submit_with(unit, &buffer, SRB_FLAGS_DATA_IN);
	snprintf(words, sizeof(words), "list of request %llu was written to after the request",
		(unsigned long long)request->id);
	fake_complete(0, SRB_STATUS_SUCCESS);
	/* What a driver finds there is neither a count nor an address that it could use. */
	expect(request->list->NumberOfElements > 0xffffff);
	expect_is(mem_host((uint64_t)request->list->Elements[0].Address.QuadPart), NULL);
	deed(request, request->list);
	expect_is(fake.violations, 0);
	expect_is(fake_submit_with(unit, &buffer, SRB_FLAGS_DATA_IN), request);
	fake_violation(0, words);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_adapter_end();
	fake_buffer_free(&buffer);
}

static void lists_that_are_left_alone_are_no_offence(void **state)
{
	fake_dma = &ordinary;
	fake_run(untouched, true);
	fake_run(untouched, false);
	fake_dma = &strict;
	fake_run(untouched, true);
}

static void a_change_of_a_live_list_is_told_at_its_completion(void **state)
{
	fake_memory = MEM_SCATTERED;
	fake_dma = &ordinary;
	deed = change_count;
	fake_run(with_live_list, true);
	deed = change_first;
	fake_run(with_live_list, true);
	sanitizer_init();
	deed = change_last_length;
	if (sanitizer.poison) /* in an ordinary build only header and first element are compared */
		fake_run(with_live_list, true);
}

static void a_write_to_a_dead_list_is_told_when_its_slot_is_used_again(void **state)
{
	fake_dma = &ordinary;
	deed = change_count;
	fake_run(with_dead_list, true);
	deed = change_first;
	fake_run(with_dead_list, true);
}

/* ---- dies when the miniport completes, not later ---- */

static void dies_at_once(void)
{
	struct fake_buffer buffer = fake_buffer(0, BYTES);
	struct port_request *request;
	uint8_t irql;

	unit = fake_adapter(20);
	request = fake_submit_with(unit, &buffer, SRB_FLAGS_DATA_IN);
	irql = cpu_irql_raise(8);
	SrbSetSrbStatus(request->srb, SRB_STATUS_SUCCESS);
	expect(port_request_complete(request));
	if (!is_poisoning())
		expect_is(request->list->NumberOfElements, PORT_LIST_DEAD);
	expect_is(fake.dones, 0);
	cpu_irql_lower(irql);
	fake.started_count = 0;
	expect_is(fake.dones, 1);
	fake_adapter_end();
	fake_buffer_free(&buffer);
}

static void a_list_is_dead_when_the_completion_returns(void **state)
{
	fake_dma = &ordinary;
	fake_run(dies_at_once, true);
}

/* ---- what must not be survived ---- */

static ULONG seen;

static void read_dead(struct port_request *request, PSCATTER_GATHER_LIST list)
{
	fake_complete(0, SRB_STATUS_SUCCESS);
	seen = *(volatile ULONG *)&list->NumberOfElements;
}

static void write_dead(struct port_request *request, PSCATTER_GATHER_LIST list)
{
	fake_complete(0, SRB_STATUS_SUCCESS);
	*(volatile ULONG *)&list->NumberOfElements = 1;
}

static void write_live(struct port_request *request, PSCATTER_GATHER_LIST list)
{
	*(volatile ULONG *)&list->NumberOfElements = 1;
}

static void write_new(struct port_request *request, PSCATTER_GATHER_LIST list)
{
	*(volatile ULONG *)&fake.adapter.requests[9].list->NumberOfElements = 1;
}

static void fatal(void)
{
	struct fake_buffer buffer = fake_buffer(0, BYTES);
	struct port_request *request;

	unit = fake_adapter(20);
	request = fake_submit_with(unit, &buffer, SRB_FLAGS_DATA_IN);
	deed(request, request->list);
}

static void run_fatal(void *arg)
{
	signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on with the next test */
	cpu_fault_init();
	fake_run(fatal, true);
}

/* Under the policy `strict`. */
static void a_fault_on_a_list_names_its_request(void **state)
{
	fake_dma = &strict;
	deed = read_dead;
	expect_death(
		run_fatal, NULL, "list of request 1, which died with its completion, was read");
	deed = write_dead;
	expect_death(run_fatal, NULL,
		"list of request 1, which died with its completion, was written to");
	deed = write_live;
	expect_death(run_fatal, NULL,
		"list of request 1, which is the port's and must not be modified, was written to");
	deed = write_new;
	expect_death(run_fatal, NULL, "list that no request has had yet was written to");
}

#ifdef DRY_ASAN
static void asan_stops_who_touches_a_dead_list(void **state)
{
	fake_dma = &ordinary;
	deed = read_dead;
	expect_death(run_fatal, NULL, "use-after-poison");
	deed = write_dead;
	expect_death(run_fatal, NULL, "use-after-poison");
}
#endif

static int reset(void **state)
{
	fake_dma = NULL;
	fake_memory = MEM_CONTIGUOUS;
	return 0;
}

#define life_test(name) cmocka_unit_test_teardown(name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		life_test(lists_that_are_left_alone_are_no_offence),
		life_test(a_list_of_one_page_lives_and_dies_like_others),
		life_test(the_short_way_is_taken_by_sanitized_builds_too),
		life_test(a_change_of_a_live_list_is_told_at_its_completion),
		life_test(a_write_to_a_dead_list_is_told_when_its_slot_is_used_again),
		life_test(a_list_is_dead_when_the_completion_returns),
		life_test(a_fault_on_a_list_names_its_request),
#ifdef DRY_ASAN
		life_test(asan_stops_who_touches_a_dead_list),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
