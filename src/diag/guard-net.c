// SPDX-License-Identifier: GPL-2.0-or-later
/* Interfaces on the device: routes, the ssh connection, servers of file systems and disks. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "diag/guard-facts.h"
#include "source/network.h"

/* A server that something of the machine comes from. */
struct server {
	const char *address; /* as text */
	const char *what;    /* "/home (nfs4)", "iSCSI", "the disk nvme1 (NVMe over tcp)" */
	const char *file;
};

struct guard_net {
	struct network net;
	int err;
	struct server *servers;
	size_t n_servers;
};

/* While they are looked for. */
struct servers {
	struct guard_facts *f;
	VEC(struct server) v;
};

/* An address of either family; IPv4 as its IPv6 form would be, without the prefix. */
struct ip {
	uint8_t b[16];
	unsigned bits; /* 32, 128 */
};

/* -- addresses --------------------------------------------------------------------------------------------- */

/* "192.0.2.1", "[fe80::1%eth0]:2049", "192.0.2.0/24": what follows the address is left over; false when it is none. */
static bool parse_ip(const char *s, struct ip *ret)
{
	char buf[64];
	size_t n;
	bool bracket = *s == '[';

	s += bracket;
	n = strspn(s, "0123456789abcdefABCDEF.:");
	/* a port behind an IPv4 address */
	if (!bracket && memchr(s, '.', n) && memchr(s, ':', n) && s[0] != ':' && strchr(s, '.') < strchr(s, ':'))
		n = strcspn(s, ":");
	if (n >= sizeof(buf))
		return false;
	memcpy(buf, s, n);
	buf[n] = '\0';
	memset(ret, 0, sizeof(*ret));
	ret->bits = inet_pton(AF_INET, buf, ret->b) == 1 ? 32 : inet_pton(AF_INET6, buf, ret->b) == 1 ? 128 : 0;
	if (ret->bits == 128 && !memcmp(ret->b, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12)) {
		memmove(ret->b, ret->b + 12, 4);
		ret->bits = 32;
	}
	return ret->bits != 0;
}

static bool same_ip(const char *a, const char *b)
{
	struct ip x, y;

	return a && b && parse_ip(a, &x) && parse_ip(b, &y) && x.bits == y.bits && !memcmp(x.b, y.b, x.bits / 8);
}

/* Whether @net, "192.0.2.0/24", holds the address. */
static bool covers(const char *net, const struct ip *ip)
{
	const char *slash = net ? strchr(net, '/') : NULL;
	uint32_t bits;
	struct ip base;

	if (!net || !parse_ip(net, &base) || base.bits != ip->bits)
		return false;
	if (!slash || parse_u32(slash + 1, &bits) < 0 || bits > base.bits)
		bits = base.bits;
	if (memcmp(base.b, ip->b, bits / 8))
		return false;
	return bits % 8 == 0 || !((base.b[bits / 8] ^ ip->b[bits / 8]) >> (8 - bits % 8));
}

/* -- servers -------------------------------------------------------------------------------------------------- */

static void add_server(struct servers *to, const char *address, const char *what, const char *file)
{
	struct arena *a = &to->f->h->arena;

	*vec_push(&to->v) = (struct server){ arena_strdup(a, address), what, arena_strdup(a, file) };
}

