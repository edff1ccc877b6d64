// SPDX-License-Identifier: GPL-2.0-or-later
/* metrics: the machine as Prometheus takes it. */
#include "cmd/metrics.h"

#include <errno.h>
#include <string.h>

#define LOCK_TIMEOUT_MS 10000

void metrics_went(struct scrape *s, const char *collector, int err, const char *code, const char *reason)
{
	struct arena *a = &s->inv->ctx->arena;
	struct collector *c;

	vec_for_each(c, &s->collectors)
		if (streq(c->name, collector))
			break;
	if (!s->collectors.n || c == s->collectors.v + s->collectors.n) {
		c = vec_push(&s->collectors);
		*c = (struct collector){ .name = collector };
	}
	if (c->err || !err)
		return;
	c->err = err;
	c->code = arena_strdup(a, code);
	c->reason = arena_strdup(a, reason ?: strerror(-err));
}

/* -- faults --------------------------------------------------------------------------------------------------------- */

/* What was counted by earlier runs is still true when the log cannot be read now. */
static void look_at_log(struct scrape *s)
{
	struct source *src = s->inv->source;
	struct arena *a = &s->h->arena;
	struct kmsg log = { 0 };
	int r = source_kmsg(src, s->inv->ctx, a, &log);

	metrics_went(s, "faults", r, "no-kernel-log", "the kernel log");
	if (r == 0)
		fault_totals_look(&s->faults, &log, src->boot_id, s->h, source_is_live(src));
	metrics_family(&s->m, "iommuctl_kernel_log_lost_records_total", METRIC_COUNTER,
		       "Records of the kernel log that were overwritten before a run saw them; faults among them are in no total.");
	if (r == 0 && log.n && log.v[0].seq.known)
		metrics_add(&s->m, (int64_t)s->faults.lost, NULL);
	else
		metrics_unknown(&s->m);
}

static void faults_by_kind(struct scrape *s)
{
	const struct fault_total *t;

	metrics_family(&s->m, "iommu_faults_total", METRIC_COUNTER,
		       "Faults in the kernel log, by kind. The log's rate limit leaves some out: iommu_fault_messages_suppressed_total.");
	for (enum fault_kind k = 0; k < FAULT_MAX; k++) {
		uint64_t sum = 0;

		vec_for_each(t, &s->faults.v)
			if (t->kind == k)
				sum = MIN(sum + t->count, (uint64_t)INT64_MAX);
		metrics_add(&s->m, (int64_t)sum, "kind", fault_kind_name(k), NULL);
	}
}

static void put_faults(struct scrape *s)
{
	const struct collector *c = &s->collectors.v[s->collectors.n - 1];
	const struct fault_total *t;
	bool known = !c->err || s->faults.v.n || s->faults.next;

	faults_by_kind(s);
	if (!known)
		metrics_unknown(&s->m);
	metrics_family(&s->m, "iommu_device_faults_total", METRIC_COUNTER,
		       "Faults in the kernel log, by device and kind. A fault of a unit itself counts for the unit; one whose device the log does not "
		       "name for unknown.");
	vec_for_each(t, &s->faults.v)
		if (!s->brief)
			metrics_add(&s->m, (int64_t)t->count, "device", t->device, "kind", fault_kind_name(t->kind), NULL);
	if (!known)
		metrics_unknown(&s->m);
	metrics_family(&s->m, "iommu_fault_messages_suppressed_total", METRIC_COUNTER,
		       "Messages about faults that the kernel says it left out of its log, to spare it.");
	metrics_add(&s->m, (int64_t)s->faults.suppressed, NULL);
	if (!known)
		metrics_unknown(&s->m);
}

/* -- about the run itself ------------------------------------------------------------------------------------------- */

static const char *error_word(int err)
{
	return err == -ENOTCAPTURED ? "ENOTCAPTURED" : strerrorname_np(-err) ?: "EIO";
}

static void put_collectors(struct scrape *s)
{
	const struct collector *c;

	metrics_family(&s->m, "iommuctl_collector_success", METRIC_GAUGE, "Whether all that a collector looks at could be read.");
	vec_for_each(c, &s->collectors)
		metrics_add(&s->m, !c->err, "collector", c->name, NULL);
	metrics_family(&s->m, "iommuctl_collector_failure_info", METRIC_GAUGE, "Why a collector could not read all; always 1.");
	vec_for_each(c, &s->collectors)
		if (c->err)
			metrics_add(&s->m, 1, "collector", c->name, "code", c->code, "error", error_word(c->err), "reason", c->reason, NULL);
}

/* Each code once, with how often it came: samples that are the same add up. */
static void put_notes(struct scrape *s)
{
	const struct note *n;

	metrics_family(&s->m, "iommuctl_scrape_notes", METRIC_GAUGE, "Warnings and errors of the run that wrote this, by their code.");
	vec_for_each(n, &s->inv->ctx->notes)
		metrics_add(&s->m, 1, "level", n->level == NOTE_ERROR ? "error" : "warning", "code", n->code, NULL);
	if (s->inv->ctx->dropped)
		metrics_add(&s->m, (int64_t)s->inv->ctx->dropped, "level", "warning", "code", "not-kept", NULL);
}

