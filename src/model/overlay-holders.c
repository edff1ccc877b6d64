// SPDX-License-Identifier: GPL-2.0-or-later
/* SECTION_HOLDERS: the base's, and this process with the devices that the model has open for it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/json.h"
#include "base/str.h"
#include "model/internal.h"
#include "source/doc.h"
#include "source/holders.h"

static struct json_object *this_process(enum held_kind kind)
{
	struct json_object *o = json_make_object();
	char comm[17] = "";

	prctl(PR_GET_NAME, comm);
	doc_put_int(o, "pid", getpid());
	doc_put_int(o, "uid", getuid());
	doc_put(o, "comm", comm);
	doc_put(o, "kind", held_kind_name(kind));
	return o;
}

/* Its name in the class, once it has a node; NULL none. */
static const char *vfio_name(struct model *m, const char *dir, struct arena *a)
{
	struct src_list list = { 0 };
	char path[SRC_PATH_MAX];

	PATHF(path, "%s/vfio-dev", dir);
	if (source_list((struct source *)m->overlay, path, a, &list) < 0 || !list.n)
		return NULL;
	return list.v[0].name;
}

static struct json_object *held_device(struct model *m, const struct mdev *d)
{
	_cleanup_(arena_free) struct arena a = { 0 };
	struct json_object *o = this_process(HELD_DEVICE);
	char path[SRC_PATH_MAX], dir[SRC_PATH_MAX];
	const char *name;

	PATHF(path, "sys/bus/%s/devices/%s", d->bus, d->name);
	if (overlay_real(m->overlay, path, dir, sizeof(dir)) < 0)
		return o;
	doc_put(o, "syspath", arena_printf(&a, "/%s", dir));
	name = vfio_name(m, dir, &a);
	doc_put(o, "vfio_dev", name);
	doc_put(o, "node", name ? arena_printf(&a, "/dev/vfio/devices/%s", name) : NULL);
	return o;
}

static struct json_object *held_group(const struct mgroup *g)
{
	struct json_object *o = this_process(HELD_GROUP);
	char node[32];

	snprintf(node, sizeof(node), "/dev/vfio/%u", g->id);
	doc_put_int(o, "group", g->id);
	doc_put(o, "node", node);
	return o;
}

/* Selftest devices have no node. */
static bool has_node(const struct handle *h)
{
	return h && !h->dev->mock && !h->selftest;
}

bool facts_has_holders(const struct model *m)
{
	for (size_t i = 0; i < m->handles.n; i++)
		if (has_node(m->handles.v[i]))
			return true;
	return false;
}

/* A base that cannot say who holds what: nobody else is known, and that there is nobody is not. */
static struct json_object *unknown_base(int err)
{
	struct json_object *o = json_make_object();

	doc_put_bool(o, "complete", false);
	doc_put(o, "why", err == -ENOTCAPTURED ? "not-captured" : "permission");
	json_set(o, "held", json_make_array());
	return o;
}

int facts_holders(struct model *m, struct ctx *ctx, struct json_object **ret)
{
	struct json_object *base, *doc = NULL, *held;
	int r = source_section(m->base, ctx, SECTION_HOLDERS, &base);

	if (r < 0)
		doc = unknown_base(r);
	else if (json_object_deep_copy(base, &doc, NULL) < 0)
		r = -ENOMEM;
	if (r >= 0)
		json_object_put(base);
	if (r == -ENOMEM)
		return r;
	held = doc_get(doc, "held", json_type_array);
	if (!held) {
		held = json_make_array();
		json_set(doc, "held", held);
	}
	for (size_t i = 0; i < m->handles.n; i++) {
		const struct handle *h = m->handles.v[i];

		if (!has_node(h))
			continue;
		json_append(held, held_device(m, h->dev));
		if (h->legacy)
			json_append(held, held_group(h->dev->group));
	}
	*ret = doc;
	return 0;
}