static bool is_remote(const struct mounted *m)
{
	static const char *const types[] = { "nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.glusterfs", "lustre",
					     "afs", "9p", "fuse.sshfs", "gfs2", "ocfs2", "beegfs" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (streq(m->fstype, types[i]))
			return true;
	return false;
}

/* The server by "addr=" of its options (NFS, CIFS), or by what it is mounted from ("192.0.2.1:/export", "user@host:"). */
static const char *mount_server(struct arena *a, const struct mounted *m)
{
	const char *at = m->options, *user = strchr(m->source, '@');
	struct ip ip;

	while ((at = strstr(at, "addr="))) {
		if (at == m->options || at[-1] == ',')
			return arena_memdup(a, at + 5, strcspn(at + 5, ","));
		at++;
	}
	at = user ? user + 1 : m->source + strspn(m->source, "/");
	return parse_ip(at, &ip) ? at : NULL;
}

static void find_mount_servers(struct servers *to)
{
	struct guard_facts *f = to->f;
	struct arena *a = &f->h->arena;

	for (size_t i = 0; i < f->n_mounts; i++) {
		const struct mounted *m = &f->mounts[i];
		const char *address;

		/* 9p over virtio has no server: guard-disk.c */
		if (!is_remote(m) || (streq(m->fstype, "9p") && !strstr(m->options, "trans=tcp")))
			continue;
		address = mount_server(a, m);
		add_server(to, address, arena_printf(a, "%s (%s)", m->point, m->fstype), f->mounts_file);
	}
}

static void find_nvme_servers(struct servers *to)
{
	struct guard_facts *f = to->f;
	struct arena *a = &f->h->arena;
	struct src_list list = { 0 };

	source_list(f->h->src, "sys/class/nvme", a, &list);
	for (size_t i = 0; i < list.n; i++) {
		char path[SRC_PATH_MAX], transport[32], address[256], *at;

		PATHF(path, "sys/class/nvme/%s/transport", list.v[i].name);
		if (source_read_attr(f->h->src, path, transport, sizeof(transport)) < 0 ||
		    (!streq(transport, "tcp") && !streq(transport, "rdma")))
			continue;
		PATHF(path, "sys/class/nvme/%s/address", list.v[i].name);
		if (source_read_attr(f->h->src, path, address, sizeof(address)) < 0)
			address[0] = '\0';
		at = strstr(address, "traddr=");
		if (at)
			at[7 + strcspn(at + 7, ",")] = '\0';
		add_server(to, at ? at + 7 : NULL,
			   arena_printf(a, "the disk %s (NVMe over %s)", list.v[i].name, transport),
			   arena_printf(a, "/%s", path));
	}
}

static void find_iscsi_servers(struct servers *to)
{
	struct guard_facts *f = to->f;
	struct arena *a = &f->h->arena;
	struct src_list list = { 0 };

	source_list(f->h->src, "sys/class/iscsi_connection", a, &list);
	for (size_t i = 0; i < list.n; i++) {
		char path[SRC_PATH_MAX], address[128];
		bool known;

		PATHF(path, "sys/class/iscsi_connection/%s/address", list.v[i].name);
		known = source_read_attr(f->h->src, path, address, sizeof(address)) == 0;
		add_server(to, known ? address : NULL, arena_printf(a, "an iSCSI disk (%s)", list.v[i].name),
			   arena_printf(a, "/%s", path));
	}
}

static struct guard_net *read_net(struct guard_facts *f)
{
	struct servers found = { .f = f };

	if (f->net)
		return f->net;
	f->net = arena_new(&f->h->arena, struct guard_net);
	f->net->err = source_network(f->h->src, f->h->ctx, &f->h->arena, &f->net->net);
	find_mount_servers(&found);
	find_nvme_servers(&found);
	find_iscsi_servers(&found);
	f->net->servers = (struct server *)arena_memdup(&f->h->arena, found.v.v, found.v.n * sizeof(*found.v.v));
	f->net->n_servers = found.v.n;
	vec_free(&found.v);
	return f->net;
}

/* -- what is on top of an interface ------------------------------------------------------------------------------- */

static bool has_name(const char *const *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (streq(v[i], name))
			return true;
	return false;
}

/*
 * The interfaces that lose their traffic with those of the device: they themselves, their masters (bond, bridge, team), what is
 * layered on them (VLAN, macvlan), and so on up. A bond with another slave that is up survives, and still is said.
 */
static const char *const *stack_of(struct guarding *g, const struct network *net, const struct strs *own, size_t *ret_n)
{
	const char **v = arena_array(&g->h->arena, const char *, own->n + net->n_links);
	size_t n = 0;

	for (size_t i = 0; i < own->n; i++)
		v[n++] = own->v[i];
	for (size_t at = 0; at < n; at++) {
		for (size_t i = 0; i < net->n_links; i++) {
			const struct net_link *l = &net->links[i];
			const char *up = streq(l->name, v[at]) ? l->master : streq(l->lower, v[at]) ? l->name : NULL;

			if (up && !has_name(v, n, up) && n < own->n + net->n_links)
				v[n++] = up;
		}
	}
	*ret_n = n;
	return v;
}

struct stack {
	const char *const *v; /* the device's own ones first */
	size_t n, own;
};

static bool on_stack(const struct stack *s, const char *link)
{
	return link && has_name(s->v, s->n, link);
}

/* "br0, over eth0" */
static const char *way(struct guarding *g, const struct stack *s, const char *link)
{
	if (has_name(s->v, s->own, link))
		return link;
	return arena_printf(&g->h->arena, "%s, over %s", link, guard_join(&g->h->arena, s->v, s->own));
}

static void say(struct guarding *g, const char *code, const char *text, const char *value)
{
	struct reason *r = guard_loss(g, code);

	r->text = text;
	r->value = value;
}

static void judge_routes(struct guarding *g, const struct network *net, const struct stack *s)
{
	struct arena *a = &g->h->arena;
	const char *said = NULL;

	for (size_t i = 0; i < net->n_routes; i++) {
		const struct net_route *r = &net->routes[i];

		if (r->is_default != TRI_YES || !on_stack(s, r->link) || streq(said, r->link))
			continue;
		said = r->link;
		say(g, "default-route", arena_printf(a, "the default route goes over %s", way(g, s, r->link)),
		    arena_printf(a, "default dev %s%s%s", r->link, r->gateway ? " via " : "", r->gateway ? r->gateway : ""));
	}
}

static void judge_ssh(struct guarding *g, const struct network *net, const struct stack *s)
{
	for (size_t i = 0; g->f->ssh_local && i < net->n_addresses; i++) {
		const struct net_address *addr = &net->addresses[i];

		if (!on_stack(s, addr->link) || !same_ip(addr->address, g->f->ssh_local))
			continue;
		say(g, "ssh", arena_printf(&g->h->arena, "your ssh connection comes in over %s", way(g, s, addr->link)),
		    addr->address);
		return;
	}
}

/* Any route that leads there counts, not only the one that the kernel would choose now. */
static const char *link_to(const struct network *net, const struct stack *s, const char *address)
{
	struct ip ip;

	if (!address || !parse_ip(address, &ip))
		return NULL;
	for (size_t i = 0; i < net->n_routes; i++)
		if (on_stack(s, net->routes[i].link) && covers(net->routes[i].destination, &ip))
			return net->routes[i].link;
	for (size_t i = 0; i < net->n_routes; i++) {
		const struct net_route *r = &net->routes[i];

		if (on_stack(s, r->link) && r->is_default == TRI_YES && streq(r->family, ip.bits == 32 ? "inet" : "inet6"))
			return r->link;
	}
	return NULL;
}

static bool is_up(const struct network *net, const struct stack *s)
{
	for (size_t i = 0; i < net->n_links; i++)
		if (on_stack(s, net->links[i].name) && net->links[i].up == TRI_YES)
			return true;
	return false;
}

static void judge_servers(struct guarding *g, const struct network *net, const struct stack *s)
{
	struct arena *a = &g->h->arena;

	for (size_t i = 0; i < g->f->net->n_servers; i++) {
		const struct server *srv = &g->f->net->servers[i];
		const char *link = link_to(net, s, srv->address);
		struct reason *r;
		struct ip ip;

		if (link) {
			r = guard_loss(g, "server");
			r->text = arena_printf(a, "%s comes from %s, over %s", srv->what, srv->address, way(g, s, link));
		} else if ((!srv->address || !parse_ip(srv->address, &ip)) && is_up(net, s)) {
			r = guard_unknown(g, "server", -ENODATA);
			r->text = arena_printf(a, "whether %s comes over it cannot be told: its server's address is not known",
					       srv->what);
		} else {
			continue;
		}
		r->file = srv->file;
	}
}

/* What is neither the default route nor the user's own connection may still be somebody's: said, not refused. */
static void mention_addresses(struct guarding *g, const struct network *net, const struct stack *s)
{
	struct arena *a = &g->h->arena;
	const char **v = arena_array(a, const char *, net->n_addresses);
	struct reason *r;
	size_t n = 0;

	for (size_t i = 0; i < net->n_addresses; i++) {
		const struct net_address *addr = &net->addresses[i];

		if (on_stack(s, addr->link) && !streq(addr->scope, "link"))
			v[n++] = addr->address ? addr->address : addr->link;
	}
	if (!n)
		return;
	r = finding_add(&g->out, SEVERITY_WARNING, "address");
	r->device = g->d->name;
	r->text = arena_printf(a, "the machine has %s on it", guard_join(a, v, n));
}

/*
 * sysfs shows interfaces to their own network namespace only, but the directory that they are in to all: where it is empty, the
 * interface was given to a container (a virtual function to a pod, say). Those of virtio are one device further down.
 */
static const char *emptied_dir(struct guarding *g)
{
	struct arena *a = &g->h->arena;
	struct src_list children = { 0 }, list = { 0 };
	char path[SRC_PATH_MAX];

	PATHF(path, "%s/net", device_sysfs(g->h, g->d));
	if (source_list(g->h->src, path, a, &list) == 0)
		return list.n ? NULL : arena_printf(a, "/%s", path);
	if (!g->d->has_class || g->d->class >> 16 != 0x02)
		return NULL;
	source_list(g->h->src, device_sysfs(g->h, g->d), a, &children);
	for (size_t i = 0; i < children.n; i++) {
		PATHF(path, "%s/%s/net", device_sysfs(g->h, g->d), children.v[i].name);
		if (strstarts(children.v[i].name, "virtio") && source_list(g->h->src, path, a, &list) == 0 && !list.n)
			return arena_printf(a, "/%s", path);
	}
	return NULL;
}

static void judge_elsewhere(struct guarding *g)
{
	const char *dir = g->d->driver ? emptied_dir(g) : NULL;
	struct reason *r;

	if (!dir)
		return;
	r = guard_loss(g, "interface-elsewhere");
	r->text = "its network interface was given to another network namespace: a container uses it";
	r->file = dir;
	finding_remedy(&g->out, false, "lsns -t net", "see which other network namespaces there are");
}

void guard_network(struct guarding *g)
{
	const struct devinfo *info = device_info(g->h, g->d);
	struct guard_net *gn;
	struct stack s = { .own = info->netdevs.n };
	struct reason *r;

	if (info->netdevs.known && !info->netdevs.n) {
		judge_elsewhere(g);
		return;
	}
	gn = read_net(g->f);
	if (gn->err || !info->netdevs.known) {
		int err = gn->err ? gn->err : info->netdevs_err;

		r = guard_unknown(g, "network", err);
		r->text = arena_printf(&g->h->arena, "whether routes go over it cannot be told: %s", err_text(err));
		return;
	}
	s.v = stack_of(g, &gn->net, &info->netdevs, &s.n);
	judge_routes(g, &gn->net, &s);
	judge_ssh(g, &gn->net, &s);
	judge_servers(g, &gn->net, &s);
	mention_addresses(g, &gn->net, &s);
}
