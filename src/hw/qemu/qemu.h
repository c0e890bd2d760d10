/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the files of hw/qemu/ share: a process of QEMU's whose device models are the machine's
 * hardware. No guest runs in it. RAM is shared (mem_config.is_shared): the device finds it by
 * physical address, and moves data without a copy.
 *
 *	qemu.c          the model: options, birth, end
 *	qemu_kind.c     which device models there are
 *	qemu_options.c  from --hw qemu:DEVICE,PROPERTY=... to QEMU's command line
 *	qemu_process.c  starts and ends the process; nothing of it outlives us
 *	qemu_test.c     the client of QEMU's qtest protocol: registers, lines
 *	qemu_pci.c      the device as a function of src/bus
 *	qemu_message.c  messages: through an ivshmem-doorbell device to eventfds of ours
 *	qemu_firmware.c what its processor does: nothing, or it tells of the iommu's faults
 *	qemu_iommu*     its intel-iommu: qemu_iommu.h
 *	qemu_thread.c   the thread that waits for interrupts, and for the end of the process
 *
 * One process has one device, so that several have no lock in common. Facts and traps:
 * docs/qemu.md.
 */
#ifndef DRY_HW_QEMU_QEMU_H
#define DRY_HW_QEMU_QEMU_H

#include "bus/bus.h"
#include "hw/hw.h"
#include "util/common.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#define QEMU_VECTORS	 64		    /* of one ivshmem peer: a limit of QEMU's */
#define QEMU_FAULT_EVENT (QEMU_VECTORS - 1) /* behind the iommu this one is not the device's */

/* Where things lie in the process's own address space; BARs of the device lie where src/bus puts
 * them. */
#define QEMU_MMCONFIG	   0xb0000000ull
#define QEMU_DOORBELL	   0xd0000000ull /* BAR 0 of the ivshmem device */
#define QEMU_DOORBELL_RING (QEMU_DOORBELL + 12)
#define QEMU_DOORBELL_SEEN 0xcffff000ull /* its page, as the device sees it behind the iommu */
#define QEMU_DOORBELL_SLOT 3
#define QEMU_DEVICE_SLOT   4

/* Words for a command line. */
struct qemu_words {
	char *word[128];
	unsigned count;
	bool has_failed; /* no memory, or too many */
};

/* Our end of each, and what the process inherits by number. -1: none. */
struct qemu_fds {
	int test, test_theirs;
	int control, control_theirs;   /* QMP */
	int doorbell, doorbell_theirs; /* the handshake waits in it */
	int bios, disk;
	int said; /* what it writes to its standard error */
};

/* The device's configuration space, as it is there, and what was found in it. */
struct qemu_pci {
	uint8_t space[256];
	struct bus_function_config config;
	uint64_t bar[BUS_BARS]; /* where src/bus has put them */
	uint16_t command;
	bool msix; /* which messages are enabled */
	unsigned msi;
	uint8_t express_at; /* the PCI Express capability; 0: none */
	bool has_reset;	    /* of its own: function-level reset */
	bool is_there;	    /* BARs are programmed */
};

struct hw_device {
	struct qemu_fds fd;
	struct qemu_words words;
	char device[64]; /* QEMU's name of it */
	pid_t pid;
	pthread_t thread;
	bool has_thread;
	_Atomic int spawn_result; /* 1: not yet; else 0 or -errno */
	_Atomic uint32_t spawn_end;

	/* qemu_test.c */
	pthread_mutex_t lock;
	_Atomic bool is_dead;
	bool is_silent;	 /* it lives, but did not answer in time */
	unsigned posted; /* writes whose answers were not read yet */
	char in[4096];
	size_t in_from, in_to;
	uint32_t lines; /* interrupt lines that are raised, a bit each */

	/* qemu_thread.c */
	int epoll, wake;
	int event[QEMU_VECTORS];
	_Atomic bool ends;
	_Atomic bool uses_line; /* nobody enabled messages */

