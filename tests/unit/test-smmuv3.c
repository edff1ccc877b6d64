// SPDX-License-Identifier: GPL-2.0-or-later
/* SMMUv3: stream table entries and commands to words and back, events, and what its registers allow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "abi/iommufd.h"
#include "host/smmuv3.h"
#include "trace/hw.h"
#include "trace/ioctl.h"
#include "trace/smmuv3.h"

/* "name=value" into the words; op first. */
static int put(uint64_t w[2], bool cmd, const char *text)
{
	size_t len = strcspn(text, "=");
	const struct smmuv3_field *f = cmd ? smmuv3_cmd_field(w[0] & 0xff, text, len) : smmuv3_ste_field(text, len);
	uint64_t v = 1;

	if (!f)
		return -ENOENT;
	if (text[len] && streq(f->name, "op"))
		v = (uint64_t)smmuv3_opcode_parse(text + len + 1);
	else if (text[len] && smmuv3_word_parse(f, text + len + 1, &v) < 0)
		assert_int_equal(parse_u64(text + len + 1, &v), 0);
	return smmuv3_put(f, v, w);
}

/* What is written can be given back: all of it, in the same order, makes the same words. */
static void round_trip(const uint64_t w[2], bool cmd, const char *expected)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };
	uint64_t again[2] = { 0 };
	char *save, *p;

	strbuf_puts(&b, "before ");
	(cmd ? smmuv3_cmd_text : smmuv3_ste_text)(w, &b);
	assert_true(strstarts(b.s, "before "));
	if (expected)
		assert_string_equal(b.s + strlen("before "), expected);
	for (p = strtok_r(b.s + strlen("before "), ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		if (strstarts(p, "ste") || strstarts(p, "cmd"))
			assert_int_equal(parse_u64(p + 5, &again[p[3] - '0']), 0);
		else
			assert_int_equal(put(again, cmd, p), 0);
	}
	assert_true(again[0] == w[0] && again[1] == w[1]);
}

static void entries(void **state _unused_)
{
	uint64_t w[2] = { 0 };

	round_trip(w, false, "ste0=0x0");
	assert_int_equal(put(w, false, "v"), 0);
	assert_int_equal(put(w, false, "config=s1"), 0);
	assert_int_equal(put(w, false, "s1ctxptr=0xfffffffffffc0"), 0);
	assert_int_equal(put(w, false, "s1cdmax=31"), 0);
	assert_int_equal(put(w, false, "s1fmt=64k"), 0);
	assert_int_equal(put(w, false, "s1dss=ssid0"), 0);
	assert_int_equal(put(w, false, "s1cir=wbra"), 0);
	assert_int_equal(put(w, false, "s1cor=wb"), 0);
	assert_int_equal(put(w, false, "s1csh=inner"), 0);
	assert_int_equal(put(w, false, "s1stalld"), 0);
	assert_int_equal(put(w, false, "eats=full"), 0);
	/* valid, S1 alone, 64 KiB leaves, all of the pointer, CDMax 31: IHI 0070, 5.2 */
	assert_true(w[0] == (0xf80fffffffffffc0 | 1 | 5 << 1 | 2 << 4));
	assert_true(w[1] == (2 | 1 << 2 | 3 << 4 | 3 << 6 | 1 << 27 | 1 << 28));
	round_trip(w, false, "v,config=s1,s1fmt=64k,s1ctxptr=0xfffffffffffc0,s1cdmax=31,s1dss=ssid0,s1cir=wbra,s1cor=wb,s1csh=inner,s1stalld,eats=full");
	/* a value that is given again takes the place of the old one */
	assert_int_equal(put(w, false, "config=bypass"), 0);
	assert_int_equal(w[0] >> 1 & 7, 4);
	assert_int_equal(put(w, false, "s1ctxptr=0x1020"), -ERANGE);
	assert_int_equal(put(w, false, "s1ctxptr=0x10000000000000"), -ERANGE);
	assert_int_equal(put(w, false, "s1cdmax=32"), -ERANGE);
	assert_int_equal(put(w, false, "config=8"), -ERANGE);
	assert_int_equal(put(w, false, "leaf"), -ENOENT);
	/* what nobody knows is not lost */
	w[0] = 1 | 1ull << 52;
	w[1] = 1ull << 60;
	round_trip(w, false, "ste0=0x10000000000000,ste1=0x1000000000000000,v");
	/* nor is a value without a word */
	w[0] = 1 | 2 << 1;
	w[1] = 0;
	round_trip(w, false, "v,config=2");
}

