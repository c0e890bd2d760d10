/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * src/hw/qemu/qemu_slot.c with a QEMU played by a thread at the other ends of its sockets:
 * docs/interop/qmp-spec and docs/devel/qtest of QEMU have the lines, PCI Express 5.0, 7.5.3.10 and
 * SHPC 1.0 the slots' registers.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hw/qemu/qemu.h"
#include "util/error.h"

#define VENDOR	 0x1b36
#define DEVICE	 0x0010
#define COMMANDS 16

static struct hw_device *q;
static const struct qemu_bridge_kind conventional = {
	.device = "pci-bridge", .first_slot = 1, .slot = QEMU_SLOT_STANDARD};
static const struct qemu_bridge_kind port = {.device = "pcie-root-port", .slot = QEMU_SLOT_EXPRESS};

static struct {
	int test, control;
	pthread_t thread;
	json_t *command[COMMANDS]; /* QMP's, in order */
	unsigned commands;
	uint32_t id;	     /* that answers in the slot while its power is on */
	const char *refuses; /* this command, or a line of the monitor that begins so */
	bool is_powered;
	uint32_t bar; /* of a conventional bridge */
} fake;

#define DEVICE_BAR 0xe0000000u

/* ---- the fake ---- */

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static bool line_read(int fd, char *line, size_t size)
{
	size_t used = 0;

	while (used + 1 < size && read(fd, line + used, 1) == 1 && line[used] != '\n')
		used++;
	line[used] = 0;
	return used > 0;
}

static void registers_serve(void)
{
	char line[128], answer[40];
	unsigned long long address, value;

	if (!line_read(fake.test, line, sizeof(line)))
		return;
	if (sscanf(line, "readl %llx", &address) == 1) {
		snprintf(answer, sizeof(answer), "OK 0x%x\n",
			fake.is_powered ? fake.id : 0xffffffffu);
		say(fake.test, answer);
	} else if (sscanf(line, "readw %llx", &address) == 1) {
		bool is_id = !(address & 0xfff);

		say(fake.test, is_id && !fake.is_powered ? "OK 0xffff\n" : "OK 0x0\n");
	} else {
		/* Slot Control, bit 10: Power Controller Control, 0 is on */
		if (sscanf(line, "writew %llx %llx", &address, &value) == 2 &&
			(address & 0xfff) == 0x40 + 0x18)
			fake.is_powered = !(value & 1 << 10);
		/* SHPC 1.0: in the command register the slot, state and indicator; 0x0f is off */
		else if (line[5] == 'w' && address == DEVICE_BAR + 0x14 && fake.bar == DEVICE_BAR)
			fake.is_powered = value == 0x0106 || (fake.is_powered && value != 0x010f);
		else if (sscanf(line, "writel %llx %llx", &address, &value) == 2 &&
			 address == QEMU_MMCONFIG + (QEMU_WHERE(0, 4) << 15) + 0x10)
			fake.bar = (uint32_t)value;
		say(fake.test, "OK\n");
	}
}

static void command_serve(void)
{
	char line[4096], answer[128];
	const char *name, *words;
	json_t *said;
	int id;

	if (!line_read(fake.control, line, sizeof(line)))
		return;
	said = json_loads(line, 0, NULL);
	assert_non_null(said);
	assert_true(fake.commands < COMMANDS);
	fake.command[fake.commands++] = said;
	id = (int)json_integer_value(json_object_get(said, "id"));
	name = json_string_value(json_object_get(said, "execute"));
	words = json_string_value(
		json_object_get(json_object_get(said, "arguments"), "command-line"));
	if (fake.refuses && words && !strncmp(words, fake.refuses, strlen(fake.refuses)))
		snprintf(answer, sizeof(answer), "{\"return\": \"Error: no\\r\\n\", \"id\": %d}\n",
			id);
	else if (fake.refuses && !strcmp(name, fake.refuses))
		snprintf(answer, sizeof(answer),
			"{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, \"id\": "
			"%d}\n",
			id);
	else if (words)
		snprintf(answer, sizeof(answer), "{\"return\": \"%s\", \"id\": %d}\n",
			strncmp(words, "drive_add", 9) ? "" : "OK\\r\\n", id);
	else
		snprintf(answer, sizeof(answer), "{\"return\": {}, \"id\": %d}\n", id);
	say(fake.control, answer);
}

