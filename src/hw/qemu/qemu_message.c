/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Messages. The device's MSI or MSI-X is programmed to write to the doorbell register of an
 * ivshmem-doorbell device in the same process, with the message's number as the data: QEMU then
 * writes to an eventfd of ours. For that we are the ivshmem server, whose handshake is queued
 * before the process starts, and peer 0, as the data of MSI has but 16 bits and the peer stands
 * above them. Masking and pending bits are src/bus's: what is enabled is unmasked there.
 */
#include "hw/qemu/qemu.h"
#include "mem/mem.h"
#include "util/error.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define US	       0
#define QEMU	       1
#define SHARED_BYTES   4096 /* a power of two; nobody looks at it */
#define MSI_CONTROL    2
#define MSI_ADDRESS    4
#define MSI_DATA       12
#define MSI_ENABLE     1
#define MSI_GRANTED    4
#define MSIX_ENABLE    (1 << 15)
#define MSIX_ENTRY     16
#define COMMAND_MEMORY 2

/* Numbers are 8 bytes, little-endian; a file may go with one. */
static int offer(int socket, int64_t number, int fd)
{
	uint64_t wire = htole64((uint64_t)number);
	struct iovec bytes = {&wire, sizeof(wire)};
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) == sizeof(wire) ? 0 : -errno;
}

int qemu_doorbell_offer(struct hw_device *q, int socket)
{
	int memory = memfd_create("dryport-doorbell", MFD_CLOEXEC);
	int err = memory < 0 || ftruncate(memory, SHARED_BYTES) ? -errno : 0;

	if (!err)
		err = offer(socket, 0, -1); /* the protocol's version */
	if (!err)
		err = offer(socket, QEMU, -1);
	if (!err)
		err = offer(socket, -1, memory);
	for (unsigned n = 0; n < QEMU_VECTORS && !err; n++) {
		q->event[n] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		err = q->event[n] < 0 ? -errno : offer(socket, US, q->event[n]);
	}
	if (memory >= 0)
		close(memory);
	return err ? error_set(-err, "qemu: the doorbell: %s.", strerror(-err)) : 0;
}

void qemu_doorbell_place(struct hw_device *q)
{
	qemu_config_write(q, QEMU_DOORBELL_SLOT, 0x10, 4, (uint32_t)QEMU_DOORBELL);
	qemu_config_write(q, QEMU_DOORBELL_SLOT, 0x04, 2, COMMAND_MEMORY);
}

static uint32_t ring(const struct hw_device *q)
{
	return (uint32_t)(q->has_iommu ? QEMU_DOORBELL_SEEN | (QEMU_DOORBELL_RING & MEM_PAGE_MASK)
				       : QEMU_DOORBELL_RING);
}

static void msix_program(struct hw_device *q)
{
	const struct bus_function_config *config = &q->pci.config;
	uint64_t table = q->pci.bar[config->msix_bar] + config->msix_offset;

	for (unsigned n = 0; n < config->msix_messages; n++) {
		uint64_t entry = table + n * MSIX_ENTRY;

		qemu_write(q, false, entry, 4, ring(q));
		qemu_write(q, false, entry + 4, 4, 0);
		qemu_write(q, false, entry + 8, 4, US << 16 | n);
		qemu_write(q, false, entry + 12, 4, 0);
	}
}

static void msi_program(struct hw_device *q, unsigned granted)
{
	unsigned at = q->pci.config.msi_at;

	qemu_config_write(q, QEMU_DEVICE_SLOT, at + MSI_ADDRESS, 4, ring(q));
	qemu_config_write(q, QEMU_DEVICE_SLOT, at + MSI_ADDRESS + 4, 4, 0);
	qemu_config_write(q, QEMU_DEVICE_SLOT, at + MSI_DATA, 2, US << 16);
	qemu_config_write(q, QEMU_DEVICE_SLOT, at + MSI_CONTROL, 2,
		MSI_ENABLE | (uint32_t)__builtin_ctz(granted) << MSI_GRANTED);
}

void qemu_messages_set(struct hw_device *q, bool msix, unsigned msi)
{
	const struct bus_function_config *config = &q->pci.config;

	qemu_thread_watch(q, !msix && !msi);
	if (msix)
		msix_program(q);
	if (config->msix_messages)
		qemu_config_write(
			q, QEMU_DEVICE_SLOT, config->msix_at + 2u, 2, msix ? MSIX_ENABLE : 0);
	if (msi)
		msi_program(q, msi);
	else if (config->msi_messages)
		qemu_config_write(q, QEMU_DEVICE_SLOT, config->msi_at + MSI_CONTROL, 2, 0);
}
