// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkmachine DIR <TABLE: builds a machine's tree for the bats suites. A line is a PCI function, or a device of
 *another bus:
 *
 *	0000:00:03.0 type=root-port acs=1d/1d group=1 driver=pcieport
 *	0000:00:03.0/0000:01:00.0 multi group=2 driver=e1000e class=020000 id=8086:10d3
 *	other platform sys/devices/platform/a.gpu group=7 driver=panfrost
 *
 * Also: config=BYTES, noconfig, bridge. Without group= it is in none.
 */
#include <stdio.h>
#include <string.h>

#include "../unit/machine.h"
#include "base/str.h"

static _Noreturn void bad(const char *word)
{
	fprintf(stderr, "mkmachine: cannot understand: %s\n", word);
	exit(1);
}

static enum pcie_type type_of(const char *word)
{
	static const struct {
		const char *word;
		enum pcie_type type;
	} t[] = {
		{ "endpoint", PCIE_ENDPOINT },	     { "legacy", PCIE_LEGACY_ENDPOINT },
		{ "root-port", PCIE_ROOT_PORT },     { "upstream", PCIE_UPSTREAM },
		{ "downstream", PCIE_DOWNSTREAM },   { "pcie-to-pci", PCIE_TO_PCI },
		{ "rc-endpoint", PCIE_RC_ENDPOINT }, { "pci", PCIE_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		if (streq(t[i].word, word))
			return t[i].type;
	}
	bad(word);
}

static void attribute(struct machine_pci *p, char *word)
{
	unsigned a, b;

	if (strstarts(word, "type="))
		p->type = type_of(word + 5);
	else if (sscanf(word, "acs=%x/%x", &a, &b) == 2)
		p->acs = MACHINE_ACS(a, b);
	else if (sscanf(word, "group=%u", &a) == 1)
		p->group = (int)a;
	else if (strstarts(word, "driver="))
		p->driver = word + 7;
	else if (sscanf(word, "class=%x", &a) == 1)
		p->class = a;
	else if (sscanf(word, "id=%x:%x", &a, &b) == 2)
		p->vendor = a, p->device = b;
	else if (sscanf(word, "config=%u", &a) == 1)
		p->config = a;
	else if (streq(word, "noconfig"))
		p->no_config = true;
	else if (streq(word, "multi"))
		p->multi = true;
	else if (streq(word, "bridge"))
		p->bridge = true;
	else
		bad(word);
}

static void other(struct machine *m, char *rest)
{
	char *bus = strtok(rest, " \t\n"), *path = strtok(NULL, " \t\n"), *word;
	struct machine_pci p = { .group = MACHINE_NO_GROUP };

	if (!bus || !path || !strrchr(path, '/'))
		bad("other");
	while ((word = strtok(NULL, " \t\n")))
		attribute(&p, word);
	machine_other(m, bus, strrchr(path, '/') + 1, path, p.group, p.driver);
}

static void line(struct machine *m, char *s)
{
	struct machine_pci p = { .group = MACHINE_NO_GROUP };
	char *word;

	if (strstarts(s, "other ")) {
		other(m, s + 6);
		return;
	}
	p.path = strtok(s, " \t\n");
	if (!p.path || *p.path == '#')
		return;
	while ((word = strtok(NULL, " \t\n")))
		attribute(&p, word);
	machine_pci(m, &p);
}

int main(int argc, char **argv)
{
	struct machine m;
	char buf[1024];

	if (argc != 2)
		bad("arguments");
	machine_new_at(&m, argv[1]);
	while (fgets(buf, sizeof(buf), stdin))
		line(&m, buf + strspn(buf, " \t"));
	machine_free(&m);
	return 0;
}
