// SPDX-License-Identifier: GPL-2.0-or-later
#include "netwatch.h"

#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

/* A burst of links that come with a card's virtual functions; what is beyond it is told by NLE_NOMEM. */
#define RECEIVE_BUFFER (1 << 20)

struct netwatch {
	struct nl_sock *sock;
	bool changed;
};

/* A router learns and forgets routes all the time; which link the default ones go over is all that is shown. */
static int on_message(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *head = nlmsg_hdr(msg);
	struct netwatch *w = arg;

	switch (head->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
	case RTM_NEWADDR:
	case RTM_DELADDR:
		w->changed = true;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (nlmsg_valid_hdr(head, sizeof(struct rtmsg)))
			w->changed |= !((struct rtmsg *)nlmsg_data(head))->rtm_dst_len;
		break;
	}
	return NL_OK;
}

static int listen_to(struct netwatch *w)
{
	int r;

	nl_socket_disable_seq_check(w->sock); /* nobody asked for what comes */
	nl_socket_modify_cb(w->sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, w);
	r = nl_connect(w->sock, NETLINK_ROUTE);
	if (r == 0)
		r = nl_socket_add_memberships(w->sock, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
					      RTNLGRP_IPV6_ROUTE, 0);
	if (r == 0)
		r = nl_socket_set_nonblocking(w->sock);
	if (r == 0)
		nl_socket_set_buffer_size(w->sock, RECEIVE_BUFFER, 0);
	return r;
}

struct netwatch *netwatch_open(void)
{
	struct netwatch *w = must_calloc(1, sizeof(*w));

	w->sock = nl_socket_alloc();
	if (w->sock && listen_to(w) == 0)
		return w;
	netwatch_close(w);
	return NULL;
}

void netwatch_close(struct netwatch *w)
{
	if (!w)
		return;
	nl_socket_free(w->sock);
	free(w);
}

/* At most so many datagrams a call: a flood of routes must not hold the screen up. */
#define MESSAGES_MAX 4096

bool netwatch_changed(struct netwatch *w)
{
	bool changed;

	for (int i = 0; w && i < MESSAGES_MAX; i++) {
		int r = nl_recvmsgs_default(w->sock);

		if (r == -NLE_AGAIN)
			break;
		if (r == -NLE_NOMEM) /* the kernel had to drop some; what comes next is read next */
			w->changed = true;
		else if (r < 0)
			break;
	}
	changed = w && w->changed;
	if (w)
		w->changed = false;
	return changed;
}
