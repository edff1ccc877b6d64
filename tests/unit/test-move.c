// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Moves as a transaction, on a tree of a machine whose kernel is played: each write is kept in a log, does to the tree what the kernel does, and
 * can be made to fail, or to have something happen behind it. On a bus without driver_override nothing but unbind and bind is written.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "act/move.h"
#include "backend/kernel.h"
#include "base/str.h"
#include "machine.h"

#define NIC   "0000:01:00.0"
#define NIC2  "0000:01:00.1"
#define MDEV  "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001"
#define MDEV2 "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"

struct lab {
	struct machine m;
	struct backend be;
	struct mover mover;
	struct journal *j;
	char dir[64], log[4096];
	const char *fails; /* this write, as in the log */
	int err;
	const char *behind; /* what happens behind this write */
	void (*happens)(struct lab *l);
	volatile sig_atomic_t interrupted;
};

static struct lab *lab;

/* -- the kernel ---------------------------------------------------------------------------------------------- */

static int wrote(const char *what, const char *device, const char *driver)
{
	char line[192];
	size_t at = strlen(lab->log);

	snprintf(line, sizeof(line), "%s %s %s", what, device, driver ? driver : "-");
	snprintf(lab->log + at, sizeof(lab->log) - at, "%s\n", line);
	return lab->fails && streq(line, lab->fails) ? lab->err : 0;
}

static void then(const char *what, const char *device, const char *driver)
{
	char line[192];

	snprintf(line, sizeof(line), "%s %s %s", what, device, driver ? driver : "-");
	if (!lab->behind || !streq(line, lab->behind))
		return;
	lab->behind = NULL;
	lab->happens(lab);
}

static void put_driver(const char *bus, const char *dev, const char *driver)
{
	char path[SRC_PATH_MAX], target[SRC_PATH_MAX];

	PATHF(path, "sys/bus/%s/devices/%s/driver", bus, dev);
	PATHF(target, "../../../bus/%s/drivers/%s", bus, driver ? driver : "");
	if (driver)
		machine_link(&lab->m, path, target);
	else
		machine_remove(&lab->m, path);
}

static int played_override(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	char path[SRC_PATH_MAX];
	int r = wrote("override", dev, driver);

	(void)b;
	if (r < 0)
		return r;
	PATHF(path, "sys/bus/%s/devices/%s/driver_override", bus, dev);
	machine_file(&lab->m, path, "%s\n", driver ? driver : "(null)");
	then("override", dev, driver);
	return 0;
}

static int played_unbind(struct backend *b, const char *bus, const char *dev, const char *driver, int timeout_ms, pid_t *ret_pid)
{
	int r = wrote("unbind", dev, driver);

	(void)b, (void)timeout_ms;
	if (r == -EINPROGRESS)
		*ret_pid = getpid();
	if (r < 0)
		return r;
	put_driver(bus, dev, NULL);
	then("unbind", dev, driver);
	return 0;
}

static int played_bind(struct backend *b, const char *bus, const char *dev, const char *driver)
{
	int r = wrote("bind", dev, driver);

	(void)b;
	if (r < 0)
		return r;
	put_driver(bus, dev, driver);
	then("bind", dev, driver);
	return 0;
}

static int played_load(struct backend *b, const char *name)
{
	char path[SRC_PATH_MAX];
	int r = wrote("load", name, NULL);

	(void)b;
	PATHF(path, "sys/bus/mdev/drivers/%s/module", name);
	if (r == 0)
		machine_link(&lab->m, path, "../../../../module/x");
	return r;
}

static const struct backend_ops played = {
	.set_override = played_override,
	.unbind = played_unbind,
	.bind = played_bind,
	.load_module = played_load,
	.watch_nodes = machine_no_nodes,
};

/* -- the machine --------------------------------------------------------------------------------------------- */

static void add_drivers(struct machine *m, const char *bus, const char *const *v, size_t n)
{
	char path[SRC_PATH_MAX];

	for (size_t i = 0; i < n; i++) {
		PATHF(path, "sys/bus/%s/drivers/%s/uevent", bus, v[i]);
		machine_file(m, path, "%s", "");
	}
}

