/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * From a code address to the driver's function, file and line (loader.h). addr2line reads the DWARF
 * in a process of its own, so that a report from a crash handler neither allocates nor takes a lock
 * here.
 */
#include "loader/image.h"
#include "util/cxx_name.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

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
	char *argv[] = {"addr2line", "-f", "-e", image->path, (char *)offset, NULL};
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

const char *loader_symbolize(uintptr_t pc)
{
	static __thread char result[512];
	const struct loader_image *image = image_of(pc);
	char text[600], name[256], *file, *base, *end;

	if (!image)
		return NULL;
	/* "function\n/path/file.c:123 (discriminator 2)\n", with ?? for what is unknown */
	file = addr2line(image, pc, text, sizeof(text)) ? strchr(text, '\n') : NULL;
	if (!file || !strncmp(text, "??\n", 3)) {
		snprintf(result, sizeof(result), "%.99s.so+%#lx", image->name,
			(unsigned long)(pc - image->bias));
		return result;
	}
	*file++ = 0;
	end = file + strcspn(file, " \n");
	*end = 0;
	base = strrchr(file, '/');
	base = base ? base + 1 : file;
	if (cxx_name_is(text))
		cxx_name_read(text, name, sizeof(name));
	else
		snprintf(name, sizeof(name), "%.255s", text);
	if (*base == '?')
		snprintf(result, sizeof(result), "%s (%.99s.so)", name, image->name);
	else
		snprintf(result, sizeof(result), "%s (%.200s)", name, base);
	return result;
}

struct frame_search {
	uintptr_t pc;
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
	search->pc = pc;
	return _URC_END_OF_STACK;
}

const char *loader_driver_frame(void)
{
	struct frame_search search = {0};

	_Unwind_Backtrace(frame_visit, &search);
	return search.pc ? loader_symbolize(search.pc) : NULL;
}
