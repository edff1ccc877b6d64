// SPDX-License-Identifier: GPL-2.0-or-later
/* ioctls: the VFIO and iommufd calls of a command or process, decoded. */
#include "cmd/ioctls.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "abi/iommufd.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "cmd/output.h"
#include "cmd/start.h"
#include "cmd/take.h"

#define OUTPUT_BUFFER (64 * 1024)

/* -- names of objects ------------------------------------------------------------------------------------------------------ */

static const struct ioctl_bound *bound_of(const struct ioctl_names *n, const struct traced_call *c)
{
	for (size_t i = n->bound.n; i-- > 0;)
		if (n->bound.v[i].pid == c->pid && n->bound.v[i].fd == c->fd)
			return &n->bound.v[i];
	return NULL;
}

/* The context's descriptor: the call's own, or that which the device was bound to; -1 unknown. */
static int ioctl_context(const struct ioctl_names *n, const struct traced_call *c, const struct ioctl_decoded *d)
{
	const struct ioctl_value *fd;
	const struct ioctl_bound *b;

	if (c->kind == TRACED_IOMMUFD)
		return c->fd;
	fd = ioctl_value(d, "iommufd");
	if (fd)
		return (int)fd->v;
	b = bound_of(n, c);
	return b ? b->iommufd : -1;
}

static const struct ioctl_object *object_at(const struct ioctl_names *n, pid_t pid, int iommufd, uint32_t id)
{
	for (size_t i = n->objects.n; i-- > 0;) {
		const struct ioctl_object *o = &n->objects.v[i];

		if (o->pid == pid && o->iommufd == iommufd && o->id == id)
			return o;
	}
	return NULL;
}

const char *ioctl_name(const struct ioctl_names *n, const struct traced_call *c, uint32_t id)
{
	const struct ioctl_decoded nothing = { 0 };
	const struct ioctl_object *o = object_at(n, c->pid, ioctl_context(n, c, &nothing), id);

	return o ? o->name : NULL;
}

static const struct {
	const char *value, *word;
} makers[] = {
	{ "out_ioas_id", "ioas" },     { "out_hwpt_id", "hwpt" },	{ "out_fault_id", "faultq" }, { "out_viommu_id", "viommu" },
	{ "out_vdevice_id", "vdevice" }, { "out_veventq_id", "veventq" }, { "out_hw_queue_id", "hwqueue" }, { "out_devid", "dev" },
};

bool ioctl_destroys(const struct traced_call *c)
{
	return c->kind == TRACED_IOMMUFD && c->cmd == IOMMU_DESTROY;
}

static void forget_object(struct ioctl_names *n, pid_t pid, int iommufd, uint32_t id)
{
	const struct ioctl_object *o = object_at(n, pid, iommufd, id);

	/* the order does not matter but for doubles, which there are none of */
	if (o)
		n->objects.v[o - n->objects.v] = n->objects.v[--n->objects.n];
}

static const char *new_object(struct ioctl_names *n, const struct traced_call *c, int iommufd, uint32_t id, const char *word)
{
	struct ioctl_object o = { c->pid, iommufd, id, arena_printf(&n->arena, "%s%u", word, ++n->count) };

	forget_object(n, c->pid, iommufd, id); /* ids are used again, and a close of the context is none of our calls */
	*vec_push(&n->objects) = o;
	return o.name;
}

static void learn_bind(struct ioctl_names *n, const struct traced_call *c, int iommufd, const char *name)
{
	const struct ioctl_bound *b = bound_of(n, c);

	if (!b)
		b = vec_push(&n->bound);
	n->bound.v[b - n->bound.v] = (struct ioctl_bound){ c->pid, c->fd, iommufd, name };
}

/* What the call made; NULL: nothing. */
static const struct ioctl_value *made_by(const struct ioctl_decoded *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].out && d->v[i].kind == IOV_ID)
			return &d->v[i];
	return NULL;
}

