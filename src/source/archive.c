// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "source/allow.h"
#include "source/capture.h"

#define BLOCK (64 * 1024)

/* What GNU tar pads a sysfs attribute to, which says that it has a page and then ends early. */
#define PADDED 4096

struct loader {
	struct ctx *ctx;
	const char *name;
	struct archive *a;
	struct memtree *t;
	struct archive_layout *layout;
	/* the entry at hand */
	char path[ARCHIVE_MAX_PATH + 1];
	int64_t offset;
	uint64_t n;
	int64_t data_end; /* where the last entry's data ended, in the uncompressed stream */
	/* left out of a hand-made tar */
	size_t n_large, n_hard;
	char *first_large, *first_hard;
};

static int entry_error(const struct loader *l, int err, const char *code, const char *why, const char *hint)
{
	char where[ARCHIVE_MAX_PATH + 64];

	snprintf(where, sizeof(where), "entry %s at byte %lld", *l->path ? l->path : "1", (long long)l->offset);
	return ctx_error(l->ctx, NOTE(.code = code, .err = err, .why = why, .hint = hint, .where = where),
			 "%s: %s", l->name, where);
}

static int limit_error(const struct loader *l, const char *what, uint64_t limit)
{
	char why[128];

	snprintf(why, sizeof(why), "%s: the limit is %llu", what, (unsigned long long)limit);
	return entry_error(l, E2BIG, "archive-limit", why,
			   "make the tar smaller: only sys/ and proc/ are needed; or use `iommuctl snapshot save`");
}

/* -- where the machine is in the archive --------------------------------------------------------- */

static const char sys_dirs[] = "block bus class dev devices firmware fs hypervisor kernel module power";

/* Second components by which the contents of /sys, packed without sys/, are known. */
static const char *const sys_marks[] = { "bus/pci", "bus/platform", "class/iommu", "class/net",
					 "kernel/iommu_groups", "devices/virtual", "devices/system",
					 "devices/platform" };

static const char proc_files[] = "cmdline modules mounts version interrupts iomem config.gz cpuinfo self sys";

static bool is_word(const char *words, const char *s, size_t n)
{
	for (const char *w = words; *w; w += strspn(w, " ")) {
		size_t len = strcspn(w, " ");

		if (len == n && !memcmp(w, s, n))
			return true;
		w += len;
	}
	return false;
}

static bool starts_with_component(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return !strncmp(s, prefix, n) && (!s[n] || s[n] == '/');
}

enum root { ROOT_NONE, ROOT_MACHINE, ROOT_SYS, ROOT_SNAPSHOT };

/* What the directory that @s is in must be, for @s to be named like this. */
static enum root root_of(const char *s)
{
	if (streq(s, SNAPSHOT_MANIFEST))
		return ROOT_SNAPSHOT;
	if (strstarts(s, "sys/") && is_word(sys_dirs, s + 4, strcspn(s + 4, "/")))
		return ROOT_MACHINE;
	if (strstarts(s, "proc/") && is_word(proc_files, s + 5, strcspn(s + 5, "/")))
		return ROOT_MACHINE;
	for (size_t i = 0; i < ARRAY_SIZE(sys_marks); i++)
		if (starts_with_component(s, sys_marks[i]))
			return ROOT_SYS;
	return ROOT_NONE;
}

/* The entry's path may tell where the machine's root is. The shortest prefix that was seen counts. */
static void learn_layout(struct archive_layout *l, const char *path)
{
	for (const char *s = path; s;) {
		size_t prefix = s - path;
		enum root root = root_of(s);

		if (l->known && (prefix > strlen(l->prefix) || l->is_snapshot))
			return;
		/* sys/bus/… is also bus/… below a prefix "sys/": the longer name is meant */
		if (root != ROOT_NONE) {
			if (l->known && prefix == strlen(l->prefix) && root != ROOT_SNAPSHOT)
				return;
			memcpy(l->prefix, path, prefix);
			l->prefix[prefix] = '\0';
			l->known = true;
			l->is_sys = root == ROOT_SYS;
			l->is_snapshot = root == ROOT_SNAPSHOT;
			return;
		}
		s = strchr(s, '/');
		s = s ? s + 1 : NULL;
	}
}

