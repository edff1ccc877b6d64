// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * why, where nothing may be probed: the failing calls by ptrace(2), which everybody may do with their own programs, and what the
 * facts alone say about them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "abi/iommufd.h"
#include "abi/vfio.h"
#include "base/str.h"
#include "cmd/why.h"
#include "diag/mapcheck.h"
#include "diag/viability.h"
#include "kmem/ptrace.h"
#include "trace/ioctl.h"

/* What is not the failure itself is kept as long as it may explain one. */
#define MAX_FAILED 10000
#define MAX_MAPS   4096

struct failed_call {
	const char *call, *err, *name, *task;
	enum traced_kind kind;
	uint32_t cmd;
	int code;
	pid_t pid;
	uint64_t iova, length; /* of a mapping */
};

struct made_map {
	uint64_t iova, length;
};

struct why_calls {
	struct invocation *inv;
	struct arena arena;
	VEC(struct failed_call) failed;
	VEC(struct made_map) maps;
	VEC(const char *) devices; /* that it used */
	struct num group; /* by container and group: the last one */
	size_t dropped;
};

/* -- the facts ------------------------------------------------------------------------------------------------------------ */

struct group *why_group(struct host *h, const char *device, struct num group, struct why_row *row)
{
	struct group *g = group.known ? host_group(h, (uint32_t)group.v) : NULL;

	for (size_t i = 0; device && i < h->n_devices; i++)
		if (streq(h->devices[i].name, device))
			g = h->devices[i].group;
	if (g)
		row->group = NUM(g->id);
	return g;
}

void why_join_group(struct host *h, struct group *g, struct why_row *row)
{
	struct question q = { .group = g };
	struct viability v;

	group_check(h, &q, &v);
	row->reasons = v.reasons;
}

bool why_join_map(struct host *h, const char *device, uint64_t iova, uint64_t length, struct why_row *row)
{
	struct map_question q = { .iova = iova, .length = length };
	struct map_check c;

	for (size_t i = 0; i < h->n_devices; i++)
		if (streq(h->devices[i].name, device))
			q.device = &h->devices[i];
	if (!q.device || !q.device->group || !length)
		return false;
	map_check(h, &q, &c);
	if (!streq(c.verdict, "refused"))
		return false;
	row->device = device;
	row->group = NUM(q.device->group->id);
	row->meaning = row->meaning ?: c.summary;
	row->reasons = c.reasons;
	row->of_map = true;
	return true;
}

/* -- what is seen --------------------------------------------------------------------------------------------------------- */

static enum ioctl_on on_of(enum traced_kind kind)
{
	switch (kind) {
	case TRACED_IOMMUFD:
		return IOCTL_ON_IOMMUFD;
	case TRACED_CONTAINER:
		return IOCTL_ON_CONTAINER;
	case TRACED_GROUP:
		return IOCTL_ON_GROUP;
	default:
		return IOCTL_ON_DEVICE;
	}
}

static uint64_t value(const struct ioctl_decoded *d, const char *name, const char *other)
{
	const struct ioctl_value *v = ioctl_value(d, name) ?: ioctl_value(d, other);

	return v ? v->v : 0;
}

static void remember_name(struct why_calls *w, const struct traced_call *c)
{
	uint32_t n;

	if (!c->name)
		return;
	if (c->kind == TRACED_GROUP && parse_u32(c->name, &n) == 0)
		w->group = NUM(n);
	if (c->kind != TRACED_DEVICE)
		return;
	for (size_t i = 0; i < w->devices.n; i++)
		if (streq(w->devices.v[i], c->name))
			return;
	*vec_push(&w->devices) = arena_strdup(&w->arena, c->name);
}

static const char *task_name(struct arena *a, pid_t tid)
{
	char path[64], name[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)tid);
	f = fopen(path, "re");
	if (f && !fgets(name, sizeof(name), f))
		name[0] = '\0';
	if (f)
		fclose(f);
	name[strcspn(name, "\n")] = '\0';
	return arena_strdup(a, name);
}

static bool is_map(uint32_t cmd)
{
	return cmd == IOMMU_IOAS_MAP || cmd == IOMMU_IOAS_MAP_FILE || cmd == VFIO_IOMMU_MAP_DMA;
}

static void look_at_call(const struct traced_call *c, void *arg)
{
	struct why_calls *w = arg;
	struct ioctl_decoded d = { 0 };
	const char *err;

	remember_name(w, c);
	if (!c->returned || c->ret <= -512)
		return;
	if (c->ret >= 0 && (!is_map(c->cmd) || w->maps.n >= MAX_MAPS))
		return;
	if (w->failed.n >= MAX_FAILED) {
		w->dropped++;
		return;
	}
	ioctl_decode(&w->arena, on_of(c->kind), c->cmd, c->arg, c->in, c->n_in, c->out, c->n_out, c->ret >= 0, &d);
	if (c->ret >= 0) {
		*vec_push(&w->maps) = (struct made_map){ value(&d, "iova", "iova"), value(&d, "length", "size") };
		return;
	}
	err = strerrorname_np((int)-c->ret);
	*vec_push(&w->failed) = (struct failed_call){
		.call = d.name ?: arena_printf(&w->arena, "ioctl 0x%x", c->cmd),
		.err = err ?: arena_printf(&w->arena, "%lld", (long long)c->ret),
		.name = c->name ? arena_strdup(&w->arena, c->name) : NULL,
		.task = task_name(&w->arena, c->tid),
		.kind = c->kind,
		.cmd = c->cmd,
		.code = (int)c->ret,
		.pid = c->tid,
		.iova = value(&d, "iova", "iova"),
		.length = value(&d, "length", "size"),
	};
}

