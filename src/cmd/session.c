// SPDX-License-Identifier: GPL-2.0-or-later
/* The noun session: objects that outlive a command. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "backend/workspace.h"
#include "base/str.h"
#include "cmd/args.h"
#include "cmd/object/objects.h"
#include "cmd/start.h"
#include "session/confine.h"
#include "session/keeper.h"
#include "session/place.h"
#include "session/remote.h"

#define DEFAULT_NAME "default"

struct session_row {
	const char *session, *state;
	struct num pid, objects;
	int model;
	const char *version;
};

#define S(member, type, head, text, ...) FIELD(struct session_row, member, type, head, text, ##__VA_ARGS__)

static const struct field session_fields[] = {
	S(session, F_STR, "SESSION", "its name", .flags = FIELD_DEFAULT),
	S(state, F_STR, "STATE", "running, stopped, dead (its keeper was killed), other-version, unreachable", .flags = FIELD_DEFAULT | FIELD_VERDICT),
	S(pid, F_INT, "PID", "process that keeps it; null: none", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	S(objects, F_INT, "OBJECTS", "objects that live in it", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	S(model, F_BOOL, "MODEL", "whether it acts on a model", .flags = FIELD_DEFAULT),
	S(version, F_STR, "VERSION", "version of iommuctl that started it", .flags = FIELD_DEFAULT),
};

static const struct record_type start_record = RECORD("session.start", 1, struct session_row, session_fields);
static const struct record_type list_record = RECORD("session.list", 1, struct session_row, session_fields);
static const struct record_type stop_record = RECORD("session.stop", 1, struct session_row, session_fields);

/* The argument, else --session, else IOMMUCTL_SESSION, else "default". NULL: it is no name, which was noted. */
static const char *session_name(struct invocation *inv)
{
	const char *env = secure_getenv("IOMMUCTL_SESSION");
	const char *name = inv->argc ? inv->argv[0] : inv->args->session ? inv->args->session : env && *env ? env : DEFAULT_NAME;

	if (workspace_good_name(name))
		return name;
	ctx_error(inv->ctx, NOTE(.code = "bad-name", .err = EINVAL, .why = "not a name for a session",
				 .hint = "a letter, then letters, digits, - and _, 32 in all"), "%s", name);
	return NULL;
}

/* -- start -------------------------------------------------------------------------------------------------------------- */

struct start {
	struct invocation *inv;
	const char *name;
	struct machine m; /* a model's */
	struct backend *be;
	int lock, listener;
	struct oom_end end, end_too; /* the files; the keeper, for who started it */
	pid_t child;
};

/* A session that cannot even reach iommufd would fail at its first command, far from the reason. */
static int check_iommufd(struct start *s)
{
	struct op_probe op = { .nr = 0x81 };
	struct ctx *ctx = s->inv->ctx;
	int r = backend_probe(s->be, &op, NULL);

	if (r == -ENOENT)
		ctx_warn(ctx, "no-iommufd", ENOENT, NULL, "there is no /dev/iommu: only device open --legacy will work here");
	else if (r == -EACCES || r == -EPERM)
		return exit_from_errno(ctx_error(ctx, NOTE(.code = "no-iommufd", .err = r, .why = "this user may not open it",
							   .hint = "run it as root, or have /dev/iommu given to you; -M needs neither"),
						 "/dev/iommu"));
	return EXIT_DONE;
}

static int open_kernel(struct start *s)
{
	struct backend *kernel;
	int r = backend_open_kernel(s->inv->ctx, &kernel);

	if (r == 0)
		r = workspace_new(kernel, NULL, &s->be);
	return r < 0 ? (int)exit_from_errno(r) : check_iommufd(s);
}

static int open_place(struct start *s)
{
	const struct arguments *a = s->inv->args;
	struct arguments here = { .from = a->from, .model = a->model, .inject = a->inject };
	int r;

	if (!a->model)
		return open_kernel(s);
	r = machine_open(s->inv->ctx, &here, &s->m);
	s->be = s->m.be;
	return r;
}

