// SPDX-License-Identifier: GPL-2.0-or-later
/* Disks on the device: what is built on them, mounted from them, swapped to them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "diag/guard-facts.h"
#include "host/holders.h"

#define BLOCKS "sys/class/block"

/* A file system or disk image can be built on another, but hardly more often than this. */
#define MAX_BLOCKS 4096

/* A block device that hangs on the device, at any number of layers. */
struct block {
	const char *name;
	size_t below; /* index of the one it is built on; its own for a disk */
	bool is_part;
	bool used; /* something is built on it that is not a partition */
	unsigned major, minor;
	const char *dm; /* name in /dev/mapper; NULL none */
};

struct blocks {
	struct guarding *g;
	VEC(struct block) v;
};

static bool known(const struct blocks *b, const char *name)
{
	for (size_t i = 0; i < b->v.n; i++)
		if (streq(b->v.v[i].name, name))
			return true;
	return false;
}

static void add_block(struct blocks *b, const char *name, size_t below, bool is_part)
{
	struct host *h = b->g->h;
	struct block new = { .name = name, .below = below, .is_part = is_part };
	char path[SRC_PATH_MAX], dev[32], *dm;

	if (known(b, name) || b->v.n >= MAX_BLOCKS)
		return;
	PATHF(path, BLOCKS "/%s/dev", name);
	if (source_read_attr(h->src, path, dev, sizeof(dev)) < 0 ||
	    sscanf(dev, "%u:%u", &new.major, &new.minor) != 2)
		new.major = new.minor = 0;
	PATHF(path, BLOCKS "/%s/dm/name", name);
	if (strstarts(name, "dm-") && source_read_attr_dup(h->src, path, &h->arena, &dm) == 0)
		new.dm = dm;
	*vec_push(&b->v) = new;
}

/* Partitions are folders in the disk's whose names begin with the disk's. */
static void add_partitions(struct blocks *b, size_t at)
{
	const char *name = b->v.v[at].name;
	struct src_list list = { 0 };
	char path[SRC_PATH_MAX];

	PATHF(path, BLOCKS "/%s", name);
	source_list(b->g->h->src, path, &b->g->h->arena, &list);
	for (size_t i = 0; i < list.n; i++)
		if (strstarts(list.v[i].name, name) && !streq(list.v[i].name, name))
			add_block(b, list.v[i].name, at, true);
}

/* dm, md and bcache devices on top of it (bd_link_disk_holder()). */
static void add_holders(struct blocks *b, size_t at)
{
	struct src_list list = { 0 };
	char path[SRC_PATH_MAX];

	PATHF(path, BLOCKS "/%s/holders", b->v.v[at].name);
	source_list(b->g->h->src, path, &b->g->h->arena, &list);
	for (size_t i = 0; i < list.n; i++)
		add_block(b, list.v[i].name, at, false);
	b->v.v[at].used |= list.n > 0;
}

static bool is_node_of(const struct block *blk, const char *path)
{
	if (strstarts(path, "/dev/mapper/"))
		return blk->dm && streq(path + strlen("/dev/mapper/"), blk->dm);
	return strstarts(path, "/dev/") && streq(path + strlen("/dev/"), blk->name);
}

static bool mounted_from(const struct mounted *m, const struct block *blk)
{
	if (blk->major && m->major == blk->major && m->minor == blk->minor)
		return true;
	return is_node_of(blk, m->source);
}

/* The mount that the file at @path is on: the longest mount point that leads there, the last one mounted. */
static const struct mounted *mount_of_file(const struct guard_facts *f, const char *path)
{
	const struct mounted *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < f->n_mounts; i++) {
		const char *point = f->mounts[i].point;
		size_t len = streq(point, "/") ? 0 : strlen(point);

		if (strncmp(path, point, len) || (path[len] != '/' && path[len]) || len < best_len)
			continue;
		best = &f->mounts[i];
		best_len = len;
	}
	return best;
}

static void add_loops(struct blocks *b, size_t at)
{
	const struct guard_facts *f = b->g->f;

	for (size_t i = 0; i < f->n_loops; i++) {
		const struct mounted *m = mount_of_file(f, f->loops[i].file);

		if (is_node_of(&b->v.v[at], f->loops[i].file) || (m && mounted_from(m, &b->v.v[at])))
			add_block(b, f->loops[i].block, at, false);
	}
}

/* -- what is said ------------------------------------------------------------------------------------------ */

/* "dm-1 (on dm-0, on nvme0n1p3)" */
static const char *way(const struct blocks *b, size_t at)
{
	_cleanup_strbuf_ struct strbuf s = { 0 };
	const struct block *v = b->v.v;
	const char *sep = " (on ";

	strbuf_puts(&s, v[at].name);
	if (v[at].dm)
		strbuf_printf(&s, ", %s", v[at].dm);
	while (v[at].below != at && !v[at].is_part) {
		at = v[at].below;
		strbuf_printf(&s, "%s%s", sep, v[at].name);
		sep = ", on ";
	}
	if (sep[0] == ',')
		strbuf_putc(&s, ')');
	return arena_strdup(&b->g->h->arena, strbuf_str(&s));
}

