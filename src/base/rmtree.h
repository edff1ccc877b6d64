/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories that the program has made for itself. */
#ifndef IOMMUCTL_BASE_RMTREE_H
#define IOMMUCTL_BASE_RMTREE_H

/* Takes a directory of ours away with all that is in it; links are not followed. What cannot be removed stays, in silence. */
void rmtree(const char *dir);

#endif
