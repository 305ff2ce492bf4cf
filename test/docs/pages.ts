/**
 * The pages that people read, and what of them can be tried.
 *
 *   ```ts           a whole module: type-checked, and run
 *   ```ts fragment  type-checked, with the names of `globals.d.ts` around it
 *   ```ts guest     what a model would write: run in the sandbox
 *   ```sh           commands that exist, with options that exist
 *   ```sh script    a whole script: run by test/cli/session.test.ts
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root: string = join(import.meta.dirname, '..', '..')

export interface Snippet {
  /** `ts`, `ts fragment`, `ts guest`, `sh`, or nothing. */
  readonly kind: string
  readonly text: string
  /** The page and the line where it begins. */
  readonly at: string
}

export interface Page {
  /** Its path in the checkout. */
  readonly path: string
  readonly text: string
  readonly snippets: readonly Snippet[]
}

export const pages: readonly Page[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((path) => {
  const text = readFileSync(join(root, path), 'utf8')
  return { path, text, snippets: snippetsOf(path, text) }
})

export function snippetsOf(path: string, text: string): readonly Snippet[] {
  return [...text.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, kind = '', body = ''], _, all) => {
    const index = all.length === 0 ? 0 : text.indexOf(`\`\`\`${kind}\n${body}`)
    return { kind: kind.trim(), text: body, at: `${path}:${text.slice(0, index).split('\n').length}` }
  })
}

/** The page's text without its snippets. */
export function proseOf(page: Page): string {
  return page.text.replaceAll(/^```[\s\S]*?^```$/gm, '')
}
