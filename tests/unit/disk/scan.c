/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Discovery: what a disk says of itself (bytes as SPC-5 and SBC-4 lay them out), the truth and
 * lies; and the last words at the end. */
#include "target.h"

/* ---- the truth ---- */

static void a_disk_is_what_it_says(void)
{
	target_init(1000);
	memcpy(target.inquiry + 8, "ACME\0   disk \x01 of lies  v2\0\0", 28);
	expect_is(target_scan(), 0);
	expect_is(target_set.count, 1);
	expect_is(strcmp(target.disk->info.name, "0:0:0"), 0);
	expect_is(strcmp(target.disk->info.vendor, "ACME"), 0);
	expect_is(strcmp(target.disk->info.product, "disk ? of lies"), 0);
	expect_is(strcmp(target.disk->info.revision, "v2"), 0);
	expect_is(target.disk->info.size, 512000);
	expect_is(target.disk->info.block_size, 512);
	expect_is(target.disk->info.max_transfer, 65536);
	expect(!target.disk->info.read_only);
	expect(target.disk->info.can_flush && target.disk->info.can_fua);
	expect(target.disk->info.can_trim && target.disk->info.can_zero);
	expect_is(target.disk->max_unmap_blocks, 1000);
	expect_is(target.disk->max_same_blocks, 300);
	target_end_all();
}

static void a_disk_of_4096_byte_blocks_past_two_tebibytes(void)
{
	target_init(64);
	target_put(target.capacity10, 4, 0xffffffff); /* does not fit: ask with 16 bytes */
	target_put(target.capacity16, 8, 0x123456789aull);
	target_put(target.capacity16 + 8, 4, 4096);
	expect_is(target_scan(), 0);
	expect_is(target.disk->blocks, 0x123456789bull);
	expect_is(target.disk->info.size, 0x123456789bull * 4096);
	expect_is(target.disk->info.block_size, 4096);
	expect_is(target.disk->block_shift, 12);
	target_end_all();
}

static void one_block_is_a_disk_too(void)
{
	target_init(64);
	target_put(target.capacity10, 4, 0);
	expect_is(target_scan(), 0);
	expect_is(target.disk->info.size, 512);
	target_end_all();
}

static void what_mode_sense_says_is_believed(void)
{
	target_init(64);
	target.mode[2] = 0x80; /* write protected, no FUA */
	target.mode[6] = 0;    /* no write cache */
	expect_is(target_scan(), 0);
	expect(target.disk->info.read_only);
	expect(!target.disk->info.can_fua && !target.disk->info.can_flush);
	target_end_all();
}

static void a_block_descriptor_that_comes_unasked_is_stepped_over(void)
{
	target_init(64);
	target.mode_bytes = 32;
	target.mode[3] = 8;
	memmove(target.mode + 12, target.mode + 4, 20);
	memset(target.mode + 4, 0xff, 8);
	expect_is(target_scan(), 0);
	expect(target.disk->info.can_flush);
	target_end_all();
}

static void what_a_disk_does_not_know_it_cannot(void)
{
	target_init(64);
	target.mode_bytes = 0;
	target.pages[3] = 0;
	expect_is(target_scan(), 0);
	expect(!target.disk->info.read_only && !target.disk->info.can_fua);
	expect(!target.disk->info.can_flush && !target.disk->info.can_trim);
	expect(!target.disk->info.can_zero);
	target_end_all();
}

static void unmap_needs_both_the_limit_and_the_provisioning_page(void)
{
	target_init(64);
	target.provisioning[5] = 0; /* LBPU */
	expect_is(target_scan(), 0);
	expect(!target.disk->info.can_trim && target.disk->info.can_zero);
	target_end_all();
	target_init(64);
	target_put(target.limits + 20, 4, 0);
	expect_is(target_scan(), 0);
	expect(!target.disk->info.can_trim && target.disk->info.can_zero);
	target_end_all();
	target_init(64);
	target_put(target.limits + 36, 8, ~0ull); /* more than a command can say */
	expect_is(target_scan(), 0);
	expect_is(target.disk->max_same_blocks, 0xffffffff);
	target_end_all();
}

/* ---- lies ---- */

