// SPDX-License-Identifier: GPL-2.0-or-later
/* The noun veventq: what a virtual IOMMU has to tell its guest. */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "abi/iommufd.h"
#include "abi/selftest.h"
#include "base/str.h"
#include "cmd/object/objects.h"
#include "trace/hw.h"
#include "trace/reason.h"
#include "trace/smmuv3.h"

static const struct record_type alloc_record = MADE_RECORD("veventq.alloc");

struct vevent_row {
	const char *queue;
	struct num sequence;
	int lost;
	const char *kind, *event;
	struct num code, device_id, pasid, address;
	const char *access, *meaning, *detail, *bytes;
};

#define V(member, type, head, text, ...) FIELD(struct vevent_row, member, type, head, text, ##__VA_ARGS__)

static const struct field vevent_fields[] = {
	V(queue, F_STR, "QUEUE", "queue that it was read from", .flags = FIELD_DEFAULT),
	V(sequence, F_INT, "SEQUENCE", "its number; a gap is a loss", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	V(lost, F_BOOL, "LOST", "whether events were lost here, since the queue was full", .flags = FIELD_DEFAULT),
	V(kind, F_STR, "KIND", "smmuv3, tegra241-cmdqv, selftest; null: not known", .flags = FIELD_DEFAULT),
	V(event, F_STR, "EVENT", "what happened, by the specification's name", .flags = FIELD_DEFAULT),
	V(code, F_HEX, "CODE", "its number"),
	V(device_id, F_HEX, "ID", "id of the device inside the guest", .flags = FIELD_DEFAULT),
	V(pasid, F_INT, "PASID", "process address space; null: none", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	V(address, F_HEX, "ADDRESS", "address that it is about", .flags = FIELD_DEFAULT),
	V(access, F_STR, "ACCESS", "what was wanted there", .flags = FIELD_DEFAULT),
	V(meaning, F_STR, "MEANING", "the event in words", .flags = FIELD_DEFAULT | FIELD_TRUNC),
	V(detail, F_STR, "DETAIL", "stage, what was fetched, tag of a stalled transaction; null: it says no more"),
	V(bytes, F_STR, "BYTES", "the event as it is, in hex"),
};

static const struct record_type read_record = RECORD("veventq.read", 1, struct vevent_row, vevent_fields);

static const struct type_word types[] = {
	{ "smmuv3", IOMMU_VEVENTQ_TYPE_ARM_SMMUV3 },
	{ "tegra241-cmdqv", IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV },
	{ "selftest", IOMMU_VEVENTQ_TYPE_SELFTEST },
	{ 0 },
};

static int run_alloc(struct invocation *inv)
{
	static const struct errno_text texts[] = {
		{ EEXIST, "the viommu has a queue of that type, or there is an object of that name", "object tree" },
		{ EINVAL, "the depth is 0 or too large", NULL },
		{ EOPNOTSUPP, "the viommu's driver has no events of that type", NULL },
		{ ENOENT, "it is no viommu", "object tree" },
		{ 0 },
	};
	struct op_veventq_alloc op = { .depth = 64 };
	struct op_object viommu = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = option_type(inv, "type", types, "smmuv3", &op.type);
	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OPT_U32("depth", &op.depth), TAKE_OBJECT(0, &viommu));
	if (r != EXIT_DONE)
		return r;
	take_as(inv, op.name);
	op.viommu_id = viommu.id;
	r = backend_veventq_alloc(be, &op, NULL);
	if (r < 0)
		return op_failed_on(inv, r, &viommu, OP_KIND_VIOMMU, texts, 0x93, "veventq alloc %s", inv->argv[0]);
	return object_made(inv, op.name, OP_KIND_VEVENTQ, op.ret_id);
}

/* -- read ---------------------------------------------------------------------------------------------------------------- */

static const char *hex(struct invocation *inv, const unsigned char *p, size_t len)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < len; i++)
		strbuf_printf(&b, "%02x", p[i]);
	return arena_strdup(&inv->ctx->arena, strbuf_str(&b));
}

static void decode_smmuv3(struct arena *a, struct vevent_row *row, const void *data)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	struct iommu_vevent_arm_smmuv3 v;
	struct event ev = { 0 };
	struct fault_words words;
	uint64_t w[4];

	memcpy(&v, data, sizeof(v));
	for (size_t i = 0; i < ARRAY_SIZE(w); i++)
		w[i] = le64toh(v.evt[i]);
	smmuv3_event_decode(w, &ev);
	smmuv3_event_detail(w, &b);
	fault_explain(&ev, &words);
	row->meaning = arena_strdup(a, words.text);
	row->detail = b.len ? arena_strdup(a, strbuf_str(&b)) : NULL;
	row->event = smmuv3_event_name(ev.fault.code);
	row->code = NUM(ev.fault.code);
	row->device_id = NUM(ev.source_id);
	row->pasid = ev.has & HAS_PASID ? NUM(ev.pasid) : NUM_UNKNOWN;
	row->address = ev.has & HAS_ADDR ? NUM(ev.addr) : NUM_UNKNOWN;
	row->access = access_name(ev.access);
}

static void decode_selftest(struct vevent_row *row, const void *data)
{
	struct iommu_viommu_event_selftest v;

	memcpy(&v, data, sizeof(v));
	row->event = "test";
	row->device_id = NUM(v.virt_id);
}

