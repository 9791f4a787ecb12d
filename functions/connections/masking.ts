/** No secret enters a message. */

/**
 * A connection URL without its password. Masks too much rather than too little: everything between the user and the last
 * `@` in front of the query, and every parameter whose name says password.
 */
export function maskUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:@/?#]*):.*@/i, '$1:***@')
    .replace(/((?:password|passwd|pwd|sslpassword)\s*=\s*)('[^']*'|[^&\s]*)/gi, '$1***')
}

/** Removes secrets from a text that another program wrote. Shorter than four characters is not looked for: it would mask words. */
export function withoutSecrets(text: string, secrets: readonly (string | null | undefined)[]): string {
  let masked = text
  for (const secret of secrets) {
    if (typeof secret === 'string' && secret.length >= 4) masked = masked.replaceAll(secret, '***')
  }
  return masked
}
