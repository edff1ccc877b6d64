// SPDX-License-Identifier: GPL-2.0-or-later
/* device guard: the judgement as records and as text. */
#include "cmd/device.h"

#include <errno.h>

#include "base/str.h"
#include "cmd/reasons.h"
#include "cmd/rows.h"
#include "diag/guard.h"
#include "host/names.h"

struct guard_row {
	const char *device, *name, *driver;
	const char *verdict, *summary;
	struct rows reasons;
};

static const struct field guard_fields[] = {
	FIELD(struct guard_row, device, F_STR, "DEVICE", "device that was asked about", .flags = FIELD_DEFAULT),
	FIELD(struct guard_row, name, F_STR, "NAME", "vendor and device"),
	FIELD(struct guard_row, driver, F_STR, "DRIVER", "driver that it is bound to", .flags = FIELD_DEFAULT),
	FIELD(struct guard_row, verdict, F_STR, "VERDICT", "safe, loss, unknown", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	FIELD(struct guard_row, summary, F_STR, "SUMMARY", "the verdict in one sentence",
	      .flags = FIELD_DEFAULT | FIELD_WRAP),
	FIELD(struct guard_row, reasons, F_LIST, "REASONS", "why, with evidence and remedies", .sub = &reason_record),
};

const struct record_type device_guard_record = RECORD("device.guard", 1, struct guard_row, guard_fields);

const char device_guard_text[] =
	"Answers what this machine would lose if the devices left their drivers: file systems that are mounted and areas that are swapped "
	"to on disks behind them, through partitions, LVM, RAID, encryption and loop devices; shares and network file systems that come "
	"over them; the default route and the ssh connection of whoever asks, through bonds, bridges and VLANs; virtual functions that are "
	"enabled; the console's screen and the last keyboard; processes that have them open. Devices that a bus reset would take along are "
	"mentioned.\n\n"
	"Verdicts: safe: nothing was found (exit 0); loss (3); unknown: a fact that decides cannot be seen, as in a container, whose "
	"network, mount and process namespaces are not the machine's (7 for want of permission, else 6). Devices given together are taken to "
	"move together. What acts on devices asks this first, and takes unknown for loss.";

const struct arg_row device_guard_args[] = {
	{ .name = "DEV", .help = "a device", .complete = COMPLETE_DEVICE, .repeat = true },
	{ 0 },
};

static enum exit_code exit_from_guard(const struct guard *g)
{
	if (streq(g->verdict, "safe"))
		return EXIT_DONE;
	if (streq(g->verdict, "loss"))
		return EXIT_NO;
	return g->missing == -EACCES ? EXIT_PERMISSION : EXIT_UNSUPPORTED;
}

static int answer(struct invocation *inv, struct host *h, struct device *d, const struct guard *g)
{
	struct guard_row row = {
		.device = d->name,
		.name = device_label(h, d),
		.driver = d->driver,
		.verdict = g->verdict,
		.summary = g->summary,
		.reasons = g->reasons,
	};

	if (out_options(inv->out)->json || out_options(inv->out)->raw)
		return out_row(inv->out, &row);
	out_styled(inv->out, STYLE_BOLD, d->name);
	if (row.name)
		out_styled(inv->out, STYLE_PLAIN, arena_printf(&h->arena, " (%s)", row.name));
	out_styled(inv->out, STYLE_PLAIN, ": ");
	out_styled(inv->out, out_word_style(row.verdict), row.verdict);
	/* reasons say it better, where there are any */
	out_text(inv->out, "%s%s", streq(row.verdict, "safe") ? ": " : "", streq(row.verdict, "safe") ? row.summary : "");
	print_reasons(inv->out, &h->arena, row.reasons);
	return 0;
}

int device_find_all(struct invocation *inv, struct host *h, struct device ***ret)
{
	struct device **v = arena_array(&h->arena, struct device *, inv->argc);

	for (int i = 0; i < inv->argc; i++) {
		int r = host_find_device(h, inv->argv[i], &v[i]);

		if (r < 0)
			return exit_from_lookup(r);
	}
	*ret = v;
	return EXIT_DONE;
}

int device_guard_run(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	enum exit_code code = EXIT_DONE;
	struct guard_facts *facts;
	struct device **v;
	int r;

	r = out_begin(inv->out, &device_guard_record);
	if (r < 0)
		return EXIT_USAGE;
	names_begin();
	r = host_load(inv->ctx, inv->source, HOST_IDS | HOST_DRIVERS, &h);
	if (r < 0)
		return r;
	r = device_find_all(inv, h, &v);
	if (r != EXIT_DONE)
		return r;
	facts = guard_facts_read(h, source_is_live(inv->source) ? getenv("SSH_CONNECTION") : NULL);
	for (int i = 0; r >= 0 && i < inv->argc; i++) {
		struct guard g;

		device_guard(facts, v[i], v, inv->argc, &g);
		code = worse_exit(code, exit_from_guard(&g));
		if (i)
			out_text(inv->out, "\n");
		r = answer(inv, h, v[i], &g);
	}
	return r < 0 ? r : (int)code;
}
