// SPDX-License-Identifier: GPL-2.0-or-later
#include "act/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/json.h"
#include "base/newfile.h"
#include "base/str.h"

#define SCHEMA "iommuctl.bindings/1"
#define FILE_NAME "bindings.json"
#define NEW_NAME "bindings.json.new"
#define MAX_SIZE (4u << 20)

static const char *const state_words[] = {
	[JOURNAL_MOVING] = "moving",
	[JOURNAL_MOVED] = "moved",
	[JOURNAL_PENDING] = "pending",
};

static int failed(struct ctx *ctx, int err, const char *hint, const char *what)
{
	return ctx_error(ctx, NOTE(.code = "journal", .err = err, .hint = hint), "%s", what);
}

/* -- reading --------------------------------------------------------------------------------------------- */

static bool good_name(const char *s)
{
	return s && *s && *s != '.' && !strchr(s, '/');
}

static int get_string(struct json_object *o, const char *key, struct arena *a, const char **ret)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v))
		return -EBADMSG;
	if (v && !json_object_is_type(v, json_type_string))
		return -EBADMSG;
	*ret = v ? arena_strdup(a, json_object_get_string(v)) : NULL;
	return 0;
}

static struct num get_number(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_int))
		return NUM_UNKNOWN;
	return NUM(json_object_get_int64(v));
}

/* Of those that older versions did not write. */
static int get_new_string(struct json_object *o, const char *key, struct arena *a, const char **ret)
{
	return json_object_object_get_ex(o, key, NULL) ? get_string(o, key, a, ret) : 0;
}

static enum tri get_tri(struct json_object *o, const char *key)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_boolean))
		return TRI_UNKNOWN;
	return json_object_get_boolean(v) ? TRI_YES : TRI_NO;
}

static int get_state(struct json_object *o, struct arena *a, enum journal_state *ret)
{
	const char *word;

	if (get_string(o, "state", a, &word) < 0 || !word)
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(state_words); i++) {
		if (streq(word, state_words[i])) {
			*ret = i;
			return 0;
		}
	}
	return -EBADMSG;
}

/* What is read here is written to sysfs, as root: names that lead elsewhere are no names. */
static int read_entry(struct json_object *o, struct arena *a, struct journal_entry *ret)
{
	struct journal_entry e = { 0 };
	struct json_object *v;

	if (!json_object_is_type(o, json_type_object) || get_string(o, "bus", a, &e.bus) < 0 ||
	    get_string(o, "device", a, &e.device) < 0 || get_string(o, "driver", a, &e.driver) < 0 ||
	    get_string(o, "module", a, &e.module) < 0 || get_string(o, "override", a, &e.override) < 0 ||
	    get_string(o, "to", a, &e.to) < 0 || get_state(o, a, &e.state) < 0 ||
	    get_new_string(o, "pf", a, &e.pf) < 0)
		return -EBADMSG;
	if (!good_name(e.bus) || !good_name(e.device) || (e.driver && !good_name(e.driver)) ||
	    (e.to && !good_name(e.to)) || (e.pf && !good_name(e.pf)))
		return -EBADMSG;
	e.has_override = json_object_object_get_ex(o, "has_override", &v) && json_object_get_boolean(v);
	e.pid = get_number(o, "pid");
	e.pid_start = get_number(o, "pid_start");
	e.vfs = get_number(o, "vfs");
	if (e.vfs.known && (e.vfs.v < 0 || e.vfs.v > UINT16_MAX))
		return -EBADMSG;
	e.vf_autoprobe = get_tri(o, "vf_autoprobe");
	*ret = e;
	return 0;
}

static int read_entries(struct journal *j, struct json_object *devices)
{
	for (size_t i = 0; i < json_object_array_length(devices); i++) {
		struct journal_entry e;
		int r = read_entry(json_object_array_get_idx(devices, i), &j->ctx->arena, &e);

		if (r < 0)
			return r;
		*vec_push(&j->v) = e;
	}
	return 0;
}

