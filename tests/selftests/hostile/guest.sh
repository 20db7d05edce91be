#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest that writes and calls what it likes (src/flat_hostile.c).
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

flat_test flat_hostile
