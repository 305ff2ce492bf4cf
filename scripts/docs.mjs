/**
 * Writes what of the docs is made by a program: the pictures, and llms.txt, the list of all pages for language models.
 * `--check` writes nothing, and fails where one of them is not what it would write.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { pictures } from './pictures/pictures.mjs'

const root = join(import.meta.dirname, '..')
const read = (path) => readFileSync(join(root, path), 'utf8')

const files = {
  'llms.txt': pagesForModels(),
  ...Object.fromEntries(Object.entries(pictures).map(([name, svg]) => [`docs/pictures/${name}`, svg])),
}

const stale = Object.entries(files).filter(([path, text]) => found(path) !== text)
if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`${path} is not what \`npm run docs\` writes.`)
  process.exitCode = stale.length > 0 ? 1 : 0
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    console.log(path)
  }
}

function found(path) {
  try {
    return read(path)
  } catch {
    return undefined
  }
}

/** See llmstxt.org. The groups and their order are those of the README's "More". */
function pagesForModels() {
  const readme = fromMarkdown(read('README.md')).children
  const about = readme
    .filter(({ type }) => type === 'paragraph')
    .slice(0, 2)
    .map(wordsOf)
    .join(' ')
  const start = readme.findIndex((node) => node.type === 'heading' && wordsOf(node) === 'More')
  const end = readme.findIndex((node, index) => index > start && node.type === 'heading')
  const groups = readme.slice(start + 1, end).map((paragraph) => {
    const [name, ...rest] = paragraph.children
    const words = rest.map((node) =>
      node.type === 'link' ? `- [${wordsOf(node)}](${node.url})` : wordsOf(node),
    )
    const list = words.join('').replaceAll(/ ·\s+/g, '\n').trim()
    return `## ${wordsOf(name).replace(/\.$/, '')}\n\n${list}`
  })
  return `# persistent-code-agent\n\n> ${about}\n\n[README](README.md) has the smallest example.\n\n${groups.join('\n\n')}\n`
}

function wordsOf(node) {
  const words = 'value' in node ? node.value : (node.children ?? []).map(wordsOf).join('')
  return words.replaceAll(/\s+/g, ' ')
}
