// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What rtnetlink answers, any bytes: pieces of two bytes length and content, handed to libnl as a socket's datagrams; one that says the dump is
 * over comes behind the last. Links first, then addresses, then routes.
 */
#include "fuzz.h"

#include <errno.h>
#include <netlink/handlers.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <string.h>

#include "source/network.h"

static struct fuzz_input pieces;

static int fake_send(struct nl_sock *sock, struct nl_msg *msg)
{
	(void)sock;
	return (int)nlmsg_hdr(msg)->nlmsg_len;
}

static int fake_recv(struct nl_sock *sock, struct sockaddr_nl *from, unsigned char **buf, struct ucred **creds)
{
	struct nlmsghdr done = { .nlmsg_len = NLMSG_HDRLEN + 4, .nlmsg_type = NLMSG_DONE, .nlmsg_flags = NLM_F_MULTI };
	size_t n = fuzz_length(&pieces, 2);
	unsigned char *p = calloc(1, MAX(n, (size_t)done.nlmsg_len));

	(void)sock;
	(void)creds;
	if (!p)
		abort();
	memset(from, 0, sizeof(*from));
	from->nl_family = AF_NETLINK;
	*buf = p;
	if (!n) {
		memcpy(p, &done, sizeof(done));
		return (int)done.nlmsg_len;
	}
	memcpy(p, pieces.p, n);
	pieces.p += n;
	return (int)n;
}

static int no_link(struct source *s, const char *path, char *buf, size_t cap)
{
	(void)s;
	(void)path;
	(void)buf;
	(void)cap;
	return -ENOENT;
}

FUZZ_TARGET(netlink)
{
	static const struct source_ops ops = { .kind = SOURCE_TREE, .readlink = no_link };
	struct source src = { .ops = &ops };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	struct nl_sock *sock = cb ? nl_socket_alloc_cb(cb) : NULL;
	struct json_object *doc;

	if (!sock)
		abort();
	pieces = (struct fuzz_input){ data, data + size };
	nl_cb_overwrite_send(cb, fake_send);
	nl_cb_overwrite_recv(cb, fake_recv);
	nl_socket_disable_seq_check(sock);
	if (network_gather_from(sock, &src, &doc) == 0)
		json_object_put(doc);
	nl_socket_free(sock);
	nl_cb_put(cb);
	return 0;
}
