/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The kinds of faults, and plans as text. See faults.h; faults.c carries them out. */
#include "hw/faults.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY (FAULT_READ | FAULT_WRITE | FAULT_DMA | FAULT_DONE | FAULT_IRQ)

static const struct {
	const char *name;
	unsigned sorts;
	const char *help;
} kinds[FAULT_KINDS] = {
	[FAULT_IRQ_LATE] = {"irq-late", FAULT_IRQ, "the interrupt comes 2 seconds later"},
	[FAULT_IRQ_LOST] = {"irq-lost", FAULT_IRQ, "the interrupt does not come"},
	[FAULT_IRQ_TWICE] = {"irq-twice", FAULT_IRQ, "the interrupt comes again 10 us later"},
	[FAULT_IRQ_SPURIOUS] = {"irq-spurious", ANY, "an interrupt that means nothing comes"},
	[FAULT_DONE_LATE] = {"done-late", FAULT_DONE, "the completion comes 2 seconds later"},
	[FAULT_DONE_LOST] = {"done-lost", FAULT_DONE, "the completion does not come"},
	[FAULT_DONE_SWAPPED] = {"done-swapped", FAULT_DONE,
		"the completion comes after the next one, or 2 seconds later"},
	[FAULT_DONE_TWICE] = {"done-twice", FAULT_DONE, "the completion comes twice"},
	[FAULT_DONE_UNKNOWN] = {"done-unknown", FAULT_DONE,
		"before the completion comes one of a command that was never given"},
	[FAULT_DMA_LATE] = {"dma-late", FAULT_DMA, "the device waits 2 seconds for memory"},
	[FAULT_DMA_REFUSED] = {"dma-refused", FAULT_DMA,
		"the access to memory fails, and the device is told so"},
	[FAULT_DMA_ASTRAY] = {"dma-astray", FAULT_DMA,
		"the device uses a wrong address: what it writes is lost, what it reads is ones"},
	[FAULT_REG_ONES] = {"reg-ones", FAULT_READ, "for 2 seconds registers read all ones"},
	[FAULT_GONE] = {"gone", ANY,
		"surprise removal: reads give ones, nothing else passes any more"},
};

const char *fault_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

const char *fault_help(enum fault_kind kind)
{
	return kinds[kind].help;
}

unsigned fault_sorts(enum fault_kind kind)
{
	return kinds[kind].sorts;
}

static int unknown_kind(const char *word, size_t length)
{
	char all[256] = "";
	size_t used = 0;

	for (unsigned n = 0; n < FAULT_KINDS; n++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s",
			n == 0		      ? ""
			: n + 1 < FAULT_KINDS ? ", "
					      : " and ",
			kinds[n].name);
	return error_set(
		EINVAL, "--fault %.*s: no such kind; there are %s.", (int)length, word, all);
}

static int fault_parse(struct fault *fault, const char *word, size_t length)
{
	const char *at = memchr(word, '@', length);
	size_t name = at ? (size_t)(at - word) : length;
	unsigned long long step = 0;
	unsigned kind = 0;
	char *end = NULL;

	while (kind < FAULT_KINDS &&
		(strlen(kinds[kind].name) != name || memcmp(kinds[kind].name, word, name)))
		kind++;
	if (kind == FAULT_KINDS)
		return unknown_kind(word, name);
	if (at && at[1] >= '0' && at[1] <= '9')
		step = strtoull(at + 1, &end, 10);
	if (end != word + length || step < 1 || step > FAULT_STEP_MAX)
		return error_set(EINVAL, "--fault %.*s: KIND@STEP is wanted, STEP from 1 to %u.",
			(int)length, word, FAULT_STEP_MAX);
	*fault = (struct fault){(enum fault_kind)kind, (uint32_t)step};
	return 0;
}

int fault_plan_parse(struct fault_plan *plan, const char *text)
{
	*plan = (struct fault_plan){.count = 0};
	for (;;) {
		size_t length = strcspn(text, ",");
		int err;

		if (plan->count == FAULTS_MAX)
			return error_set(
				EINVAL, "--fault: %d faults at most are possible.", FAULTS_MAX);
		err = fault_parse(&plan->fault[plan->count++], text, length);
		if (err || !text[length])
			return err;
		text += length + 1;
	}
}

void fault_plan_print(const struct fault_plan *plan, char *text, size_t size)
{
	size_t used = 0;

	text[0] = 0;
	for (unsigned n = 0; n < plan->count && used < size; n++)
		used += (size_t)snprintf(text + used, size - used, "%s%s@%u", n ? "," : "",
			kinds[plan->fault[n].kind].name, plan->fault[n].step);
}
