// SPDX-License-Identifier: GPL-2.0-or-later
/* device hwinfo: what iommufd says about a device's IOMMU, decoded. */
#include <errno.h>
#include <string.h>

#include "abi/iommufd.h"
#include "abi/selftest.h"
#include "base/str.h"
#include "cmd/device.h"
#include "cmd/object/objects.h"
#include "host/amd.h"
#include "host/smmuv3.h"
#include "host/vtd.h"

struct field_row {
	const char *reg, *field;
	struct num value;
	const char *words, *meaning;
};

#define FR(member, type, head, text, ...) FIELD(struct field_row, member, type, head, text, ##__VA_ARGS__)

static const struct field field_fields[] = {
	FR(reg, F_STR, "REGISTER", "register", .flags = FIELD_DEFAULT),
	FR(field, F_STR, "FIELD", "its field, as the specification abbreviates it", .flags = FIELD_DEFAULT),
	FR(value, F_HEX, "VALUE", "what it holds", .flags = FIELD_DEFAULT),
	FR(words, F_STR, "WORDS", "the same in words", .flags = FIELD_DEFAULT),
	FR(meaning, F_STR, "MEANING", "what it is about", .flags = FIELD_DEFAULT),
};

static const struct record_type field_record = RECORD("device.hwinfo.field", 1, struct field_row, field_fields);

struct register_row {
	const char *reg;
	struct num value;
};

static const struct field register_fields[] = {
	FIELD(struct register_row, reg, F_STR, "REGISTER", "register", .flags = FIELD_DEFAULT),
	FIELD(struct register_row, value, F_HEX, "VALUE", "its value", .flags = FIELD_DEFAULT),
};

static const struct record_type register_record = RECORD("device.hwinfo.register", 1, struct register_row, register_fields);

struct hwinfo_row {
	const char *device, *kind;
	struct num type, pasid_bits;
	struct strs capabilities;
	struct rows registers, fields;
	int nesting;
	const char *nesting_why;
	const char *bytes;
};

#define HW(member, type, head, text, ...) FIELD(struct hwinfo_row, member, type, head, text, ##__VA_ARGS__)

static const struct field hwinfo_fields[] = {
	HW(device, F_STR, "DEVICE", "device", .flags = FIELD_DEFAULT),
	HW(kind, F_STR, "KIND", "vt-d, smmuv3, amd-vi, tegra241-cmdqv, selftest, none: the driver says nothing; null: not known to this program",
	   .flags = FIELD_DEFAULT),
	HW(type, F_HEX, "TYPE", "number of that kind of data"),
	HW(pasid_bits, F_INT, "PASID", "bits of the PASIDs that the device can be given, 0: none", .flags = FIELD_DEFAULT | FIELD_RIGHT),
	HW(capabilities, F_STRS, "CAPABILITIES", "dirty-tracking, pasid-exec, pasid-priv, no-ats", .flags = FIELD_DEFAULT),
	HW(registers, F_LIST, "REGISTERS", "registers as they are", .sub = &register_record, .flags = FIELD_DEFAULT),
	HW(fields, F_LIST, "FIELDS", "registers field by field", .sub = &field_record),
	HW(nesting, F_BOOL, "NESTING", "of VT-d and SMMUv3: whether a guest can have page tables of its own; null: up to the device or the kernel, or another kind",
	   .flags = FIELD_DEFAULT),
	HW(nesting_why, F_STR, "NESTING-WHY", "why, or why not"),
	HW(bytes, F_STR, "BYTES", "data of a kind that is not known, in hex"),
};

const struct record_type device_hwinfo_record = RECORD("device.hwinfo", 1, struct hwinfo_row, hwinfo_fields);

const char device_hwinfo_text[] =
	"What the driver of the device's IOMMU tells user space about its hardware (IOMMU_GET_HW_INFO): for VT-d its CAP and ECAP, for SMMUv3 its IDRs, "
	"IIDR and AIDR, for AMD-Vi its EFR and EFR2, each field by field.";

struct decoder {
	struct invocation *inv;
	VEC(struct register_row) registers;
	VEC(struct field_row) fields;
	enum tri nesting;
	const char *nesting_why;
};

static void add_register(struct decoder *d, const struct reg_table *t, uint64_t value)
{
	struct arena *a = &d->inv->ctx->arena;
	uint64_t unknown = reg_unknown_bits(t, value);

	*vec_push(&d->registers) = (struct register_row){ t->reg, NUM(value) };
	for (size_t i = 0; i < t->n; i++) {
		const struct reg_field *f = &t->fields[i];

		*vec_push(&d->fields) = (struct field_row){ t->reg, f->name, NUM(reg_get(f, value)), reg_words(f, a, value), f->text };
	}
	if (unknown)
		*vec_push(&d->fields) = (struct field_row){ t->reg, "-", NUM(unknown), "set", "bits that this program does not know" };
}

