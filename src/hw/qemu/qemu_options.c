/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * From --hw qemu:DEVICE,PROPERTY=VALUE,... and --disk to the process's command line. What we do not
 * know ourselves goes to QEMU, which says what it does not know.
 */
#include "hw/qemu/qemu.h"
#include "hw/medium.h"
#include "mem/mem.h"
#include "util/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- words ---- */

static __attribute__((format(printf, 2, 3))) void add(
	struct qemu_words *words, const char *format, ...)
{
	va_list list;
	int length;

	va_start(list, format);
	if (words->count + 1 >= array_size(words->word))
		words->has_failed = true;
	length = words->has_failed ? -1 : vasprintf(&words->word[words->count], format, list);
	va_end(list);
	if (length < 0)
		words->has_failed = true;
	else
		words->count++;
}

void qemu_words_free(struct qemu_words *words)
{
	while (words->count)
		free(words->word[--words->count]);
}

/* A comma in a value is written twice. */
static void escape(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text && used + 2 < size; text++) {
		out[used++] = *text;
		if (*text == ',')
			out[used++] = ',';
	}
	out[used] = 0;
}

/* ---- the disk ---- */

/* An image says what it is; QEMU's own guess would keep a raw one's first block from being written.
 */
static const char *format_of(const char *path)
{
	static const struct {
		const char *magic;
		unsigned length, offset;
		const char *format;
	} formats[] = {
		{"QFI\xfb", 4, 0, "qcow2"},
		{"QED", 4, 0, "qed"},
		{"KDMV", 4, 0, "vmdk"},
		{"vhdxfile", 8, 0, "vhdx"},
		{"conectix", 8, 0, "vpc"},
		{"\x7f\x10\xda\xbe", 4, 0x40, "vdi"},
	};
	char head[0x48] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : pread(fd, head, sizeof(head), 0);

	if (fd >= 0)
		close(fd);
	for (size_t i = 0; i < array_size(formats); i++)
		if (n == sizeof(head) &&
			!memcmp(head + formats[i].offset, formats[i].magic, formats[i].length))
			return formats[i].format;
	return "raw";
}

/* Above the image's format there are the blocks that the device knows. */
static void bad_blocks_add(const struct hw_config *config, char *text, size_t size)
{
	size_t used = strlen(text);

	for (unsigned n = 0; n < config->medium->count && used < size; n++) {
		const struct medium_fault *fault = &config->medium->fault[n];

		used += (size_t)snprintf(text + used, size - used,
			",file.inject-error.%u.event=none,file.inject-error.%u.iotype=%s"
			",file.inject-error.%u.sector=%llu,file.inject-error.%u.errno=5",
			n, n, fault->is_write ? "write" : "read", n,
			(unsigned long long)(fault->block * (config->block_size / 512)), n);
	}
}

static int drive_add(struct hw_device *q, const struct hw_config *config)
{
	char file[4096] = "", format[32], image[20000];

	if (!hw_option(config->options, "format", format, sizeof(format)))
		snprintf(format, sizeof(format), "%s",
			config->disk ? format_of(config->disk) : "raw");
	if (config->disk && strlen(config->disk) >= sizeof(file) / 2)
		return error_set(ENAMETOOLONG, "--disk: its name is too long.");
	/* A file's name with a colon is no address. */
	if (config->disk && config->disk[0] != '/' && !access(config->disk, F_OK))
		memcpy(file, "./", 3);
	if (config->disk)
		escape(config->disk, file + strlen(file), sizeof(file) - 2);
	else
		snprintf(file, sizeof(file), "/proc/self/fd/%d", q->fd.disk);
	if (config->medium) {
		/* As a file's name: else an address would not be taken for one. */
		snprintf(image, sizeof(image), "file=blkdebug::%s,format=raw,file.image.driver=%s",
			file, format);
		bad_blocks_add(config, image, sizeof(image));
	} else {
		snprintf(image, sizeof(image), "file=%s,format=%s", file, format);
	}
	add(&q->words, "-drive");
	/* The default would stop the machine at an error. */
	add(&q->words, "%s,if=none,id=d0,rerror=report,werror=report%s", image,
		config->read_only ? ",readonly=on" : "");
	return 0;
}

