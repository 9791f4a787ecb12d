/** Endpoints of the config: requests that the deployed release must answer. */
import * as z from 'zod'
import { comparison, duration, key, label, name, orNull, path, regularExpression, text } from './parts.ts'

const status = z.number().int().min(100).max(599)
const headers = z.record(text, z.string())

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
  json: key(z.record(text, comparison).optional(), 'Comparisons by JSONPath.', { '$.status': 'ok' }),
  body: key(comparison.optional(), 'A comparison of the body as text.', { contains: 'ready' }),
  maxMillis: key(z.number().positive().optional(), 'At most so many milliseconds, redirects included.', 800),
})

/** Where a value is taken from an answer: exactly one of the keys. */
const extract = {
  header: key(text.optional(), 'The header that holds it.', 'x-release'),
  json: key(text.optional(), 'The JSONPath of the body that holds it.', '$.version'),
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
  method: key(z.enum(METHODS).default('GET'), 'The method of the request.', 'GET'),
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
    'How many redirects are followed; every hop must be an allowed host.',
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
    'How an answer says which release gave it. An answer of another release is unsure, not pass.',
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
