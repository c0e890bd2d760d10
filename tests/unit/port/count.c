/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Counts that are split between processors (count.h): requests that start on one processor and end
 * on another, while somebody sums, closes gates and waits for the end. */
#include "fake.h"
#include "port/count.h"

#include <unistd.h>

#define MOVES	  200000 /* of each processor */
#define RESTS	  40
#define ALL_DEPTH 255 /* at which a unit's count may be split */

static struct port_unit *unit;

/* ---- the counts alone ---- */

static _Atomic int out; /* requests that have been counted in, and whose end nobody has taken */
static _Atomic bool are_over;
static _Atomic uint64_t split_moves;

static bool count(uint32_t n)
{
	bool is_split;

	if (port_split_add(unit, n, 0)) {
		atomic_fetch_add(&split_moves, 1);
		return true;
	}
	port_unit_lock(unit);
	is_split = unit->is_split;
	unit->outstanding += n;
	port_here_add(unit->adapter, n);
	port_count_calm(unit, true);
	port_unit_unlock(unit);
	return !is_split;
}

/* Takes one end away, if another request stays out. */
static bool end_take(void)
{
	int now = atomic_load(&out);

	while (now > 1)
		if (atomic_compare_exchange_weak(&out, &now, now - 1))
			return true;
	return false;
}

/* One request is always out, and four at most: the processors take turns in beginning and ending
 * them, whosever they are. */
static void move(void *ctx)
{
	uint32_t random = (uint32_t)(uintptr_t)ctx * 2654435761u + 1;

	for (unsigned n = 0; n < MOVES; n++) {
		uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

		random = random * 1664525 + 1013904223;
		if (random >> 31 && atomic_load(&out) < 3) {
			expect(count(1));
			atomic_fetch_add(&out, 1);
		} else if (end_take()) {
			expect(count(-1u));
		}
		cpu_irql_lower(irql);
	}
	atomic_fetch_add(&fake.dones, 1);
}

/* Never 0 and never more than there can be; the unit's count, brought together, likewise. */
static void look(void)
{
	uint32_t sum = port_adapter_outstanding(&fake.adapter), here;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	port_unit_lock(unit);
	expect(!unit->is_split);
	here = unit->outstanding;
	port_unit_unlock(unit);
	cpu_irql_lower(irql);
	expect(sum >= 1 && sum <= 6);
	expect(here >= 1 && here <= 6);
}

static void sums_are_what_is_out_at_that_moment(void)
{
	struct cpu_thread *threads[2];
	uint8_t irql;

	unit = fake_adapter(ALL_DEPTH);
	expect(fake.adapter.is_split);
	atomic_store(&out, 1);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	expect(count(1));
	cpu_irql_lower(irql);
	for (unsigned n = 0; n < 2; n++)
		threads[n] = cpu_thread_new(move, (void *)(uintptr_t)n, n + 1, "mover");
	while (fake.dones < 2) {
		for (unsigned n = 0; n < 64; n++) {
			uint32_t sum = port_adapter_outstanding(&fake.adapter);

			expect(sum >= 1 && sum <= 6);
		}
		look();
	}
	for (unsigned n = 0; n < 2; n++) {
		cpu_thread_join(threads[n]);
		cpu_thread_free(threads[n]);
	}
	look();
	irql = cpu_irql_raise(IRQL_DISPATCH);
	while (atomic_fetch_sub(&out, 1) > 0)
		expect(count(-1u));
	cpu_irql_lower(irql);
	expect_is(port_adapter_outstanding(&fake.adapter), 0);
	expect(split_moves > 0);
	fake_adapter_end();
}

/* ---- requests ---- */

/* Those that a processor is to complete: the other one's. */
static _Atomic(struct port_request *) box[2];
static _Atomic unsigned started, completed;

static void hand_over(struct port_request *request)
{
	_Atomic(struct port_request *) *to = &box[!cpu_self->number];
	struct port_request *first = atomic_load(to);

	atomic_fetch_add(&started, 1);
	do
		request->next = first;
	while (!atomic_compare_exchange_weak(to, &first, request));
}

