/** An answer that is data, never a page: nothing may be loaded for it, and nobody may frame it. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"

/** A page of ours: its own scripts, inline ones by nonce only, requests to ourselves. Styles may be inline: the docs page makes its own. */
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

const HEADERS = {
  // Browsers take it from https only; localhost is not affected.
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // What one token may see is not for the next one, nor for a cache in between.
  'Cache-Control': 'no-store',
}

/** What every answer carries; a page has set its own policy before. */
export const setSecurityHeaders = (headers: Headers): void => {
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value)
  if (!headers.has('Content-Security-Policy')) headers.set('Content-Security-Policy', DATA_POLICY)
}
