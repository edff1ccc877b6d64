// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "host/ids.h"
#include "act/journal.h"
#include "base/str.h"

static char dir[64], file[96];
static struct ctx ctx;

static int set_up(void **state)
{
	(void)state;
	ctx = (struct ctx){ 0 };
	strcpy(dir, "/tmp/iommuctl-journal.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/bindings.json", dir);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "bindings.json", "bindings.json.new", "lock" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
	ctx_free(&ctx);
	return 0;
}

static const struct journal_entry sample = {
	.bus = "pci", .device = "0000:01:00.0", .driver = "e1000e", .module = "e1000e", .has_override = true, .to = "vfio-pci",
	.state = JOURNAL_MOVED,
};

static int reopen(const char *boot_id, struct journal **ret)
{
	return journal_open(&ctx, dir, boot_id, 0, NULL, ret);
}

static void write_sample(void)
{
	struct journal_entry other = sample;
	struct journal *j;

	assert_int_equal(reopen("boot", &j), 0);
	journal_put(j, &sample);
	other.device = "0000:02:00.0";
	other.driver = other.module = other.to = NULL;
	other.override = "e1000e";
	other.state = JOURNAL_PENDING;
	other.pid = NUM(4711);
	other.vfs = NUM(4);
	other.vf_autoprobe = TRI_YES;
	other.pf = "0000:03:00.0";
	journal_put(j, &other);
	assert_int_equal(journal_save(j), 0);
	journal_close(j);
}

static void what_is_written_is_read(void **state)
{
	const struct journal_entry *e;
	struct journal *j;
	struct stat st;

	(void)state;
	write_sample();
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(reopen("boot", &j), 0);
	assert_int_equal(j->v.n, 2);
	e = journal_find(j, "pci", "0000:01:00.0");
	assert_string_equal(e->driver, "e1000e");
	assert_string_equal(e->to, "vfio-pci");
	assert_null(e->override);
	assert_true(e->has_override);
	assert_false(e->pid.known);
	e = journal_find(j, "pci", "0000:02:00.0");
	assert_null(e->driver);
	assert_null(e->to);
	assert_string_equal(e->override, "e1000e");
	assert_int_equal(e->state, JOURNAL_PENDING);
	assert_int_equal(e->pid.v, 4711);
	assert_int_equal(e->vfs.v, 4);
	assert_int_equal(e->vf_autoprobe, TRI_YES);
	assert_string_equal(e->pf, "0000:03:00.0");
	assert_null(journal_find(j, "platform", "0000:02:00.0"));

	journal_drop(j, "pci", "0000:01:00.0");
	assert_int_equal(j->v.n, 1);
	journal_drop(j, "pci", "0000:02:00.0");
	assert_int_equal(journal_save(j), 0);
	assert_int_equal(access(file, F_OK), -1);
	journal_close(j);
}

/* As versions wrote it that knew nothing of virtual functions. */
static void an_older_file(void **state)
{
	static const char text[] =
		"{\"schema\":\"iommuctl.bindings/1\",\"boot_id\":\"boot\",\"devices\":[{\"bus\":\"pci\",\"device\":\"0000:01:00.0\","
		"\"driver\":\"e1000e\",\"module\":\"e1000e\",\"has_override\":true,\"override\":null,\"to\":\"vfio-pci\","
		"\"state\":\"moved\",\"pid\":null,\"pid_start\":null}]}";
	struct journal *j;
	FILE *f = fopen(file, "w");

	(void)state;
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(reopen("boot", &j), 0);
	assert_int_equal(j->v.n, 1);
	assert_string_equal(j->v.v[0].driver, "e1000e");
	assert_false(j->v.v[0].vfs.known);
	assert_null(j->v.v[0].pf);
	journal_close(j);
}

/* tests/fixtures/old/README.md */
static void a_kept_file(void **state)
{
	const char *src = getenv("IOMMUCTL_SRCDIR");
	_cleanup_free_ char *text = calloc(1, 4096);
	const struct journal_entry *e;
	struct journal *j;
	char path[512];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/fixtures/old/journal-1.json", src ? src : ".");
	f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, 4095, f) > 0);
	fclose(f);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(reopen("8f0c1d2e-3b4a-4c5d-9e6f-708192a3b4c5", &j), 0);
	assert_int_equal(ctx.notes.n, 0);
	assert_int_equal(j->v.n, 5);
	e = journal_find(j, "pci", "0000:01:00.0");
	assert_string_equal(e->driver, "e1000e");
	assert_string_equal(e->module, "e1000e");
	assert_string_equal(e->to, "vfio-pci");
	assert_null(e->override);
	assert_true(e->has_override);
	assert_int_equal(e->state, JOURNAL_MOVED);
	assert_false(e->pid.known || e->pid_start.known || e->vfs.known);
	assert_int_equal(e->vf_autoprobe, TRI_UNKNOWN);
	e = journal_find(j, "pci", "0000:02:00.1");
	assert_null(e->driver);
	assert_null(e->to);
	assert_string_equal(e->override, "nvme");
	assert_int_equal(e->state, JOURNAL_MOVING);
	e = journal_find(j, "platform", "8000000.gpu");
	assert_false(e->has_override);
	assert_int_equal(e->state, JOURNAL_PENDING);
	assert_int_equal(e->pid.v, 4711);
	assert_int_equal(e->pid_start.v, 123456);
	assert_string_equal(journal_find(j, "pci", "0000:03:10.0")->pf, "0000:03:00.0");
	e = journal_find(j, "pci", "0000:03:00.0");
	assert_int_equal(e->vfs.v, 4);
	assert_int_equal(e->vf_autoprobe, TRI_YES);
	/* what is written of it again is the same, byte by byte */
	assert_int_equal(journal_save(j), 0);
	journal_close(j);
	f = fopen(file, "r");
	assert_non_null(f);
	for (const char *c = text; *c; c++)
		assert_int_equal(fgetc(f), *c);
	assert_int_equal(fgetc(f), EOF);
	fclose(f);
}