void ioctl_learn(struct ioctl_names *n, const struct traced_call *c, const struct ioctl_decoded *d, const char **ret_made)
{
	const struct ioctl_value *id = ioctl_destroys(c) ? ioctl_value(d, "id") : made_by(d);

	*ret_made = NULL;
	if (!c->returned || c->ret < 0 || !d->name || !id)
		return;
	if (ioctl_destroys(c))
		forget_object(n, c->pid, ioctl_context(n, c, d), (uint32_t)id->v);
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		if (!streq(id->name, makers[i].value))
			continue;
		*ret_made = new_object(n, c, ioctl_context(n, c, d), (uint32_t)id->v, makers[i].word);
		if (streq(makers[i].value, "out_devid"))
			learn_bind(n, c, ioctl_context(n, c, d), *ret_made);
	}
}

/* -- records ------------------------------------------------------------------------------------------------------------------ */

struct value_row {
	const char *name, *value, *word;
	int out; /* enum tri */
};

static const struct field value_fields[] = {
	FIELD(struct value_row, name, F_STR, "NAME", "the member's name in the kernel's structure", .flags = FIELD_DEFAULT),
	FIELD(struct value_row, value, F_STR, "VALUE", "as a number; decimal, or 0x and hex; of a string itself", .flags = FIELD_DEFAULT),
	FIELD(struct value_row, word, F_STR, "WORD", "flags and constants in words, the name that an object got", .flags = FIELD_DEFAULT),
	FIELD(struct value_row, out, F_BOOL, "OUT", "whether the kernel wrote it"),
};

static const struct record_type value_record = RECORD("ioctl-value", 1, struct value_row, value_fields);

struct call_row {
	struct num time_us, took_us, pid, tid, fd, result, number;
	const char *on, *name, *call, *err;
	struct rows values;
};

#define CALL(member, type, head, text, ...) FIELD(struct call_row, member, type, head, text, ##__VA_ARGS__)

