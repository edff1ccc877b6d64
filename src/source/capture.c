// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/capture.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "source/allow.h"
#include "source/doc.h"

#define MANIFEST_DEPTH 16

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string) ?
		       json_object_get_string(v) :
		       NULL;
}

int capture_errno(const char *word)
{
	if (streq(word, "ENOTCAPTURED"))
		return -ENOTCAPTURED;
	for (int e = 1; word && e < 134; e++)
		if (streq(word, strerrorname_np(e)))
			return -e;
	return -EIO;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct capture_error *)a)->path, ((const struct capture_error *)b)->path);
}

static void read_errors(struct capture *c, struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	c->errors = arena_array(&c->arena, struct capture_error, n);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *path = text_of(o, "path");

		if (path)
			c->errors[c->n_errors++] =
				(struct capture_error){ .path = arena_strdup(&c->arena, path),
							.err = capture_errno(text_of(o, "errno")) };
	}
	qsort(c->errors, c->n_errors, sizeof(*c->errors), by_path);
}

static int bad_manifest(struct ctx *ctx, const struct source *s, int err, const char *why, const char *hint)
{
	return ctx_error(ctx,
			 NOTE(.code = "bad-snapshot", .err = err, .why = why, .hint = hint,
			      .where = SNAPSHOT_MANIFEST),
			 "%s", s->name);
}

int capture_read_manifest(struct capture *c, struct ctx *ctx, struct source *s, const char *text, size_t len)
{
	struct json_object *doc = json_read(text, len, MANIFEST_DEPTH), *v = NULL;
	const char *host, *boot_id;

	if (!json_object_is_type(doc, json_type_object) || !json_object_object_get_ex(doc, "format", &v) ||
	    !json_object_is_type(v, json_type_int)) {
		json_object_put(doc);
		return bad_manifest(ctx, s, EBADMSG, "its manifest is damaged", NULL);
	}
	if (json_object_get_int64(v) > SNAPSHOT_FORMAT) {
		json_object_put(doc);
		return bad_manifest(ctx, s, EPROTONOSUPPORT, "a newer iommuctl made it",
				    "update iommuctl to the version that made the snapshot, or later");
	}
	c->is_snapshot = true;
	c->manifest = doc;
	c->full = doc_bool(doc, "full") == TRI_YES;
	c->allow_version = json_object_object_get_ex(doc, "allow_list", &v) ? json_object_get_uint64(v) : 0;
	v = NULL;
	json_object_object_get_ex(doc, "unreadable", &v);
	read_errors(c, v);
	host = text_of(doc, "host");
	boot_id = text_of(doc, "boot_id");
	free(s->hostname);
	free(s->boot_id);
	s->hostname = must_strdup(host);
	s->boot_id = must_strdup(boot_id);
	return 0;
}

void capture_free(struct capture *c)
{
	json_object_put(c->manifest);
	vec_free(&c->parts);
	arena_free(&c->arena);
}

/* -- a snapshot -------------------------------------------------------------------------------- */

/* Follows the links of @path's directories by hand. The result is below the root, or untouched. */
static void canonical(struct source *s, const char *path, char out[static SRC_PATH_MAX])
{
	char rest[2 * SRC_PATH_MAX], text[SRC_PATH_MAX], next[2 * SRC_PATH_MAX];
	int links = 0;

	snprintf(rest, sizeof(rest), "%s", path);
	out[0] = '\0';
	while (*rest) {
		size_t n = strcspn(rest, "/"), had = strlen(out);
		const char *tail = rest + n + strspn(rest + n, "/");
		char *up = strrchr(out, '/');

		if (n == 2 && !strncmp(rest, "..", 2)) {
			*(up ? up : out) = '\0';
		} else if (n && !(n == 1 && *rest == '.')) {
			if (had + n + 2 > SRC_PATH_MAX)
				break;
			snprintf(out + had, SRC_PATH_MAX - had, "%s%.*s", had ? "/" : "", (int)n, rest);
			if (*tail && !s->ops->readlink(s, out, text, sizeof(text)) && links++ < 40) {
				out[had] = '\0';
				snprintf(next, sizeof(next), "%s/%s", text, tail);
				strcpy(rest, next);
				continue;
			}
		}
		memmove(rest, tail, strlen(tail) + 1);
	}
}

static const struct capture_error *find_error(const struct capture *c, const char *path)
{
	struct capture_error key = { .path = path };

	if (!c->n_errors)
		return NULL;
	return bsearch(&key, c->errors, c->n_errors, sizeof(key), by_path);
}

