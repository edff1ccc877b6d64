// SPDX-License-Identifier: GPL-2.0-or-later
#include "snapshot/scrub.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

/* Options of the kernel, of dracut and of mount(8) whose value is an address, a name or a secret. */
static const char *const private_keys[] = {
	"ip", "nfsroot", "nfsaddrs", "nameserver", "netconsole", "ifname", "BOOTIF", "addr", "mountaddr",
	"clientaddr", "user", "username", "pass", "password", "credentials", "domain", "rd.iscsi", "iscsi_",
	"rd.znet", "systemd.machine_id", "systemd.set_credential", "HID_UNIQ", "UNIQ", "SERIAL", "NVME_TRADDR",
	"NVME_HOST_TRADDR",
};

enum {
	MAX_PAIRS = 32, /* MAX_ADDR_LEN of the kernel */
	MAX_KEY = 256,
};

struct scanner {
	const char *s, *end;
	char prev;
	uint64_t salt;
	struct strbuf out;
};

static bool word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static char at(const struct scanner *x, size_t i)
{
	return x->s + i < x->end ? x->s[i] : '\0';
}

static size_t hex_run(const struct scanner *x, size_t from)
{
	size_t n = 0;

	while (isxdigit((unsigned char)at(x, from + n)))
		n++;
	return n;
}

/* xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx */
static size_t uuid_len(const struct scanner *x)
{
	static const size_t groups[] = { 8, 4, 4, 4, 12 };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (i && at(x, n++) != '-')
			return 0;
		if (hex_run(x, n) != groups[i])
			return 0;
		n += groups[i];
	}
	return word_char(at(x, n)) ? 0 : n;
}

/*
 * Six or more pairs of hex digits joined by colons, or by dashes (BOOTIF=01-…). What is longer than any address is masked
 * whatever comes behind it: the next look at the same text would be as long.
 */
static size_t mac_len(const struct scanner *x)
{
	char sep = at(x, 2);
	size_t n = 0, pairs = 0;

	if (sep != ':' && sep != '-')
		return 0;
	while (hex_run(x, n) == 2) {
		pairs++;
		n += 2;
		if (at(x, n) != sep)
			break;
		n++;
	}
	if (pairs < 6)
		return 0;
	if (at(x, n - 1) == sep && !word_char(at(x, n)) && at(x, n) != sep)
		n--; /* "52:54:00:12:34:56: link up" */
	return pairs > MAX_PAIRS || (!word_char(at(x, n)) && at(x, n - 1) != sep) ? n : 0;
}

static size_t ipv4_len(const struct scanner *x)
{
	size_t n = 0;

	if (x->prev == '.')
		return 0;
	for (int i = 0; i < 4; i++) {
		unsigned v = 0;
		size_t digits = 0;

		if (i && at(x, n++) != '.')
			return 0;
		for (; isdigit((unsigned char)at(x, n)) && digits < 4; digits++)
			v = v * 10 + (at(x, n++) - '0');
		if (!digits || digits > 3 || v > 255)
			return 0;
	}
	return word_char(at(x, n)) || (at(x, n) == '.' && isdigit((unsigned char)at(x, n + 1))) ? 0 : n;
}

/* Hex groups with eight of them, or a "::" and one that is longer than a::b; a PCI address has three and a dot. */
static size_t ipv6_len(const struct scanner *x)
{
	size_t n = 0, colons = 0;
	bool gap = false, long_group = false;

	if (x->prev == ':' || x->prev == '.')
		return 0;
	for (;; n++) {
		size_t run = hex_run(x, n);

		if (run > 4)
			return 0;
		n += run;
		long_group |= run > 2;
		if (at(x, n) != ':')
			break;
		gap |= colons && !run;
		colons++;
	}
	if (word_char(at(x, n)) || at(x, n) == '.')
		return 0;
	return (gap && long_group) || colons == 7 ? n : 0;
}