static const struct field call_fields[] = {
	CALL(time_us, F_INT, "TIME", "when it was made, from the start of the watching on", .unit = "us", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	CALL(took_us, F_INT, "TOOK", "until it came back, with the tracing's own cost", .unit = "us", .flags = FIELD_RIGHT),
	CALL(pid, F_INT, "PID", "process", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	CALL(tid, F_INT, "TID", "thread", .flags = FIELD_RIGHT),
	CALL(fd, F_INT, "FD", "descriptor", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	CALL(on, F_STR, "ON", "iommufd, container, group, device", .flags = FIELD_DEFAULT),
	CALL(name, F_STR, "NAME", "of the device, or the group's number; null: not known"),
	CALL(call, F_STR, "CALL", "name of the ioctl; null: not known", .flags = FIELD_DEFAULT),
	CALL(number, F_HEX, "NUMBER", "the same as the kernel gets it"),
	CALL(result, F_INT, "RESULT", "what it returned; null: it failed, or did not come back", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	CALL(err, F_STR, "ERRNO", "name of the error; null: it did not fail", .flags = FIELD_DEFAULT),
	CALL(values, F_LIST, "VALUES", "arguments, and what the kernel wrote", .sub = &value_record, .flags = FIELD_DEFAULT),
};

static const struct record_type ioctls_record = RECORD("ioctls", 1, struct call_row, call_fields);

struct watching {
	struct invocation *inv;
	struct ioctl_names names;
	struct arena arena; /* of one call */
	FILE *batch, *text;
	struct strbuf line; /* of text or batch */
	size_t calls, failed;
	struct num pid; /* when there is more than one, lines say which */
	bool several;
};

static enum ioctl_on on_of(enum traced_kind k)
{
	return k == TRACED_IOMMUFD ? IOCTL_ON_IOMMUFD : k == TRACED_CONTAINER ? IOCTL_ON_CONTAINER : k == TRACED_GROUP ? IOCTL_ON_GROUP : IOCTL_ON_DEVICE;
}

static const char *on_word(enum traced_kind k)
{
	static const char *const words[] = { [TRACED_IOMMUFD] = "iommufd", [TRACED_CONTAINER] = "container", [TRACED_GROUP] = "group",
					     [TRACED_DEVICE] = "device" };

	return words[k];
}

/* "EBUSY"; NULL: it did not fail. Beyond the errnos are those by which the kernel says "again". */
static const char *error_of(struct arena *a, const struct traced_call *c)
{
	const char *name;

	if (!c->returned || c->ret >= 0)
		return NULL;
	name = c->ret > -4096 ? strerrorname_np((int)-c->ret) : NULL;
	return name ? name : c->ret <= -512 ? "interrupted" : arena_printf(a, "%lld", (long long)c->ret);
}

static const char *number_text(struct arena *a, const struct ioctl_value *v)
{
	if (v->kind == IOV_TEXT)
		return v->text;
	if (v->kind == IOV_FD)
		return arena_printf(a, "%d", (int)(int32_t)v->v);
	return arena_printf(a, v->kind == IOV_HEX || v->kind == IOV_FLAGS ? "0x%llx" : "%llu", (unsigned long long)v->v);
}

static const char *word_text(const struct watching *w, const struct traced_call *c, const struct ioctl_value *v)
{
	if (v->kind == IOV_ID)
		return ioctl_name(&w->names, c, (uint32_t)v->v);
	return v->kind == IOV_TEXT ? NULL : v->text;
}

/* -- showing -------------------------------------------------------------------------------------------------------------------- */

static int print_row(struct watching *w, struct arena *a, const struct traced_call *c, const struct ioctl_decoded *d)
{
	struct value_row *v = arena_array(a, struct value_row, d->n);

	for (size_t i = 0; i < d->n; i++)
		v[i] = (struct value_row){ d->v[i].name, number_text(a, &d->v[i]), word_text(w, c, &d->v[i]), d->v[i].out ? TRI_YES : TRI_NO };
	return out_row(w->inv->out, &(struct call_row){
		.time_us = NUM(c->start / 1000),
		.took_us = c->returned ? NUM(c->took / 1000) : NUM_UNKNOWN,
		.pid = NUM(c->pid),
		.tid = NUM(c->tid),
		.fd = NUM(c->fd),
		.on = on_word(c->kind),
		.name = c->name,
		.call = d->name,
		.number = NUM(c->cmd),
		.result = c->returned && c->ret >= 0 ? NUM(c->ret) : NUM_UNKNOWN,
		.err = error_of(a, c),
		.values = ROWS(v, d->n),
	});
}

static void add_number(struct strbuf *b, const struct ioctl_value *v)
{
	if (v->kind == IOV_HEX || v->kind == IOV_FLAGS)
		strbuf_put_hex(b, v->v);
	else if (v->kind == IOV_FD)
		strbuf_printf(b, "%d", (int)(int32_t)v->v);
	else
		strbuf_put_dec(b, v->v);
}

/* Of all that is in a line, texts alone may be the program's own. */
static void add_values(struct strbuf *b, const struct watching *w, const struct traced_call *c, const struct ioctl_decoded *d, bool out)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct ioctl_value *v = &d->v[i];
		const char *word = word_text(w, c, v);

		if (v->out != out)
			continue;
		strbuf_putc(b, ' ');
		strbuf_puts(b, v->name);
		strbuf_putc(b, '=');
		if (v->kind == IOV_TEXT)
			strbuf_add_escaped(b, v->text);
		else if (v->kind == IOV_ID || !word)
			add_number(b, v);
		else
			strbuf_puts(b, word);
		if (v->kind == IOV_ID && word) {
			strbuf_putc(b, '(');
			strbuf_puts(b, word);
			strbuf_putc(b, ')');
		}
	}
}

/* "  0.001234 ". */
static void add_time(struct strbuf *b, uint64_t us)
{
	uint64_t s = us / 1000000;

	strbuf_puts(b, s < 10 ? "  " : s < 100 ? " " : "");
	strbuf_put_dec(b, s);
	/* six digits behind the point: of a million more, all but the first */
	strbuf_put_dec(b, 1000000 + us % 1000000);
	b->s[b->len - 7] = '.';
	strbuf_putc(b, ' ');
}

/* "  0.001234 12[4711] iommufd(3) IOMMU_IOAS_MAP flags=… -> 0 iova=0x1000". */
static void print_line(struct watching *w, struct arena *a, const struct traced_call *c, const struct ioctl_decoded *d)
{
	const char *err = error_of(a, c);
	struct strbuf *b = &w->line;

	strbuf_reset(b);
	add_time(b, c->start / 1000);
	if (w->several)
		strbuf_printf(b, "[%d] ", (int)c->tid);
	strbuf_puts(b, on_word(c->kind));
	if (c->name) {
		strbuf_putc(b, ' ');
		strbuf_add_escaped(b, c->name);
	}
	strbuf_putc(b, '(');
	strbuf_put_dec(b, (uint64_t)c->fd);
	strbuf_puts(b, ") ");
	if (d->name)
		strbuf_puts(b, d->name);
	else
		strbuf_put_hex(b, c->cmd);
	add_values(b, w, c, d, false);
	strbuf_puts(b, " -> ");
	if (!c->returned || err)
		strbuf_puts(b, c->returned ? err : "did not come back");
	else
		strbuf_put_dec(b, (uint64_t)c->ret);
	add_values(b, w, c, d, true);
	strbuf_putc(b, '\n');
	fwrite(b->s, 1, b->len, w->text);
}

/* -- what the tracer calls --------------------------------------------------------------------------------------------------------- */

static void decode(struct arena *a, const struct traced_call *c, bool done, struct ioctl_decoded *ret)
{
	ioctl_decode(a, on_of(c->kind), c->cmd, c->arg, c->in, c->n_in, c->out, c->n_out, done, ret);
	if (c->n_behind)
		ioctl_decode_data(a, c->behind, c->n_behind, ret);
}

static void show(struct watching *w, const struct traced_call *c, const struct ioctl_decoded *d, const char *made)
{
	if (w->batch)
		ioctl_batch_line(w->batch, &w->line, &w->names, c, d, made);
	if (w->text)
		print_line(w, &w->arena, c, d);
	else
		(void)print_row(w, &w->arena, c, d);
}

static void show_call(const struct traced_call *c, void *arg)
{
	struct watching *w = arg;
	struct ioctl_decoded d;
	const char *made;

	w->calls++;
	w->failed += c->returned && c->ret < 0;
	w->several |= w->pid.known && w->pid.v != c->tid;
	w->pid = NUM(c->tid);
	decode(&w->arena, c, c->returned && c->ret >= 0, &d);
	/* what a call destroys has its name on its own line still; what it makes has it already */
	if (ioctl_destroys(c))
		show(w, c, &d, NULL);
	ioctl_learn(&w->names, c, &d, &made);
	if (!ioctl_destroys(c))
		show(w, c, &d, made);
	arena_reset(&w->arena);
}

static void caught_up(void *arg)
{
	struct watching *w = arg;

	if (w->text)
		fflush(w->text);
}

/* -- the command --------------------------------------------------------------------------------------------------------------------- */

static int read_options(struct invocation *inv, struct tracer_options *o)
{
	int r = option_pid(inv, "pid", &o->pid);

	if (r != EXIT_DONE)
		return r;
	if (!o->pid == !inv->cmd)
		return bad_usage(inv, "ioctls", "it wants a command behind --, or -p PID, and not both", NULL);
	if (o->pid == getpid())
		return bad_argument(inv, "--pid", "that is iommuctl itself", NULL);
	o->cmd = inv->cmd;
	return option_duration(inv, &o->seconds);
}

static int open_batch(struct watching *w, const char *file)
{
	int r;

	if (!file)
		return 0;
	r = output_open(w->inv->ctx, file, NULL, &w->batch);
	if (r < 0)
		return r;
	ioctl_batch_begin(w->batch, w->inv->cmd);
	return 0;
}

/* The command's own status, as a shell gives it; ours when we did not do what we should. */
static int exit_of(const struct watching *w, int r, int status)
{
	if (w->inv->cmd && status != -1)
		return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (r == -EINTR)
		return inv_opt(w->inv, "duration") ? EXIT_INTERRUPTED : EXIT_DONE;
	return r < 0 ? (int)exit_from_errno(r) : EXIT_DONE;
}

static int watch(struct watching *w, struct tracer_options *o)
{
	bool json = out_options(w->inv->out)->json;
	const char *file = inv_opt(w->inv, "batch");
	int status = -1, r = open_batch(w, file), code;

	if (r < 0)
		return r;
	o->stdout_is_ours = json;
	o->call = show_call;
	o->caught_up = caught_up;
	o->arg = w;
	/* the command writes to stdout: our lines go where its errors go, as those of strace do */
	if (!json)
		w->text = w->inv->cmd ? stderr : stdout;
	/* not a write a line: caught_up() says when a user wants to see them */
	if (w->text)
		setvbuf(w->text, NULL, _IOFBF, OUTPUT_BUFFER);
	if (w->batch)
		setvbuf(w->batch, NULL, _IOFBF, OUTPUT_BUFFER);
	r = tracer_run(w->inv->ctx, o, &status);
	code = exit_of(w, r, status);
	if (w->batch && output_close(w->inv->ctx, w->batch, file) < 0 && !code)
		code = EXIT_FAILED;
	if (w->text && r >= 0 && w->inv->ctx->verbosity >= 0)
		fprintf(w->text, "%zu calls, %zu failed\n", w->calls, w->failed);
	return code;
}

static int run_ioctls(struct invocation *inv)
{
	struct watching w = { .inv = inv };
	struct tracer_options o = { 0 };
	int r;

	out_set_stream(inv->out);
	r = out_begin(inv->out, &ioctls_record);
	if (r < 0)
		return EXIT_USAGE;
	r = read_options(inv, &o);
	if (r == 0)
		r = watch(&w, &o);
	vec_free(&w.names.objects);
	vec_free(&w.names.bound);
	strbuf_free(&w.line);
	arena_free(&w.names.arena);
	arena_free(&w.arena);
	return r;
}

static const struct arg_row args[] = {
	COMMAND_ARG("command to run, behind --"),
	{ 0 },
};

static const struct option_row options[] = {
	{ .short_name = 'p', .name = "pid", .arg = "PID", .help = "watch this process, which runs already, and its threads and children" },
	{ .short_name = 'd', .name = "duration", .arg = "SECONDS", .help = "watch for so long only; a command runs on, unseen" },
	{ .name = "batch", .arg = "FILE", .help = "write a script for iommuctl batch that makes the same calls and expects the same errors",
	  .complete = COMPLETE_FILE },
	{ 0 },
};

static const struct command commands[] = {
	{
		.summary = "the VFIO and iommufd calls of a program, decoded",
		.text = "Runs a command, or attaches to a process, and shows each ioctl that it makes on an iommufd, a VFIO device, group or container: "
			"arguments and results by name, object ids with the name that the object got when it was made. Children and threads are "
			"followed; a descriptor is known by its device number, whatever path or socket it came by.\n\n"
			"--batch writes the reproducer that travels: a script that makes the same calls, in the same order, on the model, the "
			"kernel's mock or another machine, with an expect line for each that failed. What batch has no command for is in it as a comment.\n\n"
			"As root, on a kernel with BTF and BPF, small BPF programs at the entry and the return of ioctl(2) see the calls, and nobody stops "
			"for one: a program that does nothing but map and unmap single pages takes about twice its processor time, what else it does runs at full "
			"speed. Programs that make calls faster than they can be told are held up; if calls are lost all the same, their number is said. "
			"ptrace(2) follows children and threads.\n\n"
			"Elsewhere, in a container's process namespace too, ptrace(2) sees the calls as well, with a seccomp filter that stops a command for these "
			"alone: each costs two stops, some 70,000 instructions together, ten times what mapping a page does. A process that is attached to stops at "
			"all its system calls then.\n\n"
			"One process has one tracer: it does not go together with gdb or strace. The command does not outlive iommuctl; a process that was attached to runs on.\n\n"
			"The exit status is the command's; 127: it was not found, 126: it cannot be run, 128 and the signal's number: it was "
			"killed. Without a command 0; 7: not permitted to attach. With a command, lines go to standard error; with -j, records go to "
			"standard output, and the command's output to standard error.",
		.args = args,
		.options = options,
		.record = &ioctls_record,
		.flags = COMMAND_NO_SOURCE | COMMAND_STREAM,
		.run = run_ioctls,
	},
};

extern const struct noun noun_ioctls;
const struct noun noun_ioctls = {
	.name = "ioctls",
	.summary = "the VFIO and iommufd calls of a program",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
