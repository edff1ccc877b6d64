// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmem/types.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <bpf/btf.h>

#include "base/str.h"
#include "kmem/quiet.h"

enum kind { P, N, B, E };

static const struct {
	const char *type, *member;
	enum kind kind;
} wanted[KF_MAX] = {
#define X(id, type, member, kind) { type, member, kind },
	KMEM_FIELDS(X)
#undef X
};

static const struct {
	const char *type, *prefix, *suffix;
} wanted_enums[KE_MAX] = {
	[KE_IOMMUFD_OBJECT] = { "iommufd_object_type", "IOMMUFD_OBJ_", "" },
	[KE_DOMAIN_COOKIE] = { "iommu_domain_cookie_type", "IOMMU_COOKIE_", "" },
	[KE_IOVA_COOKIE] = { "iommu_dma_cookie_type", "IOMMU_", "_COOKIE" },
};

const char *kfield_name(enum kfield f)
{
	static const char *const names[KF_MAX] = {
#define X(id, type, member, kind) type "." member,
		KMEM_FIELDS(X)
#undef X
	};

	return names[f];
}

/* -- members ----------------------------------------------------------------------------------------------- */

/* Deeper than this no type of the kernel nests; rubbish might. */
#define MAX_DEPTH 16

/*
 * All members looked at for one BTF. A kernel takes some ten thousand; what contains itself without a name, twice, would take twice as many for
 * each level. Behind the last one nothing is found any more.
 */
#define MAX_VISITS (4u << 20)

struct lookup {
	const struct btf *btf;
	uint32_t visits;
};

static const struct btf_type *strip(const struct btf *btf, uint32_t id, uint32_t *ret_id)
{
	for (int i = 0; i < MAX_DEPTH; i++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!t || !(btf_is_mod(t) || btf_is_typedef(t))) {
			*ret_id = id;
			return t;
		}
		id = t->type;
	}
	return NULL;
}

struct place {
	uint64_t bit;
	uint32_t type;
	uint32_t bits; /* of a bit-field; 0: it is none */
};

/* The member of that name, those of anonymous structures inside included. */
static bool find_member(struct lookup *l, const struct btf_type *t, const char *name, size_t len, int depth, struct place *ret)
{
	const struct btf_member *m = btf_members(t);

	for (uint32_t i = 0; i < btf_vlen(t) && l->visits < MAX_VISITS; i++, l->visits++) {
		const char *n = btf__name_by_offset(l->btf, m[i].name_off);
		const struct btf_type *inner;
		struct place in;
		uint32_t id;

		if (n && *n) {
			if (strlen(n) != len || memcmp(n, name, len))
				continue;
			*ret = (struct place){ .bit = btf_member_bit_offset(t, i),
					       .type = m[i].type,
					       .bits = btf_member_bitfield_size(t, i) };
			return true;
		}
		inner = strip(l->btf, m[i].type, &id);
		if (depth >= MAX_DEPTH || !inner || !btf_is_composite(inner) ||
		    !find_member(l, inner, name, len, depth + 1, &in))
			continue;
		*ret = in;
		ret->bit += btf_member_bit_offset(t, i);
		return true;
	}
	return false;
}

/* "geometry.aperture_start": one member after the other. */
static bool find_path(struct lookup *l, const struct btf_type *t, const char *path, struct place *ret)
{
	uint64_t bit = 0;

	for (;;) {
		size_t len = strcspn(path, ".");
		uint32_t id;

		if (!t || !btf_is_composite(t) || !find_member(l, t, path, len, 0, ret))
			return false;
		ret->bit += bit;
		if (!path[len])
			return true;
		bit = ret->bit;
		path += len + 1;
		t = strip(l->btf, ret->type, &id);
	}
}

static bool right_size(enum kind kind, const struct btf_type *t, int64_t size)
{
	switch (kind) {
	case P:
		return btf_is_ptr(t) && size == 8;
	case N:
		return (btf_is_int(t) || btf_is_any_enum(t)) && (size == 1 || size == 2 || size == 4 || size == 8);
	case B:
		return btf_is_int(t) && size == 1;
	case E:
		return btf_is_composite(t) || btf_is_array(t);
	}
	return false;
}

/* Where a bit is in its byte: BTF counts from the end that comes first in memory, on big-endian machines the highest (libbpf, relo_core.c). */
static uint8_t bit_mask(const struct place *at)
{
	if (!at->bits)
		return 0xff;
	return (uint8_t)(__BYTE_ORDER == __BIG_ENDIAN ? 0x80u >> at->bit % 8 : 1u << at->bit % 8);
}

static bool right_place(enum kind kind, const struct place *at)
{
	if (kind != B || !at->bits)
		return !at->bits && at->bit % 8 == 0;
	return at->bits == 1;
}

/* A member of another kind or size than the code expects counts as not there. */
static void resolve(struct ktypes *kt, struct lookup *l, const struct btf_type *t, enum kfield f)
{
	const struct btf_type *m;
	struct place at;
	uint32_t id;
	int64_t size;

	if (kt->field[f].size || !find_path(l, t, wanted[f].member, &at) ||
	    !right_place(wanted[f].kind, &at))
		return;
	m = strip(l->btf, at.type, &id);
	size = m ? btf__resolve_size(l->btf, id) : -1;
	if (size <= 0 || size > INT32_MAX || at.bit / 8 > INT32_MAX || !right_size(wanted[f].kind, m, size))
		return;
	kt->field[f].offset = (uint32_t)(at.bit / 8);
	kt->field[f].size = (uint32_t)size;
	kt->field[f].mask = bit_mask(&at);
	kt->field[f].count = btf_is_array(m) ? btf_array(m)->nelems : 0;
}