/* How much data stands behind a header; 0: a kind that we do not know, whose events cannot be told apart. */
static size_t event_size(uint32_t type, const char **ret_kind)
{
	switch (type) {
	case IOMMU_VEVENTQ_TYPE_ARM_SMMUV3:
		*ret_kind = "smmuv3";
		return sizeof(struct iommu_vevent_arm_smmuv3);
	case IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV:
		*ret_kind = "tegra241-cmdqv";
		return sizeof(struct iommu_vevent_tegra241_cmdqv);
	case IOMMU_VEVENTQ_TYPE_SELFTEST:
		*ret_kind = "selftest";
		return sizeof(struct iommu_viommu_event_selftest);
	}
	*ret_kind = NULL;
	return 0;
}

/* One event; how many bytes it takes. */
static size_t read_one(struct invocation *inv, const struct op_object *q, const unsigned char *p, size_t len, struct vevent_row *row)
{
	struct iommufd_vevent_header head;
	const char *kind;
	size_t size = event_size(q->type, &kind);

	memcpy(&head, p, sizeof(head));
	p += sizeof(head);
	len -= sizeof(head);
	*row = (struct vevent_row){ .queue = q->name, .sequence = NUM(head.sequence), .kind = kind,
				    .lost = head.flags & IOMMU_VEVENTQ_FLAG_LOST_EVENTS ? TRI_YES : TRI_NO };
	if (row->lost == TRI_YES)
		return sizeof(head);
	if (!size || size > len) {
		row->bytes = hex(inv, p, len);
		return sizeof(head) + len;
	}
	row->bytes = hex(inv, p, size);
	if (q->type == IOMMU_VEVENTQ_TYPE_ARM_SMMUV3)
		decode_smmuv3(&inv->ctx->arena, row, p);
	else if (q->type == IOMMU_VEVENTQ_TYPE_SELFTEST)
		decode_selftest(row, p);
	return sizeof(head) + size;
}

static int print_events(struct invocation *inv, const struct op_object *q, const unsigned char *p, size_t len)
{
	struct vevent_row row;
	int r = 0;

	while (r >= 0 && len >= sizeof(struct iommufd_vevent_header)) {
		size_t n = read_one(inv, q, p, len, &row);

		p += n;
		len -= n;
		r = out_row(inv->out, &row);
	}
	return r;
}

static int wait_events(struct backend *be, uint32_t id, struct op_data *d, uint32_t timeout_ms)
{
	const struct timespec nap = { .tv_nsec = 5 * 1000 * 1000 };
	int r;

	for (;;) {
		struct op_veventq_read op = { .id = id };

		d->out_len = 0;
		r = backend_veventq_read(be, &op, d);
		if (r < 0 || d->out_len || timeout_ms < 5)
			return r;
		if (be->interrupted && *be->interrupted)
			return -EINTR;
		nanosleep(&nap, NULL);
		timeout_ms -= 5;
	}
}

static int run_read(struct invocation *inv)
{
	static const struct errno_text texts[] = { { ENOENT, "it is no event queue", "object tree" }, { 0 } };
	unsigned char buf[65536];
	struct op_data d = { .out = buf, .out_cap = sizeof(buf), .fd_in = -1, .fd_out = -1 };
	uint32_t timeout_ms = 0;
	struct op_object q = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OPT_MS("timeout", &timeout_ms), TAKE_OBJECT(0, &q));
	if (r != EXIT_DONE)
		return r;
	r = wait_events(be, q.id, &d, timeout_ms);
	if (r < 0)
		return op_failed_on(inv, r, &q, OP_KIND_VEVENTQ, texts, 0, "veventq read %s", inv->argv[0]);
	r = print_events(inv, &q, buf, MIN(d.out_len, sizeof(buf)));
	return r < 0 ? r : d.out_len ? EXIT_DONE : EXIT_NO;
}

/* -- rows ------------------------------------------------------------------------------------------------------------------ */

static const struct arg_row alloc_args[] = {
	{ .name = "VIOMMU", .help = "a virtual IOMMU", .complete = COMPLETE_OBJECT },
	{ 0 },
};

static const struct option_row alloc_options[] = {
	{ .name = "type", .arg = "TYPE", .help = "smmuv3 (the default), tegra241-cmdqv, selftest, or a number" },
	{ .name = "depth", .arg = "N", .help = "how many events it keeps (default 64)" },
	{ 0 },
};

static const struct arg_row read_args[] = {
	{ .name = "QUEUE", .help = "an event queue", .complete = COMPLETE_OBJECT },
	{ 0 },
};

static const struct option_row read_options[] = {
	{ .name = "timeout", .arg = "SECONDS", .help = "how long to wait for the first event (default 0)" },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "alloc",
		.summary = "make a queue for what a virtual IOMMU has to tell its guest",
		.args = alloc_args,
		.options = alloc_options,
		.record = &alloc_record,
		.flags = COMMAND_OBJECT | COMMAND_CREATES,
		.run = run_alloc,
	},
	{
		.verb = "read",
		.summary = "read events, decoded",
		.text = "What was read is gone from the queue. Exit status 3: there was none.",
		.args = read_args,
		.options = read_options,
		.record = &read_record,
		.flags = COMMAND_OBJECT,
		.run = run_read,
	},
};

const struct noun noun_veventq = {
	.name = "veventq",
	.summary = "what virtual IOMMUs have to tell their guests",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
