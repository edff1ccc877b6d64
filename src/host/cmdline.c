// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel command line and the kernel's configuration, as text. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "host/switches.h"

/*
 * One parameter, as next_arg() of the kernel's lib/cmdline.c takes it: blanks inside double quotes do not end it,
 * the first '=' parts it, and quotes around the whole or around the value are dropped.
 */
static char *next_param(char *s, struct boot_param *ret)
{
	bool quoted = *s == '"', in_quote = quoted;
	char *end, *value = NULL;

	if (quoted)
		s++;
	for (end = s; *end && (in_quote || !isspace((unsigned char)*end)); end++) {
		if (*end == '=' && !value && end > s)
			value = end;
		if (*end == '"')
			in_quote = !in_quote;
	}
	ret->name = s;
	s = *end ? end + 1 : end;
	*end = '\0';
	if (end > ret->name && end[-1] == '"' && (quoted || (value && value[1] == '"')))
		end[-1] = '\0';
	if (value) {
		*value++ = '\0';
		ret->value = *value == '"' ? value + 1 : value;
	}
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

size_t cmdline_parse(struct arena *a, const char *cmdline, struct boot_param **ret)
{
	VEC(struct boot_param) params = { 0 };
	char *s = arena_strdup(a, cmdline);
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	while (*s) {
		struct boot_param p = { 0 };

		s = next_param(s, &p);
		for (char *c = (char *)p.name; *c; c++)
			if (*c == '-')
				*c = '_';
		*vec_push(&params) = p;
	}
	n = params.n;
	*ret = (void *)arena_memdup(a, params.v, n * sizeof(*params.v));
	vec_free(&params);
	return n;
}

const char *boot_param(const struct switches *sw, const char *name)
{
	for (size_t i = sw->n_params; i-- > 0;)
		if (streq(sw->params[i].name, name))
			return sw->params[i].value ? sw->params[i].value : "";
	return NULL;
}

const char *boot_param_word(const struct switches *sw, const char *name, const char *word)
{
	const char *found = NULL;

	for (size_t i = 0; i < sw->n_params; i++) {
		const char *s = sw->params[i].value;

		if (!s || !streq(sw->params[i].name, name))
			continue;
		for (; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL)
			if (strstarts(s, word))
				found = s;
	}
	return found;
}

static const struct {
	const char *name;
	size_t len;
} config_options[CONFIG_MAX_] = {
#define OPTION(o) [CONFIG_##o] = { "CONFIG_" #o, sizeof("CONFIG_" #o) - 1 }
	OPTION(IOMMUFD),
	OPTION(IOMMUFD_VFIO_CONTAINER),
	OPTION(VFIO),
	OPTION(VFIO_GROUP),
	OPTION(VFIO_CONTAINER),
	OPTION(VFIO_IOMMU_TYPE1),
	OPTION(VFIO_DEVICE_CDEV),
	OPTION(VFIO_NOIOMMU),
	OPTION(VFIO_PCI),
	OPTION(INTEL_IOMMU),
	OPTION(INTEL_IOMMU_DEFAULT_ON),
	OPTION(INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON),
	OPTION(AMD_IOMMU),
	OPTION(ARM_SMMU_V3),
	OPTION(VIRTIO_IOMMU),
	OPTION(IRQ_REMAP),
	OPTION(IOMMU_DEFAULT_PASSTHROUGH),
	OPTION(IOMMU_DEFAULT_DMA_STRICT),
	OPTION(DEBUG_TEST_DRIVER_REMOVE),
#undef OPTION
};

const char *kconfig_name(enum kconfig_option o)
{
	return config_options[o].name;
}

bool kconfig_is_off(const struct switches *sw, enum kconfig_option o)
{
	return !sw->config_err && sw->config[o] != 'y' && sw->config[o] != 'm';
}

static void parse_config_line(struct switches *sw, const char *line, size_t len)
{
	bool off = len > 2 && !strncmp(line, "# ", 2);
	const char *name = off ? line + 2 : line;
	size_t n = strcspn(name, "= \n"), rest = len - (name - line) - n;

	/* of ten thousand lines hardly one is asked for: its length tells most apart */
	for (size_t i = 0; i < CONFIG_MAX_; i++) {
		if (config_options[i].len != n || memcmp(name, config_options[i].name, n))
			continue;
		if (off && rest == 11 && !strncmp(name + n, " is not set", 11))
			sw->config[i] = 'n';
		else if (!off && rest == 2 && name[n] == '=' && strchr("ymn", name[n + 1]))
			sw->config[i] = name[n + 1];
	}
}

void kconfig_parse(struct switches *sw, const char *text)
{
	for (const char *end; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		if (strstarts(text, "CONFIG_") || strstarts(text, "# CONFIG_"))
			parse_config_line(sw, text, end - text);
	}
}