/* The entry's path as source.h writes it, or NULL when it lies elsewhere. */
static const char *machine_path(const struct loader *l, char buf[static SRC_PATH_MAX])
{
	const char *s = l->path;

	if (l->layout->known) {
		size_t n = strlen(l->layout->prefix);

		if (strncmp(s, l->layout->prefix, n))
			return NULL;
		s += n;
	} else {
		/* before anything told us: a dmesg.txt may come first, whatever directory it is in */
		const char *slash = strrchr(s, '/');

		s = slash ? slash + 1 : s;
	}
	if (snprintf(buf, SRC_PATH_MAX, "%s%s", l->layout->is_sys ? "sys/" : "", s) >= SRC_PATH_MAX)
		return NULL;
	return buf;
}

/* -- one entry ----------------------------------------------------------------------------------- */

/* Without "./", "//" and a "/" in front. ".." is nothing that tar would write of itself. */
static int clean_path(struct loader *l, const char *raw)
{
	size_t len = 0, depth = 0;

	l->path[0] = '\0';
	while (*raw) {
		size_t n = strcspn(raw, "/");
		bool up = n == 2 && !strncmp(raw, "..", 2);

		if (n && !(n == 1 && *raw == '.')) {
			if (len + n + 2 > sizeof(l->path))
				return limit_error(l, "its name is too long", ARCHIVE_MAX_PATH);
			if (len)
				l->path[len++] = '/';
			memcpy(l->path + len, raw, n);
			len += n;
			l->path[len] = '\0';
			depth++;
		}
		if (up)
			return entry_error(l, EXDEV, "archive-traversal", "the name leads out of the archive (..)",
					   "this is no archive of a machine: do not unpack it either");
		raw += n;
		raw += strspn(raw, "/");
	}
	if (depth > ARCHIVE_MAX_DEPTH)
		return limit_error(l, "it lies too deep", ARCHIVE_MAX_DEPTH);
	return 0;
}

/* A stream of zeros packs a thousandfold and more; what a kernel writes does not. */
static int check_expansion(struct loader *l)
{
	int64_t out = archive_filter_bytes(l->a, 0), in = archive_filter_bytes(l->a, -1);

	if (out < 0 || (uint64_t)out < ARCHIVE_RATIO_FROM)
		return 0;
	if ((uint64_t)out > ARCHIVE_MAX_TOTAL)
		return limit_error(l, "too many bytes uncompressed", ARCHIVE_MAX_TOTAL);
	if (in > 0 && out / in > ARCHIVE_MAX_RATIO)
		return limit_error(l, "it expands too much, to so many times its size", ARCHIVE_MAX_RATIO);
	return 0;
}

static int damaged(struct loader *l)
{
	const char *text = archive_error_string(l->a);
	char why[256];

	if (archive_errno(l->a) == ENOMEM)
		out_of_memory();
	snprintf(why, sizeof(why), "damaged, or cut short: %s", text ? text : "unknown");
	return entry_error(l, EBADMSG, "archive-damaged", why, "copy it again, in binary mode");
}

/* Steps over the entry's data, so that a bomb is seen while it goes off. */
static int skip_data(struct loader *l)
{
	const void *block;
	size_t len;
	la_int64_t at;
	int r;

	while ((r = archive_read_data_block(l->a, &block, &len, &at)) == ARCHIVE_OK) {
		r = check_expansion(l);
		if (r < 0)
			return r;
	}
	return r == ARCHIVE_EOF ? 0 : damaged(l);
}

/* How many of @len bytes the file really had, when tar may have padded it. */
static size_t unpadded(const char *path, const char *data, size_t len)
{
	if (len != PADDED || strends(path, "/config") || strstarts(path, "sys/firmware/"))
		return len;
	while (len && !data[len - 1])
		len--;
	return len;
}

