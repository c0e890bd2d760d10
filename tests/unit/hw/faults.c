/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The layer of faults around the simple controller: each kind does what docs/faults.md says, at the
 * step that it says, and nothing before. A FLUSH is five steps: its doorbell is written, the
 * command read, its completion posted, which is written, its interrupt raised. A READ has two more,
 * for its list and its page, behind the second.
 */
#include "driver.h"
#include "hw/faults.h"
#include "nt/nt.h"
#include <errno.h>

#define LATE_NS 20000000ull /* so that the test does not wait long */

static void arm(struct driver *d, const char *text)
{
	struct fault_plan plan;

	if (fault_plan_parse(&plan, text))
		fail_msg("%s", error_text());
	plan.late_ns = LATE_NS;
	assert_int_equal(fault_arm(hw_find("simple")->master(d->device), &plan, NULL, 0), 0);
}

static void begin(struct driver *d, const char *plan)
{
	driver_open(d, "messages=1");
	driver_connect_messages(d, 1);
	driver_start(d);
	arm(d, plan);
}

static void end(struct driver *d)
{
	fault_disarm();
	driver_disconnect(d, 1);
	driver_close(d);
	assert_int_equal(violation.count, 0);
}

static unsigned flush(struct driver *d)
{
	return driver_do(d, command_of(d, FLUSH, 0, 0));
}

/* A fault that has come about is told, as the device's. */
static void assert_told(const char *what)
{
	assert_true(violation.number == NT_DEVICE_FAULT);
	assert_violation(what);
}

static void assert_seen_within(struct driver *d, unsigned count, uint64_t ns)
{
	uint64_t start = cpu_clock();

	while (d->interrupts_seen[0] < count && cpu_clock() - start < ns)
		cpu_relax();
	assert_int_equal(d->interrupts_seen[0], count);
}

static void assert_next(struct driver *d, uint16_t tag)
{
	struct completion c;

	assert_true(driver_take(d, &c));
	assert_int_equal(c.tag, tag);
	assert_int_equal(c.status, OK);
}

static void assert_no_next(struct driver *d)
{
	struct completion c;

	assert_false(driver_take(d, &c));
}

/* ---- steps ---- */

static void sorts(void)
{
	static const uint8_t expected[] = {
		FAULT_WRITE, FAULT_DMA, FAULT_DONE, FAULT_DMA, FAULT_IRQ, FAULT_READ, 0};
	const struct fault_plan none = {.count = 0};
	uint8_t record[7] = {0};
	struct driver d;

	driver_open(&d, "messages=1");
	driver_connect_messages(&d, 1);
	driver_start(&d);
	assert_int_equal(fault_arm(hw_find("simple")->master(d.device), &none, record, 7), 0);
	assert_int_equal(flush(&d), OK);
	assert_int_equal(fault_steps(), 5);
	assert_int_equal(reg_get(&d, STATUS), 1);
	assert_memory_equal(record, expected, sizeof(expected));
	end(&d);
}

static uint32_t paused_at;
static uint8_t second_record[8];

static void paused(void)
{
	struct fault_plan plan;

	assert_int_equal(paused_at, 0);
	paused_at = fault_steps();
	assert_int_equal(fault_plan_parse(&plan, "irq-spurious@2,done-lost@6"), 0);
	fault_extend(&plan, second_record);
}

/* Before anything befalls the step, which is the first that goes to the new record. */
static void pause_at_step(void)
{
	static const uint8_t first[8] = {FAULT_WRITE}, second[8] = {0, FAULT_DMA, FAULT_DONE};
	uint8_t record[8] = {0};
	struct fault_plan plan;
	struct driver d;

	driver_open(&d, "messages=1");
	driver_connect_messages(&d, 1);
	driver_start(&d);
	assert_int_equal(fault_plan_parse(&plan, "irq-spurious@2"), 0);
	assert_int_equal(fault_arm(hw_find("simple")->master(d.device), &plan, record, 8), 0);
	paused_at = 0;
	memset(second_record, 0, sizeof(second_record));
	fault_pause(2, paused);
	assert_int_equal(flush(&d), OK);
	assert_int_equal(paused_at, 2);
	assert_memory_equal(record, first, sizeof(first));
	assert_memory_equal(second_record, second, 3);
	assert_told("step 2: an interrupt that it has not raised (irq-spurious@2)");
	driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_told("the completion is lost (done-lost@6)");
	end(&d);
}