static int set_up(void **state)
{
	static const struct machine_pci v[] = {
		{ "0000:00:01.0", .type = PCIE_ROOT_PORT, .acs = MACHINE_ACS_ON, .group = 1, .driver = "pcieport" },
		{ "0000:00:01.0/" NIC, .group = 2, .driver = "e1000e", .multi = true },
		{ "0000:00:01.0/" NIC2, .group = 2, .driver = "e1000e", .multi = true },
	};
	static const char *const on_pci[] = { "e1000e", "vfio-pci" }, *const on_mdev[] = { "native", "vfio_mdev" };
	struct lab *l = lab = calloc(1, sizeof(*l));

	machine_new(&l->m);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		machine_pci(&l->m, &v[i]);
	machine_other(&l->m, "mdev", MDEV, "sys/devices/virtual/parent/" MDEV, 3, "native");
	machine_other(&l->m, "mdev", MDEV2, "sys/devices/virtual/parent/" MDEV2, 4, "native");
	add_drivers(&l->m, "pci", on_pci, ARRAY_SIZE(on_pci));
	add_drivers(&l->m, "mdev", on_mdev, ARRAY_SIZE(on_mdev));
	machine_file(&l->m, "sys/bus/pci/devices/" NIC "/driver_override", "(null)\n");
	machine_file(&l->m, "sys/bus/pci/devices/" NIC2 "/driver_override", "e1000e\n");
	machine_file(&l->m, "iommuctl/holders.json", "{\"complete\":true,\"unseen\":0,\"why\":null,\"held\":[]}");
	machine_load(&l->m);
	strcpy(l->dir, "/tmp/iommuctl-move.XXXXXX");
	assert_non_null(mkdtemp(l->dir));
	assert_int_equal(journal_open(&l->m.ctx, l->dir, "boot", 0, NULL, &l->j), 0);
	l->be = (struct backend){ .ops = &played, .interrupted = &l->interrupted };
	l->mover = (struct mover){ .ctx = &l->m.ctx, .src = l->m.src, .be = &l->be, .j = l->j };
	*state = l;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "bindings.json", "bindings.json.new", "lock" };
	struct lab *l = *state;
	char path[96];

	journal_close(l->j);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", l->dir, names[i]);
		unlink(path);
	}
	rmdir(l->dir);
	machine_free(&l->m);
	free(l);
	return 0;
}

static void look_all(struct lab *l, const char *bus, const char *const *names, size_t n, const char *to, struct move *v)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(move_look(&l->mover, bus, names[i], &v[i]), 0);
		v[i].to = to;
	}
}

static enum move_result give_back(struct lab *l, struct move *v)
{
	struct journal_entry e[4];
	size_t n = l->j->v.n;

	assert_true(n <= ARRAY_SIZE(e));
	for (size_t i = 0; i < n; i++)
		e[i] = l->j->v.v[i];
	l->log[0] = '\0';
	return move_restore(&l->mover, e, n, v);
}

static void expect_driver(struct lab *l, const char *bus, const char *device, const char *driver)
{
	struct move v;

	assert_int_equal(move_look(&l->mover, bus, device, &v), 0);
	if (driver)
		assert_string_equal(v.driver, driver);
	else
		assert_null(v.driver);
}

static void expect_said(struct lab *l, const char *text)
{
	struct note *n;

	vec_for_each(n, &l->m.ctx.notes)
		if ((n->why && strstr(n->why, text)) || (n->hint && strstr(n->hint, text)))
			return;
	fail_msg("nothing said of: %s", text);
}

static const char *const mdevs[] = { MDEV, MDEV2 }, *const nics[] = { NIC, NIC2 };

/* -- a bus without driver_override ------------------------------------------------------------------------------ */