/* The error of @path itself, or of a directory above it that could not be listed. */
static int recorded(const struct capture *c, const char *path)
{
	char p[SRC_PATH_MAX], *cut = p;

	PATHF(p, "%s", path);
	while (cut) {
		const struct capture_error *e = find_error(c, p);

		if (e)
			return e->err;
		cut = strrchr(p, '/');
		if (cut)
			*cut = '\0';
	}
	return 0;
}

static int snapshot_missing(struct capture *c, struct source *s, const char *path)
{
	const struct allow_row *row;
	char real[SRC_PATH_MAX];
	int err;

	canonical(s, path, real);
	err = recorded(c, real);
	if (err)
		return err;
	row = allow_find(real);
	if (row && ((row->flags & ALLOW_PRIVATE && !c->full) || row->since > c->allow_version))
		return -ENOTCAPTURED;
	return row || allow_known(real) ? -ENOENT : -ENOTCAPTURED;
}

/* -- made by hand ------------------------------------------------------------------------------ */

static bool part_there(struct capture *c, struct source *s, const char *path)
{
	struct capture_part *p;

	vec_for_each(p, &c->parts)
		if (streq(p->path, path))
			return p->there;
	p = vec_push(&c->parts);
	*p = (struct capture_part){ .path = arena_strdup(&c->arena, path), .there = s->ops->exists(s, path) };
	return p->there;
}

static bool every_machine_has(const char *part)
{
	static const char *const dirs[] = { "sys/bus", "sys/class", "sys/devices", "sys/firmware",
					    "sys/kernel", "sys/module", "sys/block" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (streq(part, dirs[i]))
			return true;
	return false;
}

/* In these, a part that is missing was left out, unless another that every machine has is there. */
static const struct {
	const char *dir, *anchors[2];
} wholes[] = {
	{ "sys/class", { "sys/class/mem", "sys/class/tty" } },
	{ "sys/bus", { "sys/bus/platform", "sys/bus/cpu" } },
	{ "sys/kernel", { "sys/kernel/mm", "sys/kernel/notes" } },
	{ "sys/module", { "sys/module/kernel", "sys/module/printk" } },
};

/* The first @n components; the whole path when it has no more. */
static void head(const char *path, size_t n, char out[static SRC_PATH_MAX])
{
	const char *end = path;

	while (n--) {
		end = strchrnul(end, '/');
		if (n && *end)
			end++;
	}
	snprintf(out, SRC_PATH_MAX, "%.*s", (int)MIN(end - path, SRC_PATH_MAX - 1), path);
}

/* Whether the way to @path is a link to what was left out. */
static bool dangles(struct source *s, const char *path)
{
	char dir[SRC_PATH_MAX], text[SRC_PATH_MAX], *cut;

	PATHF(dir, "%s", path);
	while ((cut = strrchr(dir, '/'))) {
		*cut = '\0';
		if (s->ops->exists(s, dir))
			return false;
		if (!s->ops->readlink(s, dir, text, sizeof(text)))
			return true;
	}
	return false;
}

static int by_hand_missing(struct capture *c, struct source *s, const char *path)
{
	char part[SRC_PATH_MAX], child[SRC_PATH_MAX];

	if (!strstarts(path, "sys/"))
		return strstarts(path, "dev/") && part_there(c, s, "dev") ? -ENOENT : -ENOTCAPTURED;
	head(path, 2, part);
	if (every_machine_has(part) && !part_there(c, s, part))
		return -ENOTCAPTURED;
	if (!part_there(c, s, "sys/devices") && dangles(s, path))
		return -ENOTCAPTURED;
	head(path, 3, child);
	for (size_t i = 0; i < ARRAY_SIZE(wholes); i++) {
		if (!streq(wholes[i].dir, part) || part_there(c, s, child))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(wholes[i].anchors); j++)
			if (part_there(c, s, wholes[i].anchors[j]))
				return -ENOENT;
		return -ENOTCAPTURED;
	}
	return -ENOENT;
}

int capture_missing(struct capture *c, struct source *s, const char *path)
{
	int r;

	if (c->asking)
		return -ENOENT;
	if (s->is_listing)
		return -ENOTCAPTURED;
	c->asking = true;
	r = c->is_snapshot ? snapshot_missing(c, s, path) : by_hand_missing(c, s, path);
	c->asking = false;
	return r;
}
