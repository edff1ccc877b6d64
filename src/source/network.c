// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/network.h"

#include <errno.h>
#include <linux/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "source/doc.h"

/* RT_TABLE_LOCAL (linux/rtnetlink.h, which does not go together with libnl's headers). */
#define TABLE_LOCAL 255
#define NEWROUTE    24 /* RTM_NEWROUTE; a message of the other two is read in the same way */
#define GETROUTE    26
#define ROUTE_BYTES 12 /* sizeof(struct rtmsg) */
#define HOP_BYTES   8  /* sizeof(struct rtnexthop): its length, 16 bits, comes first */
#define MULTIPATH   9  /* RTA_MULTIPATH */
#define VIA	    18 /* RTA_VIA: the family, 16 bits, and the address */

struct gather {
	struct source *src;
	struct nl_cache *links;
	struct json_object *list;
};

static const char *link_name(const struct gather *g, int ifindex, char buf[static IFNAMSIZ])
{
	if (ifindex <= 0 || !rtnl_link_i2name(g->links, ifindex, buf, IFNAMSIZ))
		return NULL;
	return buf;
}

/*
 * Whether libnl can print it: it takes the length of an address for granted, and reads MPLS labels up to the one that says it is the
 * last (RFC 3032, 2.1), wherever that is.
 */
static bool printable(const struct nl_addr *addr)
{
	unsigned len = nl_addr_get_len(addr);
	const uint8_t *bytes = nl_addr_get_binary_addr(addr);

	switch (nl_addr_get_family(addr)) {
	case AF_INET:
		return len == 4;
	case AF_INET6:
		return len == 16;
	case AF_MPLS:
		return len >= 4 && len % 4 == 0 && bytes[len - 2] & 1;
	case AF_DECnet:
		return len == 2;
	}
	return len;
}

/* Addresses as text; NULL for none, and for the empty one that means "any". */
static const char *addr_text(struct nl_addr *addr, char *buf, size_t cap)
{
	if (!addr || !printable(addr))
		return NULL;
	/* it does not end the text where it gives up */
	memset(buf, 0, cap);
	return nl_addr2str(addr, buf, cap - 1);
}

static const char *family_name(int family)
{
	return family == AF_INET ? "inet" : family == AF_INET6 ? "inet6" : "other";
}

/* The device behind the link, by sysfs: the kernel has told it over rtnetlink only since 5.14. */
static void put_device(const struct gather *g, struct json_object *o, const char *name)
{
	char path[SRC_PATH_MAX], bus[64], device[256];
	bool known;

	PATHF(path, "sys/class/net/%s/device", name);
	known = !source_readlink_name(g->src, path, device, sizeof(device));
	PATHF(path, "sys/class/net/%s/device/subsystem", name);
	doc_put(o, "device_bus",
		known && !source_readlink_name(g->src, path, bus, sizeof(bus)) ? bus : NULL);
	doc_put(o, "device", known ? device : NULL);
}

static void add_link(struct nl_object *obj, void *arg)
{
	struct rtnl_link *l = (struct rtnl_link *)obj;
	struct gather *g = arg;
	struct json_object *o = json_make_object();
	unsigned flags = rtnl_link_get_flags(l);
	const char *name = rtnl_link_get_name(l);
	char buf[128];

	doc_put(o, "name", name);
	doc_put_int(o, "ifindex", rtnl_link_get_ifindex(l));
	doc_put(o, "kind", rtnl_link_get_type(l));
	doc_put_bool(o, "up", flags & IFF_UP);
	doc_put_bool(o, "running", flags & IFF_RUNNING);
	doc_put_bool(o, "loopback", flags & IFF_LOOPBACK);
	doc_put(o, "master", link_name(g, rtnl_link_get_master(l), buf));
	doc_put(o, "lower", link_name(g, rtnl_link_get_link(l), buf));
	put_device(g, o, name ? name : "");
	doc_put(o, "address", addr_text(rtnl_link_get_addr(l), buf, sizeof(buf)));
	json_append(g->list, o);
}

static void add_address(struct nl_object *obj, void *arg)
{
	struct rtnl_addr *addr = (struct rtnl_addr *)obj;
	struct gather *g = arg;
	struct json_object *o = json_make_object();
	char buf[128];

	doc_put(o, "link", link_name(g, rtnl_addr_get_ifindex(addr), buf));
	doc_put(o, "family", family_name(rtnl_addr_get_family(addr)));
	doc_put(o, "scope", rtnl_scope2str(rtnl_addr_get_scope(addr), buf, sizeof(buf)));
	doc_put(o, "address", addr_text(rtnl_addr_get_local(addr), buf, sizeof(buf)));
	json_append(g->list, o);
}

