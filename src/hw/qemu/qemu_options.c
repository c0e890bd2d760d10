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
#include <linux/io_uring.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A file's, in bytes, that is told from its folder on. */
#define LONG_NAME 256

/* ---- words ---- */

void qemu_words_add(struct qemu_words *words, const char *format, ...)
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

char *qemu_part_words(const struct hw_device *q, enum qemu_part part)
{
	const char *words[] = {q->drive_words, q->device_words, q->unit_words};
	char *text = NULL;
	int length = -1;

	if (!words[part])
		return NULL;
	switch (part) {
	case QEMU_DRIVE:
		length = asprintf(&text, "%s,id=d%u", words[part], q->turn);
		break;
	case QEMU_DEVICE:
		/* One that has a disk apart is no drive's. */
		length = q->unit_words ? asprintf(&text, "%s,id=c%u", words[part], q->turn)
				       : asprintf(&text, "%s,id=c%u,drive=d%u", words[part],
						 q->turn, q->turn);
		break;
	case QEMU_UNIT:
		length = asprintf(&text, "%s,drive=d%u,bus=c%u.0", words[part], q->turn, q->turn);
		break;
	}
	return length < 0 ? NULL : text;
}

static void part_add(struct hw_device *q, const char *option, enum qemu_part part)
{
	char *words = qemu_part_words(q, part);

	qemu_words_add(&q->words, "%s", option);
	if (words)
		qemu_words_add(&q->words, "%s", words);
	else
		q->words.has_failed = true;
	free(words);
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

/* The blocks that the device knows, for blkdebug (QEMU's docs/devel/blkdebug.txt), in a file: a
 * line for the monitor, by which the disk comes again, has no room for them. */
static int faults_make(struct hw_device *q, const struct hw_config *config)
{
	q->fd.faults = memfd_create("dryport-faults", MFD_CLOEXEC);
	if (q->fd.faults < 0)
		return error_set(errno, "qemu: %s.", strerror(errno));
	for (unsigned n = 0; n < config->medium->count; n++) {
		const struct medium_fault *fault = &config->medium->fault[n];

		if (dprintf(q->fd.faults,
			    "[inject-error]\nevent = \"none\"\niotype = \"%s\"\n"
			    "sector = \"%llu\"\nerrno = \"5\"\n",
			    fault->is_write ? "write" : "read",
			    (unsigned long long)(fault->block * (config->block_size / 512))) < 0)
			return error_set(errno, "qemu: %s.", strerror(errno));
	}
	return 0;
}

/* The file's name as QEMU is to have it. One that is too long for a line of the monitor's is told
 * from its folder on, where what it refers to is found as well. */
static int file_name(struct hw_device *q, const char *disk, char *file, size_t size)
{
	const char *last = strrchr(disk, '/');
	char *folder;

	if (strlen(disk) < LONG_NAME || access(disk, F_OK) || !last) {
		/* One with a colon is no address. */
		bool is_relative = disk[0] != '/' && !access(disk, F_OK);

		memcpy(file, "./", 3);
		escape(disk, file + (is_relative ? 2 : 0), size - 2);
		return 0;
	}
	folder = strndup(disk, (size_t)(last + 1 - disk));
	q->fd.folder = folder ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	free(folder);
	if (q->fd.folder < 0)
		return error_set(errno, "--disk %s: %s.", disk, strerror(errno));
	snprintf(file, size, "/proc/self/fd/%d/", q->fd.folder);
	escape(last + 1, file + strlen(file), size - strlen(file));
	return 0;
}

/* With a ring what the page cache has is read at once, instead of by another thread. Containers and
 * administrators may forbid rings. */
static const char *aio(void)
{
	struct io_uring_params parameters = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 1, &parameters);

	return ring >= 0 && !close(ring) ? "io_uring" : "threads";
}

