// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"

static _Noreturn void die(const char *what)
{
	perror(what);
	abort();
}

/* -- files ------------------------------------------------------------------------------------------- */

static void full_path(const struct machine *m, const char *path, char buf[static PATH_MAX])
{
	if (snprintf(buf, PATH_MAX, "%s/%s", m->dir, path) >= PATH_MAX)
		abort();
}

static void make_parents(char *full)
{
	for (char *p = full + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(full, 0755) < 0 && errno != EEXIST)
			die(full);
		*p = '/';
	}
}

void machine_write(struct machine *m, const char *path, const void *data, size_t len)
{
	char full[PATH_MAX];
	FILE *f;

	full_path(m, path, full);
	make_parents(full);
	f = fopen(full, "we");
	if (!f || (len && fwrite(data, len, 1, f) != 1) || fclose(f) != 0)
		die(full);
}

void machine_file(struct machine *m, const char *path, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	machine_write(m, path, text, n);
}

void machine_link(struct machine *m, const char *path, const char *target)
{
	char full[PATH_MAX];

	full_path(m, path, full);
	make_parents(full);
	if (unlink(full) < 0 && errno != ENOENT)
		die(full);
	if (symlink(target, full) < 0)
		die(full);
}

static int remove_one(const char *path, const struct stat *st _unused_, int type _unused_,
		      struct FTW *ftw _unused_)
{
	return remove(path);
}

void machine_remove(struct machine *m, const char *path)
{
	char full[PATH_MAX];

	full_path(m, path, full);
	if (nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
		die(full);
}

/* A link as sysfs makes it: relative, from @from to @to, both below sys/, which it does not leave. */
static void relative_link(struct machine *m, const char *from, const char *to)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (const char *p = strchr(from + strlen("sys/"), '/'); p; p = strchr(p + 1, '/'))
		strbuf_puts(&b, "../");
	strbuf_puts(&b, to + strlen("sys/"));
	machine_link(m, from, strbuf_str(&b));
}

/* -- config space ------------------------------------------------------------------------------------ */

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v;
	p[1] = v >> 8;
}

static bool is_bridge(const struct machine_pci *p)
{
	return p->bridge || p->type == PCIE_ROOT_PORT || p->type == PCIE_UPSTREAM ||
	       p->type == PCIE_DOWNSTREAM || p->type == PCIE_TO_PCI || p->type == PCI_TO_PCIE;
}

static uint32_t class_of(const struct machine_pci *p)
{
	return p->class ? p->class : is_bridge(p) ? 0x060400 : 0x020000;
}

static uint16_t vendor_of(const struct machine_pci *p)
{
	return p->vendor ? p->vendor : 0x8086;
}

static uint16_t device_of(const struct machine_pci *p)
{
	return p->device ? p->device : 0x10d3;
}

void machine_config(const struct machine_pci *p, uint8_t buf[static 4096])
{
	memset(buf, 0, 4096);
	put16(buf, vendor_of(p));
	put16(buf + 2, device_of(p));
	put16(buf + 4, 0x0007);
	buf[9] = class_of(p);
	put16(buf + 10, class_of(p) >> 8);
	buf[0x0e] = (is_bridge(p) ? 1 : 0) | (p->multi ? 0x80 : 0);
	buf[0x19] = buf[0x1a] = p->secondary;
	put16(buf + 6, 0x10);
	buf[0x34] = 0x40; /* power management, then PCI Express */
	buf[0x40] = 0x01;
	if (p->type == PCIE_NONE)
		return;
	buf[0x41] = 0x60;
	buf[0x60] = 0x10;
	put16(buf + 0x62, 2 | p->type << 4);
	put16(buf + 0x100, 0x0001); /* AER */
	put16(buf + 0x102, 0x0002);
	if (p->acs) {
		put16(buf + 0x102, 0x1482);
		put16(buf + 0x148, 0x000d);
		put16(buf + 0x14a, 0x0001);
		put16(buf + 0x14c, p->acs >> 16 & 0x7fff);
		put16(buf + 0x14e, p->acs & 0xffff);
	}
}

/* -- devices ----------------------------------------------------------------------------------------- */

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void put_in_group(struct machine *m, const char *dir, int group)
{
	char path[PATH_MAX], gdir[PATH_MAX];

	if (group == MACHINE_NO_GROUP)
		return;
	PATHF(gdir, "sys/kernel/iommu_groups/%d", group);
	PATHF(path, "sys/kernel/iommu_groups/%d/devices/%s", group, last_part(dir));
	relative_link(m, path, dir);
	PATHF(path, "sys/kernel/iommu_groups/%d/type", group);
	machine_file(m, path, "DMA\n");
	PATHF(path, "sys/kernel/iommu_groups/%d/reserved_regions", group);
	machine_file(m, path, "0x00000000fee00000 0x00000000feefffff msi\n");
	PATHF(path, "%s/iommu_group", dir);
	relative_link(m, path, gdir);
}

