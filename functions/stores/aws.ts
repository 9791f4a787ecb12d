/**
 * The store in AWS. DynamoDB has what is small or shared: verified stamps, what later looks compare with, running releases, samples, recordings, documents
 * and the index of releases. S3 has manifests, evidence and reports, and any text above 350 KB that an item cannot hold.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { S3Client } from '@aws-sdk/client-s3'
import type { Items } from './aws-items.ts'
import { openDynamo, openItems } from './aws-items.ts'
import { indexKey, indexKeys, keyOf, LATEST } from './aws-keys.ts'
import type { Objects } from './aws-objects.ts'
import { openObjects, openS3 } from './aws-objects.ts'
import { addSampleItems, readSampleItems } from './aws-samples.ts'
import type { Documents } from './documents.ts'
import { parseKept, parseLastGood, writeKept, writeLastGood } from './kept-schema.ts'
import { parsePublished, parseRecording, parseRunning } from './kept-forms.ts'
import { isMeant, unitePublished } from './published-releases.ts'
import type { PublishedReference } from './published-releases.ts'
import type { PublishedRelease, PublishedReleases } from './published.ts'
import { hashOf, nameOfDatabase, nameOfExpectation, stampsFor, writeStamp } from './stamp-file.ts'
import { StoreError } from './store.ts'
import type { RunningRelease, StampKey, Store } from './store.ts'

export interface AwsStoreOptions {
  readonly bucket: string
  readonly table: string
  /** Before every key, with its slash at the end; default: nothing. */
  readonly prefix?: string
  /** null, and the default: as the SDK finds it. */
  readonly region?: string | null
  readonly s3?: S3Client
  readonly dynamo?: DynamoDBClient
  readonly now?: () => number
}

/** A stamp that nobody needed for so long is of a release that is gone. */
const STAMP_DAYS = 90
/** What later looks compare with outlives the stamps: the full look that follows a stamp's end keeps it anew. */
const KEPT_DAYS = 365

/** @throws {StoreError} by every method: bucket or table cannot be reached or used. */
export function awsStore(options: AwsStoreOptions): Store & Documents & PublishedReleases {
  const { bucket, table, prefix = '', region = null, now = Date.now } = options
  const objects = openObjects(options.s3 ?? openS3(region), bucket)
  const client = options.dynamo ?? openDynamo(region)
  const items = openItems({ client, table, objects, longPrefix: `${prefix}long/`, now })
  const key = (...parts: readonly string[]): string => keyOf(prefix, ...parts)
  return {
    ...stampsIn(items, key, now),
    ...lastGoodIn(items, key, now),
    ...releasesIn(items, key, table),
    ...filesIn(objects, key, bucket),
    samples: async (service, environment) => readSampleItems(items, key('samples', service, environment)),
    putSamples: async (service, environment, samples) =>
      addSampleItems(items, key('samples', service, environment), samples, now),
    recording: async (service, environment) => {
      const item = await items.get(key('recordings', service), keyOf('', environment))
      return item === null ? null : parseRecording(item.text)
    },
    putRecording: async (service, environment, recording) =>
      items.put(key('recordings', service), keyOf('', environment), JSON.stringify(recording)),
    document: async (name) => {
      const item = await items.get(key('documents', name), 'document')
      return item === null ? null : { text: item.text, version: item.version }
    },
    putDocument: async (name, text, version, expiresAt) =>
      items.putIf(key('documents', name), 'document', text, version, expiresAt),
  }
}

type Keys = (...parts: readonly string[]) => string

function stampsIn(items: Items, key: Keys, now: () => number): Pick<Store, 'verifiedStamps' | 'putVerifiedStamp'> {
  return {
    verifiedStamps: async (of) => {
      const found = await items.all(key('stamps', of.service, of.environment, nameOfExpectation(of)))
      return stampsFor(
        of,
        found.map(({ text }) => text),
      )
    },
    putVerifiedStamp: async (of, stamp) => {
      const pk = key('stamps', of.service, of.environment, nameOfExpectation(of))
      const expiresAt = new Date(now() + STAMP_DAYS * 86_400_000).toISOString()
      await items.put(pk, nameOfDatabase(of), writeStamp(of, stamp), expiresAt)
    },
  }
}

type LastGoods = Pick<Store, 'keptSchema' | 'putKeptSchema' | 'lastGood' | 'putLastGood'>

function lastGoodIn(items: Items, key: Keys, now: () => number): LastGoods {
  const place = (kind: string, of: StampKey): string => key(kind, of.service, of.environment, nameOfExpectation(of))
  const get = async (kind: string, of: StampKey): Promise<string | null> =>
    (await items.get(place(kind, of), nameOfDatabase(of)))?.text ?? null
  const put = async (kind: string, of: StampKey, text: string): Promise<void> => {
    const expiresAt = new Date(now() + KEPT_DAYS * 86_400_000).toISOString()
    await items.put(place(kind, of), nameOfDatabase(of), text, expiresAt)
  }
  return {
    keptSchema: async (of) => parseKept(of, await get('schemas', of)),
    putKeptSchema: async (of, schema) => put('schemas', of, writeKept(of, schema)),
    lastGood: async (of) => parseLastGood(of, await get('good', of)),
    putLastGood: async (of, lastGood) => put('good', of, writeLastGood(of, lastGood)),
  }
}

