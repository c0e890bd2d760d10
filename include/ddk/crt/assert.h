/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* For drivers only: what is asserted of types while compiling. assert() is of programs; drivers
 * have ASSERT and NT_ASSERT. */
#ifndef DDK_CRT_ASSERT_H
#define DDK_CRT_ASSERT_H

#ifndef __cplusplus
#define static_assert _Static_assert
#endif

#endif
