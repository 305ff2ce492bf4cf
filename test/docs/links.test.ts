/** Whoever follows a link of ours arrives. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { pageOf, pages, root, type Page } from './pages.ts'

/** What is wrong with the links of a page; `exists` and `anchorsOf` say what there is beside it. */
function faultsOf(
  { path, links }: Page,
  exists: (path: string) => boolean,
  anchorsOf: (path: string) => ReadonlySet<string> | undefined,
): readonly string[] {
  return links.flatMap(({ url, at }) => {
    if (/^(?:https|mailto):/.test(url)) return URL.canParse(url) ? [] : [`${at}: ${url} is no address`]
    if (/^\w+:/.test(url)) return [`${at}: ${url} is neither https nor a path`]
    const [file = '', anchor] = url.split('#')
    const target = file === '' ? path : normalize(join(dirname(path), decodeURIComponent(file)))
    if (target.startsWith('..')) return [`${at}: ${url} leads out of the checkout`]
    if (!exists(target)) return [`${at}: there is no ${target}`]
    if (anchor === undefined || anchorsOf(target)?.has(anchor) === true) return []
    return [`${at}: ${target} has no heading #${anchor}`]
  })
}

const total = pages.reduce((sum, { links }) => sum + links.length, 0)

test(`the ${total} links of ${pages.length} pages lead to files and headings that are there`, () => {
  expect(total).toBeGreaterThan(300)
  const anchors = new Map(pages.map((page) => [page.path, page.anchors]))
  const faults = pages.flatMap((page) =>
    faultsOf(
      page,
      (path) => existsSync(join(root, path)),
      (path) => anchors.get(path),
    ),
  )
  expect(faults).toEqual([])
})

test('a link that leads nowhere is found: a file, a heading, a way out, another protocol', () => {
  const broken = pageOf(
    'docs/a.md',
    `# One two
[fine](#one-two) [there](b.md) [there too](b.md#c) [far](https://example.com/x)
[no file](gone.md) [no heading](b.md#d) [not here](#three) [out](../../etc/passwd) [odd](javascript:alert(1))
\`[code](is-no-link.md)\`

| [in a table](lost.md) |
| --- |

![picture](no.svg)

[by name][n]

[n]: nowhere.md`,
  )
  const there = new Map([
    ['docs/a.md', broken.anchors],
    ['docs/b.md', new Set(['c'])],
  ])
  const faults = faultsOf(
    broken,
    (path) => there.has(path),
    (path) => there.get(path),
  )
  expect(faults).toEqual([
    'docs/a.md:3: there is no docs/gone.md',
    'docs/a.md:3: docs/b.md has no heading #d',
    'docs/a.md:3: docs/a.md has no heading #three',
    'docs/a.md:3: ../../etc/passwd leads out of the checkout',
    'docs/a.md:3: javascript:alert(1) is neither https nor a path',
    'docs/a.md:6: there is no docs/lost.md',
    'docs/a.md:9: there is no docs/no.svg',
    'docs/a.md:13: there is no docs/nowhere.md',
  ])
})

test('a page of docs is named in the README, or in a page that is', () => {
  const named = new Set<string>()
  const follow = (path: string): void => {
    if (named.has(path)) return
    named.add(path)
    for (const { url } of pages.find((it) => it.path === path)?.links ?? []) {
      const [file = ''] = url.split('#')
      if (file.endsWith('.md')) follow(normalize(join(dirname(path), file)))
    }
  }
  follow('README.md')
  expect(pages.map(({ path }) => path).filter((path) => !named.has(path))).toEqual([])
})

test('every file that a page names in its text exists', () => {
  const missing = pages
    .filter(({ path }) => path !== 'CHANGELOG.md' && !path.includes('/decisions/'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\b(?:src|test|examples|docs)\/[\w/.-]+\w\/?/g)]
        .filter(([named]) => !existsSync(join(root, named)))
        .map(([named]) => `${path}: ${named}`),
    )
  expect(missing).toEqual([])
})

test('llms.txt names every page of docs, with a word of each', () => {
  const text = readFileSync(join(root, 'llms.txt'), 'utf8')
  const named = pageOf('llms.txt', text).links.map(({ url }) => url)
  const docs = pages.map(({ path }) => path).filter((path) => /^docs\/[\w-]+\.md$/.test(path))
  expect(named.toSorted()).toEqual([...docs, 'README.md'].toSorted())
  for (const line of text.split('\n').filter((it) => it.startsWith('- ')))
    expect(line).toMatch(/\): \S.{10,}/)
})

test('pictures and llms.txt are what `npm run docs` makes; each picture has words for who does not see it', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/docs.mjs', '--check'], { cwd: root })
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' })
  const folder = join(root, 'docs', 'pictures')
  const shown = pages.flatMap(({ links }) => links.map(({ url }) => url.split('/').at(-1) ?? ''))
  for (const name of readdirSync(folder)) {
    expect(shown).toContain(name)
    const svg = readFileSync(join(folder, name), 'utf8')
    expect(svg).toMatch(/<title id="title">.+<\/title>\n<desc id="about">.{50,}<\/desc>/)
    expect(svg).not.toMatch(/<script|href=|url\(http|@import/)
  }
})
