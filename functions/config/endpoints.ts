/** Endpoints of the config: requests that the deployed release must answer. */
import * as z from 'zod'
import { parseJsonPath } from '../core/json-path.ts'
import { comparison } from './comparison.ts'
import { duration, key, label, name, orNull, path, regularExpression, text } from './parts.ts'

const status = z.number().int().min(100).max(599)
const headers = z.record(text, z.string())

/** A path to one value. `${…}` in it is looked at when it is filled in. */
const jsonPath = text.refine(
  (written) => written.includes('${') || parseJsonPath(written) !== null,
  'is no path to one value: write $.name, $.list[0] or $["a name"], without wildcards and filters',
)

const responseExpect = z.strictObject({
  status: key(
    z
      .union([status, z.array(status).min(1)], { error: 'expected a status from 100 to 599, or a list of them' })
      .optional(),
    'The status of the answer, or a list of those that are fine. Default: any of 200-299.',
    200,
  ),
  headers: key(z.record(text, comparison).optional(), 'Comparisons by header.', {
    'content-type': { contains: 'json' },
  }),
  json: key(z.record(jsonPath, comparison).optional(), 'Comparisons by JSONPath.', { '$.status': 'ok' }),
  body: key(comparison.optional(), 'A comparison of the body as text.', { contains: 'ready' }),
  maxMillis: key(z.number().positive().optional(), 'At most so many milliseconds, redirects included.', 800),
})

/** Where a value is taken from an answer: exactly one of the keys. */
const extract = {
  header: key(text.optional(), 'The header that holds it.', 'x-release'),
  json: key(jsonPath.optional(), 'The JSONPath of the body that holds it.', '$.version'),
  text: key(
    regularExpression().optional(),
    'A regular expression on the body; its first group is the value.',
    'build (\\S+)',
  ),
}

const revision = z.strictObject({
  ...extract,
  equals: key(
    text.default('${release.version}'),
    'What it is when this release answers: text with ${release.version}, ${release.commit} or ${release.service}.',
    '${release.version}',
  ),
})

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

const request = {
  url: key(text, 'What is requested: http or https.', 'https://${API_HOST}/orders/health'),
  method: key(
    z.enum(METHODS).default('GET'),
    'The method of the request. Only GET, HEAD, OPTIONS and PUT are sent again where an answer is not as expected.',
    'GET',
  ),
  headers: key(headers.default({}), 'The headers of the request.', { authorization: 'Bearer ${CANARY_TOKEN}' }),
  body: key(
    orNull(
      z.union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())], {
        error: 'expected a text, or a mapping or list, which is sent as JSON',
      }),
    ),
    'The body of the request. A mapping or a list is sent as JSON.',
    { sku: 'canary', quantity: 1 },
  ),
  redirects: key(
    z.number().int().min(0).max(20).default(5),
    'How many redirects are followed; every hop must be an allowed host. A status that expect names is not followed. To another origin no header goes along that could hold a token, and no body.',
    0,
  ),
  timeout: key(duration.prefault('10s'), 'How long an answer may take before it counts as none.', '10s'),
  expect: key(responseExpect.prefault({}), 'What the answer must be.', { status: 200, json: { '$.status': 'ok' } }),
}

const step = z.strictObject({
  name: key(orNull(label), 'What reports call the step. Default: its place in the list.', 'create'),
  ...request,
  save: key(
    z.record(name, z.strictObject(extract)).default({}),
    'Values of the answer for later steps, which write ${saved.NAME}.',
    { orderId: { json: '$.id' } },
  ),
})

const common = {
  name: key(label, 'What reports call the endpoint.', 'order-page'),
  revision: key(
    orNull(revision),
    'How an answer says which release gave it. An answer of another release is unsure, not pass. With steps the first one has to say it.',
    { header: 'x-release', equals: '${release.version}' },
  ),
  tls: key(
    z
      .strictObject({
        ca: key(orNull(path), 'A PEM file of the authority, where it is a private one.', 'certs/ca.pem'),
        minDays: key(orNull(z.number().int().min(0)), 'How many days the certificate must still be valid.', 14),
      })
      .prefault({}),
    'What the certificate must be, beyond being valid.',
    { minDays: 14 },
  ),
}

const singleEndpoint = z.strictObject({ ...common, ...request })

const steppedEndpoint = z.strictObject({
  ...common,
  steps: key(
    z.array(step).min(1, 'is empty: write the requests, or use url for a single one'),
    'Several requests in order, in place of url; each has the keys of a request, from url to expect. The first that fails ends them.',
    [
      { url: 'https://${API_HOST}/orders', method: 'POST', save: { orderId: { json: '$.id' } } },
      { url: 'https://${API_HOST}/orders/${saved.orderId}' },
    ],
  ),
})

export const endpointSchema = z.union([singleEndpoint, steppedEndpoint], {
  error: 'expected an endpoint with name and url, or with name and steps',
})