static void box_empty(unsigned n)
{
	struct port_request *request = atomic_exchange(&box[n], NULL), *next;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	for (; request; request = next) {
		next = request->next;
		atomic_fetch_add(&completed, 1);
		SrbSetSrbStatus(request->srb, SRB_STATUS_SUCCESS);
		expect(port_request_complete(request));
	}
	cpu_irql_lower(irql);
}

static _Atomic unsigned submitted;
static _Atomic bool no_more;

static void submit_and_complete(void *ctx)
{
	unsigned here = cpu_self->number;

	while (!atomic_load(&are_over)) {
		/* all together are fewer than there are slots */
		if (!atomic_load(&no_more) && atomic_load(&submitted) - fake.dones < 100) {
			atomic_fetch_add(&submitted, 1);
			fake_submit(unit);
		}
		box_empty(here);
		cpu_relax();
	}
}

/* Whoever waits for the adapter's rest finds nothing out; gates that close and open meanwhile keep
 * nobody for ever; and the end is the end. */
static void rest_and_gates_while_requests_cross(void)
{
	struct cpu_thread *threads[2];
	unsigned rests = 0;

	unit = fake_adapter(ALL_DEPTH);
	fake.start = hand_over;
	for (unsigned n = 0; n < 2; n++)
		threads[n] = cpu_thread_new(submit_and_complete, NULL, n, "submitter");
	while (rests < RESTS) {
		unsigned before = fake.dones;

		expect_is(port_adapter_rest(&fake.adapter, 10), 0);
		expect_is(atomic_load(&started), atomic_load(&completed));
		expect_is(port_adapter_outstanding(&fake.adapter), 0);
		rests++;
		port_adapter_wake(&fake.adapter);
		port_unit_pause(unit, 30);
		cpu_thread_park(100000);
		port_unit_resume(unit);
		port_adapter_busy(&fake.adapter, 1);
		port_unit_busy(unit, 2);
		cpu_thread_park(200000);
		expect(port_unit_set_depth(unit, rests % 2 ? 3 : ALL_DEPTH));
		fake_wait(fake.dones > before + 2 * PORT_CALM); /* none waits for ever */
	}
	atomic_store(&no_more, true);
	expect(port_unit_set_depth(unit, ALL_DEPTH));
	fake_wait(fake.dones == atomic_load(&submitted));
	atomic_store(&are_over, true);
	for (unsigned n = 0; n < 2; n++) {
		cpu_thread_join(threads[n]);
		cpu_thread_free(threads[n]);
	}
	expect(fake.dones == atomic_load(&submitted));
	expect_is(atomic_load(&started), atomic_load(&completed));
	expect_is(port_adapter_outstanding(&fake.adapter), 0);
	expect(port_unit_is_quiet(unit, 1));
	fake_adapter_end();
}

/* ---- when they are split ---- */

static void work_through(unsigned requests)
{
	fake.start = NULL;
	for (unsigned n = 0; n < requests; n++) {
		fake_submit(unit);
		fake_complete_all();
		fake_wait(fake.dones > n);
	}
	fake.dones = 0;
}

static void what_depends_on_the_count_brings_it_together(void)
{
	unit = fake_adapter(ALL_DEPTH);
	work_through(PORT_CALM);
	expect(unit->is_split);
	fake_submit(unit);
	fake_submit(unit);
	expect_is(unit->outstanding, 0); /* it stands in the processor's share */
	expect_is(port_adapter_outstanding(&fake.adapter), 2);
	expect_is(fake.adapter.outstanding, 0);
	expect(port_unit_set_depth(unit, 2));
	expect(!unit->is_split);
	expect_is(unit->outstanding, 2);
	fake_submit(unit);
	expect_is(fake.started_count, 2); /* the third waits */
	fake_complete_all();
	fake_wait(fake.dones == 3);
	fake.dones = 0;
	/* a depth that can be reached is kept to */
	work_through(3 * PORT_CALM);
	expect(!unit->is_split);
	expect(port_unit_set_depth(unit, ALL_DEPTH));
	work_through(PORT_CALM);
	expect(unit->is_split);
	port_unit_pause(unit, 60);
	expect(!unit->is_split);
	fake_submit(unit);
	expect_is(fake.started_count, 0);
	port_unit_resume(unit);
	fake_wait(fake.started_count == 1);
	fake_complete_all();
	fake_wait(fake.dones == 1);
	fake_adapter_end();
}

