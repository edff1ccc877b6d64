// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "source/allow.h"
#include "source/archive.h"
#include "source/source.h"

/* -- making archives --------------------------------------------------------------------------- */

struct packer {
	struct archive *a;
	char *buf;
	size_t cap, len;
};

static void pack_start(struct packer *p, int format, int filter, size_t cap)
{
	p->cap = cap;
	p->buf = malloc(cap);
	assert_non_null(p->buf);
	p->a = archive_write_new();
	assert_int_equal(archive_write_set_format(p->a, format), ARCHIVE_OK);
	assert_int_equal(archive_write_add_filter(p->a, filter), ARCHIVE_OK);
	assert_int_equal(archive_write_set_bytes_per_block(p->a, 512), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(p->a, p->buf, p->cap, &p->len), ARCHIVE_OK);
}

static void pack_entry(struct packer *p, mode_t type, const char *path, const char *link, bool hard,
		       const void *data, size_t len)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, path);
	archive_entry_set_mode(e, type | 0644);
	archive_entry_set_size(e, len);
	if (link && hard)
		archive_entry_set_hardlink(e, link);
	else if (link)
		archive_entry_set_symlink(e, link);
	assert_int_equal(archive_write_header(p->a, e), ARCHIVE_OK);
	if (len)
		assert_int_equal(archive_write_data(p->a, data, len), len);
	archive_entry_free(e);
}

static void pack_file(struct packer *p, const char *path, const char *text)
{
	pack_entry(p, AE_IFREG, path, NULL, false, text, strlen(text));
}

static void pack_link(struct packer *p, const char *path, const char *text)
{
	pack_entry(p, AE_IFLNK, path, text, false, NULL, 0);
}

static void pack_end(struct packer *p)
{
	assert_int_equal(archive_write_close(p->a), ARCHIVE_OK);
	archive_write_free(p->a);
}

#define DEV "sys/devices/pci0000:00/0000:00:02.0"

static void pack_machine(struct packer *p, const char *prefix)
{
	static const char *const files[][2] = {
		{ DEV "/vendor", "0x8086\n" },
		{ DEV "/device", "0x10d3\n" },
		{ DEV "/rom", "never\n" },
		{ DEV "/something", "unknown\n" },
		{ "sys/kernel/iommu_groups/3/type", "DMA\n" },
		{ "proc/cmdline", "quiet\n" },
	};
	char path[512];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		PATHF(path, "%s%s", prefix, files[i][0]);
		pack_file(p, path, files[i][1]);
	}
	PATHF(path, "%ssys/bus/pci/devices/0000:00:02.0", prefix);
	pack_link(p, path, "../../../devices/pci0000:00/0000:00:02.0");
	PATHF(path, "%ssys/kernel/iommu_groups/3/devices/0000:00:02.0", prefix);
	pack_link(p, path, "../../../../devices/pci0000:00/0000:00:02.0");
}

static int open_packed(struct packer *p, struct source **ret, struct ctx *ctx)
{
	return source_open_memory(ctx, "test", p->buf, p->len, ret);
}

static void pack_free(struct packer *p)
{
	free(p->buf);
}

