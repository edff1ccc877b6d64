// SPDX-License-Identifier: GPL-2.0-or-later
/* Files that are there whole or not at all: on file systems that can do it without a name, on those that cannot, and where there is no /proc. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/newfile.h"
#include "base/rmtree.h"
#include "base/str.h"
#include "base/util.h"

static char dir[64];
static char path[96];

/* -- a file system that lacks something: the linker puts these in between ---------------------------------------------------- */

static int tmpfile_errno, link_errno, rename_errno;

int __real_openat(int at, const char *name, int flags, ...);
int __wrap_openat(int at, const char *name, int flags, mode_t mode);
int __real_linkat(int a, const char *from, int b, const char *to, int flags);
int __wrap_linkat(int a, const char *from, int b, const char *to, int flags);
int __real_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to);

int __wrap_openat(int at, const char *name, int flags, mode_t mode)
{
	if (!tmpfile_errno || (flags & O_TMPFILE) != O_TMPFILE)
		return __real_openat(at, name, flags, mode);
	errno = tmpfile_errno;
	return -1;
}

int __wrap_linkat(int a, const char *from, int b, const char *to, int flags)
{
	if (!link_errno)
		return __real_linkat(a, from, b, to, flags);
	errno = link_errno;
	return -1;
}

int __wrap_renameat(int a, const char *from, int b, const char *to)
{
	if (!rename_errno)
		return __real_renameat(a, from, b, to);
	errno = rename_errno;
	return -1;
}

/* -- the folder ------------------------------------------------------------------------------------------------------------- */

static int begin(void **state _unused_)
{
	strcpy(dir, "/tmp/iommuctl-test-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/file", dir);
	tmpfile_errno = link_errno = rename_errno = 0;
	umask(022);
	return 0;
}

static int end(void **state _unused_)
{
	umask(022);
	rmtree(dir);
	return 0;
}

static int count_files(void)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += !streq(e->d_name, ".") && !streq(e->d_name, "..");
	closedir(d);
	return n;
}

static void assert_holds(const char *text)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char buf[64] = "";

	assert_true(fd >= 0);
	assert_int_equal(read(fd, buf, sizeof(buf) - 1), strlen(text));
	assert_string_equal(buf, text);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	return st.st_mode & 07777;
}

static int write_file(const char *text)
{
	_cleanup_(new_file_drop) struct new_file f;
	int r = new_file_begin(&f, path, 0666);

	if (r == 0)
		r = write_all(f.fd, text, strlen(text));
	return r < 0 ? r : new_file_commit(&f);
}

/* -- what holds on every file system -------------------------------------------------------------------------------------- */

/* A way to lack something. */
static const struct lack {
	int tmpfile, link;
	bool beside; /* it has a name meanwhile */
} lacks[] = {
	{ 0, 0, false },
	{ EOPNOTSUPP, 0, true },
	{ EISDIR, 0, true }, /* kernels that do not know O_TMPFILE */
	{ 0, ENOENT, false }, /* no /proc */
	{ 0, EXDEV, false },
};

static void each_lack(void (*test)(const struct lack *l))
{
	for (size_t i = 0; i < ARRAY_SIZE(lacks); i++) {
		begin(NULL);
		tmpfile_errno = lacks[i].tmpfile;
		link_errno = lacks[i].link;
		test(&lacks[i]);
		end(NULL);
	}
}

static void is_written(const struct lack *l _unused_)
{
	assert_int_equal(write_file("one"), 0);
	assert_holds("one");
	assert_int_equal(mode_of(path), 0644);
	assert_int_equal(count_files(), 1);
	umask(077);
	assert_int_equal(write_file("another one"), 0);
	assert_holds("another one");
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(count_files(), 1);
}

static void test_written(void **state _unused_)
{
	each_lack(is_written);
}

static void is_dropped(const struct lack *l)
{
	struct new_file f;

	assert_int_equal(write_file("old"), 0);
	assert_int_equal(new_file_begin(&f, path, 0666), 0);
	assert_int_equal(write_all(f.fd, "half", 4), 0);
	assert_int_equal(count_files(), l->beside ? 2 : 1);
	new_file_drop(&f);
	new_file_drop(&f);
	assert_holds("old");
	assert_int_equal(count_files(), 1);
}

