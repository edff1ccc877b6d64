// SPDX-License-Identifier: GPL-2.0-or-later
/* Drivers, ownership and the facts after them, on machines built here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "kmem/ownership.h"
#include "model/model.h"
#include "machine.h"

#define NIC "0000:01:00.0"
#define NIC2 "0000:01:00.1"
#define BRIDGE "0000:00:03.0"

struct lab {
	struct machine m;
	struct backend *b;
	struct source *s;
	struct arena a;
};

static void group_files(struct machine *m, int group, const char *regions)
{
	for (int g = 1; g <= group; g++) {
		char path[128];

		snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/type", g);
		machine_file(m, path, "DMA-FQ\n");
		snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/reserved_regions", g);
		machine_file(m, path, "%s", regions);
	}
}

static void driver_dir(struct machine *m, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s/uevent", name);
	machine_file(m, path, "\n");
}

/* A port, and two functions of one card below it in one group. */
static void lab_open(struct lab *l, const char *inject)
{
	static const struct machine_pci v[] = {
		{ BRIDGE, .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .driver = "pcieport",
		  .secondary = 1, .vendor = 0x1b36, .device = 0x000c },
		{ BRIDGE "/" NIC, .group = 2, .driver = "e1000e", .multi = true },
		{ BRIDGE "/" NIC2, .group = 2, .driver = "e1000e", .multi = true },
		{ "0000:00:1f.0", .group = 3, .type = PCIE_NONE },
	};
	struct model_options o = { 0 };

	*l = (struct lab){ 0 };
	machine_new(&l->m);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		const char *name = strrchr(v[i].path, '/');
		char path[128];

		machine_pci(&l->m, &v[i]);
		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver_override", name ? name + 1 : v[i].path);
		machine_file(&l->m, path, "(null)\n");
		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/iommu", name ? name + 1 : v[i].path);
		machine_link(&l->m, path, "../../../../virtual/iommu/dmar0");
	}
	driver_dir(&l->m, "vfio-pci");
	group_files(&l->m, 3, "0x00000000fee00000 0x00000000feefffff msi\n");
	machine_unit(&l->m, "dmar0");
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		const char *name = strrchr(v[i].path, '/');
		char path[128];

		snprintf(path, sizeof(path), "sys/class/iommu/dmar0/devices/%s", name ? name + 1 : v[i].path);
		machine_link(&l->m, path, "../../../../../pci0000:00");
	}
	machine_load(&l->m);
	if (inject)
		assert_int_equal(model_inject(&l->m.ctx, &o, inject), 0);
	assert_int_equal(model_open(&l->m.ctx, l->m.src, &o, &l->b, &l->s), 0);
}

static void lab_close(struct lab *l)
{
	backend_close(l->b);
	source_close(l->s);
	arena_free(&l->a);
	machine_free(&l->m);
}

static const char *driver_of(struct lab *l, const char *dev)
{
	char path[SRC_PATH_MAX], name[128];

	PATHF(path, "sys/bus/pci/devices/%s/driver", dev);
	return source_readlink_name(l->s, path, name, sizeof(name)) == 0 ? arena_strdup(&l->a, name) : NULL;
}

static int to_vfio(struct lab *l, const char *dev)
{
	pid_t pid;
	const char *was = driver_of(l, dev);
	int r = backend_set_override(l->b, "pci", dev, "vfio-pci");

	if (r == 0 && was)
		r = backend_unbind(l->b, "pci", dev, was, 1000, &pid);
	return r < 0 ? r : backend_bind(l->b, "pci", dev, "vfio-pci");
}

static struct host *look(struct lab *l)
{
	struct host *h;

	assert_int_equal(host_load(&l->m.ctx, l->s, HOST_ALL, &h), 0);
	return h;
}

