// SPDX-License-Identifier: GPL-2.0-or-later
/* The text of a trace: what tracefs prints for the events that probes.c makes. Anything may be in there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/tree.h"
#include "kmem/probes.h"

/* What a log may cost, however long it is. */
#define MAX_EVENTS 200000u
#define MAX_STACK  64u

static const struct {
	const char *event, *word;
	bool takes;
} calls[CALL_MAX] = {
	[CALL_USE] = { "use", "use", true },
	[CALL_UNUSE] = { "unuse", "unuse", false },
	[CALL_CLAIM] = { "claim", "claim", true },
	[CALL_RELEASE] = { "release", "release", false },
	[CALL_GROUP_CLAIM] = { "group_claim", "group-claim", true },
	[CALL_GROUP_RELEASE] = { "group_release", "group-release", false },
};

const char *probe_call_word(enum probe_call c)
{
	return calls[c].word;
}

bool probe_call_takes(enum probe_call c)
{
	return calls[c].takes;
}

void probe_log_free(struct probe_log *log)
{
	struct probe_event *e;

	tree_forget(log->tasks);
	vec_for_each(e, &log->v)
		vec_free(&e->stack);
	vec_free(&log->v);
	arena_free(&log->arena);
}

/* The head of a line: "      bash-66      [000] .....     5.382180". */
struct head {
	const char *task;
	int64_t pid;
	const char *time;
};

/* Cuts the last word off; NULL when there is none. */
static char *last_word(char *s)
{
	size_t n = strlen(s);
	char *p;

	while (n && s[n - 1] == ' ')
		s[--n] = '\0';
	p = strrchr(s, ' ');
	if (!p)
		return NULL;
	*p = '\0';
	return p + 1;
}

/* A task's name may have anything in it, so the head is read from its end. Valid as long as no other is read. */
static bool read_head(struct probe_log *log, const char *line, size_t len, struct head *ret)
{
	char *s = log->head, *flags, *cpu, *dash;
	uint64_t pid;

	memcpy(s, line, len);
	s[len] = '\0';
	ret->time = last_word(s);
	flags = ret->time ? last_word(s) : NULL;
	cpu = flags ? last_word(s) : NULL;
	if (!cpu || cpu[0] != '[' || ret->time[strspn(ret->time, "0123456789.")])
		return false;
	while (*s == ' ')
		s++;
	for (size_t n = strlen(s); n && s[n - 1] == ' ';)
		s[--n] = '\0';
	dash = strrchr(s, '-');
	if (!dash || parse_u64(dash + 1, &pid) < 0 || pid > INT32_MAX)
		return false;
	*dash = '\0';
	ret->task = s;
	ret->pid = (int64_t)pid;
	return true;
}

/* The text behind ": NAME: (" at the last place where that is; NULL: nowhere. *@ret_at: where it starts. */
static const char *find_event(const char *line, const char *name, const char *suffix, size_t *ret_at)
{
	char mark[40];
	const char *found = NULL;
	size_t n = (size_t)snprintf(mark, sizeof(mark), ": %s%s: (", name, suffix);

	for (const char *p = line; (p = strstr(p, mark)); p++)
		found = p;
	if (!found)
		return NULL;
	*ret_at = (size_t)(found - line);
	return found + n;
}

/* The number behind " NAME=", up to a blank; a minus is before it: *@ret_minus, which may be NULL when there is to be none. */
static bool value_of(const char *text, const char *name, bool *ret_minus, uint64_t *ret)
{
	char mark[16], number[32];
	const char *p;
	size_t n;

	snprintf(mark, sizeof(mark), " %s=", name);
	p = strstr(text, mark);
	if (!p)
		return false;
	p += strlen(mark);
	if (ret_minus && (*ret_minus = *p == '-'))
		p++;
	n = strcspn(p, " ");
	if (n >= sizeof(number))
		return false;
	memcpy(number, p, n);
	number[n] = '\0';
	return parse_u64(number, ret) == 0;
}

static struct num number_of(const char *text, const char *name)
{
	uint64_t n;

	return value_of(text, name, NULL, &n) && n <= INT32_MAX ? NUM(n) : NUM_UNKNOWN;
}

/* dev="0000:01:00.0" drv="e1000e"; a driver that is not there is printed as (fault). */
static const char *quoted(struct probe_log *log, const char *text, const char *name)
{
	char mark[16];
	const char *p, *end;

	snprintf(mark, sizeof(mark), " %s=\"", name);
	p = strstr(text, mark);
	if (!p)
		return NULL;
	p += strlen(mark);
	end = strchr(p, '"');
	return end ? arena_memdup(&log->arena, p, (size_t)(end - p)) : NULL;
}

/* The task's name comes last, since it may have anything in it; the line's head has it only while the kernel remembers. */
static const char *cut_task(struct probe_log *log, char *text)
{
	char *p = strstr(text, " task=\""), *end = strrchr(text, '"');

	if (!p)
		return NULL;
	*p = '\0';
	p += strlen(" task=\"");
	return end >= p ? arena_memdup(&log->arena, p, (size_t)(end - p)) : NULL;
}

/* What a task has called last: place in log->v plus one, 0 none. */
struct task_calls {
	int64_t pid;
	size_t last;		     /* whatever it was */
	size_t not_back[CALL_MAX];   /* that has not come back; probe_event.before has the one before */
};

