/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/processor.c: the life of processors, and host threads that become one.
 */
#include "kit.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "trace/trace.h"
#include "util/error.h"

static _Atomic unsigned counter;
static _Atomic int stage;

static void count_one(void *ctx)
{
	count(counter);
}

static void count_dpc(struct cpu_dpc *dpc)
{
	count(counter);
}

static unsigned host_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned threads = 0;

	while (readdir(tasks))
		threads++;
	closedir(tasks);
	return threads - 2; /* . and .. */
}

static void wrong_numbers_of_processors_are_refused(void **state)
{
	struct cpu_config config = {.processors = 0};

	assert_int_equal(cpu_init(&config), -EINVAL);
	config.processors = CPU_MAX + 1;
	assert_int_equal(cpu_init(&config), -EINVAL);
	assert_int_equal(cpu_count(), 0);
	assert_null(cpu_get(0));
}

static void processors_know_their_numbers_and_whether_they_are_alone(void **state)
{
	struct cpu_config config = {.processors = 2};

	assert_int_equal(cpu_count(), 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(cpu_get(i)->number, i);
		assert_false(cpu_get(i)->alone);
	}
	assert_null(cpu_get(2));
	assert_int_equal(cpu_init(&config), -EBUSY);
	cpu_fini();
	machine_start_with(1, false);
	assert_true(cpu_get(0)->alone);
}

static void machines_come_and_go_and_leave_no_host_thread(void **state)
{
	unsigned before;

	/* a sanitizer's own threads are there after the first */
	machine_start_with(4, false);
	cpu_fini();
	before = host_threads();
	set(counter, 0);
	for (unsigned i = 0; i < 20; i++) {
		machine_start_with(1 + i % 4, false);
		run_on(i % (1 + i % 4), count_one, NULL);
		cpu_fini();
	}
	assert_int_equal(get(counter), 20);
	/* the host reaps a joined thread a little later */
	assert_true(comes_true(host_threads() == before));
}

static void sixty_four_processors_run(void **state)
{
	machine_start_with(CPU_MAX, false);
	set(counter, 0);
	for (unsigned i = 0; i < CPU_MAX; i++)
		run_on(i, count_one, NULL);
	cpu_fini();
	assert_int_equal(get(counter), CPU_MAX);
}

static void what_is_queued_before_the_start_runs_after_it(void **state)
{
	struct cpu_config config = {.processors = 1};
	struct cpu_dpc dpc = {.fn = count_dpc};
	struct cpu_thread *thread;

	set(counter, 0);
	assert_int_equal(cpu_init(&config), 0);
	cpu_dpc_queue(&dpc, NULL, NULL);
	thread = cpu_thread_new(count_one, NULL, 0, "early");
	sleep_ms(2);
	assert_int_equal(get(counter), 0);
	assert_int_equal(cpu_start(), 0);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	cpu_fini();
	assert_int_equal(get(counter), 2);
}

static void machine_that_never_started_can_end(void **state)
{
	struct cpu_config config = {.processors = 3};

	assert_int_equal(cpu_init(&config), 0);
	assert_int_equal(cpu_claim(1), 0);
	cpu_fini();
	cpu_fini(); /* no machine: nothing to do */
}

static void work_for_20_ms(void *ctx)
{
	uint64_t start = cpu_clock();

	set(stage, 1);
	while (cpu_clock() - start < 20 * MS)
		cpu_thread_yield();
	count(counter);
}

static void fini_lets_running_threads_and_dpcs_finish(void **state)
{
	struct cpu_dpc dpc = {.fn = count_dpc};
	struct cpu_thread *threads[2];

	set(counter, 0);
	set(stage, 0);
	machine_start_with(1, false);
	for (int i = 0; i < 2; i++)
		threads[i] = cpu_thread_new(work_for_20_ms, NULL, 0, "test");
	assert_true(comes_true(get(stage) == 1));
	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_fini();
	assert_int_equal(get(counter), 3);
	for (int i = 0; i < 2; i++)
		cpu_thread_free(threads[i]);
}

static void park_for_ever(void *ctx)
{
	set(stage, 1);
	cpu_thread_park(60000 * MS);
	count(counter);
}

static void fini_leaves_parked_threads_which_can_be_freed(void **state)
{
	struct cpu_thread *thread;

	set(counter, 0);
	set(stage, 0);
	machine_start_with(1, false);
	thread = cpu_thread_new(park_for_ever, NULL, 0, "parked");
	assert_true(comes_true(get(stage) == 1));
	cpu_fini();
	cpu_thread_free(thread);
	assert_int_equal(get(counter), 0);
}