/* umount and its like are only offered for what a machine can be without. */
static bool is_vital(const char *point)
{
	static const char *const points[] = { "/", "/usr", "/boot", "/boot/efi", "/etc", "/var", "/run", "/nix/store", "/ostree" };

	for (size_t i = 0; i < ARRAY_SIZE(points); i++)
		if (streq(point, points[i]))
			return true;
	return false;
}

static bool plain_path(const char *s)
{
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+:@-")] == '\0' && *s != '-';
}

/* "umount -- 'POINT'" would need quoting rules; a name that needs quotes gets words only. */
static void say_mounted(struct blocks *b, size_t at, const struct mounted *const *v, size_t n)
{
	struct arena *a = &b->g->h->arena;
	const char **points = arena_array(a, const char *, n);
	struct reason *r;
	bool vital = false;

	for (size_t i = 0; i < n; i++) {
		points[i] = v[i]->point;
		vital |= is_vital(v[i]->point);
	}
	r = guard_loss(b->g, "mounted");
	r->text = arena_printf(a, "%s is mounted on %s", way(b, at), guard_join(a, points, n));
	r->file = b->g->f->mounts_file;
	r->value = arena_printf(a, "%u:%u %s %s %s", v[0]->major, v[0]->minor, v[0]->point, v[0]->fstype, v[0]->source);
	if (!vital)
		finding_remedy(&b->g->out, false,
			       plain_path(points[0]) ? arena_printf(a, "umount %s", points[0]) : NULL,
			       "unmount it first");
}

static bool find_mounts(struct blocks *b, size_t at)
{
	const struct guard_facts *f = b->g->f;
	VEC(const struct mounted *) v = { 0 };
	bool found;

	for (size_t i = 0; i < f->n_mounts; i++)
		if (mounted_from(&f->mounts[i], &b->v.v[at]))
			*vec_push(&v) = &f->mounts[i];
	found = v.n > 0;
	if (found)
		say_mounted(b, at, v.v, v.n);
	vec_free(&v);
	return found;
}

static bool find_swaps(struct blocks *b, size_t at)
{
	const struct guard_facts *f = b->g->f;
	struct arena *a = &b->g->h->arena;
	bool found = false;

	for (size_t i = 0; i < f->n_swaps; i++) {
		const struct mounted *m = mount_of_file(f, f->swaps[i]);
		struct reason *r;

		if (!is_node_of(&b->v.v[at], f->swaps[i]) &&
		    (strstarts(f->swaps[i], "/dev/") || !m || !mounted_from(m, &b->v.v[at])))
			continue;
		r = guard_loss(b->g, "swap");
		r->text = arena_printf(a, "the machine swaps to %s, on %s", f->swaps[i], way(b, at));
		r->file = "/proc/swaps";
		r->value = f->swaps[i];
		finding_remedy(&b->g->out, false,
			       plain_path(f->swaps[i]) ? arena_printf(a, "swapoff %s", f->swaps[i]) : NULL,
			       "stop swapping to it first");
		found = true;
	}
	return found;
}

/* File systems leave a trace in sysfs while they are mounted, in whatever mount namespace. */
static const char *mounted_elsewhere(struct blocks *b, const char *name)
{
	static const char *const systems[] = { "ext4", "xfs", "f2fs", "erofs", "nilfs2" };
	struct arena *a = &b->g->h->arena;
	char path[SRC_PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(systems); i++) {
		PATHF(path, "sys/fs/%s/%s", systems[i], name);
		if (source_exists(b->g->h->src, path))
			return arena_printf(a, "/%s", path);
	}
	if (strstr(b->g->f->btrfs, arena_printf(a, " %s ", name)))
		return "/sys/fs/btrfs";
	return NULL;
}

static void say_used(struct guarding *g, const char *code, const char *file, const char *text)
{
	struct reason *r = guard_loss(g, code);

	r->text = text;
	r->file = file;
}

/* ZFS tells nobody which disks a pool is on; udev knows what is written on them. */
static bool is_zfs_member(struct blocks *b, const struct block *blk)
{
	char path[SRC_PATH_MAX], *text;
	size_t len;

	if (!source_exists(b->g->h->src, "sys/module/zfs"))
		return false;
	PATHF(path, "run/udev/data/b%u:%u", blk->major, blk->minor);
	if (source_read_all(b->g->h->src, path, 1 << 16, &b->g->h->arena, &text, &len) < 0)
		return false;
	return strstr(text, "E:ID_FS_TYPE=zfs_member\n");
}

