/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the registry says of an adapter, its units and its interrupts is done. Names,
 * places and bounds are those of "Registry Entries for StorPort Miniport Drivers", "Enabling
 * Message-Signaled Interrupts in the Registry" and "Interrupt Affinity and Priority".
 */
#include "world.h"
#include "nt/os.h"
#include "nt/registry.h"

#define SERVICE "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\test\\Parameters"
#define UNIT	"[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Enum\\SCSI\\"

static const char *entries; /* of a .reg file */
static const char *below;   /* the same, below the device's hardware key */
static char arguments[64];

static void reg(const char *text)
{
	char file[1024] = "Windows Registry Editor Version 5.00\n\n";

	strncat(file, text, sizeof(file) - strlen(file) - 1);
	expect_is(reg_file_parse("test", file, strlen(file)), 0);
}

static ULONG NTAPI find(PVOID ext, PVOID context, PVOID bus, PCHAR given,
	PPORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	memcpy(arguments, given, strlen(given) + 1);
	return world_find(ext, context, bus, given, config, again);
}

static void fill(HW_INITIALIZATION_DATA *data)
{
	char instance[REG_INSTANCE_MAX], key[512];

	data->HwFindAdapter = (PVOID)find;
	if (!nt_os_has(NT_OS_8))
		data->HwInitializationDataSize = 136; /* of Windows 7's structure */
	if (entries)
		reg(entries);
	if (!below)
		return;
	bus_function_instance(world.function, instance, sizeof(instance));
	snprintf(key, sizeof(key),
		"[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Enum\\%s\\Device Parameters\\%s",
		instance, below);
	reg(key);
}

static int setup(void **state)
{
	world_miniport(NULL);
	miniport.data = fill;
	entries = below = NULL;
	memset(arguments, 0x55, sizeof(arguments));
	return 0;
}

#define entries_test(name) cmocka_unit_test_setup(name, setup)

static void run(const char *text, void (*body)(void))
{
	entries = text;
	world_good(body);
}

/* ---- DriverParameter ---- */

static void a_driver_parameter_is_find_adapter_s_argument_string(void **state)
{
	run(NULL, NULL);
	assert_string_equal(arguments, "");
	run(SERVICE "\\Device]\n\"DriverParameter\"=\"burst=4\"\n", NULL);
	assert_string_equal(arguments, "burst=4");
	/* the adapter's own comes before all adapters', and another's does not count */
	run(SERVICE "\\Device]\n\"DriverParameter\"=\"all\"\n\n" SERVICE
		    "\\Device0]\n\"DriverParameter\"=\"mine\"\n\n" SERVICE
		    "\\Device1]\n\"DriverParameter\"=\"its\"\n",
		NULL);
	assert_string_equal(arguments, "mine");
	/* any type; a zero ends it */
	run(SERVICE "\\Device]\n\"DriverParameter\"=hex:41,42,43\n", NULL);
	assert_string_equal(arguments, "ABC");
}

/* ---- limits ---- */

static ULONG offered;
static uint32_t limited;

static void note_offer(PPORT_CONFIGURATION_INFORMATION config)
{
	offered = config->MaxNumberOfIO;
}

static void note_limit(void)
{
	limited = world.adapter->hba.port.limits.max_outstanding;
}

static void ask_more(PPORT_CONFIGURATION_INFORMATION config)
{
	config->MaxNumberOfIO = 200;
}

static void requests_are(const char *text, uint32_t wanted)
{
	run(text, note_limit);
	assert_int_equal(offered, wanted);
	assert_int_equal(limited, wanted);
}

static void the_number_of_requests_is_between_16_and_255(void **state)
{
	miniport.offer = note_offer;
	requests_are(SERVICE "\\Device]\n\"NumberOfRequests\"=dword:20\n", 32);
	requests_are(SERVICE "\\Device]\n\"NumberOfRequests\"=dword:f\n", 16);
	requests_are(SERVICE "\\Device0]\n\"NumberOfRequests\"=dword:3e8\n", 255);
	/* no number */
	run(SERVICE "\\Device]\n\"NumberOfRequests\"=\"32\"\n", note_limit);
	assert_int_equal(offered, 1000);
	/* a miniport that wants more does not get it */
	miniport.find = ask_more;
	run(SERVICE "\\Device]\n\"NumberOfRequests\"=dword:20\n", note_limit);
	assert_int_equal(limited, 32);
}

