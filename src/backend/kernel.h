/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the kernel backend share. */
#ifndef IOMMUCTL_BACKEND_KERNEL_H
#define IOMMUCTL_BACKEND_KERNEL_H

#include <libudev.h>

#include "backend/backend.h"

struct kmod_ctx;
struct kernel_objects;

struct kernel_backend {
	struct backend backend;
	struct ctx *ctx;
	struct kmod_ctx *kmod; /* made on first use */
	struct udev *udev;
	struct udev_monitor *monitor;
	bool udevd; /* udev is running: its events count, not the kernel's */
	struct kernel_objects *objects; /* made on first use; see kernel-objects.h */
	VEC(char *) seen; /* nodes, below /dev, whose events came in since the watch began */
};

/* Milliseconds of a clock that nobody sets; and what is left until @deadline, 0 when it has passed. */
int64_t kernel_now_ms(void);
int kernel_ms_left(int64_t deadline);

/* A name comes from a directory's listing, a journal or a session: it must never lead elsewhere. */
bool kernel_good_name(const char *s);

/* kernel-unbind.c: the write in a process of its own; see backend_unbind(). */
int kernel_write_guarded(struct kernel_backend *k, const char *path, const char *text, int timeout_ms,
			 pid_t *ret_pid);

/* kernel-module.c */
int kernel_load_module(struct backend *b, const char *name);
int kernel_module_options(struct backend *b, const char *name, struct arena *a, const char **ret);
void kernel_close_modules(struct kernel_backend *k);

/* kernel-node.c */
int kernel_watch_nodes(struct backend *b);
int kernel_wait_node(struct backend *b, const char *node, int timeout_ms);
void kernel_close_nodes(struct kernel_backend *k);

#endif
