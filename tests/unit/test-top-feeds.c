// SPDX-License-Identifier: GPL-2.0-or-later
/* iommutop without a terminal: what comes in meanwhile, traces, faults and interfaces. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "screen-of.h"
#include "source/network.h"

/* -- traces ---------------------------------------------------------------------------------------------- */

static void tick(struct screen *s, double seconds)
{
	static uint64_t now = 1000000000;

	now = MAX(now, (uint64_t)1000000000);
	if (seconds > 0)
		now += (uint64_t)(seconds * 1e9);
	assert_int_equal(sampler_refresh(s->sampler, &s->model, now), 0);
	screen_show(s, s->cells.w, s->cells.h);
}

static void a_trace_is_played(void **state _unused_)
{
	/* three faults of the disk within a quarter of a second, another one two seconds later, and one of a device that the log alone knows */
	static const char log[] =
		"[  100.000000] DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr 0x1000 [fault reason 0x05] x\n"
		"[  100.100000] DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr 0x1000 [fault reason 0x05] x\n"
		"[  100.250000] DMAR: [DMA Write NO_PASID] Request device [03:00.0] fault addr 0x9000 [fault reason 0x05] x\n"
		"[  102.300000] DMAR: [DMA Read NO_PASID] Request device [03:00.0] fault addr 0x9000 [fault reason 0x06] x\n"
		"[  103.500000] DMAR: [DMA Read NO_PASID] Request device [7f:00.0] fault addr 0x9000 [fault reason 0x02] x\n";
	char path[] = "/tmp/test-top-XXXXXX";
	struct replay *r = NULL;
	struct screen s = { 0 };
	const struct group_row *g;
	int fd = mkstemp(path);

	assert_int_equal(write(fd, log, sizeof(log) - 1), sizeof(log) - 1);
	close(fd);
	assert_int_equal(source_open(&s.ctx, HOSTS "/vtd.snap", &s.src), 0);
	assert_int_equal(replay_open(&s.ctx, path, &r), 0);
	unlink(path);
	s.sampler = sampler_new(&s.ctx, s.src, false);
	sampler_set_replay(s.sampler, r, 1);
	ui_init(&s.ui);
	cells_resize(&s.cells, 120, 30);
	tick(&s, 0);
	screen_expect(&s, "trace 0.0 of 3.5 s");
	assert_int_equal(s.model.rows[VIEW_FAULTS].n, 0);
	tick(&s, 1);
	assert_int_equal(s.model.meters[METER_FAULTS].per_s.v, 3);
	assert_int_equal(s.model.rows[VIEW_FAULTS].n, 2); /* folded by the page */
	g = model_row(&s.model, VIEW_GROUPS, host_device(s.model.host, "pci", "0000:03:00.0")->group - s.model.host->groups);
	assert_int_equal(g->faults.v, 3);
	assert_int_equal(g->fault_rate.v, 3);
	tick(&s, 1);
	assert_int_equal(s.model.meters[METER_FAULTS].per_s.v, 0);
	assert_int_equal(g->fault_rate.v, 0);
	/* half a second for one fault is two a second */
	tick(&s, 0.5);
	assert_int_equal(s.model.meters[METER_FAULTS].per_s.v, 2);
	tick(&s, 5);
	assert_int_equal(s.model.rows[VIEW_FAULTS].n, 4);
	screen_expect(&s, "trace 3.5 of 3.5 s");
	screen_press(&s, "5");
	/* the newest one is first */
	assert_non_null(strstr(screen_line(&s, s.ui.layout.rows_y), "7f:00.0"));
	assert_non_null(strstr(screen_line(&s, s.ui.layout.rows_y + 1), "0000:03:00.0"));
	screen_press(&s, "<Down><Enter>");
	screen_expect(&s, "$ iommuctl device show 0000:03:00.0");
	screen_press(&s, "<Esc>3/03:00.0<Enter>");
	assert_int_equal(screen_attr(&s, screen_find(&s, "LAST-FAULT"), "LAST-FAULT"), ATTR_HEAD);
	for (int i = 0; i < 200; i++)
		tick(&s, 0.1);
	assert_int_equal(s.model.meters[METER_FAULTS].per_s.v, 0);
	screen_end(&s);
	replay_free(r);
}