/* ---- a host thread becomes a processor ---- */

struct poller {
	unsigned polls, limit;
	bool irql_wrong, has_thread, is_elsewhere, on_host_stack;
	pthread_t host;
	char *host_stack;
	struct cpu_interrupt *interrupt;
	struct cpu_dpc *dpc;
};

static bool poll_some(void *arg)
{
	struct poller *poller = arg;
	char here;

	poller->irql_wrong |= cpu_irql() != IRQL_PASSIVE;
	poller->has_thread |= cpu_self->thread != NULL;
	poller->is_elsewhere |= !pthread_equal(poller->host, pthread_self());
	poller->on_host_stack |= labs(&here - poller->host_stack) < 200000;
	if (poller->interrupt)
		cpu_interrupt_raise(poller->interrupt);
	if (poller->dpc)
		cpu_dpc_queue(poller->dpc, NULL, NULL);
	return ++poller->polls < poller->limit;
}

static int start_claimed(void **state)
{
	struct cpu_config config = {.processors = 2};

	set(counter, 0);
	set(stage, 0);
	return cpu_init(&config) || cpu_claim(0) || cpu_start();
}

static void cpu_run_calls_poll_on_the_caller_at_passive_until_false(void **state)
{
	char here;
	struct poller poller = {.limit = 1000, .host = pthread_self(), .host_stack = &here};

	assert_int_equal(cpu_run(0, poll_some, &poller), 0);
	assert_int_equal(poller.polls, 1000);
	assert_false(poller.irql_wrong || poller.has_thread || poller.is_elsewhere ||
		     poller.on_host_stack);
	assert_null(cpu_self);
	/* and again */
	assert_int_equal(cpu_run(0, poll_some, &poller), 0);
	assert_int_equal(poller.polls, 1001);
}

static bool poll_here_once(void *is_processor)
{
	*(bool *)is_processor = cpu_here == cpu_get(0) && !cpu_is_due();
	return false;
}

/* To no short way a host thread is a processor that it does not run at present. */
static bool is_nowhere(void)
{
	return cpu_here != cpu_get(0) && cpu_is_due() && cpu_here->irql != IRQL_DISPATCH &&
	       !cpu_here->is_in_dpc && !cpu_hands_interrupt(cpu_here);
}

static void a_host_thread_is_a_processor_only_while_it_runs_one(void **state)
{
	bool is_processor = false;

	assert_true(is_nowhere());
	assert_int_equal(cpu_run(0, poll_here_once, &is_processor), 0);
	assert_true(is_processor);
	assert_true(is_nowhere());
}

static bool count_interrupt(struct cpu_interrupt *interrupt)
{
	count(counter);
	return true;
}

static void work_is_done_between_the_polls(void **state)
{
	char here;
	struct cpu_interrupt interrupt = {.irql = 5, .service = count_interrupt};
	struct cpu_dpc dpc = {.fn = count_dpc};
	struct poller poller = {.limit = 100,
		.host = pthread_self(),
		.host_stack = &here,
		.interrupt = &interrupt,
		.dpc = &dpc};

	assert_int_equal(cpu_run(0, poll_some, &poller), 0);
	/* what the last poll gave the processor waits for the next run */
	assert_int_equal(get(counter), 2 * 99);
	poller.interrupt = NULL;
	poller.dpc = NULL;
	assert_int_equal(cpu_run(0, poll_some, &poller), 0);
	assert_int_equal(get(counter), 2 * 100);
}

static void spin_at_passive(void *ctx)
{
	while (!get(stage))
		cpu_relax();
	count(counter);
}

static bool poll_until_counter(void *arg)
{
	if (++*(unsigned *)arg == 50)
		set(stage, 1);
	return !get(counter);
}

static void poll_takes_turns_with_threads(void **state)
{
	struct cpu_thread *thread = cpu_thread_new(spin_at_passive, NULL, 0, "spinner");
	unsigned polls = 0;

	/* the thread ends only after the 50th poll, so poll has to be called while it is ready */
	assert_int_equal(cpu_run(0, poll_until_counter, &polls), 0);
	assert_in_range(polls, 50, 1000000);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
}

static void wrong_claims_and_runs_are_refused(void **state)
{
	assert_int_equal(cpu_claim(2), -EINVAL);
	assert_int_equal(cpu_claim(1), -EBUSY); /* started already */
	assert_int_equal(cpu_run(2, NULL, NULL), -EINVAL);
	assert_int_equal(cpu_run(1, NULL, NULL), -EBUSY);
	assert_true(strlen(error_text()) > 0);
}

