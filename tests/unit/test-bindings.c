// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "act/persist.h"
#include "base/str.h"
#include "diag/doctor.h"
#include "host/bindings.h"
#include "host/claims.h"
#include "machine.h"

#define NIC  "0000:05:00.0"
#define TWIN "0000:06:00.0"
#define NVME "10000:e1:00.0"
#define CONF BINDINGS_DIR "/0000:00-03.0-00.0.conf"

static const char good[] = "# a comment\n\npath=0000:00/03.0/00.0\n  id=8086:10d3\ndriver=vfio-pci\nwas=e1000e\n";

static int set_up(void **state)
{
	static const struct machine_pci v[] = {
		{ "0000:00:03.0", .type = PCIE_ROOT_PORT, .group = 1, .driver = "pcieport" },
		{ "0000:00:03.0/" NIC, .group = 2, .driver = "e1000e" },
		{ "0000:00:04.0/" TWIN, .group = 3, .driver = "e1000e" },
		{ "0000:00:0e.0/pci10000:e0/10000:e0:06.0/" NVME, .group = 4, .driver = "nvme", .class = 0x010802 },
	};
	struct machine *m = calloc(1, sizeof(*m));

	machine_new(m);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		machine_pci(m, &v[i]);
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	machine_free(*state);
	free(*state);
	return 0;
}

static int parse(struct ctx *ctx, const char *text, struct binding *ret)
{
	const char *why = NULL;
	int r = binding_parse(&ctx->arena, text, strlen(text), ret, &why);

	if (r < 0)
		assert_non_null(why);
	return r;
}

static void what_is_written_is_read(void **state _unused_)
{
	struct ctx ctx = { 0 };
	struct binding b = { 0 }, again = { 0 };

	assert_int_equal(parse(&ctx, good, &b), 0);
	assert_string_equal(b.chain, "0000:00/03.0/00.0");
	assert_int_equal(b.vendor, 0x8086);
	assert_int_equal(b.device, 0x10d3);
	assert_string_equal(b.driver, "vfio-pci");
	assert_string_equal(b.was, "e1000e");
	b.was = NULL;
	assert_int_equal(parse(&ctx, binding_text(&ctx.arena, &b), &again), 0);
	assert_string_equal(again.chain, b.chain);
	assert_string_equal(again.driver, b.driver);
	assert_null(again.was);
	assert_string_equal(binding_file(&ctx.arena, b.chain), "0000:00-03.0-00.0.conf");
	ctx_free(&ctx);
}

/* What would lead elsewhere, or is from somebody else. */
static void what_is_refused(void **state _unused_)
{
	static const char *const texts[] = {
		"", "path=0000:00/03.0/00.0\n", "path\n",
		"path=0000:00/03.0/00.0\nid=8086:10d3\ndriver=vfio-pci\nwas=e1000e\nwas=x\n",
		"path=0000:00/03.0/00.0\nid=8086:10d3\ndriver=vfio-pci\nwas=e1000e\nmore=x\n",
		"path=0000:00/03.0/../00.0\nid=8086:10d3\ndriver=vfio-pci\nwas=none\n",
		"path=0000:00\nid=8086:10d3\ndriver=vfio-pci\nwas=none\n",
		"path=0000:00/\nid=8086:10d3\ndriver=vfio-pci\nwas=none\n",
		"path=0000:00/03.0/\nid=8086:10d3\ndriver=vfio-pci\nwas=none\n",
		"path=0000:00/03.8\nid=8086:10d3\ndriver=vfio-pci\nwas=none\n",
		"path=0000:00/23.0\nid=8086:10d3\ndriver=vfio-pci\nwas=none\n",
		"path=0000:00/03.0/pci\nid=8086:10d3\ndriver=vfio-pci\nwas=none\n",
		"path=0000:00/03.0\nid=8086:10D3\ndriver=vfio-pci\nwas=none\n",
		"path=0000:00/03.0\nid=8086:10d30\ndriver=vfio-pci\nwas=none\n",
		"path=0000:00/03.0\nid=8086:10d3\ndriver=../../x\nwas=none\n",
		"path=0000:00/03.0\nid=8086:10d3\ndriver=\nwas=none\n",
		"path=0000:00/03.0\nid=8086:10d3\ndriver=-x\nwas=none\n",
		"path=0000:00/03.0\nid=8086:10d3\ndriver=vfio-pci\nwas=a b\n",
	};
	char cut[sizeof(good)];
	struct ctx ctx = { 0 };
	struct binding b;
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(parse(&ctx, texts[i], &b), -EBADMSG);
	/* a half-written one says less, and is never taken for a whole one */
	for (size_t i = 0; i < strlen(good) - strlen("e1000e\n"); i++) {
		memcpy(cut, good, sizeof(cut));
		cut[i] = '\0';
		assert_int_equal(parse(&ctx, cut, &b), -EBADMSG);
	}
	assert_int_equal(binding_parse(&ctx.arena, "path=\0", 6, &b, &why), -EBADMSG);
	assert_int_equal(binding_parse(&ctx.arena, arena_alloc(&ctx.arena, 10000), 10000, &b, &why), -EBADMSG);
	ctx_free(&ctx);
}

