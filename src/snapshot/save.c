// SPDX-License-Identifier: GPL-2.0-or-later
#include "snapshot/save.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/json.h"
#include "base/newfile.h"
#include "base/str.h"
#include "snapshot/gather.h"
#include "snapshot/info.h"
#include "source/allow.h"
#include "source/archive.h"
#include "source/capture.h"

/* -- the manifest -------------------------------------------------------------------------------- */

static void put_text(struct json_object *o, const char *key, const char *text)
{
	json_set(o, key, json_make_string(text));
}

/* An attribute of the machine; null when it cannot be read. */
static void put_attr(struct json_object *o, const char *key, struct source *src, const char *path)
{
	char text[256];

	put_text(o, key, source_read_attr(src, path, text, sizeof(text)) < 0 ? NULL : text);
}

static const char *err_word(int err)
{
	const char *word = err == -ENOTCAPTURED ? "ENOTCAPTURED" : strerrorname_np(-err);

	return word ? word : "EIO";
}

static struct json_object *left_out_list(const struct gathered *g)
{
	struct json_object *list = json_make_array();
	const struct left_out *l;

	vec_for_each(l, &g->left_out) {
		struct json_object *o = json_make_object();

		put_text(o, "path", l->path);
		put_text(o, "errno", err_word(l->err));
		json_append(list, o);
	}
	return list;
}

static struct json_object *counts(const struct gathered *g)
{
	struct json_object *o = json_make_object();

	json_set(o, "files", json_make_int(g->files));
	json_set(o, "links", json_make_int(g->links));
	json_set(o, "directories", json_make_int(g->dirs));
	json_set(o, "bytes", json_make_int(g->bytes));
	return o;
}

static struct json_object *sections(const struct gathered *g)
{
	struct json_object *list = json_make_array();
	const char **s;

	vec_for_each(s, &g->sections)
		json_append(list, json_make_string(*s));
	return list;
}

static struct json_object *manifest(struct source *src, const struct gathered *g,
				    const struct snapshot_options *opt, time_t now)
{
	struct json_object *o = json_make_object();
	struct tm tm;
	char when[32];

	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	put_text(o, "schema", SNAPSHOT_SCHEMA);
	json_set(o, "format", json_make_int(SNAPSHOT_FORMAT));
	put_text(o, "tool", "iommuctl " PACKAGE_VERSION);
	put_text(o, "source", src->name);
	put_text(o, "host", src->hostname);
	put_attr(o, "kernel", src, "proc/sys/kernel/osrelease");
	put_text(o, "boot_id", src->boot_id);
	put_text(o, "time", when);
	/* of a tree or tar nobody knows who made it */
	json_set(o, "root", source_is_live(src) ? json_make_bool(geteuid() == 0) : NULL);
	json_set(o, "full", json_make_bool(opt->full));
	json_set(o, "wake", json_make_bool(opt->wake));
	json_set(o, "allow_list", json_make_int(ALLOW_VERSION));
	json_set(o, "counts", counts(g));
	json_set(o, "sections", sections(g));
	json_set(o, "unreadable", left_out_list(g));
	return o;
}

/* -- the archive --------------------------------------------------------------------------------- */

static int write_failed(struct ctx *ctx, struct archive *a, const char *file)
{
	int err = archive_errno(a);
	const char *text = archive_error_string(a);

	return ctx_error(ctx, NOTE(.code = "write", .err = err > 0 ? err : EIO, .where = file,
				   .why = err > 0 ? NULL : text), "cannot write %s", file);
}

static int write_item(struct archive *a, const struct item *i, time_t now)
{
	static const mode_t modes[] = { [ITEM_DIR] = AE_IFDIR | 0755, [ITEM_FILE] = AE_IFREG | 0644,
					[ITEM_LINK] = AE_IFLNK | 0777 };
	struct archive_entry *e = must(archive_entry_new());
	int r;

	archive_entry_set_pathname(e, i->path);
	archive_entry_set_mode(e, modes[i->kind]);
	archive_entry_set_mtime(e, now, 0);
	archive_entry_set_size(e, i->kind == ITEM_FILE ? i->len : 0);
	if (i->kind == ITEM_LINK)
		archive_entry_set_symlink(e, i->data);
	r = archive_write_header(a, e);
	if (r >= ARCHIVE_WARN && i->kind == ITEM_FILE && i->len)
		r = archive_write_data(a, i->data, i->len) == (la_ssize_t)i->len ? 0 : ARCHIVE_FATAL;
	archive_entry_free(e);
	return r < ARCHIVE_WARN ? -EIO : 0;
}

/* A filter that libarchive lacks would be a program that it starts: we start none. */
static void choose_filter(struct archive *a)
{
	if (archive_libzstd_version()) {
		archive_write_add_filter_zstd(a);
		archive_write_set_filter_option(a, "zstd", "compression-level", "9");
	} else if (archive_zlib_version()) {
		archive_write_add_filter_gzip(a);
	}
}

static int write_items(struct archive *a, const char *head, const struct gathered *g, time_t now)
{
	struct item first = { .kind = ITEM_FILE, .path = SNAPSHOT_MANIFEST, .data = head, .len = strlen(head) };
	const struct item *i;
	int r = write_item(a, &first, now);

	for (i = g->items.v; !r && i < g->items.v + g->items.n; i++)
		r = write_item(a, i, now);
	if (!r && archive_write_close(a) != ARCHIVE_OK)
		r = -EIO;
	return r;
}

