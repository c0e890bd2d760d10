/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/hw/qemu/qemu_iommu.c against an intel-iommu played by the test at the other end of the
 * qtest socket: its registers and queue as Intel's VT-d specification says (revision 3.3: registers
 * chapter 11, descriptors 6.5.2).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/qemu/qemu_iommu.h"
#include "cpu/cpu.h"
#include "dma/dma.h"
#include "dryport.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"

#define UNIT	0xfed90000u
#define RECORDS 0x220

static struct hw_device q;
static int theirs;
static pthread_t player;

/* What is played. */
static struct {
	uint64_t cap, ecap;
	uint32_t deaf; /* commands that it does not take */
	uint64_t root, queue;
	uint32_t state, head, event_data, event_address, event_control;
	bool takes_part_in_nothing; /* sets no word */
	/* faults that it has not told yet, the first in the record */
	struct {
		uint64_t low, high;
	} fault[200];
	unsigned faults;
	bool overflows;
	/* what was seen */
	unsigned contexts, everything, waits, others, rooted_late;
} unit;

/* The socket keeps the two threads apart; this says so to who cannot know (ThreadSanitizer). */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void meet(void)
{
	pthread_mutex_lock(&turn);
	pthread_mutex_unlock(&turn);
}

static void descriptor_take(uint64_t at)
{
	const uint64_t *host = mem_host(at);
	const uint64_t d[2] = {__atomic_load_n(&host[0], __ATOMIC_ACQUIRE),
		__atomic_load_n(&host[1], __ATOMIC_ACQUIRE)};
	uint32_t *word;

	switch (d[0] & 0xf) {
	case 1:
		unit.contexts += (d[0] >> 4 & 3) == 1;
		return;
	case 2:
		unit.everything += (d[0] >> 4 & 3) == 1 && !(d[0] >> 32) && !d[1];
		return;
	case 5: /* a word is set: bit 5; bits 63:32 are what, the other half where */
		unit.waits++;
		word = mem_host(d[1]);
		if (d[0] >> 5 & 1 && !unit.takes_part_in_nothing)
			__atomic_store_n(word, (uint32_t)(d[0] >> 32), __ATOMIC_RELEASE);
		return;
	default:
		unit.others++;
	}
}

static void register_write(unsigned offset, uint64_t value)
{
	switch (offset) {
	case 0x18:
		value &= ~(uint64_t)unit.deaf;
		if (value >> 30 & 1)
			unit.rooted_late += unit.state >> 31;
		unit.state = (unit.state & 1u << 30) | (value & (1u << 31 | 1u << 30 | 1u << 26));
		return;
	case 0x20:
		unit.root = value;
		return;
	case 0x34:
		if (value & 1)
			unit.overflows = false;
		return;
	case 0x38:
		unit.event_control = (uint32_t)value;
		return;
	case 0x3c:
		unit.event_data = (uint32_t)value;
		return;
	case 0x40:
		unit.event_address = (uint32_t)value;
		return;
	case 0x88:
		for (; unit.head != value >> 4; unit.head = (unit.head + 1) % 256)
			descriptor_take(unit.queue + 16 * unit.head);
		return;
	case 0x90:
		unit.queue = value;
		return;
	case RECORDS + 8:
		if (value >> 63 && unit.faults)
			memmove(unit.fault, unit.fault + 1, --unit.faults * sizeof(unit.fault[0]));
		return;
	}
}

static uint64_t register_read(unsigned offset)
{
	switch (offset) {
	case 0x08:
		return unit.cap;
	case 0x10:
		return unit.ecap;
	case 0x1c:
		return unit.state;
	case 0x34:
		return (unit.faults ? 2 : 0) | unit.overflows;
	case RECORDS:
		return unit.fault[0].low;
	case RECORDS + 8:
		return unit.faults ? unit.fault[0].high | 1ull << 63 : 0;
	}
	return 0;
}

static void *play(void *arg)
{
	FILE *heard = fdopen(dup(theirs), "r");
	unsigned long long address, value;
	char line[128], answer[64], c;

	while (fgets(line, sizeof(line), heard)) {
		snprintf(answer, sizeof(answer), "OK\n");
		pthread_mutex_lock(&turn);
		if (sscanf(line, "write%c 0x%llx 0x%llx", &c, &address, &value) == 3)
			register_write((unsigned)(address - UNIT), value);
		else if (sscanf(line, "read%c 0x%llx", &c, &address) == 2)
			snprintf(answer, sizeof(answer), "OK 0x%llx\n",
				(unsigned long long)register_read((unsigned)(address - UNIT)));
		pthread_mutex_unlock(&turn);
		if (write(theirs, answer, strlen(answer)) < 0)
			break;
	}
	fclose(heard);
	return NULL;
}

