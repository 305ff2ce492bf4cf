/**
 * The corpus: small programs as a language model writes them for a code agent, each with what Node prints.
 *
 * `corpus/<area>/<topic>.md` holds some of them. A program is a heading, a block `ts`, and a block `text`: all that it
 * prints, then the value of its last expression, or `= ` and its final answer, or `! ` and the error that ended it.
 * `node test/guest/fixtures/expect.ts` writes the blocks `text` anew, from what Node says.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface CorpusProgram {
  readonly area: string
  /** `<area>/<topic>/<heading>` */
  readonly name: string
  readonly code: string
  readonly expected: string
  /** The file that it stands in. */
  readonly page: string
}

const folder = join(import.meta.dirname, 'corpus')
const PROGRAM = /^## (.+)\n\n```ts\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```\n)?/gm

export function corpus(): readonly CorpusProgram[] {
  return areas().flatMap((area) =>
    readdirSync(join(folder, area))
      .toSorted()
      .flatMap((file) => programsOf(area, join(folder, area, file), file.replace('.md', ''))),
  )
}

export function areas(): readonly string[] {
  return readdirSync(folder).toSorted()
}

function programsOf(area: string, page: string, topic: string): readonly CorpusProgram[] {
  const text = readFileSync(page, 'utf8')
  const found = [...text.matchAll(PROGRAM)].map(([, heading = '', code = '', expected = '']) => ({
    area,
    name: `${area}/${topic}/${heading}`,
    code,
    expected,
    page,
  }))
  if (found.length !== text.split(/^## /m).length - 1)
    throw new Error(`${page}: a program that cannot be read`)
  return found
}

/** The page with what its programs are expected to say. */
export function withExpected(text: string, page: string, said: ReadonlyMap<string, string>): string {
  const [area = '', topic = ''] = page.replace('.md', '').split('/').slice(-2)
  return text.replaceAll(PROGRAM, (_all, heading: string, code: string) => {
    const expected = said.get(`${area}/${topic}/${heading}`) ?? ''
    return `## ${heading}\n\n\`\`\`ts\n${code}\`\`\`\n\n\`\`\`text\n${expected}\`\`\`\n`
  })
}
