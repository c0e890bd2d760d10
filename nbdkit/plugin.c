/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * nbdkit-dryport-plugin: a machine whose units are NBD exports. Every key=value but `driver`, which
 *names the miniport, `status` and `sg` is an option of the machine. `dryport run` starts nbdkit
 *with it (cli/server.c) and reads its state from the page of status.h; by hand it works too:
 *
 *	nbdkit ./nbdkit-dryport-plugin.so simple.so hw=simple size=64M
 */
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "sg/server.h"
#include "status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

/* I/O errors told in full; a client that goes on regardless makes thousands */
#define ERRORS_TOLD 5

static struct dry_machine *machine;
static struct dry_status *status;
static struct dry_status no_page; /* without dryport run, nobody reads it */
static char *driver;
static char *sg_folder; /* the units are SCSI devices too, for who finds this folder */
static struct sg_server *sg;
static bool started;
static _Atomic unsigned errors;

static void plugin_load(void)
{
	status = &no_page;
	machine = dry_machine_new();
}

/* The machine has failed: dryport run prints the message; without it we do. */
static int fail(const char *message)
{
	snprintf(status->message, sizeof(status->message), "%s", message);
	status->state = DRY_STATUS_FAILED;
	if (status == &no_page)
		nbdkit_error("%s", message);
	return -1;
}

/* ---- options ---- */