static void nothing_early(void)
{
	for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
		char plan[32];
		struct driver d;

		snprintf(plan, sizeof(plan), "%s@13", fault_name(kind));
		begin(&d, plan);
		for (unsigned i = 1; i <= 2; i++) {
			assert_int_equal(flush(&d), OK);
			assert_int_equal(reg_get(&d, STATUS), 1);
			assert_int_equal(d.interrupts_seen[0], i);
		}
		assert_int_equal(fault_steps(), 12);
		assert_int_equal(violation.count, 0);
		end(&d);
	}
}

/* ---- interrupts ---- */

static void irq_lost(void)
{
	struct driver d;

	begin(&d, "irq-lost@6");
	flush(&d);
	assert_int_equal(d.interrupts_seen[0], 1);
	flush(&d);
	assert_told("step 10: the interrupt by message 0 is lost (irq-lost@6)");
	assert_int_equal(d.interrupts_seen[0], 1);
	flush(&d);
	assert_int_equal(d.interrupts_seen[0], 2);
	end(&d);
}

static void irq_late(void)
{
	uint64_t start = cpu_clock();
	struct driver d;

	begin(&d, "irq-late@1");
	flush(&d);
	assert_told("irq-late@1");
	assert_int_equal(d.interrupts_seen[0], 0);
	assert_seen_within(&d, 1, 5000000000);
	assert_true(cpu_clock() - start >= LATE_NS);
	end(&d);
}

static void irq_twice(void)
{
	struct driver d;

	begin(&d, "irq-twice@10");
	flush(&d);
	assert_int_equal(d.interrupts_seen[0], 1);
	flush(&d);
	assert_told("irq-twice@10");
	assert_seen_within(&d, 3, 5000000000);
	flush(&d);
	assert_int_equal(d.interrupts_seen[0], 4);
	end(&d);
}

static void irq_spurious(void)
{
	struct driver d;

	begin(&d, "irq-spurious@6");
	flush(&d);
	assert_int_equal(d.interrupts_seen[0], 1);
	reg_get(&d, STATUS);
	assert_told("step 6: an interrupt that it has not raised");
	assert_int_equal(d.interrupts_seen[0], 2);
	assert_no_next(&d);
	end(&d);
}

static bool pulse_service(struct cpu_interrupt *vector)
{
	(*(unsigned *)vector->ctx)++;
	return false;
}

/* A line that is not raised stays down until the device wants it up again. */
static void line(void)
{
	struct bus_interrupt ear = {0};
	unsigned asked = 0;
	struct driver d;

	driver_open(&d, "intx");
	driver_connect_line(&d);
	ear.vector = (struct cpu_interrupt){.irql = 5, .service = pulse_service, .ctx = &asked};
	assert_int_equal(bus_interrupt_connect(d.function, BUS_LINE, &ear), 0);
	driver_start(&d);
	arm(&d, "irq-lost@1,irq-spurious@6");
	flush(&d);
	assert_told("the interrupt by its line is lost");
	assert_int_equal(d.interrupts_seen[0], 0);
	reg_set(&d, MASK, 3); /* nothing is due, and yet all on the line are asked */
	assert_told("irq-spurious@6");
	assert_int_equal(asked, 1);
	reg_set(&d, MASK, 0);
	assert_int_equal(d.interrupts_seen[0], 1);
	fault_disarm();
	bus_interrupt_disconnect(&ear);
	driver_disconnect(&d, 1);
	driver_close(&d);
}

/* ---- completions ---- */

static void done_lost(void)
{
	struct driver d;
	uint16_t tag;

	begin(&d, "done-lost@1");
	driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_told("done-lost@1");
	assert_no_next(&d);
	tag = driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_next(&d, tag);
	end(&d);
}

static void done_late(void)
{
	uint64_t start = cpu_clock();
	struct driver d;
	uint16_t tag;

	begin(&d, "done-late@1");
	tag = driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_told("done-late@1");
	assert_no_next(&d);
	assert_seen_within(&d, 1, 5000000000);
	assert_true(cpu_clock() - start >= LATE_NS);
	assert_next(&d, tag);
	assert_no_next(&d);
	end(&d);
}

static void done_swapped(void)
{
	struct driver d;
	uint16_t first, second;

	begin(&d, "done-swapped@1");
	first = driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_told("done-swapped@1");
	assert_no_next(&d);
	second = driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_next(&d, second);
	assert_next(&d, first);
	assert_no_next(&d);
	end(&d);
}

static void done_twice(void)
{
	struct driver d;
	uint16_t tag;

	begin(&d, "done-twice@1");
	tag = driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_told("done-twice@1");
	assert_next(&d, tag);
	assert_next(&d, tag);
	assert_no_next(&d);
	/* it goes on as ever, over many turns of its rings */
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(flush(&d), OK);
	end(&d);
}