static void places(void **state)
{
	struct machine *m = *state;
	struct binding b = { .chain = "0000:00/03.0/00.0", .vendor = 0x8086, .device = 0x10d3 };
	const char *chain;

	machine_load(m);
	assert_int_equal(device_chain(m->host, machine_dev(m, NIC), &chain), 0);
	assert_string_equal(chain, b.chain);
	assert_int_equal(device_chain(m->host, machine_dev(m, "0000:00:03.0"), &chain), 0);
	assert_string_equal(chain, "0000:00/03.0");
	assert_int_equal(device_chain(m->host, machine_dev(m, NVME), &chain), 0);
	assert_string_equal(chain, "0000:00/0e.0/pci/06.0/00.0");
	assert_ptr_equal(binding_place(m->host, &b), machine_dev(m, NIC));
	assert_true(binding_is(&b, machine_dev(m, TWIN)));
	b.chain = "0000:00/04.0/00.0";
	assert_ptr_equal(binding_place(m->host, &b), machine_dev(m, TWIN));
	b.chain = "0000:00/05.0/00.0";
	assert_null(binding_place(m->host, &b));
	b.device = 1;
	assert_false(binding_is(&b, machine_dev(m, NIC)));
}

static void the_folder(void **state)
{
	struct machine *m = *state;
	struct bindings all;

	machine_load(m);
	assert_int_equal(host_bindings(m->host, &all), -ENOTCAPTURED);
	machine_file(m, CONF, "%s", good);
	machine_file(m, BINDINGS_DIR "/zz.conf", "rubbish\n");
	machine_file(m, BINDINGS_DIR "/README", "rubbish\n");
	machine_file(m, BINDINGS_DIR "/.x.conf.new", "rubbish\n");
	machine_load(m);
	m->ctx.notes.n = 0;
	assert_int_equal(host_bindings(m->host, &all), 0);
	assert_int_equal(all.n, 1);
	assert_string_equal(all.v[0].file, "0000:00-03.0-00.0.conf");
	assert_int_equal(m->ctx.notes.n, 1);
	assert_string_equal(m->ctx.notes.v[0].code, "bad-binding");
	assert_non_null(strstr(m->ctx.notes.v[0].what, "zz.conf"));
}

static const char *claimed(struct machine *m)
{
	struct claim c;

	machine_load(m);
	return device_claim(m->host, machine_dev(m, NIC), &c) == 0 ? arena_printf(&m->ctx.arena, "%s: %s", c.where, c.what) : NULL;
}

