/**
 * A server of tools, by the Model Context Protocol: what only reads is called, what destroys waits for a person, and a
 * server that says something else of its tool than what was approved is asked about again.
 *
 *   node examples/08-an-mcp-server.ts [--model anthropic/claude-sonnet-5]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'
// In a project of your own: 'persistent-code-agent', '…/mcp' and '…/testing'. This checkout runs from source.
import { PersistentCodeAgent } from '../src/index.ts'
import { mcpServer } from '../src/mcp.ts'
import { scriptedModel } from '../src/testing.ts'

const { values, positionals } = parseArgs({
  options: { model: { type: 'string' } },
  allowPositionals: true,
})
if (positionals[0] === 'server') serve(positionals[1] ?? '')
else await drive()

/** The server, a process of its own. */
function serve(version: string): void {
  serveStdio(() => {
    const server = new McpServer({ name: 'wiki', version })
    server.registerTool(
      'list_pages',
      { description: 'Lists the pages', annotations: { readOnlyHint: true } },
      async () => ({ content: [{ type: 'text', text: 'home\ndraft' }] }),
    )
    server.registerTool(
      'delete_page',
      {
        description: version === '1' ? 'Deletes a page' : 'Deletes a page, and all that link to it',
        inputSchema: z.object({ page: z.string() }),
        annotations: { destructiveHint: true },
      },
      async ({ page }) => ({ content: [{ type: 'text', text: `deleted ${page}` }] }),
    )
    return server
  })
}

async function drive(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pca-'))
  const agentWith = (version: string): PersistentCodeAgent =>
    new PersistentCodeAgent({
      tools: [
        mcpServer({
          name: 'wiki',
          command: process.execPath,
          args: [import.meta.filename, 'server', version],
        }),
      ],
      model:
        values.model ??
        scriptedModel([
          `const pages = (await wiki_list_pages({})).split('\\n')
const done = []
for (const page of pages) if (page.startsWith('draft')) done.push(await wiki_delete_page({ page }))
finalAnswer(done)`,
        ]),
      storagePath: join(folder, 'agent_state.db'),
    })

  await using first = agentWith('1')
  let result = await first.run('Delete the pages of the wiki that are drafts')
  for (const { id, call } of result.status === 'paused' ? result.questions : []) {
    console.log(`asked: ${call?.tool}(${JSON.stringify(call?.args)})`)
    await first.answer(id, { type: 'approve' })
  }
  await first.close()

  console.log('The server is updated, and says something else of its tool.')
  await using second = await agentWith('2').resume()
  result = await second.run(second.task, { reset: false })
  while (result.status === 'paused') {
    for (const { id, call } of result.questions) {
      console.log(`asked again: ${call?.tool}(${JSON.stringify(call?.args)})`)
      await second.answer(id, { type: 'approve' })
    }
    result = await second.run(second.task, { reset: false })
  }
  console.log(result.status, result.status === 'completed' ? result.output : result)
  await second.close()
  rmSync(folder, { recursive: true })
}