/* sd_notify(3), by hand: a service of Type=notify is up when it can be reached. */
static void notify_ready(void)
{
	static const char text[] = "READY=1";
	const char *path = secure_getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	_cleanup_close_ int sock = -1;

	if (!path || strlen(path) >= sizeof(a.sun_path) || (*path != '/' && *path != '@'))
		return;
	strcpy(a.sun_path, path);
	if (*path == '@')
		a.sun_path[0] = '\0';
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock >= 0)
		sendto(sock, text, sizeof(text) - 1, MSG_NOSIGNAL, (struct sockaddr *)&a,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
}

static int keep(struct start *s)
{
	struct keeper k = { .be = s->be, .listener = s->listener, .model = s->inv->args->model, .stop = interrupt_catch() };
	struct rlimit files;
	int r;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	umask(077);
	keeper_confine(s->m.source && source_is_live(s->m.base));
	notify_ready();
	r = keeper_run(&k);
	place_clean(s->inv->ctx, s->name);
	return r;
}

/* In the child: no terminal, no directory and no descriptor of whoever started it. */
static void leave(void)
{
	int null = open("/", O_PATH | O_CLOEXEC);

	setsid();
	if (chdir("/") < 0)
		return;
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
}

static int started(struct start *s, pid_t pid)
{
	struct session_row row = { .session = s->name, .state = "running", .pid = NUM(pid), .objects = NUM(0),
				   .model = s->inv->args->model, .version = PACKAGE_VERSION };

	if (!wants_text(s->inv))
		return out_row(s->inv->out, &row);
	out_verbatim(s->inv->out, "%s", s->name);
	return EXIT_DONE;
}

/*
 * Returns when the child has left the terminal, as its write end of @left tells: until then the hang-up of a terminal that
 * closes behind us would end it.
 */
static void wait_for_leave(const int left[2])
{
	char c;

	close(left[1]);
	while (read(left[0], &c, 1) < 0 && errno == EINTR)
		;
	close(left[0]);
}

/* A start that fails leaves nothing behind. */
static void end_child(void *start)
{
	struct start *s = start;

	kill(s->child, SIGTERM);
}

static int run_in_background(struct start *s)
{
	int left[2];
	pid_t pid = pipe2(left, O_CLOEXEC) < 0 ? -1 : fork();

	if (pid < 0) {
		int err = errno;

		place_clean(s->inv->ctx, s->name);
		return exit_from_errno(ctx_error(s->inv->ctx, NOTE(.code = "session", .err = err), "session %s", s->name));
	}
	if (pid == 0) {
		leave();
		close(left[0]);
		close(left[1]);
		_exit(keep(s) < 0 ? EXIT_FAILED : EXIT_DONE);
	}
	s->child = pid;
	s->end_too = (struct oom_end){ .fn = end_child, .arg = s };
	oom_at_end(&s->end_too);
	wait_for_leave(left);
	s->inv->changed = true;
	return started(s, pid);
}

static int run_in_foreground(struct start *s)
{
	int r = started(s, getpid());

	if (r >= 0)
		r = out_flush(s->inv->out);
	if (r >= 0)
		r = keep(s);
	return r;
}

static void start_free(struct start *s)
{
	oom_forget(&s->end);
	oom_forget(&s->end_too);
	if (s->m.source)
		machine_close(&s->m);
	else
		backend_close(s->be);
	cleanup_close(&s->listener);
	cleanup_close(&s->lock);
}

