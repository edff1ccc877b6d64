/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens when there is no memory. Nobody can do better with half of a machine than to end in good order: one line on stderr, files that must not
 * be left are taken away, and the exit status says whether the machine is as before. Allocations that may be huge because a file or a peer says so
 * do not go this way: they are checked, and answered -ENOMEM.
 */
#ifndef IOMMUCTL_BASE_OOM_H
#define IOMMUCTL_BASE_OOM_H

#include <stdbool.h>
#include <stddef.h>

/* Ends the program. Also for memory that a library did not get. */
_Noreturn void out_of_memory(void);

/* @p, which is not NULL: else out_of_memory(). For what libraries return. */
void *must(void *p);

/* As their namesakes, and never NULL (but must_strdup() of NULL). The reserve is used before the program ends. */
void *must_malloc(size_t size);
void *must_calloc(size_t n, size_t size);
void *must_realloc(void *p, size_t n, size_t size);
char *must_strdup(const char *s);

/*
 * For a process that many rely on: @size bytes are put aside and given up at the first allocation that fails. False: there is no such reserve, and
 * none can be had now: whoever calls should take on nothing new. Cheap where it is there already.
 */
bool oom_reserve(size_t size);

/* Gives the reserve up. True: there was one, and what failed is worth another try. */
bool oom_give_up_reserve(void);

/*
 * What is to be done before the end: @fn, last in first out, once. It may use no memory. oom_forget() takes the last one back. @end is the
 * caller's for as long.
 */
struct oom_end {
	void (*fn)(void *arg);
	void *arg;
	struct oom_end *next;
};
void oom_at_end(struct oom_end *end);
void oom_forget(struct oom_end *end);

/*
 * There are libraries that end the program themselves when they get no memory (libarchive does). From oom_watch_exit() on that becomes our end;
 * main returns through oom_expect_exit(), which returns @code.
 */
void oom_watch_exit(void);
int oom_expect_exit(int code);

/* The exit status of that end, and what the user is told to do (static, NULL nothing). 1 and NULL at first. */
struct oom_status {
	int code;
	const char *hint;
};

/* Says what that end is from now on; the hint is not copied. */
void oom_status(struct oom_status s);

#endif
