/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Slots and units: how many there are, what they hold, how they are found, and an adapter's end.
 * That a slot is found by SRB and extension is in queue.c. */
#include "fake.h"
#include "util/error.h"

#include <errno.h>

/* ---- slots ---- */

static void there_are_255_slots_for_submitters_and_no_more(void)
{
	struct port_request *taken[PORT_SLOTS];
	struct port_unit *unit = fake_adapter(20);
	unsigned count = 0;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	while (count < PORT_SLOTS && (taken[count] = port_request_get(&fake.adapter)) != NULL)
		count++;
	expect_is(count, PORT_SLOTS - 1); /* one is kept back for resets */
	for (unsigned n = 0; n < count; n++) {
		for (unsigned k = 0; k < n; k++)
			expect(taken[n] != taken[k] && taken[n]->srb != taken[k]->srb);
		expect_is(taken[n]->state, PORT_REQUEST_HELD);
	}
	port_request_put(taken[7]);
	expect_is(port_request_get(&fake.adapter), taken[7]);
	for (unsigned n = 0; n < count; n++)
		port_request_put(taken[n]);
	cpu_irql_lower(irql);
	expect(unit != NULL);
	fake_adapter_end();
}

static void a_slot_comes_with_a_cleared_command(void)
{
	struct port_request *request;
	uint8_t irql;

	fake_adapter(20);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	request = port_request_get(&fake.adapter);
	request->cdb_length = 16;
	request->flags = SRB_FLAGS_DATA_OUT;
	request->length = 512;
	request->mdl = (PMDL)request;
	request->data = request;
	port_request_put(request);
	expect_is(port_request_get(&fake.adapter), request);
	expect(!request->cdb_length && !request->flags && !request->length);
	expect(!request->mdl && !request->data);
	port_request_put(request);
	cpu_irql_lower(irql);
	fake_adapter_end();
}

static void resubmit(struct port_request *request)
{
	port_request_submit(request);
}

static void each_submission_has_an_id_of_its_own_in_the_whole_machine(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *first, *second;
	uint8_t irql;

	port_adapter_number(&fake.adapter, 2);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	first = fake_get(unit);
	second = fake_get(unit);
	port_request_submit(second);
	port_request_submit(first);
	expect(second->id == 2000000000001ull);
	expect(first->id == 2000000000002ull);
	fake_complete_all();
	cpu_irql_lower(irql);
	fake_submit(unit)->done = resubmit;
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect(fake.started[0]->id == 2000000000004ull);
	fake.started[0]->done = fake_done;
	fake_complete_all();
	fake_adapter_end();
}

/* Contract 3: physically contiguous, the low bits of both addresses agree, 128-byte alignment can
 * be had by the virtual address. */
static void extensions_are_contiguous_and_aligned(void)
{
	static const uint32_t sizes[] = {1, 128, 100000};

	for (unsigned n = 0; n < array_size(sizes); n++) {
		const struct port_limits limits = {.max_transfer = 65536,
			.max_elements = 17,
			.extension_bytes = sizes[n],
			.initial_depth = 20,
			.max_depth = 255};

		expect_is(port_adapter_init(&fake.adapter, &fake_model, "fake", NULL, &limits), 0);
		for (unsigned k = 0; k < PORT_SLOTS; k++) {
			struct port_request *request = &fake.adapter.requests[k];
			char *extension = request->extension, *srb = request->srb;
			uint64_t at = mem_physical(srb);

			expect_is((uintptr_t)extension % 128, 0);
			expect_is(at % 4096, (uintptr_t)srb % 4096);
			expect_is(mem_physical(request->sense),
				at + (uintptr_t)((char *)request->sense - srb));
			expect_is(mem_physical(extension + sizes[n] - 1),
				at + (uintptr_t)(extension + sizes[n] - 1 - srb));
			expect(mem_owner(srb)->kind == MEM_SRB);
			expect_is(port_request_find(&fake.adapter, srb), request);
			expect_is(port_request_of_extension(&fake.adapter, extension), request);
		}
		port_adapter_fini(&fake.adapter);
	}
}

/* What a division says, in which slot a byte lies. */
static void in_slot(uint64_t stride, uint64_t at)
{
	const void *va = (const void *)((uintptr_t)fake.adapter.slots + at);
	bool is_inside = at < stride * PORT_SLOTS, is_srb = is_inside && at % stride == 0;
	uint32_t offset = 0;

	expect_is(port_slot_of(&fake.adapter, va, &offset),
		is_inside ? &fake.adapter.requests[at / stride] : NULL);
	if (is_inside)
		expect_is(offset, at % stride);
	expect_is(port_request_find(&fake.adapter, va),
		is_srb ? &fake.adapter.requests[at / stride] : NULL);
}