static void *fake_main(void *unused)
{
	struct pollfd fds[] = {
		{.fd = fake.test, .events = POLLIN}, {.fd = fake.control, .events = POLLIN}};

	while (poll(fds, 2, -1) > 0) {
		if ((fds[0].revents | fds[1].revents) & POLLHUP)
			break;
		if (fds[0].revents)
			registers_serve();
		if (fds[1].revents)
			command_serve();
	}
	return NULL;
}

static int setup(void **state)
{
	int test[2], control[2];

	memset(&fake, 0, sizeof(fake));
	q = calloc(1, sizeof(*q));
	assert_non_null(q);
	pthread_mutex_init(&q->lock, NULL);
	pthread_mutex_init(&q->qmp.lock, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, test), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, control), 0);
	q->fd.test = test[0];
	q->fd.control = control[0];
	fake.test = test[1];
	fake.control = control[1];
	snprintf(q->device, sizeof(q->device), "nvme");
	q->drive_words = strdup("file=disk,if=none");
	q->device_words = strdup("nvme,bus=b0,addr=0,serial=a,,b,multifunction");
	q->bridge[0].kind = &port;
	q->bridge[0].space[QEMU_LIST] = 0x40;
	q->bridge[0].space[0x40] = QEMU_CAPABILITY_EXPRESS;
	q->bridge[0].where = QEMU_WHERE(0, 4);
	q->bridges = 1;
	q->pci.where = QEMU_WHERE(1, 0);
	q->pci.config.vendor = VENDOR;
	q->pci.config.device = DEVICE;
	q->is_out = true;
	fake.id = VENDOR | DEVICE << 16;
	assert_int_equal(pthread_create(&fake.thread, NULL, fake_main, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	close(q->fd.test);
	close(q->fd.control);
	pthread_join(fake.thread, NULL);
	close(fake.test);
	close(fake.control);
	for (unsigned n = 0; n < fake.commands; n++)
		json_decref(fake.command[n]);
	free(q->drive_words);
	free(q->device_words);
	free(q);
	return 0;
}

static const char *name_of(unsigned n)
{
	return n < fake.commands ? json_string_value(json_object_get(fake.command[n], "execute"))
				 : "";
}

static const char *argument_of(unsigned n, const char *key)
{
	return json_string_value(
		json_object_get(json_object_get(fake.command[n], "arguments"), key));
}

/* ---- tests ---- */

static void its_words_go_to_qemu(void **state)
{
	assert_int_equal(qemu_slot_plug(q, true), 0);
	assert_false(q->is_out);
	assert_true(q->pci.is_there);
	assert_int_equal(fake.commands, 2);
	assert_string_equal(
		argument_of(0, "command-line"), "drive_add 0 \"file=disk,if=none,id=d1\"");
	assert_string_equal(argument_of(1, "command-line"),
		"device_add \"nvme,bus=b0,addr=0,serial=a,,b,multifunction,id=c1,drive=d1\"");
}

/* By QMP, which has no longest word. */
static void long_words_go_to_qemu_one_by_one(void **state)
{
	char *words = malloc(1200);

	snprintf(words, 1200, "%s,subsys=%01000d", q->device_words, 7);
	free(q->device_words);
	q->device_words = words;
	assert_int_equal(qemu_slot_plug(q, true), 0);
	assert_string_equal(name_of(1), "device_add");
	assert_string_equal(argument_of(1, "driver"), "nvme");
	assert_string_equal(argument_of(1, "bus"), "b0");
	assert_string_equal(argument_of(1, "serial"), "a,b");
	assert_string_equal(argument_of(1, "multifunction"), "on");
	assert_int_equal(strlen(argument_of(1, "subsys")), 1000);
	assert_string_equal(argument_of(1, "id"), "c1");
	assert_string_equal(argument_of(1, "drive"), "d1");
}

/* As the monitor has 1024 bytes for a word. */
static void a_drive_that_the_monitor_has_no_room_for_is_refused(void **state)
{
	free(q->drive_words);
	q->drive_words = malloc(1101);
	memset(q->drive_words, 'a', 1100);
	q->drive_words[1100] = 0;
	assert_int_equal(qemu_slot_plug(q, true), -ENAMETOOLONG);
	assert_non_null(strstr(error_text(), "nvme cannot be put in: the address of its disk is "
					     "longer than the 1000 bytes"));
	assert_true(q->is_out);
}

/* A card that nobody knows does not stay in, with the image open: the next try would be refused it.
 */
static void another_device_in_its_slot_goes_again(void **state)
{
	fake.id = 0x12345678;
	assert_int_equal(qemu_slot_plug(q, true), -ENODEV);
	assert_non_null(strstr(error_text(), "12345678 answers in its slot"));
	assert_true(q->is_out);
	assert_false(q->pci.is_there);
	assert_false(fake.is_powered);
	assert_string_equal(name_of(2), "device_del");
	assert_string_equal(argument_of(2, "id"), "c1");
	assert_string_equal(argument_of(fake.commands - 1, "command-line"), "drive_del d1");
	fake.id = VENDOR | DEVICE << 16;
	assert_int_equal(qemu_slot_plug(q, true), 0);
	assert_false(q->is_out);
}

static void a_device_that_is_refused_leaves_no_drive(void **state)
{
	fake.refuses = "device_add";
	assert_int_equal(qemu_slot_plug(q, true), -EIO);
	assert_non_null(strstr(error_text(), "nvme cannot be put in: QEMU refuses device_add: no"));
	assert_true(q->is_out);
	assert_string_equal(argument_of(fake.commands - 1, "command-line"), "drive_del d1");
}

static void what_is_in_goes_with_its_image(void **state)
{
	q->is_out = false;
	fake.is_powered = true;
	assert_int_equal(qemu_slot_plug(q, false), 0);
	assert_true(q->is_out);
	assert_false(fake.is_powered);
	assert_string_equal(name_of(0), "device_del");
	assert_string_equal(argument_of(1, "command-line"), "drive_del d0");
}

static void conventional_bridges_have_a_controller(void **state)
{
	q->bridge[0].kind = &conventional;
	q->pci.where = QEMU_WHERE(1, 1);
	q->pci.config.bar[1].size = 0x1000;
	q->pci.bar[1] = DEVICE_BAR;
	q->pci.config.bar[0].size = 0x80; /* too small for its registers */
	assert_int_equal(qemu_slot_plug(q, true), 0);
	assert_true(fake.is_powered);
	assert_int_equal(fake.bar, 0);
	assert_int_equal(qemu_slot_plug(q, false), 0);
	assert_false(fake.is_powered);
	assert_int_equal(fake.bar, 0);
	assert_true(q->is_out);
}

/* Nowhere to put the registers of the controller: it is reset instead, and stays. */
static void without_a_memory_bar_there_is_no_slot(void **state)
{
	q->bridge[0].kind = &conventional;
	q->pci.config.bar[0].size = 0x100;
	q->pci.config.bar[0].is_io = true;
	q->is_out = false;
	assert_int_equal(qemu_slot_plug(q, false), 0);
	assert_false(q->is_out);
	assert_true(q->lacks_slot);
	assert_int_equal(fake.commands, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(its_words_go_to_qemu),
		TEST(long_words_go_to_qemu_one_by_one),
		TEST(a_drive_that_the_monitor_has_no_room_for_is_refused),
		TEST(another_device_in_its_slot_goes_again),
		TEST(a_device_that_is_refused_leaves_no_drive),
		TEST(what_is_in_goes_with_its_image),
		TEST(conventional_bridges_have_a_controller),
		TEST(without_a_memory_bar_there_is_no_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