/* After the scan has failed: nothing is left of it. */
static void scan_fails(int err, const char *words)
{
	expect_is(target_scan(), err);
	expect_has(error_text(), words);
	target_end_all();
}

static void impossible_capacities_are_refused(void)
{
	static const uint64_t lasts[] = {
		~0ull, ~0ull - 1, 1ull << 63, 1ull << 55, (1ull << 54) + 1};

	for (unsigned n = 0; n < array_size(lasts); n++) {
		target_init(64);
		target_put(target.capacity10, 4, 0xffffffff);
		target_put(target.capacity16, 8, lasts[n]);
		scan_fails(-EOVERFLOW, "too large");
	}
	/* the largest that offsets can tell */
	target_init(64);
	target_put(target.capacity10, 4, 0xffffffff);
	target_put(target.capacity16, 8, (1ull << 54) - 2);
	expect_is(target_scan(), 0);
	expect_is(target.disk->info.size, ((1ull << 54) - 1) * 512);
	target_end_all();
}

static void block_sizes_that_no_one_has_are_refused(void)
{
	static const uint32_t sizes[] = {0, 1, 511, 520, 1024, 0x80000000, 0xffffffff};
	char words[64];

	for (unsigned n = 0; n < array_size(sizes); n++) {
		target_init(64);
		target_put(target.capacity10 + 4, 4, sizes[n]);
		snprintf(words, sizeof(words), "blocks of %u bytes", sizes[n]);
		scan_fails(-ENOTSUP, words);
	}
}

static unsigned truncated;

static bool truncate_answers(struct port_request *request, const struct target_command *command)
{
	uint8_t nothing[96] = {0};

	if (command->opcode != truncated)
		return false;
	target_answer(request, nothing, 3);
	return true;
}

static void answers_cut_short_are_no_numbers(void)
{
	target_init(64);
	truncated = SCSIOP_READ_CAPACITY;
	target.hook = truncate_answers;
	scan_fails(-ENOTSUP, "blocks of 0 bytes");
	target_init(64);
	truncated = SCSIOP_MODE_SENSE;
	target.hook = truncate_answers;
	expect_is(target_scan(), 0);
	expect(!target.disk->info.can_flush);
	target_end_all();
}

/* Lengths that lead out of what came. */
static void lengths_that_lie_lead_nowhere(void)
{
	for (unsigned length = 0; length < 256; length++) {
		target_init(64);
		memset(target.mode, 0x08, sizeof(target.mode)); /* looks like the page everywhere */
		target.mode_bytes = sizeof(target.mode);
		target.mode[3] = (uint8_t)length; /* of block descriptors */
		expect_is(target_scan(), 0);
		expect(!target.disk->info.can_flush); /* 0x08 has no write cache bit */
		target_end_all();
	}
	target_init(64);
	memset(target.pages + 3, 0xff, 61); /* 255 pages, none of ours */
	expect_is(target_scan(), 0);
	expect(!target.disk->info.can_trim);
	target_end_all();
}

static void another_page_than_was_asked_for_says_nothing(void)
{
	target_init(64);
	target.limits[1] = 0x83;
	expect_is(target_scan(), 0);
	expect(!target.disk->info.can_zero && !target.disk->info.can_trim);
	target_end_all();
	target_init(64);
	target.pages[1] = 0xb0;
	expect_is(target_scan(), 0);
	expect(!target.disk->info.can_zero && !target.disk->info.can_trim);
	target_end_all();
}

/* 4.9: a driver that carries less than a block */
static void a_driver_whose_transfers_hold_no_block_is_refused(void)
{
	target_init(64);
	target.port.max_transfer = 511;
	scan_fails(-EINVAL, "less than a block");
	target_init(64);
	target.port.max_transfer = 2048;
	target_put(target.capacity10 + 4, 4, 4096);
	scan_fails(-EINVAL, "less than a block");
}

static bool fail_capacity(struct port_request *request, const struct target_command *command)
{
	if (command->opcode != SCSIOP_READ_CAPACITY)
		return false;
	target_sense(request, 2, 0x3a, 0); /* medium not present */
	return true;
}

