// SPDX-License-Identifier: GPL-2.0-or-later
/* The noun owner: list and check. trace is in owner-trace.c. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/filter.h"
#include "cmd/owner-rows.h"
#include "cmd/owner-trace.h"
#include "cmd/reasons.h"
#include "cmd/rows.h"
#include "diag/leak.h"

/* -- records ------------------------------------------------------------------------------------------------------- */

struct device_row {
	const char *device, *bus, *driver;
	int uses_dma_api, blocked; /* enum tri */
};

static const struct field device_fields[] = {
	FIELD(struct device_row, device, F_STR, "DEVICE", "its address, or its name on another bus", .flags = FIELD_DEFAULT),
	FIELD(struct device_row, bus, F_STR, "BUS", "bus that it is on: pci, platform, fsl-mc, ..."),
	FIELD(struct device_row, driver, F_STR, "DRIVER", "driver that it is bound to", .flags = FIELD_DEFAULT),
	FIELD(struct device_row, uses_dma_api, F_BOOL, "COUNTS", "whether that driver uses the DMA API, which counts one"),
	FIELD(struct device_row, blocked, F_BOOL, "BLOCKED", "whether it is cut off while it is reset; null where the kernel does not say"),
};

static const struct record_type device_record = RECORD("owned-device", 1, struct device_row, device_fields);

struct owner_row {
	struct num group, owner_cnt, expected, recovery_cnt;
	const char *verdict, *owner;
	struct owner_domain_row *domain, *default_domain, *blocking_domain;
	struct rows processes, devices;
};