static int status_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *page = MAP_FAILED;

	if (fd >= 0) {
		page = mmap(NULL, sizeof(*status), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (page == MAP_FAILED) {
		nbdkit_error("status=%s: %s", path, strerror(errno));
		return -1;
	}
	status = page;
	status->pid = getpid();
	return 0;
}

static bool is_file_option(const char *name)
{
	const struct dry_option *option;
	unsigned n;

	for (n = 0; (option = dry_option_get(n)); n++)
		if (!strcmp(option->name, name))
			return !strcmp(option->argument, "FILE");
	return false;
}

static int plugin_config(const char *key, const char *value)
{
	char *path;
	int err;

	if (!strcmp(key, "status"))
		return status_map(value);
	if (!strcmp(key, "driver")) {
		free(driver);
		driver = nbdkit_realpath(value);
		return driver ? 0 : -1;
	}
	if (!strcmp(key, "sg")) {
		free(sg_folder);
		sg_folder = nbdkit_absolute_path(value);
		return sg_folder ? 0 : -1;
	}
	if (!machine)
		return fail("out of memory");
	/* nbdkit changes its folder when it goes into the background; nbd://HOST is in none */
	path = is_file_option(key) && !strstr(value, "://") ? nbdkit_absolute_path(value) : NULL;
	err = dry_machine_set(machine, key, path ? path : value);
	free(path);
	return err < 0 ? fail(dry_error()) : 0;
}

static int plugin_config_complete(void)
{
	if (driver)
		return 0;
	return fail("driver=FILE is missing: the miniport, a .so of dryport build");
}

#define CONFIG_HELP                                                                                \
	"driver=FILE   (required) the miniport, made by dryport build\n"                           \
	"sg=FOLDER     serve SCSI commands there too (dryport run --sg)\n"                         \
	"hw=DEVICE     the device; `dryport hw` lists them\n"                                      \
	"KEY=VALUE     any option of the machine that `dryport run --help` lists"

/* ---- the machine's life ---- */

static int machine_undo(const char *message)
{
	dry_machine_stop(machine);
	started = false;
	return fail(message);
}

/* After the fork: threads do not outlive one. */
static int plugin_after_fork(void)
{
	struct dry_unit_info info;
	char message[512];

	status->pid = getpid();
	if (dry_machine_start(machine, driver) < 0)
		return fail(dry_error());
	started = true;
	if (!dry_unit_count(machine))
		return machine_undo("the driver came up, but it has no disk: no unit answered");
	if (sg_folder) {
		sg = sg_server_start(machine, sg_folder);
		if (!sg) {
			snprintf(message, sizeof(message),
				"SCSI commands cannot be served in %.200s: %s", sg_folder,
				strerror(errno));
			return machine_undo(message);
		}
	}
	dry_unit_info(dry_unit_get(machine, 0), &info);
	status->size = info.size;
	status->state = DRY_STATUS_READY;
	return 0;
}

static void log_read(void)
{
	uint32_t code = 0;

	status->log_result = dry_ioctl(
		dry_unit_get(machine, 0), "DRYSIMPL", 0, status->log, sizeof(status->log), &code);
}

/* All connections of NBD are closed: nothing of those clients' is under way. */
static void plugin_cleanup(void)
{
	if (!started)
		return;
	started = false;
	if (sg)
		sg_server_close(sg);
	if (status->log_wanted)
		log_read();
	status->stop_result = dry_machine_stop(machine);
	if (status->stop_result < 0)
		snprintf(status->message, sizeof(status->message), "%s", dry_error());
	sg_server_free(sg);
	sg = NULL;
	dry_machine_summary(machine, &status->summary);
	status->state = DRY_STATUS_STOPPED;
}

static void plugin_unload(void)
{
	plugin_cleanup();
	if (machine)
		dry_machine_free(machine);
	free(driver);
	free(sg_folder);
}

/* ---- exports ---- */

static struct dry_unit *unit_find(const char *name)
{
	struct dry_unit_info info;
	struct dry_unit *unit;
	char *end;
	unsigned n;

	if (!*name)
		return dry_unit_get(machine, 0);
	for (n = 0; (unit = dry_unit_get(machine, n)); n++) {
		dry_unit_info(unit, &info);
		if (!strcmp(info.name, name))
			return unit;
	}
	n = (unsigned)strtoul(name, &end, 10);
	return *end ? NULL : dry_unit_get(machine, n);
}

static int plugin_list_exports(int readonly, int is_tls, struct nbdkit_exports *exports)
{
	struct dry_unit_info info;
	struct dry_unit *unit;
	char text[64];
	unsigned n;

	for (n = 0; (unit = dry_unit_get(machine, n)); n++) {
		dry_unit_info(unit, &info);
		snprintf(text, sizeof(text), "%s %s %s", info.vendor, info.product, info.revision);
		if (nbdkit_add_export(exports, info.name, text) < 0)
			return -1;
	}
	return 0;
}

static const char *plugin_default_export(int readonly, int is_tls)
{
	return "";
}

/* A client's view: what it asks for often is kept. */
struct handle {
	struct dry_unit *unit;
	struct dry_unit_info info;
};

static void *plugin_open(int readonly)
{
	const char *name = nbdkit_export_name();
	struct dry_unit *unit = unit_find(name ? name : "");
	struct handle *handle;

	if (!unit) {
		nbdkit_error("no unit '%s'; there are %u, the first is 0:0:0 or 0", name,
			dry_unit_count(machine));
		return NULL;
	}
	handle = malloc(sizeof(*handle));
	if (!handle)
		return NULL;
	handle->unit = unit;
	dry_unit_info(unit, &handle->info);
	return handle;
}

static void plugin_close(void *handle)
{
	free(handle);
}

static const char *plugin_export_description(void *handle)
{
	const struct handle *h = handle;

	return nbdkit_printf_intern("%s %s %s", h->info.vendor, h->info.product, h->info.revision);
}

static int64_t plugin_get_size(void *handle)
{
	return (int64_t)((struct handle *)handle)->info.size;
}

static int plugin_block_size(
	void *handle, uint32_t *minimum, uint32_t *preferred, uint32_t *maximum)
{
	uint32_t block = ((struct handle *)handle)->info.block_size;

	*minimum = block;
	*preferred = block > 4096 ? block : 4096;
	*maximum = 0xffffffff; /* larger requests are split below us */
	return 0;
}

static int plugin_can_write(void *handle)
{
	return !((struct handle *)handle)->info.read_only;
}

static int plugin_can_flush(void *handle)
{
	return ((struct handle *)handle)->info.can_flush;
}

static int plugin_can_trim(void *handle)
{
	return ((struct handle *)handle)->info.can_trim;
}

static int plugin_can_zero(void *handle)
{
	return ((struct handle *)handle)->info.can_zero;
}

static int plugin_can_fua(void *handle)
{
	const struct dry_unit_info *info = &((struct handle *)handle)->info;

	if (info->can_fua)
		return NBDKIT_FUA_NATIVE;
	return info->can_flush ? NBDKIT_FUA_EMULATE : NBDKIT_FUA_NONE;
}

/* All connections reach one disk: a flush on one holds for all. */
static int plugin_can_multi_conn(void *handle)
{
	return 1;
}

/* ---- I/O ---- */

/* NBD knows a handful of errors, and nbdkit makes EINVAL of the rest. */
static int client_errno(int err)
{
	switch (err) {
	case ENOSPC:
	case EINVAL:
	case EROFS:
	case ENOTSUP:
	case ESHUTDOWN:
	case ENOMEM:
		return err;
	default:
		return EIO;
	}
}

static int io_result(const char *what, int result, uint64_t count, uint64_t offset)
{
	if (result >= 0)
		return 0;
	if (errors++ < ERRORS_TOLD)
		nbdkit_error("%s of %llu bytes at %llu: %s", what, (unsigned long long)count,
			(unsigned long long)offset, dry_error());
	nbdkit_set_error(client_errno(-result));
	return -1;
}

static unsigned io_flags(uint32_t flags)
{
	return flags & NBDKIT_FLAG_FUA ? DRY_FUA : 0;
}

static int plugin_pread(void *handle, void *buffer, uint32_t count, uint64_t offset, uint32_t flags)
{
	int result = dry_read(((struct handle *)handle)->unit, buffer, count, offset);

	if (result >= 0)
		status->bytes_read += count;
	return io_result("read", result, count, offset);
}

static int plugin_pwrite(
	void *handle, const void *buffer, uint32_t count, uint64_t offset, uint32_t flags)
{
	int result =
		dry_write(((struct handle *)handle)->unit, buffer, count, offset, io_flags(flags));

	if (result >= 0)
		status->bytes_written += count;
	return io_result("write", result, count, offset);
}

static int plugin_flush(void *handle, uint32_t flags)
{
	return io_result("flush", dry_flush(((struct handle *)handle)->unit), 0, 0);
}

static int plugin_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	return io_result("trim",
		dry_trim(((struct handle *)handle)->unit, count, offset, io_flags(flags)), count,
		offset);
}

