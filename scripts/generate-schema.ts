/** Writes deploywatch.schema.json and docs/config.md from functions/config. A test says when they are out of date. */
import { writeFileSync } from 'node:fs'
import { renderDocs, renderSchema } from './config-schema.ts'

writeFileSync(new URL('../deploywatch.schema.json', import.meta.url), renderSchema())
writeFileSync(new URL('../docs/config.md', import.meta.url), renderDocs())