static const struct field owner_fields[] = {
	FIELD(struct owner_row, group, F_INT, "GROUP", "number of the group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct owner_row, owner_cnt, F_INT, "COUNT", "the kernel's owner_cnt", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct owner_row, expected, F_INT, "EXPECTED", "what drivers, or user space's claim, account for",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct owner_row, verdict, F_STR, "VERDICT", "as-expected, surplus, deficit, unknown", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	FIELD(struct owner_row, owner, F_STR, "OWNER", "none, dma-api, vfio-group, iommufd; null: not known", .flags = FIELD_DEFAULT),
	FIELD(struct owner_row, domain, F_OBJ, "DOMAIN", "the domain that translates now", .sub = &owner_domain_record, .flags = FIELD_DEFAULT),
	FIELD(struct owner_row, default_domain, F_OBJ, "DEFAULT-DOMAIN", "the domain of the kernel's drivers", .sub = &owner_domain_record),
	FIELD(struct owner_row, blocking_domain, F_OBJ, "BLOCKING-DOMAIN", "the domain that lets nothing through; null: none made yet",
	      .sub = &owner_domain_record),
	FIELD(struct owner_row, recovery_cnt, F_INT, "RECOVERING", "devices that are being reset; null where the kernel does not say",
	      .flags = FIELD_RIGHT),
	FIELD(struct owner_row, processes, F_LIST, "PROCESSES", "who keeps user space's claim", .sub = &owner_process_record,
	      .flags = FIELD_DEFAULT),
	FIELD(struct owner_row, devices, F_LIST, "DEVICES", "what is in the group", .sub = &device_record, .flags = FIELD_DEFAULT),
};

static const struct record_type owner_list_record = RECORD("owner.list", 1, struct owner_row, owner_fields);

/* -- what keeps us from reading ------------------------------------------------------------------------------------- */

static void note_obstacles(struct invocation *inv, const struct ownership *o, int err, enum note_level level)
{
	if (!o && err != -EBADMSG)
		ctx_note(inv->ctx, (struct note){ .level = level, .code = "no-ownership", .err = err }, "owner counts");
	else if (o)
		owner_note_obstacles(inv->ctx, o->obstacles, o->n_obstacles, level, "owner counts");
}

/* -- list ----------------------------------------------------------------------------------------------------------- */

static struct rows process_rows(struct arena *a, const struct owned_group *g)
{
	const struct owner *o = g ? g->owner : NULL;

	if (!g || (g->owned == TRI_YES && (!o || (!o->n && !o->complete))))
		return (struct rows){ 0 };
	if (!o)
		return ROWS(NULL, 0);
	return owner_process_rows(a, o->processes, o->n);
}

static struct rows device_rows(struct host *h, const struct group *g, const struct owned_group *og)
{
	struct device_row *v = arena_array(&h->arena, struct device_row, g->n_devices);

	if (g->devices_err)
		return (struct rows){ 0 };
	for (size_t i = 0; i < g->n_devices; i++) {
		const struct device *d = g->devices[i];

		v[i] = (struct device_row){ d->name, d->bus, d->driver, device_takes_use(h, og, d), TRI_UNKNOWN };
		for (size_t j = 0; og && j < og->n; j++)
			if (streq(og->devices[j].name, d->name))
				v[i].blocked = og->devices[j].blocked;
	}
	return ROWS(v, g->n_devices);
}

static int list_group(struct invocation *inv, struct host *h, struct ownership *o, struct group *g)
{
	struct arena *a = &h->arena;
	const struct owned_group *og;
	struct leak l;

	group_ownership(h, o, g, true, &l);
	og = l.group;
	return out_row(inv->out, &(struct owner_row){
		.group = NUM(g->id),
		.owner_cnt = l.owner_cnt,
		.expected = l.expected,
		.recovery_cnt = og ? og->recovery_cnt : NUM_UNKNOWN,
		.verdict = l.verdict,
		.owner = l.owner,
		.domain = og ? owner_domain_row(a, og->domain) : NULL,
		.default_domain = og ? owner_domain_row(a, og->default_domain) : NULL,
		.blocking_domain = og ? owner_domain_row(a, og->blocking_domain) : NULL,
		.processes = process_rows(a, og),
		.devices = device_rows(h, g, og),
	});
}

/* A build that cannot read counts has not done what it was asked for, whatever else it shows. */
static bool not_built(const struct ownership *o)
{
	for (size_t i = 0; o && !o->known && i < o->n_obstacles; i++)
		if (streq(o->obstacles[i].code, "not-built"))
			return true;
	return false;
}

static int run_list(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct ownership *o;
	int r, err;

	r = out_begin(inv->out, &owner_list_record);
	if (r < 0)
		return EXIT_USAGE;
	r = host_load(inv->ctx, inv->source, HOST_DRIVERS | HOST_IDS | HOST_NAMES, &h);
	if (r < 0)
		return r;
	o = host_ownership(h, &err);
	warn_no_groups(h);
	note_obstacles(inv, o, err, NOTE_WARNING);
	for (size_t i = 0; r >= 0 && i < h->n_groups; i++)
		r = list_group(inv, h, o, &h->groups[i]);
	if (r < 0)
		return r;
	return not_built(o) || (ownership_missing(o) == -EOPNOTSUPP && !h->n_groups) ? EXIT_UNSUPPORTED : EXIT_DONE;
}

/* -- check ---------------------------------------------------------------------------------------------------------- */

struct check_row {
	struct num group, owner_cnt, expected;
	const char *verdict, *owner, *summary;
	struct rows reasons;
};

static const struct field check_fields[] = {
	FIELD(struct check_row, group, F_INT, "GROUP", "number of the group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct check_row, verdict, F_STR, "VERDICT", "as-expected, surplus, deficit, unknown", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	FIELD(struct check_row, owner_cnt, F_INT, "COUNT", "the kernel's owner_cnt", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct check_row, expected, F_INT, "EXPECTED", "what drivers, or user space's claim, account for",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct check_row, owner, F_STR, "OWNER", "none, dma-api, vfio-group, iommufd; null: not known"),
	FIELD(struct check_row, summary, F_STR, "SUMMARY", "the verdict in one sentence", .flags = FIELD_DEFAULT),
	FIELD(struct check_row, reasons, F_LIST, "REASONS", "why, with evidence and remedies", .sub = &reason_record),
};

static const struct record_type owner_check_record = RECORD("owner.check", 1, struct check_row, check_fields);

static enum exit_code exit_from_verdict(const struct leak *l)
{
	if (streq(l->verdict, "as-expected"))
		return EXIT_DONE;
	if (streq(l->verdict, "unknown"))
		return l->missing == -EACCES ? EXIT_PERMISSION : EXIT_UNSUPPORTED;
	return EXIT_NO;
}

struct checking {
	struct invocation *inv;
	struct host *h;
	struct ownership *o;
	bool all; /* no group was named: those in order are only counted */
	enum exit_code code;
	size_t fine, odd, unknown;
	struct rows causes; /* reasons of the first odd group */
};

/* Of all groups together the cause is said once; what helps one of them is said when it is asked about. */
static void print_cause(const struct checking *c)
{
	for (size_t i = 0; i < c->causes.n; i++) {
		const struct reason *r = (const struct reason *)c->causes.v + i;

		if (streq(r->code, "test-driver-remove") || streq(r->code, "cause-unknown"))
			print_reasons(c->inv->out, &c->h->arena, ROWS(r, 1));
	}
	if (c->odd)
		out_text(c->inv->out, "iommuctl owner check G says more about one of them, and what helps");
}

static int check_group(struct checking *c, const struct group *g)
{
	struct leak l;
	struct out *out = c->inv->out;

	group_ownership(c->h, c->o, g, false, &l);
	c->code = worse_exit(c->code, exit_from_verdict(&l));
	*(streq(l.verdict, "as-expected") ? &c->fine : streq(l.verdict, "unknown") ? &c->unknown : &c->odd) += 1;
	if (out_options(out)->json)
		return out_row(out, &(struct check_row){ NUM(g->id), l.owner_cnt, l.expected, l.verdict, l.owner, l.summary, l.reasons });
	/* what keeps us from reading all of them is said once, not for each group */
	if (c->all && (streq(l.verdict, "as-expected") || !c->o || !c->o->known))
		return 0;
	out_styled(out, STYLE_BOLD, arena_printf(&c->h->arena, "group %u: ", g->id));
	out_styled(out, out_word_style(l.verdict), l.verdict);
	out_text(out, ": %s", l.summary);
	if (!c->all)
		print_reasons(out, &c->h->arena, l.reasons);
	else if (!c->causes.n && exit_from_verdict(&l) == EXIT_NO)
		c->causes = l.reasons;
	return 0;
}

static int check_groups(struct checking *c, struct group **v, size_t n)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = check_group(c, v[i]);
	if (r < 0 || !c->all || !c->h->n_groups)
		return r;
	print_cause(c);
	out_text(c->inv->out, "%zu of %zu groups as expected%s", c->fine, c->h->n_groups,
			 c->unknown ? arena_printf(&c->h->arena, ", %zu cannot be told", c->unknown) : "");
	return r;
}

static int named_groups(struct checking *c, struct group ***ret, size_t *ret_n)
{
	size_t n = c->all ? c->h->n_groups : (size_t)c->inv->argc;
	struct group **v = arena_array(&c->h->arena, struct group *, n);

	for (size_t i = 0; i < n; i++) {
		int r = 0;

		if (c->all)
			v[i] = &c->h->groups[i];
		else
			r = host_find_group(c->h, c->inv->argv[i], &v[i]);
		if (r < 0)
			return r;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static int run_check(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct checking c = { .inv = inv, .all = !inv->argc, .code = EXIT_DONE };
	struct group **v;
	int r, err;
	size_t n;

	r = out_begin(inv->out, &owner_check_record);
	if (r < 0)
		return EXIT_USAGE;
	r = host_load(inv->ctx, inv->source, HOST_DRIVERS | HOST_IDS | HOST_NAMES, &h);
	if (r < 0)
		return r;
	c.h = h;
	r = named_groups(&c, &v, &n);
	if (r < 0)
		return exit_from_lookup(r);
	warn_no_groups(h);
	c.o = host_ownership(h, &err);
	note_obstacles(inv, c.o, err, NOTE_ERROR);
	r = check_groups(&c, v, n);
	if (r < 0)
		return r;
	return n ? (int)c.code : EXIT_UNSUPPORTED;
}

/* -- rows ------------------------------------------------------------------------------------------------------------ */

static const struct arg_row check_args[] = {
	{ .name = "G", .help = "number of a group, or a device in it; all groups when there is none",
	  .complete = COMPLETE_GROUP_OR_DEVICE, .optional = true, .repeat = true },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "list",
		.summary = "who owns the groups, as the kernel itself counts",
		.text = "No file shows who owns a group. This reads it from the kernel's memory: the count, the owner and its processes, the "
			"domain that translates now. Beside the count stands what is expected: one for each device on a driver that uses the "
			"DMA API, or what user space's claim takes.\n\n"
			"It takes root (CAP_SYS_RAWIO and CAP_SYSLOG), and a kernel with kcore, kallsyms of variables and BTF, as "
			"distributions build it. Without, EXPECTED is told from the drivers, and a warning says what stands in the way.",
		.record = &owner_list_record,
		.run = run_list,
	},
	{
		.verb = "check",
		.summary = "whether each group's count of owners adds up, and the leak named",
		.text = "A group can refuse every claim with EPERM while nothing is bound to it: a count that somebody took and did not give "
			"back. This compares the count with what accounts for it, names the cause where it is known, and shows the "
			"way out without a reboot where nothing speaks against it.\n\n"
			"Exit 0: all add up; 3: a surplus or a deficit; 7: not permitted to read the count; 6: this kernel or "
			"build cannot tell.",
		.args = check_args,
		.record = &owner_check_record,
		.flags = COMMAND_QUESTION,
		.run = run_check,
	},
	{
		.verb = "objects",
		.summary = "every iommufd object of every process",
		.text = owner_objects_text,
		.options = owner_objects_options,
		.record = &owner_objects_record,
		.run = owner_objects_run,
	},
	{
		.verb = "trace",
		.summary = "a ledger of who takes groups and who gives them back",
		.text = owner_trace_text,
		.args = owner_trace_args,
		.options = owner_trace_options,
		.record = &owner_trace_record,
		.flags = COMMAND_DETAIL,
		.run = owner_trace_run,
	},
};

extern const struct noun noun_owner;
const struct noun noun_owner = {
	.name = "owner",
	.summary = "who owns the groups, counted by the kernel",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