static void an_adapter_with_a_limit_is_not_split(void)
{
	fake.max_outstanding = PORT_SLOTS - 2;
	unit = fake_adapter(ALL_DEPTH);
	expect(!fake.adapter.is_split);
	work_through(3 * PORT_CALM);
	expect(!unit->is_split);
	fake_submit(unit);
	expect_is(fake.adapter.outstanding, 1);
	fake_complete_all();
	fake_wait(fake.dones == 1);
	fake_adapter_end();
}

/* StorPortBusy for one, while one is out that ends on another processor. */
static void complete_there(void *ctx)
{
	fake_complete(0, SRB_STATUS_SUCCESS);
}

static void busy_sees_what_ends_elsewhere(void)
{
	unit = fake_adapter(ALL_DEPTH);
	work_through(PORT_CALM);
	for (unsigned n = 0; n < 100; n++) {
		struct cpu_thread *thread;

		fake_submit(unit);
		port_adapter_busy(&fake.adapter, 5);
		expect_is(fake.adapter.closed, PORT_BUSY);
		fake_submit(unit); /* waits */
		expect_is(fake.started_count, 1);
		thread = cpu_thread_new(complete_there, NULL, 1, "other");
		cpu_thread_join(thread);
		cpu_thread_free(thread);
		fake_wait(fake.started_count == 1);
		expect_is(fake.adapter.closed, 0);
		fake_complete_all();
		fake_wait(fake.dones == 2);
		fake.dones = 0;
		expect_is(port_adapter_outstanding(&fake.adapter), 0);
		work_through(PORT_CALM);
	}
	fake_adapter_end();
}

/* Who sums reads no share while somebody is changing one, in whatever order he comes to them. */
static _Atomic bool is_summed;
static uint32_t summed;

static void sum_there(void *ctx)
{
	summed = port_adapter_outstanding(&fake.adapter);
	is_summed = true;
}

static void a_sum_waits_for_every_share(void)
{
	unit = fake_adapter(ALL_DEPTH);
	for (unsigned n = 0; n < cpu_count(); n++) {
		struct port_here *here = &fake.adapter.here[n];
		uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
		struct cpu_thread *thread;

		is_summed = false;
		host_owned_acquire(&here->lock);
		thread = cpu_thread_new(sum_there, NULL, 1, "sum");
		for (unsigned turn = 0; turn < 50; turn++) {
			usleep(1000);
			expect(!is_summed);
			atomic_fetch_add(&here->outstanding, 1);
			atomic_fetch_sub(&fake.adapter.here[(n + 1) % 3].outstanding, 1);
		}
		atomic_fetch_add(&here->outstanding, 7);
		host_owned_release(&here->lock);
		cpu_irql_lower(irql);
		cpu_thread_join(thread);
		cpu_thread_free(thread);
		expect_is(summed, 7);
		atomic_fetch_sub(&here->outstanding, 7);
	}
	for (unsigned n = 0; n < cpu_count(); n++)
		fake.adapter.here[n].outstanding = 0;
	fake_adapter_end();
}

static void run_on_three(void **state)
{
	fake_cpus = 3;
	are_over = false;
	started = completed = 0;
	split_moves = 0;
	submitted = 0;
	no_more = false;
	fake_run((void (*)(void)) * state, true);
	fake_cpus = 1;
}

#define fake_test_on_three(body)                                                                   \
	{                                                                                          \
#body, run_on_three, NULL, NULL, (void *)(body)                                    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test_on_three(sums_are_what_is_out_at_that_moment),
		fake_test_on_three(rest_and_gates_while_requests_cross),
		fake_test_on_three(what_depends_on_the_count_brings_it_together),
		fake_test_on_three(an_adapter_with_a_limit_is_not_split),
		fake_test_on_three(busy_sees_what_ends_elsewhere),
		fake_test_on_three(a_sum_waits_for_every_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