static int take_data(struct loader *l, struct archive_entry *e, const char *path)
{
	int64_t size = archive_entry_size(e);
	_cleanup_free_ char *buf = NULL;
	struct mem_node *n;
	size_t got = 0;

	/* a pax header's word, and libarchive does not look at it */
	if (size < 0)
		return entry_error(l, EBADMSG, "archive-damaged", "damaged: a file of a negative size", "copy it again, in binary mode");
	if (size > (int64_t)ARCHIVE_MAX_FILE) {
		if (l->layout->is_snapshot)
			return limit_error(l, "a file too large", ARCHIVE_MAX_FILE);
		if (!l->n_large++)
			l->first_large = must_strdup(path);
		return skip_data(l);
	}
	buf = must_malloc(MAX(size, 1));
	while (got < (size_t)size) {
		la_ssize_t r = archive_read_data(l->a, buf + got, size - got);

		if (r < 0)
			return damaged(l);
		if (!r)
			break;
		got += r;
	}
	if (!l->layout->is_snapshot)
		got = unpadded(path, buf, got);
	n = memtree_make(l->t, l->t->root, l->path);
	memtree_set(l->t, n, MEM_FILE, buf, got);
	return skip_data(l);
}

static int take_link(struct loader *l, struct archive_entry *e)
{
	const char *text = archive_entry_symlink(e);

	if (!text)
		text = archive_entry_symlink_utf8(e);
	if (!text || !*text || strlen(text) >= SRC_PATH_MAX)
		return entry_error(l, EBADMSG, "archive-damaged", "a link without a text, or with one too long", NULL);
	memtree_set(l->t, memtree_make(l->t, l->t->root, l->path), MEM_LINK, text, strlen(text));
	return 0;
}

/* The same file under another name: as a name alone it is in the archive already. */
static int take_hard_link(struct loader *l, const char *target)
{
	char own[sizeof(l->path)];
	struct mem_node *from, *n;
	int r;

	memcpy(own, l->path, sizeof(own));
	r = clean_path(l, target);
	if (r < 0)
		return r;
	from = memtree_peek(l->t, l->t->root, l->path);
	memcpy(l->path, own, sizeof(own));
	if (!from || from->kind == MEM_DIR) {
		if (!l->n_hard++)
			l->first_hard = must_strdup(own);
		return 0;
	}
	n = memtree_make(l->t, l->t->root, l->path);
	n->kind = from->kind;
	n->data = from->data;
	n->len = from->len;
	return 0;
}

static bool wanted(const struct loader *l, const char *path, const struct allow_row **ret)
{
	*ret = path ? allow_find(path) : NULL;
	return *ret || (path && l->layout->is_snapshot);
}

static int take_entry(struct loader *l, struct archive_entry *e)
{
	mode_t type = archive_entry_filetype(e);
	const char *path, *hard = archive_entry_hardlink(e);
	const struct allow_row *row;
	char buf[SRC_PATH_MAX];

	learn_layout(l->layout, l->path);
	path = machine_path(l, buf);
	if (type == AE_IFDIR && !hard) {
		if (path && *l->path && (l->layout->is_snapshot || allow_below(path)))
			memtree_make(l->t, l->t->root, l->path);
		return skip_data(l);
	}
	if (!wanted(l, path, &row))
		return skip_data(l);
	if (hard)
		return take_hard_link(l, hard);
	if (type == AE_IFLNK)
		return take_link(l, e);
	if (row && row->flags & ALLOW_NODE) {
		memtree_set(l->t, memtree_make(l->t, l->t->root, l->path), MEM_FILE, "", 0);
		return skip_data(l);
	}
	if (type != AE_IFREG || (row && row->flags & ALLOW_LINKS))
		return skip_data(l);
	return take_data(l, e, path);
}

static int next_entry(struct loader *l, struct archive_entry *e)
{
	const char *raw = archive_entry_pathname(e);
	int r;

	l->offset = archive_read_header_position(l->a);
	if (++l->n > ARCHIVE_MAX_ENTRIES)
		return limit_error(l, "too many entries", ARCHIVE_MAX_ENTRIES);
	if (!raw)
		raw = archive_entry_pathname_utf8(e);
	if (!raw)
		return entry_error(l, EBADMSG, "archive-damaged", "an entry without a name", NULL);
	r = clean_path(l, raw);
	if (!r)
		r = take_entry(l, e);
	if (!r)
		r = check_expansion(l);
	if (!r && l->t->bytes > ARCHIVE_MAX_KEPT)
		r = limit_error(l, "more bytes to keep than", ARCHIVE_MAX_KEPT);
	l->data_end = archive_filter_bytes(l->a, 0);
	return r;
}

