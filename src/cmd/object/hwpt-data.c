// SPDX-License-Identifier: GPL-2.0-or-later
#include "cmd/object/hwpt-data.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "abi/iommufd.h"
#include "abi/selftest.h"
#include "base/str.h"
#include "cmd/object/objects.h"
#include "trace/smmuv3.h"

/* One K=V: where its number goes. A flag takes no value and sets a bit. */
struct key {
	const char *name;
	uint16_t offset, width; /* bytes */
	uint64_t flag;		/* 0: a number */
};

/* @field: a part of two double words that is not whole ones; @words are those taken so far. NULL: there are none, or none of that name. */
struct kind {
	const char *name;
	uint32_t type;
	uint16_t size;
	const struct key *keys;
	const struct smmuv3_field *(*field)(const uint64_t words[2], const char *name, size_t len);
	void (*names)(const uint64_t words[2], struct strbuf *b);
};

#define NUMBER(strct, member, word) { (word), offsetof(struct strct, member), sizeof(((struct strct *)NULL)->member), 0 }
#define FLAG(strct, member, word, bit) { (word), offsetof(struct strct, member), sizeof(((struct strct *)NULL)->member), (bit) }

static const struct key vtd_s1_keys[] = {
	NUMBER(iommu_hwpt_vtd_s1, pgtbl_addr, "pgtbl"),
	NUMBER(iommu_hwpt_vtd_s1, addr_width, "width"),
	NUMBER(iommu_hwpt_vtd_s1, flags, "flags"),
	FLAG(iommu_hwpt_vtd_s1, flags, "sre", IOMMU_VTD_S1_SRE),
	FLAG(iommu_hwpt_vtd_s1, flags, "eafe", IOMMU_VTD_S1_EAFE),
	FLAG(iommu_hwpt_vtd_s1, flags, "wpe", IOMMU_VTD_S1_WPE),
	NUMBER(iommu_hwpt_vtd_s1, reserved, "reserved"),
	{ 0 },
};

static const struct key smmuv3_keys[] = {
	NUMBER(iommu_hwpt_arm_smmuv3, ste[0], "ste0"),
	NUMBER(iommu_hwpt_arm_smmuv3, ste[1], "ste1"),
	{ 0 },
};

static const struct smmuv3_field *ste_field(const uint64_t words[2] _unused_, const char *name, size_t len)
{
	return smmuv3_ste_field(name, len);
}

static void ste_names(const uint64_t words[2] _unused_, struct strbuf *b)
{
	smmuv3_ste_names(b);
}

static const struct smmuv3_field *cmd_field(const uint64_t words[2], const char *name, size_t len)
{
	return smmuv3_cmd_field(words[0] & 0xff, name, len);
}

static void cmd_names(const uint64_t words[2], struct strbuf *b)
{
	smmuv3_cmd_names(words[0] & 0xff, b);
}

static const struct key amd_keys[] = {
	NUMBER(iommu_hwpt_amd_guest, dte[0], "dte0"),
	NUMBER(iommu_hwpt_amd_guest, dte[1], "dte1"),
	NUMBER(iommu_hwpt_amd_guest, dte[2], "dte2"),
	NUMBER(iommu_hwpt_amd_guest, dte[3], "dte3"),
	{ 0 },
};

static const struct key selftest_keys[] = {
	NUMBER(iommu_hwpt_selftest, iotlb, "iotlb"),
	{ 0 },
};

/* The mock's later member is left out: an older kernel takes no more. */
static const struct kind hwpt_kinds[] = {
	{ "vtd-s1", IOMMU_HWPT_DATA_VTD_S1, sizeof(struct iommu_hwpt_vtd_s1), vtd_s1_keys },
	{ "smmuv3", IOMMU_HWPT_DATA_ARM_SMMUV3, sizeof(struct iommu_hwpt_arm_smmuv3), smmuv3_keys, ste_field, ste_names },
	{ "amd-guest", IOMMU_HWPT_DATA_AMD_GUEST, sizeof(struct iommu_hwpt_amd_guest), amd_keys },
	{ "selftest", IOMMU_HWPT_DATA_SELFTEST, sizeof(uint32_t), selftest_keys },
	{ 0 },
};

