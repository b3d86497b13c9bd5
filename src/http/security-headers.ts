/** The policy of data: it may load nothing, and no page may frame it. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"

/** The policy of a page: own scripts (inline ones only with the nonce), own requests. The docs page needs inline styles. */
export const pagePolicy = (nonce: string): string =>
  [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

export const makeNonce = (): string => crypto.randomUUID().replaceAll('-', '')

/** The headers of every answer but a page's policy. */
const HEADERS = {
  // Browsers ignore it without https, so localhost is not affected.
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // The answer depends on the token: no cache may store it.
  'Cache-Control': 'no-store',
}

/** All headers of an answer of data. One object: setting them one by one costs more than the rest of the answer. */
export const DATA_HEADERS: Readonly<Record<string, string>> = { ...HEADERS, 'Content-Security-Policy': DATA_POLICY }

/** Sets the headers of every answer; a page has already set its own policy. */
export const setSecurityHeaders = (headers: Headers): void => {
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value)
  if (!headers.has('Content-Security-Policy')) headers.set('Content-Security-Policy', DATA_POLICY)
}