static void scrape(struct scrape *s)
{
	metrics_family(&s->m, "iommuctl_build_info", METRIC_GAUGE, "The program that wrote this; always 1.");
	metrics_add(&s->m, 1, "version", PACKAGE_VERSION, NULL);
	metrics_units(s);
	metrics_interrupts(s);
	metrics_groups(s);
	metrics_devices(s);
	metrics_holders(s);
	metrics_owners(s);
	look_at_log(s);
	put_faults(s);
	put_collectors(s);
	put_notes(s);
	metrics_end(&s->m);
}

/* -- the command ---------------------------------------------------------------------------------------------------- */

static bool blank(const char *s)
{
	return !s[strspn(s, " \t")];
}

/* Totals go on from those in the file, but only of the machine that we run on: a snapshot's log is counted as it is. */
static void take_state(struct scrape *s, const struct metrics_file *f)
{
	if (!f || !f->state || blank(f->state) || !source_is_live(s->inv->source))
		return;
	if (fault_totals_read(f->state, f->state_len, &s->faults) < 0)
		ctx_warn(s->inv->ctx, "bad-state", EBADMSG, f->path, "the fault totals in %s cannot be read: they begin anew", f->path);
}

/* The text has nothing in it that is for a terminal, so it is written line by line as it is. */
static void print_text(struct out *o, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		if (*line)
			out_verbatim(o, "%s", line);
}

static int put(struct scrape *s, struct metrics_file *f)
{
	const struct out_options *opt = out_options(s->inv->out);
	bool records = opt->json || opt->raw || opt->cols;
	_cleanup_strbuf_ struct strbuf page = { 0 }, state = { 0 };
	const struct metric_family *family;
	int r = 0;

	metrics_text(&s->m, &page);
	fault_totals_write(&s->faults, &state);
	if (f)
		r = metrics_file_write(s->inv->ctx, f, source_is_live(s->inv->source) ? state.s : NULL, &page);
	if (!f && !records)
		print_text(s->inv->out, page.s);
	if (!records)
		return r;
	vec_for_each(family, &s->m.families)
		if (r >= 0)
			r = out_row(s->inv->out, family);
	return r;
}

static int make(struct invocation *inv, struct metrics_file *f)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct scrape s = { .inv = inv, .brief = inv_opt(inv, "totals") };
	int r = host_load(inv->ctx, inv->source, HOST_ALL, &h);

	if (r < 0)
		return r;
	s.h = h;
	s.m.arena = s.faults.arena = &h->arena;
	take_state(&s, f);
	scrape(&s);
	r = put(&s, f);
	metrics_free(&s.m);
	fault_totals_free(&s.faults);
	vec_free(&s.collectors);
	return r;
}

static int run_metrics(struct invocation *inv)
{
	const char *path = inv_opt(inv, "output");
	struct metrics_file f;
	int r;

	if (out_begin(inv->out, &metric_family_record) < 0)
		return EXIT_USAGE;
	if (!path || streq(path, "-"))
		return make(inv, NULL);
	r = metrics_file_open(inv->ctx, path, inv_opt(inv, "force"), LOCK_TIMEOUT_MS, &f);
	if (r == -EEXIST)
		return EXIT_REFUSED;
	if (r < 0)
		return r;
	r = make(inv, &f);
	metrics_file_close(&f);
	return r;
}

static const struct option_row options[] = {
	{ .name = "output", .arg = "FILE",
	  .help = "replace FILE at once, and go on from the fault totals in it; - is standard output", .complete = COMPLETE_FILE },
	{ .name = "totals", .help = "sums only, no samples by group or device: for machines with thousands of them" },
	{ .name = "force", .help = "overwrite FILE even if it was not written by this command" },
	{ 0 },
};

static const char text[] =
	"Writes what is known about the machine in Prometheus' text format (0.0.4): units, groups by verdict, devices by driver, who holds "
	"groups, owners that nothing accounts for, faults by device and kind, interrupts of units. What could not be read is not there, and "
	"iommuctl_collector_success is 0 for it, with the reason in iommuctl_collector_failure_info. That is no error of this command.\n\n"
	"With --output the file is replaced at once, with mode 0644, as node_exporter's textfile collector needs it; iommuctl-metrics.timer does that "
	"every minute for /var/lib/prometheus/node-exporter/iommuctl.prom once it is enabled.\n\n"
	"Fault totals are counted from the kernel log, which forgets. With --output, each run goes on where the last one ended, by the log's own numbers; totals "
	"and place are in a comment at the head of FILE, so totals do not go back: not when the log wraps, not when the log cannot be read, and not "
	"with a reboot. They begin anew, which Prometheus takes for a reset, only when FILE is removed or damaged. Records that were overwritten "
	"between two runs are counted in iommuctl_kernel_log_lost_records_total, messages that the kernel's rate limit cut in "
	"iommu_fault_messages_suppressed_total; neither is guessed into the totals. Without --output, and with --from, the log is counted as it is. "
	"iommu_interrupts_total is the kernel's own count and begins anew at boot.\n\n"
	"Processes are named by what they are (command, systemd unit, container, guest), not by number, so that a restart makes no new time series.";

static const struct command commands[] = {
	{
		.summary = "numbers for Prometheus",
		.text = text,
		.options = options,
		.record = &metric_family_record,
		.flags = COMMAND_DETAIL,
		.run = run_metrics,
	},
};

extern const struct noun noun_metrics;
const struct noun noun_metrics = {
	.name = "metrics",
	.summary = "numbers for Prometheus",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
