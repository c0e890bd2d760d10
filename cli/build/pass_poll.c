/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Safepoints on loop back-edges, so that a driver that spins on memory is interrupted as on
 * a PC.
 *
 * A back-edge is an edge to a block that is on the stack of a depth-first walk. Before the
 * jump of such a block stands
 *
 *	if (!(++turns & 63))
 *		__dry_poll(turns);
 *
 * where turns is a local variable of the function's activation, which lives in a register.
 * No memory is shared, so ThreadSanitizer has nothing to see and two threads never touch the
 * same counter, and how often a run polls depends on nothing but the path it takes, as
 * replay needs. A loop that only waits polls within 64 turns. A turn costs 0.1 to 0.2 ns;
 * what is lost is that a loop with a call in it is not vectorised (adding up bytes: 0.35 ns
 * each instead of 0.14).
 */
#include "ir.h"

#include <stdlib.h>

enum { POLL_TURNS = 64, NEW = 0, ON_STACK = 1, DONE = 2 };

struct walk {
	LLVMValueRef function;
	LLVMBasicBlockRef *block;
	unsigned char *state, *latch;
	unsigned *stack, *next; /* next successor to look at, for each block on the stack */
	unsigned count;
};

static int block_order(const void *a, const void *b)
{
	const LLVMBasicBlockRef *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static unsigned block_index(const struct walk *walk, LLVMBasicBlockRef block)
{
	LLVMBasicBlockRef *found =
		bsearch(&block, walk->block, walk->count, sizeof(block), block_order);

	return (unsigned)(found - walk->block);
}

static void *zeroed(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p)
		fail(STATUS_FAILED, "out of memory");
	return p;
}

static void walk_init(struct walk *walk, LLVMValueRef f)
{
	walk->function = f;
	walk->count = LLVMCountBasicBlocks(f);
	walk->block = zeroed(walk->count, sizeof(*walk->block));
	walk->state = zeroed(walk->count, 1);
	walk->latch = zeroed(walk->count, 1);
	walk->stack = zeroed(walk->count, sizeof(*walk->stack));
	walk->next = zeroed(walk->count, sizeof(*walk->next));
	LLVMGetBasicBlocks(f, walk->block);
	qsort(walk->block, walk->count, sizeof(*walk->block), block_order);
}

static void walk_fini(struct walk *walk)
{
	free(walk->block);
	free(walk->state);
	free(walk->latch);
	free(walk->stack);
	free(walk->next);
}

/* Marks the blocks from which a back-edge leaves; whether there are any. */
static bool walk_run(struct walk *walk)
{
	unsigned depth = 0;
	bool any = false;

	walk->stack[depth++] = block_index(walk, LLVMGetEntryBasicBlock(walk->function));
	walk->state[walk->stack[0]] = ON_STACK;
	while (depth) {
		unsigned at = walk->stack[depth - 1], to;
		LLVMValueRef jump = LLVMGetBasicBlockTerminator(walk->block[at]);

		if (walk->next[at] == LLVMGetNumSuccessors(jump)) {
			walk->state[at] = DONE;
			depth--;
			continue;
		}
		to = block_index(walk, LLVMGetSuccessor(jump, walk->next[at]++));
		if (walk->state[to] == ON_STACK)
			walk->latch[at] = any = true;
		if (walk->state[to] != NEW)
			continue;
		walk->state[to] = ON_STACK;
		walk->stack[depth++] = to;
	}
	return any;
}

/*
 * Splits a block before its jump: a new block in front takes everything but the jump. So the
 * jump stays in the block that it was in, and the phis of its successors remain true.
 */
static LLVMBasicBlockRef block_split(const struct ir *ir, LLVMBasicBlockRef block)
{
	LLVMBasicBlockRef front = LLVMInsertBasicBlockInContext(ir->context, block, "turn");
	LLVMValueRef jump = LLVMGetBasicBlockTerminator(block), first;

	LLVMReplaceAllUsesWith(LLVMBasicBlockAsValue(block), LLVMBasicBlockAsValue(front));
	ir_at_end(ir, front);
	while ((first = LLVMGetFirstInstruction(block)) != jump) {
		LLVMInstructionRemoveFromParent(first);
		LLVMInsertIntoBuilder(ir->builder, first);
	}
	return front;
}

static void poll_insert(const struct ir *ir, LLVMBasicBlockRef block, LLVMValueRef turns)
{
	LLVMValueRef jump = LLVMGetBasicBlockTerminator(block), n, due;
	LLVMTypeRef type = LLVMFunctionType(ir->nothing, (LLVMTypeRef[]){ir->i32}, 1, 0);
	LLVMBasicBlockRef front = block_split(ir, block);
	LLVMBasicBlockRef poll = LLVMInsertBasicBlockInContext(ir->context, block, "poll");
	LLVMBuilderRef b = ir->builder;

	ir_at_end(ir, front);
	LLVMSetCurrentDebugLocation2(b, LLVMInstructionGetDebugLoc(jump));
	n = LLVMBuildAdd(b, LLVMBuildLoad2(b, ir->i32, turns, ""), ir_int(ir, 1), "");
	LLVMBuildStore(b, n, turns);
	due = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAnd(b, n, ir_int(ir, POLL_TURNS - 1), ""),
		ir_int(ir, 0), "");
	ir_set_rare(ir, LLVMBuildCondBr(b, due, poll, block));
	LLVMPositionBuilderAtEnd(b, poll);
	LLVMBuildCall2(b, type, ir_declare(ir, "__dry_poll", type), &n, 1, "");
	LLVMBuildBr(b, block);
}

static void function_poll(const struct ir *ir, LLVMValueRef f)
{
	struct walk walk = {0};
	LLVMValueRef turns;

	walk_init(&walk, f);
	if (walk_run(&walk)) {
		ir_before(ir, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(f)));
		LLVMSetCurrentDebugLocation2(ir->builder, NULL);
		turns = LLVMBuildAlloca(ir->builder, ir->i32, "turns");
		LLVMBuildStore(ir->builder, ir_int(ir, 0), turns);
		for (unsigned i = 0; i < walk.count; i++)
			if (walk.latch[i])
				poll_insert(ir, walk.block[i], turns);
	}
	walk_fini(&walk);
}

void pass_poll(struct ir *ir)
{
	ir_each_function(ir, f) if (!LLVMIsDeclaration(f)) function_poll(ir, f);
}
