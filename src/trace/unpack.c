// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/unpack.h"

#include <archive.h>
#include <errno.h>
#include <unistd.h>

#include "base/str.h"

#define BLOCK (64U << 10)

struct unpack {
	struct archive *a;
	int fd;
	char *head; /* what was read before we came */
	size_t n_head;
	char block[BLOCK];
	const char *out; /* unpacked, not yet handed out */
	size_t n_out;
};

static const struct form {
	const char *name;
	struct slice magic;
	int (*support)(struct archive *a);
} forms[] = {
	{ "gzip", { "\x1f\x8b\x08", 3 }, archive_read_support_filter_gzip },
	{ "xz", { "\xfd" "7zXZ\0", 6 }, archive_read_support_filter_xz },
	{ "zstd", { "\x28\xb5\x2f\xfd", 4 }, archive_read_support_filter_zstd },
	{ "bzip2", { "BZh", 3 }, archive_read_support_filter_bzip2 },
	{ "lz4", { "\x04\x22\x4d\x18", 4 }, archive_read_support_filter_lz4 },
};

static const struct form *form_of(struct slice head)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (slice_starts_bytes(head, forms[i].magic.p, forms[i].magic.n))
			return &forms[i];
	return NULL;
}

const char *unpack_name(struct slice head)
{
	const struct form *f = form_of(head);

	return f ? f->name : NULL;
}

/* What libarchive reads from. */
static la_ssize_t feed(struct archive *a, void *arg, const void **ret)
{
	struct unpack *u = arg;
	ssize_t n = (ssize_t)u->n_head;

	(void)a;
	if (n) {
		u->n_head = 0;
		*ret = u->head;
		return n;
	}
	do
		n = read(u->fd, u->block, sizeof(u->block));
	while (n < 0 && errno == EINTR);
	*ret = u->block;
	return n;
}

int unpack_open(int fd, struct slice head, struct unpack **ret)
{
	const struct form *form = form_of(head);
	struct archive_entry *e;
	struct unpack *u;
	int r = 0;

	if (!form)
		return -ENOTSUP;
	u = must_calloc(1, sizeof(*u));
	u->fd = fd;
	u->n_head = head.n;
	u->head = must_calloc(1, head.n);
	memcpy(u->head, head.p, head.n);
	u->a = archive_read_new();
	if (!u->a)
		r = -errno;
	/* ARCHIVE_WARN: it would start a program, which we do not want */
	else if (form->support(u->a) != ARCHIVE_OK)
		r = -ENOTSUP;
	else if (archive_read_support_format_raw(u->a) != ARCHIVE_OK || archive_read_open(u->a, u, NULL, feed, NULL) != ARCHIVE_OK ||
		 archive_read_next_header(u->a, &e) != ARCHIVE_OK)
		r = -EBADMSG;
	if (r < 0) {
		unpack_close(u);
		return r;
	}
	*ret = u;
	return 0;
}

ssize_t unpack_read(struct unpack *u, void *buf, size_t n)
{
	const void *block;
	la_int64_t at;
	int r;

	/* block by block: archive_read_data() would drop what it has when an error comes behind it */
	while (!u->n_out) {
		r = archive_read_data_block(u->a, &block, &u->n_out, &at);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK) {
			u->n_out = 0;
			return -EBADMSG;
		}
		u->out = block;
	}
	n = MIN(n, u->n_out);
	memcpy(buf, u->out, n);
	u->out += n;
	u->n_out -= n;
	return (ssize_t)n;
}

void unpack_close(struct unpack *u)
{
	if (!u)
		return;
	if (u->a)
		archive_read_free(u->a);
	free(u->head);
	free(u);
}