static void *run_without_poll(void *arg)
{
	*(int *)arg = cpu_run(0, NULL, NULL);
	return NULL;
}

static void fini_ends_a_run_without_poll(void **state)
{
	pthread_t thread;
	int result = 9;

	assert_int_equal(pthread_create(&thread, NULL, run_without_poll, &result), 0);
	run_on(0, count_one, NULL);
	assert_int_equal(cpu_run(0, NULL, NULL), -EBUSY);
	cpu_fini();
	pthread_join(thread, NULL);
	assert_int_equal(result, 0);
	assert_int_equal(get(counter), 1);
	start_claimed(NULL);
}

static void fini_does_what_is_left_for_a_claimed_processor(void **state)
{
	struct cpu_dpc dpc = {.fn = count_dpc};

	cpu_dpc_queue(&dpc, NULL, NULL);
	sleep_ms(2);
	assert_int_equal(get(counter), 0);
	cpu_fini();
	assert_int_equal(get(counter), 1);
	start_claimed(NULL);
}

static struct cpu_thread *made_in_poll;

static bool join_in_poll(void *arg)
{
	made_in_poll = cpu_thread_new(count_one, NULL, *(unsigned *)arg, "made");
	cpu_thread_join(made_in_poll);
	cpu_thread_free(made_in_poll);
	return false;
}

static void poll_function_may_join_a_thread(void **state)
{
	for (unsigned cpu = 0; cpu < 2; cpu++)
		assert_int_equal(cpu_run(0, join_in_poll, &cpu), 0);
	assert_int_equal(get(counter), 2);
}

/* ---- a processor that is lent ---- */

static int start_lent(void **state)
{
	struct cpu_config config = {.processors = 2};

	set(counter, 0);
	set(stage, 0);
	return cpu_init(&config) || cpu_lend(0) || cpu_lend(1) || cpu_start();
}

struct guest {
	unsigned number;
	pthread_t host;
	int result;
	_Atomic unsigned polls;
	_Atomic bool is_wrong;
};

/* Until the stage comes, and with it this guest's turn to go. */
static bool poll_as_guest(void *arg)
{
	struct guest *guest = arg;

	if (cpu_self->number != guest->number || cpu_self->thread ||
		!pthread_equal(pthread_self(), guest->host))
		set(guest->is_wrong, true);
	count(guest->polls);
	return !get(stage);
}

static void *guest_main(void *arg)
{
	struct guest *guest = arg;

	guest->host = pthread_self();
	guest->result = cpu_run(guest->number, poll_as_guest, guest);
	return NULL;
}

static void lent_processors_run_before_while_and_after_host_threads_are_them(void **state)
{
	struct guest guests[2] = {{.number = 0}, {.number = 1}};
	pthread_t threads[2];

	for (unsigned n = 0; n < 2; n++)
		run_on(n, count_one, NULL);
	for (unsigned n = 0; n < 2; n++)
		assert_int_equal(pthread_create(&threads[n], NULL, guest_main, &guests[n]), 0);
	/* both at the same time */
	for (unsigned n = 0; n < 2; n++)
		assert_true(comes_true(get(guests[n].polls) > 0));
	for (unsigned n = 0; n < 2; n++) {
		run_on(n, count_one, NULL);
		assert_int_equal(cpu_run(n, poll_as_guest, &guests[n]), -EBUSY);
	}
	set(stage, 1);
	for (unsigned n = 0; n < 2; n++) {
		pthread_join(threads[n], NULL);
		assert_int_equal(guests[n].result, 0);
		assert_false(get(guests[n].is_wrong));
		run_on(n, count_one, NULL);
	}
	assert_int_equal(get(counter), 6);
	assert_null(cpu_self);
}

static _Atomic pid_t hosts[3];

/* Compilers take pthread_self() for the same all through a function. */
static pid_t host_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static void park_and_tell_the_host(void *ctx)
{
	for (unsigned n = 0; n < 3; n++) {
		set(hosts[n], host_id());
		count(counter);
		cpu_thread_park(CPU_FOREVER);
	}
}

static bool poll_until_second(void *arg)
{
	struct cpu_thread **thread = arg;

	if (*thread)
		cpu_thread_unpark(*thread);
	*thread = NULL;
	return get(counter) < 2;
}

