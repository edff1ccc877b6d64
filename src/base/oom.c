// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/util.h"

#include <string.h>
#include <sys/uio.h>

static struct oom_end *ends;
static struct oom_status status = { .code = 1 };
static void *reserve;
static bool expected;

static void say(const char *s)
{
	struct iovec v[] = { { (char *)s, strlen(s) }, { (char *)"\n", 1 } };

	if (writev(STDERR_FILENO, v, 2) < 0)
		return; /* nobody to tell */
}

void out_of_memory(void)
{
	while (ends) {
		struct oom_end *e = ends;

		ends = e->next;
		e->fn(e->arg);
	}
	say("iommuctl: out of memory: Cannot allocate memory");
	if (status.hint)
		say(status.hint);
	_exit(status.code);
}

/* exit(3) is called by main's return, with nothing left to be done; and by libraries that give up. */
static void on_exit_elsewhere(void)
{
	if (!expected)
		out_of_memory();
}

void oom_watch_exit(void)
{
	atexit(on_exit_elsewhere);
}

int oom_expect_exit(int code)
{
	expected = true;
	return code;
}

void *must(void *p)
{
	if (!p)
		out_of_memory();
	return p;
}

bool oom_give_up_reserve(void)
{
	bool had = reserve;

	free(reserve);
	reserve = NULL;
	return had;
}

bool oom_reserve(size_t size)
{
	if (!reserve)
		reserve = malloc(size);
	return reserve;
}

void *must_realloc(void *p, size_t n, size_t size)
{
	size_t bytes;
	void *q;

	if (__builtin_mul_overflow(n, size, &bytes))
		out_of_memory();
	do
		q = realloc(p, bytes ? bytes : 1);
	while (!q && oom_give_up_reserve());
	return must(q);
}

void *must_malloc(size_t size)
{
	void *p;

	do
		p = malloc(size ? size : 1);
	while (!p && oom_give_up_reserve());
	return must(p);
}

void *must_calloc(size_t n, size_t size)
{
	void *p;

	do
		p = calloc(n, size);
	while (!p && oom_give_up_reserve());
	return must(p);
}

char *must_strdup(const char *s)
{
	size_t n = s ? strlen(s) + 1 : 0;

	return s ? memcpy(must_malloc(n), s, n) : NULL;
}

void oom_at_end(struct oom_end *end)
{
	end->next = ends;
	ends = end;
}

void oom_forget(struct oom_end *end)
{
	struct oom_end **p = &ends;

	while (*p && *p != end)
		p = &(*p)->next;
	if (*p)
		*p = end->next;
}

void oom_status(struct oom_status s)
{
	status = s;
}
