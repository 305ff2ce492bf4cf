/** MCP servers as sources of tools. The package `@modelcontextprotocol/client` is needed when the first one is started. */
export { mcpServer } from './mcp/server.ts'
export type { McpCommand, McpOptions, McpUrl } from './mcp/options.ts'
export type { ToolSource } from './tool/source.ts'
