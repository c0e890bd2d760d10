/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The machine's options: one table for parsing, help and the documentation test. See machine.h. */
#include "machine/machine.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
	TEXT,
	SIZE,
	NUMBER,
	CHOICE,
	SWITCH,
	LEVEL,
	POLICY,
	RELEASE,
	EVENTS,
	FAULTS,
	MEDIUM,
	PROCESSORS
};

struct row {
	struct dry_option option;
	enum kind kind;
	size_t offset;
	uint64_t low, high;	  /* NUMBER and SIZE */
	const char *const *words; /* CHOICE: in enum order, ended by NULL */
};

static const char *const memory_words[] = {"contiguous", "scattered", "high", NULL};
static const char *const callback_words[] = {"queued", "before", "after", "other", NULL};
static const char *const engine_words[] = {"direct", "bounce", "iommu", NULL};
static const char *const block_words[] = {"512", "4096", NULL};

#define AT(field) offsetof(struct machine_options, field)

static const struct row rows[] = {
	{{"hw", "SPEC", "device: NAME or NAME:key=value,... (see `dryport hw`)"}, TEXT, AT(hw), 0,
		0, NULL},
	{{"devices", "N", "so many of that device, 1 to 16, each an adapter of its own; default 1"},
		NUMBER, AT(device_count), 1, MACHINE_ADAPTERS, NULL},
	{{"disk", "FILE", "the device stores in this file"}, TEXT, AT(disk), 0, 0, NULL},
	{{"size", "N", "the device stores in memory of N bytes (K, M, G, T); default 64M"}, SIZE,
		AT(size), 512, 1ull << 50, NULL},
	{{"block-size", "512|4096", "bytes of a block of the device"}, CHOICE, AT(block_size), 0, 0,
		block_words},
	{{"read-only", "", "the device refuses writes"}, SWITCH, AT(read_only), 0, 0, NULL},
	{{"cpus", "N", "virtual processors, 1 to 64; default 1"}, NUMBER, AT(cpus), 1, CPU_MAX,
		NULL},
	{{"ram", "N", "bytes of memory of the machine; default 256M"}, SIZE, AT(ram), 64ull << 20,
		64ull << 30, NULL},
	{{"memory", "POLICY",
		 "frames of buffers: contiguous, scattered (default) or high (above 4 GiB)"},
		CHOICE, AT(memory), 0, 0, memory_words},
	{{"seed", "N",
		 "replay: all on one host thread, virtual clock, the schedule drawn from seed N; "
		 "with --workload only"},
		NUMBER, AT(seed), 0, UINT64_MAX, NULL},
	{{"frames-seed", "N", "seed of the scattered frames; default 1"}, NUMBER, AT(frames_seed),
		0, UINT64_MAX, NULL},
	{{"build-callback", "WHEN",
		 "callback of StorPortBuildScatterGatherList: queued (default), before or after "
		 "its return, or on an other processor"},
		CHOICE, AT(build_callback), 0, 0, callback_words},
	{{"engine", "ENGINE",
		 "between device and memory: direct (default), bounce (what the device cannot "
		 "reach is copied through low pages) or iommu (translated addresses; all else "
		 "faults)"},
		CHOICE, AT(engine), 0, 0, engine_words},
	{{"dma-width", "N", "address bits that devices drive at most, 1 to 64; default 64"}, NUMBER,
		AT(dma_width), 1, 64, NULL},
	{{"map-registers", "N",
		 "map registers of the machine, 2 to 65536; default: as many as the engine has "
		 "use for, direct: no limit"},
		NUMBER, AT(map_registers), 2, 65536, NULL},
	{{"dma-policy", "WORDS",
		 "what the documents leave open, joined by commas: lenient-size, hal-overhead=N, "
		 "hal-compatible, zero-length, no-queue (docs/scatter-gather.md)"},
		POLICY, 0, 0, 0, NULL},
	{{"strict", "",
		 "a broken rule ends the run at the call that broke it; lists of requests stand on "
		 "guarded pages"},
		SWITCH, AT(strict), 0, 0, NULL},
	{{"fail-allocation", "N",
		 "the N-th allocation of pool, map registers, list records and what an adapter's "
		 "start "
		 "needs, after the machine's start, fails"},
		NUMBER, AT(fail_allocation), 1, UINT64_MAX, NULL},
	{{"at", "TIME:EVENT[:ADAPTER]",
		 "at this time after the start (2s), or again and again (every-500ms), the adapter "
		 "goes through: restart, stop, start, sleep, wake, nap, unplug, remove, plug, "
		 "replug, "
		 "reset-lun, reset-target, reset-bus, pause, resume, rescan, "
		 "mask, unmask, bus-master-off, bus-master-on; repeatable"},
		EVENTS, 0, 0, 0, NULL},
	{{"hold", "SECONDS",
		 "requests for a unit that has gone wait so long for it to be back, 0 to 3600; "
		 "default "
		 "0: they fail"},
		NUMBER, AT(hold), 0, 3600, NULL},
	{{"fault", "PLAN",
		 "KIND@STEP,...: the device fails at these of its steps (docs/faults.md); with "
		 "--seed"},
		FAULTS, 0, 0, 0, NULL},
	{{"fail", "BLOCKS",
		 "read:lba=N, write:lba=N-M: these blocks of the device's disk cannot be read or "
		 "written, 64 at most; repeatable"},
		MEDIUM, 0, 0, 0, NULL},
	{{"os", "RELEASE",
		 "the Windows release that is played, vista to 11-24H2 (default; "
		 "docs/os-releases.md)"},
		RELEASE, AT(os), 0, 0, NULL},
	{{"inf", "FILE", "the registry gets what this INF's AddReg directives write"}, TEXT,
		AT(inf), 0, 0, NULL},
	{{"registry", "FILE", "the registry gets what is in this .reg file, after that of --inf"},
		TEXT, AT(registry), 0, 0, NULL},
	{{"registry-out", "FILE", "at the end the whole registry is written into this .reg file"},
		TEXT, AT(registry_out), 0, 0, NULL},
	{{"debug-print", "LEVEL",
		 "DbgPrintEx and StorPortDebugPrint up to this level (-1 to 9) go to stderr; "
		 "default 0"},
		LEVEL, AT(debug_level), 0, 9, NULL},
	{{"inline-device", "", "the device works inside the register write (for benches)"}, SWITCH,
		AT(inline_agents), 0, 0, NULL},
	{{"count-calls", "",
		 "count the driver's calls of the port and the kernel (dry_machine_calls; for "
		 "benches)"},
		SWITCH, AT(count_calls), 0, 0, NULL},
	{{"no-stats", "",
		 "count neither requests nor lists for the summary (for benches); broken rules "
		 "count"},
		SWITCH, AT(no_stats), 0, 0, NULL},
	{{"trace", "FILE", "write each event of the run into this file, a line each"}, TEXT,
		AT(trace), 0, 0, NULL},
	{{"dump", "",
		 "the machine crashes in the middle of --workload, or at a bug check, and the "
		 "driver "
		 "writes its memory to the first unit in crash-dump mode"},
		SWITCH, AT(dump), 0, 0, NULL},
	{{"dump-after", "N",
		 "with --dump: operations of the workload before the crash; default: half of them, "
		 "with --seed a number drawn from it"},
		NUMBER, AT(dump_after), 1, UINT64_MAX, NULL},
	{{"dump-image", "FILE", "with --dump: what the memory held goes into this file too"}, TEXT,
		AT(dump_image), 0, 0, NULL},
	{{"dump-offset", "N", "with --dump: the byte of the unit where the memory goes; default 0"},
		SIZE, AT(dump_offset), 0, UINT64_MAX, NULL},
	{{"dump-size", "N",
		 "with --dump: bytes of memory that are written; default: all that the unit has "
		 "room "
		 "for"},
		SIZE, AT(dump_size), 512, UINT64_MAX, NULL},
	{{"claim", "N,...|all",
		 "host threads may become these processors (dry_processor_run; for benches)"},
		PROCESSORS, AT(claimed), 0, 0, NULL},
};

