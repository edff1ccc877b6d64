// SPDX-License-Identifier: GPL-2.0-or-later
/* device irq and region: interrupts of an open device, and its registers. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cmd/device.h"
#include "cmd/object/objects.h"
#include "host/msi.h"

/* -- irq ------------------------------------------------------------------------------------------------------------------ */

struct irq_row {
	const char *device;
	struct num vector;
	const char *state;
	struct num count;
};

static const struct field irq_fields[] = {
	FIELD(struct irq_row, device, F_STR, "DEVICE", "device", .flags = FIELD_DEFAULT),
	FIELD(struct irq_row, vector, F_INT, "VECTOR", "number of the MSI or MSI-X vector", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct irq_row, state, F_STR, "STATE", "armed, off, came, or none (it did not come in time)", .flags = FIELD_DEFAULT),
	FIELD(struct irq_row, count, F_INT, "COUNT", "how often it came since the last time; null: not asked",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
};

const struct record_type device_irq_record = RECORD("device.irq", 1, struct irq_row, irq_fields);

const char device_irq_text[] =
	"arm makes the vector's interrupts come to us; wait waits until one has come since the last time, and prints how many (exit 3: "
	"none came in time); off ends it. MSIs are memory writes. Where interrupts are remapped (VT-d, AMD-Vi) page tables have no part in them: a vector can be armed "
	"before the device is attached, and what is armed arrives while it is detached, too. Behind an SMMU they are translated: a vector has to be "
	"armed when the device is attached (that is refused otherwise: a try would cost the device an interrupt for good), none arrives while it is detached, and they arrive again once it is attached. A move to another page table "
	"takes armed vectors along, but not on kernels whose iommufd has no iommufd_sw_msi (before 6.15): there they have to be turned off and armed again.";

static const char *const irq_words[] = { "arm", "wait", "off", NULL };

const struct arg_row device_irq_args[] = {
	{ .name = "NAME", .help = "an open device", .complete = COMPLETE_OBJECT },
	{ .name = "arm|wait|off", .help = "what to do", .words = irq_words },
	{ 0 },
};

const struct option_row device_irq_options[] = {
	{ .name = "vector", .arg = "N", .help = "this vector, not 0" },
	{ .name = "timeout", .arg = "SECONDS", .help = "how long wait waits (default 10)" },
	{ .name = "force", .help = "arm it though that costs the device an interrupt" },
	{ 0 },
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The count is the backend's, so it is asked for until there is one. */
static int wait_irq(struct backend *be, struct op_device_irq *op, uint32_t timeout_ms)
{
	const struct timespec nap = { .tv_nsec = 5 * 1000 * 1000 };
	int64_t deadline = now_ms() + timeout_ms;
	int r;

	for (;;) {
		r = backend_device_irq(be, op, NULL);
		if (r < 0 || op->ret_count || now_ms() >= deadline)
			return r;
		if (be->interrupted && *be->interrupted)
			return -EINTR;
		nanosleep(&nap, NULL);
	}
}

static int answer_irq(struct invocation *inv, const struct irq_row *row)
{
	int code = streq(row->state, "none") ? EXIT_NO : EXIT_DONE, r = 0;

	if (!wants_text(inv))
		r = out_row(inv->out, row);
	else if (row->count.known)
		out_verbatim(inv->out, "%lld", (long long)row->count.v);
	return r < 0 ? r : code;
}

static int what_of(struct invocation *inv, const char *word, uint32_t *ret)
{
	static const char *const words[] = { [OP_IRQ_ARM] = "arm", [OP_IRQ_OFF] = "off", [OP_IRQ_READ] = "wait" };

	for (uint32_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!streq(words[i], word))
			continue;
		*ret = i;
		return EXIT_DONE;
	}
	return bad_argument(inv, word, "neither arm, wait nor off", NULL);
}

static bool group_is_attached(struct invocation *inv, struct backend *be, uint32_t group)
{
	struct op_link *v;
	size_t n;

	if (link_list(inv, &v, &n) < 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		struct op_object_find find = { .handle = v[i].handle };

		if (!(v[i].flags & OP_LINK_PASID) && backend_object_find(be, &find, NULL) == 0 && find.ret.group == group)
			return true;
	}
	return false;
}

/*
 * Behind an SMMU the kernel refuses while nothing is attached, and has by then given the device an interrupt that nobody gets back: a device of one vector has none
 * any more until the machine starts anew (seen on 7.2 with a GICv3 ITS). So it is not even asked.
 */
static int guard_arm(struct invocation *inv, struct backend *be, const struct op_object *device)
{
	_cleanup_(cleanup_host_free) struct host *h = NULL;
	struct msi_facts msi;
	struct group *g;

	if (inv->force || inv_opt(inv, "force") || device->group == OP_NO_GROUP || device->flags & (OP_OBJECT_LEGACY | OP_OBJECT_MOCK) ||
	    group_is_attached(inv, be, device->group))
		return EXIT_DONE;
	if (host_load(inv->ctx, inv->source, HOST_REGIONS, &h) < 0)
		return EXIT_DONE;
	g = host_group(h, device->group);
	msi = g ? group_msi(g) : (struct msi_facts){ 0 };
	if (msi.route != MSI_TRANSLATED)
		return EXIT_DONE;
	ctx_error(inv->ctx,
		  NOTE(.code = "msi-detached", .err = ENOSPC, .hint = "device attach first; --force tries it all the same",
		       .why = arena_printf(&inv->ctx->arena, "interrupts behind %s go through a page table, and the device is attached to none: the kernel "
					   "refuses (ENOSPC), and each such try costs the device one of its interrupts until the machine starts anew",
					   msi.unit->name)),
		  "device irq %s arm", device->name);
	return EXIT_REFUSED;
}

int device_irq_run(struct invocation *inv)
{
	static const struct errno_text texts[] = {
		{ ENOSPC, "the device has no interrupt left. Behind an SMMU none can be set up while the device is attached to nothing, and each such try "
			  "costs it one until the machine starts anew",
		  "device attach, then irq arm" },
		{ EINVAL, "the device has no such vector, or it is not armed", "device irq NAME arm" },
		{ EOPNOTSUPP, "this device has no MSIs", NULL },
		{ 0 },
	};
	static const char *const states[] = { "armed", "off", "came" };
	struct op_device_irq op = { 0 };
	uint32_t timeout_ms = 10000;
	struct op_object device = { 0 };
	struct irq_row row;
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = what_of(inv, inv->argv[1], &op.what);
	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OPT_U32("vector", &op.vector), TAKE_OPT_MS("timeout", &timeout_ms), TAKE_DEVICE(0, &device));
	if (r != EXIT_DONE)
		return r;
	op.handle = device.handle;
	if (op.what == OP_IRQ_ARM)
		r = guard_arm(inv, be, &device);
	if (r != EXIT_DONE)
		return r;
	r = op.what == OP_IRQ_READ ? wait_irq(be, &op, timeout_ms) : backend_device_irq(be, &op, NULL);
	if (r < 0)
		return op_failed(inv, r, texts, 0, "device irq %s %s", inv->argv[0], inv->argv[1]);
	row = (struct irq_row){ device.name, NUM(op.vector), states[op.what], NUM_UNKNOWN };
	if (op.what == OP_IRQ_READ) {
		row.count = NUM(op.ret_count);
		row.state = op.ret_count ? "came" : "none";
	}
	return answer_irq(inv, &row);
}