static void add_hop(struct gather *g, struct rtnl_route *r, struct rtnl_nexthop *hop)
{
	struct json_object *o = json_make_object();
	struct nl_addr *dst = rtnl_route_get_dst(r), *via;
	char buf[128];

	via = hop ? rtnl_route_nh_get_gateway(hop) : NULL;
	if (!via && hop)
		via = rtnl_route_nh_get_via(hop);
	doc_put(o, "link", hop ? link_name(g, rtnl_route_nh_get_ifindex(hop), buf) : NULL);
	doc_put(o, "family", family_name(rtnl_route_get_family(r)));
	doc_put_int(o, "table", rtnl_route_get_table(r));
	doc_put_int(o, "metric", rtnl_route_get_priority(r));
	doc_put_bool(o, "default", !dst || !nl_addr_get_prefixlen(dst));
	doc_put(o, "destination", addr_text(dst, buf, sizeof(buf)));
	doc_put(o, "gateway", addr_text(via, buf, sizeof(buf)));
	doc_put_bool(o, "via", via);
	json_append(g->list, o);
}

static void add_route(struct nl_object *obj, void *arg)
{
	struct rtnl_route *r = (struct rtnl_route *)obj;
	struct gather *g = arg;
	int n = rtnl_route_get_nnexthops(r);

	if (rtnl_route_get_table(r) == TABLE_LOCAL || rtnl_route_get_type(r) != RTN_UNICAST)
		return;
	if (!n)
		add_hop(g, r, NULL);
	for (int i = 0; i < n; i++)
		add_hop(g, r, rtnl_route_nexthop_n(r, i));
}

/* libnl has numbers of its own. */
static int nl_errno(int r)
{
	switch (r < 0 ? -r : r) {
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EACCES;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_AF_NOSUPPORT:
	case NLE_OPNOTSUPP:
	case NLE_PROTO_MISMATCH:
		return -EOPNOTSUPP;
	}
	return -EIO;
}

static struct json_object *collect(struct gather *g, struct nl_cache *cache,
				   void (*add)(struct nl_object *obj, void *arg))
{
	g->list = json_make_array();
	nl_cache_foreach(cache, add, g);
	return g->list;
}

/* Whether each gateway of another family has the family in it: libnl 3.7 takes its two bytes off without a look. */
static bool vias_are_whole(const struct nlattr *first, int len)
{
	const struct nlattr *a;
	int left;

	nla_for_each_attr(a, first, len, left)
		if (nla_type(a) == VIA && nla_len(a) < 2)
			return false;
	return true;
}

/*
 * The same of each way of a route that has several. Past one of no length libnl never gets; and one that ends within the last word takes it
 * beyond the end of all, for it counts what is left without a sign. The kernel aligns them.
 */
static bool hops_are_whole(const struct nlattr *hops)
{
	const char *p = nla_data(hops);
	int left = nla_len(hops);
	uint16_t len;

	for (; left >= HOP_BYTES; p += NLA_ALIGN(len), left -= NLA_ALIGN(len)) {
		memcpy(&len, p, sizeof(len));
		if (len > left)
			return true; /* libnl reads no further either */
		if (len < HOP_BYTES || NLA_ALIGN(len) > left || !vias_are_whole((const struct nlattr *)(p + HOP_BYTES), len - HOP_BYTES))
			return false;
	}
	return true;
}

/* Routes that libnl cannot read are left out. */
static int look_at_message(struct nl_msg *msg, void *arg _unused_)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	const struct nlattr *first, *a;
	int len, left;

	if (h->nlmsg_type < NEWROUTE || h->nlmsg_type > GETROUTE || !nlmsg_valid_hdr(h, ROUTE_BYTES))
		return NL_OK;
	first = nlmsg_attrdata(h, ROUTE_BYTES);
	len = nlmsg_attrlen(h, ROUTE_BYTES);
	nla_for_each_attr(a, first, len, left)
		if (nla_type(a) == MULTIPATH && !hops_are_whole(a))
			return NL_SKIP;
	return vias_are_whole(first, len) ? NL_OK : NL_SKIP;
}

/* Filled by hand: when that fails inside of rtnl_*_alloc_cache(), libnl 3.7 leaks the cache's hash table. */
static int fill(struct nl_sock *sock, int err, struct nl_cache *const *cache)
{
	int r = err < 0 ? err : nl_cache_refill(sock, *cache);

	return r < 0 ? nl_errno(r) : 0;
}

