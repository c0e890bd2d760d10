/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#pragma once
#define HAVE_MIXEDCASE_H 1