const char hwpt_data_kinds[] =
	"vtd-s1:pgtbl=ADDRESS,width=BITS[,sre][,eafe][,wpe], smmuv3:v,config=abort|bypass|s1,s1ctxptr=ADDRESS,s1cdmax=N,s1fmt=linear|4k|64k,"
	"s1dss=terminate|bypass|ssid0,s1cir=,s1cor=nc|wbra|wt|wb,s1csh=non|outer|inner,s1stalld,eats=abort|full (fields of a stream table entry) or "
	"smmuv3:ste0=N,ste1=N (its first two double words), amd-guest:dte0=N,...,dte3=N, selftest:iotlb=N, or raw:TYPE=HEX";

static const struct key vtd_inv_keys[] = {
	NUMBER(iommu_hwpt_vtd_s1_invalidate, addr, "addr"),
	NUMBER(iommu_hwpt_vtd_s1_invalidate, npages, "npages"),
	NUMBER(iommu_hwpt_vtd_s1_invalidate, flags, "flags"),
	FLAG(iommu_hwpt_vtd_s1_invalidate, flags, "leaf", IOMMU_VTD_INV_FLAGS_LEAF),
	NUMBER(iommu_hwpt_vtd_s1_invalidate, reserved, "reserved"),
	{ 0 },
};

static const struct key smmuv3_inv_keys[] = {
	NUMBER(iommu_viommu_arm_smmuv3_invalidate, cmd[0], "cmd0"),
	NUMBER(iommu_viommu_arm_smmuv3_invalidate, cmd[1], "cmd1"),
	{ 0 },
};

static const struct key selftest_inv_keys[] = {
	NUMBER(iommu_hwpt_invalidate_selftest, flags, "flags"),
	FLAG(iommu_hwpt_invalidate_selftest, flags, "all", IOMMU_TEST_INVALIDATE_FLAG_ALL),
	NUMBER(iommu_hwpt_invalidate_selftest, iotlb_id, "iotlb"),
	{ 0 },
};

static const struct key selftest_viommu_keys[] = {
	NUMBER(iommu_viommu_invalidate_selftest, flags, "flags"),
	FLAG(iommu_viommu_invalidate_selftest, flags, "all", IOMMU_TEST_INVALIDATE_FLAG_ALL),
	NUMBER(iommu_viommu_invalidate_selftest, vdev_id, "vdev"),
	NUMBER(iommu_viommu_invalidate_selftest, cache_id, "cache"),
	{ 0 },
};

static const struct kind invalidate_kinds[] = {
	{ "vtd-s1", IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, sizeof(struct iommu_hwpt_vtd_s1_invalidate), vtd_inv_keys },
	{ "smmuv3", IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3, sizeof(struct iommu_viommu_arm_smmuv3_invalidate), smmuv3_inv_keys, cmd_field,
	  cmd_names },
	{ "selftest", IOMMU_HWPT_INVALIDATE_DATA_SELFTEST, sizeof(struct iommu_hwpt_invalidate_selftest), selftest_inv_keys },
	{ "selftest-viommu", IOMMU_VIOMMU_INVALIDATE_DATA_SELFTEST, sizeof(struct iommu_viommu_invalidate_selftest), selftest_viommu_keys },
	{ 0 },
};

const char invalidate_data_kinds[] =
	"vtd-s1:addr=ADDRESS,npages=N[,leaf] (npages=all with addr=0: everything), smmuv3:op=tlbi-nh-all|tlbi-nh-asid|tlbi-nh-va|tlbi-nh-vaa|"
	"tlbi-nsnh-all|cfgi-cd|cfgi-cd-all|atc-inv,asid=N,addr=ADDRESS,leaf,tg=N,num=N,scale=N,sid=N,ssid=N,size=N,... (a command of the guest's queue by its fields, "
	"as the opcode has them) or smmuv3:cmd0=N,cmd1=N (as the guest wrote it), selftest:[all,]iotlb=N, selftest-viommu:[all,]vdev=N,cache=N, or raw:TYPE=HEX";

