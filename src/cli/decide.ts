/** From what a person typed to a decision: text that is JSON, text that is text, arguments in an editor. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { checkJsonSchema } from '../tool/json-schema.ts'
import { quoted } from './place.ts'

/** The value that was typed: what it reads as in JSON, or else the text itself, whichever the question's schema allows. */
export async function valueOf(typed: string, schema: unknown): Promise<unknown> {
  const readings = [...jsonOf(typed).filter((reading) => isWhole(reading, typed)), typed]
  if (schema !== undefined) {
    for (const reading of readings) {
      const checked = await checkJsonSchema(schema as Readonly<Record<string, unknown>>, reading)
      if (checked.ok) return reading
    }
  }
  // Text that was asked for as text, and is not as it should be, is refused as text.
  return isText(schema) ? typed : readings[0]
}

/** False for a number that would be written otherwise: `1e5`, or more digits than a number holds, are somebody's text. */
function isWhole(reading: unknown, typed: string): boolean {
  return typeof reading !== 'number' || String(reading) === typed.trim()
}

function isText(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && Reflect.get(schema, 'type') === 'string'
}

/** @throws {UsageError} naming `what`. */
export function mustBeJson(typed: string, what: string): unknown {
  const read = jsonOf(typed)
  if (read.length === 1) return read[0]
  throw new UsageError(`${what} is no JSON: ${typed}`, { hint: `Quote it for the shell: '{"amount": 10}'` })
}

/** The value in a list; an empty list if the text is no JSON. */
export function jsonOf(text: string): readonly unknown[] {
  try {
    return [parseJson(text, 'The text')]
  } catch {
    return []
  }
}

/** Lets a person change arguments in their editor. @throws {UsageError} the editor failed, or left no JSON. */
export function editText(json: string): unknown {
  const editor = process.env['VISUAL'] || process.env['EDITOR'] || 'vi'
  const directory = mkdtempSync(join(tmpdir(), 'pca-edit-'))
  const file = join(directory, 'arguments.json')
  try {
    writeFileSync(file, `${json}\n`, { mode: 0o600 })
    const { status, error } = spawnSync(`${editor} ${quoted(file)}`, { shell: true, stdio: 'inherit' })
    if (error !== undefined || status !== 0) {
      throw new UsageError(`The editor '${editor}' failed; nothing was sent.`, {
        cause: error,
        hint: `Give the arguments themselves: --edit '<json>'`,
      })
    }
    return mustBeJson(readFileSync(file, 'utf8'), 'What the editor left')
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The lines of `before` and `after` as a diff: ` ` kept, `-` gone, `+` new. */
export function diffOf(before: readonly string[], after: readonly string[]): readonly string[] {
  const [first, ...rest] = before
  const [other, ...others] = after
  if (first === undefined) return after.map((line) => `+${line}`)
  if (other === undefined) return before.map((line) => `-${line}`)
  if (first === other) return [` ${first}`, ...diffOf(rest, others)]
  const comesBack = before.indexOf(other)
  const comesLater = after.indexOf(first)
  if (comesLater < 0 || (comesBack >= 0 && comesBack < comesLater))
    return [`-${first}`, ...diffOf(rest, after)]
  return [`+${other}`, ...diffOf(before, others)]
}