static int by_pid(const void *a, const void *b)
{
	const struct task_calls *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* NULL: it has made no call. */
static struct task_calls *task_calls(const struct probe_log *log, int64_t pid)
{
	struct task_calls **t = tfind(&(struct task_calls){ .pid = pid }, &log->tasks, by_pid);

	return t ? *t : NULL;
}

static void remember(struct probe_log *log, struct probe_event *e)
{
	struct task_calls *t = task_calls(log, e->pid);

	if (!t) {
		t = arena_new(&log->arena, struct task_calls);
		*t = (struct task_calls){ .pid = e->pid };
		must(tsearch(t, &log->tasks, by_pid));
	}
	t->last = log->v.n;
	if (e->returned)
		return;
	e->before = t->not_back[e->call];
	t->not_back[e->call] = log->v.n;
}

/* Nobody's stack follows. */
static void drop_event(struct probe_log *log, const struct head *h)
{
	struct task_calls *t = task_calls(log, h->pid);

	log->lost++;
	if (t)
		t->last = 0;
}

static void add_event(struct probe_log *log, enum probe_call call, const struct head *h, const char *line)
{
	char *text;
	const char *task;
	uint64_t address;
	struct probe_event *e;

	log->stack_of = SIZE_MAX;
	if (log->v.n >= MAX_EVENTS) {
		drop_event(log, h);
		return;
	}
	text = arena_strdup(&log->arena, line);
	task = cut_task(log, text);
	e = vec_push(&log->v);
	*e = (struct probe_event){
		.call = call,
		.time = arena_strdup(&log->arena, h->time),
		.task = task ? task : arena_strdup(&log->arena, h->task),
		.pid = h->pid,
		.group = number_of(text, "group"),
		.count = number_of(text, "count"),
		.device = quoted(log, text, "dev"),
		.driver = quoted(log, text, "drv"),
		.returned = !probe_call_takes(call),
	};
	/* a device without a group: the fields behind the pointer were read from nowhere */
	if (value_of(text, "grp", NULL, &address) && !address)
		e->group = e->count = NUM_UNKNOWN;
	remember(log, e);
}

/* A return belongs to that task's last call of the function. */
static void add_return(struct probe_log *log, enum probe_call call, const struct head *h, const char *text)
{
	struct task_calls *t = task_calls(log, h->pid);
	struct probe_event *e;
	bool minus;
	uint64_t n;

	if (!t || !t->not_back[call] || !value_of(text, "ret", &minus, &n) || n > 4095)
		return;
	e = &log->v.v[t->not_back[call] - 1];
	t->not_back[call] = e->before;
	e->returned = true;
	e->ret = minus ? -(int)n : (int)n;
}

/* Frames of the probe itself, and addresses without a name, say nothing. */
static bool tells_something(const char *function)
{
	static const char *const noise[] = { "kprobe_", "aggr_pre_handler", "kretprobe_", "0x", "arch_rethook", "rethook_",
					     "ftrace_", "opt_pre_handler", "optimized_callback", "iommu_device_use_default_domain",
					     "iommu_device_unuse_default_domain", "iommu_device_claim_dma_owner",
					     "iommu_device_release_dma_owner", "iommu_group_claim_dma_owner",
					     "iommu_group_release_dma_owner" };

	for (size_t i = 0; i < ARRAY_SIZE(noise); i++)
		if (strstarts(function, noise[i]))
			return false;
	return *function != '\0';
}

static void add_frame(struct probe_log *log, const char *function)
{
	struct probe_event *e;

	if (log->stack_of == SIZE_MAX || log->stack_of >= log->v.n || !tells_something(function))
		return;
	e = &log->v.v[log->stack_of];
	if (e->stack.n < MAX_STACK)
		*vec_push(&e->stack) = arena_strdup(&log->arena, function);
}

/* "… : <stack trace>": the frames below belong to that task's last call. */
static bool starts_stack(struct probe_log *log, const char *line)
{
	const char *p = strstr(line, ": <stack trace>");
	struct task_calls *t;
	struct head h;

	if (!p)
		return false;
	t = read_head(log, line, (size_t)(p - line), &h) ? task_calls(log, h.pid) : NULL;
	log->stack_of = t && t->last && !log->v.v[t->last - 1].stack.n ? t->last - 1 : SIZE_MAX;
	return true;
}

static void take_line(struct probe_log *log, const char *line)
{
	struct head h;
	size_t at;

	if (strstarts(line, " => ")) {
		add_frame(log, line + 4);
		return;
	}
	if (strstr(line, "[LOST ") || strstr(line, "[LOST EVENTS]")) {
		log->lost++;
		return;
	}
	for (size_t i = 0; i < CALL_MAX; i++) {
		const char *text = find_event(line, calls[i].event, "", &at);
		const char *ret = text ? NULL : find_event(line, calls[i].event, "_ret", &at);

		if ((!text && !ret) || !read_head(log, line, at, &h))
			continue;
		if (text)
			add_event(log, (enum probe_call)i, &h, text);
		else
			add_return(log, (enum probe_call)i, &h, ret);
		return;
	}
	if (!starts_stack(log, line) && *line && *line != '#')
		log->other++;
}

void probe_log_text(struct probe_log *log, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] != '\n') {
			if (log->line_len < sizeof(log->line) - 1)
				log->line[log->line_len++] = text[i] ? text[i] : '?';
			continue;
		}
		log->line[log->line_len] = '\0';
		log->line_len = 0;
		take_line(log, log->line);
	}
}

int probe_log_read(struct probe_log *log, int fd)
{
	char buf[8192];

	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		probe_log_text(log, buf, (size_t)n);
	}
	if (log->line_len)
		probe_log_text(log, "\n", 1);
	return 0;
}
