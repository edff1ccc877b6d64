#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dracut sources its hooks: what runs in one must not exit.
/bin/sh /lib/iommuctl/early-bind