/* -- region ---------------------------------------------------------------------------------------------------------------- */

struct region_row {
	const char *device, *region;
	struct num offset, value;
};

static const struct field region_fields[] = {
	FIELD(struct region_row, device, F_STR, "DEVICE", "device", .flags = FIELD_DEFAULT),
	FIELD(struct region_row, region, F_STR, "REGION", "bar0 to bar5, rom, config, vga, or a number", .flags = FIELD_DEFAULT),
	FIELD(struct region_row, offset, F_HEX, "OFFSET", "where in it", .flags = FIELD_DEFAULT),
	FIELD(struct region_row, value, F_HEX, "VALUE", "what was read or written", .flags = FIELD_DEFAULT),
};

const struct record_type device_region_record = RECORD("device.region", 1, struct region_row, region_fields);

const char device_region_text[] =
	"Reads a register of an open device, or writes VALUE to it. What a write does is up to the device.";

static const char *const region_words[] = { "bar0", "bar1", "bar2", "bar3", "bar4", "bar5", "rom", "config", "vga", NULL };

const struct arg_row device_region_args[] = {
	{ .name = "NAME", .help = "an open device", .complete = COMPLETE_OBJECT },
	{ .name = "REGION", .help = "bar0 to bar5, rom, config, vga, or a number", .words = region_words },
	{ .name = "OFFSET", .help = "where in it" },
	{ .name = "VALUE", .help = "what to write; without it, it is read", .optional = true },
	{ 0 },
};

const struct option_row device_region_options[] = {
	{ .name = "width", .arg = "BYTES", .help = "1, 2, 4 (the default) or 8" },
	{ 0 },
};

static int region_of(struct invocation *inv, const char *word, uint32_t *ret)
{
	for (uint32_t i = 0; region_words[i]; i++) {
		if (!streq(region_words[i], word))
			continue;
		*ret = i;
		return EXIT_DONE;
	}
	if (parse_u32(word, ret) == 0)
		return EXIT_DONE;
	return bad_argument(inv, word, "no region of a device", "bar0 to bar5, rom, config, vga, or a number");
}

static int check_width(struct invocation *inv, uint32_t width)
{
	if (width == 1 || width == 2 || width == 4 || width == 8)
		return EXIT_DONE;
	return bad_argument(inv, "--width", "neither 1, 2, 4 nor 8", NULL);
}

int device_region_run(struct invocation *inv)
{
	static const struct errno_text texts[] = {
		{ EINVAL, "the device has no such region, or it ends before that place", NULL },
		{ EOPNOTSUPP, "the model knows no registers", NULL },
		{ 0 },
	};
	struct op_device_region op = { .width = 4, .write = inv->argc > 3 };
	struct op_object device;
	struct region_row row;
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = region_of(inv, inv->argv[1], &op.index);
	if (r == EXIT_DONE)
		r = take_number(inv, "OFFSET", inv->argv[2], &op.offset);
	if (r == EXIT_DONE && op.write)
		r = take_number(inv, "VALUE", inv->argv[3], &op.value);
	if (r == EXIT_DONE)
		r = option_u32(inv, "width", &op.width);
	if (r == EXIT_DONE)
		r = check_width(inv, op.width);
	if (r == EXIT_DONE)
		r = object_find_device(inv, inv->argv[0], &device);
	if (r != EXIT_DONE)
		return r;
	op.handle = device.handle;
	r = backend_device_region(be, &op, NULL);
	if (r < 0)
		return op_failed(inv, r, texts, 0, "device region %s %s", inv->argv[0], inv->argv[1]);
	row = (struct region_row){ device.name, inv->argv[1], NUM(op.offset), NUM(op.value) };
	if (!wants_text(inv))
		return out_row(inv->out, &row);
	if (!op.write)
		out_verbatim(inv->out, "0x%llx", (unsigned long long)op.value);
	return EXIT_DONE;
}
