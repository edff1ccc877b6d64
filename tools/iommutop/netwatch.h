/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's word that something of the network has changed (rtnetlink, through libnl). What it is now, the source tells. */
#ifndef IOMMUTOP_NETWATCH_H
#define IOMMUTOP_NETWATCH_H

#include "base/util.h"

struct netwatch;

/* Listens to links, addresses and default routes of this network namespace. NULL: there is no rtnetlink to listen to. */
struct netwatch *netwatch_open(void);
void netwatch_close(struct netwatch *w);
DEFINE_CLEANUP(struct netwatch, netwatch_close);

/* Whether something has changed since the last call; also when there was more than the kernel kept for us. Never waits. */
bool netwatch_changed(struct netwatch *w);

#endif