static void all_units(PPORT_CONFIGURATION_INFORMATION config)
{
	config->MaximumNumberOfLogicalUnits = 255;
}

static void note_luns(void)
{
	limited = world.adapter->hba.port.limits.luns;
}

static void maximum_logical_unit_is_at_most_8(void **state)
{
	miniport.find = all_units;
	run(NULL, note_luns);
	assert_int_equal(limited, 255);
	run(SERVICE "\\Device]\n\"MaximumLogicalUnit\"=dword:3\n", note_luns);
	assert_int_equal(limited, 3);
	run(SERVICE "\\Device]\n\"MaximumLogicalUnit\"=dword:40\n", note_luns);
	assert_int_equal(limited, 8);
}

static void note_bus(void)
{
	limited = world.adapter->hba.entries.bus_type;
}

static void the_type_of_the_bus_stands_in_the_inf(void **state)
{
	run(NULL, note_bus);
	assert_int_equal(limited, 0);
	run(SERVICE "]\n\"BusType\"=dword:b\n", note_bus);
	assert_int_equal(limited, 11); /* SATA */
	run(SERVICE "]\n\"BusType\"=dword:77\n", note_bus);
	assert_int_equal(limited, 19); /* the last one there is */
}

static void note_seconds(void)
{
	limited = world.adapter->hba.port.limits.io_seconds;
}

static void a_miniport_s_time_out_comes_before_the_disk_s(void **state)
{
#define DISK "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Disk]\n"
	run(DISK "\"TimeOutValue\"=dword:3c\n", note_seconds);
	assert_int_equal(limited, 60);
	run(DISK "\"TimeOutValue\"=dword:3c\n\n" SERVICE "]\n\"IoTimeoutValue\"=dword:11\n",
		note_seconds);
	assert_int_equal(limited, 17);
	nt_os_set(NT_OS_7); /* "Starting with Windows 8" */
	run(DISK "\"TimeOutValue\"=dword:3c\n\n" SERVICE "]\n\"IoTimeoutValue\"=dword:11\n",
		note_seconds);
	nt_os_set(NT_OS_NEWEST);
	assert_int_equal(limited, 60);
	run(SERVICE "]\n\"IoTimeoutValue\"=dword:10000\n", note_seconds);
	assert_int_equal(limited, 65535);
	/* its place is Parameters, not Parameters\Device */
	run(SERVICE "\\Device]\n\"IoTimeoutValue\"=dword:11\n", note_seconds);
	assert_int_equal(limited, 0);
}

static void note_link_down(void)
{
	const struct cpu_timer *pause = &world.adapter->hba.port.pause;
	uint64_t before = cpu_clock();

	StorPortNotification(LinkDown, world.ext);
	limited = (uint32_t)((pause->due - before) / 1000000000);
	StorPortNotification(LinkUp, world.ext);
}

/* */
static void a_link_is_down_for_30_seconds_or_as_long_as_is_said(void **state)
{
	run(NULL, note_link_down);
	assert_int_equal(limited, 30);
	run(SERVICE "\\Device]\n\"LinkDownTimeoutValue\"=dword:5a\n", note_link_down);
	assert_int_equal(limited, 90);
	run(SERVICE "\\Device]\n\"LinkDownTimeoutValue\"=dword:ffff\n", note_link_down);
	assert_int_equal(limited, 600);
}

/* ---- the uncached extension ---- */

static void *uncached;
static uint64_t address;
static uint32_t uncached_bytes;

static void take_uncached(PPORT_CONFIGURATION_INFORMATION config)
{
	/* 64 bits */
	config->Dma64BitAddresses = SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED;
	uncached = StorPortGetUncachedExtension(world.ext, config, uncached_bytes);
	address = uncached ? mem_physical(uncached) : 0;
}