static int plugin_zero(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	return io_result("zero",
		dry_zero(((struct handle *)handle)->unit, count, offset, io_flags(flags)), count,
		offset);
}

static struct nbdkit_plugin plugin = {
	.name = "dryport",
	.longname = "dryport: a machine with a Windows storage miniport",
	.description =
		"Each unit of a Windows Storport miniport, run in this process, is an export.",
	.load = plugin_load,
	.unload = plugin_unload,
	.config = plugin_config,
	.config_complete = plugin_config_complete,
	.config_help = CONFIG_HELP,
	.magic_config_key = "driver",
	.after_fork = plugin_after_fork,
	.cleanup = plugin_cleanup,
	.list_exports = plugin_list_exports,
	.default_export = plugin_default_export,
	.export_description = plugin_export_description,
	.open = plugin_open,
	.close = plugin_close,
	.get_size = plugin_get_size,
	.block_size = plugin_block_size,
	.can_write = plugin_can_write,
	.can_flush = plugin_can_flush,
	.can_trim = plugin_can_trim,
	.can_zero = plugin_can_zero,
	.can_fua = plugin_can_fua,
	.can_multi_conn = plugin_can_multi_conn,
	.pread = plugin_pread,
	.pwrite = plugin_pwrite,
	.flush = plugin_flush,
	.trim = plugin_trim,
	.zero = plugin_zero,
	.errno_is_preserved = 0,
};

NBDKIT_REGISTER_PLUGIN(plugin)
