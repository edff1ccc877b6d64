/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where facts come from: the running machine, an unpacked tree, or a snapshot read into memory.
 * Nothing above this header knows which one it is looking at.
 *
 * Paths are written as on the machine but without the leading slash: "sys/class/iommu/dmar0".
 *
 * Every function returns 0 or a negative errno. Three of them are different answers:
 *	-ENOENT (also -ENOTDIR)			the machine has no such file, or lost it while it was read
 *	-EACCES, -EPERM				it is there, we may not read it
 *	-ENOTCAPTURED				this snapshot or tree never held such files
 * -ELOOP, -EXDEV: a link that leads in circles, or out of the tree. -EFBIG: larger than asked for.
 */
#ifndef IOMMUCTL_SOURCE_SOURCE_H
#define IOMMUCTL_SOURCE_SOURCE_H

#include <stdarg.h>
#include <stdio.h>

#include <json-c/json.h>

#include "base/arena.h"
#include "base/ctx.h"

/* The longest path that a source takes. */
#define SRC_PATH_MAX 1024

struct source;

enum source_kind { SOURCE_LIVE, SOURCE_TREE, SOURCE_SNAPSHOT };

/* What a directory holds. Names and the array come from the arena given; sorted by nothing. */
struct src_entry {
	const char *name;
	bool is_link, is_dir;
};

struct src_list {
	struct src_entry *v;
	size_t n;
};

/* One directory of many, listed by source_list_each(). */
struct src_dir {
	int err; /* 0 or negative errno */
	struct src_list list;
};

/* One file of many, read by source_read_each(). */
struct src_blob {
	int err; /* 0 or negative errno */
	const char *data;
	size_t len;
};

/*
 * The typed sections: facts that are no files. Each is one JSON document whose form its provider's
 * header documents; a snapshot stores it as it is, so live and stored ones take the same way.
 */
enum source_section {
	SECTION_NETWORK,   /* source/network.h */
	SECTION_HOLDERS,   /* source/holders.h */
	SECTION_KMSG,	   /* source/kmsg.h */
	SECTION_PROBES,	   /* source/probes.h: what this kernel can do, as far as no file says it */
	SECTION_UDEV,	   /* source/udev.h */
	SECTION_OWNERSHIP, /* kmem/ownership.h */
	SECTION_IOMMUFD,   /* kmem/iommufd.h */
	SECTION_MAX
};

/* Gathers a section from the running machine. *@ret is the caller's to json_object_put(). */
typedef int (*section_provider)(struct ctx *ctx, struct json_object **ret);

/* A file name inside a snapshot ("network.json"), static. */
const char *source_section_file(enum source_section s);

/* Providers of the live source. kmem/ registers SECTION_OWNERSHIP and SECTION_IOMMUFD; the others are built in. */
void source_set_provider(enum source_section s, section_provider provider);

struct source_ops {
	enum source_kind kind;
	/* Reads at most @cap bytes from the file's start. *@ret_len is larger than @cap when there was
	 * more, however much; @buf then holds the first @cap bytes. */
	int (*read)(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len);
	int (*readlink)(struct source *s, const char *path, char *buf, size_t cap);
	int (*list)(struct source *s, const char *path, struct arena *a, struct src_list *ret);
	/* The same file of many directories: BASE/NAME/FILE for each of @n names, by as few calls as
	 * possible. Data is from the arena. NULL: source.c does it one by one. */
	void (*read_each)(struct source *s, const char *base, const char *const *names, size_t n,
			  const char *file, size_t cap, struct arena *a, struct src_blob *ret);
	/* The same for links. NULL: one by one. */
	void (*readlink_each)(struct source *s, const char *base, const char *const *names, size_t n,
			      const char *file, struct arena *a, struct src_blob *ret);
	/* The same for directories. NULL: one by one. */
	void (*list_each)(struct source *s, const char *base, const char *const *names, size_t n,
			  const char *file, struct arena *a, struct src_dir *ret);
	bool (*exists)(struct source *s, const char *path);
	int (*section)(struct source *s, struct ctx *ctx, enum source_section which,
		       struct json_object **ret);
	void (*close)(struct source *s);
};