static int drive_add(struct hw_device *q, const struct hw_config *config)
{
	char file[4096], format[32], image[4300];
	int err = config->medium ? faults_make(q, config) : 0;

	if (!hw_option(config->options, "format", format, sizeof(format)))
		snprintf(format, sizeof(format), "%s",
			config->disk ? format_of(config->disk) : "raw");
	if (config->disk && strlen(config->disk) >= sizeof(file) / 2)
		return error_set(ENAMETOOLONG, "--disk: its name is too long.");
	if (config->disk && !err)
		err = file_name(q, config->disk, file, sizeof(file));
	else
		snprintf(file, sizeof(file), "/proc/self/fd/%d", q->fd.disk);
	if (err)
		return err;
	/* Above the image's format. As a file's name: else an address would not be taken for one.
	 */
	if (config->medium)
		snprintf(image, sizeof(image),
			"file=blkdebug:/proc/self/fd/%d:%s,format=raw,file.image.driver=%s",
			q->fd.faults, file, format);
	else
		snprintf(image, sizeof(image), "file=%s,format=%s", file, format);
	/* The default would stop the machine at an error. */
	if (asprintf(&q->drive_words, "%s,if=none,aio=%s,rerror=report,werror=report%s", image,
		    aio(), config->read_only ? ",readonly=on" : "") < 0)
		q->drive_words = NULL;
	part_add(q, "-drive", QEMU_DRIVE);
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
		if (of_unit != is_unit || is_key(item, length, "format") ||
			is_key(item, length, "bridge"))
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
	char own[1024], unit[1024], blocks[96] = "", always[64] = "", place[32], behind[64];
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
	if (!err)
		err = qemu_bridges_make(q, rest);
	if (err)
		return err;
	qemu_bridges_place(q, place, sizeof(place));
	if (kind->always) {
		char key[32], value[32];

		snprintf(key, sizeof(key), "%.*s", (int)strcspn(kind->always, "="), kind->always);
		if (!hw_option(rest, key, value, sizeof(value)))
			snprintf(always, sizeof(always), ",%s", kind->always);
	}
	if (config->block_size != 512)
		snprintf(blocks, sizeof(blocks), ",logical_block_size=%u,physical_block_size=%u",
			config->block_size, config->block_size);
	if (asprintf(&q->device_words, "%s,%s%s%s%s%s", q->device, place, always, behind,
		    kind->unit ? "" : blocks, own) < 0)
		q->device_words = NULL;
	if (!kind->unit && unit[0])
		return error_set(EINVAL, "--hw qemu:%s has no disk apart from itself: no disk.%s.",
			q->device, unit + 1);
	if (kind->unit && asprintf(&q->unit_words, "%s%s%s", kind->unit, blocks, unit) < 0) {
		q->unit_words = NULL;
		q->words.has_failed = true;
	}
	part_add(q, "-device", QEMU_DEVICE);
	if (kind->unit)
		part_add(q, "-device", QEMU_UNIT);
	return 0;
}

/* ---- the rest ---- */

/* A timer that ticks would wake two processes 18 times a second, for nothing. */
static void machine_add(struct hw_device *q)
{
	static const char *const fixed[] = {"qemu-system-x86_64", "-accel", "tcg", "-nodefaults",
		"-no-user-config", "-display", "none", "-serial", "none", "-monitor", "none",
		"-parallel", "none", "-net", "none", "-machine",
		"q35,memory-backend=ram0,usb=off,hpet=off,pit=off,smbus=off,sata=off,vmport=off"};
	uint64_t mib = mem_fd_size() >> 20;

	for (size_t n = 0; n < array_size(fixed); n++)
		qemu_words_add(&q->words, "%s", fixed[n]);
	qemu_words_add(&q->words, "-m");
	qemu_words_add(&q->words, "%lluM", (unsigned long long)mib);
	qemu_words_add(&q->words, "-object");
	qemu_words_add(&q->words,
		"memory-backend-file,id=ram0,size=%lluM,mem-path=/proc/self/fd/%d,share=on",
		(unsigned long long)mib, mem_fd());
	/* Its id must be this one. */
	qemu_words_add(&q->words, "-chardev");
	qemu_words_add(&q->words, "socket,id=qtest,fd=%d", q->fd.test_theirs);
	qemu_words_add(&q->words, "-qtest");
	qemu_words_add(&q->words, "chardev:qtest");
	qemu_words_add(&q->words, "-qtest-log");
	qemu_words_add(&q->words, "none");
	qemu_words_add(&q->words, "-chardev");
	qemu_words_add(&q->words, "socket,id=control,fd=%d", q->fd.control_theirs);
	qemu_words_add(&q->words, "-mon");
	qemu_words_add(&q->words, "chardev=control,mode=control");
	qemu_words_add(&q->words, "-bios");
	qemu_words_add(&q->words, "/proc/self/fd/%d", q->fd.bios);
	if (q->has_iommu) {
		qemu_words_add(&q->words, "-device");
		qemu_words_add(&q->words, "intel-iommu,intremap=off,aw-bits=39");
	}
	qemu_words_add(&q->words, "-chardev");
	qemu_words_add(&q->words, "socket,id=doorbell,fd=%d", q->fd.doorbell_theirs);
	qemu_words_add(&q->words, "-device");
	qemu_words_add(&q->words, "ivshmem-doorbell,chardev=doorbell,vectors=%d,addr=%d",
		QEMU_VECTORS, QEMU_DOORBELL_SLOT);
}

int qemu_words_make(struct hw_device *q, const struct hw_config *config)
{
	int err;

	q->has_bad_blocks = config->medium;
	machine_add(q);
	err = drive_add(q, config);
	if (!err)
		err = device_add(q, config);
	if (!err && q->words.has_failed)
		err = error_set(ENOMEM, "--hw qemu: no memory for the command line.");
	return err;
}
