// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/rmtree.h"

#include <ftw.h>
#include <stdio.h>

#include "base/util.h"

static int remove_one(const char *path, const struct stat *st _unused_, int flag _unused_, struct FTW *ftw _unused_)
{
	return remove(path);
}

void rmtree(const char *dir)
{
	nftw(dir, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}
