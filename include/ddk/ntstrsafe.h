/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Bounded string routines: RtlStringCch... count characters, RtlStringCb... bytes, both with the
 * terminating zero;
 * ...A for char, ...W for WCHAR. Inline, as on Windows. They always terminate the destination; what
 * does not fit is cut and STATUS_BUFFER_OVERFLOW tells so; a size of 0 or above NTSTRSAFE_MAX_CCH
 * is STATUS_INVALID_PARAMETER. The Printf forms stand on the exported _vsnprintf and _vsnwprintf
 * and are for drivers only. The ...Ex forms and the UNICODE_STRING forms are not here.
 */
#ifndef DDK_NTSTRSAFE_H
#define DDK_NTSTRSAFE_H

#include "wdm.h"
#ifdef DDK_WINDOWS
#include "crt/stdio.h"
#include "crt/wchar.h"
#endif

#define NTSTRSAFE_MAX_CCH 2147483647
typedef char *NTSTRSAFE_PSTR;
typedef const char *NTSTRSAFE_PCSTR;
typedef WCHAR *NTSTRSAFE_PWSTR;
typedef const WCHAR *NTSTRSAFE_PCWSTR;

/* X is A or W; C its character. */
#define DDK_STRSAFE(X, C)                                                                          \
	/* Up to `most` characters of source go to dst[at]; size is that of all of dst. */         \
	DDK_INLINE NTSTATUS ddk_strsafe_put##X(                                                    \
		C *dst, size_t size, size_t at, const C *source, size_t most)                      \
	{                                                                                          \
		size_t i;                                                                          \
                                                                                                   \
		for (i = 0; i < most && source[i]; i++) {                                          \
			if (at + i + 1 >= size) {                                                  \
				dst[size - 1] = 0;                                                 \
				return STATUS_BUFFER_OVERFLOW;                                     \
			}                                                                          \
			dst[at + i] = source[i];                                                   \
		}                                                                                  \
		dst[at + i] = 0;                                                                   \
		return STATUS_SUCCESS;                                                             \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCchCopyN##X(                                                  \
		C *pszDest, size_t cchDest, const C *pszSrc, size_t cchToCopy)                     \
	{                                                                                          \
		if (!cchDest || cchDest > NTSTRSAFE_MAX_CCH)                                       \
			return STATUS_INVALID_PARAMETER;                                           \
		if (cchToCopy > NTSTRSAFE_MAX_CCH) {                                               \
			*pszDest = 0;                                                              \
			return STATUS_INVALID_PARAMETER;                                           \
		}                                                                                  \
		return ddk_strsafe_put##X(pszDest, cchDest, 0, pszSrc, cchToCopy);                 \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCchCopy##X(C *pszDest, size_t cchDest, const C *pszSrc)       \
	{                                                                                          \
		return RtlStringCchCopyN##X(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH);          \
	}                                                                                          \
	/* *pcchLength may be left out. */                                                         \
	DDK_INLINE NTSTATUS RtlStringCchLength##X(const C *psz, size_t cchMax, size_t *pcchLength) \
	{                                                                                          \
		size_t length = 0;                                                                 \
		NTSTATUS status = STATUS_INVALID_PARAMETER;                                        \
                                                                                                   \
		if (psz && cchMax <= NTSTRSAFE_MAX_CCH) {                                          \
			while (length < cchMax && psz[length])                                     \
				length++;                                                          \
			if (length < cchMax)                                                       \
				status = STATUS_SUCCESS;                                           \
		}                                                                                  \
		if (pcchLength)                                                                    \
			*pcchLength = NT_SUCCESS(status) ? length : 0;                             \
		return status;                                                                     \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCchCatN##X(                                                   \
		C *pszDest, size_t cchDest, const C *pszSrc, size_t cchToAppend)                   \
	{                                                                                          \
		size_t length;                                                                     \
		NTSTATUS status = RtlStringCchLength##X(pszDest, cchDest, &length);                \
                                                                                                   \
		if (!NT_SUCCESS(status) || cchToAppend > NTSTRSAFE_MAX_CCH)                        \
			return STATUS_INVALID_PARAMETER;                                           \
		return ddk_strsafe_put##X(pszDest, cchDest, length, pszSrc, cchToAppend);          \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCchCat##X(C *pszDest, size_t cchDest, const C *pszSrc)        \
	{                                                                                          \
		return RtlStringCchCatN##X(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH);           \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCbCopyN##X(                                                   \
		C *pszDest, size_t cbDest, const C *pszSrc, size_t cbToCopy)                       \
	{                                                                                          \
		return RtlStringCchCopyN##X(                                                       \
			pszDest, cbDest / sizeof(C), pszSrc, cbToCopy / sizeof(C));                \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCbCopy##X(C *pszDest, size_t cbDest, const C *pszSrc)         \
	{                                                                                          \
		return RtlStringCchCopy##X(pszDest, cbDest / sizeof(C), pszSrc);                   \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCbLength##X(const C *psz, size_t cbMax, size_t *pcbLength)    \
	{                                                                                          \
		NTSTATUS status = RtlStringCchLength##X(psz, cbMax / sizeof(C), pcbLength);        \
                                                                                                   \
		if (pcbLength)                                                                     \
			*pcbLength *= sizeof(C);                                                   \
		return status;                                                                     \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCbCatN##X(                                                    \
		C *pszDest, size_t cbDest, const C *pszSrc, size_t cbToAppend)                     \
	{                                                                                          \
		return RtlStringCchCatN##X(                                                        \
			pszDest, cbDest / sizeof(C), pszSrc, cbToAppend / sizeof(C));              \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCbCat##X(C *pszDest, size_t cbDest, const C *pszSrc)          \
	{                                                                                          \
		return RtlStringCchCat##X(pszDest, cbDest / sizeof(C), pszSrc);                    \
	}

DDK_STRSAFE(A, char)
DDK_STRSAFE(W, WCHAR)
#undef DDK_STRSAFE

#ifdef DDK_WINDOWS
/* _vsnprintf neither terminates nor counts what did not fit: room for size - 1 is offered, the zero
 * is ours. */
#define DDK_STRSAFE_PRINTF(X, C, format_into)                                                      \
	DDK_INLINE NTSTATUS RtlStringCchVPrintf##X(                                                \
		C *pszDest, size_t cchDest, const C *pszFormat, va_list argList)                   \
	{                                                                                          \
		int length;                                                                        \
                                                                                                   \
		if (!cchDest || cchDest > NTSTRSAFE_MAX_CCH)                                       \
			return STATUS_INVALID_PARAMETER;                                           \
		length = format_into(pszDest, cchDest - 1, pszFormat, argList);                    \
		if (length >= 0 && (size_t)length <= cchDest - 1) {                                \
			pszDest[length] = 0;                                                       \
			return STATUS_SUCCESS;                                                     \
		}                                                                                  \
		pszDest[cchDest - 1] = 0;                                                          \
		return STATUS_BUFFER_OVERFLOW;                                                     \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCbVPrintf##X(                                                 \
		C *pszDest, size_t cbDest, const C *pszFormat, va_list argList)                    \
	{                                                                                          \
		return RtlStringCchVPrintf##X(pszDest, cbDest / sizeof(C), pszFormat, argList);    \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCchPrintf##X(                                                 \
		C *pszDest, size_t cchDest, const C *pszFormat, ...)                               \
	{                                                                                          \
		NTSTATUS status;                                                                   \
		va_list arguments;                                                                 \
                                                                                                   \
		va_start(arguments, pszFormat);                                                    \
		status = RtlStringCchVPrintf##X(pszDest, cchDest, pszFormat, arguments);           \
		va_end(arguments);                                                                 \
		return status;                                                                     \
	}                                                                                          \
	DDK_INLINE NTSTATUS RtlStringCbPrintf##X(                                                  \
		C *pszDest, size_t cbDest, const C *pszFormat, ...)                                \
	{                                                                                          \
		NTSTATUS status;                                                                   \
		va_list arguments;                                                                 \
                                                                                                   \
		va_start(arguments, pszFormat);                                                    \
		status =                                                                           \
			RtlStringCchVPrintf##X(pszDest, cbDest / sizeof(C), pszFormat, arguments); \
		va_end(arguments);                                                                 \
		return status;                                                                     \
	}

DDK_STRSAFE_PRINTF(A, char, _vsnprintf)
DDK_STRSAFE_PRINTF(W, WCHAR, _vsnwprintf)
#undef DDK_STRSAFE_PRINTF
#endif

#endif
