/** `pca init`: a starter that runs at once, without a network. It never writes over a file. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { UsageError } from '../../base/errors.ts'
import { near, quoted } from '../place.ts'
import type { Screen } from '../screen.ts'

const AGENT = `import { PersistentCodeAgent, tool } from 'persistent-code-agent'
import { scriptedModel } from 'persistent-code-agent/testing'

const orders = tool({
  name: 'damagedOrders',
  description: 'The orders that arrived damaged',
  effect: 'read',
  execute: async () => [{ order: 'A-17', amount: 40 }, { order: 'A-31', amount: 250 }],
})

const refund = tool({
  name: 'refund',
  description: 'Pay money back to a customer',
  effect: 'keyed',
  inputSchema: {
    type: 'object',
    properties: { order: { type: 'string' }, amount: { type: 'number' } },
    required: ['order', 'amount'],
  },
  // A person is asked about the large ones. Answer now, or next week: pca inbox, pca approve.
  needsApproval: ({ amount }: { order: string; amount: number }) => amount > 100,
  execute: async ({ order, amount }: { order: string; amount: number }) => \`\${amount} for \${order}\`,
})

export default new PersistentCodeAgent({
  name: 'refunds',
  // A script in place of a model: it runs offline, and always does the same. For a real one:
  //   npm install @ai-sdk/anthropic, set ANTHROPIC_API_KEY, and write
  //   model: 'anthropic/claude-sonnet-5',
  model: scriptedModel([
    \`const paid = []
for (const one of await damagedOrders()) {
  try {
    paid.push(await refund(one))
  } catch (error) {
    paid.push(one.order + ': ' + error.message)
  }
}
finalAnswer(paid)\`,
  ]),
  tools: [orders, refund],
})
`

const README = `# An agent that survives

    npm install
    npx pca run "Refund the damaged orders"

It asks before it pays 250. Answer at once, or leave (Ctrl-C) and later:

    npx pca inbox
    npx pca approve <question>
    npx pca resume

\`agent.ts\` holds the tools and the model. \`pca.config.json\` says which agent and which state file \`pca\` takes.
`

export async function init(screen: Screen, folder: string, version: string): Promise<number> {
  const home = resolve(folder)
  const files: Readonly<Record<string, string>> = {
    'agent.ts': AGENT,
    'pca.config.json': json({ agent: 'agent.ts', store: 'agent_state.db' }),
    'package.json': json({
      name:
        basename(home)
          .toLowerCase()
          .replaceAll(/[^a-z0-9-]+/g, '-')
          .replaceAll(/^-+|-+$/g, '') || 'my-agent',
      private: true,
      type: 'module',
      dependencies: { 'persistent-code-agent': `^${version}` },
    }),
    'tsconfig.json': json({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2024',
        strict: true,
        noEmit: true,
        allowImportingTsExtensions: true,
        skipLibCheck: true,
      },
    }),
    '.gitignore': 'node_modules\nagent_state.db*\n.env\n',
    'README.md': README,
  }
  const taken = Object.keys(files).filter((name) => existsSync(join(home, name)))
  if (taken.length > 0)
    throw new UsageError(`${near(home)} holds ${taken.join(', ')} already; nothing was written.`, {
      hint: 'Name a new folder: pca init my-agent',
    })
  mkdirSync(home, { recursive: true })
  // 'wx': also a file that has come in between stays.
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text, { flag: 'wx' })
  if (screen.json) screen.data({ v: 1, folder: home, files: Object.keys(files) })
  else {
    for (const name of Object.keys(files))
      screen.err.line(screen.err.paint('dim', `wrote ${near(join(home, name))}`))
    const go = home === process.cwd() ? '' : `  cd ${quoted(near(home))}\n`
    screen.out.line(`Next:\n${go}  npm install\n  npx pca run "Refund the damaged orders"`)
  }
  return 0
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
