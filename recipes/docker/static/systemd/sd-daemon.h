/* SPDX-License-Identifier: MIT */
/* What coturn uses of libsystemd; see notify.c. */
#pragma once

int sd_notify(int unset_environment, const char *state);