static int take_document(struct journal *j, struct json_object *doc)
{
	struct json_object *devices;
	const char *schema, *boot_id;

	if (!json_object_is_type(doc, json_type_object) || get_string(doc, "schema", &j->ctx->arena, &schema) < 0 ||
	    !schema)
		return -EBADMSG;
	if (!streq(schema, SCHEMA))
		return strstarts(schema, "iommuctl.bindings/") ? -EPROTONOSUPPORT : -EBADMSG;
	if (get_string(doc, "boot_id", &j->ctx->arena, &boot_id) < 0 || !boot_id ||
	    !json_object_object_get_ex(doc, "devices", &devices) || !json_object_is_type(devices, json_type_array))
		return -EBADMSG;
	if (streq(boot_id, j->boot_id))
		return read_entries(j, devices);
	if (json_object_array_length(devices))
		ctx_warn(j->ctx, "old-journal", ESTALE, JOURNAL_DIR "/" FILE_NAME,
			 "the journal of an earlier boot is left aside");
	return 0;
}

static int read_text(int dir, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = openat(dir, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_free_ char *buf = NULL;
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > MAX_SIZE)
		return -EBADMSG;
	buf = must_malloc(st.st_size + 1);
	while (len < (size_t)st.st_size && (n = read(fd, buf + len, st.st_size - len)) != 0) {
		if (n < 0)
			return -errno;
		len += n;
	}
	buf[len] = '\0';
	*ret = buf;
	*ret_len = len;
	buf = NULL;
	return 0;
}

static int read_journal(struct journal *j)
{
	_cleanup_free_ char *text = NULL;
	struct json_object *doc;
	size_t len = 0;
	int r = read_text(j->dir, &text, &len);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	doc = json_read(text, len, JSON_TOKENER_DEFAULT_DEPTH);
	r = doc ? take_document(j, doc) : -EBADMSG;
	json_object_put(doc);
	return r;
}

/* -- opening -------------------------------------------------------------------------------------------------- */