static void claims(void **state)
{
	struct machine *m = *state;

	assert_null(claimed(m));
	machine_file(m, "etc/modprobe.d/a.conf", "# options vfio-pci ids=8086:10d3\noptions vfio-pci disable_vga=1\noptions other ids=8086:10d3\n");
	assert_null(claimed(m));
	machine_file(m, "lib/modprobe.d/b.conf", "options  vfio_pci \\\n ids=10de:1b80,8086:10d3\n");
	assert_string_equal(claimed(m), "/lib/modprobe.d/b.conf: options  vfio_pci    ids=10de:1b80,8086:10d3");
	machine_file(m, "etc/modprobe.d/b.conf", "%s", "");
	assert_null(claimed(m));
	machine_file(m, "proc/cmdline", "quiet vfio-pci.ids=10de:1b80\n");
	assert_null(claimed(m));
	machine_file(m, "proc/cmdline", "quiet vfio-pci.ids=10de:1b80,8086:10d3 x\n");
	assert_string_equal(claimed(m), "/proc/cmdline: vfio_pci.ids=10de:1b80,8086:10d3");
	machine_file(m, "etc/driverctl.d/pci-" TWIN, "vfio-pci\n");
	assert_string_equal(claimed(m), "/proc/cmdline: vfio_pci.ids=10de:1b80,8086:10d3");
	machine_file(m, "etc/driverctl.d/pci-" NIC, "vfio-pci\n");
	assert_string_equal(claimed(m), "/etc/driverctl.d/pci-" NIC ": vfio-pci");
	machine_remove(m, "etc/driverctl.d/pci-" NIC);
	machine_file(m, "etc/driverctl.d/" NIC, "uio\n");
	assert_string_equal(claimed(m), "/etc/driverctl.d/" NIC ": uio");
}

static const struct reason *diagnosed(struct machine *m, const char *code)
{
	struct diagnosis d;
	const struct reason *r;

	machine_load(m);
	doctor_examine(m->host, &d);
	r = d.reasons.v;
	for (size_t i = 0; i < d.reasons.n; i++)
		if (streq(r[i].code, code))
			return &r[i];
	return NULL;
}

static void what_doctor_says(void **state)
{
	static const char early[] = "[    1.000000] e1000e " NIC ": MAC\n[    2.000000] systemd[1]: systemd 252 running in system mode (+PAM)\n";
	struct machine *m = *state;
	const struct reason *r;

	assert_null(diagnosed(m, "binding-not-done"));
	machine_file(m, CONF, "%s", good);
	machine_file(m, "dmesg.txt", "[    1.000000] systemd[1]: systemd 252 running in system mode (+PAM)\n[    2.000000] e1000e " NIC ": MAC\n");
	r = diagnosed(m, "binding-not-done");
	assert_non_null(r);
	assert_string_equal(r->device, NIC);
	assert_null(diagnosed(m, "initramfs-first"));
	assert_null(diagnosed(m, "binding-moved"));
	machine_file(m, "dmesg.txt", "%s", early);
	machine_file(m, "etc/initramfs-tools/initramfs.conf", "%s", "");
	r = diagnosed(m, "initramfs-first");
	assert_non_null(r);
	assert_string_equal(((const struct remedy *)r->remedies.v)[0].command,
			    "echo softdep e1000e pre: vfio-pci >>/etc/modprobe.d/iommuctl.conf");
	assert_string_equal(((const struct remedy *)r->remedies.v)[1].command, "update-initramfs -u");
	/* the initrd's own systemd says so too, and then once more on the real root */
	machine_file(m, "dmesg.txt", "[    0.500000] systemd[1]: systemd 252 running in system mode\n%s", early);
	assert_non_null(diagnosed(m, "initramfs-first"));
	machine_remove(m, CONF);
	machine_file(m, BINDINGS_DIR "/0000:00-05.0-00.0.conf", "path=0000:00/05.0/00.0\nid=8086:10d3\ndriver=vfio-pci\nwas=none\n");
	r = diagnosed(m, "binding-moved");
	assert_non_null(r);
	assert_non_null(strstr(r->text, "nothing sits there, and one of its ids is "));
	assert_null(diagnosed(m, "initramfs-first"));
}

