/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The file of events: whole, in order, and whole too when the process dies. The last tests have a
 * machine with the example miniport (the test's argument).
 */
#include "live.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#define THREADS 3
#define EACH	100000u

static char path[] = "/tmp/dryport-trace-XXXXXX";
static char *text;

static void file_read(void)
{
	struct stat st;
	int file = open(path, O_RDONLY);

	assert_true(file >= 0 && fstat(file, &st) == 0);
	free(text);
	text = malloc((size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(file, text, (size_t)st.st_size), st.st_size);
	text[st.st_size] = 0;
	close(file);
}

static unsigned lines_with(const char *words)
{
	unsigned count = 0;

	for (const char *at = text; (at = strstr(at, words)); at++)
		count++;
	return count;
}

static bool ends_with(const char *words)
{
	return strlen(text) >= strlen(words) && !strcmp(text + strlen(text) - strlen(words), words);
}

static void start(void)
{
	if (trace_file_start(path))
		fail_msg("%s", dry_error());
}

static void a_trace_begins_with_a_header_and_ends_with_a_mark(void **state)
{
	start();
	trace(TRACE_SRB_GO, 1, 0);
	trace(TRACE_SRB_GO, 2, 0);
	assert_int_equal(trace_file_stop(), 0);
	trace(TRACE_SRB_GO, 3, 0);
	file_read();
	assert_int_equal(strncmp(text, "# dryport trace 1: ", 19), 0);
	assert_int_equal(lines_with("srb.go"), 2);
	assert_true(strstr(text, "id 1 unit 0\n") < strstr(text, "id 2 unit 0\n"));
	assert_true(ends_with("\n# end\n"));
	assert_true(trace_wanted == 0);
}

static void a_new_trace_replaces_the_old(void **state)
{
	start();
	assert_int_equal(trace_file_stop(), 0);
	file_read();
	assert_int_equal(lines_with("\n"), 2);
}

static void *emit(void *arg)
{
	for (unsigned n = 0; n < EACH; n++)
		trace(TRACE_REG_WRITE, (uintptr_t)arg, 0, 0, n);
	return NULL;
}

/* None is lost or torn, each thread's stand in its order, and time never goes back. */
static void events_of_several_threads_stand_in_the_order_of_their_times(void **state)
{
	pthread_t threads[THREADS];
	unsigned long long next[THREADS] = {0}, before = 0;
	char *rest, *line;

	start();
	for (uintptr_t n = 0; n < THREADS; n++)
		assert_int_equal(pthread_create(&threads[n], NULL, emit, (void *)n), 0);
	for (unsigned n = 0; n < THREADS; n++)
		pthread_join(threads[n], NULL);
	assert_int_equal(trace_file_stop(), 0);
	file_read();
	rest = strchr(text, '\n') + 1;
	while ((line = strsep(&rest, "\n")) && *line != '#') {
		unsigned long long ns, value;
		unsigned thread;

		if (sscanf(line,
			    "%llu - irql - - reg.write slot %u bar 0 offset 0x0 size 0 "
			    "value 0x%llx",
			    &ns, &thread, &value) != 3)
			fail_msg("%s", line);
		assert_true(thread < THREADS && ns >= before);
		assert_true(value == next[thread]);
		next[thread]++;
		before = ns;
	}
	for (unsigned n = 0; n < THREADS; n++)
		assert_true(next[n] == EACH);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
	assert_int_equal(trace_file_start("/nonexistent/trace"), -ENOENT);
	assert_non_null(strstr(dry_error(), "--trace /nonexistent/trace: No such file"));
	assert_true(trace_wanted == 0);
}

static void a_full_disk_is_told_once_at_the_stop(void **state)
{
	assert_int_equal(trace_file_start("/dev/full"), 0);
	for (unsigned n = 0; n < 100000; n++)
		trace(TRACE_SRB_GO, n, 0);
	assert_int_equal(trace_file_stop(), -ENOSPC);
}

/* ---- deaths ---- */

static void die_by_word(void)
{
	trace_file_died();
	trace(TRACE_SRB_GO, 2, 0); /* by another thread, as it were */
	_exit(0);
}

static void die_by_itself(void)
{
	close(STDERR_FILENO);
	cpu_die("on purpose");
}

static void fault(int signal)
{
	trace_file_died();
	_exit(0);
}

/* Inside the subscriber, which holds its lock. */
static void die_in_an_event(void)
{
	signal(SIGSEGV, fault);
	trace(TRACE_VIOLATION, (uintptr_t)8, 0);
}

static void a_dying_process_leaves_a_whole_trace(void **state)
{
	static void (*const deaths[])(void) = {die_by_word, die_by_itself, die_in_an_event};

	for (size_t n = 0; n < array_size(deaths); n++) {
		pid_t child = fork();
		int status;

		if (!child) {
			if (trace_file_start(path))
				_exit(9);
			trace(TRACE_SRB_GO, 1, 0);
			deaths[n]();
			_exit(8);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), deaths[n] == die_by_itself ? 1 : 0);
		file_read();
		assert_int_equal(lines_with("\n"), 3);
		assert_true(ends_with("srb.go         id 1 unit 0\n# died\n"));
	}
}

static void without_a_trace_death_writes_nothing(void **state)
{
	start();
	assert_int_equal(trace_file_stop(), 0);
	trace_file_died();
	file_read();
	assert_int_equal(lines_with("# died"), 0);
	assert_null(cpu_dead);
}

/* ---- a machine ---- */

static void a_machines_trace_has_its_whole_life(void **state)
{
	const char *const options[] = {"trace", path, NULL};
	char data[4096] = {0};

	live_start(options);
	assert_int_equal(dry_write(dry_unit_get(live, 0), data, sizeof(data), 0, 0), 0);
	live_end();
	file_read();
	assert_true(lines_with(" port.open      adapter 0 unit all why stopped\n") == 1);
	assert_true(lines_with(" port.close     adapter 0 unit all why stopped\n") == 1);
	/* WRITE(10): one request, whatever else the port asked for. */
	assert_int_equal(lines_with("function 00 command 2a unit 0 bytes 4096\n"), 1);
	assert_true(ends_with("\n# end\n"));
}

static void a_machine_with_no_room_for_its_trace_fails_to_stop(void **state)
{
	const char *const options[] = {"trace", "/dev/full", NULL};

	live_start(options);
	assert_int_equal(dry_machine_stop(live), -ENOSPC);
	assert_string_equal(
		dry_error(), "--trace /dev/full: No space left on device; the rest is missing.");
	dry_machine_free(live);
}

static void a_machine_whose_trace_cannot_be_made_does_not_start(void **state)
{
	const char *const options[] = {"trace", "/nonexistent/trace", NULL};

	assert_int_equal(live_try(options), -ENOENT);
	assert_non_null(strstr(dry_error(), "/nonexistent/trace"));
	dry_machine_free(live);
	/* Nothing is left behind. */
	live_start(NULL);
	live_end();
}

static void many_seeds_have_no_trace(void **state)
{
	struct dry_machine *machine = dry_machine_new();
	struct dry_seeds seeds = {.first = 1, .count = 2};

	assert_int_equal(dry_machine_set(machine, "trace", path), 0);
	assert_int_equal(dry_seeds_run(machine, live_miniport, "rw:ops=1", &seeds), -EINVAL);
	assert_non_null(strstr(dry_error(), "--seeds with --trace"));
	dry_machine_free(machine);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_begins_with_a_header_and_ends_with_a_mark),
		cmocka_unit_test(a_new_trace_replaces_the_old),
		cmocka_unit_test(events_of_several_threads_stand_in_the_order_of_their_times),
		cmocka_unit_test(a_folder_that_is_not_there_is_told),
		cmocka_unit_test(a_full_disk_is_told_once_at_the_stop),
		cmocka_unit_test(a_dying_process_leaves_a_whole_trace),
		cmocka_unit_test(without_a_trace_death_writes_nothing),
		cmocka_unit_test(a_machines_trace_has_its_whole_life),
		cmocka_unit_test(a_machine_with_no_room_for_its_trace_fails_to_stop),
		cmocka_unit_test(a_machine_whose_trace_cannot_be_made_does_not_start),
		cmocka_unit_test(many_seeds_have_no_trace),
	};
	int err = live_main(argc, argv), file = mkstemp(path), failed;

	if (err || file < 0)
		return 2;
	close(file);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	free(text);
	return failed;
}