static int run_start(struct invocation *inv)
{
	_cleanup_(start_free) struct start s = { .inv = inv, .name = session_name(inv), .lock = -1, .listener = -1 };
	int r;

	if (!s.name || out_begin(inv->out, &start_record) < 0)
		return EXIT_USAGE;
	if (inv->args->from && !inv->args->model)
		return bad_argument(inv, "--from", "that machine is not here", "-M rehearses on a model of it");
	/* what a shell or a test left open must not be kept open for as long as the session lives */
	close_range(3, ~0U, 0);
	r = place_end(inv->ctx, s.name, &s.end);
	if (r == 0)
		r = place_listen(inv->ctx, s.name, &s.lock, &s.listener);
	if (r < 0)
		return exit_from_errno(r);
	oom_at_end(&s.end);
	r = open_place(&s);
	if (r != EXIT_DONE) {
		place_clean(inv->ctx, s.name);
		return r;
	}
	return inv_opt(inv, "foreground") ? run_in_foreground(&s) : run_in_background(&s);
}

/* -- list and stop --------------------------------------------------------------------------------------------------------- */

static struct session_row row_of(const char *name, int err, const struct session_info *info)
{
	if (err < 0)
		return (struct session_row){ .session = name, .state = err == -ECONNREFUSED ? "dead" : "unreachable", .model = TRI_UNKNOWN };
	return (struct session_row){
		.session = name,
		.state = info->equal ? "running" : "other-version",
		.pid = NUM(info->pid),
		.objects = NUM(info->objects),
		.model = info->model,
		.version = info->version,
	};
}

static int run_list(struct invocation *inv)
{
	const char **names;
	size_t n;
	int r;

	if (out_begin(inv->out, &list_record) < 0)
		return EXIT_USAGE;
	r = place_list(inv->ctx, &names, &n);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct session_info info;
		struct session_row row = row_of(names[i], session_ask(inv->ctx, names[i], false, &info), &info);

		r = out_row(inv->out, &row);
	}
	return r;
}

/* Who can take the lock may clean up: nobody keeps it. */
static int remove_dead(struct invocation *inv, const char *name)
{
	_cleanup_close_ int lock = -1;
	_cleanup_close_ int listener = -1;
	int r = place_listen(inv->ctx, name, &lock, &listener);

	if (r == 0)
		place_clean(inv->ctx, name);
	return r;
}

static int run_stop(struct invocation *inv)
{
	const char *name = session_name(inv);
	struct session_info info;
	struct session_row row;
	int r;

	if (!name || out_begin(inv->out, &stop_record) < 0)
		return EXIT_USAGE;
	r = place_check(inv->ctx);
	if (r < 0)
		return exit_from_errno(r);
	r = session_ask(inv->ctx, name, true, &info);
	row = row_of(name, r, &info);
	if (r == -ECONNREFUSED)
		r = remove_dead(inv, name);
	else if (r < 0)
		ctx_error(inv->ctx, NOTE(.code = "session-unreachable", .err = r,
					 .why = r == -ENOENT ? "there is no such session" : r == -EBUSY ? "too many are connected to it" : NULL,
					 .hint = "iommuctl session list"),
			  "session %s", name);
	if (r < 0)
		return exit_from_errno(r);
	inv->changed = true;
	row.state = "stopped";
	return wants_text(inv) ? EXIT_DONE : out_row(inv->out, &row);
}

/* -- exec ---------------------------------------------------------------------------------------------------------------------- */

struct exec {
	struct invocation *inv;
	struct backend *be;
	struct op_object *v;
	size_t n;
	VEC(int) fds;
};

static int read_objects(struct exec *x)
{
	struct op_object_list op = { 0 };
	struct op_data d = OP_DATA_NONE;
	int r = backend_object_list(x->be, &op, NULL);

	if (r < 0)
		return r;
	d.out_cap = op.ret_n * sizeof(*x->v);
	d.out = x->v = arena_alloc(&x->inv->ctx->arena, d.out_cap + 1);
	r = backend_object_list(x->be, &op, &d);
	x->n = d.out_len / sizeof(*x->v);
	return r;
}

static const struct op_object *find_object(const struct exec *x, const char *name, size_t len)
{
	for (size_t i = 0; i < x->n; i++)
		if (strlen(x->v[i].name) == len && !memcmp(x->v[i].name, name, len))
			return &x->v[i];
	return NULL;
}

