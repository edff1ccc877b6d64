/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pane behind Enter: what iommuctl says about a row, by iommuctl's own commands. */
#ifndef IOMMUTOP_DETAIL_H
#define IOMMUTOP_DETAIL_H

#include "ui.h"

/* Fills ui->pane with what is known about the selected row. @width: that text is wrapped at. */
void detail_fill(struct ui *ui, struct model *m, struct source *src, int width);

#endif
