// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sample machine with some of its files changed, missing, unreadable or cut, and everything that is judged from them: what a foreign tree
 * can do to us.
 *
 * The first byte chooses the group and the device that are judged.
 *
 *	machine	three bytes a change: how, and which file by number; then, for contents, one how many bytes and the bytes
 *	proc	one byte which of the tables below, and its whole text
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"
#include "diag/doctor.h"
#include "diag/explain.h"
#include "diag/guard.h"
#include "diag/guest-plan.h"
#include "diag/leak.h"
#include "diag/mapcheck.h"
#include "diag/open-refused.h"
#include "diag/viability.h"
#include "host/bindings.h"
#include "host/devinfo.h"
#include "host/drivers.h"
#include "host/holders.h"
#include "host/switches.h"
#include "host/units.h"
#include "snapshot/info.h"

struct change {
	const char *path;
	int err; /* 0: data */
	const uint8_t *data;
	size_t len;
};

/* The source that is looked at: changes over the sample machine. */
struct changed {
	struct source source;
	struct change v[16];
	size_t n;
};

static struct source *base;
static struct ctx forever;
static struct arena paths_arena;
static VEC(const char *) paths;

static const struct change *change_of(const struct source *s, const char *path)
{
	const struct changed *c = (const struct changed *)s;

	for (size_t i = c->n; i-- > 0;)
		if (streq(c->v[i].path, path))
			return &c->v[i];
	return NULL;
}

static int changed_read(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len)
{
	const struct change *c = change_of(s, path);

	if (!c)
		return base->ops->read(base, path, buf, cap, ret_len);
	if (c->err)
		return c->err;
	if (c->len)
		memcpy(buf, c->data, MIN(c->len, cap));
	*ret_len = c->len;
	return 0;
}

static int changed_readlink(struct source *s, const char *path, char *buf, size_t cap)
{
	const struct change *c = change_of(s, path);

	if (!c)
		return base->ops->readlink(base, path, buf, cap);
	if (c->err)
		return c->err;
	if (c->len >= cap)
		return -ENAMETOOLONG;
	/* a link holds no NUL */
	for (size_t i = 0; i < c->len; i++)
		buf[i] = c->data[i] ? (char)c->data[i] : '?';
	buf[c->len] = '\0';
	return 0;
}

static int changed_list(struct source *s, const char *path, struct arena *a, struct src_list *ret)
{
	const struct change *c = change_of(s, path);
	struct src_list l;
	int r;

	if (c && c->err)
		return c->err;
	r = base->ops->list(base, path, a, &l);
	if (r < 0 || !c || !c->len)
		return r < 0 ? r : (*ret = l, 0);
	/* one name more, or one less */
	*ret = (struct src_list){ .v = arena_array(a, struct src_entry, l.n + 1), .n = l.n };
	if (l.n)
		memcpy(ret->v, l.v, l.n * sizeof(*l.v));
	if (c->data[0] & 1 && ret->n) {
		ret->n--;
	} else {
		char *name = arena_memdup(a, c->data, c->len);

		if (*name && !strchr(name, '/') && !streq(name, ".") && !streq(name, ".."))
			ret->v[ret->n++] = (struct src_entry){ .name = name, .is_link = c->data[0] & 2, .is_dir = c->data[0] & 4 };
	}
	return 0;
}

static bool changed_exists(struct source *s, const char *path)
{
	const struct change *c = change_of(s, path);

	return c ? c->err != -ENOENT : base->ops->exists(base, path);
}

static int changed_section(struct source *s, struct ctx *ctx, enum source_section which, struct json_object **ret)
{
	(void)s;
	return base->ops->section(base, ctx, which, ret);
}

static const struct source_ops ops = {
	.kind = SOURCE_SNAPSHOT,
	.read = changed_read,
	.readlink = changed_readlink,
	.list = changed_list,
	.exists = changed_exists,
	.section = changed_section,
};

/* -- everything that is judged ---------------------------------------------------------------------------------------- */

static void judge_group(struct host *h, struct group *g)
{
	struct viability v;
	struct leak leak;
	int err;

	group_check(h, &(struct question){ .group = g }, &v);
	group_check(h, &(struct question){ .group = g, .after_bind = true }, &v);
	fuzz_check(explain_group(h, g, NULL) != NULL);
	group_ownership(h, host_ownership(h, &err), g, false, &leak);
	fuzz_check(leak.verdict != NULL);
}