static void without_an_override_only_unbind_and_bind(void **state)
{
	struct lab *l = *state;
	struct move v[2];
	struct journal_entry *e;

	look_all(l, "mdev", mdevs, 1, "vfio_mdev", v);
	assert_false(v[0].has_override);
	assert_int_equal(move_all(&l->mover, v, 1), MOVES_DONE);
	assert_string_equal(l->log, "unbind " MDEV " native\nbind " MDEV " vfio_mdev\n");
	e = journal_find(l->j, "mdev", MDEV);
	assert_non_null(e);
	assert_false(e->has_override);
	assert_null(e->override);
	assert_int_equal(e->state, JOURNAL_MOVED);
	assert_int_equal(give_back(l, v), MOVES_DONE);
	assert_string_equal(l->log, "unbind " MDEV " vfio_mdev\nbind " MDEV " native\n");
	expect_driver(l, "mdev", MDEV, "native");
	assert_int_equal(l->j->v.n, 0);
}

static void without_an_override_a_failure_is_taken_back_in_reverse(void **state)
{
	struct lab *l = *state;
	struct move v[2];

	l->fails = "bind " MDEV2 " vfio_mdev";
	l->err = -ENODEV;
	look_all(l, "mdev", mdevs, 2, "vfio_mdev", v);
	assert_int_equal(move_all(&l->mover, v, 2), MOVES_FAILED);
	assert_string_equal(l->log, "unbind " MDEV " native\nbind " MDEV " vfio_mdev\nunbind " MDEV2 " native\nbind " MDEV2 " vfio_mdev\n"
				    "bind " MDEV2 " native\nunbind " MDEV " vfio_mdev\nbind " MDEV " native\n");
	expect_said(l, "does not match the device");
	expect_said(l, "this bus has no driver_override");
	assert_int_equal(v[0].state, MOVE_UNDONE);
	assert_int_equal(v[1].state, MOVE_UNDONE);
	assert_int_equal(l->j->v.n, 0);
}

/* What an override keeps away elsewhere: a probe between unbind and bind, of whatever driver. */
static void grabbed(struct lab *l)
{
	(void)l;
	put_driver("mdev", MDEV, "grabber");
}

static void without_an_override_another_probe_is_noticed(void **state)
{
	struct lab *l = *state;
	struct move v[1];

	l->behind = "unbind " MDEV " native";
	l->happens = grabbed;
	l->fails = "bind " MDEV " vfio_mdev";
	l->err = -EBUSY;
	look_all(l, "mdev", mdevs, 1, "vfio_mdev", v);
	assert_int_equal(move_all(&l->mover, v, 1), MOVES_DIFFER);
	expect_said(l, "somebody else bound it to grabber");
	assert_int_equal(v[0].state, MOVE_DIFFERS);
	assert_string_equal(v[0].left, "grabber");
	/* it stays written down, and restore asks before it takes it from whoever has it now; forced it is as before */
	assert_int_equal(l->j->v.n, 1);
	l->mover.force = true;
	assert_int_equal(give_back(l, v), MOVES_DONE);
	expect_driver(l, "mdev", MDEV, "native");
}

static void without_an_override_the_old_driver_is_loaded_again(void **state)
{
	struct lab *l = *state;
	struct move v[1];

	look_all(l, "mdev", mdevs, 1, "vfio_mdev", v);
	assert_int_equal(move_all(&l->mover, v, 1), MOVES_DONE);
	machine_remove(&l->m, "sys/bus/mdev/drivers/native");
	assert_int_equal(give_back(l, v), MOVES_DONE);
	assert_string_equal(l->log, "unbind " MDEV " vfio_mdev\nload native -\nbind " MDEV " native\n");
}

static void without_an_override_off_its_driver_and_back(void **state)
{
	struct lab *l = *state;
	struct move v[1];

	look_all(l, "mdev", mdevs, 1, NULL, v);
	assert_int_equal(move_all(&l->mover, v, 1), MOVES_DONE);
	assert_string_equal(l->log, "unbind " MDEV " native\n");
	assert_int_equal(give_back(l, v), MOVES_DONE);
	assert_string_equal(l->log, "bind " MDEV " native\n");
}

/* -- a bus with it ------------------------------------------------------------------------------------------------ */

