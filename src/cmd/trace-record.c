// SPDX-License-Identifier: GPL-2.0-or-later
/* trace record: the kernel's own text of what IOMMUs do, into a file that every other trace command reads. */
#include "cmd/trace-record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/str.h"
#include "cmd/start.h"
#include "cmd/take.h"
#include "cmd/until.h"
#include "kmem/recorder.h"

struct recording_row {
	const char *file;
	struct num milliseconds, events, lost, bytes;
	int domains;
	struct strs tracepoints, probes;
};

static const struct field recording_fields[] = {
	FIELD(struct recording_row, file, F_STR, "FILE", "that was written", .flags = FIELD_DEFAULT),
	FIELD(struct recording_row, milliseconds, F_INT, "TIME", "that was recorded", .unit = "milliseconds", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct recording_row, events, F_INT, "EVENTS", "lines of events, those of probes included", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct recording_row, lost, F_INT, "LOST", "events that the kernel dropped because they were not read in time",
	      .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct recording_row, bytes, F_INT, "BYTES", "written", .unit = "bytes", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	FIELD(struct recording_row, domains, F_BOOL, "DOMAINS", "whether maps and unmaps name their domain", .flags = FIELD_DEFAULT),
	FIELD(struct recording_row, tracepoints, F_STRS, "TRACEPOINTS", "that this kernel has and that were on"),
	FIELD(struct recording_row, probes, F_STRS, "PROBES", "functions that were probed"),
};

const struct record_type trace_record_record = RECORD("trace.record", 1, struct recording_row, recording_fields);

const char trace_record_text[] =
	"Records what the IOMMUs of this machine do: maps, unmaps, attaches, invalidations, faults, page requests and their answers, and the kernel's "
	"log. The trace events that this kernel has are used, and probes where it has none. FILE, or standard output, gets the "
	"kernel's own text; trace decode, stat and convert, and faults decode read it.\n\n"
	"With a command behind --, recording ends with it, and its exit status is returned; with -d after so many seconds; else "
	"with a signal (Ctrl-C). It is a tracing instance of our own: other users of tracing are not disturbed, and all of it is taken "
	"away at the end, or by the next run should this one be killed.\n\n"
	"map and unmap events name no domain. With --domains probes tell it, so that trace stat can tell domains and their devices "
	"apart; they sit on a hot path, so I/O becomes slower. The file then has addresses of kernel memory in it, and is readable "
	"for its owner only; trace convert writes numbers instead.\n\n"
	"iommu:io_page_fault stays off where there is an SMMUv2: with its driver that event can crash the kernel.";

const struct arg_row trace_record_args[] = {
	{ .name = "FILE|-", .help = "file to write; standard output without it", .complete = COMPLETE_FILE, .optional = true },
	COMMAND_ARG("command to run while recording, behind --"),
	{ 0 },
};

const struct option_row trace_record_options[] = {
	UNTIL_DURATION,
	{ .name = "domains", .help = "also which domain each map, unmap and attach is about; slows I/O down" },
	{ .name = "buffer", .arg = "KIB", .help = "kernel memory of each processor for what is not read yet (default 8192, all together at most 256 MiB)" },
	{ 0 },
};

struct recording {
	struct invocation *inv;
	struct arena arena;
	struct recorder rec;
	const char *file; /* NULL: standard output */
	int fd;
	struct timespec start, shown;
	uint64_t events, bytes, lost;
	double seconds;
	bool progress, drawn;
};

/* -- what must stay off ---------------------------------------------------------------------------------------------------- */

bool has_smmuv2(struct source *src, struct ctx *ctx)
{
	struct src_list units = { 0 }, drivers = { 0 };
	int r = source_list(src, "sys/class/iommu", &ctx->arena, &units);

	for (size_t i = 0; r == 0 && i < units.n; i++)
		if (strstarts(units.v[i].name, "smmu."))
			return true;
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return true; /* nobody can tell */
	r = source_list(src, "sys/bus/platform/drivers/arm-smmu", &ctx->arena, &drivers);
	for (size_t i = 0; r == 0 && i < drivers.n; i++)
		if (drivers.v[i].is_link && !streq(drivers.v[i].name, "module"))
			return true;
	return false;
}

/* -- writing ----------------------------------------------------------------------------------------------------------------- */

static int write_error(struct recording *t, int err)
{
	return ctx_cannot_write(t->inv->ctx, err, t->file ?: "standard output");
}

static int put(struct recording *t, const char *text, size_t n)
{
	while (n) {
		ssize_t m = write(t->fd, text, n);

		if (m < 0 && errno == EINTR)
			continue;
		if (m < 0)
			return write_error(t, errno);
		text += m;
		n -= (size_t)m;
		t->bytes += (uint64_t)m;
	}
	return 0;
}

static int put_head(struct recording *t)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	struct recorder_attached *a;
	struct utsname u;

	uname(&u);
	strbuf_printf(&b, "# iommuctl trace record: Linux %s, %s, clock mono\n# tracepoints:", u.release, u.machine);
	for (size_t i = 0; i < t->rec.events.n; i++)
		strbuf_printf(&b, " %s", t->rec.events.v[i]);
	strbuf_puts(&b, "\n# probes:");
	for (size_t i = 0; i < t->rec.probes.n; i++)
		strbuf_printf(&b, " %s", t->rec.probes.v[i]);
	strbuf_putc(&b, '\n');
	vec_for_each(a, &t->rec.attached)
		strbuf_printf(&b, "# iommuctl attached domain=0x%" PRIx64 " device=%s\n", a->domain, a->device);
	return put(t, b.s, b.len);
}

