/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Faults that dereferenced registers and port instructions cause (trap.h): which of them are
 * carried out, and the way there. All of it but the life runs in a signal's handler.
 * Neighbours: bar.c (which addresses), trap_decode.c, trap_perform.c (where it goes on).
 */
#include "bus/function.h"
#include "bus/trap.h"
#include "nt/nt.h"
#include "util/layout.h"
#include "util/sanitizer.h"

#include <cpuid.h>
#include <string.h>
#include <ucontext.h>

#define RED_ZONE       128
#define FLAG_TRAP      0x100u
#define FLAG_DIRECTION 0x400u
#define FLAG_ALIGNMENT 0x40000u

_Static_assert(offsetof(struct trap_frame, rip) == 128 &&
		       offsetof(struct trap_frame, flags) == 136 &&
		       offsetof(struct trap_frame, resume) == 144 &&
		       offsetof(struct trap_frame, xsave) == 152 &&
		       offsetof(struct trap_frame, code) == 160,
	"trap_stub.S has these");

struct trap_xsave trap_xsave;

/* Where the kernel has them, by the numbers of instructions. */
static const uint8_t greg[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI,
	REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void frame_fill(struct trap_frame *f, const greg_t *gregs)
{
	for (unsigned n = 0; n < array_size(greg); n++)
		f->gpr[n] = (uint64_t)gregs[greg[n]];
	f->rip = (uint64_t)gregs[REG_RIP];
	f->flags = (uint64_t)gregs[REG_EFL];
}

void trap_context_restore(const struct trap_frame *f, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	for (unsigned n = 0; n < array_size(greg); n++)
		gregs[greg[n]] = (greg_t)f->gpr[n];
	gregs[REG_RIP] = (greg_t)f->rip;
	gregs[REG_EFL] = (greg_t)f->flags;
}

/* All pages of the operand are registers that the driver has mapped. */
static bool is_mapped(uintptr_t at, unsigned size)
{
	return bus_window_of_memory(at) && bus_window_of_memory(at + size - 1);
}

/* The driver goes on at trap_entry, with a copy of the frame on its own stack. */
static void redirect(const struct trap_frame *frame, greg_t *gregs)
{
	/* an instruction may push 8 bytes before it ends, and trap_perform adds words below */
	uintptr_t top = frame->gpr[TRAP_RSP] - RED_ZONE - 8 * TRAP_RESUME - 8;
	uintptr_t area = round_down(top - trap_xsave.bytes, 64);
	struct trap_frame *f = (struct trap_frame *)round_down(area - sizeof(*f), 64);

	sanitizer_unpoison(f, top - (uintptr_t)f);
	*f = *frame;
	f->xsave = (void *)area;
	/* what XSAVE leaves alone: the header behind the 512 bytes of FXSAVE */
	memset((char *)area + 512, 0, 64);
	gregs[REG_RBX] = gregs[REG_RDI] = gregs[REG_RSP] = (greg_t)f;
	gregs[REG_RIP] = (greg_t)trap_entry;
	gregs[REG_EFL] &= ~(greg_t)(FLAG_TRAP | FLAG_DIRECTION | FLAG_ALIGNMENT);
}

bool trap_fault(void *owner, uintptr_t address, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	const struct bus_window *w = bus_window_of_memory(address);
	struct trap_frame frame;

	frame_fill(&frame, gregs);
	frame.plan.name = NULL;
	/* a jump to it: whoever looked for its caller would look at code that is none */
	if (frame.rip == address)
		return false;
	if (!w) {
		nt_violation(0, "direct access to bus address 0x%llx, where no device is mapped",
			(unsigned long long)(address - LAYOUT_REGISTERS));
		return false;
	}
	if (trap_copy_is_possible() && trap_xsave.bytes && trap_decode(&frame) &&
		(frame.plan.kind == TRAP_STRING ||
			(address - frame.plan.address < frame.plan.size &&
				is_mapped(frame.plan.address, frame.plan.size)))) {
		redirect(&frame, gregs);
		return true;
	}
	nt_violation(0,
		"direct access to register BAR %u + 0x%x of %s by an instruction (%s) that is not "
		"carried out; use the accessors (StorPortReadRegisterUlong, READ_REGISTER_ULONG "
		"...)",
		w->bar, (unsigned)(address - w->base), w->function->config.name,
		frame.plan.name ? frame.plan.name : "unknown");
	return false;
}

/* A privileged instruction: of these there are some for ports. */
static bool trap_port(void *owner, uintptr_t unused, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct trap_frame frame;

	frame_fill(&frame, gregs);
	/* nothing can be read where no address can be */
	if (frame.rip >> 47 || !trap_xsave.bytes || !trap_decode(&frame))
		return false;
	if (frame.plan.kind != TRAP_IN && frame.plan.kind != TRAP_OUT &&
		(frame.plan.kind != TRAP_STRING ||
			(frame.plan.string != TRAP_INS && frame.plan.string != TRAP_OUTS)))
		return false;
	if (!bus_window_of_port(frame.plan.address))
		return false;
	redirect(&frame, gregs);
	return true;
}

/* As large as the components that this processor and its kernel have (SDM volume 1, 13.4). */
static void xsave_measure(void)
{
	uint32_t eax, ebx, ecx, edx, enabled;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE))
		return;
	__asm__("xgetbv" : "=a"(enabled), "=d"(edx) : "c"(0));
	trap_xsave.bytes = 512 + 64;
	for (unsigned n = 2; n < 8; n++) {
		if (!(TRAP_XSAVE_MASK & enabled & 1u << n))
			continue;
		__cpuid_count(0xd, n, eax, ebx, ecx, edx);
		trap_xsave.bytes = max_of(trap_xsave.bytes, ebx + eax);
		if (n == 5)
			trap_xsave.masks = ebx;
	}
}

int trap_init(void)
{
	xsave_measure();
	trap_counts_clear();
	cpu_fault_privileged = trap_port;
	return trap_copy_init();
}

void trap_fini(void)
{
	cpu_fault_privileged = NULL;
	trap_copy_fini();
}
