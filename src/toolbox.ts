/** Tools that are ready to be given to an agent, each by its author's choice: none is there by itself. */
export { askUser } from './toolbox/ask-user.ts'
export { fetchTool, type FetchOptions } from './toolbox/fetch.ts'
export { files, type FilesOptions } from './toolbox/files.ts'
export { notebook } from './toolbox/notebook.ts'
export { shell, type ShellOptions } from './toolbox/shell.ts'
