/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IOMMUCTL_KMEM_QUIET_H
#define IOMMUCTL_KMEM_QUIET_H

/* Keeps libbpf's complaints off the user's terminal. */
void libbpf_quiet(void);

#endif