static void uncached_with(const char *text, uint32_t bytes)
{
	miniport.offer = take_uncached;
	uncached_bytes = bytes;
	run(text, NULL);
}

static void the_uncached_extension_is_aligned_as_is_said(void **state)
{
	/* of several sizes, since one may lie well by chance */
	for (uint32_t bytes = 4096; bytes <= 20 * 4096; bytes += 4 * 4096) {
		uncached_with(
			SERVICE "\\Device]\n\"UncachedExtAlignment\"=dword:f\n", bytes + 4096);
		assert_non_null(uncached);
		assert_int_equal(address & 0x7fff, 0);
	}
	uncached_with(SERVICE "\\Device]\n\"UncachedExtAlignment\"=dword:14\n", 4096);
	assert_int_equal(address & 0xffff, 0); /* 16 at most */
}

static void the_uncached_extension_lies_between_the_addresses_that_are_said(void **state)
{
	uncached_with(SERVICE "\\Device]\n\"MinimumUCXAddress\"=hex:00,00,80,00\n", 4096);
	assert_non_null(uncached);
	assert_true(address >= 0x800000);
	uncached_with(SERVICE "\\Device]\n\"MaximumUCXAddress\"=hex:ff,ff,3f,00,00,00,00,00\n"
			      "\"MinimumUCXAddress\"=hex:00,00,20\n",
		4096);
	assert_non_null(uncached);
	assert_true(address >= 0x200000 && address + 4095 <= 0x3fffff);
	/* nothing that large is there */
	uncached_with(SERVICE "\\Device]\n\"MaximumUCXAddress\"=hex:ff,ff,00,00\n", 0x20000);
	assert_null(uncached);
	/* "When MinimumUCXAddress >= MaximumUCXAddress - PAGE_SIZE, [it] uses the default value" */
	uncached_with(SERVICE "\\Device]\n\"MaximumUCXAddress\"=hex:ff,ff,3f,00\n"
			      "\"MinimumUCXAddress\"=hex:ff,ef,3f,00\n",
		4096);
	assert_non_null(uncached);
	assert_true(address + 4095 <= 0x3fffff);
	/* "When 0, StorPort uses the default value": 0xffffffff */
	uncached_with(SERVICE "\\Device]\n\"MaximumUCXAddress\"=hex:00\n", 4096);
	assert_non_null(uncached);
}

/* ---- interrupts ---- */

static unsigned messages;
static uint8_t processors[WORLD_MESSAGES];

static BOOLEAN NTAPI message(PVOID ext, ULONG number)
{
	return TRUE;
}

static BOOLEAN line(void)
{
	return FALSE;
}

static void note_vectors(void)
{
	messages = world.adapter->messages;
	for (unsigned n = 0; n < WORLD_MESSAGES; n++)
		processors[n] = world.adapter->vectors[n].interrupt.vector.cpu;
}

static void interrupts_with(const char *text)
{
	below = text;
	miniport.message = message;
	miniport.interrupt = line;
	world_good(note_vectors);
}

#define MESSAGES "Interrupt Management\\MessageSignaledInterruptProperties]\n"

static void messages_are_as_many_as_is_said(void **state)
{
	interrupts_with(NULL);
	assert_int_equal(messages, WORLD_MESSAGES);
	interrupts_with(MESSAGES "\"MSISupported\"=dword:1\n\"MessageNumberLimit\"=dword:2\n");
	assert_int_equal(messages, 2);
	interrupts_with(MESSAGES "\"MSISupported\"=dword:1\n\"MessageNumberLimit\"=dword:801\n");
	assert_int_equal(messages, WORLD_MESSAGES);
	interrupts_with(MESSAGES "\"MSISupported\"=dword:0\n");
	assert_int_equal(messages, 0); /* the line */
}

static void note_inf(HW_INITIALIZATION_DATA *data)
{
	fill(data);
	reg_inf_note();
}

static void an_inf_that_does_not_ask_for_messages_gets_the_line(void **state)
{
	miniport.data = note_inf;
	interrupts_with(NULL);
	assert_int_equal(messages, 0);
	interrupts_with(MESSAGES "\"MSISupported\"=dword:1\n");
	assert_int_equal(messages, WORLD_MESSAGES);
}