static void a_disk_without_a_capacity_fails_the_scan(void)
{
	target_init(64);
	target.hook = fail_capacity;
	scan_fails(-EIO, "0:0:0: READ CAPACITY failed");
}

/* ---- several units ---- */

static void every_unit_that_is_a_disk_is_found_in_order(void)
{
	target_init(64);
	target.luns = 3;
	target.port.buses = 2;
	target.port.targets = 2;
	expect_is(target_scan(), 0);
	expect_is(target_set.count, 12);
	for (unsigned n = 0; n < 12; n++) {
		char name[16];

		snprintf(name, sizeof(name), "%u:%u:%u", n / 6, n / 3 % 2, n % 3);
		expect_is(strcmp(target_set.disk[n]->info.name, name), 0);
	}
	/* The fourth of each did not answer and is no unit any more. */
	expect_is(fake.adapter.unit_count, 12);
	target_end_all();
}

static unsigned there; /* of the 256 addresses */

static bool only_the_first(struct port_request *request, const struct target_command *command)
{
	const struct port_unit *unit = request->unit;

	if (unit->path * 128u + unit->target * 8u + unit->lun < there)
		return false;
	target_end(request, SRB_STATUS_INVALID_LUN);
	return true;
}

static int scan_units(unsigned count)
{
	there = count;
	target_init(64);
	target.luns = target.port.luns = 8;
	target.port.buses = 2;
	target.port.targets = 16;
	target.hook = only_the_first;
	return target_scan();
}

/* Q-1's 255; what does not answer behind them is none too many. */
static void there_may_be_255_units(void)
{
	expect_is(scan_units(255), 0);
	expect_is(target_set.count, 255);
	expect_is(strcmp(target_set.disk[127]->info.name, "0:15:7"), 0);
	expect_is(strcmp(target_set.disk[254]->info.name, "1:15:6"), 0);
	/* each once, also when it is looked for again */
	expect_is(disk_scan_again(&fake.adapter, &target_set), 0);
	expect_is(target_set.count, 255);
	target_end_all();
	expect_is(scan_units(256), -ENOMEM);
	expect(strstr(error_text(), "more than 255 units"));
	target_end_all();
}

static uint8_t device_type;

static bool other_device(struct port_request *request, const struct target_command *command)
{
	uint8_t data[36];

	if (command->opcode != SCSIOP_INQUIRY || command->lun != 0 || command->flags & 1)
		return false;
	memcpy(data, target.inquiry, 36);
	data[0] = device_type;
	target_answer(request, data, 36);
	return true;
}

/* Qualifier 1 or 3: nothing there; other types: no disk. Then the target has no further units. */
static void what_is_no_disk_is_left_alone(void)
{
	static const uint8_t types[] = {0x7f, 0x20, 0x05, 0x0c};

	for (unsigned n = 0; n < array_size(types); n++) {
		target_init(64);
		target.luns = 2;
		device_type = types[n];
		target.hook = other_device;
		scan_fails(-ENODEV, "no unit answered");
	}
}

static void expect_names(const char *names)
{
	char found[200] = "";

	for (unsigned n = 0; n < target_set.count; n++) {
		strcat(found, n ? " " : "");
		strcat(found, target_set.disk[n]->info.name);
	}
	expect_is(strcmp(found, names), 0);
}

/* SPC-5: the length of the list, four bytes reserved, eight bytes a unit. */
static void report(const uint8_t (*luns)[2], unsigned count)
{
	target_put(target.reported, 4, count * 8);
	for (unsigned n = 0; n < count; n++)
		memcpy(target.reported + 8 + n * 8, luns[n], 2);
}

static bool no_unit_1(struct port_request *request, const struct target_command *command)
{
	if (command->lun == 1)
		expect(false); /* nobody asks it */
	return false;
}

static void what_unit_0_lists_is_all_that_is_asked(void)
{
	/* 2, by flat addressing 4; what has a bus, a second level or a higher number is not ours */
	static const uint8_t luns[][2] = {{0, 2}, {0x40, 4}, {1, 1}, {0x80, 1}, {0x41, 1}};

	target_init(64);
	target.luns = 6;
	target.port.luns = 255;
	report(luns, array_size(luns));
	memset(target.reported + 8 + 2 * 8 + 2, 0xff, 2);
	target.hook = no_unit_1;
	expect_is(target_scan(), 0);
	expect_names("0:0:0 0:0:2 0:0:4");
	target_end_all();
}