/* Each refresh brings a fault: what was made for the ones before must not pile up, nor the counts go back. */
static void many_faults(void **state _unused_)
{
	struct strbuf log = { 0 };
	struct replay *r = NULL;
	char path[] = "/tmp/test-top-XXXXXX";
	struct screen s = { 0 };
	int fd = mkstemp(path);

	for (int i = 0; i < 300; i++)
		strbuf_printf(&log, "[%5d.500000] DMAR: [DMA Write] Request device [03:00.0] fault addr 0x%x000 [fault reason 05] x\n", i + 1,
			      i % 7);
	assert_int_equal(write(fd, log.s, log.len), log.len);
	close(fd);
	assert_int_equal(source_open(&s.ctx, HOSTS "/vtd.snap", &s.src), 0);
	assert_int_equal(replay_open(&s.ctx, path, &r), 0);
	unlink(path);
	s.sampler = sampler_new(&s.ctx, s.src, false);
	sampler_set_replay(s.sampler, r, 1);
	ui_init(&s.ui);
	cells_resize(&s.cells, 120, 30);
	tick(&s, 0);
	for (int i = 0; i < 299; i++) {
		tick(&s, 1);
		assert_int_equal(s.model.meters[METER_FAULTS].per_s.v, 1);
		assert_int_equal(s.model.faults, i + 1);
	}
	assert_int_equal(s.model.rows[VIEW_FAULTS].n, 7);
	screen_end(&s);
	replay_free(r);
	strbuf_free(&log);
}

/* -- the network ------------------------------------------------------------------------------------------ */

static void expect_network(const struct screen *s, const char *device, const char *expected)
{
	const struct device_row *v = s->model.rows[VIEW_DEVICES].v;
	size_t i = 0;

	while (i < s->model.rows[VIEW_DEVICES].n && !streq(v[i].device, device))
		i++;
	assert_true(i < s->model.rows[VIEW_DEVICES].n);
	if (v[i].network || expected)
		assert_string_equal(v[i].network ?: "(nothing)", expected ?: "(nothing)");
}

#define ON(dev) .device_bus = "pci", .device = dev

/* Over a bond and a bridge: who carries the default route is what would be missed. */
static void interfaces_and_what_goes_over_them(void **state)
{
	struct net_link links[] = {
		{ .name = "lo", .up = TRI_YES, .running = TRI_YES },
		{ .name = "eth0", .up = TRI_YES, .running = TRI_YES, .master = "bond0", ON("0000:03:00.1") },
		{ .name = "eth1", .up = TRI_YES, .running = TRI_NO, ON("0000:09:01.0") },
		{ .name = "eth2", .up = TRI_NO, .running = TRI_NO, ON("0000:09:01.0") },
		{ .name = "bond0", .up = TRI_YES, .running = TRI_YES },
		{ .name = "bond0.5", .up = TRI_YES, .running = TRI_YES, .lower = "bond0", .master = "br0" },
		{ .name = "br0", .up = TRI_YES, .running = TRI_YES, .lower = "br0" }, /* goes round in circles */
		{ .name = "odd", .up = TRI_UNKNOWN, ON("0000:99:00.0") }, /* a device that is not there */
		{ .name = NULL, ON("0000:09:02.0") },
		{ .name = "eth3", .up = TRI_UNKNOWN, .running = TRI_UNKNOWN, ON("0000:09:02.0") },
	};
	struct net_route routes[] = {
		{ .link = NULL, .is_default = TRI_YES },
		{ .link = "eth1", .is_default = TRI_NO },
		{ .link = "br0", .is_default = TRI_YES },
		{ .link = "nosuch", .is_default = TRI_YES },
	};
	struct network n = { .links = links, .n_links = ARRAY_SIZE(links), .routes = routes, .n_routes = ARRAY_SIZE(routes) };
	struct screen s;

	(void)state;
	screen_start(&s, "demo", 200, 50);
	model_network(&s.model, &n);
	expect_network(&s, "0000:03:00.1", "eth0 up default");
	expect_network(&s, "0000:09:01.0", "eth1 no carrier, eth2 down");
	expect_network(&s, "0000:09:02.0", "eth3 ?");
	expect_network(&s, "0000:02:00.0", NULL);
	links[1].running = TRI_NO;
	n.n_routes = 2;
	model_network(&s.model, &n);
	expect_network(&s, "0000:03:00.1", "eth0 no carrier");
	model_network(&s.model, NULL);
	expect_network(&s, "0000:03:00.1", NULL);
	screen_end(&s);
}

/* A snapshot tells it as the machine would, and it is on the screen. */
static void interfaces_of_a_snapshot(void **state)
{
	struct screen s;

	(void)state;
	screen_start(&s, "vtd", 200, 50);
	screen_press(&s, "3");
	screen_expect(&s, "NETWORK");
	screen_expect(&s, "eth0 down");
	screen_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_is_played),
		cmocka_unit_test(many_faults),
		cmocka_unit_test(interfaces_and_what_goes_over_them),
		cmocka_unit_test(interfaces_of_a_snapshot),
	};

	return cmocka_run_group_tests(tests, screen_set_up, NULL);
}
