// SPDX-License-Identifier: GPL-2.0-or-later
/* Which interface a device is, and how it is: one short text a device. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "model.h"
#include "source/network.h"

static const char *state_word(const struct net_link *l)
{
	return l->up == TRI_NO ? "down" : l->up != TRI_YES ? "?" : l->running == TRI_NO ? "no carrier" : "up";
}

/*
 * Marks what the link of that name goes over: itself, the slaves of a bond or bridge, what a VLAN or macvlan is layered on, and so on down. What is
 * marked is not looked at again, so a foreign document may say that they go round in circles.
 */
static void mark_way(const struct network *n, const char *name, bool *marks)
{
	VEC(const char *) way = { 0 };

	*vec_push(&way) = name;
	while (way.n) {
		name = way.v[--way.n];
		for (size_t i = 0; i < n->n_links; i++) {
			const struct net_link *l = &n->links[i];

			if (!marks[i] && l->name && (streq(l->name, name) || streq(l->master, name))) {
				marks[i] = true;
				*vec_push(&way) = l->name;
				if (l->lower)
					*vec_push(&way) = l->lower;
			}
		}
	}
	vec_free(&way);
}

static bool *mark_default(const struct network *n, struct arena *a)
{
	bool *marks = arena_array(a, bool, n->n_links);

	for (size_t i = 0; i < n->n_routes; i++)
		if (n->routes[i].is_default == TRI_YES && n->routes[i].link)
			mark_way(n, n->routes[i].link, marks);
	return marks;
}

/* The device of ours that the link is, or sits on: a virtio interface is a device of the virtio bus, below the PCI function. */
static struct device *device_of(struct host *h, const struct net_link *l)
{
	struct device *d = host_device(h, l->device_bus, l->device);
	char path[SRC_PATH_MAX], link[SRC_PATH_MAX], *slash;

	if (d)
		return d;
	PATHF(path, "sys/bus/%s/devices/%s", l->device_bus, l->device);
	if (source_readlink(h->src, path, link, sizeof(link)) < 0)
		return NULL;
	while (!d && (slash = strrchr(link, '/'))) {
		struct pci_addr addr;

		*slash = '\0';
		slash = strrchr(link, '/');
		if (slash && pci_addr_parse(slash + 1, &addr) == 0)
			d = host_pci(h, addr);
	}
	return d;
}

static void add_link(struct model *m, struct device_row *row, const struct net_link *l, bool carries_default)
{
	row->network = arena_printf(&m->network_arena, "%s%s%s %s%s", row->network ?: "", row->network ? ", " : "", l->name, state_word(l),
				    carries_default ? " default" : "");
}

void model_network(struct model *m, const struct network *n)
{
	struct device_row *v = (struct device_row *)m->rows[VIEW_DEVICES].v;
	bool *marks;

	for (size_t i = 0; i < m->rows[VIEW_DEVICES].n; i++)
		v[i].network = NULL;
	arena_free(&m->network_arena);
	marks = n ? mark_default(n, &m->network_arena) : NULL;
	for (size_t i = 0; n && i < n->n_links; i++) {
		const struct net_link *l = &n->links[i];
		struct device *d = l->name && l->device && l->device_bus ? device_of(m->host, l) : NULL;

		if (d)
			add_link(m, &v[d - m->host->devices], l, marks[i]);
	}
}
