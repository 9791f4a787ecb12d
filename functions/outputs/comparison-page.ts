/** A comparison as a picture: one self-contained page, without scripts, for light and dark, screen and paper. */
import type { Comparison } from '../core/compare-environments.ts'
import { sourceText } from '../core/compare-environments.ts'
import { objectLines } from './comparison-text.ts'
import { escapeHtml } from './html-text.ts'
import { renderMatrix } from './matrix.ts'

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}h1{font-size:1.4rem}h2{font-size:1.1rem}.wide{overflow-x:auto}code{font-family:ui-monospace,monospace}`

export function renderComparisonPage(comparison: Comparison): string {
  const { service, release, environments, sources, comparedAt, findings } = comparison
  const title = `${service} ${release.version}: migrations × environments`
  const seen = environments.flatMap((name) => {
    const source = sources[name]
    return source === undefined ? [] : [sourceText(name, source, comparedAt)]
  })
  const told = findings.map(
    ({ severity, code, subject, found, nextSteps }) =>
      `${escapeHtml(severity)} <code>${escapeHtml(code)}</code> ${escapeHtml(subject)}: ${escapeHtml(found)}${nextSteps.map(({ text, command }) => `<br>next: ${escapeHtml(text)}${command === null ? '' : `<br><code>${escapeHtml(command)}</code>`}`).join('')}`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p>Compared at <time datetime="${escapeHtml(comparedAt)}">${escapeHtml(comparedAt)}</time></p>
${list(seen.map(escapeHtml))}
<div class="wide" role="region" aria-label="migrations and environments" tabindex="0">${renderMatrix(comparison, { most: null })}</div>
${section('Objects that differ', objectLines(comparison).map(escapeHtml))}${section('Findings', told)}</main>
</body>
</html>
`
}

function section(title: string, items: readonly string[]): string {
  return items.length === 0 ? '' : `<h2>${escapeHtml(title)}</h2>\n${list(items)}\n`
}

function list(items: readonly string[]): string {
  return `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`
}
