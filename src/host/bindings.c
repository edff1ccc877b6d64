// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/bindings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Four short lines, and room for comments. */
#define MAX_SIZE 4096
#define MAX_NAME 64

#define HEX "0123456789abcdef"

/* -- one file -------------------------------------------------------------------------------------------------- */

/* "0000:00" or "10000:e0": domain and bus, in lower case. The length, 0 when it is none. */
static size_t root_length(const char *s)
{
	size_t n = strspn(s, HEX);

	if (n < 4 || n > 8 || s[n] != ':')
		return 0;
	return strspn(s + n + 1, HEX) == 2 ? n + 3 : 0;
}

/* "03.0": device and function. */
static bool is_function(const char *s, size_t len)
{
	return len == 4 && strspn(s, HEX) == 2 && s[0] < '2' && s[2] == '.' && s[3] >= '0' && s[3] <= '7';
}

static bool is_chain(const char *s)
{
	size_t n = root_length(s), len;
	bool function = false;

	if (!n)
		return false;
	for (s += n; *s == '/'; s += len) {
		s++;
		len = strcspn(s, "/");
		function = is_function(s, len);
		if (!function && !(len == 3 && !strncmp(s, "pci", 3)))
			return false;
	}
	return function && !*s;
}

static bool is_driver(const char *s)
{
	return *s && strlen(s) <= MAX_NAME && *s != '-' &&
	       !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")];
}

static bool is_ids(const char *s, struct binding *b)
{
	unsigned vendor, device;

	if (strlen(s) != 9 || strspn(s, HEX) != 4 || s[4] != ':' || strspn(s + 5, HEX) != 4 || sscanf(s, "%x:%x", &vendor, &device) != 2)
		return false;
	b->vendor = (uint16_t)vendor;
	b->device = (uint16_t)device;
	return true;
}

enum { HAS_PATH = 1, HAS_ID = 2, HAS_DRIVER = 4, HAS_WAS = 8, HAS_ALL = 15 };

/* Which of the values it is, 0 when it is none, or not as it has to be. */
static int take_value(struct arena *a, const char *name, const char *value, struct binding *b)
{
	const char *driver = streq(value, "none") ? NULL : arena_strdup(a, value);

	if (streq(name, "path")) {
		b->chain = arena_strdup(a, value);
		return is_chain(value) ? HAS_PATH : 0;
	}
	if (streq(name, "id"))
		return is_ids(value, b) ? HAS_ID : 0;
	if (driver && !is_driver(driver))
		return 0;
	if (streq(name, "driver")) {
		b->driver = driver;
		return HAS_DRIVER;
	}
	if (streq(name, "was")) {
		b->was = driver;
		return HAS_WAS;
	}
	return 0;
}

int binding_parse(struct arena *a, const char *text, size_t len, struct binding *ret, const char **ret_why)
{
	char *copy = arena_memdup(a, text, len), *line, *value;
	struct binding b = { 0 };
	int has = 0, n = 0;

	if (memchr(text, '\0', len) || len > MAX_SIZE) {
		*ret_why = len > MAX_SIZE ? "it is too long" : "it holds a byte of 0";
		return -EBADMSG;
	}
	while ((line = strsep(&copy, "\n"))) {
		int one;

		n++;
		line += strspn(line, " \t");
		if (!*line || *line == '#')
			continue;
		value = strchr(line, '=');
		if (value)
			*value++ = '\0';
		one = value ? take_value(a, line, value, &b) : 0;
		if (!one || has & one) {
			*ret_why = arena_printf(a, one ? "line %d says the same again" : "line %d is not understood", n);
			return -EBADMSG;
		}
		has |= one;
	}
	if (has != HAS_ALL) {
		*ret_why = "path=, id=, driver= and was= have to be there";
		return -EBADMSG;
	}
	*ret = b;
	return 0;
}

