// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "source/listing.h"
#include "source/open.h"

/* What source_read_attr_dup() takes. */
#define ATTR_MAX (64 * 1024)

/* The first try of source_read_all(); most files that it is used for fit. */
#define READ_ALL_FIRST (32 * 1024)

int source_open_memory(struct ctx *ctx, const char *name, const void *data, size_t len,
		       struct source **ret)
{
	return source_open_archive(ctx, name, data, len, ret);
}

/* Opens the file @what if it is a listing; -ENODATA, not noted, when it is none, or cannot be read. */
static int try_listing(struct ctx *ctx, const char *what, size_t size, struct source **ret)
{
	_cleanup_close_ int fd = size && size <= LISTING_MAX ? open(what, O_RDONLY | O_CLOEXEC) : -1;
	_cleanup_free_ char *text = NULL;
	ssize_t n, more;

	if (fd < 0)
		return -ENODATA;
	text = must_malloc(size);
	n = read(fd, text, MIN(size, (size_t)4096)); /* most files are no text, which their beginning tells */
	if (n <= 0 || !listing_is_text(text, (size_t)n))
		return -ENODATA;
	while ((size_t)n < size && (more = read(fd, text + n, size - (size_t)n)) > 0)
		n += more;
	return source_open_listing(ctx, what, text, (size_t)n, ret);
}

int source_open(struct ctx *ctx, const char *what, struct source **ret)
{
	int r = -ENODATA;
	struct stat st;

	if (streq(what, "demo"))
		return source_open_memory(ctx, what, demo_snapshot, demo_snapshot_end - demo_snapshot, ret);
	if (stat(what, &st) < 0)
		return ctx_error(ctx,
				 NOTE(.code = "source-open", .err = errno, .where = what,
				      .hint = "--from takes a file, a directory, or the word demo"),
				 "%s", what);
	if (S_ISDIR(st.st_mode))
		return source_open_tree(ctx, what, ret);
	if (S_ISREG(st.st_mode))
		r = try_listing(ctx, what, (size_t)st.st_size, ret);
	if (r != -ENODATA)
		return r;
	if (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode))
		return source_open_archive(ctx, what, NULL, 0, ret);
	return ctx_error(ctx,
			 NOTE(.code = "source-unknown", .err = EINVAL, .where = what,
			      .why = "not a snapshot, a tar or a directory",
			      .hint = "--from takes a file, a directory, or the word demo"),
			 "%s", what);
}

void source_identify(struct source *s)
{
	char text[256];

	if (!source_read_attr(s, "proc/sys/kernel/hostname", text, sizeof(text)) ||
	    !source_read_attr(s, "etc/hostname", text, sizeof(text)))
		s->hostname = must_strdup(text);
	if (!source_read_attr(s, "proc/sys/kernel/random/boot_id", text, sizeof(text)))
		s->boot_id = must_strdup(text);
}

void source_close(struct source *s)
{
	if (!s)
		return;
	if (s->ops->close)
		s->ops->close(s);
	free(s->name);
	free(s->hostname);
	free(s->boot_id);
	free(s);
}

/* Parts of config space: the header that everybody may read, and the conventional one. */
#define CONFIG_HEADER 64

/* Config space has a list of capabilities (PCI local bus spec 3.0, 6.2.3: status, bit 4). */
#define CONFIG_STATUS_LOW 6
#define CONFIG_CAP_LIST 0x10

/*
 * tar wrote as many bytes as the file claims, and zeros for those that it was not allowed to read.
 * A list of capabilities that consists of zeros tells: only the header was read.
 */
static size_t config_len(const struct source *s, const char *file, const char *data, size_t len)
{
	if (source_is_live(s) || len <= CONFIG_HEADER || !(data[CONFIG_STATUS_LOW] & CONFIG_CAP_LIST))
		return len;
	if (!streq(file, "config") && !strends(file, "/config"))
		return len;
	for (size_t i = CONFIG_HEADER; i < len; i++)
		if (data[i])
			return len;
	return CONFIG_HEADER;
}

int source_read(struct source *s, const char *path, void *buf, size_t cap, size_t *ret_len)
{
	size_t len;
	int r = s->ops->read(s, path, buf, cap, &len);

	if (r < 0)
		return r;
	if (len > cap)
		return -EFBIG;
	*ret_len = config_len(s, path, buf, len);
	return 0;
}

int source_read_attr(struct source *s, const char *path, char *buf, size_t cap)
{
	size_t len;
	char *end;
	int r = s->ops->read(s, path, buf, cap, &len);

	if (r < 0)
		return r;
	end = memchr(buf, '\0', MIN(len, cap));
	if (!end && len > cap)
		return -EFBIG;
	if (end)
		len = end - buf;
	if (len && buf[len - 1] == '\n')
		len--;
	if (len >= cap)
		return -EFBIG;
	buf[len] = '\0';
	return 0;
}