static uint64_t count_lines(const char *text, size_t n)
{
	const char *end = text + n, *p = text;
	uint64_t lines = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		lines++;
		p++;
	}
	return lines;
}

/* What is there now; not more than so much at a time, for signals want to be heard, too. */
#define READS 512

static int drain(struct recording *t, size_t reads)
{
	char buf[65536];

	for (size_t i = 0; i < reads; i++) {
		ssize_t n = recorder_read(&t->rec, buf, sizeof(buf));
		int r;

		if (n < 0)
			return ctx_error(t->inv->ctx, NOTE(.code = "input", .err = (int)-n), "reading the trace");
		if (!n)
			return 0;
		t->events += count_lines(buf, (size_t)n);
		r = put(t, buf, (size_t)n);
		if (r < 0)
			return r;
	}
	return 0;
}

/* -- progress ---------------------------------------------------------------------------------------------------------------- */

static double seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) / 1e9;
}

static void draw_progress(struct recording *t)
{
	if (!t->progress || seconds_since(&t->shown) < 0.5)
		return;
	clock_gettime(CLOCK_MONOTONIC, &t->shown);
	t->drawn = true;
	fprintf(stderr, "\r%.1f s, %" PRIu64 " events, %" PRIu64 " lost ", seconds_since(&t->start), t->events, recorder_lost(&t->rec));
}

static void end_progress(struct recording *t)
{
	if (t->drawn)
		fprintf(stderr, "\r\033[K");
	if (t->inv->ctx->verbosity >= 0)
		fprintf(stderr, "recorded %" PRIu64 " events in %.1f s, %" PRIu64 " lost\n", t->events, t->seconds, t->lost);
}

/* -- recording --------------------------------------------------------------------------------------------------------------- */

static int watch(struct recording *t, struct until *u)
{
	int r = 0;

	while (r == 0 && !u->over) {
		struct pollfd fds[UNTIL_FDS + 1];

		until_fds(u, fds);
		fds[UNTIL_FDS] = (struct pollfd){ .fd = recorder_fd(&t->rec), .events = POLLIN };
		if (poll(fds, ARRAY_SIZE(fds), 200) < 0 && errno != EINTR)
			return -errno;
		until_look(u, fds);
		r = drain(t, READS);
		draw_progress(t);
	}
	recorder_pause(&t->rec);
	t->seconds = seconds_since(&t->start);
	if (r == 0)
		r = drain(t, SIZE_MAX);
	t->lost = recorder_lost(&t->rec);
	return r;
}

/* Nothing is recorded any more, and a command that was started is waited for all the same. */
static void wait_for_command(struct until *u)
{
	while (u->child && !u->over) {
		struct pollfd fds[UNTIL_FDS];

		until_fds(u, fds);
		poll(fds, ARRAY_SIZE(fds), -1);
		until_look(u, fds);
	}
}