static void another_boot(void **state)
{
	struct journal *j;

	(void)state;
	write_sample();
	assert_int_equal(reopen("later", &j), 0);
	assert_int_equal(j->v.n, 0);
	assert_int_equal(ctx.notes.n, 1);
	journal_close(j);
}

static void one_at_a_time(void **state)
{
	struct journal *one, *two;

	(void)state;
	assert_int_equal(reopen("boot", &one), 0);
	assert_int_equal(journal_open(&ctx, dir, "boot", 50, NULL, &two), -ETIMEDOUT);
	journal_close(one);
	assert_int_equal(reopen("boot", &two), 0);
	journal_close(two);
}

/* Every cut of a good file, and every byte of it changed: read as it is, or refused; never a name that leads elsewhere. */
static void damage(void **state)
{
	char text[2048], copy[2048];
	struct journal *j;
	ssize_t len;
	int fd;

	(void)state;
	write_sample();
	fd = open(file, O_RDONLY);
	len = read(fd, text, sizeof(text));
	close(fd);
	assert_true(len > 100 && len < (ssize_t)sizeof(text));
	for (ssize_t i = 0; i < len * 2; i++) {
		ssize_t n = i < len ? i : len;
		int r;

		memcpy(copy, text, len);
		if (i >= len)
			copy[i - len] = '/';
		fd = open(file, O_WRONLY | O_TRUNC);
		assert_int_equal(write(fd, copy, n), n);
		close(fd);
		r = reopen("boot", &j);
		if (i < len - 1)
			assert_int_equal(r, -EBADMSG);
		for (size_t k = 0; r == 0 && k < j->v.n; k++)
			assert_null(strchr(j->v.v[k].device, '/'));
		if (r == 0)
			journal_close(j);
	}
}

static void not_a_journal(void **state)
{
	static const struct {
		const char *text;
		int err;
	} v[] = {
		{ "", -EBADMSG },
		{ "[]", -EBADMSG },
		{ "{\"schema\":\"x\"}", -EBADMSG },
		{ "{\"schema\":\"iommuctl.bindings/2\",\"boot_id\":\"boot\",\"devices\":{}}", -EPROTONOSUPPORT },
		{ "{\"schema\":\"iommuctl.bindings/1\",\"boot_id\":\"boot\",\"devices\":{}}", -EBADMSG },
		{ "{\"schema\":\"iommuctl.bindings/1\",\"boot_id\":\"boot\",\"devices\":[7]}", -EBADMSG },
		{ "{\"schema\":\"iommuctl.bindings/1\",\"boot_id\":\"boot\",\"devices\":[]}", 0 },
	};
	struct journal *j;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600), r;

		assert_int_equal(write(fd, v[i].text, strlen(v[i].text)), strlen(v[i].text));
		close(fd);
		r = reopen("boot", &j);
		assert_int_equal(r, v[i].err);
		if (r == 0)
			journal_close(j);
	}
}

static void ids_of_module_options(void **state)
{
	struct device d = { .has_ids = true, .vendor = 0x10de, .device = 0x2204, .subvendor = 0x1043, .subdevice = 0x87aa,
			    .class = 0x030000 };

	(void)state;
	assert_true(ids_match("ids=10de:2204", &d));
	assert_true(ids_match("disable_idle_d3=1 ids=8086:1,10de:2204:1043 x=y", &d));
	assert_true(ids_match("ids=ffffffff:ffffffff:ffffffff:ffffffff:030000:ff0000", &d));
	assert_true(ids_match("ids=\"8086:1,10de:2204\" disable_idle_d3=1", &d));
	assert_true(ids_match("\"ids=10de:2204\"", &d));
	assert_false(ids_match("", &d));
	assert_false(ids_match("ids=", &d));
	assert_false(ids_match("\"\"", &d));
	assert_false(ids_match("ids=10de", &d));
	assert_false(ids_match("ids=10de:2205,8086:2204", &d));
	assert_false(ids_match("ids=10de:2204:1044", &d));
	assert_false(ids_match("ids=ffffffff:ffffffff:ffffffff:ffffffff:020000:ff0000", &d));
	assert_false(ids_match("noids=10de:2204", &d));
	d.has_ids = false;
	assert_false(ids_match("ids=10de:2204", &d));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(what_is_written_is_read),
		T(an_older_file),
		T(a_kept_file),
		T(another_boot),
		T(one_at_a_time),
		T(damage),
		T(not_a_journal),
		cmocka_unit_test(ids_of_module_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
