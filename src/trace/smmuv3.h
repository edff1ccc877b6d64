/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMMUv3's stream table entries and commands, field by field, to and from words: "v,config=s1,s1ctxptr=0x40000,s1cdmax=5",
 * "op=tlbi-nh-va,asid=3,addr=0x1000,leaf". Fields by the Arm SMMU architecture specification, version 3 (IHI 0070, chapters 4 and 5.2), named as
 * there; those that Linux has were held against STRTAB_STE_* and CMDQ_* of drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.h. What a field
 * table does not cover is written as "ste0=0x…", "cmd1=0x…" in front, so that nothing is lost on the way.
 */
#ifndef IOMMUCTL_TRACE_SMMUV3_H
#define IOMMUCTL_TRACE_SMMUV3_H

#include "base/str.h"

struct smmuv3_field {
	const char *name;
	uint8_t word, shift, width; /* double word, lowest bit, bits */
	bool in_place;		    /* an address: given whole, its bits below shift are zero */
	uint64_t with;		    /* bits of the first double word that are set along with it, and without which it is not there */
	const char *const *words;   /* of each value, NULL: a number alone */
	size_t n_words;
};

/* A field of the first two double words of an entry: those that a guest has a say in, and some that it has not. NULL none. */
const struct smmuv3_field *smmuv3_ste_field(const char *name, size_t len);

/* A field of commands of that opcode. NULL none. */
const struct smmuv3_field *smmuv3_cmd_field(uint8_t opcode, const char *name, size_t len);

/* The names of the fields, for messages: "sid, ssid, leaf". */
void smmuv3_ste_names(struct strbuf *b);
void smmuv3_cmd_names(uint8_t opcode, struct strbuf *b);

/* "tlbi-nh-va" is 0x12; -ENOENT. */
int smmuv3_opcode_parse(const char *word);

/* The value of a word of the field's: "s1" is 5. -ENOENT. */
int smmuv3_word_parse(const struct smmuv3_field *f, const char *word, uint64_t *ret);

/* -ERANGE: the value does not fit, or an address has bits below the field. Otherwise the field's old value is gone. */
int smmuv3_put(const struct smmuv3_field *f, uint64_t value, uint64_t words[2]);

/* Fields that are not zero. An empty entry is "ste0=0x0", a command of an opcode that nobody knows "cmd0=0x…,cmd1=0x…". */
void smmuv3_ste_text(const uint64_t ste[2], struct strbuf *b);
void smmuv3_cmd_text(const uint64_t cmd[2], struct strbuf *b);

/*
 * What an event says beyond its kind, address and access (IHI 0070, 7.3): "stage 2, intermediate address 0x8000, stalled with tag 0x5"; nothing is
 * added for one that says no more.
 */
void smmuv3_event_detail(const uint64_t w[4], struct strbuf *b);

#endif
