/** `schema.ignore`: globs over subjects, where `*` is any run of characters. Pure. */

/** Whether a subject (`audit_log`, `public.tmp_x`, `ops.queue`) is ignored. A bare pattern speaks of `public`. */
export function isIgnored(patterns: readonly string[], subject: string): boolean {
  const full = subject.includes('.') ? subject : `public.${subject}`
  return patterns.some((pattern) => {
    const glob = globExpression(pattern)
    return glob.test(subject) || glob.test(full)
  })
}

function globExpression(pattern: string): RegExp {
  const body = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/gu, String.raw`\$&`))
    .join('.*')
  return new RegExp(`^${body}$`, 'u')
}
