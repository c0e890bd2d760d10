/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The firmware of a QEMU process, in place of one that would program devices while we do: its
 * processor halts at once. An NMI, which an iommu sends for a fault, makes it ring the doorbell and
 * halt again. All that it reads lies in the firmware itself; an NMI's frame is pushed below 4 KiB,
 * where RAM is nobody's (src/mem/frames.c).
 */
#include "hw/qemu/qemu.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES	  65536
#define START	  0xfff0 /* where an x86 processor begins, from the firmware's start */
#define CODE	  0x8000
#define PROTECTED (CODE + 0x1e) /* of the code below, where it is 32 bits */
#define ON_NMI	  0x8040
#define GDT	  0x8080
#define GDT_AT	  0x80a0
#define IDT_AT	  0x80a8
#define IDT	  0x80b0
#define STACK	  0x1000

#define LOW(n)	(n) & 0xff, (n) >> 8 & 0xff
#define LONG(n) LOW((n)&0xffff), LOW((n) >> 16 & 0xffff)
/* The firmware ends where 32 bits do. */
#define LINEAR(n) LONG(0xffff0000u + (n))

static const uint8_t start[] = {0xe9, LOW(CODE - START - 3)}; /* jmp CODE */

/* 16 bits, from CODE on */
static const uint8_t code[] = {
	0x66, 0x2e, 0x0f, 0x01, 0x16, LOW(GDT_AT), /* lgdtl %cs:GDT_AT */
	0x66, 0x2e, 0x0f, 0x01, 0x1e, LOW(IDT_AT), /* lidtl %cs:IDT_AT */
	0x0f, 0x20, 0xc0,			   /* mov %cr0, %eax */
	0x0c, 0x01,				   /* or $1, %al */
	0x0f, 0x22, 0xc0,			   /* mov %eax, %cr0 */
	0x66, 0xea, LINEAR(PROTECTED), 8, 0,	   /* ljmpl $8, PROTECTED */
	/* 32 bits */
	0x66, 0xb8, 0x10, 0x00, /* mov $0x10, %ax */
	0x8e, 0xd8,		/* mov %eax, %ds */
	0x8e, 0xd0,		/* mov %eax, %ss */
	0xbc, LONG(STACK),	/* mov $STACK, %esp */
	0xf4,			/* hlt */
	0xeb, 0xfd,		/* jmp to the hlt */
};

static const uint8_t on_nmi[] = {
	0xc7, 0x05, LONG(QEMU_DOORBELL_RING), LONG(QEMU_FAULT_EVENT), /* movl $EVENT, RING */
	0xcf,							      /* iret */
};

/* None, and flat ones of 4 GiB: code, data; both accessed already, as nobody can write here. */
static const uint64_t gdt[] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff};
static const uint8_t gdt_at[] = {LOW(sizeof(gdt) - 1), LINEAR(GDT)};
static const uint8_t idt_at[] = {LOW(3 * 8 - 1), LINEAR(IDT)};
/* Exceptions 0 and 1 are none; NMI: an interrupt gate. */
static const uint8_t idt[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* */
	LOW(ON_NMI), 8, 0, 0, 0x8e, LOW(0xffff)};

static const struct {
	unsigned at, bytes;
	const void *what;
} parts[] = {
	{START, sizeof(start), start},
	{CODE, sizeof(code), code},
	{ON_NMI, sizeof(on_nmi), on_nmi},
	{GDT, sizeof(gdt), gdt},
	{GDT_AT, sizeof(gdt_at), gdt_at},
	{IDT_AT, sizeof(idt_at), idt_at},
	{IDT, sizeof(idt), idt},
};

int qemu_firmware_make(int *fd)
{
	*fd = memfd_create("dryport-firmware", MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, BYTES))
		return -errno;
	for (size_t n = 0; n < array_size(parts); n++)
		if (pwrite(*fd, parts[n].what, parts[n].bytes, parts[n].at) !=
			(ssize_t)parts[n].bytes)
			return -EIO;
	return 0;
}