/* A descriptor that the command inherits. */
static int fetch_fd(struct exec *x, uint32_t handle, const char *word, int *ret)
{
	static const struct errno_text texts[] = {
		{ EOPNOTSUPP, "a model has no descriptors", "a session without -M has them" },
		{ 0 },
	};
	struct op_device_fd op = { .handle = handle };
	struct op_data d = OP_DATA_NONE;
	int r = backend_device_fd(x->be, &op, &d);

	if (r < 0)
		return op_failed(x->inv, r, texts, 0, "session exec: %s", word);
	*vec_push(&x->fds) = d.fd_out;
	fcntl(d.fd_out, F_SETFD, 0);
	*ret = d.fd_out;
	return EXIT_DONE;
}

static int fd_of(struct exec *x, const char *name, size_t len, int *ret)
{
	const char *word = arena_printf(&x->inv->ctx->arena, "@%.*s", (int)len, name);
	const struct op_object *o;

	if (len == 7 && !memcmp(name, "iommufd", 7))
		return fetch_fd(x, 0, word, ret);
	o = find_object(x, name, len);
	if (!o || o->kind != OP_KIND_DEVICE)
		return bad_argument(x->inv, word, o ? "it is no device" : "there is no such device in the session", "@@ stands for @ itself");
	if (!(o->flags & OP_OBJECT_UNBOUND)) {
		ctx_error(x->inv->ctx, NOTE(.code = "device-bound", .err = EBUSY,
					    .why = "the session has bound it, and a program that is handed it binds for itself, which the kernel allows once",
					    .hint = arena_printf(&x->inv->ctx->arena, "device close %s, then device open %s --no-bind as %s", o->name, o->dev, o->name)),
			  "session exec: %s", word);
		return EXIT_FAILED;
	}
	return fetch_fd(x, o->handle, word, ret);
}

static size_t name_len(const char *s)
{
	size_t n = 0;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || (s[n] >= '0' && s[n] <= '9') || s[n] == '_' || s[n] == '-')
		n++;
	return n;
}

/* "@nic" at the beginning, or behind = or , or :, becomes a number; "@@" becomes "@". */
static int replace(struct exec *x, const char *arg, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	char before = '=';
	int fd = -1, r = EXIT_DONE;

	for (const char *p = arg; r == EXIT_DONE && *p; before = p[-1]) {
		size_t n = *p == '@' && strchr("=,:", before) ? name_len(p + 1) : 0;

		if (*p == '@' && p[1] == '@') {
			strbuf_putc(&b, '@');
			p += 2;
		} else if (n) {
			r = fd_of(x, p + 1, n, &fd);
			strbuf_printf(&b, "%d", fd);
			p += n + 1;
		} else {
			strbuf_putc(&b, *p++);
		}
	}
	*ret = arena_strdup(&x->inv->ctx->arena, strbuf_str(&b));
	return r;
}

/* They are the command's now: a device that it closes has to be free. */
static void drop_fds(struct exec *x)
{
	for (size_t i = 0; i < x->fds.n; i++)
		close(x->fds.v[i]);
	vec_free(&x->fds);
}

