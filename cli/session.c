/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A running machine at somebody's service: see session.h. Used by run.c. */
#include "session.h"
#include "miniport.h"
#include "sg/protocol.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define GRACE_NS (5 * 1000000000ull)
#define TICK_MS	 200

/* word with each {uri} replaced; the caller's to free, NULL if out of memory. */
static char *uri_insert(const char *word, const char *uri)
{
	static const char mark[] = "{uri}";
	const size_t length = sizeof(mark) - 1;
	const char *at, *from = word;
	size_t count = 0;
	char *text, *to;

	for (at = strstr(word, mark); at; at = strstr(at + length, mark))
		count++;
	text = malloc(strlen(word) + count * strlen(uri) + 1);
	if (!text)
		return NULL;
	for (to = text; (at = strstr(from, mark)); from = at + length) {
		memcpy(to, from, (size_t)(at - from));
		to = stpcpy(to + (at - from), uri);
	}
	strcpy(to, from);
	return text;
}

static void words_free(char **words)
{
	char **word;

	for (word = words; word && *word; word++)
		free(*word);
	free(words);
}

static char **words_make(char *const *command, const char *uri)
{
	size_t count = 0;
	char **words;

	while (command[count])
		count++;
	words = calloc(count + 1, sizeof(*words));
	for (count = 0; words && command[count]; count++) {
		words[count] = uri_insert(command[count], uri);
		if (!words[count]) {
			words_free(words);
			return NULL;
		}
	}
	return words;
}

/* A typed ctrl-C has reached COMMAND already; one sent to us has not. */
static void interrupts_forward(const struct process *command, unsigned *seen)
{
	if (process_interrupts.count == *seen)
		return;
	if (*seen)
		process_signal(command, SIGKILL);
	else if (!process_interrupts.by_terminal)
		process_signal(command, SIGTERM);
	*seen = process_interrupts.count;
}

static void command_wait(struct process *command, struct server *server, struct session *session)
{
	unsigned interrupts = 0;
	uint64_t start = term_clock(), lost = 0;

	while (process_poll(command)) {
		process_wait(TICK_MS);
		interrupts_forward(command, &interrupts);
		if (session->seconds && term_clock() - start > session->seconds * 1000000000ull) {
			session->timed_out = true;
			process_signal(command, SIGKILL);
		}
		if (process_poll(&server->process))
			continue;
		/* what it waits for will not come any more */
		if (!lost)
			lost = term_clock();
		else if (term_clock() - lost > GRACE_NS)
			process_signal(
				command, term_clock() - lost > 2 * GRACE_NS ? SIGKILL : SIGTERM);
	}
}

/* "NAME=VALUE" of what COMMAND needs, in room for `size`; those that stand there already go first.
 */
static char *preload_word(char *word, size_t size)
{
	const char *before = getenv("LD_PRELOAD");
	char library[PATH_MAX];

	build_path(library, "sg/dryport-sg.so");
	/* a sanitizer's runtime, if there is one, wants to be the first */
	if (before && *before)
		snprintf(word, size, "LD_PRELOAD=%s:%s", before, library);
	else
		snprintf(word, size, "LD_PRELOAD=%s", library);
	return word;
}

int session_command(struct server *server, char *const *command, struct session *session)
{
	char **words = words_make(command, server->uri);
	char uri[sizeof(server->uri) + 8], real[PATH_MAX], folder[PATH_MAX + 16],
		preload[2 * PATH_MAX];
	char *environment[4] = {uri};
	struct process_setup setup = {.no_input = session->no_input,
		.output = session->output,
		.environment = environment};
	struct process process;
	int err = -ENOMEM;

	snprintf(uri, sizeof(uri), "uri=%s", server->uri);
	if (session->sg) {
		/* as /proc/self/fd has it */
		if (!realpath(session->sg, real))
			snprintf(real, sizeof(real), "%s", session->sg);
		snprintf(folder, sizeof(folder), SG_FOLDER_VARIABLE "=%s", real);
		environment[1] = folder;
		environment[2] = preload_word(preload, sizeof(preload));
	}
	if (words)
		err = process_start(&process, words, &setup);
	words_free(words);
	if (err < 0) {
		cli_fail("%s: %s", command[0], err == -ENOENT ? "no such command" : strerror(-err));
		return 127;
	}
	command_wait(&process, server, session);
	return process_exit_status(&process);
}

void session_serve(struct server *server, const struct term *term)
{
	char read[NUMBER_MAX], written[NUMBER_MAX];

	while (!process_interrupts.count && process_poll(&server->process)) {
		if (term->tty) {
			fprintf(term->out, "\r\033[Kread %s, written %s",
				number_bytes(read, server->status->bytes_read),
				number_bytes(written, server->status->bytes_written));
			fflush(term->out);
		}
		process_wait(TICK_MS);
	}
	if (term->tty)
		fprintf(term->out, "\r\033[K");
}
