/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A frame as a picture, for documentation. */
#ifndef IOMMUTOP_SVG_H
#define IOMMUTOP_SVG_H

#include <stdio.h>

#include "cells.h"

/* Writes the grid as an SVG of a dark terminal, colours as on the screen. */
void svg_write(const struct cells *c, const char *title, FILE *f);

#endif