static int collect_all(struct gather *g, struct nl_sock *sock, struct json_object *doc)
{
	struct nl_cache *addrs = NULL, *routes = NULL;
	int r = fill(sock, rtnl_link_alloc_cache(NULL, AF_UNSPEC, &g->links), &g->links);

	if (r == 0)
		r = fill(sock, rtnl_addr_alloc_cache(NULL, &addrs), &addrs);
	if (r == 0)
		r = fill(sock, rtnl_route_alloc_cache(NULL, AF_UNSPEC, 0, &routes), &routes);
	if (r == 0) {
		json_set(doc, "links", collect(g, g->links, add_link));
		json_set(doc, "addresses", collect(g, addrs, add_address));
		json_set(doc, "routes", collect(g, routes, add_route));
	}
	nl_cache_free(routes);
	nl_cache_free(addrs);
	return r;
}

int network_gather_from(struct nl_sock *sock, struct source *src, struct json_object **ret)
{
	struct json_object *doc = json_make_object();
	struct gather g = { .src = src };
	int r;

	nl_socket_modify_cb(sock, NL_CB_MSG_IN, NL_CB_CUSTOM, look_at_message, NULL);
	r = collect_all(&g, sock, doc);
	if (r < 0)
		json_object_put(doc);
	else
		*ret = doc;
	if (g.links)
		nl_cache_free(g.links);
	return r;
}

int network_gather(struct ctx *ctx, struct json_object **ret)
{
	_cleanup_(cleanup_source_close) struct source *src = NULL;
	struct nl_sock *sock = nl_socket_alloc();
	int r = sock ? source_open_live(ctx, &src) : -ENOMEM;

	if (!r && nl_connect(sock, NETLINK_ROUTE) < 0)
		r = -errno;
	if (!r)
		r = network_gather_from(sock, src, ret);
	nl_socket_free(sock);
	return r;
}

/* -- the document -------------------------------------------------------------------------------- */

static void parse_links(struct arena *a, struct json_object *doc, struct network *n)
{
	n->n_links = doc_len(doc, "links");
	n->links = arena_array(a, struct net_link, n->n_links);
	for (size_t i = 0; i < n->n_links; i++) {
		struct json_object *o = doc_at(doc, "links", i);

		n->links[i] = (struct net_link){
			.name = doc_text(a, o, "name"),
			.ifindex = doc_num(o, "ifindex"),
			.kind = doc_text(a, o, "kind"),
			.up = doc_bool(o, "up"),
			.running = doc_bool(o, "running"),
			.loopback = doc_bool(o, "loopback"),
			.master = doc_text(a, o, "master"),
			.lower = doc_text(a, o, "lower"),
			.device_bus = doc_text(a, o, "device_bus"),
			.device = doc_text(a, o, "device"),
			.address = doc_text(a, o, "address"),
		};
	}
}

static void parse_addresses(struct arena *a, struct json_object *doc, struct network *n)
{
	n->n_addresses = doc_len(doc, "addresses");
	n->addresses = arena_array(a, struct net_address, n->n_addresses);
	for (size_t i = 0; i < n->n_addresses; i++) {
		struct json_object *o = doc_at(doc, "addresses", i);

		n->addresses[i] = (struct net_address){
			.link = doc_text(a, o, "link"),
			.family = doc_text(a, o, "family"),
			.scope = doc_text(a, o, "scope"),
			.address = doc_text(a, o, "address"),
		};
	}
}

static void parse_routes(struct arena *a, struct json_object *doc, struct network *n)
{
	n->n_routes = doc_len(doc, "routes");
	n->routes = arena_array(a, struct net_route, n->n_routes);
	for (size_t i = 0; i < n->n_routes; i++) {
		struct json_object *o = doc_at(doc, "routes", i);

		n->routes[i] = (struct net_route){
			.link = doc_text(a, o, "link"),
			.family = doc_text(a, o, "family"),
			.table = doc_num(o, "table"),
			.metric = doc_num(o, "metric"),
			.is_default = doc_bool(o, "default"),
			.via = doc_bool(o, "via"),
			.destination = doc_text(a, o, "destination"),
			.gateway = doc_text(a, o, "gateway"),
		};
	}
}

int source_network(struct source *src, struct ctx *ctx, struct arena *a, struct network *ret)
{
	struct json_object *doc;
	int r = source_section(src, ctx, SECTION_NETWORK, &doc);

	if (r < 0)
		return r;
	*ret = (struct network){ 0 };
	parse_links(a, doc, ret);
	parse_addresses(a, doc, ret);
	parse_routes(a, doc, ret);
	json_object_put(doc);
	return 0;
}