static void put_on_bus(struct machine *m, const char *dir, const char *bus, const char *driver)
{
	char path[PATH_MAX], target[PATH_MAX];

	PATHF(path, "sys/bus/%s/devices/%s", bus, last_part(dir));
	relative_link(m, path, dir);
	PATHF(path, "%s/subsystem", dir);
	PATHF(target, "sys/bus/%s", bus);
	relative_link(m, path, target);
	if (!driver)
		return;
	PATHF(target, "sys/bus/%s/drivers/%s", bus, driver);
	PATHF(path, "%s/bind", target);
	machine_file(m, path, "%s", "");
	PATHF(path, "%s/driver", dir);
	relative_link(m, path, target);
}

static void put_ids(struct machine *m, const char *dir, const struct machine_pci *p)
{
	char path[PATH_MAX];

	PATHF(path, "%s/vendor", dir);
	machine_file(m, path, "0x%04x\n", vendor_of(p));
	PATHF(path, "%s/device", dir);
	machine_file(m, path, "0x%04x\n", device_of(p));
	PATHF(path, "%s/class", dir);
	machine_file(m, path, "0x%06x\n", class_of(p));
	PATHF(path, "%s/uevent", dir);
	machine_file(m, path,
		     "%s%s%sPCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=0000:0000\nPCI_SLOT_NAME=%s\n",
		     p->driver ? "DRIVER=" : "", p->driver ? p->driver : "", p->driver ? "\n" : "",
		     class_of(p), vendor_of(p), device_of(p), last_part(p->path));
}

void machine_pci(struct machine *m, const struct machine_pci *p)
{
	char dir[PATH_MAX], path[PATH_MAX];
	uint8_t config[4096];
	size_t root = strcspn(p->path, ":") + 3; /* "0000:00" */

	PATHF(dir, "sys/devices/pci%.*s/%s", (int)root, p->path, p->path);
	put_ids(m, dir, p);
	if (!p->no_config) {
		machine_config(p, config);
		PATHF(path, "%s/config", dir);
		machine_write(m, path, config,
			      p->config		     ? p->config
			      : p->type == PCIE_NONE ? 256
						     : sizeof(config));
	}
	put_on_bus(m, dir, "pci", p->driver);
	put_in_group(m, dir, p->group);
}

void machine_other(struct machine *m, const char *bus, const char *name, const char *path, int group,
		   const char *driver)
{
	char uevent[PATH_MAX];

	if (!streq(last_part(path), name))
		abort();
	PATHF(uevent, "%s/uevent", path);
	machine_file(m, uevent, "%s%s%s", driver ? "DRIVER=" : "", driver ? driver : "", driver ? "\n" : "");
	put_on_bus(m, path, bus, driver);
	put_in_group(m, path, group);
}

void machine_unit(struct machine *m, const char *name)
{
	char dir[PATH_MAX], path[PATH_MAX];

	PATHF(dir, "sys/devices/virtual/iommu/%s", name);
	PATHF(path, "%s/intel-iommu/version", dir);
	machine_file(m, path, "1:0\n");
	PATHF(path, "%s/devices/.keep", dir);
	machine_file(m, path, "%s", "");
	machine_remove(m, path);
	PATHF(path, "sys/class/iommu/%s", name);
	relative_link(m, path, dir);
}

/* -- the whole --------------------------------------------------------------------------------------- */

static void furnish(struct machine *m)
{
	machine_file(m, "proc/cmdline", "quiet\n");
	machine_file(m, "sys/kernel/iommu_groups/.keep", "%s", "");
	machine_remove(m, "sys/kernel/iommu_groups/.keep");
	machine_file(m, "sys/class/iommu/.keep", "%s", "");
	machine_remove(m, "sys/class/iommu/.keep");
	/* every machine has these: what else is not there is missing, not left out of the tree */
	machine_file(m, "sys/kernel/notes", "%s", "");
	machine_file(m, "sys/class/mem/null/dev", "1:3\n");
}

void machine_new(struct machine *m)
{
	const char *tmp = getenv("TMPDIR");

	*m = (struct machine){ 0 };
	if (asprintf(&m->dir, "%s/iommuctl-test-XXXXXX", tmp ? tmp : "/tmp") < 0 || !mkdtemp(m->dir))
		die("mkdtemp");
	furnish(m);
}

void machine_new_at(struct machine *m, const char *dir)
{
	*m = (struct machine){ .dir = strdup(dir), .keep = true };
	furnish(m);
}

static void unload(struct machine *m)
{
	host_free(m->host);
	source_close(m->src);
	ctx_free(&m->ctx);
	m->host = NULL;
	m->src = NULL;
	m->ctx = (struct ctx){ 0 };
}

int machine_no_nodes(struct backend *b)
{
	(void)b;
	return 0;
}

void machine_load(struct machine *m)
{
	unload(m);
	if (source_open(&m->ctx, m->dir, &m->src) < 0 || host_load(&m->ctx, m->src, HOST_ALL, &m->host) < 0)
		abort();
}

struct device *machine_dev(struct machine *m, const char *addr)
{
	struct device *d = host_device(m->host, "pci", addr);

	if (!d) {
		fprintf(stderr, "no device %s\n", addr);
		abort();
	}
	return d;
}

void machine_free(struct machine *m)
{
	unload(m);
	if (!m->keep)
		machine_remove(m, "");
	free(m->dir);
	m->dir = NULL;
}