static void written_and_taken_away(void **state)
{
	struct machine *m = *state;
	struct binding b = { .chain = "0000:00/03.0/00.0", .vendor = 0x8086, .device = 0x10d3, .driver = "vfio-pci", .was = "e1000e" };
	struct bindings all;
	char dir[256];

	machine_load(m);
	snprintf(dir, sizeof(dir), "%s/" BINDINGS_DIR, m->dir);
	assert_int_equal(persist_prepare(&m->ctx, dir, &b, 1), 0);
	assert_int_equal(host_bindings(m->host, &all), 0);
	assert_int_equal(all.n, 0);
	assert_int_equal(persist_commit(&m->ctx, dir, &b, 1), 0);
	assert_int_equal(host_bindings(m->host, &all), 0);
	assert_int_equal(all.n, 1);
	assert_string_equal(all.v[0].was, "e1000e");
	assert_int_equal(persist_prepare(&m->ctx, dir, &b, 1), 0);
	persist_forget(&m->ctx, dir, &b, 1);
	assert_int_not_equal(persist_commit(&m->ctx, dir, &b, 1), 0);
	assert_int_equal(persist_remove(&m->ctx, dir, "0000:00-03.0-00.0.conf"), 1);
	assert_int_equal(persist_remove(&m->ctx, dir, "0000:00-03.0-00.0.conf"), 0);
	assert_int_equal(host_bindings(m->host, &all), 0);
	assert_int_equal(all.n, 0);
	snprintf(dir, sizeof(dir), "%s/proc/cmdline/x", m->dir);
	assert_int_equal(persist_prepare(&m->ctx, dir, &b, 1), -ENOTDIR);
}

/* What is bound at every boot is root's matter alone; here, ours. */
static void who_may_write(void **state)
{
	struct machine *m = *state;
	struct binding b = { .chain = "0000:00/03.0/00.0", .vendor = 0x8086, .device = 0x10d3, .driver = "vfio-pci", .was = "e1000e" };
	char dir[256], parent[256], other[256], file[512], link[512];
	const char *name;

	machine_load(m);
	snprintf(dir, sizeof(dir), "%s/" BINDINGS_DIR, m->dir);
	snprintf(parent, sizeof(parent), "%s/etc/iommuctl", m->dir);
	snprintf(other, sizeof(other), "%s/etc/elsewhere", m->dir);
	assert_int_equal(persist_prepare(&m->ctx, dir, &b, 1), 0);
	assert_int_equal(persist_commit(&m->ctx, dir, &b, 1), 0);
	name = binding_file(&m->ctx.arena, b.chain);
	snprintf(file, sizeof(file), "%s/%s", dir, name);
	assert_int_equal(persist_trusted(&m->ctx, dir, name), 0);

	assert_int_equal(chmod(file, 0664), 0);
	assert_int_equal(persist_trusted(&m->ctx, dir, name), -EPERM);
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(persist_trusted(&m->ctx, dir, name), -EPERM);
	assert_int_equal(persist_prepare(&m->ctx, dir, &b, 1), -EPERM);
	assert_int_equal(persist_remove(&m->ctx, dir, name), -EPERM);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(parent, 0775), 0);
	assert_int_equal(persist_trusted(&m->ctx, dir, name), -EPERM);
	assert_int_equal(chmod(parent, 0755), 0);
	assert_int_equal(persist_trusted(&m->ctx, dir, name), 0);

	snprintf(link, sizeof(link), "%s/link.conf", dir);
	assert_int_equal(symlink(file, link), 0);
	assert_int_equal(persist_trusted(&m->ctx, dir, "link.conf"), -ELOOP);
	assert_int_equal(rename(parent, other), 0);
	assert_int_equal(symlink("elsewhere", parent), 0);
	assert_int_not_equal(persist_trusted(&m->ctx, dir, name), 0);
	assert_int_not_equal(persist_prepare(&m->ctx, dir, &b, 1), 0);
	assert_int_not_equal(persist_remove(&m->ctx, dir, name), 1);
}

/* tests/fixtures/old/README.md */
static void a_kept_file(void **state _unused_)
{
	const char *src = getenv("IOMMUCTL_SRCDIR");
	struct ctx ctx = { 0 };
	struct binding b = { 0 };
	char path[512], text[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fixtures/old/bindings-1.conf", src ? src : ".");
	f = fopen(path, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	assert_int_equal(parse(&ctx, text, &b), 0);
	assert_string_equal(b.chain, "0000:00/03.0/00.0");
	assert_int_equal(b.vendor, 0x8086);
	assert_int_equal(b.device, 0x10d3);
	assert_string_equal(b.driver, "vfio-pci");
	assert_string_equal(b.was, "e1000e");
	assert_string_equal(binding_file(&ctx.arena, b.chain), "0000:00-03.0-00.0.conf");
	ctx_free(&ctx);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(what_is_written_is_read), T(a_kept_file), T(what_is_refused), T(places), T(the_folder), T(claims), T(what_doctor_says), T(written_and_taken_away), T(who_may_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
