/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * From a code address to the driver's function, file and line (loader.h). addr2line reads the DWARF
 * in a process of its own, so that a report from a crash handler neither allocates nor takes a lock
 * here.
 */
#include "loader/image.h"
#include "util/common.h"
#include "util/cxx_name.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

/* Functions of our headers that may stand between a routine and the driver, where they were not
 * inlined. */
#define WRAPPERS_MAX 2

static const struct loader_image *image_of(uintptr_t pc)
{
	for (const struct loader_image *image = loader_images; image; image = image->next)
		if (pc >= image->base && pc < image->end)
			return image;
	return NULL;
}

bool loader_contains(uintptr_t pc)
{
	return image_of(pc) != NULL;
}

static void child_run(const struct loader_image *image, const char *offset, int out)
{
	char *argv[] = {"addr2line", "-i", "-f", "-e", image->path, (char *)offset, NULL};
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, 0);
	dup2(out, 1);
	dup2(null, 2);
	/* a preloaded sanitizer is not for it */
	unsetenv("LD_PRELOAD");
	execvp(argv[0], argv);
	_exit(127);
}

/* What addr2line prints about an address, as one string; its length, 0 if it has nothing to say. */
static size_t addr2line(const struct loader_image *image, uintptr_t pc, char *text, size_t size)
{
	char offset[32];
	size_t length = 0;
	int fd[2];
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return 0;
	snprintf(offset, sizeof(offset), "%#lx", (unsigned long)(pc - image->bias));
	pid = _Fork();
	if (!pid)
		child_run(image, offset, fd[1]);
	close(fd[1]);
	while (pid > 0 && length < size - 1) {
		ssize_t n = read(fd[0], text + length, size - 1 - length);

		if (n <= 0 && !(n < 0 && errno == EINTR))
			break;
		length += n > 0 ? (size_t)n : 0;
	}
	close(fd[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	text[length] = 0;
	return length;
}

/* Of our headers' functions, which a driver calls a routine through, nobody wants to hear. */
static bool is_wrapper(const char *file)
{
	const char *headers = strstr(file, "/ddk/");

	return headers && headers < file + strcspn(file, "\n") && strstr(headers, ".h:");
}

/*
 * "function\n/path/file.c:123 (discriminator 2)\n", with ?? for what is unknown; after that
 * likewise where it was inlined. Returns the first function that is the driver's own, NULL if there
 * is none.
 */
static char *own_function(char *text)
{
	char *file;

	for (char *function = text; (file = strchr(function, '\n'));
		function = strchr(file, '\n') + 1)
		if (!is_wrapper(++file))
			return function;
		else if (!strchr(file, '\n'))
			break;
	return NULL;
}

/* As loader_symbolize; false if all that is there is our headers'. *is_answer: another time it will
 * be the same. */
static bool symbolize_anew(
	uintptr_t pc, const struct loader_image *image, char *place, size_t size, bool *is_answer)
{
	char text[2000], name[256], *function, *file, *base, *end;
	bool is_own;

	file = addr2line(image, pc, text, sizeof(text)) ? strchr(text, '\n') : NULL;
	*is_answer = file != NULL;
	if (!file || !strncmp(text, "??\n", 3)) {
		snprintf(place, size, "%.99s.so+%#lx", image->name,
			(unsigned long)(pc - image->bias));
		return true;
	}
	function = own_function(text);
	is_own = function != NULL;
	function = is_own ? function : text;
	file = strchr(function, '\n');
	*file++ = 0;
	end = file + strcspn(file, " \n");
	*end = 0;
	base = strrchr(file, '/');
	base = base ? base + 1 : file;
	if (cxx_name_is(function))
		cxx_name_read(function, name, sizeof(name));
	else
		snprintf(name, sizeof(name), "%.255s", function);
	if (*base == '?')
		snprintf(place, size, "%s (%.99s.so)", name, image->name);
	else
		snprintf(place, size, "%s (%.200s)", name, base);
	return is_own;
}

/* What was answered last on this thread. */
static __thread char result[512];

/*
 * What has been answered since an image was loaded, shared with the children of fork: many runs of
 * one machine ask for the same few places. Answers are never changed; who adds one writes its
 * address last. Neither a lock nor an allocation.
 */
static struct answers {
	_Atomic unsigned taken;
	struct {
		_Atomic uintptr_t pc;
		bool is_own;
		char place[sizeof(result)];
	} answer[64];
} * answers;

/* A new place each time: the old one may be shared with relatives that keep the old image. */
void loader_answers_forget(void)
{
	void *memory = mmap(
		NULL, sizeof(*answers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (answers)
		munmap(answers, sizeof(*answers));
	answers = memory == MAP_FAILED ? NULL : memory;
}

static bool symbolize(uintptr_t pc, const struct loader_image *image)
{
	unsigned count = answers ? atomic_load(&answers->taken) : 0, place;
	bool is_own, is_answer;

	for (unsigned n = 0; n < min_of(count, (unsigned)array_size(answers->answer)); n++)
		if (atomic_load(&answers->answer[n].pc) == pc) {
			memcpy(result, answers->answer[n].place, sizeof(result));
			return answers->answer[n].is_own;
		}
	is_own = symbolize_anew(pc, image, result, sizeof(result), &is_answer);
	if (!answers || !is_answer)
		return is_own;
	place = atomic_fetch_add(&answers->taken, 1);
	if (place < array_size(answers->answer)) {
		memcpy(answers->answer[place].place, result, sizeof(result));
		answers->answer[place].is_own = is_own;
		atomic_store(&answers->answer[place].pc, pc);
	}
	return is_own;
}

const char *loader_symbolize(uintptr_t pc)
{
	const struct loader_image *image = image_of(pc);

	if (!image)
		return NULL;
	symbolize(pc, image);
	return result;
}

const char *loader_call_place(uintptr_t return_address)
{
	return loader_symbolize(return_address - 1);
}

struct frame_search {
	uintptr_t pc[WRAPPERS_MAX + 1];
	unsigned count;
};

static _Unwind_Reason_Code frame_visit(struct _Unwind_Context *context, void *ctx)
{
	struct frame_search *search = ctx;
	int before = 0;
	uintptr_t pc = _Unwind_GetIPInfo(context, &before);

	/* a return address belongs to the call before it */
	pc -= !before;
	if (!loader_contains(pc))
		return _URC_NO_REASON;
	search->pc[search->count++] = pc;
	return search->count < array_size(search->pc) ? _URC_NO_REASON : _URC_END_OF_STACK;
}

const char *loader_driver_frame(void)
{
	struct frame_search search = {0};

	_Unwind_Backtrace(frame_visit, &search);
	for (unsigned n = 0; n < search.count; n++)
		if (symbolize(search.pc[n], image_of(search.pc[n])))
			return result;
	return search.count ? loader_symbolize(search.pc[0]) : NULL;
}