static void test_dropped(void **state _unused_)
{
	each_lack(is_dropped);
}

/* The last step fails: the old one stays, the new one goes. */
static void is_not_renamed(const struct lack *l _unused_)
{
	assert_int_equal(write_file("old"), 0);
	rename_errno = EACCES;
	assert_int_equal(write_file("new"), -EACCES);
	assert_holds("old");
	assert_int_equal(count_files(), 1);
}

static void test_not_renamed(void **state _unused_)
{
	each_lack(is_not_renamed);
}

/* A link is replaced, not followed; one that leads nowhere, too. */
static void is_link(const struct lack *l _unused_)
{
	char other[sizeof(path) + 8];

	snprintf(other, sizeof(other), "%s-other", path);
	assert_int_equal(symlink(other, path), 0);
	assert_int_equal(write_file("new"), 0);
	assert_holds("new");
	assert_int_equal(access(other, F_OK), -1);
	assert_int_equal(count_files(), 1);
}

static void test_link(void **state _unused_)
{
	each_lack(is_link);
}

/* More than one page of it. */
static void is_long(const struct lack *l _unused_)
{
	_cleanup_(new_file_drop) struct new_file f;
	_cleanup_free_ char *text = must_malloc(300000);
	struct stat st;

	memset(text, 'x', 300000);
	assert_int_equal(write_file("old"), 0);
	assert_int_equal(new_file_begin(&f, path, 0640), 0);
	assert_int_equal(write_all(f.fd, text, 300000), 0);
	assert_int_equal(new_file_commit(&f), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 300000);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void test_long(void **state _unused_)
{
	each_lack(is_long);
}

/* -- a name that the caller has locked ------------------------------------------------------------------------------------ */

static int write_at(const char *text)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(new_file_drop) struct new_file f;
	int r = new_file_begin_at(&f, fd, "file", ".file.new", 0600);

	if (r == 0)
		r = write_all(f.fd, text, strlen(text));
	return r < 0 ? r : new_file_commit(&f);
}

/* What a killed run left goes away, and is not written to. */
static void is_left_behind(const struct lack *l _unused_)
{
	char left[sizeof(path) + 8];
	int fd;

	snprintf(left, sizeof(left), "%s/.file.new", dir);
	for (int i = 0; i < 2; i++) {
		fd = open(left, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		assert_true(fd >= 0);
		close(fd);
		assert_int_equal(write_at("new"), 0);
		assert_holds("new");
		assert_int_equal(mode_of(path), 0600);
		assert_int_equal(count_files(), 1);
	}
}

static void test_left_behind(void **state _unused_)
{
	each_lack(is_left_behind);
}

/* -- where no file can be ------------------------------------------------------------------------------------------------- */

static void test_no_place(void **state _unused_)
{
	struct new_file f;
	char name[sizeof(path) + 8];

	snprintf(name, sizeof(name), "%s/nosuch/file", dir);
	assert_int_equal(new_file_begin(&f, name, 0666), -ENOENT);
	new_file_drop(&f);
	assert_int_equal(write_file("old"), 0);
	snprintf(name, sizeof(name), "%s/file", path);
	assert_int_equal(new_file_begin(&f, name, 0666), -ENOTDIR);
	new_file_drop(&f);
	snprintf(name, sizeof(name), "%s/", dir);
	assert_int_equal(new_file_begin(&f, name, 0666), -EISDIR);
	new_file_drop(&f);
	snprintf(name, sizeof(name), "%s/..", dir);
	assert_int_equal(new_file_begin(&f, name, 0666), -EISDIR);
	new_file_drop(&f);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(write_file("new"), -EISDIR);
	assert_int_equal(count_files(), 1);
}

/* In the folder where we are, and in the root. */
static void test_short_paths(void **state _unused_)
{
	struct new_file f;

	assert_int_equal(chdir(dir), 0);
	strcpy(path, "file");
	assert_int_equal(write_file("new"), 0);
	assert_holds("new");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(new_file_begin(&f, "/", 0666), -EISDIR);
	new_file_drop(&f);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_not_renamed),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_left_behind),
		TEST(test_no_place),
		TEST(test_short_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
