// SPDX-License-Identifier: GPL-2.0-or-later
/* The text of a trace of failing functions. Anything may be in there. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "abi/iommufd.h"
#include "abi/vfio.h"
#include "base/str.h"
#include "kmem/failures.h"

#define MAX_EVENTS 200000u

/* "-12", "12": an errno; 0: it is none. */
static int errno_of(const char *s)
{
	uint64_t n = 0;

	if (*s != '-' || s[1] < '0' || s[1] > '9')
		return 0;
	for (s++; *s >= '0' && *s <= '9' && n < 100000; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	return n && n <= 4095 ? -(int)n : 0;
}

/* The text behind " NAME="; NULL: there is none. */
static const char *value_of(const char *text, const char *name)
{
	char mark[16];
	const char *p;

	snprintf(mark, sizeof(mark), " %s=", name);
	p = strstr(text, mark);
	return p ? p + strlen(mark) : NULL;
}

static const char *quoted(struct arena *a, const char *text, const char *name)
{
	const char *p = value_of(text, name), *end;

	if (!p || *p != '"')
		return NULL;
	end = strchr(++p, '"');
	return end && end > p ? arena_memdup(a, p, (size_t)(end - p)) : NULL;
}

static size_t function_of(const struct failure_log *log, const char *name, size_t len)
{
	for (size_t i = 0; i < log->n; i++)
		if (strlen(log->functions[i].name) == len && !memcmp(log->functions[i].name, name, len))
			return i;
	return SIZE_MAX;
}

/*
 * "   qemu-12  [000] d..1.  12.345678: r_FUNCTION: (…) ret=-1": the mark is the last ": r_" or ": e_" before a "(", since a task may have any
 * name.
 */
static const char *find_mark(const char *line)
{
	const char *found = NULL;

	for (const char *p = line; (p = strstr(p, ": ")); p++)
		if ((p[2] == 'r' || p[2] == 'e') && p[3] == '_')
			found = p;
	return found;
}

/* The task and its number before " [012] …"; false: it is no line of a trace. */
static bool read_head(struct failure_log *log, const char *line, const char *mark, struct failure_event *e)
{
	char *s = arena_memdup(&log->arena, line, (size_t)(mark - line)), *cpu = NULL, *dash;
	uint64_t pid;

	for (char *p = s; (p = strstr(p, " [")); p++)
		cpu = p;
	if (!cpu)
		return false;
	while (cpu > s && cpu[-1] == ' ')
		cpu--;
	*cpu = '\0';
	dash = strrchr(s, '-');
	if (!dash || parse_u64(dash + 1, &pid) < 0 || pid > INT32_MAX)
		return false;
	*dash = '\0';
	e->pid = (int64_t)pid;
	e->task = s + strspn(s, " ");
	return true;
}

/* "0x1000"; unknown when it could not be read: "(fault)". */
static struct num word_of(const char *text, const char *name)
{
	const char *v = value_of(text, name);

	return v && v[0] == '0' && v[1] == 'x' ? NUM((int64_t)strtoull(v, NULL, 16)) : NUM_UNKNOWN;
}

/* Where the two calls that map have address and length, in words of eight bytes: struct iommu_ioas_map, struct vfio_iommu_type1_dma_map. */
static void add_words(const char *text, struct failure_event *e)
{
	if (e->cmd == IOMMU_IOAS_MAP)
		e->iova = word_of(text, "w4");
	else if (e->cmd == VFIO_IOMMU_MAP_DMA)
		e->iova = word_of(text, "w2");
	else
		return;
	e->length = word_of(text, "w3");
}

/* The name that the call's own return has of the task, last in its line, since it may have anything in it: the head has it only while the kernel remembers. */
static const char *cut_task(struct failure_log *log, char *line)
{
	static const char key[] = " task=\"";
	char *at = NULL, *end = line + strlen(line);

	for (char *p = line; (p = strstr(p, key)); p++)
		at = p;
	if (!at || end - at <= (ptrdiff_t)strlen(key) || end[-1] != '"')
		return NULL;
	*at = '\0';
	at += strlen(key);
	return arena_memdup(&log->arena, at, (size_t)(end - 1 - at));
}

static void add_line(struct failure_log *log, char *line)
{
	const char *task = cut_task(log, line);
	const char *mark = find_mark(line), *name = mark ? mark + 4 : NULL, *v;
	struct failure_event e = { .function = name ? function_of(log, name, strcspn(name, ":")) : SIZE_MAX };

	if (e.function == SIZE_MAX || !read_head(log, line, mark, &e)) {
		log->lost += strstr(line, "LOST") != NULL;
		log->other++;
		return;
	}
	if (task)
		e.task = task;
	e.entry = mark[2] == 'e';
	v = value_of(name, e.entry ? "cmd" : "ret");
	if (v && e.entry) {
		e.cmd = (uint32_t)strtoul(v, NULL, 16);
		add_words(name, &e);
	}
	if (!e.entry)
		e.ret = v ? errno_of(v) : 0;
	e.device = quoted(&log->arena, name, "dev");
	v = value_of(name, "group");
	if (v && *v >= '0' && *v <= '9')
		e.group = NUM(strtoul(v, NULL, 10));
	/* a pointer, or a result that is no error */
	if (!e.entry && !e.ret)
		return;
	if (log->v.n < MAX_EVENTS)
		*vec_push(&log->v) = e;
	else
		log->lost++;
}

void failure_log_text(struct failure_log *log, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] != '\n') {
			if (log->line_len < sizeof(log->line) - 1 && text[i])
				log->line[log->line_len++] = text[i];
			continue;
		}
		log->line[log->line_len] = '\0';
		if (log->line_len)
			add_line(log, log->line);
		log->line_len = 0;
	}
}

void failure_log_free(struct failure_log *log)
{
	vec_free(&log->v);
	arena_free(&log->arena);
}