/* ---- the device ---- */

static bool is_key(const char *item, size_t length, const char *key)
{
	size_t n = strlen(key);

	return length >= n && !memcmp(item, key, n) && (length == n || item[n] == '=');
}

/* The options after the device's name that are to go to QEMU: for the device, or with is_unit those
 * that begin with "disk.". */
static int properties_make(const char *options, bool is_unit, char *out, size_t size)
{
	static const char *const ours[] = {"addr", "bus", "drive", "id"};
	size_t used = 0;

	out[0] = 0;
	for (const char *at = options; *at;) {
		size_t length = strcspn(at, ",");
		const char *item = at;
		bool of_unit = length > 5 && !memcmp(item, "disk.", 5);

		at += length + (at[length] == ',');
		for (size_t n = 0; n < array_size(ours); n++)
			if (is_key(item, length, ours[n]))
				return error_set(EINVAL,
					"--hw qemu: the property %s is dryport's own.", ours[n]);
		if (of_unit != is_unit || is_key(item, length, "format"))
			continue;
		if (used + length + 2 > size)
			return error_set(EINVAL, "--hw qemu: too many properties.");
		used += (size_t)snprintf(out + used, size - used, ",%.*s",
			(int)(length - (of_unit ? 5 : 0)), item + (of_unit ? 5 : 0));
	}
	return 0;
}

static int kind_unknown(const char *device)
{
	const struct qemu_kind *kind;
	char all[768];
	size_t used = 0;

	for (unsigned n = 0; (kind = qemu_kind_get(n)) != NULL; n++)
		used += (size_t)snprintf(
			all + used, sizeof(all) - used, "%s%s", n ? ", " : "", kind->device);
	return error_set(
		EINVAL, "--hw qemu:%s: there is no such device; there are %s.", device, all);
}

/* A virtio device goes round the iommu, unless it is told not to; then its driver has to accept
 * VIRTIO_F_ACCESS_PLATFORM, which those of before virtio 1.0 cannot. */
static int behind_iommu(const struct hw_device *q, const char *options, char *out, size_t size)
{
	const char *kind = q->device + strcspn(q->device, "-");
	bool is_modern = strstr(kind, "-non-transitional");
	char value[32];

	out[0] = 0;
	if (!q->has_iommu || strncmp(q->device, "virtio-", 7))
		return 0;
	if (strstr(kind, "-transitional") && !is_modern)
		return error_set(EINVAL,
			"--hw qemu:%s: a transitional device goes round the iommu; with --engine "
			"iommu "
			"take %.*s.",
			q->device, (int)(strlen(q->device) - strlen("-transitional")), q->device);
	if ((hw_option(options, "iommu_platform", value, sizeof(value)) && strcmp(value, "on")) ||
		(hw_option(options, "disable-legacy", value, sizeof(value)) && strcmp(value, "on")))
		return error_set(EINVAL,
			"--hw qemu:%s: with --engine iommu iommu_platform and disable-legacy are "
			"on.",
			q->device);
	snprintf(out, size, ",iommu_platform=on%s", is_modern ? "" : ",disable-legacy=on");
	return 0;
}

