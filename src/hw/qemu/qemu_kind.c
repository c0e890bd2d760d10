/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The disk controllers of QEMU that can be a machine's device, and which of them the QEMU of this
 * computer has.
 */
#include "hw/qemu/qemu.h"

#include <stdio.h>
#include <string.h>

static const struct qemu_kind kinds[] = {
	{"nvme", NULL, "serial=dryport", true},
	{"virtio-blk-pci", NULL, NULL, true},
	{"virtio-blk-pci-transitional", NULL, NULL, true},
	{"virtio-blk-pci-non-transitional", NULL, NULL, true},
	{"virtio-scsi-pci", "scsi-hd", NULL, true},
	{"virtio-scsi-pci-transitional", "scsi-hd", NULL, true},
	{"virtio-scsi-pci-non-transitional", "scsi-hd", NULL, true},
	{"ich9-ahci", "ide-hd", NULL, true},
	{"am53c974", "scsi-hd", NULL, false},
	{"dc390", "scsi-hd", NULL, false},
	{"lsi53c810", "scsi-hd", NULL, false},
	{"lsi53c895a", "scsi-hd", NULL, false},
	{"megasas", "scsi-hd", NULL, false},
	{"megasas-gen2", "scsi-hd", NULL, false},
	{"mptsas1068", "scsi-hd", NULL, false},
	{"pvscsi", "scsi-hd", NULL, false},
};

const struct qemu_kind *qemu_kind_get(unsigned n)
{
	return n < array_size(kinds) ? &kinds[n] : NULL;
}

const struct qemu_kind *qemu_kind_find(const char *device)
{
	for (size_t n = 0; n < array_size(kinds); n++)
		if (!strcmp(kinds[n].device, device))
			return &kinds[n];
	return NULL;
}

/* A line of its list: name "nvme", bus PCI, desc "Non-Volatile Memory Express" */
static void offer_add(char *text, size_t size, const char *line)
{
	const struct qemu_kind *kind;
	char device[64], what[128] = "";
	const char *desc = strstr(line, "desc \"");
	size_t used = strlen(text);

	if (sscanf(line, "name \"%63[^\"]\"", device) != 1)
		return;
	kind = qemu_kind_find(device);
	if (!kind)
		return;
	if (desc)
		sscanf(desc, "desc \"%127[^\"]\"", what);
	snprintf(text + used, size - used, "\n%s  %s%s", device,
		what[0] ? what : "a disk controller of QEMU's",
		kind->is_tested ? "" : " (untested)");
}

const char *qemu_offer(void)
{
	static char text[4096];
	char line[256];
	FILE *list;

	snprintf(text, sizeof(text),
		"PROPERTY=VALUE  any property that QEMU's device has\n"
		"bridge=KIND[/KIND...]  it is behind these bridges, pcie-root-port or others\n"
		"disk.PROPERTY=VALUE  of its disk, where that is a device of its own\n"
		"format=NAME  of the image, where it does not say itself");
	list = popen("qemu-system-x86_64 -device help 2>/dev/null", "re");
	while (list && fgets(line, sizeof(line), list))
		offer_add(text, sizeof(text), line);
	if (list && pclose(list))
		snprintf(text, sizeof(text),
			"DEVICE  there is no qemu-system-x86_64 here: install Debian's package "
			"qemu-system-x86");
	return text;
}