static void judge_device(struct host *h, struct guard_facts *f, struct device *d)
{
	struct guard guard;
	struct refusal refusal;
	struct map_check check;
	const char *chain;

	device_guard(f, d, NULL, 0, &guard);
	fuzz_check(guard.verdict != NULL);
	open_refused(h, d, CLAIM_IOMMUFD, 0, &refusal);
	open_refused(h, d, CLAIM_LEGACY, -EPERM, &refusal);
	fuzz_check(refusal.text != NULL);
	if (d->is_pci && device_chain(h, d, &chain) == 0)
		fuzz_check(!strstr(chain, ".."));
	if (d->group) {
		map_check(h, &(struct map_question){ .device = d, .iova = 0xfee00000, .length = 0x10000 }, &check);
		fuzz_check(check.verdict != NULL);
	}
}

/* @which chooses the group and the device: all of them would take a hundred times as long. */
static void judge(struct source *s, uint8_t which)
{
	struct ctx ctx = { 0 };
	struct host *h;
	struct diagnosis diagnosis;
	struct snapshot_info info;
	struct guard_facts *f;
	struct bindings bindings;

	if (host_load(&ctx, s, HOST_ALL, &h) < 0)
		abort();
	f = guard_facts_read(h, "192.0.2.1 50000 192.0.2.2 22");
	doctor_examine(h, &diagnosis);
	fuzz_check(diagnosis.verdict && diagnosis.headline);
	if (h->n_groups)
		judge_group(h, &h->groups[which % h->n_groups]);
	if (h->n_devices)
		judge_device(h, f, &h->devices[which % h->n_devices]);
	host_bindings(h, &bindings);
	snapshot_info(s, &h->arena, &info);
	host_free(h);
	ctx_free(&ctx);
}

/* -- changes ------------------------------------------------------------------------------------------------------------ */

static void add_paths(const char *dir, int depth)
{
	struct src_list l;

	if (depth > 12 || base->ops->list(base, dir, &paths_arena, &l) < 0)
		return;
	*vec_push(&paths) = arena_strdup(&paths_arena, dir);
	for (size_t i = 0; i < l.n; i++) {
		char path[SRC_PATH_MAX];

		PATHF(path, "%s/%s", dir, l.v[i].name);
		if (l.v[i].is_dir)
			add_paths(path, depth + 1);
		else
			*vec_push(&paths) = arena_strdup(&paths_arena, path);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void prepare(void)
{
	if (base)
		return;
	if (source_open(&forever, "demo", &base) < 0)
		abort();
	add_paths("sys", 0);
	add_paths("proc", 0);
	add_paths("dev", 0);
	qsort(paths.v, paths.n, sizeof(*paths.v), by_text);
}

FUZZ_TARGET(machine)
{
	static const int errors[] = { -ENOENT, -EACCES, -ENOTCAPTURED, -EIO, -ENODEV };
	struct fuzz_input in = { data, data + size };
	struct changed s = { .source = { .ops = &ops, .name = (char[]){ "fuzz" } } };

	uint8_t which = fuzz_byte(&in);

	prepare();
	while (fuzz_left(&in) >= 3 && s.n < ARRAY_SIZE(s.v)) {
		struct change *c = &s.v[s.n++];
		uint8_t how = fuzz_byte(&in);

		c->path = paths.v[fuzz_number(&in, 2) % paths.n];
		if (how < ARRAY_SIZE(errors)) {
			c->err = errors[how];
			continue;
		}
		c->len = fuzz_length(&in, 1);
		c->data = in.p;
		in.p += c->len;
	}
	judge(&s.source, which);
	return 0;
}

FUZZ_TARGET(proc)
{
	static const char *const tables[] = {
		"proc/iomem", "proc/swaps", "proc/self/mountinfo", "proc/mounts", "proc/cmdline", "proc/interrupts", "proc/bus/input/devices",
		"proc/modules", "proc/devices", "proc/misc", "proc/config.gz", "proc/cpuinfo", "proc/self/limits", "proc/kallsyms", "proc/version",
		"sys/class/graphics/fb0/name", "proc/consoles", "proc/filesystems", "sys/kernel/security/lockdown", "proc/self/status",
	};
	struct changed s = { .source = { .ops = &ops, .name = (char[]){ "fuzz" } } };

	if (size < 2)
		return 0;
	prepare();
	s.v[s.n++] = (struct change){ .path = tables[data[1] % ARRAY_SIZE(tables)], .data = data + 2, .len = size - 2 };
	judge(&s.source, data[0]);
	return 0;
}