static int run_child(struct exec *x, char **argv)
{
	pid_t pid;
	int status, r = start_command(x->inv->ctx, argv, (struct start_how){ 0 }, &pid);

	drop_fds(x);
	if (r < 0)
		return start_status(r);
	/* an interrupt is the command's, and its end is ours */
	signal(SIGINT, SIG_IGN);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int exec_command(struct exec *x)
{
	char **argv;
	int n = 0, r;

	while (x->inv->cmd[n])
		n++;
	argv = arena_array(&x->inv->ctx->arena, char *, (size_t)n + 1);
	r = read_objects(x);
	if (r < 0)
		return op_failed(x->inv, r, NULL, 0, "session exec");
	r = EXIT_DONE;
	for (int i = 0; r == EXIT_DONE && i < n; i++)
		r = replace(x, x->inv->cmd[i], &argv[i]);
	if (r == EXIT_DONE)
		r = run_child(x, argv);
	drop_fds(x);
	return r;
}

static int run_exec(struct invocation *inv)
{
	const char *name = session_name(inv);
	struct exec x = { .inv = inv };
	struct session_info info;
	int r;

	if (!name)
		return EXIT_USAGE;
	if (!inv->cmd)
		return bad_argument(inv, "session exec", "no command stands behind --", "session exec NAME -- COMMAND");
	r = session_connect(inv->ctx, name, &info, &x.be);
	if (r < 0)
		return r == -EPERM || r == -EACCES ? EXIT_PERMISSION : EXIT_FAILED;
	r = exec_command(&x);
	backend_close(x.be);
	return r;
}

/* -- rows ------------------------------------------------------------------------------------------------------------------------ */

#define NAME_ARG { .name = "NAME", .help = "session (default: --session, else IOMMUCTL_SESSION, else \"default\")", .complete = COMPLETE_SESSION, .optional = true }

static const struct arg_row name_args[] = { NAME_ARG, { 0 } };

static const struct arg_row exec_args[] = {
	NAME_ARG,
	{ .name = "COMMAND", .help = "what to run", .complete = COMPLETE_COMMAND, .behind = true, .repeat = true },
	{ 0 },
};

static const struct option_row start_options[] = {
	{ .name = "foreground", .help = "do not go into the background: for service managers" },
	{ 0 },
};

static const struct command commands[] = {
	{
		.verb = "start",
		.summary = "start a process that keeps objects",
		.text = "Commands with --session NAME, or with IOMMUCTL_SESSION=NAME, work in it; their objects live until they are destroyed, or it is stopped. With -M "
			"it acts on a model: of this machine, or with --from of that one; both are fixed here. Its socket is in /run/iommuctl/sessions, for other "
			"users than root in $XDG_RUNTIME_DIR/iommuctl, or where IOMMUCTL_SESSION_DIR says, and only its owner may use it.\n\n"
			"It leaves its terminal. Where systemd-logind kills what users leave behind (KillUserProcesses=yes), start it as a service: "
			"systemctl start iommuctl-session@NAME, or systemd-run --user iommuctl session start --foreground NAME.",
		.args = name_args,
		.options = start_options,
		.record = &start_record,
		.flags = COMMAND_NO_SOURCE | COMMAND_ALONE,
		.run = run_start,
	},
	{
		.verb = "list",
		.summary = "sessions of this user",
		.record = &list_record,
		.flags = COMMAND_NO_SOURCE,
		.run = run_list,
	},
	{
		.verb = "stop",
		.summary = "end a session, with all of its objects",
		.text = "One that another version started can be stopped too, and what a dead one left is cleaned up.",
		.args = name_args,
		.record = &stop_record,
		.flags = COMMAND_NO_SOURCE | COMMAND_ALONE,
		.run = run_stop,
	},
	{
		.verb = "exec",
		.summary = "run a command that inherits iommufd and devices of a session",
		.text = "In its arguments @iommufd becomes the number of an inherited descriptor of the session's iommufd, and @NAME that of a device, where they stand at the beginning "
			"or behind \"=\", \",\" or \":\"; @@ stands for @. As in: session exec -- qemu-system-x86_64 -object iommufd,id=i,fd=@iommufd -device "
			"vfio-pci,iommufd=i,fd=@nic. Such a program binds the device itself, so it has to be opened with device open --no-bind. The exit status is the "
			"command's.",
		.args = exec_args,
		.flags = COMMAND_NO_SOURCE | COMMAND_ALONE,
		.run = run_exec,
	},
};

const struct noun noun_session = {
	.name = "session",
	.summary = "objects that outlive a command",
	.commands = commands,
	.n = ARRAY_SIZE(commands),
};