static void done_unknown(void)
{
	struct completion c;
	struct driver d;
	uint16_t tag;

	begin(&d, "done-unknown@1");
	tag = driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_told("done-unknown@1");
	assert_true(driver_take(&d, &c));
	assert_int_not_equal(c.tag, tag);
	assert_next(&d, tag);
	assert_no_next(&d);
	end(&d);
}

/* What was held back dies with the commands: a reset forgets them. */
static void reset_forgets(void)
{
	struct driver d;
	uint64_t start;

	begin(&d, "done-late@1,done-swapped@2");
	driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_int_equal(violation.count, 2);
	violation.count = 0;
	assert_no_next(&d);
	driver_stop(&d);
	driver_start(&d);
	for (start = cpu_clock(); cpu_clock() - start < 2 * LATE_NS;)
		cpu_relax();
	assert_no_next(&d);
	assert_int_equal(flush(&d), OK);
	end(&d);
}

/* ---- memory ---- */

static void dma_refused(void)
{
	char *page = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct driver d;

	begin(&d, "dma-refused@4");
	assert_int_equal(driver_read(&d, 0, page, 4096), DMA_ERROR);
	assert_told("step 4: its write of bus address");
	assert_int_equal(driver_read(&d, 0, page, 4096), OK);
	assert_int_equal(fault_harms(), 0);
	end(&d);
	mem_free(page, 4096);
}

/* The engine refuses it for its address, and the device does not notice. */
static void dma_astray(void)
{
	char *page = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct driver d;

	begin(&d, "dma-astray@4");
	memset(page, 7, 4096);
	assert_int_equal(driver_read(&d, 0, page, 4096), OK);
	assert_int_equal(violation.count, 2); /* the layer's word, then the bus's */
	violation.count = 1;
	assert_told("write of bus address 0x7ffff");
	for (unsigned i = 0; i < 4096; i++)
		assert_int_equal(page[i], 7);
	assert_int_equal(fault_harms(), 1);
	assert_int_equal(driver_read(&d, 0, page, 4096), OK);
	assert_true(is_zero(page, 4096));
	end(&d);
	mem_free(page, 4096);
}

static void dma_late(void)
{
	uint64_t start = cpu_clock();
	struct driver d;

	begin(&d, "dma-late@2");
	assert_int_equal(flush(&d), OK);
	assert_told("step 2: its read of bus address");
	assert_true(cpu_clock() - start >= LATE_NS);
	end(&d);
}

/* ---- registers and removal ---- */

static void reg_ones(void)
{
	struct driver d;
	uint64_t start;

	begin(&d, "reg-ones@6");
	flush(&d);
	assert_true(reg_get(&d, STATUS) == UINT32_MAX);
	start = cpu_clock();
	assert_told("step 6: its registers read all ones, from 0x8 on");
	assert_true(bus_register_read(d.regs + BLOCKS, 8) == UINT64_MAX);
	assert_int_equal(flush(&d), OK); /* writes pass */
	while (cpu_clock() - start < LATE_NS)
		cpu_relax();
	assert_int_equal(reg_get(&d, STATUS), 1);
	end(&d);
}

static void gone(void)
{
	struct driver d;
	uint16_t id;

	begin(&d, "gone@8");
	assert_int_equal(flush(&d), OK);
	driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d); /* it goes before the completion */
	assert_told("step 8: it is removed (gone@8)");
	assert_no_next(&d);
	assert_int_equal(d.interrupts_seen[0], 1);
	assert_true(reg_get(&d, STATUS) == UINT32_MAX);
	reg_set(&d, CONTROL, 0);
	bus_config_read(d.function, 0, &id, 2);
	assert_int_equal(id, 0xffff);
	fault_disarm();
	driver_close(&d);
}

/* The other card works; what the first held back does not come from it; faults go on. Steps of the
 * one that has gone are of no sort. */
