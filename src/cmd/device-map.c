// SPDX-License-Identifier: GPL-2.0-or-later
/* device map-check: the judgement as a record and as text. */
#include "cmd/device-map.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/reasons.h"
#include "cmd/rows.h"
#include "cmd/take.h"
#include "diag/mapcheck.h"

struct map_row {
	const char *device;
	struct num group, iova, length;
	const char *verdict, *rule, *summary;
	struct num nearest_start, nearest_end, page_size, aperture_end;
	struct rows reasons;
};

#define M(member, type, head, text, ...) FIELD(struct map_row, member, type, head, text, ##__VA_ARGS__)

static const struct field map_fields[] = {
	M(device, F_STR, "DEVICE", "device that was asked about", .flags = FIELD_DEFAULT),
	M(group, F_INT, "GROUP", "number of its group, whose reserved regions all count", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	M(iova, F_HEX, "IOVA", "first I/O address", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	M(length, F_INT, "LENGTH", "length of the mapping", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	M(verdict, F_STR, "VERDICT", "fits, refused, unknown", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	M(rule, F_STR, "RULE", "code of the reason that decides; null: it fits", .flags = FIELD_DEFAULT),
	M(summary, F_STR, "SUMMARY", "the verdict in one sentence", .flags = FIELD_WRAP),
	M(nearest_start, F_HEX, "NEAREST", "first address of the nearest range of that length that would do; null: there is none",
	  .flags = FIELD_DEFAULT | FIELD_RIGHT),
	M(nearest_end, F_HEX, "NEAREST-END", "its last address", .flags = FIELD_RIGHT),
	M(page_size, F_INT, "PAGE", "size of the IOMMU's pages; null: not seen before an attach", .unit = "bytes", .flags = FIELD_RIGHT),
	M(aperture_end, F_HEX, "APERTURE-END", "last address that can be mapped for certain; null: not seen before an attach",
	  .flags = FIELD_RIGHT),
	M(reasons, F_LIST, "REASONS", "why, with evidence and remedies", .sub = &reason_record),
};

const struct record_type device_map_check_record = RECORD("device.map-check", 1, struct map_row, map_fields);

const char device_map_check_text[] =
	"Answers whether a mapping for the device would be refused, by which rule, and where the nearest range of that length is that would do: a virtual "
	"machine that starts with a device says no more than EINVAL or ENOMEM. Judged are: length and wrap; alignment to the IOMMU's pages; the "
	"reserved regions of the whole group; where the addresses of the IOMMU end; and the memory that the process which maps may lock, with --pid or "
	"--memlock. Whose limit counts is that process's (QEMU's), not this shell's. A VFIO container counts what is locked by process, iommufd by "
	"user; which one the process uses is seen from what it has open.\n\n"
	"Verdicts: fits (exit 0), refused (3), unknown (7 for want of permission, else 6). Where addresses end is seen before an attach on VT-d alone; "
	"elsewhere what is not refused for certain is unknown. Mappings that a process has already are not seen.";

const struct arg_row device_map_check_args[] = {
	{ .name = "DEV", .help = "a device", .complete = COMPLETE_DEVICE },
	{ .name = "IOVA", .help = "first I/O address, decimal or 0x" },
	{ .name = "LENGTH", .help = "bytes, decimal or 0x, or with K, M, G, T" },
	{ 0 },
};

const struct option_row device_map_check_options[] = {
	{ .short_name = 'p', .name = "pid", .arg = "PID", .help = "judge the locked memory of this process" },
	{ .name = "memlock", .arg = "BYTES", .help = "judge by this limit on locked memory, nothing of it used" },
	{ 0 },
};

static int take_limit(struct invocation *inv, struct map_question *q)
{
	uint64_t bytes = 0;
	pid_t pid = 0;
	int r;

	if (inv_opt(inv, "pid") && inv_opt(inv, "memlock"))
		return bad_usage(inv, "--pid and --memlock", "one of them tells the limit", NULL);
	r = option_pid(inv, "pid", &pid);
	if (r == EXIT_DONE)
		r = option_number(inv, "memlock", &bytes);
	if (r != EXIT_DONE)
		return r;
	if (bytes > INT64_MAX)
		return bad_argument(inv, "--memlock", "not a limit: it does not fit into 63 bits", NULL);
	if (pid)
		q->pid = NUM(pid);
	if (inv_opt(inv, "memlock"))
		q->memlock = NUM(bytes);
	return EXIT_DONE;
}

static int take_arguments(struct invocation *inv, struct map_question *q)
{
	int r = take_number(inv, "IOVA", inv->argv[1], &q->iova);

	if (r == EXIT_DONE)
		r = take_number(inv, "LENGTH", inv->argv[2], &q->length);
	return r == EXIT_DONE ? take_limit(inv, q) : r;
}

static enum exit_code exit_from_check(const struct map_check *c)
{
	if (streq(c->verdict, "fits"))
		return EXIT_DONE;
	if (streq(c->verdict, "refused"))
		return EXIT_NO;
	return c->missing == -EACCES ? EXIT_PERMISSION : EXIT_UNSUPPORTED;
}

static int answer(struct invocation *inv, struct host *h, const struct map_question *q, const struct map_check *c)
{
	struct map_row row = {
		.device = q->device->name,
		.group = NUM(q->device->group->id),
		.iova = NUM(q->iova),
		.length = NUM(q->length),
		.verdict = c->verdict,
		.rule = c->rule,
		.summary = c->summary,
		.nearest_start = c->nearest_start,
		.nearest_end = c->nearest_end,
		.page_size = c->page_size,
		.aperture_end = c->aperture_end,
		.reasons = c->reasons,
	};
	struct out *out = inv->out;

	if (out_options(out)->json || out_options(out)->raw)
		return out_row(out, &row);
	out_styled(out, STYLE_BOLD, row.device);
	out_styled(out, STYLE_PLAIN, arena_printf(&h->arena, ", 0x%llx bytes at 0x%llx: ", (unsigned long long)q->length,
						  (unsigned long long)q->iova));
	out_styled(out, out_word_style(row.verdict), row.verdict);
	out_text(out, "%s%s", row.rule ? "" : ": ", row.rule ? "" : row.summary);
	print_reasons(out, &h->arena, row.reasons);
	if (row.rule && row.nearest_start.known)
		out_text(out, "nearest range that would do%s: 0x%llx to 0x%llx", row.aperture_end.known ? "" : ", as far as is seen",
			 (unsigned long long)row.nearest_start.v, (unsigned long long)row.nearest_end.v);
	else if (row.rule)
		out_text(out, "no range of that length would do");
	return 0;
}

/* Said at once: everything else about a process that is not there would only be unknown. */
static int check_process(struct invocation *inv, const struct map_question *q)
{
	char path[SRC_PATH_MAX];

	PATHF(path, "proc/%lld", (long long)q->pid.v);
	if (!q->pid.known || !source_is_live(inv->source) || source_exists(inv->source, path))
		return EXIT_DONE;
	ctx_error(inv->ctx, NOTE(.code = "no-process", .err = ESRCH, .hint = "--memlock BYTES judges by a limit instead"), "process %lld", (long long)q->pid.v);
	return EXIT_FAILED;
}

int device_map_check_run(struct invocation *inv)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct map_question q = { 0 };
	struct map_check c;
	int r;

	if (out_begin(inv->out, &device_map_check_record) < 0)
		return EXIT_USAGE;
	r = take_arguments(inv, &q);
	if (r == EXIT_DONE)
		r = check_process(inv, &q);
	if (r != EXIT_DONE)
		return r;
	r = host_load(inv->ctx, inv->source, HOST_REGIONS, &h);
	if (r < 0)
		return r;
	r = host_find_device(h, inv->argv[0], &q.device);
	if (r < 0)
		return exit_from_lookup(r);
	if (!q.device->group) {
		ctx_error(inv->ctx, NOTE(.code = "no-group", .err = EOPNOTSUPP, .why = "no IOMMU covers it: it is in no group",
					 .hint = "iommuctl doctor says what keeps the IOMMU from working"), "%s", q.device->name);
		return EXIT_UNSUPPORTED;
	}
	map_check(h, &q, &c);
	r = answer(inv, h, &q, &c);
	return r < 0 ? r : (int)exit_from_check(&c);
}