static uint64_t mix(uint64_t h)
{
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
	return h ^ h >> 33;
}

static void put_pseudonym(struct scanner *x, size_t n)
{
	uint64_t h = mix(x->salt ^ 0x9e3779b97f4a7c15u);

	for (size_t i = 0; i < n; i++)
		h = mix(h ^ (unsigned char)tolower((unsigned char)x->s[i]));
	for (size_t i = 0; i < n; i++) {
		if (x->s[i] == '-') {
			strbuf_putc(&x->out, '-');
			continue;
		}
		strbuf_putc(&x->out, "0123456789abcdef"[h & 15]);
		h = mix(h + 1);
	}
}

static void put_mask(struct scanner *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_putc(&x->out, isxdigit((unsigned char)x->s[i]) ? 'x' : x->s[i]);
}

/* The length of "key=" when the key is a private one. */
static size_t key_len(const struct scanner *x)
{
	for (size_t i = 0; i < ARRAY_SIZE(private_keys); i++) {
		size_t n = strlen(private_keys[i]);

		if ((size_t)(x->end - x->s) <= n || memcmp(x->s, private_keys[i], n))
			continue;
		/* rd.iscsi.initiator= and the like begin with the key */
		if (private_keys[i][n - 1] == '_' || at(x, n) == '.')
			while (n < MAX_KEY && (word_char(at(x, n)) || at(x, n) == '.'))
				n++;
		if (at(x, n) == '=')
			return n + 1;
	}
	return 0;
}

static size_t value_len(const struct scanner *x, size_t from)
{
	size_t n = from;

	if (at(x, n) == '"') {
		for (n++; at(x, n) && at(x, n) != '"' && at(x, n) != '\n'; n++)
			;
		return n + (at(x, n) == '"');
	}
	while (at(x, n) && !isspace((unsigned char)at(x, n)) && at(x, n) != ',')
		n++;
	return n;
}

/* Names that end with a serial number. */
static size_t named_serial(const struct scanner *x)
{
	static const char *const before[] = { "/by-id/", "SerialNumber: ", "serial number " };

	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		size_t n = strlen(before[i]);

		if ((size_t)(x->end - x->s) > n && !memcmp(x->s, before[i], n))
			return n;
	}
	return 0;
}

static void skip(struct scanner *x, size_t n)
{
	x->prev = x->s[n - 1];
	x->s += n;
}

/* Keeps @keep bytes, puts "x" in the place of the value behind them. */
static void hide_value(struct scanner *x, size_t keep)
{
	size_t n = value_len(x, keep);

	strbuf_add(&x->out, x->s, keep);
	if (n > keep)
		strbuf_putc(&x->out, 'x');
	skip(x, n);
}

static bool scan_token(struct scanner *x)
{
	size_t n;

	if ((n = named_serial(x))) {
		hide_value(x, n);
		return true;
	}
	if (word_char(x->prev))
		return false;
	if ((n = key_len(x))) {
		hide_value(x, n);
	} else if ((n = uuid_len(x))) {
		put_pseudonym(x, n);
		skip(x, n);
	} else if ((n = mac_len(x)) || (n = ipv6_len(x))) {
		put_mask(x, n);
		skip(x, n);
	} else if ((n = ipv4_len(x))) {
		strbuf_puts(&x->out, "x.x.x.x");
		skip(x, n);
	} else {
		return false;
	}
	return true;
}

char *scrub_text(struct arena *a, uint64_t salt, const char *s, size_t *len)
{
	struct scanner x = { .s = s, .end = s + *len, .prev = ' ', .salt = salt };
	char *copy;

	while (x.s < x.end) {
		if (scan_token(&x))
			continue;
		strbuf_putc(&x.out, *x.s);
		skip(&x, 1);
	}
	copy = arena_memdup(a, strbuf_str(&x.out), x.out.len);
	*len = x.out.len;
	strbuf_free(&x.out);
	return copy;
}