/* ---- the machine ---- */

static char told[8][512];
static unsigned told_count;

static void violation_hear(void *ctx, const struct trace_event *event)
{
	snprintf(told[told_count++ % array_size(told)], sizeof(told[0]), "%s",
		(const char *)(uintptr_t)event->arg[0]);
}

static int setup(void **state)
{
	const struct mem_config memory = {
		.policy = MEM_SCATTERED, .size = 32ull << 20, .is_shared = true};
	const struct dma_config dma = {.engine = DMA_IOMMU};
	int pair[2];

	memset(&q, 0, sizeof(q));
	memset(&unit, 0, sizeof(unit));
	told_count = 0;
	/* one record at 0x220; 39 bits */
	unit.cap = 0x220ull / 16 << 24 | 0x200;
	unit.ecap = 2;
	pthread_mutex_init(&q.lock, NULL);
	snprintf(q.device, sizeof(q.device), "nvme");
	assert_int_equal(mem_init(&memory), 0);
	assert_int_equal(cpu_init(&(struct cpu_config){.processors = 1}), 0);
	assert_int_equal(nt_init(&(struct nt_config){0}), 0);
	assert_int_equal(dma_init(&dma), 0);
	assert_int_equal(trace_subscribe(1ull << TRACE_VIOLATION, violation_hear, NULL), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	q.fd.test = pair[0];
	q.event[QEMU_FAULT_EVENT] = eventfd(0, EFD_NONBLOCK);
	theirs = pair[1];
	assert_int_equal(pthread_create(&player, NULL, play, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	qemu_iommu_end(&q);
	shutdown(q.fd.test, SHUT_RDWR);
	pthread_join(player, NULL);
	qemu_iommu_free(&q);
	close(q.fd.test);
	close(q.event[QEMU_FAULT_EVENT]);
	close(theirs);
	pthread_mutex_destroy(&q.lock);
	trace_unsubscribe(violation_hear, NULL);
	dma_fini();
	nt_fini();
	cpu_fini();
	return mem_fini() ? -1 : 0;
}

/* What an address of the device's leads to. */
static uint64_t leads(uint64_t address)
{
	uint64_t entry = *(uint64_t *)mem_host(unit.root) & ~0xfffull;

	entry = *(uint64_t *)mem_host(entry + 16 * 32);
	for (int shift = 30; shift >= 12 && entry; shift -= 9)
		entry = *(uint64_t *)mem_host((entry & ~0xfffull) + 8 * (address >> shift & 511));
	return entry;
}

static void it_is_on_when_it_has_its_tables_and_tells_of_faults(void **state)
{
	assert_int_equal(qemu_iommu_start(&q, 3), 0);
	meet();
	assert_int_equal(unit.state, 1u << 31 | 1u << 30 | 1u << 26);
	assert_int_equal(unit.rooted_late, 0);
	assert_int_equal(unit.contexts, 1);
	assert_int_equal(unit.everything, 1);
	assert_int_equal(unit.others, 0);
	/* an NMI to processor 0, not masked */
	assert_int_equal(unit.event_address, 0xfee00000);
	assert_int_equal(unit.event_data, 0x400);
	assert_int_equal(unit.event_control, 0);
	/* the doorbell may be written to */
	assert_int_equal(leads(QEMU_DOORBELL_SEEN), QEMU_DOORBELL | 2);
}

static void an_end_is_waited_for(void **state)
{
	const struct dma_constraints limits = {
		.width = 64, .max_transfer = 0x10000, .scatter_gather = true, .device = 3};
	struct dma_adapter *adapter;
	uint64_t at;
	char *va;

	assert_int_equal(qemu_iommu_start(&q, 3), 0);
	meet();
	adapter = dma_adapter_new(&limits, NULL);
	assert_non_null(adapter);
	va = mem_alloc(4096, MEM_LINEAR, MEM_EXTENSION, NULL);
	/* the queue goes round three times */
	for (unsigned n = 0; n < 400; n++) {
		at = dma_pin(adapter, va, 4096, "extension", 0);
		assert_int_equal(leads(at), mem_physical(va) | 3);
		/* clear of RAM, and of where BARs are */
		assert_in_range(at, 0x80000000, 0xc0000000 - 1);
		dma_unpin(adapter, va, 4096);
		meet();
		assert_int_equal(unit.everything, 2 + n);
		assert_int_equal(leads(at), 0);
	}
	assert_int_equal(unit.waits, 402);
	assert_int_equal(unit.others, 0);
	/* one that is slow: a read that comes behind the write is waited for */
	unit.takes_part_in_nothing = true;
	meet();
	dma_pin(adapter, va, 4096, "extension", 0);
	dma_unpin(adapter, va, 4096);
	meet();
	assert_int_equal(unit.everything, 402);
	/* a dead one is not */
	q.is_dead = true;
	dma_pin(adapter, va, 4096, "extension", 0);
	dma_unpin(adapter, va, 4096);
	q.is_dead = false;
	mem_free(va, 4096);
	dma_adapter_free(adapter);
}

static void fault_add(uint64_t address, unsigned reason, bool is_read)
{
	meet();
	unit.fault[unit.faults].low = address;
	unit.fault[unit.faults++].high = (uint64_t)is_read << 62 | (uint64_t)reason << 32 | 0x20;
	meet();
}

static void faults_are_told_and_taken(void **state)
{
	assert_int_equal(qemu_iommu_start(&q, 3), 0);
	meet();
	qemu_iommu_faults_take(&q);
	meet();
	assert_int_equal(told_count, 0);
	fault_add(0x12345000, 5, false);
	fault_add(0x90000000, 6, true);
	fault_add(0x1000, 2, true);
	unit.overflows = true;
	meet();
	qemu_iommu_faults_take(&q);
	meet();
	assert_int_equal(unit.faults, 0);
	assert_false(unit.overflows);
	assert_int_equal(told_count, 3);
	assert_string_equal(told[0], "device 3 (nvme): write of bus address 0x12345000 failed: the "
				     "iommu has no mapping there");
	assert_string_equal(told[1], "device 3 (nvme): read of bus address 0x90000000 failed: the "
				     "iommu has no mapping there");
	assert_string_equal(told[2], "device 3 (nvme): read of bus address 0x1000 failed: the "
				     "iommu's reason is 2 (VT-d, fault reasons)");
	/* more than one look takes: it comes back for the rest */
	for (unsigned n = 0; n < 100; n++)
		fault_add(0x1000 * n, 5, false);
	qemu_iommu_faults_take(&q);
	meet();
	assert_int_equal(unit.faults, 36);
	qemu_iommu_faults_take(&q);
	meet();
	assert_int_equal(unit.faults, 0);
	assert_int_equal(told_count, 103);
	/* those that nobody saw are told at the end */
	fault_add(0x5000, 5, false);
	qemu_iommu_end(&q);
	assert_int_equal(told_count, 104);
}

static void who_comes_back_rings_for_himself(void **state)
{
	uint64_t rung;

	assert_int_equal(qemu_iommu_start(&q, 3), 0);
	meet();
	for (unsigned n = 0; n < 64; n++)
		fault_add(0x1000 * n, 5, false);
	qemu_iommu_faults_take(&q);
	meet();
	assert_int_equal(read(q.event[QEMU_FAULT_EVENT], &rung, 8), -1);
	for (unsigned n = 0; n < 65; n++)
		fault_add(0x1000 * n, 5, false);
	qemu_iommu_faults_take(&q);
	meet();
	assert_int_equal(read(q.event[QEMU_FAULT_EVENT], &rung, 8), 8);
	qemu_iommu_faults_take(&q);
	meet();
	assert_int_equal(unit.faults, 0);
}

static void assert_refused(const char *why)
{
	assert_int_equal(qemu_iommu_start(&q, 3), -EPROTO);
	meet();
	if (!strstr(dry_error(), why))
		fail_msg("%s", dry_error());
}

static void one_that_lacks_something_is_refused(void **state)
{
	unit.cap = 0x220ull / 16 << 24 | 0x400;
	meet();
	assert_refused("lacks 39 bits of address or the invalidation queue (CAP 22000400, ECAP 2)");
	qemu_iommu_free(&q);
	unit.cap |= 0x200;
	unit.ecap = 0;
	meet();
	assert_refused("lacks 39 bits");
	qemu_iommu_free(&q);
	unit.ecap = 2;
	unit.deaf = 1u << 31;
	meet();
	assert_refused("does not take command 80000000");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_on_when_it_has_its_tables_and_tells_of_faults),
		TEST(an_end_is_waited_for),
		TEST(faults_are_told_and_taken),
		TEST(who_comes_back_rings_for_himself),
		TEST(one_that_lacks_something_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