static void check_machine(struct source *s)
{
	struct arena a = { 0 };
	struct src_list l;
	char buf[64];

	assert_int_equal(s->ops->kind, SOURCE_SNAPSHOT);
	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/0000:00:02.0/vendor", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "0x8086");
	assert_int_equal(source_read_attr(s, DEV "/device", buf, sizeof(buf)), 0);
	assert_int_equal(source_read_attr(s, DEV "/rom", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(source_read_attr(s, DEV "/something", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(source_readlink_name(s, "sys/kernel/iommu_groups/3/devices/0000:00:02.0", buf,
					      sizeof(buf)), 0);
	assert_string_equal(buf, "0000:00:02.0");
	assert_int_equal(source_list(s, "sys/kernel/iommu_groups/3/devices", &a, &l), 0);
	assert_int_equal(l.n, 1);
	assert_true(l.v[0].is_link);
	assert_int_equal(source_list(s, "sys/kernel/iommu_groups", &a, &l), 0);
	assert_int_equal(l.n, 1);
	assert_true(l.v[0].is_dir);
	assert_int_equal(source_read_attr(s, "sys/class/net/eth0/mtu", buf, sizeof(buf)), -ENOTCAPTURED);
	assert_int_equal(source_read_attr(s, DEV, buf, sizeof(buf)), -EISDIR);
	assert_int_equal(source_list(s, DEV "/vendor", &a, &l), -ENOTDIR);
	assert_true(source_exists(s, "sys/bus/pci/devices/0000:00:02.0"));
	assert_false(source_exists(s, "sys/bus/pci/devices/0000:00:03.0"));
	arena_free(&a);
}

/* -- kinds ------------------------------------------------------------------------------------- */

static void every_tar_is_read(void **state _unused_)
{
	static const int formats[] = { ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FORMAT_TAR_GNUTAR,
				       ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE };
	static const int filters[] = { ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2,
				       ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_ZSTD };

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(filters); j++) {
			_cleanup_(cleanup_source_close) struct source *s = NULL;
			struct ctx ctx = { 0 };
			struct packer p;

			pack_start(&p, formats[i], filters[j], 1 << 20);
			pack_machine(&p, "");
			pack_end(&p);
			assert_int_equal(open_packed(&p, &s, &ctx), 0);
			assert_int_equal(ctx.notes.n, 0);
			check_machine(s);
			pack_free(&p);
			ctx_free(&ctx);
		}
	}
}

static void any_prefix_will_do(void **state _unused_)
{
	static const char *const prefixes[] = { "", "/", "./", "myhost/", "./a/b/", "/srv//x/./" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		_cleanup_(cleanup_source_close) struct source *s = NULL;
		struct ctx ctx = { 0 };
		char text[16], path[64];
		struct packer p;

		pack_start(&p, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, 1 << 20);
		PATHF(path, "%sdmesg.txt", prefixes[i]);
		pack_file(&p, path, "early\n");
		PATHF(path, "%sREADME", prefixes[i]);
		pack_file(&p, path, "skipped\n");
		pack_machine(&p, prefixes[i]);
		pack_end(&p);
		assert_int_equal(open_packed(&p, &s, &ctx), 0);
		check_machine(s);
		assert_int_equal(source_read_attr(s, "proc/cmdline", text, sizeof(text)), 0);
		assert_int_equal(source_read_attr(s, "dmesg.txt", text, sizeof(text)), 0);
		assert_string_equal(text, "early");
		assert_int_equal(source_read_attr(s, "README", text, sizeof(text)), -ENOTCAPTURED);
		pack_free(&p);
		ctx_free(&ctx);
	}
}

static void the_contents_of_sys_will_do(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct ctx ctx = { 0 };
	struct packer p;
	char text[16];

	pack_start(&p, ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_GZIP, 1 << 20);
	pack_entry(&p, AE_IFDIR, "./", NULL, false, NULL, 0);
	pack_link(&p, "./bus/pci/devices/0000:00:02.0", "../../../devices/pci0000:00/0000:00:02.0");
	pack_file(&p, "./devices/pci0000:00/0000:00:02.0/vendor", "0x8086\n");
	pack_end(&p);
	assert_int_equal(open_packed(&p, &s, &ctx), 0);
	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/0000:00:02.0/vendor", text, sizeof(text)), 0);
	assert_int_equal(source_read_attr(s, "proc/cmdline", text, sizeof(text)), -ENOTCAPTURED);
	pack_free(&p);
	ctx_free(&ctx);
}

/* proc/sys/… and a sys/ further down are no machine's root. */
static void the_shortest_prefix_wins(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct ctx ctx = { 0 };
	struct packer p;

	pack_start(&p, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, 1 << 20);
	pack_file(&p, "usr/share/doc/sys/class/iommu/x", "no\n");
	pack_file(&p, "proc/sys/kernel/hostname", "box\n");
	pack_machine(&p, "");
	pack_end(&p);
	assert_int_equal(open_packed(&p, &s, &ctx), 0);
	check_machine(s);
	assert_string_equal(s->hostname, "box");
	pack_free(&p);
	ctx_free(&ctx);
}

/* -- what tar does to sysfs -------------------------------------------------------------------- */

static void padding_is_taken_off(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct ctx ctx = { 0 };
	char page[4096] = "0x8086\n", config[4096] = { 0 }, buf[4096];
	struct packer p;
	size_t len;

	pack_start(&p, ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_NONE, 1 << 20);
	pack_entry(&p, AE_IFREG, DEV "/vendor", NULL, false, page, sizeof(page));
	/* a list of capabilities, and zeros where it should be: read without privilege */
	config[6] = 0x10;
	config[0x34] = 0x40;
	pack_entry(&p, AE_IFREG, DEV "/config", NULL, false, config, sizeof(config));
	config[0x40] = 1;
	pack_entry(&p, AE_IFREG, DEV "/x/config", NULL, false, config, sizeof(config));
	pack_entry(&p, AE_IFREG, "sys/firmware/acpi/tables/DMAR", NULL, false, page, sizeof(page));
	pack_end(&p);
	assert_int_equal(open_packed(&p, &s, &ctx), 0);
	assert_int_equal(source_read(s, DEV "/vendor", buf, sizeof(buf), &len), 0);
	assert_int_equal(len, 7);
	assert_int_equal(source_read(s, DEV "/config", buf, sizeof(buf), &len), 0);
	assert_int_equal(len, 64);
	assert_int_equal(source_read(s, DEV "/x/config", buf, sizeof(buf), &len), 0);
	assert_int_equal(len, 4096);
	assert_int_equal(source_read(s, "sys/firmware/acpi/tables/DMAR", buf, sizeof(buf), &len), 0);
	assert_int_equal(len, 4096);
	pack_free(&p);
	ctx_free(&ctx);
}

static void the_last_entry_wins(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct ctx ctx = { 0 };
	struct packer p;
	char buf[16];

	pack_start(&p, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, 1 << 20);
	pack_file(&p, DEV "/vendor", "first\n");
	pack_file(&p, DEV "/vendor", "second\n");
	pack_file(&p, DEV "/driver", "a file\n"); /* where a link should be */
	pack_link(&p, DEV "/driver", "../../bus/pci/drivers/one");
	pack_link(&p, DEV "/driver", "../../bus/pci/drivers/two");
	pack_link(&p, DEV "/iommu", "../../..");
	pack_file(&p, DEV "/iommu/vendor", "in a link\n");
	pack_end(&p);
	assert_int_equal(open_packed(&p, &s, &ctx), 0);
	assert_int_equal(source_read_attr(s, DEV "/vendor", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "second");
	assert_int_equal(source_readlink_name(s, DEV "/driver", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "two");
	assert_int_equal(source_read_attr(s, DEV "/iommu/vendor", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "in a link");
	pack_free(&p);
	ctx_free(&ctx);
}

static void links_stay_in_the_archive(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct ctx ctx = { 0 };
	struct packer p;
	char buf[64];

	pack_start(&p, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, 1 << 20);
	pack_machine(&p, "");
	pack_link(&p, "sys/bus/pci/devices/loop", "loop");
	pack_link(&p, "sys/bus/pci/devices/a", "b");
	pack_link(&p, "sys/bus/pci/devices/b", "a");
	pack_link(&p, "sys/bus/pci/devices/absolute", "/etc");
	pack_link(&p, "sys/bus/pci/devices/out", "../../../../../etc");
	pack_link(&p, "sys/bus/pci/devices/dangling", "../../../devices/gone");
	pack_end(&p);
	assert_int_equal(open_packed(&p, &s, &ctx), 0);
	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/loop/x", buf, sizeof(buf)), -ELOOP);
	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/a", buf, sizeof(buf)), -ELOOP);
	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/absolute/passwd", buf, sizeof(buf)), -EXDEV);
	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/out/passwd", buf, sizeof(buf)), -EXDEV);
	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/dangling/vendor", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(source_readlink(s, "sys/bus/pci/devices/out", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "../../../../../etc");
	assert_int_equal(source_read_attr(s, "../x", buf, sizeof(buf)), -EXDEV);
	pack_free(&p);
	ctx_free(&ctx);
}

static void special_entries_are_harmless(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct ctx ctx = { 0 };
	struct packer p;
	char buf[64];

	pack_start(&p, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, 1 << 20);
	pack_machine(&p, "");
	pack_entry(&p, AE_IFCHR, "dev/iommu", NULL, false, NULL, 0);
	pack_entry(&p, AE_IFCHR, DEV "/vendor", NULL, false, NULL, 0);
	pack_entry(&p, AE_IFIFO, DEV "/device", NULL, false, NULL, 0);
	pack_entry(&p, AE_IFREG, DEV "/class", DEV "/vendor", true, NULL, 0);
	pack_entry(&p, AE_IFREG, DEV "/irq", "sys/gone", true, NULL, 0);
	pack_end(&p);
	assert_int_equal(open_packed(&p, &s, &ctx), 0);
	check_machine(s);
	assert_true(source_exists(s, "dev/iommu"));
	assert_int_equal(source_read_attr(s, DEV "/class", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "0x8086");
	assert_int_equal(source_read_attr(s, DEV "/irq", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(ctx.notes.n, 1);
	assert_string_equal(ctx.notes.v[0].where, DEV "/irq");
	pack_free(&p);
	ctx_free(&ctx);
}

static void names_are_bytes(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct ctx ctx = { 0 };
	struct packer p;
	char buf[64];

	pack_start(&p, ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_NONE, 1 << 20);
	pack_file(&p, "sys/devices/two\nlines\033[31m/vendor", "0x1\n");
	pack_file(&p, "sys/devices/bad\xff\xfe/vendor", "0x2\n");
	pack_file(&p, "sys/devices/caf\xc3\xa9/vendor", "0x3\n");
	pack_end(&p);
	assert_int_equal(open_packed(&p, &s, &ctx), 0);
	assert_int_equal(source_read_attr(s, "sys/devices/two\nlines\033[31m/vendor", buf, sizeof(buf)), 0);
	assert_int_equal(source_read_attr(s, "sys/devices/bad\xff\xfe/vendor", buf, sizeof(buf)), 0);
	assert_int_equal(source_read_attr(s, "sys/devices/caf\xc3\xa9/vendor", buf, sizeof(buf)), 0);
	pack_free(&p);
	ctx_free(&ctx);
}

/* -- what is refused --------------------------------------------------------------------------- */

static void refused(struct packer *p, int err, const char *code, const char *where)
{
	struct source *s = NULL;
	struct ctx ctx = { 0 };

	assert_int_equal(open_packed(p, &s, &ctx), err);
	assert_null(s);
	assert_int_equal(ctx.notes.n, 1);
	assert_string_equal(ctx.notes.v[0].code, code);
	if (where)
		assert_non_null(strstr(ctx.notes.v[0].where, where));
	pack_free(p);
	ctx_free(&ctx);
}

static void names_that_lead_out(void **state _unused_)
{
	static const char *const names[] = { "../etc/passwd", "sys/../../x", "sys/devices/..", "a/../b" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct packer p;

		pack_start(&p, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_NONE, 1 << 20);
		pack_machine(&p, "");
		pack_file(&p, names[i], "x");
		pack_end(&p);
		refused(&p, -EXDEV, "archive-traversal", " at byte ");
	}
}

static void names_that_are_too_long(void **state _unused_)
{
	char name[2 * ARCHIVE_MAX_PATH] = "sys/devices/";
	struct packer p;

	memset(name + 12, 'a', ARCHIVE_MAX_PATH);
	pack_start(&p, ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_NONE, 1 << 20);
	pack_file(&p, name, "x");
	pack_end(&p);
	refused(&p, -E2BIG, "archive-limit", NULL);

	name[0] = '\0';
	for (size_t i = 0; i <= ARCHIVE_MAX_DEPTH; i++)
		strcat(name, "d/");
	strcat(name, "f");
	pack_start(&p, ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_NONE, 1 << 20);
	pack_file(&p, name, "x");
	pack_end(&p);
	refused(&p, -E2BIG, "archive-limit", "d/d/d");
}

static void large_files_are_left_out(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	size_t len = ARCHIVE_MAX_FILE + 1;
	char *data = calloc(1, len), buf[64];
	struct ctx ctx = { 0 };
	struct packer p;

	pack_start(&p, ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_ZSTD, 1 << 20);
	pack_machine(&p, "");
	pack_entry(&p, AE_IFREG, "proc/modules", NULL, false, data, len);
	pack_end(&p);
	assert_int_equal(open_packed(&p, &s, &ctx), 0);
	check_machine(s);
	assert_int_equal(source_read_attr(s, "proc/modules", buf, sizeof(buf)), -ENOTCAPTURED);
	assert_int_equal(ctx.notes.n, 1);
	assert_string_equal(ctx.notes.v[0].where, "proc/modules");
	pack_free(&p);
	ctx_free(&ctx);
	free(data);
}

static void a_bomb_of_zeros(void **state _unused_)
{
	static const int filters[] = { ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_XZ };
	static const char *const names[] = { "sys/devices/zeros", "proc/modules" };
	static char zeros[1 << 20];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct archive_entry *e = archive_entry_new();
		struct packer p;

		pack_start(&p, ARCHIVE_FORMAT_TAR_GNUTAR, filters[i], 4 << 20);
		pack_machine(&p, "");
		archive_entry_set_pathname(e, names[i]);
		archive_entry_set_mode(e, AE_IFREG | 0644);
		archive_entry_set_size(e, 256ll << 20);
		assert_int_equal(archive_write_header(p.a, e), ARCHIVE_OK);
		for (size_t n = 0; n < 256; n++)
			assert_int_equal(archive_write_data(p.a, zeros, sizeof(zeros)), sizeof(zeros));
		archive_entry_free(e);
		pack_end(&p);
		refused(&p, -E2BIG, "archive-limit", names[i]);
	}
}

static void an_endless_row_of_small_files(void **state _unused_)
{
	char page[4096];
	struct packer p;

	memset(page, 'x', sizeof(page));
	pack_start(&p, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_ZSTD, 32 << 20);
	for (unsigned i = 0; i < 150000; i++) {
		char path[64];

		PATHF(path, "sys/devices/d%u/vendor", i);
		pack_entry(&p, AE_IFREG, path, NULL, false, page, sizeof(page));
	}
	pack_end(&p);
	refused(&p, -E2BIG, "archive-limit", "/vendor at byte ");
}

static void rubbish(void **state _unused_)
{
	static const char text[] = "#!/bin/sh\nexit 0\n";
	static const char nothing[10240];
	static const struct {
		const void *data;
		size_t len;
	} t[] = { { text, sizeof(text) }, { nothing, 0 }, { nothing, 512 }, { nothing, sizeof(nothing) } };
	struct packer p;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		p = (struct packer){ .buf = malloc(16384), .len = t[i].len };
		memcpy(p.buf, t[i].data, t[i].len);
		refused(&p, -EINVAL, "source-unknown", "test");
	}
	/* a tar, but of something else */
	pack_start(&p, ARCHIVE_FORMAT_TAR_USTAR, ARCHIVE_FILTER_GZIP, 1 << 20);
	pack_file(&p, "README", "hello\n");
	pack_end(&p);
	refused(&p, -EINVAL, "source-unknown", "test");
}

/*
 * A pax header may give a file any size, and libarchive (3.6.2) hands a negative one on. It writes no such header itself: the name of an
 * extended attribute is overwritten.
 */
static void a_file_of_a_negative_size(void **state _unused_)
{
	static const char written[] = "SCHILY.xattr.aa=-1", wanted[] = "SCHILY.realsize=-1";
	struct archive_entry *e = archive_entry_new();
	char data[4096] = "0x8086\n", *at;
	struct packer p;

	pack_start(&p, ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, ARCHIVE_FILTER_NONE, 1 << 20);
	pack_machine(&p, "");
	archive_entry_set_pathname(e, DEV "/class");
	archive_entry_set_mode(e, AE_IFREG | 0644);
	archive_entry_set_size(e, sizeof(data));
	archive_entry_xattr_add_entry(e, "aa", "-1", 2);
	assert_int_equal(archive_write_header(p.a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(p.a, data, sizeof(data)), sizeof(data));
	archive_entry_free(e);
	pack_end(&p);
	at = memmem(p.buf, p.len, written, strlen(written));
	assert_non_null(at);
	memcpy(at, wanted, strlen(wanted));
	refused(&p, -EBADMSG, "archive-damaged", DEV "/class");
}

/* Cut anywhere, an archive is an error that says so, and never half of a machine. */
static void check_cut(int filter, size_t step)
{
	struct packer p;

	pack_start(&p, ARCHIVE_FORMAT_TAR_USTAR, filter, 1 << 20);
	pack_machine(&p, "");
	pack_end(&p);
	/* the second of the two blocks of zeros at the end may be missing */
	for (size_t cut = 0; cut + (filter == ARCHIVE_FILTER_NONE ? 1024 : 0) < p.len; cut += step) {
		struct source *s = NULL;
		struct ctx ctx = { 0 };
		int r = source_open_memory(&ctx, "test", p.buf, cut, &s);

		if (r >= 0)
			fail_msg("cut at %zu of %zu was not seen", cut, p.len);
		assert_null(s);
		assert_int_equal(ctx.notes.n, 1);
		assert_true(r == -EBADMSG || r == -EINVAL);
		ctx_free(&ctx);
	}
	pack_free(&p);
}

static void cut_archives(void **state _unused_)
{
	check_cut(ARCHIVE_FILTER_NONE, 512);
	check_cut(ARCHIVE_FILTER_NONE, 97);
	check_cut(ARCHIVE_FILTER_ZSTD, 1);
	check_cut(ARCHIVE_FILTER_GZIP, 7);
	check_cut(ARCHIVE_FILTER_XZ, 7);
}

/* -- manifests --------------------------------------------------------------------------------- */

static int open_with_manifest(const char *text, struct source **ret, struct ctx *ctx)
{
	struct packer p;
	int r;

	pack_start(&p, ARCHIVE_FORMAT_TAR_GNUTAR, ARCHIVE_FILTER_ZSTD, 1 << 20);
	pack_file(&p, "iommuctl/manifest.json", text);
	pack_machine(&p, "");
	pack_end(&p);
	r = open_packed(&p, ret, ctx);
	pack_free(&p);
	return r;
}

static void three_answers(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct ctx ctx = { 0 };
	struct arena a = { 0 };
	struct src_list l;
	char buf[64];

	assert_int_equal(open_with_manifest(
		"{\"format\":1,\"host\":\"box\",\"boot_id\":\"b\",\"unreadable\":["
		"{\"path\":\"" DEV "/config\",\"errno\":\"EACCES\"},"
		"{\"path\":\"sys/class/net\",\"errno\":\"EPERM\"},"
		"{\"path\":\"proc\",\"errno\":\"ENOTCAPTURED\"},"
		"{\"path\":\"sys/kernel/security\",\"errno\":\"EWHAT\"}, 7, {\"path\":3}]}", &s, &ctx), 0);
	assert_string_equal(s->hostname, "box");
	assert_string_equal(s->boot_id, "b");
	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/0000:00:02.0/vendor", buf, sizeof(buf)), 0);
	/* unreadable there: unreadable here, by every way */
	assert_int_equal(source_read_attr(s, DEV "/config", buf, sizeof(buf)), -EACCES);
	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/0000:00:02.0/config", buf, sizeof(buf)), -EACCES);
	assert_true(source_exists(s, DEV "/config"));
	assert_int_equal(source_list(s, "sys/class/net", &a, &l), -EPERM);
	assert_int_equal(source_read_attr(s, "sys/kernel/security/lockdown", buf, sizeof(buf)), -EIO);
	/* missing there: missing here */
	assert_int_equal(source_readlink(s, DEV "/driver", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(source_readlink(s, "sys/bus/pci/devices/0000:00:02.0/physfn", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(source_list(s, DEV "/net", &a, &l), -ENOENT);
	assert_int_equal(source_list(s, "sys/class/iommu", &a, &l), -ENOENT);
	/* what no snapshot holds */
	assert_int_equal(source_read_attr(s, DEV "/vpd", buf, sizeof(buf)), -ENOTCAPTURED);
	assert_int_equal(source_read_attr(s, "sys/kernel/debug/x", buf, sizeof(buf)), -ENOTCAPTURED);
	assert_int_equal(source_list(s, "sys/class/tty", &a, &l), -ENOTCAPTURED);
	assert_int_equal(source_read_attr(s, "proc/version", buf, sizeof(buf)), -ENOTCAPTURED);
	arena_free(&a);
	ctx_free(&ctx);
}

static size_t memory_in_use(void)
{
	struct mallinfo2 i = mallinfo2();

	return i.uordblks + i.hblkhd;
}

/* Names longer than any that is ever asked for become no directories. */
static void a_manifest_of_endless_names(void **state _unused_)
{
	static const char head[] = "{\"format\":1,\"unreadable\":[{\"path\":\"", tail[] = "b\",\"errno\":\"EACCES\"}]}";
	const size_t steps = 400000;
	struct strbuf text = { 0 };
	struct source *s = NULL;
	struct ctx ctx = { 0 };
	size_t before;

	strbuf_puts(&text, head);
	for (size_t i = 0; i < steps; i++)
		strbuf_puts(&text, "a/");
	strbuf_puts(&text, tail);
	before = memory_in_use();
	assert_int_equal(open_with_manifest(text.s, &s, &ctx), 0);
	assert_true(memory_in_use() - before < 20 * text.len);
	source_close(s);
	strbuf_free(&text);
	ctx_free(&ctx);
}

/* An older snapshot was never asked for what the list has learned since. */
static void the_allow_list_grows(void **state _unused_)
{
	static const struct {
		const char *manifest;
		int err;
	} t[] = {
		{ "{\"format\":1}", -ENOTCAPTURED },
		{ "{\"format\":1,\"allow_list\":1}", -ENOTCAPTURED },
		{ "{\"format\":1,\"allow_list\":2}", -ENOENT },
		{ "{\"format\":1,\"allow_list\":2,\"unreadable\":[{\"path\":\"proc/1/ns/net\",\"errno\":\"EACCES\"}]}", -EACCES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		_cleanup_(cleanup_source_close) struct source *s = NULL;
		struct ctx ctx = { 0 };
		char buf[64];

		assert_int_equal(open_with_manifest(t[i].manifest, &s, &ctx), 0);
		assert_int_equal(source_readlink(s, "proc/1/ns/net", buf, sizeof(buf)), t[i].err);
		ctx_free(&ctx);
	}
}

static void bad_manifests(void **state _unused_)
{
	static const struct {
		const char *text;
		int err;
	} t[] = {
		{ "", -EBADMSG },
		{ "{", -EBADMSG },
		{ "[]", -EBADMSG },
		{ "{}", -EBADMSG },
		{ "{\"format\":\"1\"}", -EBADMSG },
		{ "{\"format\":2}", -EPROTONOSUPPORT },
		{ "{\"format\":9223372036854775807}", -EPROTONOSUPPORT },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct source *s = NULL;
		struct ctx ctx = { 0 };

		assert_int_equal(open_with_manifest(t[i].text, &s, &ctx), t[i].err);
		assert_null(s);
		assert_string_equal(ctx.notes.v[0].code, "bad-snapshot");
		ctx_free(&ctx);
	}
}

/* -- the allow-list ---------------------------------------------------------------------------- */

static void the_allow_list(void **state _unused_)
{
	static const struct {
		const char *path;
		int flags; /* -1: not allowed */
	} t[] = {
		{ DEV "/vendor", 0 },
		{ DEV "/0000:01:00.0/virtfn12", ALLOW_LINKS },
		{ DEV "/config", ALLOW_CONFIG },
		{ DEV "/uevent", ALLOW_SCRUB },
		{ DEV "/power/runtime_status", 0 },
		{ DEV "/power/runtime_usage", -1 },
		{ DEV "/net/eth0/address", ALLOW_PRIVATE },
		{ DEV "/net/eth0/ifindex", 0 },
		{ DEV "/nvme/nvme0/serial", ALLOW_PRIVATE },
		{ DEV "/nvme/nvme0/address", 0 },
		{ DEV "/rom", -1 },
		{ DEV "/vpd", -1 },
		{ DEV "/resource", -1 },
		{ DEV "/resource0", -1 },
		{ DEV "/resource0_wc", -1 },
		{ DEV "/reset", -1 },
		{ DEV "/reset_method", 0 },
		{ DEV "/remove", -1 },
		{ DEV "/rescan", -1 },
		{ "sys/bus/pci/devices/0000:00:02.0/vendor", 0 },
		{ "sys/bus/pci/devices/0000:00:02.0/rom", -1 },
		{ "sys/bus/pci/devices/0000:00:02.0", ALLOW_LINKS },
		{ "sys/bus/pci/rescan", -1 },
		{ "sys/bus/pci/drivers/vfio-pci/0000:00:02.0", ALLOW_LINKS },
		{ "sys/class/net/eth0/address", -1 }, /* only by the device's own path is it known to be one */
		{ "sys/class/iommu/dmar0", ALLOW_LINKS },
		{ "sys/kernel/iommu_groups/7/reserved_regions", 0 },
		{ "sys/kernel/debug/iommu/intel/iommu_regset", -1 },
		{ "sys/kernel/tracing/trace", -1 },
		{ "sys/devices/virtual/iommu/dmar0/intel-iommu/ecap", 0 },
		{ "sys/firmware/acpi/tables/DMAR", 0 },
		{ "sys/firmware/acpi/tables/SSDT1", -1 },
		{ "proc/cmdline", ALLOW_SCRUB },
		{ "proc/1234/environ", -1 },
		{ "proc/kcore", -1 },
		{ "etc/shadow", -1 },
		{ "dmesg.txt", ALLOW_FOREIGN },
		{ "x/dmesg.txt", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct allow_row *row = allow_find(t[i].path);

		if ((row ? (int)row->flags : -1) != t[i].flags)
			fail_msg("%s: %d instead of %d", t[i].path, row ? (int)row->flags : -1, t[i].flags);
	}
	assert_null(allow_find(""));
	assert_true(allow_below("sys"));
	assert_true(allow_below("sys/bus/pci/drivers/x"));
	assert_true(allow_below(DEV "/0000:01:00.0/net"));
	assert_false(allow_below(DEV "/msi_irqs"));
	assert_false(allow_below("sys/kernel/debug"));
	assert_false(allow_below("sys/devices/system/cpu/cpu0"));
	assert_true(allow_known(DEV "/net"));
	assert_true(allow_known("sys/bus/pci/devices/x/block"));
	assert_true(allow_known("sys/module/vfio_pci"));
	assert_false(allow_known(DEV "/made-up"));
	assert_false(allow_known("sys/class/tty"));
	/* every top leads somewhere */
	for (size_t i = 0; allow_tops[i]; i++)
		assert_true(allow_below(allow_tops[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tar_is_read),
		cmocka_unit_test(any_prefix_will_do),
		cmocka_unit_test(the_contents_of_sys_will_do),
		cmocka_unit_test(the_shortest_prefix_wins),
		cmocka_unit_test(padding_is_taken_off),
		cmocka_unit_test(the_last_entry_wins),
		cmocka_unit_test(links_stay_in_the_archive),
		cmocka_unit_test(special_entries_are_harmless),
		cmocka_unit_test(names_are_bytes),
		cmocka_unit_test(names_that_lead_out),
		cmocka_unit_test(names_that_are_too_long),
		cmocka_unit_test(large_files_are_left_out),
		cmocka_unit_test(a_bomb_of_zeros),
		cmocka_unit_test(an_endless_row_of_small_files),
		cmocka_unit_test(rubbish),
		cmocka_unit_test(a_file_of_a_negative_size),
		cmocka_unit_test(cut_archives),
		cmocka_unit_test(three_answers),
		cmocka_unit_test(a_manifest_of_endless_names),
		cmocka_unit_test(the_allow_list_grows),
		cmocka_unit_test(bad_manifests),
		cmocka_unit_test(the_allow_list),
	};

	return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