static void add_number(struct decoder *d, const char *name, uint64_t value)
{
	*vec_push(&d->registers) = (struct register_row){ name, NUM(value) };
}

/* What nesting takes of a unit; whether scalable mode is on its registers do not tell (nested_supported(), sm_supported()). */
static enum tri vtd_nests(uint64_t ecap, const char **ret_why)
{
	bool scalable = reg_get_named(&vtd_ecap_table, "SMTS", ecap), nest = reg_get_named(&vtd_ecap_table, "NEST", ecap);

	*ret_why = !scalable ? "it has no scalable mode (ECAP.SMTS is 0), and nesting takes it" :
		   !nest     ? "it does not nest (ECAP.NEST is 0)" :
			       "it does, in scalable mode, which intel_iommu=sm_off switches off";
	return scalable && nest ? TRI_UNKNOWN : TRI_NO;
}

static const char *decode_vtd(struct decoder *d, const void *data, size_t len)
{
	struct iommu_hw_info_vtd v = { 0 };

	memcpy(&v, data, MIN(len, sizeof(v)));
	add_register(d, &vtd_cap_table, v.cap_reg);
	add_register(d, &vtd_ecap_table, v.ecap_reg);
	if (v.flags & IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17)
		*vec_push(&d->fields) = (struct field_row){ "flags", "SPR17", NUM(1), "yes",
							    "erratum 772415: no read-only maps below a nest parent" };
	d->nesting = vtd_nests(v.ecap_reg, &d->nesting_why);
	return "vt-d";
}

static const char *decode_smmuv3(struct decoder *d, const void *data, size_t len)
{
	struct iommu_hw_info_arm_smmuv3 v = { 0 };

	memcpy(&v, data, MIN(len, sizeof(v)));
	for (size_t i = 0; i < ARRAY_SIZE(v.idr); i++)
		add_register(d, smmuv3_tables[i], v.idr[i]);
	add_register(d, smmuv3_tables[6], v.iidr);
	add_register(d, smmuv3_tables[7], v.aidr);
	d->nesting = smmuv3_nests(v.idr, v.iidr, &d->nesting_why);
	return "smmuv3";
}

static const char *decode_amd(struct decoder *d, const void *data, size_t len)
{
	struct iommu_hw_info_amd v = { 0 };

	memcpy(&v, data, MIN(len, sizeof(v)));
	add_register(d, &amd_efr_table, v.efr);
	add_register(d, &amd_efr2_table, v.efr2);
	return "amd-vi";
}

static const char *decode_cmdqv(struct decoder *d, const void *data, size_t len)
{
	struct iommu_hw_info_tegra241_cmdqv v = { 0 };

	memcpy(&v, data, MIN(len, sizeof(v)));
	add_number(d, "version", v.version);
	add_number(d, "log2vcmdqs", v.log2vcmdqs);
	add_number(d, "log2vsids", v.log2vsids);
	return "tegra241-cmdqv";
}

static const char *decode_selftest(struct decoder *d, const void *data, size_t len)
{
	struct iommu_test_hw_info v = { 0 };

	memcpy(&v, data, MIN(len, sizeof(v)));
	add_number(d, "test_reg", v.test_reg);
	return "selftest";
}

static const char *decode(struct decoder *d, uint32_t type, const void *data, size_t len)
{
	switch (type) {
	case IOMMU_HW_INFO_TYPE_NONE:
		return "none";
	case IOMMU_HW_INFO_TYPE_INTEL_VTD:
		return decode_vtd(d, data, len);
	case IOMMU_HW_INFO_TYPE_ARM_SMMUV3:
		return decode_smmuv3(d, data, len);
	case IOMMU_HW_INFO_TYPE_AMD:
		return decode_amd(d, data, len);
	case IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV:
		return decode_cmdqv(d, data, len);
	case IOMMU_HW_INFO_TYPE_SELFTEST:
		return decode_selftest(d, data, len);
	}
	return NULL;
}

static struct strs capability_words(struct invocation *inv, uint64_t bits)
{
	static const char *const words[] = { "dirty-tracking", "pasid-exec", "pasid-priv", "no-ats" };
	const char **v = arena_array(&inv->ctx->arena, const char *, 64);
	size_t n = 0;

