/**
 * Which addresses a request may reach. Pure. Ranges: IANA's registries of special-purpose addresses, and where the clouds keep
 * what hands out credentials.
 */
import { isIPv4, isIPv6 } from 'node:net'

/**
 * - `public`: the internet.
 * - `internal`: loopback and private; only for hosts that somebody named exactly.
 * - `forbidden`: never, whoever names it.
 */
export interface AddressJudgement {
  readonly class: 'public' | 'internal' | 'forbidden'
  /** What it is: `a link-local address`. */
  readonly what: string
}

type Range = readonly [prefix: string, bits: number, ...AddressClass]
type AddressClass = readonly [class_: AddressJudgement['class'], what: string]

const METADATA = 'the address of a metadata or credentials service'
const LOOPBACK = 'a loopback address'
const PRIVATE = 'a private address'
const NO_HOST = 'an address of no host'

/** The first that fits counts. */
const IPV4_RANGES: readonly Range[] = [
  // EC2, Azure, Google Cloud and most others; ECS tasks; EKS pod identity.
  ['169.254.169.254', 32, 'forbidden', METADATA],
  ['169.254.170.0', 24, 'forbidden', METADATA],
  ['169.254.0.0', 16, 'forbidden', 'a link-local address'],
  // Alibaba, Azure's platform server, Oracle.
  ['100.100.100.200', 32, 'forbidden', METADATA],
  ['168.63.129.16', 32, 'forbidden', METADATA],
  ['192.0.0.192', 32, 'forbidden', METADATA],
  // Linux connects 0.0.0.0 to itself.
  ['0.0.0.0', 8, 'forbidden', NO_HOST],
  ['224.0.0.0', 4, 'forbidden', 'a multicast address'],
  ['240.0.0.0', 4, 'forbidden', NO_HOST],
  ['127.0.0.0', 8, 'internal', LOOPBACK],
  ['10.0.0.0', 8, 'internal', PRIVATE],
  ['172.16.0.0', 12, 'internal', PRIVATE],
  ['192.168.0.0', 16, 'internal', PRIVATE],
  ['100.64.0.0', 10, 'internal', PRIVATE],
  ['192.0.0.0', 24, 'internal', PRIVATE],
  ['198.18.0.0', 15, 'internal', PRIVATE],
]

const IPV6_RANGES: readonly Range[] = [
  // Amazon's own services inside a VPC: metadata at ::254, pod identity at ::23, DNS, time.
  ['fd00:ec2::', 32, 'forbidden', METADATA],
  // Google Cloud.
  ['fd20:ce::254', 128, 'forbidden', METADATA],
  ['fe80::', 10, 'forbidden', 'a link-local address'],
  ['ff00::', 8, 'forbidden', 'a multicast address'],
  ['::', 128, 'forbidden', NO_HOST],
  ['::1', 128, 'internal', LOOPBACK],
  ['fc00::', 7, 'internal', PRIVATE],
  ['fec0::', 10, 'internal', PRIVATE],
]

/** Where an IPv6 address carries an IPv4 one, by the bytes that hold it: it reaches the same host. */
const CARRIERS: readonly (readonly [prefix: string, bits: number, at: number])[] = [
  ['::ffff:0:0', 96, 12], // mapped
  ['::ffff:0:0:0', 96, 12], // translated (SIIT)
  ['::', 96, 12], // compatible, deprecated
  ['64:ff9b::', 96, 12], // NAT64
  ['64:ff9b:1::', 48, 12], // NAT64, local prefix
  ['2002::', 16, 2], // 6to4
]

/** @param address an IP address as a resolver writes it; a zone (`%eth0`) is left out. What is none is forbidden. */
export function judgeAddress(address: string): AddressJudgement {
  const bare = address.replace(/%.*$/u, '')
  if (isIPv4(bare)) return inRanges(bytesOfIpv4(bare), IPV4_RANGES, bytesOfIpv4)
  if (!isIPv6(bare)) return { class: 'forbidden', what: NO_HOST }
  const bytes = bytesOfIpv6(bare)
  const own = inRanges(bytes, IPV6_RANGES, bytesOfIpv6)
  if (own.class !== 'public') return own
  const carried = carriedIpv4(bytes)
  return carried === null ? own : inRanges(carried, IPV4_RANGES, bytesOfIpv4)
}

function inRanges(
  bytes: readonly number[],
  ranges: readonly Range[],
  parse: (address: string) => readonly number[],
): AddressJudgement {
  const range = ranges.find(([prefix, bits]) => startsWith(bytes, parse(prefix), bits))
  return range === undefined ? { class: 'public', what: 'a public address' } : { class: range[2], what: range[3] }
}

function carriedIpv4(bytes: readonly number[]): readonly number[] | null {
  // Teredo (RFC 4380) carries the client's address with every bit turned over.
  if (startsWith(bytes, bytesOfIpv6('2001::'), 32)) return bytes.slice(12).map((byte) => byte ^ 0xff)
  // ISATAP (RFC 5214): the interface part is 0000:5efe or 0200:5efe and the address.
  if ([0, 2].includes(bytes[8] ?? -1) && bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe)
    return bytes.slice(12)
  const carrier = CARRIERS.find(([prefix, bits]) => startsWith(bytes, bytesOfIpv6(prefix), bits))
  return carrier === undefined ? null : bytes.slice(carrier[2], carrier[2] + 4)
}

function startsWith(bytes: readonly number[], prefix: readonly number[], bits: number): boolean {
  const whole = Math.floor(bits / 8)
  const rest = 0xff & ~(0xff >> (bits % 8))
  return (
    prefix.slice(0, whole).every((byte, at) => bytes[at] === byte) &&
    ((bytes[whole] ?? 0) & rest) === ((prefix[whole] ?? 0) & rest)
  )
}

function bytesOfIpv4(address: string): readonly number[] {
  return address.split('.').map(Number)
}

function bytesOfIpv6(address: string): readonly number[] {
  const dotted = /[\d.]+$/u.exec(address)?.[0] ?? ''
  const [high = 0, upper = 0, lower = 0, low = 0] = dotted.includes('.') ? bytesOfIpv4(dotted) : []
  const plain = dotted.includes('.')
    ? `${address.slice(0, -dotted.length)}${((high << 8) | upper).toString(16)}:${((lower << 8) | low).toString(16)}`
    : address
  const [before = '', after] = plain.split('::')
  const head = groups(before)
  const tail = after === undefined ? [] : groups(after)
  const zeros = Array.from({ length: Math.max(0, 16 - head.length - tail.length) }, () => 0)
  return [...head, ...zeros, ...tail]
}

function groups(text: string): readonly number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}