static void each_byte_is_in_its_slot_and_only_an_srb_is_one(void)
{
	static const uint32_t sizes[] = {0, 1, 128, 129, 300, 4184, 65000};

	for (unsigned n = 0; n < array_size(sizes); n++) {
		const struct port_limits limits = {.max_transfer = 65536,
			.max_elements = 17,
			.extension_bytes = sizes[n],
			.initial_depth = 20,
			.max_depth = 255};
		uint64_t stride;

		expect_is(port_adapter_init(&fake.adapter, &fake_model, "fake", NULL, &limits), 0);
		stride = (uint64_t)((char *)fake.adapter.requests[1].srb -
				    (char *)fake.adapter.requests[0].srb);
		expect_is(stride % 256, 128);
		for (uint64_t k = 0; k <= PORT_SLOTS; k++)
			for (uint64_t d = 0; d < 260; d++) {
				in_slot(stride, k * stride + d);
				in_slot(stride, k * stride - d);
			}
		for (unsigned bit = 7; bit < 64; bit++) {
			in_slot(stride, 1ull << bit);
			in_slot(stride, (1ull << bit) + stride);
			in_slot(stride, stride << bit);
		}
		port_adapter_fini(&fake.adapter);
	}
}

static struct dma_adapter dma; /* that there is one is all that counts */

static void fails(uint32_t extension_bytes, uint32_t max_elements, const char *words)
{
	const struct port_limits limits = {.max_transfer = 65536,
		.max_elements = max_elements,
		.extension_bytes = extension_bytes,
		.initial_depth = 20,
		.max_depth = 255};

	expect_is(port_adapter_init(&fake.adapter, &fake_model, "fake", &dma, &limits), -ENOMEM);
	expect_has(error_text(), words);
	expect_is(fake.adapter.slots, NULL);
	/* Nothing of it is found, and ending it again is harmless. */
	expect_is(port_request_find(&fake.adapter, NULL), NULL);
	port_adapter_fini(&fake.adapter);
}

/* fake_run sees to it that nothing is left. */
static void slots_that_memory_does_not_hold_are_refused_by_name(void)
{
	fails(0xffffffff, 17, "4294967295 bytes");
	fails((1u << 24) + 1, 17, "SRB extension");
	fails(1u << 20, 17, "--ram");
	fails(100, 100000, "--ram");
}

/* A virtual adapter's requests have no lists: as many elements as it likes cost nothing. */
static void without_dma_there_are_no_lists(void)
{
	const struct port_limits limits = {.max_transfer = 65536,
		.max_elements = 100000,
		.initial_depth = 20,
		.max_depth = 255};

	expect_is(port_adapter_init(&fake.adapter, &fake_model, "fake", NULL, &limits), 0);
	expect_is(fake.adapter.lists.base, NULL);
	for (unsigned n = 0; n < PORT_SLOTS; n++)
		expect_is(fake.adapter.requests[n].list, NULL);
	port_adapter_fini(&fake.adapter);
}

/* ---- units ---- */

static void a_unit_is_made_once_for_its_address(void)
{
	struct port_unit *unit = fake_adapter(20), *other;

	expect_is(port_unit_add(&fake.adapter, 0, 0, 0), unit);
	expect_is(fake.adapter.unit_count, 1);
	other = port_unit_add(&fake.adapter, 1, 2, 3);
	expect(other != unit);
	expect_is(port_unit_find(&fake.adapter, 1, 2, 3), other);
	expect_is(port_unit_find(&fake.adapter, 1, 2, 4), NULL);
	expect_is(port_unit_find(&fake.adapter, 0, 2, 3), NULL);
	fake_adapter_end();
}

static void units_in_the_middle_can_go(void)
{
	struct port_unit *units[4];

	units[0] = fake_adapter(20);
	for (uint8_t n = 1; n < 4; n++)
		units[n] = port_unit_add(&fake.adapter, 0, n, 0);
	port_unit_pause(units[1], 60); /* its timer must not outlive it */
	port_unit_remove(units[1]);
	expect_is(fake.adapter.unit_count, 3);
	expect_is(port_unit_find(&fake.adapter, 0, 1, 0), NULL);
	for (unsigned n = 0; n < 4; n++)
		if (n != 1) {
			expect_is(port_unit_find(&fake.adapter, 0, (uint8_t)n, 0), units[n]);
			expect_is(fake.adapter.units[units[n]->number], units[n]);
		}
	port_unit_remove(units[3]);
	port_unit_remove(units[0]);
	expect_is(port_unit_find(&fake.adapter, 0, 2, 0), units[2]);
	fake_adapter_end();
}

