/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Comes before every file of the host's module, which becomes one of another
 * version by that: older, newer, or with no version in common with the guest. What
 * it is, is said when it is loaded.
 */
#ifndef _BELLOWS_OTHER_HOST_H
#define _BELLOWS_OTHER_HOST_H

#include <bellows/abi.h>

/* Highest version of the ABI that it speaks; 0 for none that a guest knows. */
extern unsigned int other_version;
/* BELLOWS_F_* and what comes after them. */
extern unsigned int other_features;

#undef BELLOWS_ABI_VERSION
#define BELLOWS_ABI_VERSION other_version
#undef BELLOWS_F_ALL
#define BELLOWS_F_ALL other_features

#endif /* _BELLOWS_OTHER_HOST_H */
