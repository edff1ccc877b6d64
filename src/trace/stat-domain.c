// SPDX-License-Identifier: GPL-2.0-or-later
/* Domains of the kernel and what is attached to them, where a trace tells: see HAS_DOMAIN_OBJECT. */
#include <stdio.h>

#include "trace/stat-internal.h"

/* More are only counted together with all others. */
#define OBJECTS_MAX (1U << 16)
#define DEVICES_MAX (1U << 14)

static struct stat_object *object_at(struct trace_stat *s, uint32_t number)
{
	struct object_table *t = &s->state->objects;

	if (!number || number > OBJECTS_MAX)
		return NULL;
	while (t->n < number) {
		uint32_t next = (uint32_t)t->n + 1;

		*vec_push(t) = (struct stat_object){ .object = next };
	}
	return &t->v[number - 1];
}

struct stat_object *stat_object_of(struct trace_stat *s, const struct event *ev)
{
	return ev->has & HAS_DOMAIN_OBJECT ? object_at(s, ev->domain_object) : NULL;
}

static struct stat_attached *find_device(const struct trace_stat *s, struct slice device)
{
	struct stat_attached *a;

	vec_for_each(a, &s->state->attached)
		if (device.n == a->n && !memcmp(a->device, device.p, device.n))
			return a;
	return NULL;
}

/* "02:00.0" of a log without segments is the only device that ends so, or nobody knows which. */
static const struct stat_attached *find_short(const struct trace_stat *s, struct slice device)
{
	const struct stat_attached *a, *found = NULL;

	vec_for_each(a, &s->state->attached) {
		if (a->n <= device.n || memcmp(a->device + a->n - device.n, device.p, device.n) || a->device[a->n - device.n - 1] != ':')
			continue;
		if (found)
			return NULL;
		found = a;
	}
	return found;
}

uint32_t stat_object_of_device(const struct trace_stat *s, const struct event *ev)
{
	const struct stat_attached *a = ev->device.n ? find_device(s, ev->device) : NULL;

	if (!a && ev->device.n && !(ev->has & HAS_SEGMENT))
		a = find_short(s, ev->device);
	return a ? a->object : 0;
}

/* The names of all that were attached to it at some time, as far as they fit. */
static void add_device(struct stat_object *o, struct slice device)
{
	size_t used = strlen(o->devices), room = sizeof(o->devices) - used;

	if (memmem(o->devices, used, device.p, device.n))
		return;
	o->n_devices++;
	if (device.n + 3 > room)
		return;
	snprintf(o->devices + used, room, "%s%.*s", used ? ", " : "", SLICE_FMT(device));
}

void stat_attach(struct trace_stat *s, const struct event *ev)
{
	struct stat_object *o = stat_object_of(s, ev);
	struct stat_attached *a;

	if (!ev->device.n || ev->device.n > sizeof(a->device))
		return;
	a = find_device(s, ev->device);
	if (!a) {
		if (!o || s->state->attached.n >= DEVICES_MAX)
			return;
		a = vec_push(&s->state->attached);
		a->n = ev->device.n;
		memcpy(a->device, ev->device.p, ev->device.n);
	}
	a->object = o ? o->object : 0; /* to a domain that nobody named: unknown from here on */
	if (o)
		add_device(o, ev->device);
}

const struct stat_object *stat_objects(const struct trace_stat *s, size_t *ret_n)
{
	*ret_n = s->state->objects.n;
	return s->state->objects.v;
}