static void there_are_no_more_units_than_places(void)
{
	unsigned count = 0;

	fake_adapter(20);
	for (unsigned target = 0; target < 2; target++)
		for (unsigned lun = 0; lun < 255; lun++)
			count += port_unit_add(&fake.adapter, 0, (uint8_t)target, (uint8_t)lun) !=
				 NULL;
	expect_is(count, PORT_UNITS_MAX);
	expect_is(fake.adapter.unit_count, PORT_UNITS_MAX);
	fake_adapter_end();
}

static _Atomic bool stop, pump;

static void pump_when_told(void *ctx)
{
	while (!atomic_load(&stop)) {
		if (atomic_exchange(&pump, false))
			port_adapter_resume(&fake.adapter); /* a DPC on this processor */
		cpu_relax();
	}
}

/* Lifetime: a unit that does not answer is removed while a DPC elsewhere, which found it in the
 * table, is about to look at it. AddressSanitizer and ThreadSanitizer see what it touches. */
static void units_may_go_while_another_processor_pumps(void)
{
	struct cpu_thread *thread;

	fake.unit_extension = 100;
	fake_adapter(20);
	stop = pump = false;
	thread = cpu_thread_new(pump_when_told, NULL, 1, "pump");
	for (unsigned n = 0; n < 50; n++) {
		struct port_unit *unit = port_unit_add(&fake.adapter, 0, 1, (uint8_t)n);
		uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

		cpu_spin_acquire(&unit->lock); /* here the pump stops */
		pump = true;
		cpu_stall(100000);
		cpu_spin_release(&unit->lock);
		cpu_irql_lower(irql);
		port_unit_remove(unit);
	}
	stop = true;
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	fake_adapter_end();
}

/* ---- the end ---- */

static void *second_end;

static void give_up_too(void *ctx)
{
	port_adapter_give_up(&fake.adapter);
	second_end = ctx;
}

static _Atomic unsigned failed;

static void count_failed(struct port_request *request)
{
	expect_is(request->srb_status, SRB_STATUS_NO_HBA);
	atomic_fetch_add(&failed, 1);
	fake_done(request);
}

/* As by two commands that are both lost, on two processors. */
static void two_give_an_adapter_up_at_once(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct cpu_thread *other;

	failed = 0;
	for (unsigned n = 0; n < 20; n++)
		fake_submit(unit)->done = count_failed;
	other = cpu_thread_new(give_up_too, unit, fake_cpus - 1, "other");
	expect(other != NULL);
	port_adapter_give_up(&fake.adapter);
	cpu_thread_join(other);
	cpu_thread_free(other);
	fake_wait(failed == 20);
	expect_is(second_end, unit);
	expect_is(fake.stops, 1);
	expect_is(fake.dones, 20); /* each once */
	expect_is(port_adapter_outstanding(&fake.adapter), 0);
	fake_violation(0, "20 requests never came back");
	fake_adapter_end();
}

static void close_waits_for_what_the_miniport_has(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint64_t start = cpu_clock();

	fake_submit(unit);
	expect_is(port_adapter_close(&fake.adapter, 0), -ETIMEDOUT);
	expect_is(port_adapter_close(&fake.adapter, 1), -ETIMEDOUT);
	expect(cpu_clock() - start >= 1000000000);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(port_adapter_close(&fake.adapter, 0), 0);
	fake_adapter_end();
}

static void the_oldest_request_is_the_one_in_flight(void)
{
	struct port_unit *unit = fake_adapter(2);
	struct port_request *first, *second;

	expect_is(port_request_in_flight(&fake.adapter), NULL);
	first = fake_submit(unit);
	second = fake_submit(unit);
	fake_submit(unit); /* waits */
	expect_is(port_request_in_flight(&fake.adapter), first);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(port_request_in_flight(&fake.adapter), second);
	fake_complete_all();
	expect_is(port_request_in_flight(&fake.adapter), NULL);
	fake_adapter_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(there_are_255_slots_for_submitters_and_no_more),
		fake_test(a_slot_comes_with_a_cleared_command),
		fake_test(each_submission_has_an_id_of_its_own_in_the_whole_machine),
		fake_test(extensions_are_contiguous_and_aligned),
		fake_test(each_byte_is_in_its_slot_and_only_an_srb_is_one),
		fake_test(slots_that_memory_does_not_hold_are_refused_by_name),
		fake_test(without_dma_there_are_no_lists),
		fake_test(a_unit_is_made_once_for_its_address),
		fake_test(units_in_the_middle_can_go),
		fake_test(there_are_no_more_units_than_places),
		{"units_may_go_while_another_processor_pumps", fake_run_on_two, NULL, NULL,
			(void *)units_may_go_while_another_processor_pumps},
		{"two_give_an_adapter_up_at_once", fake_run_on_two, NULL, NULL,
			(void *)two_give_an_adapter_up_at_once},
		fake_test(close_waits_for_what_the_miniport_has),
		fake_test(the_oldest_request_is_the_one_in_flight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
