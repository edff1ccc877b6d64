/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys written as text, for --keys and tests: "4<Down>/eth<Enter>". */
#ifndef IOMMUTOP_KEYS_H
#define IOMMUTOP_KEYS_H

#include "ui.h"

/*
 * Takes the next key from *@s. False at the end. <Up> <Down> <Left> <Right> <PgUp> <PgDn> <Home> <End> <Enter> <Esc> <Tab> <BackTab>
 * <Backspace> <F1> … <F10> <lt> (a "<"), <Click Y X>; other characters stand for themselves.
 */
bool keys_next(const char **s, struct ui_key *ret);

#endif
