/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The intel-iommu of a QEMU process as a unit of src/dma (--engine iommu). Intel Virtualization
 * Technology for Directed I/O, Architecture Specification (VT-d), legacy mode: root and context
 * tables, second-level page tables of three levels, queued invalidation, fault recording.
 *
 *	qemu_iommu_table.c  the tables, in the RAM that the process shares
 *	qemu_iommu.c        registers, the queue, faults
 */
#ifndef DRY_HW_QEMU_QEMU_IOMMU_H
#define DRY_HW_QEMU_QEMU_IOMMU_H

#include "hw/qemu/qemu.h"
#include "dma/iommu_unit.h"

#define QEMU_TABLE_REACH  (1ull << 32) /* addresses below are translated, others lead nowhere */
#define QEMU_TABLE_LEAF	  (1ull << 21) /* what a lowest table translates */
#define QEMU_TABLE_LEAVES (QEMU_TABLE_REACH / QEMU_TABLE_LEAF)

/* Tables as the processor sees them; each is a page of RAM of its own. */
struct qemu_table {
	uint64_t *root, *context;
	uint64_t *top;
	uint64_t *middle[QEMU_TABLE_REACH >> 30];
	uint64_t *leaf[QEMU_TABLE_LEAVES];
};

/* Every device of the process, on whatever bus, is translated by these tables. -ENOMEM with
 * error_set; then, as at the end, qemu_table_fini. */
int qemu_table_init(struct qemu_table *table);
void qemu_table_fini(struct qemu_table *table);
/* The physical address of the root table. */
uint64_t qemu_table_root(const struct qemu_table *table);
/* struct dma_unit_ops has what these do. */
int qemu_table_reserve(struct qemu_table *table, uint64_t address, uint64_t bytes);
void qemu_table_set(struct qemu_table *table, uint64_t address, uint64_t physical, unsigned access);
bool qemu_table_clear(struct qemu_table *table, uint64_t address, uint64_t physical);

/* A page of RAM for the unit, zero. NULL with error_set. */
void *qemu_table_page(void);
void qemu_table_page_free(void *page);

/* Turns translation on, and has src/dma fill the tables for this device (dma_constraints.device).
 * -errno with error_set. After the device is on the bus, before it masters it. */
int qemu_iommu_start(struct hw_device *q, unsigned device);
/* Tells the faults that are left. This and what follows do nothing where it was not started. */
void qemu_iommu_end(struct hw_device *q);
/* When the process and the thread are gone. */
void qemu_iommu_free(struct hw_device *q);
/* Reports what the unit has recorded. Any host thread. */
void qemu_iommu_faults_take(struct hw_device *q);

#endif
