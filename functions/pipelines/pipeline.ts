/** The port to a system of pipelines: how its definitions are found, recognised, and read. */
import type { Pipeline } from '../core/pipeline.ts'
import type { Reading } from './step-sink.ts'
import type { YamlNode } from './yaml-nodes.ts'

export interface PipelineSystem {
  /** As people call it. */
  readonly name: string
  /** Of a repository's files those that may be its definitions. */
  readonly places: (files: readonly string[]) => readonly string[]
  /** What stands in a file of it, where its places alone say too little. */
  readonly mark?: RegExp
  /** Whether a file is one of its definitions. */
  readonly recognises: (file: string, root: YamlNode) => boolean
  /** The pipelines of a file; `files`, all that are read. What cannot be read goes to `reading.unread`. */
  readonly read: (file: string, root: YamlNode, reading: Reading, files: readonly string[]) => readonly Pipeline[]
}
