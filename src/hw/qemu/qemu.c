/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * QEMU's device models as hardware: birth and end of one. See qemu.h.
 */
#include "hw/qemu/qemu_iommu.h"
#include "cpu/cpu.h"
#include "dma/dma.h"
#include "hw/medium.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int qemu_destroy(struct hw_device *q)
{
	struct bus_function *function;
	bool has_gone;

	pthread_mutex_lock(&q->end);
	function = atomic_exchange(&q->function, NULL);
	pthread_mutex_unlock(&q->end);
	qemu_iommu_end(q);
	qemu_process_end(q);
	qemu_iommu_free(q);
	has_gone = q->has_gone;
	if (function)
		bus_function_free(function);
	qemu_bridges_free(q);
	pthread_mutex_destroy(&q->lock);
	pthread_mutex_destroy(&q->qmp.lock);
	pthread_mutex_destroy(&q->said.lock);
	pthread_mutex_destroy(&q->end);
	free(q);
	return has_gone ? error_set(EIO, "the device's process ended before the machine did.") : 0;
}

static int medium_size_check(struct hw_device *q, const struct hw_config *config)
{
	uint64_t bytes;
	int err = qemu_qmp_disk_size(q, &bytes);

	return err ? err : medium_check(config->medium, bytes / config->block_size);
}

static int qemu_create(const struct hw_config *config, struct hw_device **device)
{
	struct hw_device *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return error_set(ENOMEM, "no memory for a QEMU device.");
	memset(&q->fd, 0xff, sizeof(q->fd));
	memset(q->event, 0xff, sizeof(q->event));
	q->epoll = q->wake = -1;
	q->uses_line = true;
	q->gone = config->gone;
	q->has_iommu = dma_engine_used() == DMA_IOMMU;
	pthread_mutex_init(&q->lock, NULL);
	pthread_mutex_init(&q->end, NULL);
	pthread_mutex_init(&q->qmp.lock, NULL);
	pthread_mutex_init(&q->said.lock, NULL);
	q->sender = cpu_agent_new_inline(qemu_test_send, q);
	err = q->sender ? qemu_process_start(q, config)
			: error_set(ENOMEM, "no memory for a QEMU device.");
	if (!err)
		err = qemu_pci_begin(q);
	if (!err)
		err = qemu_qmp_begin(q);
	q->qmp.has_begun = !err;
	if (!err && config->medium)
		err = medium_size_check(q, config);
	if (!err)
		err = qemu_pci_add(q);
	if (q->pid && q->is_dead)
		err = qemu_process_failed(q);
	if (err) {
		char reason[1024];

		error_take(reason, sizeof(reason));
		qemu_destroy(q);
		return error_set(-err, "%s", reason);
	}
	qemu_said_tell(q);
	qemu_thread_watch(q, true);
	*device = q;
	return 0;
}

static const struct hw_model qemu = {
	.name = "qemu",
	.help = "a device of QEMU's, in a process of its own: qemu:nvme, qemu:virtio-blk-pci ...",
	.describe = qemu_offer,
	.is_process = true,
	.create = qemu_create,
	.destroy = qemu_destroy,
};

DRY_HW(qemu)