static void replaced(void)
{
	const struct fault_plan plan = {.count = 3,
		.fault = {{FAULT_DONE_LATE, 1}, {FAULT_GONE, 5}, {FAULT_REG_ONES, 6}},
		.late_ns = LATE_NS};
	/* the sixth is what the device makes of the command that it could not read */
	static const uint8_t expected[] = {
		FAULT_WRITE, FAULT_DMA, FAULT_DONE, FAULT_WRITE, FAULT_DMA, 0, FAULT_READ};
	uint8_t record[sizeof(expected)] = {0};
	uint64_t start;
	struct driver d;

	driver_open(&d, "messages=1");
	driver_start(&d);
	assert_int_equal(
		fault_arm(hw_find("simple")->master(d.device), &plan, record, sizeof(record)), 0);
	driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_told("done-late@1");
	driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d); /* it goes before it has read the command */
	assert_told("gone@5");
	assert_true(reg_get(&d, STATUS) == UINT32_MAX);
	start = cpu_clock();
	bus_function_plug(d.function);
	assert_true(reg_get(&d, STATUS) == UINT32_MAX);
	assert_told("reg-ones@6");
	assert_memory_equal(record, expected, sizeof(expected));
	while (cpu_clock() - start < 2 * LATE_NS)
		cpu_relax();
	assert_no_next(&d);
	driver_stop(&d);
	driver_start(&d);
	assert_int_equal(flush(&d), OK);
	fault_disarm();
	driver_close(&d);
	assert_int_equal(violation.count, 0);
}

/* ---- several ---- */

/* Two of a kind at one step befall two things, one after the other. */
static void several(void)
{
	struct driver d;

	begin(&d, "irq-lost@5,irq-lost@5,done-twice@6");
	flush(&d);
	assert_told("irq-lost@5");
	driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_int_equal(violation.count, 2);
	violation.count = 0;
	assert_int_equal(d.interrupts_seen[0], 0);
	assert_next(&d, 1);
	assert_next(&d, 1);
	flush(&d);
	assert_int_equal(d.interrupts_seen[0], 1);
	end(&d);
}

static void without_a_device_nothing_is_armed(void **state)
{
	const struct fault_plan none = {.count = 0};

	assert_int_equal(fault_arm(NULL, &none, NULL, 0), -ENODEV);
	fault_disarm();
}

#define ON_PROCESSOR(name, body)                                                                   \
	static void name(void **state)                                                             \
	{                                                                                          \
		on_processor(body);                                                                \
	}

ON_PROCESSOR(steps_are_numbered_and_have_sorts, sorts)
ON_PROCESSOR(a_pause_comes_before_the_step, pause_at_step)
ON_PROCESSOR(no_kind_does_anything_before_its_step, nothing_early)
ON_PROCESSOR(an_interrupt_is_lost, irq_lost)
ON_PROCESSOR(an_interrupt_comes_late, irq_late)
ON_PROCESSOR(an_interrupt_comes_twice, irq_twice)
ON_PROCESSOR(an_interrupt_comes_for_nothing, irq_spurious)
ON_PROCESSOR(a_line_fails_as_messages_do, line)
ON_PROCESSOR(a_completion_is_lost, done_lost)
ON_PROCESSOR(a_completion_comes_late, done_late)
ON_PROCESSOR(two_completions_change_places, done_swapped)
ON_PROCESSOR(a_completion_comes_twice, done_twice)
ON_PROCESSOR(a_completion_is_nobodys, done_unknown)
ON_PROCESSOR(a_reset_forgets_what_was_held_back, reset_forgets)
ON_PROCESSOR(an_access_is_refused, dma_refused)
ON_PROCESSOR(an_access_goes_astray, dma_astray)
ON_PROCESSOR(an_access_takes_long, dma_late)
ON_PROCESSOR(registers_read_ones_for_a_while, reg_ones)
ON_PROCESSOR(a_device_is_removed, gone)
ON_PROCESSOR(another_card_in_its_place_works, replaced)
ON_PROCESSOR(several_faults_come_in_turn, several)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(steps_are_numbered_and_have_sorts),
		machine_test(a_pause_comes_before_the_step),
		machine_test(no_kind_does_anything_before_its_step),
		machine_test(an_interrupt_is_lost),
		machine_test(an_interrupt_comes_late),
		machine_test(an_interrupt_comes_twice),
		machine_test(an_interrupt_comes_for_nothing),
		machine_test(a_line_fails_as_messages_do),
		machine_test(a_completion_is_lost),
		machine_test(a_completion_comes_late),
		machine_test(two_completions_change_places),
		machine_test(a_completion_comes_twice),
		machine_test(a_completion_is_nobodys),
		machine_test(a_reset_forgets_what_was_held_back),
		machine_test(an_access_is_refused),
		machine_test(an_access_goes_astray),
		machine_test(an_access_takes_long),
		machine_test(registers_read_ones_for_a_while),
		machine_test(a_device_is_removed),
		machine_test(another_card_in_its_place_works),
		machine_test(several_faults_come_in_turn),
		machine_test(without_a_device_nothing_is_armed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