/* The head of every source; live.c, tree.c and archive.c embed it first. */
struct source {
	const struct source_ops *ops;
	char *name;	/* "live", or the path or word given to --from */
	char *hostname; /* of the machine looked at; NULL unknown */
	char *boot_id;	/* NULL unknown */
	bool is_listing; /* source/listing.h: nothing that it lacks is known to be missing */
	/* sections.c: those without a document in a capture, so that they are looked for once */
	bool no_section[SECTION_MAX];
};

/*
 * The machine we run on. Reads below /sys, /proc and /dev. -ENOENT when there is no /sys at all is
 * NOT an error here: the source opens, and each read says what is missing.
 */
int source_open_live(struct ctx *ctx, struct source **ret);

/*
 * --from @what: a directory (an unpacked snapshot, or a tree with sys/ in it), a file (a snapshot,
 * any tar of a machine's /sys, compressed or not, or a listing of groups), or "demo". Told apart by looking. Errors are noted
 * in @ctx with the place.
 */
int source_open(struct ctx *ctx, const char *what, struct source **ret);

/* A snapshot that is in memory already (the built-in demo, the fuzzers). @data is not kept. */
int source_open_memory(struct ctx *ctx, const char *name, const void *data, size_t len,
		       struct source **ret);

/* NULL is fine. */
void source_close(struct source *s);
DEFINE_CLEANUP(struct source, source_close);

static inline bool source_is_live(const struct source *s)
{
	return s->ops->kind == SOURCE_LIVE;
}

/* Binary: exactly the bytes. -EFBIG when the file has more than @cap bytes. */
int source_read(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len);

/*
 * An attribute: text without the newline at its end (and without the NULs that GNU tar pads a sysfs
 * file with). In @buf, NUL-terminated; a NUL inside ends it. -EFBIG when it does not fit.
 */
int source_read_attr(struct source *s, const char *path, char *buf, size_t cap);

/* The same in the arena, up to 64 KiB. */
int source_read_attr_dup(struct source *s, const char *path, struct arena *a, char **ret);

/* A whole file of any length up to @max bytes, in the arena. */
int source_read_all(struct source *s, const char *path, size_t max, struct arena *a, char **ret,
		    size_t *ret_len);

/* An attribute that is one number, decimal or 0x (or hex digits alone with source_read_hex). */
int source_read_u64(struct source *s, const char *path, uint64_t *ret);
int source_read_hex(struct source *s, const char *path, uint64_t *ret);

/* The link's text. */
int source_readlink(struct source *s, const char *path, char *buf, size_t cap);

/* The last component of the link's text: the driver of …/driver, the group of …/iommu_group. */
int source_readlink_name(struct source *s, const char *path, char *buf, size_t cap);

/* The entries of a directory without "." and "..", in no order, in the arena. */
int source_list(struct source *s, const char *path, struct arena *a, struct src_list *ret);

/*
 * The same file of many directories, BASE/NAME/FILE for each of @n names, in as few system calls as
 * possible; binary, as source_read(), with a NUL behind the data. ret[i].err says what went wrong with names[i].
 */
void source_read_each(struct source *s, const char *base, const char *const *names, size_t n,
		      const char *file, size_t cap, struct arena *a, struct src_blob *ret);

/* The same for links: the data is the link's text, NUL-terminated. */
void source_readlink_each(struct source *s, const char *base, const char *const *names, size_t n,
			  const char *file, struct arena *a, struct src_blob *ret);

/* The same for directories. */
void source_list_each(struct source *s, const char *base, const char *const *names, size_t n,
		      const char *file, struct arena *a, struct src_dir *ret);

/* Whether the path leads to something, links followed. Unreadable counts as there. */
bool source_exists(struct source *s, const char *path);

/* A typed section: live from its provider, else as captured. -ENOTCAPTURED when the snapshot has none. */
int source_section(struct source *s, struct ctx *ctx, enum source_section which,
		   struct json_object **ret);

/* A path built in place. One that does not fit becomes "", which no source has: never a cut path. */
static inline _printf_(3, 4) void pathf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= size)
		buf[0] = '\0';
}

/* PATHF(path, "sys/kernel/iommu_groups/%u/type", id), with char path[SRC_PATH_MAX]. */
#define PATHF(buf, ...) pathf((buf), sizeof(buf), __VA_ARGS__)

#endif
