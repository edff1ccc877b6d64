// SPDX-License-Identifier: GPL-2.0-or-later
/* The noun faultq: page requests of devices, and their answers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "abi/iommufd.h"
#include "base/str.h"
#include "cmd/object/objects.h"
#include "cmd/start.h"

static const struct record_type alloc_record = MADE_RECORD("faultq.alloc");

struct request_row {
	struct num address, pasid;
	const char *access;
	int last;
};

static const struct field request_fields[] = {
	FIELD(struct request_row, address, F_HEX, "ADDRESS", "page that is wanted", .flags = FIELD_DEFAULT),
	FIELD(struct request_row, pasid, F_INT, "PASID", "process address space; null: the device itself", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct request_row, access, F_STR, "ACCESS", "letters of rwxp: read, write, execute, privileged", .flags = FIELD_DEFAULT),
	FIELD(struct request_row, last, F_BOOL, "LAST", "whether it ends its group", .flags = FIELD_DEFAULT),
};

static const struct record_type request_record = RECORD("faultq.request", 1, struct request_row, request_fields);

/* One page request group, and what became of it. */
struct group_row {
	const char *queue, *device;
	struct num cookie, group;
	struct rows requests;
	const char *answer;
};

#define G(member, type, head, text, ...) FIELD(struct group_row, member, type, head, text, ##__VA_ARGS__)

static const struct field group_fields[] = {
	G(queue, F_STR, "QUEUE", "fault queue", .flags = FIELD_DEFAULT),
	G(cookie, F_INT, "COOKIE", "what it is answered by", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	G(device, F_STR, "DEVICE", "device that asks; of a group with several devices the one that was attached first", .flags = FIELD_DEFAULT),
	G(group, F_INT, "GROUP", "number of the page request group", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	G(requests, F_LIST, "REQUESTS", "its requests, in their order", .sub = &request_record, .flags = FIELD_DEFAULT),
	G(answer, F_STR, "ANSWER", "success, invalid, gone (the kernel answered first); null: it waits", .flags = FIELD_DEFAULT),
};

static const struct record_type wait_record = RECORD("faultq.wait", 1, struct group_row, group_fields);
static const struct record_type respond_record = RECORD("faultq.respond", 1, struct group_row, group_fields);
static const struct record_type serve_record = RECORD("faultq.serve", 1, struct group_row, group_fields);

static const struct errno_text queue_texts[] = {
	{ ENOENT, "it is no fault queue", "object tree" },
	{ EINVAL, "no group waits for that cookie: it was answered, or its device was detached or moved and the kernel answered", NULL },
	{ 0 },
};

/* No time at all is not the default. */
static int option_hold(struct invocation *inv, uint32_t *ret)
{
	int r = option_ms(inv, "hold", ret);

	if (r == EXIT_DONE && inv_opt(inv, "hold") && !*ret)
		*ret = 1;
	return r;
}

static const char *const answers[] = { [IOMMUFD_PAGE_RESP_SUCCESS] = "success", [IOMMUFD_PAGE_RESP_INVALID] = "invalid" };

static int take_answer(struct invocation *inv, const char *word, uint32_t *ret)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (!streq(answers[i], word))
			continue;
		*ret = i;
		return EXIT_DONE;
	}
	return bad_argument(inv, word, "neither success nor invalid", NULL);
}

/* -- alloc -------------------------------------------------------------------------------------------------------------- */

static int run_alloc(struct invocation *inv)
{
	static const struct errno_text texts[] = {
		{ EEXIST, "there is an object of that name", NULL },
		ERRNO_NO_IOMMUFD,
		ERRNO_IOMMUFD_CLOSED,
		{ 0 },
	};
	struct op_faultq_alloc op = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = option_hold(inv, &op.hold_ms);
	if (r != EXIT_DONE)
		return r;
	take_as(inv, op.name);
	r = backend_faultq_alloc(be, &op, NULL);
	if (r < 0)
		return op_failed(inv, r, texts, 0x8e, "faultq alloc");
	return object_made(inv, op.name, OP_KIND_FAULTQ, op.ret_id);
}

/* -- taking a group ------------------------------------------------------------------------------------------------------ */

static const char *access_letters(struct invocation *inv, uint32_t perm)
{
	char text[5], *p = text;

	for (unsigned i = 0; i < 4; i++)
		if (perm & 1U << i)
			*p++ = "rwxp"[i];
	*p = '\0';
	return arena_strdup(&inv->ctx->arena, text);
}

