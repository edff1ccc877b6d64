/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network as rtnetlink tells it: SECTION_NETWORK.
 *
 *	{ "links": [ { "name": "eth0", "ifindex": 2, "kind": null | "bond" | "bridge" | "vlan" …,
 *		       "up": bool, "running": bool, "loopback": bool,
 *		       "master": null | "br0", "lower": null | "eth0",	lower: of a VLAN, macvlan, …
 *		       "device_bus": null | "pci", "device": null | "0000:00:03.0", "address": "52:54:…" } ],
 *	  "addresses": [ { "link": "eth0", "family": "inet" | "inet6", "scope": "global", "address": "192.0.2.1/24" } ],
 *	  "routes": [ { "link": "eth0", "family": "inet", "table": 254, "metric": 100, "default": bool,
 *			"destination": "192.0.2.0/24" | null, "gateway": null | "192.0.2.254", "via": bool } ] }
 *
 * Private, and null but in a full snapshot: every "address", "destination" and "gateway". That there is
 * one remains to be seen. Routes of the table local (255), which mirrors the addresses, are not kept.
 */
#ifndef IOMMUCTL_SOURCE_NETWORK_H
#define IOMMUCTL_SOURCE_NETWORK_H

#include "out/record.h"
#include "source/source.h"

struct net_link {
	const char *name;
	struct num ifindex;
	const char *kind; /* of virtual links; NULL for hardware */
	int up, running, loopback; /* enum tri */
	const char *master, *lower; /* names of links */
	const char *device_bus, *device; /* the device that it is; NULL virtual */
	const char *address;
};

struct net_address {
	const char *link, *family, *scope, *address;
};

struct net_route {
	const char *link, *family;
	struct num table, metric;
	int is_default, via; /* enum tri; via: over a gateway */
	const char *destination, *gateway;
};

struct network {
	struct net_link *links;
	size_t n_links;
	struct net_address *addresses;
	size_t n_addresses;
	struct net_route *routes;
	size_t n_routes;
};

/* The network of the machine that @src is of. -ENOTCAPTURED; errors of the section. */
int source_network(struct source *src, struct ctx *ctx, struct arena *a, struct network *ret);

/* The provider of the live section. Negative errno when rtnetlink does not answer. */
int network_gather(struct ctx *ctx, struct json_object **ret);

/* The same from what answers on @sock; @src tells the devices behind the links. */
struct nl_sock;
int network_gather_from(struct nl_sock *sock, struct source *src, struct json_object **ret);

#endif