const struct dry_option *dry_option_get(unsigned n)
{
	return n < array_size(rows) ? &rows[n].option : NULL;
}

void machine_options_init(struct machine_options *options)
{
	memset(options, 0, sizeof(*options));
	options->cpus = 1;
	options->device_count = 1;
	options->ram = 256ull << 20;
	options->size = 64ull << 20;
	options->block_size = 512;
	options->memory = MEM_SCATTERED;
	options->frames_seed = 1;
	options->os = NT_OS_NEWEST;
}

void machine_options_fini(struct machine_options *options)
{
	free(options->hw);
	free(options->disk);
	free(options->trace);
	free(options->inf);
	free(options->registry);
	free(options->registry_out);
	free(options->dump_image);
}

static int parse_number(const struct row *row, const char *value, uint64_t *number)
{
	static const char suffixes[] = "KMGT";
	char *end;
	const char *suffix;
	unsigned shift = 0;

	errno = 0;
	*number = strtoull(value, &end, 0);
	if (row->kind == SIZE && *end && (suffix = strchr(suffixes, *end & ~0x20)) != NULL &&
		*suffix) {
		shift = 10 * (unsigned)(suffix - suffixes + 1);
		end++;
	}
	if (errno || end == value || *end || *value == '-' || *number > UINT64_MAX >> shift)
		return error_set(EINVAL, "--%s %s: not a %s.", row->option.name, value,
			row->kind == SIZE ? "size (a number, then K, M, G or T)" : "number");
	*number <<= shift;
	if (*number < row->low || *number > row->high)
		return error_set(EINVAL, "--%s %s: must be %llu to %llu.", row->option.name, value,
			(unsigned long long)row->low, (unsigned long long)row->high);
	return 0;
}

static int parse_choice(const struct row *row, const char *value, uint32_t *choice)
{
	char all[64] = "";

	for (uint32_t n = 0; row->words[n]; n++) {
		if (!strcmp(value, row->words[n])) {
			*choice = row->words == block_words ? (uint32_t)atoi(value) : n;
			return 0;
		}
		strncat(all, n ? ", " : "", sizeof(all) - strlen(all) - 1);
		strncat(all, row->words[n], sizeof(all) - strlen(all) - 1);
	}
	return error_set(EINVAL, "--%s %s: must be one of %s.", row->option.name, value, all);
}

