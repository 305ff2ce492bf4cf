/**
 * Snippets as programs: each in a file of its own, in a folder for its page, with imports that lead into this
 * checkout. A model of a provider is replaced by the script below: the only substitution that there is.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pages, root, type Snippet } from './pages.ts'

/** What the model of a page's snippets says. */
const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  'README.md': [
    `const done = []
for (const [order, amount] of [['A-17', 40], ['A-31', 250]]) done.push(await refund({ order, amount }))
finalAnswer(done)`,
  ],
  'docs/langgraph.md': [`finalAnswer(await refund({ order: 'A-31', amount: 250 }))`],
  'docs/pausing.md': [`finalAnswer(await order({ item: 'nails', count: 5 }))`],
}

export interface Program extends Snippet {
  readonly page: string
  /** Where it was written. */
  readonly file: string
}

/** Writes all of them below `folder`, which must be inside the checkout. */
export function writePrograms(folder: string): readonly Program[] {
  mkdirSync(folder, { recursive: true })
  const source = relative(folder, join(root, 'src'))
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig(folder)))
  writeFileSync(join(folder, 'globals.d.ts'), globals(source))
  return pages.flatMap((page) => {
    const programs = page.snippets.filter(({ kind }) => isProgram(kind) || kind === 'ts fragment')
    const home = join(folder, page.path.replaceAll('/', '-').replace('.md', ''))
    mkdirSync(home)
    writeFileSync(join(home, 'models.ts'), models(`../${source}`, SCRIPTS[page.path] ?? []))
    return programs.map((snippet, index) => {
      const file = join(home, nameOf(snippet.kind) ?? `${index + 1}.ts`)
      // A model by its name is looked up where the script answers to every name.
      const names = /model: '[\w-]+\//.test(snippet.text) ? `import './models.ts'\n` : ''
      writeFileSync(file, `${names}${withImports(snippet.text, `../${source}`)}\nexport {}\n`)
      return { ...snippet, page: page.path, file }
    })
  })
}

/** True for what runs: `ts`, and `ts agent.ts`, which the programs after it can import. */
export function isProgram(kind: string): boolean {
  return kind === 'ts' || nameOf(kind) !== undefined
}

function nameOf(kind: string): string | undefined {
  return /^ts ([a-z-]+\.ts)$/.exec(kind)?.[1]
}

function withImports(text: string, source: string): string {
  return text
    .replaceAll(`'persistent-code-agent/testing'`, `'${source}/testing.ts'`)
    .replaceAll(`'persistent-code-agent/mcp'`, `'${source}/mcp.ts'`)
    .replaceAll(`'persistent-code-agent/ai-sdk'`, `'${source}/ai-sdk.ts'`)
    .replaceAll(`'persistent-code-agent/toolbox'`, `'${source}/toolbox.ts'`)
    .replaceAll(`'persistent-code-agent'`, `'${source}/index.ts'`)
    .replaceAll(`'@ai-sdk/anthropic'`, `'./models.ts'`)
}

function models(source: string, script: readonly string[]): string {
  return `import { scriptedModel } from '${source}/testing.ts'
export const anthropic = (_model: string): ReturnType<typeof scriptedModel> =>
  scriptedModel(${JSON.stringify(script)})
Object.assign(globalThis, { AI_SDK_DEFAULT_PROVIDER: { languageModel: anthropic } })
`
}

/** What a fragment may speak of without saying where it comes from. */
function globals(source: string): string {
  return `import type * as otel from '@opentelemetry/api'
import type * as pca from '${source}/index.ts'
import type { scriptedModel } from '${source}/testing.ts'
declare global {
  const PersistentCodeAgent: typeof pca.PersistentCodeAgent
  const sqliteStore: typeof pca.sqliteStore
  const drainDue: typeof pca.drainDue
  const agent: pca.PersistentCodeAgent
  const model: ReturnType<typeof scriptedModel>
  const damagedOrders: pca.ToolDefinition
  const refund: pca.ToolDefinition
  const order: pca.ToolDefinition
  const weather: pca.ToolDefinition
  const propagation: typeof otel.propagation
  const ROOT_CONTEXT: typeof otel.ROOT_CONTEXT
}
`
}

function tsconfig(folder: string): unknown {
  return { extends: relative(folder, join(root, 'tsconfig.json')), include: ['**/*.ts'] }
}