int source_read_attr_dup(struct source *s, const char *path, struct arena *a, char **ret)
{
	char buf[ATTR_MAX];
	int r = source_read_attr(s, path, buf, sizeof(buf));

	if (!r)
		*ret = arena_strdup(a, buf);
	return r;
}

int source_read_all(struct source *s, const char *path, size_t max, struct arena *a, char **ret,
		    size_t *ret_len)
{
	for (size_t cap = MIN(max, READ_ALL_FIRST);; cap = MIN(max, cap * 8)) {
		_cleanup_free_ char *buf = malloc(cap + 1);
		size_t len;
		int r;

		if (!buf)
			return -ENOMEM;
		r = s->ops->read(s, path, buf, cap, &len);
		if (r < 0)
			return r;
		if (len <= cap) {
			*ret = arena_memdup(a, buf, len);
			*ret_len = len;
			return 0;
		}
		if (cap == max)
			return -EFBIG;
	}
}

int source_read_u64(struct source *s, const char *path, uint64_t *ret)
{
	char buf[64];
	int r = source_read_attr(s, path, buf, sizeof(buf));

	return r < 0 ? r : parse_u64(buf, ret);
}

int source_read_hex(struct source *s, const char *path, uint64_t *ret)
{
	char buf[64];
	int r = source_read_attr(s, path, buf, sizeof(buf));

	return r < 0 ? r : parse_hex(buf, ret);
}

int source_readlink(struct source *s, const char *path, char *buf, size_t cap)
{
	return s->ops->readlink(s, path, buf, cap);
}

int source_readlink_name(struct source *s, const char *path, char *buf, size_t cap)
{
	char text[SRC_PATH_MAX];
	const char *name;
	size_t n;
	int r = s->ops->readlink(s, path, text, sizeof(text));

	if (r < 0)
		return r;
	n = strlen(text);
	while (n > 1 && text[n - 1] == '/')
		text[--n] = '\0';
	name = strrchr(text, '/');
	name = name ? name + 1 : text;
	if (strlen(name) >= cap)
		return -ENAMETOOLONG;
	strcpy(buf, name);
	return 0;
}

int source_list(struct source *s, const char *path, struct arena *a, struct src_list *ret)
{
	return s->ops->list(s, path, a, ret);
}

void source_read_each(struct source *s, const char *base, const char *const *names, size_t n,
		      const char *file, size_t cap, struct arena *a, struct src_blob *ret)
{
	_cleanup_free_ char *buf = NULL;

	if (s->ops->read_each) {
		s->ops->read_each(s, base, names, n, file, cap, a, ret);
		for (size_t i = 0; i < n; i++)
			if (!ret[i].err)
				ret[i].len = config_len(s, file, ret[i].data, ret[i].len);
		return;
	}
	buf = must_malloc(cap + 1);
	for (size_t i = 0; i < n; i++) {
		char path[SRC_PATH_MAX];
		size_t len;

		PATHF(path, "%s/%s/%s", base, names[i], file);
		ret[i] = (struct src_blob){ .err = source_read(s, path, buf, cap, &len) };
		if (!ret[i].err)
			ret[i] = (struct src_blob){ .data = arena_memdup(a, buf, len), .len = len };
	}
}

void source_readlink_each(struct source *s, const char *base, const char *const *names, size_t n,
			  const char *file, struct arena *a, struct src_blob *ret)
{
	if (s->ops->readlink_each) {
		s->ops->readlink_each(s, base, names, n, file, a, ret);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		char path[SRC_PATH_MAX], text[SRC_PATH_MAX];

		PATHF(path, "%s/%s/%s", base, names[i], file);
		ret[i] = (struct src_blob){ .err = s->ops->readlink(s, path, text, sizeof(text)) };
		if (!ret[i].err)
			ret[i] = (struct src_blob){ .data = arena_strdup(a, text), .len = strlen(text) };
	}
}

void source_list_each(struct source *s, const char *base, const char *const *names, size_t n,
		      const char *file, struct arena *a, struct src_dir *ret)
{
	if (s->ops->list_each) {
		s->ops->list_each(s, base, names, n, file, a, ret);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		char path[SRC_PATH_MAX];

		PATHF(path, "%s/%s/%s", base, names[i], file);
		ret[i] = (struct src_dir){ 0 };
		ret[i].err = source_list(s, path, a, &ret[i].list);
	}
}

bool source_exists(struct source *s, const char *path)
{
	return s->ops->exists(s, path);
}

int source_section(struct source *s, struct ctx *ctx, enum source_section which, struct json_object **ret)
{
	return s->ops->section(s, ctx, which, ret);
}