/* -- words ---------------------------------------------------------------------------------------------------- */

static const char *plain_word(struct ktypes *kt, enum kenum e, const char *name)
{
	size_t cut = strlen(wanted_enums[e].suffix);
	char *w;

	if (!strstarts(name, wanted_enums[e].prefix) || !strends(name, wanted_enums[e].suffix))
		return NULL;
	w = arena_strdup(&kt->arena, name + strlen(wanted_enums[e].prefix));
	if (strlen(w) <= cut)
		return NULL;
	w[strlen(w) - cut] = '\0';
	for (char *p = w; *p; p++)
		*p = *p == '_' ? '-' : (char)tolower((unsigned char)*p);
	return w;
}

static void add_words(struct ktypes *kt, const struct btf *btf, const struct btf_type *t, enum kenum e)
{
	size_t max = ARRAY_SIZE(kt->words[e].v);

	if (!btf_is_enum(t) || kt->words[e].n)
		return;
	for (uint32_t i = 0; i < btf_vlen(t) && kt->words[e].n < max; i++) {
		const char *name = btf__name_by_offset(btf, btf_enum(t)[i].name_off);
		const char *word = name ? plain_word(kt, e, name) : NULL;

		if (!word)
			continue;
		kt->words[e].v[kt->words[e].n].value = btf_enum(t)[i].val;
		kt->words[e].v[kt->words[e].n++].word = word;
	}
}

const char *ktypes_word(const struct ktypes *t, enum kenum e, int64_t value)
{
	for (size_t i = 0; i < t->words[e].n; i++)
		if (t->words[e].v[i].value == value)
			return t->words[e].v[i].word;
	return NULL;
}

int ktypes_value(const struct ktypes *t, enum kenum e, const char *word, int64_t *ret)
{
	for (size_t i = 0; i < t->words[e].n; i++) {
		if (!streq(t->words[e].v[i].word, word))
			continue;
		*ret = t->words[e].v[i].value;
		return 0;
	}
	return -ENOENT;
}

/* -- all types, once -------------------------------------------------------------------------------------------- */

/*
 * A kernel has some hundred thousand types, and looking each name up would go through all of them, so one pass
 * asks this table about each structure instead: a bit for each hash of a wanted name.
 */
struct filter {
	uint64_t bits[16];
};

static unsigned hash(const char *s)
{
	unsigned h = 2166136261u;

	while (*s)
		h = (h ^ (unsigned char)*s++) * 16777619u;
	return (h ^ h >> 16) % 1024;
}

static void filter_add(struct filter *f, const char *s)
{
	f->bits[hash(s) / 64] |= (uint64_t)1 << hash(s) % 64;
}

static bool filter_has(const struct filter *f, const char *s)
{
	unsigned h = hash(s);

	return f->bits[h / 64] >> h % 64 & 1;
}

static void add_type(struct ktypes *kt, struct lookup *l, const struct btf_type *t, const char *name)
{
	for (size_t i = 0; i < KF_MAX; i++)
		if (btf_is_composite(t) && streq(wanted[i].type, name))
			resolve(kt, l, t, (enum kfield)i);
	for (size_t i = 0; i < KE_MAX; i++)
		if (btf_is_enum(t) && streq(wanted_enums[i].type, name))
			add_words(kt, l->btf, t, (enum kenum)i);
}

#define REPORT_FUNCTION "iommu_report_device_fault"

static bool returns_something(const struct btf *btf, const struct btf_type *func)
{
	const struct btf_type *proto = btf__type_by_id(btf, func->type);

	return proto && btf_is_func_proto(proto) && proto->type;
}

static void add_all(struct ktypes *kt, const struct btf *btf, uint32_t first)
{
	struct filter f = { 0 };
	struct lookup l = { .btf = btf };
	uint32_t n = btf__type_cnt(btf);

	for (size_t i = 0; i < KF_MAX; i++)
		filter_add(&f, wanted[i].type);
	for (size_t i = 0; i < KE_MAX; i++)
		filter_add(&f, wanted_enums[i].type);
	filter_add(&f, REPORT_FUNCTION);
	for (uint32_t id = first; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name;

		if (!t || !t->name_off || !(btf_is_composite(t) || btf_is_enum(t) || btf_is_func(t)))
			continue;
		name = btf__name_by_offset(btf, t->name_off);
		if (!name || !filter_has(&f, name))
			continue;
		if (!btf_is_func(t))
			add_type(kt, &l, t, name);
		else if (streq(name, REPORT_FUNCTION))
			kt->report_returns = returns_something(btf, t);
	}
}

int ktypes_add(struct ktypes *t, const void *data, size_t len, struct btf **ret_btf)
{
	struct btf *btf;

	libbpf_quiet();
	btf = len <= UINT32_MAX ? btf__new(data, (uint32_t)len) : NULL;
	if (!btf)
		return -EBADMSG;
	add_all(t, btf, 1);
	if (ret_btf)
		*ret_btf = btf;
	else
		btf__free(btf);
	return 0;
}

int ktypes_add_module(struct ktypes *t, const char *path, struct btf *base)
{
	struct btf *btf;

	libbpf_quiet();
	/* not btf__new_split(): libbpf before 1.2 declares it and does not export it */
	btf = btf__parse_raw_split(path, base);
	if (!btf)
		return errno == ENOENT ? -ENOENT : -EBADMSG;
	add_all(t, btf, btf__type_cnt(base));
	btf__free(btf);
	return 0;
}

void ktypes_btf_free(struct btf *btf)
{
	btf__free(btf);
}

void ktypes_free(struct ktypes *t)
{
	arena_free(&t->arena);
	*t = (struct ktypes){ 0 };
}
