// SPDX-License-Identifier: GPL-2.0-or-later
/* The running kernel: its table of operations, and those that are writes to sysfs. */
#include "backend/kernel-objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATH_SIZE 512

int64_t kernel_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int kernel_ms_left(int64_t deadline)
{
	int64_t left = deadline - kernel_now_ms();

	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

bool kernel_good_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/');
}

static int write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/* In this process, unless it may hang: see struct backend. */
static int write_to_device(struct backend *b, const char *path, const char *text)
{
	return b->guard_ms ? kernel_write_guarded((struct kernel_backend *)b, path, text, b->guard_ms, &b->hangs) : write_text(path, text);
}

static int device_path_of(char path[static PATH_SIZE], const char *bus, const char *dev, const char *file)
{
	if (!kernel_good_name(bus) || !kernel_good_name(dev))
		return -EINVAL;
	if (snprintf(path, PATH_SIZE, "/sys/bus/%s/devices/%s/%s", bus, dev, file) >= PATH_SIZE)
		return -ENAMETOOLONG;
	return 0;
}

static int driver_path_of(char path[static PATH_SIZE], const char *bus, const char *driver, const char *file)
{
	if (!kernel_good_name(bus) || !kernel_good_name(driver))
		return -EINVAL;
	if (snprintf(path, PATH_SIZE, "/sys/bus/%s/drivers/%s/%s", bus, driver, file) >= PATH_SIZE)
		return -ENAMETOOLONG;
	return 0;
}

/* A newline alone takes it away (driver_set_override() in drivers/base/driver.c). */
static int kernel_set_override(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	char path[PATH_SIZE], text[128];
	int r = device_path_of(path, bus, dev, "driver_override");

	if (r < 0)
		return r;
	if (snprintf(text, sizeof(text), "%s\n", driver ? driver : "") >= (int)sizeof(text))
		return -ENAMETOOLONG;
	return write_to_device(b, path, text);
}

static int kernel_unbind(struct backend *b, const char *bus, const char *dev, const char *driver, int timeout_ms,
			 pid_t *ret_pid)
{
	char path[PATH_SIZE];
	int r = kernel_good_name(dev) ? driver_path_of(path, bus, driver, "unbind") : -EINVAL;

	return r < 0 ? r : kernel_write_guarded((struct kernel_backend *)b, path, dev, timeout_ms, ret_pid);
}

static int kernel_bind(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	char path[PATH_SIZE];
	int r = kernel_good_name(dev) ? driver_path_of(path, bus, driver, "bind") : -EINVAL;

	return r < 0 ? r : write_to_device(b, path, dev);
}

static int kernel_set_group_type(struct backend *b, uint32_t group, const char *type)
{
	char path[PATH_SIZE];

	(void)b;
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/type", group);
	return write_text(path, type);
}

static int kernel_set_vfs(struct backend *b, const char *dev, unsigned n, int timeout_ms, pid_t *ret_pid)
{
	char path[PATH_SIZE], text[16];
	int r = device_path_of(path, "pci", dev, "sriov_numvfs");

	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%u", n);
	return kernel_write_guarded((struct kernel_backend *)b, path, text, timeout_ms, ret_pid);
}

static int kernel_set_vf_autoprobe(struct backend *b, const char *dev, bool on)
{
	char path[PATH_SIZE];
	int r = device_path_of(path, "pci", dev, "sriov_drivers_autoprobe");

	(void)b;
	return r < 0 ? r : write_text(path, on ? "1" : "0");
}

static void kernel_close(struct backend *b)
{
	struct kernel_backend *k = (struct kernel_backend *)b;

	kernel_close_objects(k);
	kernel_close_modules(k);
	kernel_close_nodes(k);
	free(k);
}

static const struct backend_ops kernel_ops = {
	.set_override = kernel_set_override,
	.unbind = kernel_unbind,
	.bind = kernel_bind,
	.load_module = kernel_load_module,
	.module_options = kernel_module_options,
	.watch_nodes = kernel_watch_nodes,
	.wait_node = kernel_wait_node,
	.set_group_type = kernel_set_group_type,
	.set_vfs = kernel_set_vfs,
	.set_vf_autoprobe = kernel_set_vf_autoprobe,
#define OP(x) .x = kernel_##x,
	KERNEL_OPS(OP)
#undef OP
	.close = kernel_close,
};

int backend_open_kernel(struct ctx *ctx, struct backend **ret)
{
	struct kernel_backend *k = must_calloc(1, sizeof(*k));

	k->backend.ops = &kernel_ops;
	k->ctx = ctx;
	*ret = &k->backend;
	return 0;
}
