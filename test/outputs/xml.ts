/** A strict reader of XML 1.0 for the suites: it throws where a conforming parser would, and knows no DTD. */

export interface XmlElement {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly XmlElement[]
  readonly text: string
}

/** The production `Char` of XML 1.0, §2.2. */
const NOT_A_CHARACTER = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescape(text: string): string {
  if (text.includes('<')) throw new Error(`a bare "<" in ${JSON.stringify(text)}`)
  if (text.includes(']]>')) throw new Error('"]]>" in text')
  return text.replace(/&([^;&]*);?/gu, (whole, name: string) => {
    const value = ENTITIES[name]
    if (!whole.endsWith(';') || value === undefined) throw new Error(`not an entity: ${whole}`)
    return value
  })
}

/** @throws {Error} the text is not well formed. */
export function parseXml(xml: string): XmlElement {
  const bad = NOT_A_CHARACTER.exec(xml)
  if (bad !== null) throw new Error(`a character that XML cannot hold: U+${bad[0].codePointAt(0)?.toString(16)}`)
  const prolog = /^<\?xml version="1\.0" encoding="UTF-8"\?>\n/u.exec(xml)
  if (prolog === null) throw new Error('no XML declaration')
  let at = prolog[0].length
  const take = (pattern: RegExp): RegExpExecArray => {
    const match = new RegExp(pattern.source, 'uy')
    match.lastIndex = at
    const found = match.exec(xml)
    if (found === null) throw new Error(`expected ${pattern.source} at ${JSON.stringify(xml.slice(at, at + 60))}`)
    at += found[0].length
    return found
  }
  const element = (): XmlElement => {
    const name = take(/<([A-Za-z_][\w.-]*)/u)[1] ?? ''
    const attributes: Record<string, string> = {}
    while (/\s/u.test(xml[at] ?? '')) {
      const [, key = '', value = ''] = take(/\s+([A-Za-z_][\w.-]*)="([^"<]*)"/u)
      if (key in attributes) throw new Error(`the attribute ${key} twice`)
      attributes[key] = unescape(value)
    }
    const children: XmlElement[] = []
    let text = ''
    if (take(/\/?>/u)[0] === '/>') return { name, attributes, children, text }
    for (;;) {
      text += unescape(take(/[^<]*/u)[0])
      if (xml.startsWith('</', at)) {
        if (take(/<\/([\w.-]+)>/u)[1] !== name) throw new Error(`<${name}> is closed by another`)
        return { name, attributes, children, text }
      }
      children.push(element())
    }
  }
  const root = element()
  if (xml.slice(at).trim() !== '') throw new Error('something after the root')
  return root
}