/* Flags beyond the two are the kernel's own, and show through. */
static void fill_group(struct invocation *inv, const struct op_object *q, const struct iommu_hwpt_pgfault *v, size_t n, struct group_row *row)
{
	struct request_row *requests = arena_array(&inv->ctx->arena, struct request_row, n);

	for (size_t i = 0; i < n; i++)
		requests[i] = (struct request_row){
			.address = NUM(v[i].addr),
			.pasid = v[i].flags & IOMMU_PGFAULT_FLAGS_PASID_VALID ? NUM(v[i].pasid) : NUM_UNKNOWN,
			.access = access_letters(inv, v[i].perm),
			.last = v[i].flags & IOMMU_PGFAULT_FLAGS_LAST_PAGE ? TRI_YES : TRI_NO,
		};
	*row = (struct group_row){
		.queue = q->name,
		.device = object_word(inv, v->dev_id),
		.cookie = NUM(v->cookie),
		.group = NUM(v->grpid),
		.requests = ROWS(requests, n),
	};
}

/* -EAGAIN: none came in time. */
static int take_group(struct invocation *inv, struct backend *be, const struct op_object *q, uint32_t hold_ms, uint32_t wait_ms,
		      struct group_row *row)
{
	struct op_fault_take op = { .id = q->id, .hold_ms = hold_ms, .wait_ms = wait_ms };
	struct iommu_hwpt_pgfault *v = arena_array(&inv->ctx->arena, struct iommu_hwpt_pgfault, 1024);
	struct op_data d = { .out = v, .out_cap = 1024 * sizeof(*v), .fd_in = -1, .fd_out = -1 };
	int r = backend_fault_take(be, &op, &d);

	if (r < 0)
		return r;
	if (!op.ret_n || d.out_len < sizeof(*v))
		return -EBADMSG;
	fill_group(inv, q, v, MIN(op.ret_n, d.out_len / sizeof(*v)), row);
	return 0;
}

static void print_group(struct invocation *inv, const struct group_row *row)
{
	const struct request_row *v = row->requests.v;

	out_text(inv->out, "cookie %lld: %s, group %lld%s%s", (long long)row->cookie.v, row->device, (long long)row->group.v,
		 row->answer ? ": " : "", row->answer ? row->answer : "");
	for (size_t i = 0; i < row->requests.n; i++)
		out_text(inv->out, "  %s 0x%llx%s%s", v[i].access, (unsigned long long)v[i].address.v, v[i].pasid.known ? " pasid " : "",
			 v[i].pasid.known ? arena_printf(&inv->ctx->arena, "%lld", (long long)v[i].pasid.v) : "");
}

static int run_wait(struct invocation *inv)
{
	uint32_t hold_ms = 0, wait_ms = 10000;
	struct group_row row;
	struct op_object q = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = option_hold(inv, &hold_ms);
	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OPT_MS("timeout", &wait_ms), TAKE_OBJECT(0, &q));
	if (r != EXIT_DONE)
		return r;
	r = take_group(inv, be, &q, hold_ms, wait_ms, &row);
	if (r == -EAGAIN)
		return EXIT_NO;
	if (r < 0)
		return op_failed_on(inv, r, &q, OP_KIND_FAULTQ, queue_texts, 0, "faultq wait %s", inv->argv[0]);
	if (!wants_text(inv))
		return out_row(inv->out, &row);
	print_group(inv, &row);
	return EXIT_DONE;
}

/* -- respond ----------------------------------------------------------------------------------------------------------------- */

static int run_respond(struct invocation *inv)
{
	struct op_faultq_respond op = { 0 };
	struct group_row row;
	struct op_object q = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = take_u32(inv, "COOKIE", inv->argv[1], &op.cookie);
	if (r == EXIT_DONE)
		r = take_answer(inv, inv->argv[2], &op.code);
	if (r == EXIT_DONE)
		r = object_find(inv, inv->argv[0], &q);
	if (r != EXIT_DONE)
		return r;
	op.id = q.id;
	r = backend_faultq_respond(be, &op, NULL);
	if (r < 0)
		return op_failed_on(inv, r, &q, OP_KIND_FAULTQ, queue_texts, 0, "faultq respond %s %u", inv->argv[0], op.cookie);
	object_changed(inv);
	row = (struct group_row){ .queue = q.name, .cookie = NUM(op.cookie), .answer = answers[op.code] };
	return wants_text(inv) ? EXIT_DONE : out_row(inv->out, &row);
}