static void facts_follow_a_bind(void **state)
{
	struct lab l;
	struct host *h;
	char text[128];

	(void)state;
	lab_open(&l, NULL);
	assert_string_equal(driver_of(&l, NIC), "e1000e");
	assert_int_equal(to_vfio(&l, NIC), 0);
	assert_string_equal(driver_of(&l, NIC), "vfio-pci");
	assert_true(source_exists(l.s, "sys/class/vfio/2"));
	assert_true(source_exists(l.s, "dev/vfio/2"));
	assert_true(source_exists(l.s, "sys/bus/pci/devices/" NIC "/vfio-dev/vfio0"));
	assert_true(source_exists(l.s, "sys/class/vfio-dev/vfio0"));
	assert_int_equal(source_read_attr(l.s, "sys/bus/pci/devices/" NIC "/driver_override", text, sizeof(text)), 0);
	assert_string_equal(text, "vfio-pci");
	assert_false(source_exists(l.s, "sys/bus/pci/drivers/e1000e/" NIC));
	assert_true(source_exists(l.s, "sys/bus/pci/drivers/vfio-pci/" NIC));
	h = look(&l);
	assert_string_equal(host_device(h, "pci", NIC)->driver, "vfio-pci");
	assert_string_equal(host_device(h, "pci", NIC2)->driver, "e1000e");
	assert_int_equal(host_device(h, "pci", NIC)->group->id, 2);
	host_free(h);
	/* the base has not changed */
	assert_string_equal(l.m.host->devices[0].driver, "pcieport");
	assert_int_equal(source_readlink_name(l.m.src, "sys/bus/pci/devices/" NIC "/driver", text, sizeof(text)), 0);
	assert_string_equal(text, "e1000e");
	lab_close(&l);
}

static void back_to_its_driver(void **state)
{
	struct lab l;
	struct host *h;
	pid_t pid;

	(void)state;
	lab_open(&l, NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(to_vfio(&l, NIC), 0);
		assert_int_equal(backend_set_override(l.b, "pci", NIC, NULL), 0);
		assert_int_equal(backend_unbind(l.b, "pci", NIC, "vfio-pci", 0, &pid), 0);
		assert_null(driver_of(&l, NIC));
		assert_false(source_exists(l.s, "sys/class/vfio/2"));
		assert_false(source_exists(l.s, "sys/class/vfio-dev/vfio0"));
		assert_int_equal(backend_bind(l.b, "pci", NIC, "e1000e"), 0);
		assert_string_equal(driver_of(&l, NIC), "e1000e");
	}
	h = look(&l);
	assert_string_equal(host_device(h, "pci", NIC)->driver, "e1000e");
	host_free(h);
	lab_close(&l);
}

static void errnos_of_bind(void **state)
{
	struct lab l;
	pid_t pid;

	(void)state;
	lab_open(&l, NULL);
	assert_int_equal(backend_bind(l.b, "pci", NIC, "vfio-pci"), -ENODEV); /* no override: its table is empty */
	assert_int_equal(backend_bind(l.b, "pci", NIC, "none"), -ENOENT);
	assert_int_equal(backend_bind(l.b, "pci", "0000:09:00.0", "e1000e"), -ENODEV);
	assert_int_equal(backend_bind(l.b, "pci", NIC, "e1000e"), -EBUSY);
	assert_int_equal(backend_bind(l.b, "pci", NIC, "pcieport"), -ENODEV);
	assert_int_equal(backend_bind(l.b, "pci", "../x", "e1000e"), -EINVAL);
	assert_int_equal(backend_unbind(l.b, "pci", NIC, "vfio-pci", 0, &pid), -ENODEV);
	assert_int_equal(backend_unbind(l.b, "pci", NIC, "none", 0, &pid), -ENOENT);
	assert_int_equal(backend_set_override(l.b, "pci", "0000:09:00.0", "x"), -ENOENT);
	assert_int_equal(to_vfio(&l, BRIDGE), -EINVAL); /* a bridge */
	assert_int_equal(backend_load_module(l.b, "vfio-pci"), 0);
	assert_int_equal(backend_load_module(l.b, "snd"), -ENOENT);
	lab_close(&l);
}

static void vfio_refuses_incoherent(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l, "non-coherent");
	assert_int_equal(to_vfio(&l, NIC), -EINVAL);
	lab_close(&l);
}

