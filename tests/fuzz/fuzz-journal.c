// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as the journal of bindings: an error that is told, or names that can be written to sysfs. What was read can be saved, and read
 * again as the same.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>

#include "act/journal.h"
#include "base/str.h"

#define BOOT "8f3a6d6e-0000-4000-8000-0123456789ab"

static char dir[] = "/tmp/iommuctl-fuzz-XXXXXX";
static int dirfd_ = -1;

static void remove_dir(void)
{
	unlinkat(dirfd_, "bindings.json", 0);
	unlinkat(dirfd_, "bindings.json.new", 0);
	unlinkat(dirfd_, "lock", 0);
	rmdir(dir);
}

static void make_dir(void)
{
	if (!mkdtemp(dir) || (dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		abort();
	atexit(remove_dir);
}

static void put_file(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = openat(dirfd_, "bindings.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
}

static void check_name(const char *s)
{
	fuzz_check(!s || (*s && *s != '.' && !strchr(s, '/')));
}

static void check_entry(const struct journal_entry *e)
{
	fuzz_check(e->bus && e->device);
	check_name(e->bus);
	check_name(e->device);
	check_name(e->driver);
	check_name(e->to);
	check_name(e->pf);
}

static void check_same(const struct journal *a, const struct journal *b)
{
	fuzz_check(a->v.n == b->v.n);
	for (size_t i = 0; i < a->v.n; i++) {
		const struct journal_entry *x = &a->v.v[i], *y = &b->v.v[i];

		check_entry(x);
		fuzz_check(streq(x->bus, y->bus) && streq(x->device, y->device) && streq(x->driver, y->driver) && streq(x->override, y->override) &&
			   streq(x->to, y->to) && x->state == y->state && x->vfs.known == y->vfs.known && x->vf_autoprobe == y->vf_autoprobe);
	}
}

FUZZ_TARGET(journal)
{
	_cleanup_(cleanup_journal_close) struct journal *j = NULL, *again = NULL;
	struct ctx ctx = { 0 };

	if (dirfd_ < 0)
		make_dir();
	put_file(data, size);
	if (journal_open(&ctx, dir, BOOT, 0, NULL, &j) < 0) {
		fuzz_check(ctx.notes.n);
	} else {
		fuzz_check(journal_save(j) == 0);
		close(j->lock); /* one process has it twice */
		j->lock = -1;
		fuzz_check(journal_open(&ctx, dir, BOOT, 0, NULL, &again) == 0);
		check_same(j, again);
	}
	ctx_free(&ctx);
	return 0;
}