/* -- serve ------------------------------------------------------------------------------------------------------------------- */

struct serving {
	struct invocation *inv;
	struct backend *be;
	struct op_object q;
	uint32_t policy, hold_ms, idle_ms, left; /* left: groups to go, 0 no end */
	bool by_script;
	int start_err; /* of the script, 0 none */
};

static void set_number(const char *name, const char *form, long long v)
{
	char text[32];

	snprintf(text, sizeof(text), form, v);
	setenv(name, text, 1);
}

/* In the child: the first request is what the script is asked about; all of them are in FAULT_REQUESTS. */
static void set_environment(const struct group_row *row)
{
	const struct request_row *v = row->requests.v;
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < row->requests.n; i++)
		strbuf_printf(&b, "%s%s:0x%llx", i ? " " : "", v[i].access, (unsigned long long)v[i].address.v);
	setenv("FAULT_QUEUE", row->queue, 1);
	setenv("FAULT_DEVICE", row->device, 1);
	setenv("FAULT_ACCESS", v->access, 1);
	setenv("FAULT_REQUESTS", strbuf_str(&b), 1);
	set_number("FAULT_COOKIE", "%lld", row->cookie.v);
	set_number("FAULT_GROUP", "%lld", row->group.v);
	set_number("FAULT_ADDRESS", "0x%llx", v->address.v);
	if (v->pasid.known)
		set_number("FAULT_PASID", "%lld", v->pasid.v);
	else
		unsetenv("FAULT_PASID");
}

/* The script's exit status is the answer: 0 success, all else invalid. One that cannot be started ends us. */
static uint32_t ask_script(struct serving *s, const struct group_row *row)
{
	pid_t pid;
	int status;

	set_environment(row);
	s->start_err = start_command(s->inv->ctx, s->inv->cmd, (struct start_how){ 0 }, &pid);
	if (s->start_err < 0)
		return IOMMUFD_PAGE_RESP_INVALID;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return IOMMUFD_PAGE_RESP_INVALID;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? IOMMUFD_PAGE_RESP_SUCCESS : IOMMUFD_PAGE_RESP_INVALID;
}

static int answer_group(struct serving *s, struct group_row *row)
{
	struct op_faultq_respond op = { .id = s->q.id, .cookie = (uint32_t)row->cookie.v };
	int r;

	op.code = s->by_script ? ask_script(s, row) : s->policy;
	r = backend_faultq_respond(s->be, &op, NULL);
	if (r < 0 && r != -EINVAL)
		return r;
	row->answer = r < 0 ? "gone" : answers[op.code];
	if (wants_text(s->inv))
		print_group(s->inv, row);
	else
		r = out_row(s->inv->out, row);
	return out_flush(s->inv->out) < 0 ? -EPIPE : r == -EINVAL ? 0 : r;
}

static int serve(struct serving *s)
{
	struct group_row row;
	int r;

	for (;;) {
		r = take_group(s->inv, s->be, &s->q, s->hold_ms, s->idle_ms, &row);
		if (r == -EAGAIN || r == -EINTR)
			return r == -EAGAIN ? EXIT_DONE : EXIT_INTERRUPTED;
		if (r == 0)
			r = answer_group(s, &row);
		if (r < 0)
			return op_failed_on(s->inv, r, &s->q, OP_KIND_FAULTQ, queue_texts, 0, "faultq serve %s", s->q.name);
		if (s->start_err < 0)
			return start_status(s->start_err);
		if (s->left && !--s->left)
			return EXIT_DONE;
	}
}

static int take_policy(struct serving *s)
{
	const char *word = inv_opt(s->inv, "policy") ?: s->inv->cmd ? "script" : "invalid";

	s->by_script = streq(word, "script");
	if (s->by_script != (s->inv->cmd != NULL))
		return bad_argument(s->inv, "faultq serve", s->by_script ? "--policy script wants a command behind --" :
				    "a command is for --policy script", NULL);
	return s->by_script ? EXIT_DONE : take_answer(s->inv, word, &s->policy);
}

