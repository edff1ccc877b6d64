// SPDX-License-Identifier: GPL-2.0-or-later
/* The words of --inject. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "model/model.h"

#define MAX_IOMMUS 64

const struct model_word model_words[] = {
	{ "leak=GROUP[:COUNT]", "uses of the group's DMA that a driver left behind (1)" },
	{ "iommus=N", "each IOMMU is N, and its groups are dealt out among them" },
	{ "nesting", "SMMUv3 units can nest, which no file of them tells" },
	{ "no-nesting", "no IOMMU can nest" },
	{ "no-dirty", "no IOMMU tracks dirty pages" },
	{ "no-pasid", "no IOMMU takes PASIDs" },
	{ "non-coherent", "no IOMMU is cache-coherent" },
	{ "no-isolated-msi", "interrupts are not isolated" },
	{ "allow-unsafe-interrupts", "iommufd's parameter of that name is on" },
	{ "no-mock", "the kernel has no selftest device" },
	{ NULL, NULL },
};

static int bad(struct ctx *ctx, const char *word, const char *why)
{
	return ctx_error(ctx, NOTE(.code = "bad-inject", .err = EINVAL, .why = why, .where = "--inject",
				   .hint = "leak=GROUP[:COUNT], iommus=N, nesting, no-nesting, no-dirty, no-pasid, non-coherent, "
					   "no-isolated-msi, allow-unsafe-interrupts, no-mock"),
			 "--inject %s", word);
}

static int add_leak(struct ctx *ctx, struct model_options *o, const char *word, char *value)
{
	struct model_leak *v = arena_array(&ctx->arena, struct model_leak, o->n_leaks + 1);
	char *colon = strchr(value, ':');

	for (size_t i = 0; i < o->n_leaks; i++)
		v[i] = o->leaks[i];
	v[o->n_leaks].count = 1;
	if (colon)
		*colon = '\0';
	if (parse_u32(value, &v[o->n_leaks].group) < 0)
		return bad(ctx, word, "not the number of a group");
	if (colon && (parse_u32(colon + 1, &v[o->n_leaks].count) < 0 || !v[o->n_leaks].count ||
		      v[o->n_leaks].count > UINT16_MAX))
		return bad(ctx, word, "not a count from 1 to 65535");
	o->leaks = v;
	o->n_leaks++;
	return 0;
}

static int take(struct ctx *ctx, struct model_options *o, char *word)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "nesting", &o->nesting },
		{ "no-nesting", &o->no_nesting },
		{ "no-dirty", &o->no_dirty },
		{ "no-pasid", &o->no_pasid },
		{ "non-coherent", &o->non_coherent },
		{ "no-isolated-msi", &o->no_isolated_msi },
		{ "allow-unsafe-interrupts", &o->unsafe_interrupts },
		{ "no-mock", &o->no_mock },
	};
	const char *said = arena_strdup(&ctx->arena, word);

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (streq(word, flags[i].name)) {
			*flags[i].flag = true;
			return 0;
		}
	}
	if (strstarts(word, "leak="))
		return add_leak(ctx, o, said, word + strlen("leak="));
	if (!strstarts(word, "iommus="))
		return bad(ctx, said, "no such word");
	if (parse_u32(word + strlen("iommus="), &o->iommus) < 0 || !o->iommus || o->iommus > MAX_IOMMUS)
		return bad(ctx, said, "not a number from 1 to 64");
	return 0;
}

int model_inject(struct ctx *ctx, struct model_options *o, const char *words)
{
	char *at = arena_strdup(&ctx->arena, words), *word;

	while ((word = strsep(&at, ","))) {
		int r = *word ? take(ctx, o, word) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}