/* As a virtual machine has one that it was given whole, and mkfs while it writes. */
static void say_open(struct blocks *b, size_t at)
{
	struct host *h = b->g->h;
	struct holder_list list;

	node_holders(h, b->g->d, b->v.v[at].name, &list);
	for (size_t i = 0; i < list.n; i++)
		say_used(b->g, "open", list.v[i].node, arena_printf(&h->arena, "%s has %s open", list.v[i].who, way(b, at)));
}

static void judge_block(struct blocks *b, size_t at)
{
	struct arena *a = &b->g->h->arena;
	const struct block *blk = &b->v.v[at];
	bool said = find_mounts(b, at);
	const char *file;

	said |= find_swaps(b, at);
	if (said)
		return;
	file = mounted_elsewhere(b, blk->name);
	if (file)
		say_used(b->g, "mounted", file, arena_printf(a, "a file system on %s is mounted, in another mount namespace or "
							      "with other disks", way(b, at)));
	else if (is_zfs_member(b, blk))
		say_used(b->g, "zfs", "/sys/module/zfs",
			 arena_printf(a, "%s belongs to a ZFS pool; whether the pool is imported cannot be seen", way(b, at)));
	else if (blk->used)
		say_used(b->g, "in-use", arena_printf(a, "/" BLOCKS "/%s/holders", blk->name),
			 arena_printf(a, "%s is part of a device-mapper, RAID or cache device", way(b, at)));
	say_open(b, at);
}

static void judge_disks(struct guarding *g, const struct devinfo *info)
{
	struct blocks b = { .g = g };

	for (size_t i = 0; i < info->blocks.n; i++)
		add_block(&b, info->blocks.v[i], b.v.n, false);
	/* the list grows while it is walked */
	for (size_t i = 0; i < b.v.n; i++) {
		add_partitions(&b, i);
		add_holders(&b, i);
		add_loops(&b, i);
	}
	for (size_t i = 0; i < b.v.n; i++)
		judge_block(&b, i);
	vec_free(&b.v);
}

/* -- file systems that a virtio device shares ------------------------------------------------------------------- */

static void say_share(struct guarding *g, const struct mounted *m)
{
	struct arena *a = &g->h->arena;
	struct reason *r = guard_loss(g, "mounted");

	r->text = arena_printf(a, "the %s share \"%s\" that comes over it is mounted on %s", m->fstype, m->source, m->point);
	r->file = g->f->mounts_file;
	r->value = arena_printf(a, "%s %s %s", m->point, m->fstype, m->source);
}

static void table_unreadable(struct guarding *g, const char *file, int err)
{
	struct reason *r = guard_unknown(g, "unreadable", err);

	r->text = arena_printf(&g->h->arena, "whether what is on it is in use cannot be told: %s: %s", file, err_text(err));
	r->file = file;
}

/*
 * 9p over virtio: the tag is in mount_tag, which a capture does not have. virtiofs: no file tells the tag before 6.9. Where the
 * tag is not known any such mount counts.
 */
static void judge_virtio(struct guarding *g, const char *dir)
{
	struct host *h = g->h;
	char path[SRC_PATH_MAX], tag[256], driver[64];
	const char *fstype;
	bool any;

	PATHF(path, "%s/driver", dir);
	if (source_readlink_name(h->src, path, driver, sizeof(driver)) < 0)
		return;
	fstype = streq(driver, "9pnet_virtio") ? "9p" : streq(driver, "virtiofs") ? "virtiofs" : NULL;
	if (fstype && g->f->mounts_err)
		table_unreadable(g, g->f->mounts_file, g->f->mounts_err);
	PATHF(path, "%s/mount_tag", dir);
	any = source_read_attr(h->src, path, tag, sizeof(tag)) < 0;
	for (size_t i = 0; fstype && i < g->f->n_mounts; i++) {
		const struct mounted *m = &g->f->mounts[i];

		if (streq(m->fstype, fstype) && !strstr(m->options, "trans=tcp") && (any || streq(m->source, tag)))
			say_share(g, m);
	}
}

static void judge_shares(struct guarding *g)
{
	const char *dir = device_sysfs(g->h, g->d);
	struct src_list list = { 0 };

	if (streq(g->d->bus, "virtio"))
		judge_virtio(g, dir);
	source_list(g->h->src, dir, &g->h->arena, &list);
	for (size_t i = 0; i < list.n; i++)
		if (strstarts(list.v[i].name, "virtio"))
			judge_virtio(g, arena_printf(&g->h->arena, "%s/%s", dir, list.v[i].name));
}

void guard_disks(struct guarding *g)
{
	const struct devinfo *info = device_info(g->h, g->d);

	judge_shares(g);
	judge_disks(g, info);
	if (!info->blocks.known) {
		table_unreadable(g, "/sys/block", info->blocks_err);
	} else if (info->blocks.n) {
		if (g->f->mounts_err)
			table_unreadable(g, g->f->mounts_file, g->f->mounts_err);
		if (g->f->swaps_err)
			table_unreadable(g, "/proc/swaps", g->f->swaps_err);
	}
}
