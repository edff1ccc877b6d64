// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/str.h"
#include "source/files.h"
#include "source/kmsg.h"
#include "source/source.h"

/* -- a tree to look at ------------------------------------------------------------------------- */

static char dir[64];

static void make_dirs(const char *path)
{
	char p[512];

	snprintf(p, sizeof(p), "%s/%s", dir, path);
	for (char *s = p + strlen(dir) + 1; *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		mkdir(p, 0777);
		*s = '/';
	}
}

static void put_bytes(const char *path, const void *data, size_t len)
{
	char p[512];
	int fd;

	make_dirs(path);
	snprintf(p, sizeof(p), "%s/%s", dir, path);
	fd = open(p, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static void put_link(const char *path, const char *text)
{
	char p[512];

	make_dirs(path);
	snprintf(p, sizeof(p), "%s/%s", dir, path);
	assert_int_equal(symlink(text, p), 0);
}

static int setup(void **state _unused_)
{
	strcpy(dir, "/tmp/test-source-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st _unused_, int type _unused_,
		      struct FTW *f _unused_)
{
	return remove(path);
}

static int teardown(void **state _unused_)
{
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct source *open_tree(void)
{
	struct ctx ctx = { 0 };
	struct source *s = NULL;

	assert_int_equal(source_open(&ctx, dir, &s), 0);
	ctx_free(&ctx);
	return s;
}

/* -- attributes -------------------------------------------------------------------------------- */

static void attributes_are_trimmed(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct arena a = { 0 };
	char padded[4096] = "DMA-FQ\n", buf[16], *text, *big = malloc(1 << 20);
	uint64_t v = 5;
	size_t len;

	put("sys/a/plain", "hello\n");
	put("sys/a/empty", "");
	put("sys/a/blank", "\n");
	put("sys/a/two", "one\n\n");
	put("sys/a/number", "42\n");
	put("sys/a/hex", "d2008c40660462\n");
	put("sys/a/word", "many\n");
	put("sys/a/fits", "123456789012345\n");
	put("sys/a/long", "1234567890123456\n");
	put_bytes("sys/a/padded", padded, sizeof(padded));
	memset(big, 'x', 1 << 20);
	put_bytes("sys/a/big", big, 1 << 20);
	s = open_tree();

	assert_int_equal(source_read_attr(s, "sys/a/plain", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "hello");
	assert_int_equal(source_read_attr(s, "sys/a/empty", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(source_read_attr(s, "sys/a/blank", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(source_read_attr(s, "sys/a/two", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "one\n");
	assert_int_equal(source_read_attr(s, "sys/a/padded", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "DMA-FQ");
	assert_int_equal(source_read_attr(s, "sys/a/fits", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "123456789012345");
	assert_int_equal(source_read_attr(s, "sys/a/long", buf, sizeof(buf)), -EFBIG);
	assert_int_equal(source_read_attr(s, "sys/a/big", buf, sizeof(buf)), -EFBIG);
	assert_int_equal(source_read_attr_dup(s, "sys/a/big", &a, &text), -EFBIG);
	assert_int_equal(source_read_attr_dup(s, "sys/a/padded", &a, &text), 0);
	assert_string_equal(text, "DMA-FQ");
	assert_int_equal(source_read_attr(s, "sys/a/none", buf, sizeof(buf)), -ENOENT);

	assert_int_equal(source_read_u64(s, "sys/a/number", &v), 0);
	assert_int_equal(v, 42);
	assert_int_equal(source_read_u64(s, "sys/a/word", &v), -EINVAL);
	assert_int_equal(source_read_u64(s, "sys/a/empty", &v), -EINVAL);
	assert_int_equal(v, 42);
	assert_int_equal(source_read_hex(s, "sys/a/hex", &v), 0);
	assert_true(v == 0xd2008c40660462);

	assert_int_equal(source_read(s, "sys/a/plain", buf, sizeof(buf), &len), 0);
	assert_int_equal(len, 6);
	assert_int_equal(source_read(s, "sys/a/plain", buf, 6, &len), 0);
	assert_int_equal(source_read(s, "sys/a/plain", buf, 5, &len), -EFBIG);
	assert_int_equal(source_read_all(s, "sys/a/big", 1 << 20, &a, &text, &len), 0);
	assert_int_equal(len, 1 << 20);
	assert_memory_equal(text, big, len);
	assert_int_equal(source_read_all(s, "sys/a/big", (1 << 20) - 1, &a, &text, &len), -EFBIG);
	arena_free(&a);
	free(big);
}

/* -- links ------------------------------------------------------------------------------------- */

static void check_links(struct source *s)
{
	char buf[64];

	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/d0/vendor", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "0x8086");
	assert_int_equal(source_readlink(s, "sys/bus/pci/devices/d0", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "../../../devices/d0");
	assert_int_equal(source_readlink_name(s, "sys/bus/pci/devices/d0/driver", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "e1000e");
	assert_int_equal(source_readlink(s, "sys/bus/pci/devices/d0/vendor", buf, sizeof(buf)), -EINVAL);
	assert_int_equal(source_readlink(s, "sys/bus/pci/devices/d0", buf, 4), -ENAMETOOLONG);
	assert_int_equal(source_read_attr(s, "sys/out-absolute/passwd", buf, sizeof(buf)), -EXDEV);
	assert_int_equal(source_read_attr(s, "sys/out-relative/passwd", buf, sizeof(buf)), -EXDEV);
	assert_int_equal(source_read_attr(s, "../etc/passwd", buf, sizeof(buf)), -EXDEV);
	assert_int_equal(source_read_attr(s, "/etc/passwd", buf, sizeof(buf)), -EXDEV);
	assert_int_equal(source_read_attr(s, "sys/loop/x", buf, sizeof(buf)), -ELOOP);
	assert_int_equal(source_read_attr(s, "sys/dangling", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/d0/vendor/x", buf, sizeof(buf)), -ENOTDIR);
	assert_int_equal(source_read_attr(s, "sys/bus/pci", buf, sizeof(buf)), -EISDIR);
	assert_true(source_exists(s, "sys/bus/pci/devices/d0/vendor"));
	assert_true(source_exists(s, "sys/bus/pci/devices/d0"));
	assert_true(source_exists(s, "sys"));
	assert_false(source_exists(s, "sys/dangling"));
	assert_false(source_exists(s, "sys/loop"));
	assert_int_equal(source_read_attr(s, "sys/up/../devices/d0/vendor", buf, sizeof(buf)), 0);
}

static void put_links(void)
{
	put("sys/devices/d0/vendor", "0x8086\n");
	put("sys/bus/pci/drivers/e1000e/x", "");
	put_link("sys/bus/pci/devices/d0", "../../../devices/d0");
	put_link("sys/devices/d0/driver", "../../bus/pci/drivers/e1000e");
	put_link("sys/out-absolute", "/etc");
	put_link("sys/out-relative", "../../../../../../etc");
	put_link("sys/loop", "loop");
	put_link("sys/dangling", "nothing");
	put_link("sys/up", "devices/../devices");
}

static void links_stay_inside(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;

	put_links();
	s = open_tree();
	check_links(s);
}

/* openat2(2) fails with @err from here on, as in an old kernel or a sandbox. */
static void forbid_openat2(int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog), 0);
}

static void links_stay_inside_without_openat2(void **state _unused_)
{
	static const int errors[] = { ENOSYS, EPERM };

	/* under qemu-user there are no filters of system calls */
	if (prctl(PR_GET_SECCOMP) < 0)
		skip();
	put_links();
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			struct source *s;

			forbid_openat2(errors[i]);
			s = open_tree();
			check_links(s);
			source_close(s);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

/* -- directories, and many files at once ------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct src_entry *)a)->name, ((const struct src_entry *)b)->name);
}

static void directories_are_listed(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct arena a = { 0 };
	struct src_list l = { 0 };

	put("sys/d/file", "");
	put("sys/d/dir/x", "");
	put("sys/d/two\nlines\033[31m", "");
	put_link("sys/d/link", "dir");
	make_dirs("sys/none/");
	s = open_tree();
	assert_int_equal(source_list(s, "sys/d", &a, &l), 0);
	assert_int_equal(l.n, 4);
	qsort(l.v, l.n, sizeof(*l.v), by_name);
	assert_string_equal(l.v[0].name, "dir");
	assert_false(l.v[0].is_link);
	assert_string_equal(l.v[2].name, "link");
	assert_true(l.v[2].is_link);
	assert_string_equal(l.v[3].name, "two\nlines\033[31m");
	assert_int_equal(source_list(s, "sys/none", &a, &l), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(source_list(s, "sys/d/link", &a, &l), 0);
	assert_int_equal(source_list(s, "sys/d/file", &a, &l), -ENOTDIR);
	assert_int_equal(source_list(s, "sys/other", &a, &l), -ENOENT);
	arena_free(&a);
}

#define MANY 300

static void put_many(const char **names, struct arena *a)
{
	for (size_t i = 0; i < MANY; i++) {
		char path[128];

		names[i] = arena_printf(a, "d%zu", i);
		PATHF(path, "sys/many/%s/uevent", names[i]);
		if (i % 7)
			put(path, names[i]);
		else
			make_dirs(path);
		PATHF(path, "sys/many/%s/driver", names[i]);
		put_link(path, names[i]);
	}
}

static void check_many(struct source *s, const char **names, struct arena *a)
{
	struct src_blob blobs[MANY];
	struct src_dir dirs[MANY];

	source_read_each(s, "sys/many", names, MANY, "uevent", 4096, a, blobs);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(blobs[i].err, i % 7 ? 0 : -ENOENT);
		if (i % 7)
			assert_string_equal(blobs[i].data, names[i]);
	}
	source_list_each(s, "sys/many", names, MANY, ".", a, dirs);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(dirs[i].err, 0);
		assert_int_equal(dirs[i].list.n, i % 7 ? 2 : 1);
	}
	source_list_each(s, "sys/many", names, MANY, "uevent", a, dirs);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(dirs[i].err, i % 7 ? -ENOTDIR : -ENOENT);
	source_readlink_each(s, "sys/many", names, MANY, "driver", a, blobs);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(blobs[i].err, 0);
		assert_string_equal(blobs[i].data, names[i]);
	}
}

/* Somebody else's descriptors lie between those that a batch gets: none of them may be closed. */
static void foreign_descriptors_survive(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	const char *names[MANY];
	struct arena a = { 0 };
	int foreign[100];
	size_t kept = 0;

	put_many(names, &a);
	s = open_tree();
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		foreign[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		assert_true(foreign[i] >= 0);
	}
	/* holes of one, two and three between those that stay */
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
		if (i % 10 == 0 || i % 10 == 2 || i % 10 == 5 || i % 10 == 9)
			foreign[kept++] = foreign[i];
		else
			close(foreign[i]);
	}
	for (int round = 0; round < 3; round++)
		check_many(s, names, &a);
	for (size_t i = 0; i < kept; i++) {
		assert_true(fcntl(foreign[i], F_GETFD) >= 0);
		close(foreign[i]);
	}
	arena_free(&a);
}

static void batches_leave_nothing_open(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	const char *names[MANY];
	struct arena a = { 0 };
	int before, after;

	put_many(names, &a);
	s = open_tree();
	before = open("/dev/null", O_RDONLY);
	close(before);
	check_many(s, names, &a);
	after = open("/dev/null", O_RDONLY);
	close(after);
	assert_int_equal(before, after);
	arena_free(&a);
}

static void few_descriptors_are_enough(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct rlimit old, few = { .rlim_cur = 20 };
	const char *names[MANY];
	struct arena a = { 0 };

	put_many(names, &a);
	s = open_tree();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	check_many(s, names, &a);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	arena_free(&a);
}

static void only_ours_are_closed(void **state _unused_)
{
	int fds[6], ours[4];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ours[0] = fds[0];
	ours[1] = fds[1];
	ours[2] = fds[3];
	ours[3] = fds[5];
	files_close_all(ours, ARRAY_SIZE(ours));
	files_close_all(ours, 0);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	assert_int_equal(fcntl(fds[1], F_GETFD), -1);
	assert_true(fcntl(fds[2], F_GETFD) >= 0);
	assert_int_equal(fcntl(fds[3], F_GETFD), -1);
	assert_true(fcntl(fds[4], F_GETFD) >= 0);
	assert_int_equal(fcntl(fds[5], F_GETFD), -1);
	close(fds[2]);
	close(fds[4]);
}

/* -- which kind -------------------------------------------------------------------------------- */

static void the_contents_of_sys_are_a_tree(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	char buf[16];

	put("bus/pci/devices/x/vendor", "0x1\n");
	put("class/iommu/y", "");
	s = open_tree();
	assert_int_equal(s->ops->kind, SOURCE_TREE);
	assert_int_equal(source_read_attr(s, "sys/bus/pci/devices/x/vendor", buf, sizeof(buf)), 0);
	assert_true(source_exists(s, "sys"));
	assert_int_equal(source_read_attr(s, "proc/cmdline", buf, sizeof(buf)), -ENOTCAPTURED);
}

static void rubbish_is_no_source(void **state _unused_)
{
	struct ctx ctx = { 0 };
	struct source *s = NULL;

	put("README", "nothing\n");
	assert_int_equal(source_open(&ctx, dir, &s), -EINVAL);
	assert_int_equal(source_open(&ctx, "/nonexistent/tree", &s), -ENOENT);
	assert_null(s);
	assert_int_equal(ctx.notes.n, 2);
	assert_string_equal(ctx.notes.v[0].code, "source-unknown");
	assert_non_null(ctx.notes.v[0].hint);
	assert_string_equal(ctx.notes.v[1].where, "/nonexistent/tree");
	ctx_free(&ctx);
}

static void the_running_machine_opens(void **state _unused_)
{
	_cleanup_(cleanup_source_close) struct source *s = NULL;
	struct ctx ctx = { 0 };
	char text[64], long_path[SRC_PATH_MAX + 10];

	assert_int_equal(source_open_live(&ctx, &s), 0);
	assert_true(source_is_live(s));
	assert_non_null(s->hostname);
	assert_int_equal(source_read_attr(s, "proc/sys/kernel/ostype", text, sizeof(text)), 0);
	assert_string_equal(text, "Linux");
	assert_int_equal(source_readlink(s, "proc/self/exe", text, 2), -ENAMETOOLONG);
	assert_true(source_exists(s, "dev/null"));
	assert_true(source_exists(s, "proc"));
	assert_false(source_exists(s, "sys/nothing/here"));
	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(source_read_attr(s, long_path, text, sizeof(text)), -ENAMETOOLONG);
	ctx_free(&ctx);
}

/* What /dev/kmsg writes as \xNN, and what only looks like it. */
static void kmsg_texts(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "a: \\x090x12", "a: \t0x12" },	  { "C:\\x5cx09", "C:\\x09" },  { "\\xc3\\xa9t\\xc3\\xa9", "\xc3\xa9t\xc3\xa9" },
		{ "two\\x0alines", "two\\x0alines" }, { "\\x1b[2J", "\\x1b[2J" }, { "cut \\x0", "cut \\x0" },
		{ "\\xZZ \\", "\\xZZ \\" },	  { "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[64];

		strcpy(text, rows[i].in);
		text[kmsg_plain(text, strlen(text))] = '\0';
		assert_string_equal(text, rows[i].out);
	}
}

/* Opens a file of a process that is gone before it is read. */
static int open_dying(struct file_source *fs _unused_, const char *path _unused_, int flags)
{
	char name[64];
	pid_t child = fork();
	int fd;

	if (!child)
		_exit(pause());
	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)child);
	fd = open(name, flags);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return fd;
}

static int open_unplugged(struct file_source *fs _unused_, const char *path _unused_, int flags _unused_)
{
	return -ENODEV;
}

static void what_goes_is_missing(void **state _unused_)
{
	int (*const opens[])(struct file_source *fs, const char *path, int flags) = { open_dying, open_unplugged };
	const char *const names[] = { "1" };
	char buf[64];
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(opens); i++) {
		struct file_source fs = { .open = opens[i] };
		struct arena a = { 0 };
		struct src_blob blob;

		assert_int_equal(files_read(&fs.source, "proc/1/cgroup", buf, sizeof(buf), &len), -ENOENT);
		files_read_each(&fs.source, "proc", names, 1, "cgroup", sizeof(buf), &a, &blob);
		assert_int_equal(blob.err, -ENOENT);
		arena_free(&a);
	}
}

#define tree_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		tree_test(attributes_are_trimmed),
		tree_test(links_stay_inside),
		tree_test(links_stay_inside_without_openat2),
		tree_test(directories_are_listed),
		tree_test(foreign_descriptors_survive),
		tree_test(batches_leave_nothing_open),
		tree_test(few_descriptors_are_enough),
		cmocka_unit_test(kmsg_texts),
		cmocka_unit_test(what_goes_is_missing),
		cmocka_unit_test(only_ours_are_closed),
		tree_test(the_contents_of_sys_are_a_tree),
		tree_test(rubbish_is_no_source),
		cmocka_unit_test(the_running_machine_opens),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
