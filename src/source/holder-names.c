// SPDX-License-Identifier: GPL-2.0-or-later
/* What a process is part of: unit, container, pod, guest. Everything here is text from outside. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "source/holders.h"

/* -- cgroups ------------------------------------------------------------------------------------- */

/* systemd writes what a unit name may not contain as \xNN (systemd.unit(5), string escaping). */
static const char *unescape(struct arena *a, const char *s, size_t n)
{
	char *out = arena_memdup(a, s, n), *w = out;

	for (const char *p = out; *p; p++) {
		if (p[0] == '\\' && p[1] == 'x' && isxdigit((unsigned char)p[2]) && isxdigit((unsigned char)p[3])) {
			char hex[3] = { p[2], p[3] };
			char c = strtol(hex, NULL, 16);

			*w++ = c ? c : '?';
			p += 3;
		} else {
			*w++ = *p;
		}
	}
	*w = '\0';
	return out;
}

static size_t hex_len(const char *s)
{
	return strspn(s, "0123456789abcdef");
}

/* Container engines name a scope or directory PREFIX + 64 hex digits. */
static const struct {
	const char *prefix, *kind;
} engines[] = {
	{ "docker-", "docker" },
	{ "libpod-", "podman" },
	{ "cri-containerd-", "containerd" },
	{ "containerd-", "containerd" },
	{ "crio-", "crio" },
};

static void container_from_scope(struct arena *a, const char *c, struct held *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		size_t n = strlen(engines[i].prefix);

		if (!strstarts(c, engines[i].prefix) || hex_len(c + n) < 12)
			continue;
		h->container = arena_memdup(a, c + n, hex_len(c + n));
		h->container_kind = engines[i].kind;
	}
}

/* The same without systemd: docker/ID, and kubepods/…/podUID/ID. */
static void container_from_parent(struct arena *a, const char *parent, const char *c, struct held *h)
{
	if (hex_len(c) != 64 || c[64])
		return;
	h->container = arena_strdup(a, c);
	if (streq(parent, "docker"))
		h->container_kind = "docker";
	else if (streq(parent, "libpod_parent") || strstarts(parent, "libpod"))
		h->container_kind = "podman";
	else if (!h->container_kind && h->pod)
		h->container_kind = "containerd";
}

static void named_container(struct arena *a, const char *c, struct held *h)
{
	static const struct {
		const char *prefix, *suffix, *kind;
	} named[] = {
		{ "lxc.payload.", "", "lxc" },
		{ "systemd-nspawn@", ".service", "nspawn" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		size_t n = strlen(named[i].prefix), m = strlen(named[i].suffix), len = strlen(c);

		if (!strstarts(c, named[i].prefix) || !strends(c, named[i].suffix) || len <= n + m)
			continue;
		h->container = unescape(a, c + n, len - n - m);
		h->container_kind = named[i].kind;
	}
}

/* kubepods-burstable-pod0123_4567_….slice, or pod0123-4567-…: 32 hex digits in five groups. */
static void pod_from_component(struct arena *a, const char *c, struct held *h)
{
	const char *s = strstarts(c, "pod") ? c : strstr(c, "-pod");
	char *uid;
	size_t n;

	if (!s)
		return;
	s += *s == '-' ? strlen("-pod") : strlen("pod");
	n = strspn(s, "0123456789abcdef-_");
	if (n != 36)
		return;
	uid = arena_memdup(a, s, n);
	for (char *p = uid; *p; p++)
		if (*p == '_')
			*p = '-';
	h->pod = uid;
}

/* libvirt and machined: machine-qemu\x2d3\x2dweb1.scope is the third guest, web1. */
static void guest_from_scope(struct arena *a, const char *c, struct held *h)
{
	size_t len = strlen(c);
	const char *s;

	if (!strstarts(c, "machine-qemu") || !strends(c, ".scope"))
		return;
	s = unescape(a, c, len - strlen(".scope")) + strlen("machine-qemu");
	if (*s++ != '-')
		return;
	s += strspn(s, "0123456789");
	if (s[0] == '-' && s[1])
		h->guest = s + 1;
}

static void take_component(struct arena *a, const char *parent, const char *c, struct held *h)
{
	if (strends(c, ".service") || strends(c, ".scope"))
		h->unit = arena_strdup(a, c);
	pod_from_component(a, c, h);
	container_from_scope(a, c, h);
	container_from_parent(a, parent, c, h);
	named_container(a, c, h);
	guest_from_scope(a, c, h);
	/* LXC before 4.0 */
	if (streq(parent, "lxc")) {
		h->container = arena_strdup(a, c);
		h->container_kind = "lxc";
	}
}

static void take_path(struct arena *a, char *path, struct held *h)
{
	const char *parent = "";
	char *save = NULL;

	for (char *c = strtok_r(path, "/", &save); c; c = strtok_r(NULL, "/", &save)) {
		take_component(a, parent, c, h);
		parent = c;
	}
}

void holder_from_cgroup(struct arena *a, const char *text, struct held *h)
{
	char *copy = arena_strdup(a, text), *save = NULL;

	/* ID:CONTROLLERS:PATH; 0::PATH is the one hierarchy of version 2, name=systemd that of version 1 */
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *path = strchr(line, ':');

		path = path ? strchr(path + 1, ':') : NULL;
		if (path && (strstarts(line, "0::") || strstr(line, ":name=systemd:") || !h->unit))
			take_path(a, path + 1, h);
	}
}

/* -- arguments ----------------------------------------------------------------------------------- */

/* "guest=web1,debug-threads=on", or the name alone; a comma in it is doubled (QEMU's option syntax). */
static const char *qemu_name(struct arena *a, const char *s)
{
	struct strbuf b = { 0 };
	const char *name;

	if (strstarts(s, "guest="))
		s += strlen("guest=");
	for (; *s && (*s != ',' || s[1] == ','); s++) {
		strbuf_putc(&b, *s);
		s += *s == ',';
	}
	name = b.len ? arena_strdup(a, b.s) : NULL;
	strbuf_free(&b);
	return name;
}

/* "/usr/bin/qemu-system-x86_64", "qemu-kvm", Proxmox's "/usr/bin/kvm". */
static bool is_qemu(const char *program)
{
	const char *slash = strrchr(program, '/');

	program = slash ? slash + 1 : program;
	return strstarts(program, "qemu") || streq(program, "kvm");
}

void holder_from_args(struct arena *a, const struct strs *args, struct held *h)
{
	if (!args->n || !is_qemu(args->v[0]))
		return;
	for (size_t i = 1; i + 1 < args->n; i++) {
		const char *opt = args->v[i];

		opt += opt[0] == '-' && opt[1] == '-';
		if (streq(opt, "-name"))
			h->guest = qemu_name(a, args->v[i + 1]);
		else if (streq(opt, "-uuid"))
			h->guest_uuid = arena_strdup(a, args->v[i + 1]);
	}
}
