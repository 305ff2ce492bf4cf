/**
 * The pages that people read, and what of them can be tried.
 *
 *   ```ts           a whole module: type-checked, and run
 *   ```ts name.ts   the same, under a name by which later ones of the page import it
 *   ```ts fragment  type-checked, with the names of `globals.d.ts` around it
 *   ```ts guest     what a model would write: run in the sandbox
 *   ```sh           commands that exist, with options that exist
 *   ```sh script    a whole script: run by test/cli/session.test.ts
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import GithubSlugger from 'github-slugger'
import { fromMarkdown } from 'mdast-util-from-markdown'

export const root: string = join(import.meta.dirname, '..', '..')

export interface Snippet {
  /** `ts`, `ts fragment`, `ts guest`, `sh`, or nothing. */
  readonly kind: string
  readonly text: string
  /** The page and the line where it begins. */
  readonly at: string
}

interface Link {
  readonly url: string
  /** The page and the line where it stands. */
  readonly at: string
}

export interface Page {
  /** Its path in the checkout. */
  readonly path: string
  readonly text: string
  readonly snippets: readonly Snippet[]
  /** What it links to and shows, as it is written. */
  readonly links: readonly Link[]
  /** The names by which its headings can be linked to. */
  readonly anchors: ReadonlySet<string>
}

/** Every page of the checkout that is for people. */
export const pages: readonly Page[] = [
  'README.md',
  'CONTRIBUTING.md',
  'AGENTS.md',
  'CHANGELOG.md',
  ...['docs', 'docs/decisions'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
].map((path) => pageOf(path, readFileSync(join(root, path), 'utf8')))

type Node = ReturnType<typeof fromMarkdown>['children'][number]

export function pageOf(path: string, text: string): Page {
  const nodes = descendants(fromMarkdown(text).children)
  const at = (node: Node): string => `${path}:${node.position?.start.line ?? 0}`
  const slugger = new GithubSlugger()
  return {
    path,
    text,
    snippets: nodes.flatMap((node) =>
      node.type === 'code'
        ? [
            {
              kind: [node.lang, node.meta].filter((word) => typeof word === 'string').join(' '),
              text: `${node.value}\n`,
              at: at(node),
            },
          ]
        : [],
    ),
    links: nodes.flatMap((node) => ('url' in node ? [{ url: node.url, at: at(node) }] : [])),
    anchors: new Set(nodes.flatMap((node) => (node.type === 'heading' ? [slugger.slug(wordsOf(node))] : []))),
  }
}

function descendants(nodes: readonly Node[]): readonly Node[] {
  return nodes.flatMap((node) => [node, ...('children' in node ? descendants(node.children) : [])])
}

function wordsOf(node: Node): string {
  if ('value' in node) return node.value
  return 'children' in node ? node.children.map(wordsOf).join('') : ''
}

/** The page's text without its snippets. */
export function proseOf(page: Page): string {
  return page.text.replaceAll(/^```[\s\S]*?^```$/gm, '')
}