static void commands(void **state _unused_)
{
	static const struct {
		const char *text;
		uint64_t w[2];
	} t[] = {
		{ "op=tlbi-nsnh-all", { 0x30, 0 } },
		{ "op=tlbi-nh-all,vmid=0x7", { 0x10 | 7ull << 32, 0 } },
		{ "op=tlbi-nh-asid,asid=0xffff", { 0x11 | 0xffffull << 48, 0 } },
		{ "op=tlbi-nh-va,asid=0x3,addr=0x7f0000001000,leaf", { 0x12 | 3ull << 48, 0x7f0000001001 } },
		{ "op=tlbi-nh-va,asid=0x3,addr=0x200000,tg=1,ttl=2,num=15,scale=4", { 0x12 | 3ull << 48 | 15 << 12 | 4 << 20, 0x200000 | 2 << 8 | 1 << 10 } },
		{ "op=tlbi-nh-vaa,addr=0x1000", { 0x13, 0x1000 } },
		{ "op=cfgi-cd,sid=0x10,ssid=0x5,leaf", { 0x05 | 0x10ull << 32 | 5 << 12, 1 } },
		{ "op=cfgi-cd-all,sid=0x10", { 0x06 | 0x10ull << 32, 0 } },
		{ "op=cfgi-ste,sid=0x10,leaf", { 0x03 | 0x10ull << 32, 1 } },
		{ "op=cfgi-ste-range,range=31", { 0x04, 31 } },
		{ "op=atc-inv,sid=0x10,ssid=0x0,addr=0x8000,size=3", { 0x40 | 1 << 11 | 0x10ull << 32, 0x8003 } },
		{ "op=atc-inv,sid=0x10,addr=0x8000,size=3", { 0x40 | 0x10ull << 32, 0x8003 } },
		{ "op=atc-inv,sid=0x10,ssid=0x9,global,size=52", { 0x40 | 1 << 9 | 1 << 11 | 9 << 12 | 0x10ull << 32, 52 } },
		{ "op=resume,sid=0x10,resp=1,stag=0x21", { 0x44 | 1 << 12 | 0x10ull << 32, 0x21 } },
		{ "op=sync,cs=1", { 0x46 | 1 << 12, 0 } },
		{ "cmd0=0xff,cmd1=0x1", { 0xff, 1 } },
		/* bits that the opcode does not have stand in front, as whole double words */
		{ "cmd1=0x4,op=tlbi-nsnh-all", { 0x30, 4 } },
		{ "cmd0=0xf000,op=atc-inv", { 0xf040, 0 } },
	};
	uint64_t w[2] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		_cleanup_strbuf_ struct strbuf b = { 0 };

		smmuv3_cmd_text(t[i].w, &b);
		assert_string_equal(b.s, t[i].text);
		round_trip(t[i].w, true, t[i].text);
	}
	assert_int_equal(smmuv3_opcode_parse("tlbi-nh-va"), 0x12);
	assert_int_equal(smmuv3_opcode_parse("tlbi-nh-v"), -ENOENT);
	assert_int_equal(smmuv3_opcode_parse("tlbi-nh-vaaa"), -ENOENT);
	assert_int_equal(smmuv3_opcode_parse(""), -ENOENT);
	/* every opcode that has a name has a row, and the other way round */
	for (unsigned op = 0; op < 256; op++) {
		_cleanup_strbuf_ struct strbuf b = { 0 };

		w[0] = op;
		smmuv3_cmd_text(w, &b);
		assert_int_equal(strstarts(b.s, "op="), smmuv3_cmd_name((uint8_t)op) != NULL);
	}
}

/* Any two double words are written so that they can be read back. */
static void any_words(void **state _unused_)
{
	uint64_t x = 0x9e3779b97f4a7c15, w[2];

	for (int i = 0; i < 20000; i++) {
		for (int k = 0; k < 2; k++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			w[k] = x;
		}
		round_trip(w, false, NULL);
		round_trip(w, true, NULL);
	}
}

static const char *detail(struct strbuf *b, uint64_t w0, uint64_t w1, uint64_t w3)
{
	strbuf_reset(b);
	smmuv3_event_detail((uint64_t[4]){ w0, w1, 0, w3 }, b);
	return strbuf_str(b);
}

static void events(void **state _unused_)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	/* the dump of a nested stage in the field: event 0x10, stalled bits clear, S2 clear */
	assert_string_equal(detail(&b, 0x00007d1200000010, 0x000012000000007c, 0xfffef000), "stage 1, at the input address");
	assert_string_equal(detail(&b, 0x0000020000000010, 0x0000000800000000, 0), "stage 1, fetching a context descriptor");
	assert_string_equal(detail(&b, 0x13, 1ull << 39 | 1ull << 40, 0x8fff), "stage 2, walking a page table, intermediate address 0x8000");
	assert_string_equal(detail(&b, 0x12, 1ull << 31 | 2ull << 40 | 0x5, 0), "stage 1, at the input address, stalled with tag 0x5");
	assert_string_equal(detail(&b, 0x09, 0, 0x1234567), "fetched from 0x1234560");
	assert_string_equal(detail(&b, 0x0b, 1ull << 39, 0x4008), "stage 2, the entry at 0x4008");
	assert_string_equal(detail(&b, 0x02, ~0ull, ~0ull), "");
}