/* -- parsing ------------------------------------------------------------------------------------------------------------------- */

static const struct key *find_key(const struct kind *k, const char *word, size_t len)
{
	for (const struct key *key = k->keys; key->name; key++)
		if (strlen(key->name) == len && !memcmp(key->name, word, len))
			return key;
	return NULL;
}

static const char *key_names(struct invocation *inv, const struct kind *k)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (const struct key *key = k->keys; key->name; key++)
		strbuf_printf(&b, "%s%s", b.len ? ", " : "one of: ", key->name);
	return arena_strdup(&inv->ctx->arena, strbuf_str(&b));
}

static int put(struct invocation *inv, const struct key *key, const char *word, uint64_t v, unsigned char *bytes)
{
	uint64_t old = 0;

	if (key->width == 4 && v > UINT32_MAX)
		return bad_argument(inv, word, "does not fit into 32 bits", NULL);
	memcpy(&old, bytes + key->offset, key->width);
	v |= key->flag ? old : 0;
	memcpy(bytes + key->offset, &v, key->width);
	return EXIT_DONE;
}

/* The two double words, in the processor's order while they are put together. */
static void load_words(const unsigned char *bytes, uint64_t words[2])
{
	memcpy(words, bytes, 2 * sizeof(*words));
	words[0] = le64toh(words[0]);
	words[1] = le64toh(words[1]);
}

static void store_words(const uint64_t words[2], unsigned char *bytes)
{
	uint64_t le[2] = { htole64(words[0]), htole64(words[1]) };

	memcpy(bytes, le, sizeof(le));
}

/* An opcode is a word as well; a field of one bit needs no value. */
static int field_value(struct invocation *inv, const struct smmuv3_field *f, const char *word, uint64_t *ret)
{
	const char *text = strchr(word, '=');
	int op;

	*ret = 1;
	if (!text)
		return f->width == 1 ? EXIT_DONE : bad_argument(inv, word, "needs a value", NULL);
	text++;
	op = streq(f->name, "op") ? smmuv3_opcode_parse(text) : -ENOENT;
	if (op >= 0)
		*ret = (uint64_t)op;
	if (op >= 0 || smmuv3_word_parse(f, text, ret) == 0)
		return EXIT_DONE;
	return take_number(inv, f->name, text, ret);
}

static int take_field(struct invocation *inv, const struct smmuv3_field *f, const char *word, unsigned char *bytes)
{
	uint64_t v, words[2];
	int r = field_value(inv, f, word, &v);

	if (r != EXIT_DONE)
		return r;
	load_words(bytes, words);
	if (smmuv3_put(f, v, words) < 0)
		return bad_argument(inv, word, f->in_place ? arena_printf(&inv->ctx->arena, "is no multiple of %u, or too large", 1u << f->shift) :
						 arena_printf(&inv->ctx->arena, "does not fit into %u bits", f->width), NULL);
	store_words(words, bytes);
	return EXIT_DONE;
}

static int no_such_member(struct invocation *inv, const struct kind *k, const char *word, const unsigned char *bytes)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	uint64_t words[2];

	strbuf_puts(&b, key_names(inv, k));
	if (k->names) {
		load_words(bytes, words);
		strbuf_puts(&b, "; or by field: ");
		k->names(words, &b);
	}
	return bad_argument(inv, word, arena_printf(&inv->ctx->arena, "%s has no such member", k->name), strbuf_str(&b));
}