type Releases = Pick<Store, 'runningRelease' | 'putRunningRelease'> & PublishedReleases

function releasesIn(items: Items, key: Keys, table: string): Releases {
  /** A record that cannot be read is not left out: another release would be taken for the newest. */
  const recordsBy = async (service: string, reference: PublishedReference): Promise<readonly PublishedRelease[]> => {
    const found = await items.all(key('published', service), indexKey(reference))
    return found.map(({ text, sk }) => {
      const record = parsePublished(text)
      if (record !== null) return record
      throw damaged(`${key('published', service)} ${sk}`, table, 'publish that release again')
    })
  }
  return {
    runningRelease: async (service, environment): Promise<RunningRelease | null> => {
      const item = await items.get(key('running', service), keyOf('', environment))
      const running = item === null ? null : parseRunning(item.text)
      if (item !== null && running === null) {
        const item = `${key('running', service)} ${keyOf('', environment)}`
        throw damaged(item, table, 'name the running release with --running FILE')
      }
      return running
    },
    putRunningRelease: async (service, environment, release) =>
      items.put(key('running', service), keyOf('', environment), JSON.stringify(release)),
    putPublished: async (service, release) => {
      // Without its time: what is published again is one record, with labels of its own another.
      const { at: _, ...known } = release
      const name = hashOf([JSON.stringify(known)])
      const [first = '', ...others] = indexKeys(release)
      const put = async (sk: string): Promise<void> =>
        items.put(key('published', service), `${sk}${name}`, JSON.stringify(release))
      // Under its digest first: the other ways all lead there.
      await put(first)
      await Promise.all(others.map(put))
      await items.put(key('published', service), LATEST, JSON.stringify(release))
    },
    latestPublished: async (service) => {
      const item = await items.get(key('published', service), LATEST)
      const release = item === null ? null : parsePublished(item.text)
      if (item !== null && release === null)
        throw damaged(`${key('published', service)} ${LATEST}`, table, 'publish a release again')
      return release
    },
    published: async (service, reference) => {
      const digests = new Set((await recordsBy(service, reference)).map(({ digest }) => digest))
      const records = await Promise.all([...digests].map((digest) => recordsBy(service, { by: 'digest', digest })))
      return unitePublished(records.flat()).filter((release) => isMeant(release, reference))
    },
  }
}

type Files = Pick<Store, 'putManifest' | 'manifest' | 'evidence' | 'putEvidence' | 'putReport' | 'putReportPage'>

function filesIn(objects: Objects, key: Keys, bucket: string): Files {
  const create = async (place: string, content: Buffer, digest: string): Promise<void> => {
    if (await objects.create(place, content)) return
    // The SDK sends a request again whose answer was lost: what stands there may be this very content.
    const found = await objects.read(place)
    if (found === null || !found.equals(content)) {
      const where = `s3://${bucket}/${place}`
      const message = `the manifest ${digest} is in the store with other content: look at ${where}, and delete it if it is damaged`
      throw new StoreError(message, 'conflict')
    }
  }
  return {
    putManifest: async (service, digest, { header, catalog }) => {
      const folder = key('manifests', service, digest)
      // A manifest is there as soon as its header is: so the part comes first, and of several writers its own one wins.
      await create(`${folder}/catalog`, catalog, digest)
      await create(`${folder}/header`, header, digest)
    },
    manifest: async (service, digest) => {
      const folder = key('manifests', service, digest)
      const [header, catalog] = await Promise.all([objects.read(`${folder}/header`), objects.read(`${folder}/catalog`)])
      return header === null || catalog === null ? null : { header, catalog }
    },
    evidence: async (service, digest) => {
      const names = await objects.list(`${key('evidence', service, digest)}/`)
      const contents = await Promise.all(names.map((name) => objects.read(name)))
      return contents.flatMap((content) => (content === null ? [] : [content.toString('utf8')]))
    },
    putEvidence: async (service, digest, environment, text) =>
      objects.write(key('evidence', service, digest, `${environment}.json`), Buffer.from(text, 'utf8')),
    putReport: async (service, environment, report, at) => {
      const name = `${at.replaceAll(/\D/gu, '')}-${hashOf([report]).slice(0, 12)}.json`
      await objects.write(`${key('reports', service, environment)}/${name}`, Buffer.from(report, 'utf8'))
    },
    putReportPage: async (service, environment, name, page) => {
      const place = key('reports', service, environment, `${name}.html`)
      await objects.write(place, Buffer.from(page, 'utf8'), 'text/html; charset=utf-8')
      return objects.consoleUrl(place)
    },
  }
}

function damaged(item: string, table: string, step: string): StoreError {
  const message = `the item ${item} of the table ${table} is no longer whole: delete it, and ${step}`
  return new StoreError(message, 'unreadable')
}