static bool was_listed;

static bool known_once_listed(struct port_request *request, const struct target_command *command)
{
	if (command->opcode == SCSIOP_REPORT_LUNS)
		was_listed = true;
	if (command->opcode != SCSIOP_INQUIRY || was_listed)
		return false;
	target_sense(request, 2, 4, 0); /* not ready */
	return true;
}

/* In the order of Windows: a miniport may find out what its device is only for REPORT LUNS, and
 * answer INQUIRY from that. */
static void the_list_is_asked_for_before_anything_else(void)
{
	target_init(64);
	was_listed = false;
	target.hook = known_once_listed;
	expect_is(target_scan(), 0);
	expect_names("0:0:0");
	target_end_all();
}

static void a_list_may_come_from_what_is_no_disk(void)
{
	static const uint8_t luns[][2] = {{0, 0}, {0, 3}};

	target_init(64);
	target.luns = 4;
	device_type = 0x0c; /* an array controller */
	target.hook = other_device;
	report(luns, array_size(luns));
	expect_is(target_scan(), 0);
	expect_names("0:0:3");
	expect_is(fake.adapter.unit_count, 1);
	target_end_all();
}

static void units_come_and_go(void)
{
	static const uint8_t luns[][2] = {{0, 0}, {0, 1}, {0, 2}};
	struct dry_io io = {.op = DRY_OP_FLUSH};

	target_init(64);
	target.luns = 2;
	report(luns, 2);
	expect_is(target_scan(), 0);
	expect_names("0:0:0 0:0:1");
	target.luns = 1;
	report(luns, 1);
	expect_is(disk_scan_again(&fake.adapter, &target_set), 0);
	expect(!target_set.disk[0]->is_gone && target_set.disk[1]->is_gone);
	expect_is(disk_run(target_set.disk[1], &io), -ENXIO);
	expect_has(error_text(), "unit 0:0:1 has gone");
	expect_is(disk_run(target_set.disk[0], &io), 0);
	/* It is back, and another has come. */
	target.luns = 3;
	report(luns, 3);
	expect_is(disk_scan_again(&fake.adapter, &target_set), 0);
	expect_names("0:0:0 0:0:1 0:0:2");
	expect_is(disk_run(target_set.disk[1], &io), 0);
	expect_is(disk_run(target_set.disk[2], &io), 0);
	/* One that is smaller is not the same. */
	target_put(target.capacity10, 4, 31);
	expect_is(disk_scan_again(&fake.adapter, &target_set), 0);
	expect_is(disk_run(target_set.disk[0], &io), -ENXIO);
	target_put(target.capacity10, 4, 63);
	expect_is(disk_scan_again(&fake.adapter, &target_set), 0);
	expect_is(disk_run(target_set.disk[0], &io), 0);
	target_end_all();
}

static void a_unit_may_grow(void)
{
	char block[512];
	struct dry_io io = {.op = DRY_OP_READ, .buffer = block, .count = 512, .offset = 64 * 512};

	target_init(128);
	target_put(target.capacity10, 4, 63);
	expect_is(target_scan(), 0);
	expect_is(disk_run(target.disk, &io), -ENXIO);
	target_put(target.capacity10, 4, 127);
	expect_is(disk_scan_again(&fake.adapter, &target_set), 0);
	expect_is(target.disk->size, 128 * 512);
	memset(target.store + 64 * 512, 'g', 512);
	expect_is(disk_run(target.disk, &io), 0);
	expect(block[0] == 'g' && block[511] == 'g');
	/* smaller than it was at the last scan: another */
	target_put(target.capacity10, 4, 126);
	expect_is(disk_scan_again(&fake.adapter, &target_set), 0);
	expect_is(disk_run(target.disk, &io), -ENXIO);
	target_end_all();
}

static bool only_odd_targets(struct port_request *request, const struct target_command *command)
{
	if (request->unit->target & 1)
		return false;
	target_end(request, SRB_STATUS_SELECTION_TIMEOUT);
	return true;
}