	pthread_mutex_t end; /* whoever sees it first: we, or the thread */
	void (*gone)(const char *why);
	bool has_gone; /* by itself */

	bool has_iommu; /* --engine iommu */
	struct qemu_iommu *_Atomic iommu;

	struct qemu_pci pci;
	struct bus_function *_Atomic function;
};

/* ---- qemu_kind.c ---- */

/* A disk controller, and what a disk on its bus is; NULL: it is the disk itself. */
struct qemu_kind {
	const char *device, *unit;
	const char *always; /* a property that it must have, with a value if none is given */
	bool is_tested;
};

/* n-th, NULL past the end. */
const struct qemu_kind *qemu_kind_get(unsigned n);
const struct qemu_kind *qemu_kind_find(const char *device);
/* hw_model.describe: what the QEMU of this computer has. One thread at a time. */
const char *qemu_offer(void);

/* ---- qemu_options.c ---- */

/* The command line for the device that the options name. -errno with error_set. */
int qemu_words_make(struct hw_device *q, const struct hw_config *config);
void qemu_words_free(struct qemu_words *words);

/* ---- qemu_process.c ---- */

/* Sockets, files and the thread, which starts the process. -errno with error_set, then
 * qemu_process_end is to be called as well. */
int qemu_process_start(struct hw_device *q, const struct hw_config *config);
/* It has ended before the device was there: -EINVAL or so with error_set that says why. */
int qemu_process_failed(struct hw_device *q);
void qemu_process_end(struct hw_device *q);
/* On the thread that stays as long as the process is to live. */
int qemu_process_spawn(struct hw_device *q);
/* What it said on its standard error, for a message, warnings left out. */
void qemu_process_words(const struct hw_device *q, char *text, size_t size);

/* Its end, that came by itself, in a sentence. On the thread. */
void qemu_process_why(struct hw_device *q, char *text, size_t size);

/* ---- qemu_firmware.c ---- */

/* A file of it: -errno. */
int qemu_firmware_make(int *fd);

/* ---- qemu_test.c ---- */

/* Guest physical memory (not RAM), or a port. size 1, 2, 4, 8 (ports: 4 at most). A read of a dead
 * process gives all ones. Any host thread. */
uint64_t qemu_read(struct hw_device *q, bool is_port, uint64_t address, unsigned size);
/* Returns before it is done there, in order with all others, unless the device interrupts by its
 * line. */
void qemu_write(struct hw_device *q, bool is_port, uint64_t address, unsigned size, uint64_t value);
/* Interrupt lines of the I/O APIC are told from now on; 0 or -EIO. */
int qemu_lines_watch(struct hw_device *q);
/* Takes what has come without being asked for. */
void qemu_test_drain(struct hw_device *q);

/* ---- qemu_pci.c ---- */

uint32_t qemu_config_read(struct hw_device *q, unsigned slot, unsigned offset, unsigned size);
void qemu_config_write(
	struct hw_device *q, unsigned slot, unsigned offset, unsigned size, uint32_t value);
/* Whether it is the host bridge that we know; puts up MMCONFIG. */
int qemu_pci_begin(struct hw_device *q);
/* Finds the device and puts it on the bus. */
int qemu_pci_add(struct hw_device *q);
/* The line that its process raises or lowers. */
void qemu_pci_line(struct hw_device *q, bool raised);

/* ---- qemu_message.c ---- */

/* Queues the handshake of an ivshmem server for the process that will read it from the socket. */
int qemu_doorbell_offer(struct hw_device *q, int socket);
/* Programs the doorbell's own BAR. */
void qemu_doorbell_place(struct hw_device *q);
/* Makes the device send what is enabled to the doorbell. */
void qemu_messages_set(struct hw_device *q, bool msix, unsigned msi);

/* ---- qemu_thread.c ---- */

int qemu_thread_start(struct hw_device *q);
void qemu_thread_end(struct hw_device *q);
/* The line is used, or messages are. */
void qemu_thread_watch(struct hw_device *q, bool line);

#endif