/* -- the archive --------------------------------------------------------------------------------- */

static int not_an_archive(struct loader *l, const char *why)
{
	return ctx_error(l->ctx,
			 NOTE(.code = "source-unknown", .err = EINVAL, .why = why, .where = l->name,
			      .hint = "--from takes a file that `iommuctl snapshot save` wrote, a tar of a "
				      "machine's /sys, a listing of its IOMMU groups, a directory with sys/ in it, or the word demo"),
			 "%s", l->name);
}

/* A tar ends with blocks of zeros. Without one it was cut between two entries. */
static int check_end(struct loader *l)
{
	int64_t end = archive_filter_bytes(l->a, 0), from = (l->data_end + 511) / 512 * 512;

	if (l->n && end - from < 512)
		return entry_error(l, EBADMSG, "archive-damaged", "cut short: it ends behind this entry",
				   "copy it again, in binary mode");
	if (!l->layout->known)
		return not_an_archive(l, l->n ? "an archive, but not of a machine: no sys/ in it" :
						"an empty archive");
	return 0;
}

static int read_entries(struct loader *l)
{
	struct archive_entry *e;
	int r;

	for (;;) {
		int64_t before = l->offset;

		r = archive_read_next_header(l->a, &e);
		if (r == ARCHIVE_EOF)
			return check_end(l);
		l->offset = before;
		if (r < ARCHIVE_WARN)
			return damaged(l);
		r = next_entry(l, e);
		if (r < 0)
			return r;
	}
}

static void say_left_out(struct loader *l)
{
	if (l->n_large)
		ctx_warn(l->ctx, "archive-left-out", EFBIG, l->first_large,
			 "%s: %zu files of more than %u bytes left out, the first is %s", l->name, l->n_large,
			 ARCHIVE_MAX_FILE, l->first_large);
	if (l->n_hard)
		ctx_warn(l->ctx, "archive-left-out", ENOENT, l->first_hard,
			 "%s: %zu hard links to files that are not in it, the first is %s", l->name, l->n_hard,
			 l->first_hard);
}

static int open_archive(struct loader *l, const void *data, size_t len)
{
	int r;

	archive_read_support_format_tar(l->a);
	/* what libarchive was built without it would start a program for: we start none */
	if (archive_zlib_version())
		archive_read_support_filter_gzip(l->a);
	if (archive_bzlib_version())
		archive_read_support_filter_bzip2(l->a);
	if (archive_liblzma_version())
		archive_read_support_filter_xz(l->a);
	if (archive_libzstd_version())
		archive_read_support_filter_zstd(l->a);
	r = data ? archive_read_open_memory(l->a, data, len) :
		   archive_read_open_filename(l->a, l->name, BLOCK);
	if (r == ARCHIVE_OK)
		return 0;
	if (archive_errno(l->a) == EILSEQ)
		return not_an_archive(l, "not a snapshot, a tar or a directory");
	if (archive_errno(l->a) <= 0)
		return damaged(l);
	return ctx_error(l->ctx, NOTE(.code = "source-open", .err = archive_errno(l->a), .where = l->name), "%s",
			 l->name);
}

int archive_no_object(struct ctx *ctx, const char *name)
{
#ifdef LIBARCHIVE_SONAME
	if (errno == ELIBACC)
		return ctx_error(ctx,
				 NOTE(.code = "no-libarchive", .err = ELIBACC, .where = name,
				      .why = "libarchive cannot be loaded",
				      .hint = "install the package that holds " LIBARCHIVE_SONAME " (Debian: libarchive13)"),
				 "%s", name);
#endif
	return ctx_error(ctx, NOTE(.code = "no-memory", .err = ENOMEM, .where = name), "%s", name);
}

int archive_load(struct ctx *ctx, const char *name, const void *data, size_t len, struct memtree *t,
		 struct archive_layout *ret)
{
	struct loader l = { .ctx = ctx, .name = name, .a = archive_read_new(), .t = t, .layout = ret };
	int r;

	if (!l.a)
		return archive_no_object(ctx, name);
	r = open_archive(&l, data, len);
	if (!r)
		r = read_entries(&l);
	if (!r)
		say_left_out(&l);
	free(l.first_large);
	free(l.first_hard);
	archive_read_free(l.a);
	return r;
}