static int run_serve(struct invocation *inv)
{
	struct serving s = { .inv = inv, .idle_ms = 1000000000 };
	int r = object_begin(inv, &s.be);

	if (r == EXIT_DONE)
		r = take_policy(&s);
	if (r == EXIT_DONE)
		r = option_hold(inv, &s.hold_ms);
	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OPT_MS("timeout", &s.idle_ms), TAKE_OPT_U32("count", &s.left));
	if (r == EXIT_DONE && inv_opt(inv, "count") && !s.left)
		r = bad_argument(inv, "--count 0", "it would be over before it begins", NULL);
	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OBJECT(0, &s.q));
	if (r != EXIT_DONE)
		return r;
	if (inv->machine->model && !inv->machine->session && !inv_opt(inv, "timeout")) {
		/* whoever could let a device ask for a page comes behind this command */
		s.idle_ms = 0;
		if (!s.left)
			ctx_warn(inv->ctx, "nobody-else", 0, NULL, "faultq serve: on a model, and in no session, it ends when the queue is empty");
	}
	s.be->interrupted = interrupt_catch();
	return serve(&s);
}

/* -- rows ------------------------------------------------------------------------------------------------------------------ */

#define QUEUE_ARG { .name = "QUEUE", .help = "a fault queue", .complete = COMPLETE_OBJECT }
#define HOLD_OPTION { .name = "hold", .arg = "SECONDS", .help = "how long a group may wait for its answer before it is answered invalid (default 30)" }

static const char *const answer_words[] = { "success", "invalid", NULL };
static const char *const policies[] = { "success", "invalid", "script", NULL };

static const struct option_row alloc_options[] = { HOLD_OPTION, { 0 } };
static const struct arg_row queue_args[] = { QUEUE_ARG, { 0 } };

static const struct option_row wait_options[] = {
	HOLD_OPTION,
	{ .name = "timeout", .arg = "SECONDS", .help = "how long to wait for a group (default 10)" },
	{ 0 },
};

static const struct arg_row respond_args[] = {
	QUEUE_ARG,
	{ .name = "COOKIE", .help = "of the group, as faultq wait printed it" },
	{ .name = "success|invalid", .help = "the answer", .words = answer_words },
	{ 0 },
};

static const struct arg_row serve_args[] = {
	QUEUE_ARG,
	{ .name = "COMMAND", .help = "asked about each group: exit status 0 is success, any other invalid", .complete = COMPLETE_COMMAND, .optional = true, .behind = true, .repeat = true },
	{ 0 },
};

static const struct option_row serve_options[] = {
	{ .name = "policy", .arg = "POLICY", .help = "success, invalid (the default), or script: what the command says", .complete = COMPLETE_WORDS,
	  .words = policies },
	HOLD_OPTION,
	{ .name = "count", .arg = "N", .help = "end after N groups" },
	{ .name = "timeout", .arg = "SECONDS", .help = "end when none has come for so long" },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "alloc",
		.summary = "make a queue for page requests",
		.text = "Page tables that are made with --fault send the page requests of their devices to it. A group of requests gets one answer. The kernel "
			"waits for it without end, so the batch or session sees to it that none goes without: it alone reads the queue, and what nobody "
			"answers within --hold, or what somebody took who has died since, is answered invalid. object tree shows how many.",
		.options = alloc_options,
		.record = &alloc_record,
		.flags = COMMAND_OBJECT | COMMAND_CREATES,
		.run = run_alloc,
	},
	{
		.verb = "wait",
		.summary = "wait for a group of page requests, and take it",
		.text = "Prints it, with the cookie that faultq respond takes. Exit status 3: none came in time.",
		.args = queue_args,
		.options = wait_options,
		.record = &wait_record,
		.flags = COMMAND_OBJECT,
		.run = run_wait,
	},
	{
		.verb = "respond",
		.summary = "answer a group",
		.text = "success: the pages are there now, and the device tries again. invalid: they are not, and its access fails.",
		.args = respond_args,
		.record = &respond_record,
		.flags = COMMAND_OBJECT,
		.run = run_respond,
	},
	{
		.verb = "serve",
		.summary = "answer every group that comes",
		.text = "With -- COMMAND that command is run for each group, with FAULT_QUEUE, FAULT_DEVICE, FAULT_COOKIE, FAULT_GROUP, FAULT_ADDRESS, FAULT_ACCESS, FAULT_PASID "
			"(where there is one) and FAULT_REQUESTS (all of them, as rw:0x1000) in its environment. It ends with --count, --timeout, or a signal.",
		.args = serve_args,
		.options = serve_options,
		.record = &serve_record,
		.flags = COMMAND_OBJECT | COMMAND_STREAM,
		.run = run_serve,
	},
};

const struct noun noun_faultq = {
	.name = "faultq",
	.summary = "page requests of devices, and their answers",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
