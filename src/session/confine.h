/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a keeper gives up before it serves its first client. */
#ifndef IOMMUCTL_SESSION_CONFINE_H
#define IOMMUCTL_SESSION_CONFINE_H

#include <stdbool.h>

/*
 * For ever, for this process and what it makes: no program gains it privileges (no_new_privs); capabilities, the bounding set among them, are those
 * that its work needs; system calls that its work never makes are refused with EPERM, where the kernel filters them. @facts: it also reads this
 * machine for its clients (a model of it). What the kernel cannot do, or a container has done already, is left out: a keeper can do without any of it.
 */
void keeper_confine(bool facts);

#endif