static int set_text(char **field, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return error_set(ENOMEM, "out of memory.");
	free(*field);
	*field = copy;
	return 0;
}

static int set_level(int *field, const char *value)
{
	char *end;
	long level = strtol(value, &end, 10);

	if (end == value || *end || level < -1 || level > 9)
		return error_set(EINVAL, "--debug-print %s: must be -1 to 9.", value);
	*field = (int)level;
	return 0;
}

static int set_release(enum nt_os *field, const char *value)
{
	enum nt_os os = nt_os_find(value);
	char all[256] = "";
	size_t used = 0;

	if (os != NT_OS_UNKNOWN) {
		*field = os;
		return 0;
	}
	for (unsigned n = NT_OS_VISTA; n < NT_OS_COUNT && used < sizeof(all); n++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "",
			nt_os_name((enum nt_os)n));
	return error_set(EINVAL, "--os %s: must be one of %s.", value, all);
}

/* A set of processors, a bit each. Those that the machine has not are refused at its start,
 * but if it is all there could be. */
static int set_processors(uint64_t *field, const char *value)
{
	uint64_t set = 0;
	const char *at = value;
	char *end;

	if (!strcmp(value, "all")) {
		*field = ~0ull;
		return 0;
	}
	do {
		unsigned long number = strtoul(at, &end, 10);

		if (*at < '0' || *at > '9' || (*end && *end != ',') || number >= CPU_MAX)
			return error_set(EINVAL,
				"--claim %s: must be numbers from 0 to %d, joined by commas, or "
				"all.",
				value, CPU_MAX - 1);
		set |= 1ull << number;
		at = end + 1;
	} while (*end);
	*field = set;
	return 0;
}

static int set_policy(struct machine_options *options, const char *words)
{
	static const struct {
		const char *word;
		size_t offset;
	} switches[] = {
		{"lenient-size", AT(lenient_size)},
		{"hal-compatible", AT(hal_compatible)},
		{"zero-length", AT(zero_length)},
		{"no-queue", AT(no_queue)},
	};
	static const char overhead[] = "hal-overhead=";

	while (*words) {
		size_t length = strcspn(words, ","), n = 0;
		char *end;

		if (!strncmp(words, overhead, sizeof(overhead) - 1)) {
			unsigned long bytes = strtoul(words + sizeof(overhead) - 1, &end, 0);

			if (end != words + length || end == words + sizeof(overhead) - 1 ||
				bytes > 65536)
				return error_set(EINVAL,
					"--dma-policy %.*s: a number of bytes up to 65536 has to "
					"follow.",
					(int)length, words);
			options->list_overhead = (uint32_t)bytes;
		} else {
			while (n < array_size(switches) &&
				(strlen(switches[n].word) != length ||
					strncmp(words, switches[n].word, length)))
				n++;
			if (n == array_size(switches))
				return error_set(EINVAL,
					"--dma-policy %.*s: there are lenient-size, "
					"hal-overhead=N, "
					"hal-compatible, zero-length and no-queue.",
					(int)length, words);
			*(bool *)((char *)options + switches[n].offset) = true;
		}
		words += length + (words[length] == ',');
	}
	return 0;
}

static int set(struct machine_options *options, const struct row *row, const char *value)
{
	void *field = (char *)options + row->offset;
	uint64_t number;
	int err;

	switch (row->kind) {
	case TEXT:
		return set_text(field, value);
	case LEVEL:
		return set_level(field, value);
	case POLICY:
		return set_policy(options, value);
	case RELEASE:
		return set_release(field, value);
	case EVENTS:
		return machine_events_set(options, value);
	case MEDIUM:
		return medium_parse(&options->medium, value);
	case FAULTS:
		return fault_plan_parse(&options->faults, value);
	case PROCESSORS:
		return set_processors(field, value);
	case CHOICE:
		return parse_choice(row, value, field);
	case SWITCH:
		*(bool *)field =
			strcmp(value, "0") && strcmp(value, "false") && strcmp(value, "no");
		return 0;
	default:
		break;
	}
	err = parse_number(row, value, &number);
	if (err)
		return err;
	if (field == &options->cpus || field == &options->device_count ||
		field == &options->dma_width || field == &options->map_registers ||
		field == &options->hold)
		*(uint32_t *)field = (uint32_t)number;
	else if (field == &options->seed)
		options->replay = true, options->seed = number;
	else
		*(uint64_t *)field = number;
	return 0;
}

int dry_machine_set(struct dry_machine *machine, const char *option, const char *value)
{
	if (machine->stage)
		return error_set(EBUSY, "--%s: the machine has been started.", option);
	for (size_t n = 0; n < array_size(rows); n++)
		if (!strcmp(rows[n].option.name, option))
			return set(&machine->options, &rows[n], value);
	return error_set(ENOENT, "--%s: no such option.", option);
}