static void targets_that_do_not_answer_are_passed_over(void)
{
	target_init(64);
	target.port.targets = 128;
	target.hook = only_odd_targets;
	expect_is(target_scan(), 0);
	expect_is(target_set.count, 64);
	expect_is(strcmp(target_set.disk[63]->info.name, "0:127:0"), 0);
	target_end_all();
}

static bool attention_first(struct port_request *request, const struct target_command *command)
{
	static unsigned count;

	if (count++ % 2)
		return false;
	target_sense(request, 6, 0x29, 0);
	return true;
}

/* After power on every unit answers its first command so. */
static void unit_attention_hides_no_disk(void)
{
	target_init(64);
	target.hook = attention_first;
	expect_is(target_scan(), 0);
	expect(target.disk->info.can_trim);
	target_end_all();
}

/* ---- the end ---- */

static uint8_t last[8];
static unsigned lasts, failing;

static bool note_last(struct port_request *request, const struct target_command *command)
{
	uint8_t what = request->function == SRB_FUNCTION_EXECUTE_SCSI ? command->opcode
								      : request->function;

	last[lasts++ % 8] = what;
	if (what != failing)
		return false;
	target_end(request, SRB_STATUS_MESSAGE_REJECTED); /* not sent again */
	return true;
}

static int shut(bool caches, uint8_t fails)
{
	int err;

	target_up(64);
	lasts = 0;
	failing = fails;
	target.hook = note_last;
	err = disk_shutdown(target.disk, caches);
	target_end_all();
	return err;
}

/* SB-3 */
static void the_last_words_are_flush_and_for_a_driver_that_caches_shutdown(void)
{
	expect_is(shut(false, 0xff), 0);
	expect_is(lasts, 1);
	expect_is(last[0], SCSIOP_SYNCHRONIZE_CACHE);
	expect_is(shut(true, 0xff), 0);
	expect_is(lasts, 3);
	expect_is(last[1], SRB_FUNCTION_FLUSH);
	expect_is(last[2], SRB_FUNCTION_SHUTDOWN);
}

static void a_last_flush_that_fails_is_told_and_the_rest_is_said_all_the_same(void)
{
	static const uint8_t fails[] = {
		SCSIOP_SYNCHRONIZE_CACHE, SRB_FUNCTION_FLUSH, SRB_FUNCTION_SHUTDOWN};

	for (unsigned n = 0; n < 3; n++) {
		expect_is(shut(true, fails[n]), -EIO);
		expect_has(error_text(), "last flush failed");
		expect_is(lasts, 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test_both(a_disk_is_what_it_says),
		fake_test(a_disk_of_4096_byte_blocks_past_two_tebibytes),
		fake_test(one_block_is_a_disk_too),
		fake_test(what_mode_sense_says_is_believed),
		fake_test(a_block_descriptor_that_comes_unasked_is_stepped_over),
		fake_test(what_a_disk_does_not_know_it_cannot),
		fake_test(unmap_needs_both_the_limit_and_the_provisioning_page),
		fake_test(impossible_capacities_are_refused),
		fake_test(block_sizes_that_no_one_has_are_refused),
		fake_test(answers_cut_short_are_no_numbers),
		fake_test(lengths_that_lie_lead_nowhere),
		fake_test(another_page_than_was_asked_for_says_nothing),
		fake_test(a_driver_whose_transfers_hold_no_block_is_refused),
		fake_test(a_disk_without_a_capacity_fails_the_scan),
		fake_test(every_unit_that_is_a_disk_is_found_in_order),
		fake_test(there_may_be_255_units),
		fake_test(what_is_no_disk_is_left_alone),
		fake_test(what_unit_0_lists_is_all_that_is_asked),
		fake_test(the_list_is_asked_for_before_anything_else),
		fake_test(a_list_may_come_from_what_is_no_disk),
		fake_test_both(units_come_and_go),
		fake_test(a_unit_may_grow),
		fake_test(targets_that_do_not_answer_are_passed_over),
		fake_test(unit_attention_hides_no_disk),
		fake_test(the_last_words_are_flush_and_for_a_driver_that_caches_shutdown),
		fake_test(a_last_flush_that_fails_is_told_and_the_rest_is_said_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