static int take_pair(struct invocation *inv, const struct kind *k, char *word, unsigned char *bytes)
{
	size_t len = strcspn(word, "=");
	const struct key *key = find_key(k, word, len);
	const struct smmuv3_field *field = NULL;
	uint64_t v, words[2];
	int r = EXIT_DONE;

	if (!key && k->field) {
		load_words(bytes, words);
		field = k->field(words, word, len);
	}
	if (field)
		return take_field(inv, field, word, bytes);
	if (!key)
		return no_such_member(inv, k, word, bytes);
	if (key->flag && word[len])
		return bad_argument(inv, word, "takes no value", NULL);
	if (!key->flag && !word[len])
		return bad_argument(inv, word, "needs a value", NULL);
	v = key->flag;
	if (!key->flag && streq(word + len + 1, "all"))
		v = key->width == 4 ? UINT32_MAX : UINT64_MAX;
	else if (!key->flag)
		r = take_number(inv, key->name, word + len + 1, &v);
	return r == EXIT_DONE ? put(inv, key, word, v, bytes) : r;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* raw:TYPE=HEX */
static int take_raw(struct invocation *inv, const char *text, struct driver_data *ret)
{
	size_t len = strcspn(text, "=");
	char *type = arena_memdup(&inv->ctx->arena, text, len);
	const char *hex = text[len] ? text + len + 1 : "";
	size_t n = strlen(hex) / 2;
	unsigned char *bytes = arena_alloc(&inv->ctx->arena, n + 1);
	int r = take_u32(inv, "raw", type, &ret->type);

	if (r != EXIT_DONE)
		return r;
	for (size_t i = 0; i < strlen(hex); i++)
		if (hex_digit(hex[i]) < 0 || strlen(hex) % 2)
			return bad_argument(inv, hex, "not bytes in hex", "raw:TYPE=HEX, two digits a byte");
	for (size_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)((unsigned)hex_digit(hex[2 * i]) << 4 | (unsigned)hex_digit(hex[2 * i + 1]));
	ret->bytes = bytes;
	ret->len = n;
	return EXIT_DONE;
}

/* Whether one of the words from @first to @word, each with its own end, is of the same member. */
static bool given_before(const char *first, const char *word)
{
	size_t len = strcspn(word, "=");

	for (; first < word; first += strlen(first) + 1)
		if (strcspn(first, "=") == len && !memcmp(first, word, len))
			return true;
	return false;
}

static int take_members(struct invocation *inv, const struct kind *k, const char *text, struct driver_data *ret)
{
	char *copy = arena_strdup(&inv->ctx->arena, text), *save = NULL;
	int r = EXIT_DONE;

	ret->type = k->type;
	ret->len = k->size;
	/* keys of a later member than the size stay inside the allocation */
	ret->bytes = arena_alloc(&inv->ctx->arena, 64);
	for (char *w = strtok_r(copy, ",", &save); r == EXIT_DONE && w; w = strtok_r(NULL, ",", &save))
		r = given_before(copy, w) ? bad_argument(inv, w, "this member was given before", NULL) : take_pair(inv, k, w, ret->bytes);
	return r;
}

static int parse(struct invocation *inv, const struct kind *kinds, const char *help, const char *text, struct driver_data *ret)
{
	size_t len = strcspn(text, ":");
	const char *rest = text[len] ? text + len + 1 : "";

	if (len == 3 && strstarts(text, "raw"))
		return take_raw(inv, rest, ret);
	for (; kinds->name; kinds++)
		if (strlen(kinds->name) == len && !memcmp(kinds->name, text, len))
			return take_members(inv, kinds, rest, ret);
	return bad_argument(inv, text, "not a kind of data", help);
}

int hwpt_data_parse(struct invocation *inv, const char *text, struct driver_data *ret)
{
	return parse(inv, hwpt_kinds, hwpt_data_kinds, text, ret);
}

int invalidate_data_parse(struct invocation *inv, const char *text, struct driver_data *ret)
{
	struct driver_data one = { 0 };
	int r = parse(inv, invalidate_kinds, invalidate_data_kinds, text, &one);

	if (r != EXIT_DONE)
		return r;
	if (ret->len && (one.type != ret->type || one.len != ret->len))
		return bad_argument(inv, text, "entries of one array are of one kind", NULL);
	*ret = one;
	return EXIT_DONE;
}

const char *invalidate_entry_text(struct invocation *inv, uint32_t type, const void *bytes, size_t len)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	uint64_t words[2];

	if (type != IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 || len < sizeof(words))
		return NULL;
	load_words(bytes, words);
	smmuv3_cmd_text(words, &b);
	return arena_strdup(&inv->ctx->arena, strbuf_str(&b));
}