static int take_lock(struct journal *j, int timeout_ms, const volatile sig_atomic_t *interrupted)
{
	const struct timespec nap = { .tv_nsec = 20 * 1000 * 1000 };

	j->lock = openat(j->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->lock < 0)
		return -errno;
	while (flock(j->lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (interrupted && *interrupted)
			return -EINTR;
		if (timeout_ms <= 0)
			return -ETIMEDOUT;
		nanosleep(&nap, NULL);
		timeout_ms -= 20;
	}
	return 0;
}

static int open_dir(struct journal *j, const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	j->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (j->dir < 0)
		return -errno;
	/* what is in it is acted on: it must be ours, where anybody may make folders */
	if (fstat(j->dir, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return -EPERM;
	/* a file system that cannot be written to says so before anything is moved */
	return faccessat(j->dir, ".", W_OK, 0) < 0 ? -errno : 0;
}

static int open_all(struct journal *j, const char *dir, int timeout_ms, const volatile sig_atomic_t *interrupted)
{
	const char *file = arena_printf(&j->ctx->arena, "%s/" FILE_NAME, dir);
	int r = open_dir(j, dir);

	if ((r == -EACCES || r == -EPERM) && geteuid() != 0)
		return ctx_error(j->ctx, NOTE(.code = "journal", .err = r, .where = dir, .why = "only root may change its devices",
					      .hint = "run it as root; -M rehearses it on a model"), "this machine");
	if (r < 0)
		return failed(j->ctx, r, r == -EPERM ? "the folder has to be root's, and nobody else's to write to" :
						       "the journal has to be written before anything is changed", dir);
	r = take_lock(j, timeout_ms, interrupted);
	if (r == -ETIMEDOUT)
		return failed(j->ctx, r, "wait for the other iommuctl, or raise --timeout",
			      "another iommuctl is moving devices");
	if (r < 0)
		return failed(j->ctx, r, NULL, arena_printf(&j->ctx->arena, "%s/lock", dir));
	r = read_journal(j);
	if (r == -EBADMSG)
		return ctx_error(j->ctx,
				 NOTE(.code = "bad-journal", .err = EBADMSG, .why = "it is damaged, or not a journal",
				      .hint = arena_printf(&j->ctx->arena,
							   "read what is left of it, then: mv %s %s.bad", file, file)),
				 "%s", file);
	return r < 0 ? failed(j->ctx, r, NULL, file) : 0;
}

int journal_open(struct ctx *ctx, const char *dir, const char *boot_id, int timeout_ms,
		 const volatile sig_atomic_t *interrupted, struct journal **ret)
{
	_cleanup_(cleanup_journal_close) struct journal *j = must_calloc(1, sizeof(*j));
	int r;

	*j = (struct journal){ .ctx = ctx, .boot_id = boot_id, .dir = -1, .lock = -1 };
	r = open_all(j, dir, timeout_ms, interrupted);
	if (r < 0)
		return r;
	*ret = j;
	j = NULL;
	return 0;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->lock >= 0)
		close(j->lock);
	if (j->dir >= 0)
		close(j->dir);
	vec_free(&j->v);
	free(j);
}

/* -- changing ----------------------------------------------------------------------------------------------------- */

struct journal_entry *journal_find(struct journal *j, const char *bus, const char *device)
{
	struct journal_entry *e;

	vec_for_each(e, &j->v)
		if (streq(e->bus, bus) && streq(e->device, device))
			return e;
	return NULL;
}

void journal_put(struct journal *j, const struct journal_entry *e)
{
	struct journal_entry *slot = journal_find(j, e->bus, e->device);
	struct arena *a = &j->ctx->arena;
	struct journal_entry copy = *e;

	copy.bus = arena_strdup(a, e->bus);
	copy.device = arena_strdup(a, e->device);
	copy.driver = arena_strdup(a, e->driver);
	copy.module = arena_strdup(a, e->module);
	copy.override = arena_strdup(a, e->override);
	copy.to = arena_strdup(a, e->to);
	copy.pf = arena_strdup(a, e->pf);
	if (!slot)
		slot = vec_push(&j->v);
	*slot = copy;
}

void journal_drop(struct journal *j, const char *bus, const char *device)
{
	struct journal_entry *e = journal_find(j, bus, device);

	if (!e)
		return;
	memmove(e, e + 1, (j->v.v + j->v.n - (e + 1)) * sizeof(*e));
	j->v.n--;
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

static void add_string(struct json_object *o, const char *key, const char *s)
{
	json_set(o, key, json_make_string(s));
}

static void add_number(struct json_object *o, const char *key, struct num n)
{
	json_set(o, key, n.known ? json_make_int(n.v) : NULL);
}

static struct json_object *entry_json(const struct journal_entry *e)
{
	struct json_object *o = json_make_object();

	add_string(o, "bus", e->bus);
	add_string(o, "device", e->device);
	add_string(o, "driver", e->driver);
	add_string(o, "module", e->module);
	json_set(o, "has_override", json_make_bool(e->has_override));
	add_string(o, "override", e->override);
	add_string(o, "to", e->to);
	add_string(o, "state", state_words[e->state]);
	add_number(o, "pid", e->pid);
	add_number(o, "pid_start", e->pid_start);
	add_number(o, "vfs", e->vfs);
	json_set(o, "vf_autoprobe", e->vf_autoprobe == TRI_UNKNOWN ? NULL : json_make_bool(e->vf_autoprobe));
	add_string(o, "pf", e->pf);
	return o;
}

static int write_file(struct journal *j, const char *text)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (unlinkat(j->dir, NEW_NAME, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(j->dir, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(j->dir, NEW_NAME, j->dir, FILE_NAME) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(j->dir, NEW_NAME, 0);
	return r;
}

int journal_save(struct journal *j)
{
	struct json_object *doc, *devices;
	const struct journal_entry *e;
	int r = 0;

	if (!j->v.n) {
		if (unlinkat(j->dir, FILE_NAME, 0) < 0 && errno != ENOENT)
			r = -errno;
		return r < 0 ? failed(j->ctx, r, NULL, "the journal cannot be written") : 0;
	}
	doc = json_make_object();
	devices = json_make_array();
	add_string(doc, "schema", SCHEMA);
	add_string(doc, "boot_id", j->boot_id);
	vec_for_each(e, &j->v)
		json_append(devices, entry_json(e));
	json_set(doc, "devices", devices);
	r = write_file(j, json_text(doc));
	json_object_put(doc);
	return r < 0 ? failed(j->ctx, r, NULL, "the journal cannot be written") : 0;
}