#define AFFINITY "Interrupt Management\\Affinity Policy]\n"

static void expect_processors(const char *text, const uint8_t *wanted)
{
	interrupts_with(text);
	assert_memory_equal(processors, wanted, WORLD_MESSAGES);
}

static void messages_go_to_the_processors_that_are_said(void **state)
{
	miniport.cpus = 3;
	expect_processors(NULL, (uint8_t[]){0, 1, 2, 0});
	/* IrqPolicyOneCloseProcessor */
	expect_processors(AFFINITY "\"DevicePolicy\"=dword:2\n", (uint8_t[]){0, 0, 0, 0});
	/* IrqPolicySpecifiedProcessors; of each type that the mask may have */
	expect_processors(AFFINITY "\"DevicePolicy\"=dword:4\n\"AssignmentSetOverride\"=dword:6\n",
		(uint8_t[]){1, 2, 1, 2});
	expect_processors(AFFINITY "\"DevicePolicy\"=dword:4\n\"AssignmentSetOverride\"=hex:04\n",
		(uint8_t[]){2, 2, 2, 2});
	expect_processors(AFFINITY
		"\"DevicePolicy\"=dword:4\n\"AssignmentSetOverride\"=hex(b):05,0,0,0,0,0,0,0\n",
		(uint8_t[]){0, 2, 0, 2});
	/* none that is there; a mask without the policy */
	expect_processors(AFFINITY "\"DevicePolicy\"=dword:4\n\"AssignmentSetOverride\"=hex:18\n",
		(uint8_t[]){0, 1, 2, 0});
	expect_processors(AFFINITY "\"AssignmentSetOverride\"=hex:04\n", (uint8_t[]){0, 1, 2, 0});
}

/* ---- units ---- */

static struct port_unit_entries of_unit;

static void note_unit(void)
{
	struct port_unit *unit = port_unit_add(&world.adapter->hba.port, 1, 2, 3);

	port_unit_entries_read(unit, "AC/ME", "Disk 1");
	of_unit = unit->entries;
}

static void a_unit_has_entries_of_its_own(void **state)
{
	run(NULL, note_unit);
	assert_int_equal(of_unit.pause_ms, 250);
	assert_int_equal(of_unit.retries, 20);
	assert_int_equal(of_unit.full_percent, 25);
	run(UNIT "Disk&Ven_AC_ME&Prod_Disk_1\\5&0&0&010203\\Device Parameters\\StorPort]\n"
		 "\"BusyPauseTime\"=dword:10\n\"BusyRetryCount\"=dword:3\n"
		 "\"QueueFullWaitIoPercentage\"=dword:65\n",
		note_unit);
	assert_int_equal(of_unit.pause_ms, 16);
	assert_int_equal(of_unit.retries, 3);
	assert_int_equal(of_unit.full_percent, 100);
	/* another unit's */
	run(UNIT "Disk&Ven_AC_ME&Prod_Disk_1\\5&0&0&010204\\Device Parameters\\StorPort]\n"
		 "\"BusyRetryCount\"=dword:3\n",
		note_unit);
	assert_int_equal(of_unit.retries, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		entries_test(a_driver_parameter_is_find_adapter_s_argument_string),
		entries_test(the_number_of_requests_is_between_16_and_255),
		entries_test(maximum_logical_unit_is_at_most_8),
		entries_test(the_type_of_the_bus_stands_in_the_inf),
		entries_test(a_miniport_s_time_out_comes_before_the_disk_s),
		entries_test(a_link_is_down_for_30_seconds_or_as_long_as_is_said),
		entries_test(the_uncached_extension_is_aligned_as_is_said),
		entries_test(the_uncached_extension_lies_between_the_addresses_that_are_said),
		entries_test(messages_are_as_many_as_is_said),
		entries_test(an_inf_that_does_not_ask_for_messages_gets_the_line),
		entries_test(messages_go_to_the_processors_that_are_said),
		entries_test(a_unit_has_entries_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
