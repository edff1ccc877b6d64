// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/devtree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define CELL 4

/* Longer than any property of cells that is asked for. */
#define PROPERTY_MAX (64 * 1024)

int devtree_node(struct host *h, const char *dir, const char **ret)
{
	char path[SRC_PATH_MAX], link[SRC_PATH_MAX];
	const char *in_tree;
	int r;

	PATHF(path, "%s/of_node", dir);
	r = source_readlink(h->src, path, link, sizeof(link));
	if (r < 0)
		return r;
	in_tree = strstr(link, &DEVTREE[strlen("sys/")]);
	if (!in_tree || strstr(in_tree, ".."))
		return -EXDEV;
	*ret = arena_printf(&h->arena, "sys/%s", in_tree);
	return 0;
}

int devtree_cells(struct host *h, const char *node, const char *property, uint32_t **ret, size_t *ret_n)
{
	char path[SRC_PATH_MAX], *data;
	uint32_t *cells;
	size_t len;
	int r;

	PATHF(path, "%s/%s", node, property);
	r = source_read_all(h->src, path, PROPERTY_MAX, &h->arena, &data, &len);
	if (r < 0)
		return r;
	if (len % CELL)
		return -EBADMSG;
	cells = arena_array(&h->arena, uint32_t, len / CELL + 1);
	for (size_t i = 0; i < len; i++)
		cells[i / CELL] = cells[i / CELL] << 8 | (unsigned char)data[i];
	*ret = cells;
	*ret_n = len / CELL;
	return 0;
}

/* An empty file: it is there or not. */
static enum tri has_property(struct host *h, const char *node, const char *property)
{
	char path[SRC_PATH_MAX], text[16];
	int r;

	PATHF(path, "%s/%s", node, property);
	r = source_read_attr(h->src, path, text, sizeof(text));
	return r == 0 ? TRI_YES : r == -ENOENT ? TRI_NO : TRI_UNKNOWN;
}

enum tri devtree_coherent(struct host *h, const char *node)
{
	char *at = arena_strdup(&h->arena, node);

	for (;;) {
		enum tri yes = has_property(h, at, "dma-coherent"), no;

		if (yes != TRI_NO)
			return yes;
		no = has_property(h, at, "dma-noncoherent");
		if (no != TRI_NO)
			return no == TRI_YES ? TRI_NO : TRI_UNKNOWN;
		if (strlen(at) <= strlen(DEVTREE))
			return TRI_NO;
		*strrchr(at, '/') = '\0';
	}
}
