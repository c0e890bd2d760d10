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
 *	qemu_qmp.c      the client of QMP, by which the process itself is controlled
 *	qemu_bridge.c   bridges between the root bus and the device
 *	qemu_slot.c     the device is pulled out of its slot, and another put in
 *	qemu_said.c     what the process says on its standard error
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
#define QEMU_DEVICE_SLOT   4 /* of the device, or of the first of its bridges */

/* Where a function is, as configuration space is addressed: bus and slot. */
#define QEMU_WHERE(bus, slot) ((unsigned)((bus) << 5 | (slot)))

#define QEMU_BRIDGES 4 /* one behind the other */

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
	int faults, folder;    /* blkdebug's rules; where an image with a long name is */
	int said, said_theirs; /* its standard error */
};

/* The device's configuration space, as it is there, and what was found in it. */
struct qemu_pci {
	uint8_t space[256];
	struct bus_function_config config;
	uint64_t bar[BUS_BARS]; /* where src/bus has put them */
	uint16_t command;
	bool msix; /* which messages are enabled */
	unsigned msi;
	unsigned where;	    /* QEMU_WHERE */
	uint8_t express_at; /* the PCI Express capability; 0: none */
	bool has_reset;	    /* of its own: function-level reset */
	bool is_there;	    /* BARs are programmed */
};

struct qemu_qmp {
	pthread_mutex_t lock;
	char in[65536];
	size_t used;
	int64_t id; /* of the last command */
	bool is_greeted, has_begun, is_over, is_quitting, has_told;
	_Atomic unsigned
		deleted; /* times that the device was, and that it was said that it is not */
	_Atomic unsigned refused;
	char shutdown[64]; /* why, if not by us */
};

/* What the process has said, and nobody was told yet. */
struct qemu_said {
	pthread_mutex_t lock;
	char text[2048];
	size_t used;
	unsigned told;	/* lines */
	char last[256]; /* of them */
	bool is_told;	/* at once, line by line */
};

/* One of the bridges on the way to the device. */
struct qemu_bridge {
	struct hw_device *q;
	const struct qemu_bridge_kind *kind;
	char id[8];
	unsigned where;
	uint8_t space[256];
	struct bus_function *function;
};