static void a_thread_goes_on_with_whoever_is_its_processor(void **state)
{
	struct cpu_thread *thread = cpu_thread_new(park_and_tell_the_host, NULL, 1, "moves");
	struct cpu_thread *to_unpark = thread;

	assert_true(comes_true(get(counter) == 1));
	assert_int_equal(cpu_run(1, poll_until_second, &to_unpark), 0);
	cpu_thread_unpark(thread);
	assert_true(comes_true(get(counter) == 3));
	assert_true(hosts[1] == host_id());
	assert_true(hosts[0] != hosts[1]);
	assert_true(hosts[2] == hosts[0]);
	cpu_thread_unpark(thread);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
}

static void a_guest_comes_in_while_a_thread_works_on(void **state)
{
	struct cpu_thread *thread = cpu_thread_new(spin_at_passive, NULL, 0, "spinner");
	unsigned polls = 0;

	/* which ends only after the guest's 50th poll */
	assert_int_equal(cpu_run(0, poll_until_counter, &polls), 0);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
}

static void fini_ends_a_guest_and_does_what_is_left(void **state)
{
	struct guest guest = {.number = 1};
	struct cpu_dpc dpc = {.fn = count_dpc, .cpu = 1};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, guest_main, &guest), 0);
	assert_true(comes_true(get(guest.polls) > 0));
	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_fini();
	pthread_join(thread, NULL);
	assert_int_equal(guest.result, 0);
	assert_int_equal(get(counter), 1);
	start_lent(NULL);
}

static void a_processor_is_claimed_or_lent_once(void **state)
{
	struct cpu_config config = {.processors = 3};

	assert_int_equal(cpu_init(&config), 0);
	assert_int_equal(cpu_lend(3), -EINVAL);
	assert_int_equal(cpu_lend(0), 0);
	assert_int_equal(cpu_claim(0), -EBUSY);
	assert_int_equal(cpu_claim(1), 0);
	assert_int_equal(cpu_lend(1), -EBUSY);
	assert_int_equal(cpu_start(), 0);
	assert_int_equal(cpu_lend(2), -EBUSY);
	cpu_fini();
}

/* ---- where events come from ---- */

static void keep_event(void *ctx, const struct trace_event *event)
{
	*(struct trace_event *)ctx = *event;
}

static void emit_at_7(void *ctx)
{
	cpu_irql_raise(7);
	trace(TRACE_DPC, 1);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void events_tell_processor_and_irql(void **state)
{
	struct trace_event event = {0};

	trace_subscribe(~0ull, keep_event, &event);
	run_on(1, emit_at_7, NULL);
	assert_int_equal(event.processor, 1);
	assert_int_equal(event.irql, 7);
	trace(TRACE_DPC, 1);
	assert_int_equal(event.processor, 0xff);
	trace_unsubscribe(keep_event, &event);
}

static void fini_on_processor(void *ctx)
{
	cpu_fini();
}

static void ending_the_machine_on_its_processor_dies(void **state)
{
	assert_dies(fini_on_processor, "cannot end its own machine");
}

#define claimed(test) cmocka_unit_test_setup_teardown(test, start_claimed, stop)
#define lent(test)    cmocka_unit_test_setup_teardown(test, start_lent, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_numbers_of_processors_are_refused),
		on_2(processors_know_their_numbers_and_whether_they_are_alone),
		cmocka_unit_test(machines_come_and_go_and_leave_no_host_thread),
		cmocka_unit_test(sixty_four_processors_run),
		cmocka_unit_test(what_is_queued_before_the_start_runs_after_it),
		cmocka_unit_test(machine_that_never_started_can_end),
		cmocka_unit_test(fini_lets_running_threads_and_dpcs_finish),
		cmocka_unit_test(fini_leaves_parked_threads_which_can_be_freed),
		claimed(cpu_run_calls_poll_on_the_caller_at_passive_until_false),
		claimed(a_host_thread_is_a_processor_only_while_it_runs_one),
		claimed(work_is_done_between_the_polls),
		claimed(poll_takes_turns_with_threads),
		claimed(wrong_claims_and_runs_are_refused),
		claimed(fini_ends_a_run_without_poll),
		claimed(fini_does_what_is_left_for_a_claimed_processor),
		claimed(poll_function_may_join_a_thread),
		lent(lent_processors_run_before_while_and_after_host_threads_are_them),
		lent(a_thread_goes_on_with_whoever_is_its_processor),
		lent(a_guest_comes_in_while_a_thread_works_on),
		lent(fini_ends_a_guest_and_does_what_is_left),
		cmocka_unit_test(a_processor_is_claimed_or_lent_once),
		on_2(events_tell_processor_and_irql),
		cmocka_unit_test(ending_the_machine_on_its_processor_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