static void nesting(void **state _unused_)
{
	static const struct {
		uint32_t idr0, idr3, iidr;
		enum tri is;
		const char *why;
	} t[] = {
		{ 2, 0, 0, TRI_NO, "S2P is 0" },	   { 1, 0, 0, TRI_NO, "S1P is 0" },
		{ 0, 0x100, 0, TRI_NO, "neither stage" },  { 3, 0, 0, TRI_UNKNOWN, "CANWBS" },
		{ 3, 0x100, 0, TRI_YES, "FWB" },	   { 3, 0x100, 0x4830043b, TRI_NO, "1209401" },
		{ 3, 0x100, 0x4832043b, TRI_YES, "FWB" },  { 3, 0x100, 0x4870143b, TRI_NO, "2812531" },
		{ 3, 0x100, 0x4871143b, TRI_YES, "FWB" },  { 3, 0x100, 0x48710000, TRI_YES, "FWB" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const uint32_t idr[6] = { t[i].idr0, 0, 0, t[i].idr3, 0, 0 };
		const char *why;

		assert_int_equal(smmuv3_nests(idr, t[i].iidr, &why), t[i].is);
		assert_non_null(strstr(why, t[i].why));
	}
	assert_non_null(smmuv3_no_dirty((uint32_t[6]){ 0x2 }));
	assert_non_null(smmuv3_no_dirty((uint32_t[6]){ 0x1 | 2 << 6 }));
	assert_null(smmuv3_no_dirty((uint32_t[6]){ 0x2 | 2 << 6 }));
}

/* The calls of a virtual machine monitor: what its pointers lead to is said in words, between arguments and results. */
static void behind_pointers(void **state _unused_)
{
	struct iommu_hwpt_alloc alloc = { .size = sizeof(alloc), .data_type = IOMMU_HWPT_DATA_ARM_SMMUV3, .data_len = 16, .out_hwpt_id = 9 };
	struct iommu_hwpt_invalidate inv = { .size = sizeof(inv), .data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3, .entry_len = 16, .entry_num = 2 };
	const uint64_t ste[2] = { 1 | 4 << 1, 0 }, cmds[4] = { 0x30, 0, 0x06 | 8ull << 32, 0 };
	struct ioctl_decoded d;
	struct arena a = { 0 };
	size_t at = 0;

	ioctl_decode(&a, IOCTL_ON_IOMMUFD, IOMMU_HWPT_ALLOC, 0, (void *)&alloc, sizeof(alloc), (void *)&alloc, sizeof(alloc), true, &d);
	ioctl_decode_data(&a, (const void *)ste, sizeof(ste), &d);
	assert_string_equal(ioctl_value(&d, "ste")->text, "v,config=bypass");
	assert_true(ioctl_value(&d, "ste") < ioctl_value(&d, "out_hwpt_id"));
	ioctl_decode(&a, IOCTL_ON_IOMMUFD, IOMMU_HWPT_INVALIDATE, 0, (void *)&inv, sizeof(inv), NULL, 0, false, &d);
	ioctl_decode_data(&a, (const void *)cmds, sizeof(cmds), &d);
	while (!streq(d.v[at].name, "cmd"))
		at++;
	assert_string_equal(d.v[at].text, "op=tlbi-nsnh-all");
	assert_string_equal(d.v[at + 1].text, "op=cfgi-cd-all,sid=0x8");
	/* cut short, and of another kind: nothing is said */
	ioctl_decode(&a, IOCTL_ON_IOMMUFD, IOMMU_HWPT_INVALIDATE, 0, (void *)&inv, sizeof(inv), NULL, 0, false, &d);
	ioctl_decode_data(&a, (const void *)cmds, 15, &d);
	assert_null(ioctl_value(&d, "cmd"));
	inv.data_type = 7;
	ioctl_decode(&a, IOCTL_ON_IOMMUFD, IOMMU_HWPT_INVALIDATE, 0, (void *)&inv, sizeof(inv), NULL, 0, false, &d);
	ioctl_decode_data(&a, (const void *)cmds, sizeof(cmds), &d);
	assert_null(ioctl_value(&d, "cmd"));
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries), cmocka_unit_test(commands), cmocka_unit_test(any_words), cmocka_unit_test(events),
		cmocka_unit_test(nesting), cmocka_unit_test(behind_pointers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
