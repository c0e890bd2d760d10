/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Into and out of a trapped access, and the execution of an instruction's copy (trap.h). The offsets
 * are those of struct trap_frame; trap.c asserts them.
 *
 * A signal's handler without a stack of its own may write below the stack pointer's red zone at any
 * moment. So the stack pointer is never above something that is still needed.
 */
#define GPR(n)	   (8 * (n))
#define RIP	   128
#define FLAGS	   136
#define RESUME	   144
#define XSAVE	   152
#define CODE	   160
#define XSAVE_MASK 0xe7

	.text

/* All but rsp and rdi, of the frame in rdi. */
	.macro	registers_load
	movq	GPR(0)(%rdi), %rax
	movq	GPR(1)(%rdi), %rcx
	movq	GPR(2)(%rdi), %rdx
	movq	GPR(3)(%rdi), %rbx
	movq	GPR(5)(%rdi), %rbp
	movq	GPR(6)(%rdi), %rsi
	movq	GPR(8)(%rdi), %r8
	movq	GPR(9)(%rdi), %r9
	movq	GPR(10)(%rdi), %r10
	movq	GPR(11)(%rdi), %r11
	movq	GPR(12)(%rdi), %r12
	movq	GPR(13)(%rdi), %r13
	movq	GPR(14)(%rdi), %r14
	movq	GPR(15)(%rdi), %r15
	.endm

/* For unwinders: register REG (DWARF's number) is in the frame, to which rbx points, at 8 * N. */
	.macro	cfi_in_frame reg, n
	.if	\n < 8
	.cfi_escape 0x10, \reg, 2, 0x73, 8 * \n
	.else
	.cfi_escape 0x10, \reg, 3, 0x73, ((8 * \n) & 0x7f) | 0x80, (8 * \n) >> 7
	.endif
	.endm

/*
 * Where the handler lets the driver's processor go on: rdi and rbx are the frame, rsp is its first
 * byte. To an unwinder it is a signal's frame: the instruction that faulted called it.
 */
	.globl	trap_entry
	.hidden	trap_entry
	.type	trap_entry, @function
	.balign	16
trap_entry:
	.cfi_startproc
	.cfi_signal_frame
	/* CFA = *(rbx + GPR(4)), the driver's rsp */
	.cfi_escape 0x0f, 3, 0x73, GPR(4), 0x06
	cfi_in_frame 0, 0
	cfi_in_frame 2, 1
	cfi_in_frame 1, 2
	cfi_in_frame 3, 3
	cfi_in_frame 6, 5
	cfi_in_frame 4, 6
	cfi_in_frame 5, 7
	cfi_in_frame 8, 8
	cfi_in_frame 9, 9
	cfi_in_frame 10, 10
	cfi_in_frame 11, 11
	cfi_in_frame 12, 12
	cfi_in_frame 13, 13
	cfi_in_frame 14, 14
	cfi_in_frame 15, 15
	cfi_in_frame 16, 16
	movq	XSAVE(%rbx), %rcx
	movl	$XSAVE_MASK, %eax
	xorl	%edx, %edx
	xsave64	(%rcx)
	movq	%rbx, %rdi
	call	trap_perform
	movq	XSAVE(%rbx), %rcx
	movl	$XSAVE_MASK, %eax
	xorl	%edx, %edx
	xrstor64 (%rcx)
	movq	%rbx, %rdi
	registers_load
	/* three words below the driver's red zone, where trap_perform has put them */
	movq	RESUME(%rdi), %rsp
	popq	%rdi
	popfq
	ret	$128
	.cfi_endproc
	.size	trap_entry, . - trap_entry

/* void trap_execute(struct trap_frame *frame): the copy at frame->code, with the frame's registers
 * save rsp, which the copy does not use. It ends with a jump to trap_executed. */
	.globl	trap_execute
	.hidden	trap_execute
	.type	trap_execute, @function
	.balign	16
trap_execute:
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	movq	XSAVE(%rdi), %rcx
	movl	$XSAVE_MASK, %eax
	xorl	%edx, %edx
	xrstor64 (%rcx)
	pushq	CODE(%rdi)
	.cfi_adjust_cfa_offset 8
	pushq	FLAGS(%rdi)
	.cfi_adjust_cfa_offset 8
	registers_load
	movq	GPR(7)(%rdi), %rdi
	popfq
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_adjust_cfa_offset -8

	.globl	trap_executed
	.hidden	trap_executed
trap_executed:
	pushfq
	.cfi_adjust_cfa_offset 8
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	movq	16(%rsp), %rdi
	movq	%rax, GPR(0)(%rdi)
	movq	%rcx, GPR(1)(%rdi)
	movq	%rdx, GPR(2)(%rdi)
	movq	%rbx, GPR(3)(%rdi)
	movq	%rbp, GPR(5)(%rdi)
	movq	%rsi, GPR(6)(%rdi)
	movq	%r8, GPR(8)(%rdi)
	movq	%r9, GPR(9)(%rdi)
	movq	%r10, GPR(10)(%rdi)
	movq	%r11, GPR(11)(%rdi)
	movq	%r12, GPR(12)(%rdi)
	movq	%r13, GPR(13)(%rdi)
	movq	%r14, GPR(14)(%rdi)
	movq	%r15, GPR(15)(%rdi)
	popq	GPR(7)(%rdi)
	.cfi_adjust_cfa_offset -8
	popq	FLAGS(%rdi)
	.cfi_adjust_cfa_offset -8
	/* the flags that our own code wants as they are always */
	pushq	$2
	.cfi_adjust_cfa_offset 8
	popfq
	.cfi_adjust_cfa_offset -8
	movq	XSAVE(%rdi), %rcx
	movl	$XSAVE_MASK, %eax
	xorl	%edx, %edx
	xsave64	(%rcx)
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	ret
	.cfi_endproc
	.size	trap_execute, . - trap_execute

	.section .note.GNU-stack, "", @progbits
