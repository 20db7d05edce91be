#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who is heard, and what HELLO, PING and BYE answer to right and wrong arguments (src/flat_handshake.c).
#
# timeout: 300

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../pair-lib.sh"

flat_test flat_handshake