const char *binding_text(struct arena *a, const struct binding *b)
{
	return arena_printf(a, "# Written by iommuctl device bind --persist; iommuctl device restore takes it away.\n"
			    "path=%s\nid=%04x:%04x\ndriver=%s\nwas=%s\n", b->chain, b->vendor, b->device, b->driver ? b->driver : "none",
			    b->was ? b->was : "none");
}

const char *binding_file(struct arena *a, const char *chain)
{
	char *s = arena_printf(a, "%s.conf", chain);

	for (char *p = s; *p; p++)
		if (*p == '/')
			*p = '-';
	return s;
}

/* -- the folder -------------------------------------------------------------------------------------------------- */

static int by_file(const void *a, const void *b)
{
	return strcmp(((const struct binding *)a)->file, ((const struct binding *)b)->file);
}

static bool read_one(struct host *h, const char *name, struct binding *ret)
{
	const char *why = NULL;
	char path[SRC_PATH_MAX], *text;
	size_t len;
	int r;

	PATHF(path, BINDINGS_DIR "/%s", name);
	r = source_read_all(h->src, path, MAX_SIZE, &h->arena, &text, &len);
	if (r == 0)
		r = binding_parse(&h->arena, text, len, ret, &why);
	ret->file = name;
	if (r < 0)
		ctx_note(h->ctx, (struct note){ .level = NOTE_WARNING, .code = "bad-binding", .err = r, .why = why,
						.hint = "what it is about is not bound at boot; mend it, or take it away" }, "/%s", path);
	return r == 0;
}

int host_bindings(struct host *h, struct bindings *ret)
{
	struct src_list list = { 0 };
	struct bindings b = { 0 };
	int r = source_list(h->src, BINDINGS_DIR, &h->arena, &list);

	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return r;
	b.v = arena_array(&h->arena, struct binding, list.n + 1);
	for (size_t i = 0; i < list.n; i++)
		if (strends(list.v[i].name, ".conf") && list.v[i].name[0] != '.' && read_one(h, list.v[i].name, &b.v[b.n]))
			b.n++;
	if (b.n)
		qsort(b.v, b.n, sizeof(*b.v), by_file);
	*ret = b;
	return 0;
}

/* -- places -------------------------------------------------------------------------------------------------------- */

/* One part of a device's directory: "pci0000:00", "0000:00:03.0"; what stands before the first root bus is passed over. */
static void add_part(struct strbuf *b, const char *part)
{
	struct pci_addr addr;

	if (strstarts(part, "pci") && root_length(part + 3)) {
		if (b->len)
			strbuf_puts(b, "/pci");
		else
			strbuf_puts(b, part + 3);
	} else if (b->len && pci_addr_parse(part, &addr) == 0) {
		strbuf_printf(b, "/%02x.%x", addr.dev, addr.fn);
	}
}

int device_chain(struct host *h, struct device *d, const char **ret)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	const char *path = d->is_pci ? device_path(h, d) : NULL;
	char *copy = arena_strdup(&h->arena, path), *part;

	if (!d->is_pci)
		return -EOPNOTSUPP;
	while ((part = strsep(&copy, "/")))
		add_part(&b, part);
	if (!is_chain(strbuf_str(&b)))
		return -ENODATA;
	*ret = arena_strdup(&h->arena, b.s);
	return 0;
}

struct device *binding_place(struct host *h, const struct binding *b)
{
	const char *last = strrchr(b->chain, '/') + 1, *chain;

	for (size_t i = 0; i < h->n_devices; i++) {
		struct device *d = &h->devices[i];
		char function[8];

		/* a path costs a system call: the last part tells most of them apart */
		snprintf(function, sizeof(function), "%02x.%x", d->addr.dev & 0x1f, d->addr.fn & 7);
		if (d->is_pci && streq(function, last) && device_chain(h, d, &chain) == 0 && streq(chain, b->chain))
			return d;
	}
	return NULL;
}

bool binding_is(const struct binding *b, const struct device *d)
{
	return d->has_ids && d->vendor == b->vendor && d->device == b->device;
}