static void the_override_comes_first_and_is_put_back_exactly(void **state)
{
	struct lab *l = *state;
	struct move v[2];
	char text[32];

	look_all(l, "pci", nics, 2, "vfio-pci", v);
	assert_int_equal(move_all(&l->mover, v, 2), MOVES_DONE);
	assert_string_equal(l->log, "override " NIC " vfio-pci\nunbind " NIC " e1000e\nbind " NIC " vfio-pci\n"
				    "override " NIC2 " vfio-pci\nunbind " NIC2 " e1000e\nbind " NIC2 " vfio-pci\n");
	assert_int_equal(give_back(l, v), MOVES_DONE);
	/* until the driver is back the override names it; one was empty before, the other one was not */
	assert_string_equal(l->log, "override " NIC2 " e1000e\nunbind " NIC2 " vfio-pci\noverride " NIC2 " e1000e\nbind " NIC2 " e1000e\n"
				    "override " NIC " e1000e\nunbind " NIC " vfio-pci\noverride " NIC " e1000e\nbind " NIC " e1000e\n"
				    "override " NIC " -\n");
	assert_int_equal(source_read_attr(l->m.src, "sys/bus/pci/devices/" NIC "/driver_override", text, sizeof(text)), 0);
	assert_string_equal(text, "(null)");
	assert_int_equal(source_read_attr(l->m.src, "sys/bus/pci/devices/" NIC2 "/driver_override", text, sizeof(text)), 0);
	assert_string_equal(text, "e1000e");
}

static void given_back(struct lab *l)
{
	(void)l;
	put_driver("pci", NIC, NULL);
	put_driver("pci", NIC, "e1000e");
	machine_file(&lab->m, "sys/bus/pci/devices/" NIC "/driver_override", "(null)\n");
}

/* As libvirt does it: seen in the last look, though every write of ours went well. */
static void somebody_else_in_the_middle(void **state)
{
	struct lab *l = *state;
	struct move v[2];

	l->behind = "unbind " NIC2 " e1000e";
	l->happens = given_back;
	look_all(l, "pci", nics, 2, "vfio-pci", v);
	assert_int_equal(move_all(&l->mover, v, 2), MOVES_FAILED);
	expect_said(l, "somebody else bound it to e1000e in the meantime");
	expect_driver(l, "pci", NIC, "e1000e");
	expect_driver(l, "pci", NIC2, "e1000e");
	assert_int_equal(l->j->v.n, 0);
}

static void ctrl_c(struct lab *l)
{
	l->interrupted = 1;
}

static void interrupted_in_the_middle(void **state)
{
	struct lab *l = *state;
	struct move v[2];

	l->behind = "bind " NIC " vfio-pci";
	l->happens = ctrl_c;
	look_all(l, "pci", nics, 2, "vfio-pci", v);
	assert_int_equal(move_all(&l->mover, v, 2), MOVES_INTERRUPTED);
	assert_null(strstr(l->log, "unbind " NIC2));
	expect_driver(l, "pci", NIC, "e1000e");
	assert_int_equal(l->j->v.n, 0);
}

static void pulled_out(struct lab *l)
{
	machine_remove(&l->m, "sys/bus/pci/devices/" NIC2);
}

static void unplugged_in_the_middle(void **state)
{
	struct lab *l = *state;
	struct move v[2];

	l->behind = "unbind " NIC2 " e1000e";
	l->happens = pulled_out;
	l->fails = "bind " NIC2 " vfio-pci";
	l->err = -ENODEV;
	look_all(l, "pci", nics, 2, "vfio-pci", v);
	assert_int_equal(move_all(&l->mover, v, 2), MOVES_FAILED);
	assert_int_equal(v[0].state, MOVE_UNDONE);
	assert_int_equal(v[1].state, MOVE_GONE);
	expect_driver(l, "pci", NIC, "e1000e");
	assert_int_equal(l->j->v.n, 0);
}

static void an_unbind_that_hangs_is_written_down(void **state)
{
	struct lab *l = *state;
	struct move v[2];
	struct journal_entry *e;

	l->fails = "unbind " NIC2 " e1000e";
	l->err = -EINPROGRESS;
	look_all(l, "pci", nics, 2, "vfio-pci", v);
	assert_int_equal(move_all(&l->mover, v, 2), MOVES_DIFFER);
	assert_int_equal(v[0].state, MOVE_UNDONE);
	assert_int_equal(v[1].state, MOVE_PENDING);
	assert_int_equal(l->j->v.n, 1);
	e = journal_find(l->j, "pci", NIC2);
	assert_int_equal(e->state, JOURNAL_PENDING);
	assert_int_equal(e->pid.v, getpid());
}