static void types(void **state)
{
	struct lab l;
	char text[64];
	pid_t pid;

	(void)state;
	lab_open(&l, NULL);
	assert_int_equal(backend_set_group_type(l.b, 9, "DMA"), -ENOENT);
	assert_int_equal(backend_set_group_type(l.b, 2, "blocked"), -EINVAL); /* the word, before the owner */
	assert_int_equal(backend_set_group_type(l.b, 2, "DMA"), -EPERM);
	assert_int_equal(backend_set_group_type(l.b, 1, "DMA"), 0); /* pcieport does not count */
	assert_int_equal(backend_set_group_type(l.b, 1, "DMA-FQ"), 0);
	assert_int_equal(backend_unbind(l.b, "pci", NIC, "e1000e", 0, &pid), 0);
	assert_int_equal(backend_set_group_type(l.b, 2, "identity"), -EPERM); /* its sibling */
	assert_int_equal(backend_unbind(l.b, "pci", NIC2, "e1000e", 0, &pid), 0);
	assert_int_equal(backend_set_group_type(l.b, 2, "identity"), 0);
	assert_int_equal(source_read_attr(l.s, "sys/kernel/iommu_groups/2/type", text, sizeof(text)), 0);
	assert_string_equal(text, "identity");
	assert_int_equal(backend_set_group_type(l.b, 2, "auto"), 0);
	lab_close(&l);
}

/* DMA to DMA-FQ needs nobody to leave. */
static void flush_queue_while_bound(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l, NULL);
	assert_int_equal(backend_set_group_type(l.b, 3, "DMA"), 0);
	assert_int_equal(backend_set_group_type(l.b, 3, "DMA-FQ"), 0);
	lab_close(&l);
}

static void a_leak_shows(void **state)
{
	const struct owned_group *g;
	struct ownership *o;
	struct lab l;
	pid_t pid;

	(void)state;
	lab_open(&l, "leak=2:3");
	assert_int_equal(ownership_load(&l.m.ctx, l.s, &l.a, &o), 0);
	assert_true(o->known);
	g = ownership_group(o, 2);
	assert_int_equal(g->owner_cnt.v, 5); /* two drivers */
	assert_int_equal(g->owned, TRI_NO);
	assert_int_equal(backend_unbind(l.b, "pci", NIC, "e1000e", 0, &pid), 0);
	assert_int_equal(backend_unbind(l.b, "pci", NIC2, "e1000e", 0, &pid), 0);
	assert_int_equal(backend_set_group_type(l.b, 2, "identity"), -EPERM);
	assert_int_equal(ownership_load(&l.m.ctx, l.s, &l.a, &o), 0);
	assert_int_equal(ownership_group(o, 2)->owner_cnt.v, 3);
	assert_null(ownership_group(o, 2)->devices[0].driver);
	lab_close(&l);
}

static void more_iommus(void **state)
{
	struct lab l;
	struct host *h;
	size_t n = 0;

	(void)state;
	lab_open(&l, "iommus=2");
	h = look(&l);
	assert_int_equal(h->n_units, 2);
	assert_string_equal(h->units[1].name, "dmar1");
	assert_int_equal(h->units[1].kind, UNIT_VTD);
	for (size_t i = 0; i < h->n_devices; i++)
		n += h->devices[i].unit == &h->units[1];
	assert_true(n > 0 && n < h->n_devices);
	/* a group is behind one unit */
	assert_ptr_equal(host_device(h, "pci", NIC)->unit, host_device(h, "pci", NIC2)->unit);
	host_free(h);
	lab_close(&l);
}

static void words(void **state)
{
	static const char *const bad[] = { "leak", "leak=x", "leak=1:0", "leak=1:x", "iommus=0", "iommus=65", "nest", "no-dirty,what" };
	struct model_options o = { 0 };
	struct ctx ctx = { 0 };

	(void)state;
	assert_int_equal(model_inject(&ctx, &o, "leak=7,leak=9:2,,no-dirty,iommus=3"), 0);
	assert_int_equal(o.n_leaks, 2);
	assert_int_equal(o.leaks[0].group, 7);
	assert_int_equal(o.leaks[0].count, 1);
	assert_int_equal(o.leaks[1].count, 2);
	assert_true(o.no_dirty);
	assert_int_equal(o.iommus, 3);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(model_inject(&ctx, &o, bad[i]), -EINVAL);
	ctx_free(&ctx);
}