static int device_add(struct hw_device *q, const struct hw_config *config)
{
	size_t length = strcspn(config->options, ",");
	const char *rest = config->options + length + (config->options[length] == ',');
	const struct qemu_kind *kind;
	char own[1024], unit[1024], blocks[96] = "", always[64] = "", behind[64];
	int err;

	snprintf(q->device, sizeof(q->device), "%.*s", (int)min_of(length, sizeof(q->device) - 1),
		config->options);
	kind = qemu_kind_find(q->device);
	if (!kind)
		return kind_unknown(q->device);
	err = properties_make(rest, false, own, sizeof(own));
	if (!err)
		err = properties_make(rest, true, unit, sizeof(unit));
	if (!err)
		err = behind_iommu(q, rest, behind, sizeof(behind));
	if (err)
		return err;
	if (kind->always) {
		char key[32], value[32];

		snprintf(key, sizeof(key), "%.*s", (int)strcspn(kind->always, "="), kind->always);
		if (!hw_option(rest, key, value, sizeof(value)))
			snprintf(always, sizeof(always), ",%s", kind->always);
	}
	if (config->block_size != 512)
		snprintf(blocks, sizeof(blocks), ",logical_block_size=%u,physical_block_size=%u",
			config->block_size, config->block_size);
	add(&q->words, "-device");
	add(&q->words, "%s,id=c0,addr=%d%s%s%s%s%s", q->device, QEMU_DEVICE_SLOT,
		kind->unit ? "" : ",drive=d0", always, behind, kind->unit ? "" : blocks, own);
	if (!kind->unit && unit[0])
		return error_set(EINVAL, "--hw qemu:%s has no disk apart from itself: no disk.%s.",
			q->device, unit + 1);
	if (kind->unit) {
		add(&q->words, "-device");
		add(&q->words, "%s,drive=d0,bus=c0.0%s%s", kind->unit, blocks, unit);
	}
	return 0;
}

/* ---- the rest ---- */

static void machine_add(struct hw_device *q)
{
	static const char *const fixed[] = {"qemu-system-x86_64", "-accel", "tcg", "-nodefaults",
		"-no-user-config", "-display", "none", "-serial", "none", "-monitor", "none",
		"-parallel", "none", "-net", "none", "-machine",
		"q35,memory-backend=ram0,usb=off,hpet=off"};
	uint64_t mib = mem_fd_size() >> 20;

	for (size_t n = 0; n < array_size(fixed); n++)
		add(&q->words, "%s", fixed[n]);
	add(&q->words, "-m");
	add(&q->words, "%lluM", (unsigned long long)mib);
	add(&q->words, "-object");
	add(&q->words, "memory-backend-file,id=ram0,size=%lluM,mem-path=/proc/self/fd/%d,share=on",
		(unsigned long long)mib, mem_fd());
	/* Its id must be this one. */
	add(&q->words, "-chardev");
	add(&q->words, "socket,id=qtest,fd=%d", q->fd.test_theirs);
	add(&q->words, "-qtest");
	add(&q->words, "chardev:qtest");
	add(&q->words, "-qtest-log");
	add(&q->words, "none");
	add(&q->words, "-chardev");
	add(&q->words, "socket,id=control,fd=%d", q->fd.control_theirs);
	add(&q->words, "-mon");
	add(&q->words, "chardev=control,mode=control");
	add(&q->words, "-bios");
	add(&q->words, "/proc/self/fd/%d", q->fd.bios);
	if (q->has_iommu) {
		add(&q->words, "-device");
		add(&q->words, "intel-iommu,intremap=off,aw-bits=39");
	}
	add(&q->words, "-chardev");
	add(&q->words, "socket,id=doorbell,fd=%d", q->fd.doorbell_theirs);
	add(&q->words, "-device");
	add(&q->words, "ivshmem-doorbell,chardev=doorbell,vectors=%d,addr=%d", QEMU_VECTORS,
		QEMU_DOORBELL_SLOT);
}

int qemu_words_make(struct hw_device *q, const struct hw_config *config)
{
	int err;

	machine_add(q);
	err = drive_add(q, config);
	if (!err)
		err = device_add(q, config);
	if (!err && q->words.has_failed)
		err = error_set(ENOMEM, "--hw qemu: no memory for the command line.");
	return err;
}