static void what_hangs_is_not_written_to(void **state)
{
	struct lab *l = *state;
	struct move v[2];
	char stat[64];

	PATHF(stat, "proc/%d/stat", (int)getpid());
	machine_file(&l->m, stat, "%d (x) D 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0\n", (int)getpid());
	l->fails = "unbind " NIC2 " e1000e";
	l->err = -EINPROGRESS;
	look_all(l, "pci", nics, 2, "vfio-pci", v);
	assert_int_equal(move_all(&l->mover, v, 2), MOVES_DIFFER);
	l->log[0] = '\0';
	/* the kernel takes the link away before the driver lets go: it looks like a device without a driver */
	put_driver("pci", NIC2, NULL);
	look_all(l, "pci", nics, 2, "vfio-pci", v);
	assert_int_equal(move_all(&l->mover, v, 2), MOVES_FAILED);
	expect_said(l, "its unbind still hangs");
	assert_string_equal(l->log, "");
	assert_int_equal(v[0].state, MOVE_REFUSED);
	assert_int_equal(journal_find(l->j, "pci", NIC2)->state, JOURNAL_PENDING);
}

/* A kernel that says yes and does not do it is not believed. */
static void not_there(struct lab *l)
{
	(void)l;
	put_driver("pci", NIC, NULL);
}

static void what_the_kernel_says_is_looked_at(void **state)
{
	struct lab *l = *state;
	struct move v[1];

	l->behind = "bind " NIC " vfio-pci";
	l->happens = not_there;
	look_all(l, "pci", nics, 1, "vfio-pci", v);
	assert_int_equal(move_all(&l->mover, v, 1), MOVES_FAILED);
	expect_driver(l, "pci", NIC, "e1000e");
}

static void nothing_is_written_before_the_journal_is(void **state)
{
	struct lab *l = *state;
	struct move v[1];
	int dir = l->j->dir;

	look_all(l, "pci", nics, 1, "vfio-pci", v);
	l->j->dir = -1;
	assert_int_equal(move_all(&l->mover, v, 1), MOVES_FAILED);
	l->j->dir = dir;
	assert_string_equal(l->log, "");
	assert_int_equal(v[0].state, MOVE_REFUSED);
}

/* -- nodes ------------------------------------------------------------------------------------------------------ */

/* Of the kernel's own backend: in a batch a device comes and goes, and its node's number with it. */
static void a_node_of_an_earlier_move_is_waited_for_again(void **state)
{
	struct lab *l = *state;
	struct backend *be = NULL;
	struct kernel_backend *k;

	assert_int_equal(backend_open_kernel(&l->m.ctx, &be), 0);
	k = (struct kernel_backend *)be;
	assert_int_equal(backend_watch_nodes(be), 0);
	k->udevd = true;
	*vec_push(&k->seen) = must_strdup("null");
	assert_int_equal(backend_wait_node(be, "null", 0), 0);
	assert_int_equal(backend_watch_nodes(be), 0);
	assert_int_equal(backend_wait_node(be, "null", 0), -ETIMEDOUT);
	backend_close(be);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(without_an_override_only_unbind_and_bind),
		T(without_an_override_a_failure_is_taken_back_in_reverse),
		T(without_an_override_another_probe_is_noticed),
		T(without_an_override_the_old_driver_is_loaded_again),
		T(without_an_override_off_its_driver_and_back),
		T(the_override_comes_first_and_is_put_back_exactly),
		T(somebody_else_in_the_middle),
		T(interrupted_in_the_middle),
		T(unplugged_in_the_middle),
		T(an_unbind_that_hangs_is_written_down),
		T(what_hangs_is_not_written_to),
		T(what_the_kernel_says_is_looked_at),
		T(nothing_is_written_before_the_journal_is),
		T(a_node_of_an_earlier_move_is_waited_for_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
