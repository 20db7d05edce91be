#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# RELEASE that is malformed, or of what must not go: refused, and not a byte lost (src/flat_refuse.c).
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

flat_test flat_refuse
