/** Writes src/sandbox/base.heap: the heap with which every guest begins. To be run when the prelude or the engine changed. */
import { writeFileSync } from 'node:fs'
import { makeBase } from '../src/sandbox/boot.ts'
import { BASE_FILE } from '../src/sandbox/sources.ts'

const bytes = await makeBase()
writeFileSync(BASE_FILE, bytes)
console.log(`src/sandbox/base.heap: ${bytes.length} bytes`)