static void leak_of_no_group(void **state)
{
	struct model_options o = { 0 };
	struct lab l;
	struct backend *b;
	struct source *s;

	(void)state;
	lab_open(&l, NULL);
	assert_int_equal(model_inject(&l.m.ctx, &o, "leak=99"), 0);
	assert_int_equal(model_open(&l.m.ctx, l.m.src, &o, &b, &s), -ENOENT);
	lab_close(&l);
}

/* The facts outlive the backend. */
static void facts_after_the_end(void **state)
{
	struct ownership *o;
	struct lab l;

	(void)state;
	lab_open(&l, NULL);
	assert_int_equal(to_vfio(&l, NIC), 0);
	backend_close(l.b);
	l.b = NULL;
	assert_string_equal(driver_of(&l, NIC), "vfio-pci");
	assert_int_equal(ownership_load(&l.m.ctx, l.s, &l.a, &o), 0);
	assert_int_equal(ownership_group(o, 2)->owner_cnt.v, 1);
	lab_close(&l);
}

/* The three kinds of absence stay apart after a change: what is missing is the base's to say. */
static void absence(void **state)
{
	static const char *const paths[] = { "sys/bus/pci/devices/" NIC "/nothing", "sys/nothing/at/all", "proc/self/ns/pid", "etc/x", "dev/vfio/99" };
	_cleanup_(arena_free) struct arena a = { 0 };
	char text[64];
	struct source *demo, *s;
	struct backend *b;
	struct ctx ctx = { 0 };
	struct src_list list;
	size_t len;

	(void)state;
	assert_int_equal(source_open(&ctx, "demo", &demo), 0);
	assert_int_equal(model_open(&ctx, demo, NULL, &b, &s), 0);
	assert_int_equal(backend_load_module(b, "vfio-pci"), 0);
	assert_int_equal(backend_set_group_type(b, 0, "DMA-FQ"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(source_read(s, paths[i], text, sizeof(text), &len), source_read(demo, paths[i], text, sizeof(text), &len));
		assert_int_equal(source_readlink(s, paths[i], text, sizeof(text)), source_readlink(demo, paths[i], text, sizeof(text)));
		assert_int_equal(source_list(s, paths[i], &a, &list), source_list(demo, paths[i], &a, &list));
		assert_int_equal(source_exists(s, paths[i]), source_exists(demo, paths[i]));
	}
	backend_close(b);
	source_close(s);
	source_close(demo);
	ctx_free(&ctx);
}

/* An interface goes with its driver, and comes back with it. */
static void what_hangs_on_a_device(void **state)
{
	struct lab l;
	struct host *h;
	pid_t pid;

	(void)state;
	lab_open(&l, NULL);
	machine_file(&l.m, "sys/bus/pci/devices/" NIC "/net/eth0/address", "x\n");
	machine_link(&l.m, "sys/class/net/eth0", "../../devices/pci0000:00/" BRIDGE "/" NIC "/net/eth0");
	assert_true(source_exists(l.s, "sys/class/net/eth0/address"));
	assert_int_equal(to_vfio(&l, NIC), 0);
	assert_false(source_exists(l.s, "sys/class/net/eth0"));
	assert_false(source_exists(l.s, "sys/bus/pci/devices/" NIC "/net/eth0"));
	assert_int_equal(backend_unbind(l.b, "pci", NIC, "vfio-pci", 0, &pid), 0);
	assert_int_equal(backend_set_override(l.b, "pci", NIC, NULL), 0);
	assert_int_equal(backend_bind(l.b, "pci", NIC, "e1000e"), 0);
	assert_true(source_exists(l.s, "sys/class/net/eth0/address"));
	h = look(&l);
	assert_string_equal(host_device(h, "pci", NIC)->driver, "e1000e");
	host_free(h);
	lab_close(&l);
}

static void sriov(struct lab *l, unsigned now)
{
	machine_file(&l->m, "sys/bus/pci/devices/" NIC "/sriov_totalvfs", "4\n");
	machine_file(&l->m, "sys/bus/pci/devices/" NIC "/sriov_numvfs", "%u\n", now);
	machine_file(&l->m, "sys/bus/pci/devices/" NIC "/sriov_offset", "128\n");
	machine_file(&l->m, "sys/bus/pci/devices/" NIC "/sriov_stride", "2\n");
	machine_file(&l->m, "sys/bus/pci/devices/" NIC "/sriov_vf_device", "10ca\n");
}

static void virtual_functions(void **state)
{
	struct device *vf;
	struct lab l;
	struct host *h;
	pid_t pid;

	(void)state;
	lab_open(&l, NULL);
	assert_int_equal(backend_set_vfs(l.b, NIC2, 1, 1000, &pid), -ENOENT); /* has none */
	sriov(&l, 0);
	assert_int_equal(backend_set_vfs(l.b, NIC, 5, 1000, &pid), -ERANGE);
	assert_int_equal(backend_set_vfs(l.b, NIC, 0, 1000, &pid), 0);
	assert_int_equal(backend_set_vfs(l.b, NIC, 2, 1000, &pid), 0);
	assert_int_equal(backend_set_vfs(l.b, NIC, 2, 1000, &pid), 0); /* as it is */
	assert_int_equal(backend_set_vfs(l.b, NIC, 3, 1000, &pid), -EBUSY);
	h = look(&l);
	assert_int_equal(h->n_devices, 6);
	vf = host_device(h, "pci", "0000:01:10.2"); /* 128 + 2 behind 01:00.0 */
	assert_non_null(vf);
	assert_int_equal(vf->device, 0x10ca);
	assert_int_equal(vf->vendor, 0x8086);
	assert_non_null(vf->group);
	assert_int_equal(vf->group->n_devices, 1);
	assert_int_equal(vf->group->id, 4); /* the lowest free number, after the first one took 0 */
	assert_int_equal(host_device(h, "pci", "0000:01:10.0")->group->id, 0);
	assert_non_null(vf->unit);
	assert_string_equal(vf->group->type, "DMA-FQ");
	assert_int_equal(vf->group->n_regions, 1);
	host_free(h);
	assert_int_equal(to_vfio(&l, "0000:01:10.2"), 0);
	assert_int_equal(to_vfio(&l, NIC), -EBUSY); /* a physical function whose virtual ones are on */
	assert_int_equal(backend_bind(l.b, "pci", NIC, "vfio-pci"), -EBUSY);
	assert_int_equal(backend_set_override(l.b, "pci", NIC, NULL), 0);
	assert_int_equal(backend_set_vfs(l.b, NIC, 0, 1000, &pid), -ENOENT); /* its driver would have to do it */
	assert_int_equal(backend_bind(l.b, "pci", NIC, "e1000e"), 0);
	assert_int_equal(backend_set_vfs(l.b, NIC, 0, 1000, &pid), 0);
	h = look(&l);
	assert_int_equal(h->n_devices, 4);
	assert_null(host_group(h, 0));
	host_free(h);
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_follow_a_bind),
		cmocka_unit_test(back_to_its_driver),
		cmocka_unit_test(errnos_of_bind),
		cmocka_unit_test(vfio_refuses_incoherent),
		cmocka_unit_test(types),
		cmocka_unit_test(flush_queue_while_bound),
		cmocka_unit_test(a_leak_shows),
		cmocka_unit_test(more_iommus),
		cmocka_unit_test(words),
		cmocka_unit_test(leak_of_no_group),
		cmocka_unit_test(facts_after_the_end),
		cmocka_unit_test(absence),
		cmocka_unit_test(what_hangs_on_a_device),
		cmocka_unit_test(virtual_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