static int tell(struct recording *t)
{
	struct invocation *inv = t->inv;

	end_progress(t);
	if (t->lost)
		ctx_note(inv->ctx, (struct note){ .level = NOTE_WARNING, .code = "events-lost", .where = t->file,
						  .hint = "a larger --buffer, or a shorter time" },
			 "the kernel dropped %" PRIu64 " events before they could be read", t->lost);
	if (!t->file)
		return 0;
	return out_options(inv->out)->json ? out_row(inv->out, &(struct recording_row){
		.file = t->file,
		.milliseconds = NUM(t->seconds * 1000),
		.events = NUM(t->events),
		.lost = NUM(t->lost),
		.bytes = NUM(t->bytes),
		.domains = inv_opt(inv, "domains") ? TRI_YES : TRI_NO,
		.tracepoints = STRS(t->rec.events.v, t->rec.events.n),
		.probes = STRS(t->rec.probes.v, t->rec.probes.n),
	}) : 0;
}

static int start(struct recording *t, const struct recorder_options *opt)
{
	int r = recorder_start(t->inv->ctx, opt, &t->arena, &t->rec);

	if (r < 0)
		return r;
	if (opt->no_io_page_fault && tracefs_has(&t->rec.fs, "events/iommu/io_page_fault"))
		ctx_warn(t->inv->ctx, "event-left-out", 0, NULL, "iommu:io_page_fault is left out: there is an SMMUv2, whose driver does not "
			 "name the device, and the event would make the kernel crash");
	clock_gettime(CLOCK_MONOTONIC, &t->start);
	t->shown = t->start;
	return put_head(t);
}

static int run_live(struct recording *t, const struct recorder_options *opt, double seconds)
{
	struct until u;
	int r = until_begin(&u);

	if (r == 0)
		r = start(t, opt);
	if (r == 0)
		r = until_start(&u, t->inv, seconds, !t->file || out_options(t->inv->out)->json);
	if (r == 0)
		r = watch(t, &u);
	if (r == 0)
		r = tell(t);
	recorder_stop(&t->rec);
	wait_for_command(&u);
	until_end(&u);
	return r < 0 ? r : until_exit(&u, t->inv);
}

/* -- arguments --------------------------------------------------------------------------------------------------------------- */

#define BUFFER_EACH (8ULL << 20)
#define BUFFER_ALL (256ULL << 20)
#define BUFFER_LEAST (1ULL << 20)

static int buffer_size(struct invocation *inv, uint64_t *ret)
{
	const char *value = inv_opt(inv, "buffer");
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t kib;

	*ret = MAX(MIN(BUFFER_EACH, BUFFER_ALL / (uint64_t)MAX(cpus, 1L)), BUFFER_LEAST);
	if (!value)
		return 0;
	if (parse_u64(value, &kib) < 0 || kib < 64 || kib > 1ULL << 30)
		return -EINVAL;
	*ret = kib << 10;
	return 0;
}

static int open_file(struct recording *t)
{
	if (!t->file)
		return 0;
	t->fd = open(t->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	return t->fd < 0 ? write_error(t, errno) : 0;
}

int trace_record_run(struct invocation *inv)
{
	struct recording t = { .inv = inv, .fd = STDOUT_FILENO };
	struct recorder_options opt = { .everything = true, .domains = inv_opt(inv, "domains") };
	double seconds;
	int r;

	if (out_options(inv->out)->json && out_begin(inv->out, &trace_record_record) < 0)
		return EXIT_USAGE;
	t.file = inv->argc && !streq(inv->argv[0], "-") ? inv->argv[0] : NULL;
	if (!source_is_live(inv->source))
		return bad_usage(inv, "trace record", "it records the running machine, not a snapshot", "leave --from out");
	if (!t.file && out_options(inv->out)->json)
		return bad_usage(inv, "-j", "it tells about the recording, and standard output has the trace", "give a FILE");
	if (until_seconds(inv, &seconds) != EXIT_DONE)
		return EXIT_USAGE;
	if (buffer_size(inv, &opt.buffer_bytes) < 0)
		return bad_argument(inv, "--buffer", "it wants KiB, 64 or more", NULL);
	opt.no_io_page_fault = has_smmuv2(inv->source, inv->ctx);
	t.progress = isatty(STDERR_FILENO) && inv->ctx->verbosity >= 0;
	r = open_file(&t);
	if (r == 0)
		r = run_live(&t, &opt, seconds);
	if (t.file && t.fd >= 0)
		close(t.fd);
	arena_free(&t.arena);
	return r;
}