static int write_archive(struct ctx *ctx, int fd, const char *file, const char *head, const struct gathered *g,
			 time_t now)
{
	struct archive *a = archive_write_new();
	int r;

	if (!a)
		return archive_no_object(ctx, file);
	/* names as bytes: what a tree calls its devices need not be text */
	archive_write_set_format_gnutar(a);
	choose_filter(a);
	archive_write_set_bytes_in_last_block(a, 1);
	r = archive_write_open_fd(a, fd) == ARCHIVE_OK ? write_items(a, head, g, now) : -EIO;
	if (r < 0)
		r = write_failed(ctx, a, file);
	archive_write_free(a);
	return r;
}

/* -- the file ------------------------------------------------------------------------------------ */

/* It takes the place of an older one when it is complete. */
static int write_beside(struct ctx *ctx, const char *file, const char *head, const struct gathered *g, time_t now)
{
	_cleanup_(new_file_drop) struct new_file f;
	int r = new_file_begin(&f, file, 0666);

	if (r < 0)
		return ctx_cannot_write(ctx, -r, file);
	r = write_archive(ctx, f.fd, file, head, g, now);
	if (r < 0)
		return r;
	r = new_file_commit(&f);
	return r < 0 ? ctx_cannot_write(ctx, -r, file) : 0;
}

static int write_into(struct ctx *ctx, const char *file, const char *head, const struct gathered *g, time_t now)
{
	_cleanup_close_ int fd = open(file, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	/* it was no file when it was looked at */
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return ctx_error(ctx, NOTE(.code = "exists", .err = EEXIST, .where = file, .why = "somebody has put a file in its place", .hint = "choose another name"), "%s", file);
	if (fd < 0)
		return ctx_cannot_write(ctx, errno, file);
	return write_archive(ctx, fd, file, head, g, now);
}

/* May @file be written? 1: it is something to write into, a pipe or a device. */
static int check_target(struct ctx *ctx, const char *file, bool force)
{
	struct stat st;

	if (stat(file, &st) < 0)
		return errno == ENOENT ? 0 :
			ctx_cannot_write(ctx, errno, file);
	if (S_ISDIR(st.st_mode))
		return ctx_cannot_write(ctx, EISDIR, file);
	if (!S_ISREG(st.st_mode))
		return 1;
	if (force || !st.st_size || snapshot_file_is_one(file))
		return 0;
	return ctx_error(ctx,
			 NOTE(.code = "exists", .err = EEXIST, .where = file, .why = "it exists and is no snapshot",
			      .hint = "choose another name, or overwrite it with --force"),
			 "%s", file);
}

/* -- what is made of the facts ---------------------------------------------------------------------- */

static la_ssize_t into_buffer(struct archive *a _unused_, void *buf, const void *data, size_t len)
{
	strbuf_add(buf, data, len);
	return (la_ssize_t)len;
}

/* The archive in memory and not compressed, as a source. */
static int open_captured(struct ctx *ctx, const struct gathered *g, const char *head, time_t now, const char *name, struct source **ret)
{
	_cleanup_strbuf_ struct strbuf tar = { 0 };
	struct archive *a = archive_write_new();
	int r;

	if (!a)
		return archive_no_object(ctx, name);
	archive_write_set_format_gnutar(a);
	r = archive_write_open(a, &tar, NULL, into_buffer, NULL) == ARCHIVE_OK ? write_items(a, head, g, now) : -EIO;
	if (r < 0)
		r = write_failed(ctx, a, name);
	archive_write_free(a);
	return r < 0 ? r : source_open_memory(ctx, name, tar.s, tar.len, ret);
}

static int add_extra(struct ctx *ctx, struct source *src, struct gathered *g, const struct snapshot_options *opt, time_t now)
{
	_cleanup_(cleanup_source_close) struct source *captured = NULL;
	struct json_object *m = manifest(src, g, opt, now);
	struct snapshot_extra *v = NULL;
	size_t n = 0;
	int r = open_captured(ctx, g, json_text(m), now, src->name, &captured);

	json_object_put(m);
	if (r == 0)
		r = opt->extra(ctx, captured, &g->arena, opt->arg, &v, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		*vec_push(&g->items) = (struct item){ .kind = ITEM_FILE, .data = v[i].data, .len = v[i].len,
						      .path = arena_printf(&g->arena, SNAPSHOT_DIR "/%s", v[i].name) };
		g->files++;
		g->bytes += v[i].len;
	}
	return r;
}

static int write_snapshot(struct ctx *ctx, struct source *src, const char *file, int kind, const struct snapshot_options *opt,
		     const struct gathered *g, time_t now)
{
	struct json_object *m = manifest(src, g, opt, now);
	const char *head = json_text(m);
	int r;

	if (streq(file, "-"))
		r = write_archive(ctx, STDOUT_FILENO, "standard output", head, g, now);
	else if (kind)
		r = write_into(ctx, file, head, g, now);
	else
		r = write_beside(ctx, file, head, g, now);
	json_object_put(m);
	return r;
}

int snapshot_save(struct ctx *ctx, struct source *src, const char *file, const struct snapshot_options *opt)
{
	time_t now = time(NULL);
	struct gathered g;
	int kind, r = 0;

	if (src->is_listing)
		return ctx_error(ctx, NOTE(.code = "listing", .err = EOPNOTSUPP, .why = "a listing has no files that a snapshot could hold",
					   .hint = "keep the listing as it is: --from reads it", .where = src->name), "%s", src->name);
	kind = streq(file, "-") ? 0 : check_target(ctx, file, opt->force);
	if (kind < 0)
		return kind;
	gather(ctx, src, opt, &g);
	if (opt->extra)
		r = add_extra(ctx, src, &g, opt, now);
	if (r == 0)
		r = write_snapshot(ctx, src, file, kind, opt, &g, now);
	gathered_free(&g);
	return r;
}