	for (unsigned i = 0; i < 64; i++)
		if (bits & 1ULL << i)
			v[n++] = i < ARRAY_SIZE(words) ? words[i] : arena_printf(&inv->ctx->arena, "bit-%u", i);
	return STRS(v, n);
}

static const char *hex(struct invocation *inv, const unsigned char *p, size_t len)
{
	_cleanup_strbuf_ struct strbuf b = { 0 };

	for (size_t i = 0; i < len; i++)
		strbuf_printf(&b, "%02x", p[i]);
	return arena_strdup(&inv->ctx->arena, strbuf_str(&b));
}

int device_hwinfo_run(struct invocation *inv)
{
	static const struct errno_text texts[] = {
		{ EOPNOTSUPP, "the IOMMU's driver has no data of that type", NULL },
		{ ENOENT, "the device is not bound to this iommufd", NULL },
		{ 0 },
	};
	unsigned char data[4096];
	struct op_data d = { .out = data, .out_cap = sizeof(data), .fd_in = -1, .fd_out = -1 };
	struct decoder dec = { .inv = inv, .nesting = TRI_UNKNOWN };
	struct op_device_hwinfo op = { 0 };
	struct hwinfo_row row;
	struct op_object device = { 0 };
	struct backend *be;
	int r = object_begin(inv, &be);

	if (r == EXIT_DONE)
		r = TAKE(inv, TAKE_OPT_U32("type", &op.in_type), TAKE_DEVICE(0, &device));
	if (r != EXIT_DONE)
		return r;
	op.handle = device.handle;
	r = backend_device_hwinfo(be, &op, &d);
	if (r < 0)
		return op_failed(inv, r, texts, 0x8a, "device hwinfo %s", inv->argv[0]);
	row = (struct hwinfo_row){
		.device = device.name,
		.kind = decode(&dec, op.ret_type, data, d.out_len),
		.type = NUM(op.ret_type),
		.pasid_bits = NUM(op.ret_max_pasid_log2),
		.capabilities = capability_words(inv, op.ret_capabilities),
	};
	row.bytes = row.kind ? NULL : hex(inv, data, d.out_len);
	row.nesting = dec.nesting;
	row.nesting_why = dec.nesting_why;
	row.registers = ROWS(dec.registers.v, dec.registers.n);
	row.fields = ROWS(dec.fields.v, dec.fields.n);
	r = out_detail(inv->out, &row);
	vec_free(&dec.registers);
	vec_free(&dec.fields);
	return r;
}

static const char *smmuv3_refusal(const void *data, bool nesting, bool dirty)
{
	struct iommu_hw_info_arm_smmuv3 v;
	const char *why = NULL;

	memcpy(&v, data, sizeof(v));
	if (nesting && smmuv3_nests(v.idr, v.iidr, &why) == TRI_YES)
		why = NULL;
	return !why && dirty ? smmuv3_no_dirty(v.idr) : why;
}

static const char *vtd_refusal(const void *data, bool nesting, bool dirty)
{
	struct iommu_hw_info_vtd v;
	const char *why = NULL;

	memcpy(&v, data, sizeof(v));
	if (nesting && vtd_nests(v.ecap_reg, &why) == TRI_NO)
		return why;
	return dirty && !vtd_dirty_tracking(v.ecap_reg) ? "it tracks no dirty pages (ECAP.SSADS and ECAP.SMPWCS are not both 1)" : NULL;
}

const char *unit_refusal(struct invocation *inv, struct backend *be, uint32_t handle, uint32_t only, bool nesting, bool dirty)
{
	unsigned char data[64] = { 0 };
	struct op_data d = { .out = data, .out_cap = sizeof(data), .fd_in = -1, .fd_out = -1 };
	struct op_device_hwinfo op = { .handle = handle };
	bool vtd, smmuv3;
	const char *why;

	if (backend_device_hwinfo(be, &op, &d) < 0 || (only && op.ret_type != only))
		return NULL;
	vtd = op.ret_type == IOMMU_HW_INFO_TYPE_INTEL_VTD;
	smmuv3 = op.ret_type == IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
	why = vtd ? vtd_refusal(data, nesting, dirty) : smmuv3 ? smmuv3_refusal(data, nesting, dirty) : NULL;
	return why ? arena_printf(&inv->ctx->arena, "the device's %s unit cannot: %s", vtd ? "VT-d" : "SMMUv3", why) : NULL;
}

const struct option_row device_hwinfo_options[] = {
	{ .name = "type", .arg = "N", .help = "data of this type, where the driver has several" },
	{ 0 },
};