struct hw_device {
	struct qemu_fds fd;
	struct qemu_words words;
	/* What makes a drive, the device, and its disk (NULL: it is that itself), but for their
	 * ids: dN and cN for the N-th device in the slot, as a deleted one may keep its. */
	char *drive_words, *device_words, *unit_words;
	unsigned turn;
	bool has_bad_blocks;
	bool is_out;	 /* of its slot */
	bool lacks_slot; /* which was said */
	struct qemu_qmp qmp;
	struct qemu_said said;
	struct qemu_bridge bridge[QEMU_BRIDGES];
	unsigned bridges;
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
	char out[2048];	 /* of those, the last ones: not sent yet */
	size_t out_used;
	struct cpu_agent *sender; /* sends them when their DPC is over; NULL: each at once */
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
void qemu_words_add(struct qemu_words *words, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void qemu_words_free(struct qemu_words *words);

enum qemu_part { QEMU_DRIVE, QEMU_DEVICE, QEMU_UNIT };
/* The words of one, with ids; NULL: there is no such, or no memory. The caller frees them. */
char *qemu_part_words(const struct hw_device *q, enum qemu_part part);

/* ---- qemu_process.c ---- */

/* Sockets, files and the thread, which starts the process. -errno with error_set, then
 * qemu_process_end is to be called as well. */
int qemu_process_start(struct hw_device *q, const struct hw_config *config);
/* It has ended before the device was there: -EINVAL or so with error_set that says why. */
int qemu_process_failed(struct hw_device *q);
void qemu_process_end(struct hw_device *q);
/* On the thread that stays as long as the process is to live. */
int qemu_process_spawn(struct hw_device *q);
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
 * line. What a DPC writes is sent together, at its end at the latest (cpu_agent_kick). */
void qemu_write(struct hw_device *q, bool is_port, uint64_t address, unsigned size, uint64_t value);
/* Interrupt lines of the I/O APIC are told from now on; 0 or -EIO. */
int qemu_lines_watch(struct hw_device *q);
/* Sends what was written: the sender's step. */
void qemu_test_send(void *q);
/* Takes what has come without being asked for. */
void qemu_test_drain(struct hw_device *q);

/* ---- qemu_pci.c ---- */

/* Offsets and bits of configuration space that its files share. */
enum {
	QEMU_COMMAND = 0x04,
	QEMU_STATUS_LIST = 0x10, /* of the status register's low byte, at 6 */
	QEMU_LIST = 0x34,
	QEMU_CAPABILITY_EXPRESS = 0x10
};
/* All 256 bytes. */
void qemu_space_read(struct hw_device *q, unsigned where, uint8_t *space);
/* Gives the device the addresses and messages that src/bus has for it. */
void qemu_pci_place(struct hw_device *q);

uint32_t qemu_config_read(struct hw_device *q, unsigned where, unsigned offset, unsigned size);
void qemu_config_write(
	struct hw_device *q, unsigned where, unsigned offset, unsigned size, uint32_t value);
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

/* ---- qemu_qmp.c ---- */

struct json_t;
enum qemu_qmp_kind {
	QEMU_QMP_UNKNOWN,
	QEMU_QMP_GREETING,
	QEMU_QMP_ANSWER,
	QEMU_QMP_REFUSAL,
	QEMU_QMP_EVENT
};
enum qemu_qmp_kind qemu_qmp_kind_of(const struct json_t *said);
/* Hears the greeting. All that follow: any host thread; -errno with error_set in QEMU's words. */
int qemu_qmp_begin(struct hw_device *q);
/* A command; arguments (or NULL) are given away, what it returns goes to *result, if wanted, which
 * the caller drops. */
int qemu_qmp_call(struct hw_device *q, const char *command, struct json_t *arguments,
	struct json_t **result, unsigned ms);
/* A line for the monitor for people, and the first line that it said. */
int qemu_qmp_monitor(struct hw_device *q, const char *line, char *said, size_t size);
/* Of its image, as a disk. */
int qemu_qmp_disk_size(struct hw_device *q, uint64_t *bytes);
/* Waits until the device has been deleted once more than before. -ETIMEDOUT: not yet. */
int qemu_qmp_deleted_wait(struct hw_device *q, unsigned before, unsigned ms);
/* Takes what has come without being asked for. */
void qemu_qmp_drain(struct hw_device *q);
/* Asks the process to end; false: it does not hear. */
bool qemu_qmp_quit(struct hw_device *q);

/* ---- qemu_bridge.c ---- */

/* From which a device can be pulled: by PCI Express's hot-plug, or the Standard Hot-Plug Controller
 * of conventional bridges. */
enum qemu_slot { QEMU_SLOT_NONE, QEMU_SLOT_EXPRESS, QEMU_SLOT_STANDARD };

struct qemu_bridge_kind {
	const char *device;
	const char *number; /* the property that tells apart those of a kind; NULL: none */
	uint8_t first_slot; /* behind it, that a device can be in */
	bool is_root;	    /* on the root bus, and nowhere else */
	enum qemu_slot slot;
};
/* The bridges that the option `bridge` names, KIND/KIND/..., as words. -errno with error_set. */
int qemu_bridges_make(struct hw_device *q, const char *options);
/* The device's bus and slot, for its words: "bus=b0,addr=0". */
void qemu_bridges_place(const struct hw_device *q, char *text, size_t size);
/* Finds them and puts them on the bus, and tells the configuration of the device where it is. */
int qemu_bridges_add(struct hw_device *q);
void qemu_bridges_free(struct hw_device *q);

/* ---- qemu_slot.c ---- */

/* bus_function_ops.plug */
int qemu_slot_plug(void *device, bool in);

/* ---- qemu_said.c ---- All: any host thread. */

/* Takes what has come; false: no more will. */
bool qemu_said_take(struct hw_device *q);
/* From now on it is told at once. What it has said until now is nobody's matter, as it started. */
void qemu_said_tell(struct hw_device *q);
/* What was not told, in one line, for a message, warnings left out; else the last that was. */
void qemu_said_words(struct hw_device *q, char *text, size_t size);

/* ---- qemu_thread.c ---- */

int qemu_thread_start(struct hw_device *q);
void qemu_thread_end(struct hw_device *q);
/* The line is used, or messages are. */
void qemu_thread_watch(struct hw_device *q, bool line);

#endif
