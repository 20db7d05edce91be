#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# RELEASE of memory of every kind: gone, and nothing beside (src/flat_release.c).
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

flat_test flat_release