/* A program that gains rights when it is run would not gain them while it is traced. */
static bool gains_rights(const char *program)
{
	_cleanup_free_ char *path = strchr(program, '/') ? NULL : strdup(getenv("PATH") ?: "");
	char file[4096];
	struct stat st;

	if (!path)
		return stat(program, &st) == 0 && st.st_mode & (S_ISUID | S_ISGID);
	for (char *save = NULL, *dir = strtok_r(path, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		snprintf(file, sizeof(file), "%s/%s", dir, program);
		if (access(file, X_OK) == 0)
			return stat(file, &st) == 0 && st.st_mode & (S_ISUID | S_ISGID);
	}
	return false;
}

int why_calls_run(struct invocation *inv, struct why_calls **ret, int *ret_exit)
{
	struct why_calls *w = calloc(1, sizeof(*w));
	struct tracer_options o = { .cmd = inv->cmd, .stdout_is_ours = out_options(inv->out)->json, .call = look_at_call,
				    .arg = w };
	int status = -1, r;

	if (!w)
		return -ENOMEM;
	w->inv = inv;
	*ret = w;
	if (gains_rights(inv->cmd[0]))
		return -EPERM;
	r = tracer_run(inv->ctx, &o, &status);
	if (status == -1)
		return r < 0 ? r : -EPERM;
	*ret_exit = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

void why_calls_free(struct why_calls *c)
{
	if (!c)
		return;
	vec_free(&c->failed);
	vec_free(&c->maps);
	vec_free(&c->devices);
	arena_free(&c->arena);
	free(c);
}

size_t why_calls_count(const struct why_calls *c)
{
	return c->failed.n;
}

/* -- the two together -------------------------------------------------------------------------------------------------------- */

/* Calls that the group's owner, its drivers, its interrupts and its reserved memory decide about. */
static bool is_about_group(const struct failed_call *f)
{
	switch (f->kind) {
	case TRACED_DEVICE:
		return f->cmd == VFIO_DEVICE_BIND_IOMMUFD;
	case TRACED_GROUP:
		return f->cmd == VFIO_GROUP_SET_CONTAINER || f->cmd == VFIO_GROUP_GET_DEVICE_FD;
	case TRACED_CONTAINER:
		return f->cmd == VFIO_SET_IOMMU;
	default:
		return false;
	}
}

/* A mapping that was refused, by any of the devices it is for; or one made before, that a device to be attached does not stand. */
static bool join_maps(struct why_calls *w, const struct failed_call *f, struct host *h, struct why_row *row)
{
	if (is_map(f->cmd)) {
		for (size_t i = 0; i < w->devices.n; i++)
			if (why_join_map(h, w->devices.v[i], f->iova, f->length, row))
				return true;
		return false;
	}
	if (f->kind != TRACED_DEVICE || f->cmd != VFIO_DEVICE_ATTACH_IOMMUFD_PT || !f->name)
		return false;
	for (size_t i = 0; i < w->maps.n; i++) {
		const struct made_map *m = &w->maps.v[i];

		if (!why_join_map(h, f->name, m->iova, m->length, row))
			continue;
		row->meaning = arena_printf(&w->arena, "what is mapped at 0x%llx already does not go with the device: %s", (unsigned long long)m->iova,
					    row->meaning);
		return true;
	}
	return false;
}

struct why_row why_calls_row(struct why_calls *w, size_t i, struct host *h)
{
	const struct failed_call *f = &w->failed.v[i];
	const char *device = f->kind == TRACED_DEVICE ? f->name : NULL;
	struct why_row row = {
		.call = f->call,
		.err = f->err,
		.device = device,
		.task = f->task,
		.pid = NUM(f->pid),
		.chain = ROWS(NULL, 0),
		.before = ROWS(NULL, 0),
		.reasons = ROWS(NULL, 0),
	};
	struct num id = w->group;
	struct group *g;
	uint32_t n;

	if (f->kind == TRACED_GROUP && f->name && parse_u32(f->name, &n) == 0)
		id = NUM(n);
	if (f->kind == TRACED_IOMMUFD)
		id = (struct num){ 0 };
	g = why_group(h, device, id, &row);
	if (g && is_about_group(f))
		why_join_group(h, g, &row);
	else
		join_maps(w, f, h, &row);
	return row;
}
