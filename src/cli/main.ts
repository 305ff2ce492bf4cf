#!/usr/bin/env node
/** `pca`: the command line. Words to functions; each command is loaded when it is called. The door to commander. */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { UsageError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import type { SayOptions } from '../run/signal.ts'
import type { AnswerOptions, ApproveOptions, RejectOptions } from './commands/answer.ts'
import type { PruneOptions, RemoveOptions } from './commands/clear.ts'
import type { CopyOptions } from './commands/copy.ts'
import type { ForkOptions } from './commands/fork.ts'
import type { LogsOptions } from './commands/logs.ts'
import type { ListOptions } from './commands/list.ts'
import type { ResumeOptions } from './commands/resume.ts'
import type { RunOptions } from './commands/run.ts'
import type { ShowOptions } from './commands/show.ts'
import { readConfig } from './config.ts'
import { EXIT, tellFailure } from './failure.ts'
import { leave, screenOf, type Screen } from './screen.ts'
import { settingsOf, type GlobalOptions, type Settings } from './settings.ts'

/** What a command does: its exit code. */
type Action = (screen: Screen, settings: Settings) => Promise<number>

const pca = new Command('pca')
  .description('Agents that write code as their actions, and survive anything.')
  .option('--store <path>', `the state file (PCA_STORE; else the agent's own, else ./agent_state.db)`)
  .option(
    '--agent <module>',
    'the module that exports the agent (PCA_AGENT; else the one that a run was started with here)',
  )
  .option('--json', 'JSON lines on stdout, the last is the result')
  .option('--no-color', 'no colour (NO_COLOR)')
  .version(versionOf(), '-V, --version', 'print the version')
  .helpOption('-h, --help', 'print help')
  .helpCommand(false)
  .configureHelp({ showGlobalOptions: true })
  .configureOutput({ outputError: () => undefined })
  .exitOverride()

pca.commandsGroup('Drive:')

command('run [agent.ts] [task]', `start a task; '-' reads it from stdin`)
  .option('--id <run>', 'name the run; the same task under the same id is started once')
  .option('--input <k=v>', 'a variable for the code, JSON or text (repeatable)', gathered)
  .option('--max-steps <n>', 'turns of the model')
  .option('--max-cost <usd>', 'what it may cost, with all agents that it calls')
  .option('--timeout <duration>', "how long it may be driven: '10m', '2h'")
  .option('--wait', 'stay through timers instead of resting')
  .action((module: string | undefined, task: string | undefined, options: RunOptions) =>
    act(async (...here) => (await import('./commands/run.ts')).run(...here, { module, task }, options)),
  )
command('resume [run]', 'go on with a run, also one whose process died')
  .option('--answer <json>', 'answer its only open question first')
  .option('--wait', 'stay through timers instead of resting')
  .action((run: string | undefined, options: ResumeOptions) =>
    act(async (...here) => (await import('./commands/resume.ts')).resume(...here, run, options)),
  )
command('work', 'drive every run that can go on by itself')
  .option('--once', 'only those that are due now')
  .action((options: { readonly once?: boolean }) =>
    act(async (...here) => (await import('./commands/work.ts')).work(...here, options.once === true)),
  )

command('fork <run>', 'a new run that shares the past of this one')
  .option('--step <n>', 'the last step to share (default: all of them)')
  .option('--id <run>', 'name the new run')
  .action((run: string, options: ForkOptions) =>
    act(async (...here) => (await import('./commands/fork.ts')).fork(...here, run, options)),
  )

pca.commandsGroup('Look:')

command('list', 'the runs')
  .option('--status <status>', 'running, paused, completed, stopped or failed (repeatable)', gathered)
  .option('--of <name>', 'only runs of the agent with this name')
  .option('--since <duration>', `only runs that something happened to since: '2h', '3d'`)
  .option('--watch', 'again at every change; Ctrl-C ends')
  .action((options: ListOptions) =>
    act(async (...here) => (await import('./commands/list.ts')).list(...here, options)),
  )
command('show <run>', 'what happened, step by step')
  .option('--step <n>', 'only this step')
  .option('--vars', `the code's variables, and what they hold`)
  .option('--events', `the journal's entries`)
  .action((run: string, options: ShowOptions) =>
    act(async (...here) => (await import('./commands/show.ts')).show(...here, run, options)),
  )
command('logs <run>', 'what happened, a line for each event')
  .option('-f, --follow', 'go on with what happens, until the run ends')
  .option('--after <seq>', 'begin after this event')
  .option('--family', 'those of the agents that it calls, too')
  .action((run: string, options: LogsOptions) =>
    act(async (...here) => (await import('./commands/logs.ts')).logs(...here, run, options)),
  )

command('doctor', 'whether this machine, the state file and the agent are fit').action(() =>
  act(async (...here) => (await import('./commands/doctor.ts')).doctor(...here)),
)

command('config', 'what counts here, and where each setting comes from').action(() =>
  act(async (...here) => (await import('./commands/config.ts')).config(...here)),
)
command('init [folder]', 'a starter that runs offline').action((folder: string | undefined) =>
  act(async (screen) => (await import('./commands/init.ts')).init(screen, folder ?? '.', versionOf())),
)

pca.commandsGroup('Decide:')

command('inbox', 'the open questions of all runs').action(() =>
  act(async (...here) => (await import('./commands/inbox.ts')).inbox(...here)),
)
deciding('approve [questions...]', 'let calls, or programs, happen')
  .option('--edit [json]', 'with these arguments instead; without any, in $EDITOR')
  .action((questions: readonly string[], options: ApproveOptions) =>
    act(async (...here) => (await import('./commands/answer.ts')).approve(...here, questions, options)),
  )
deciding('reject [questions...]', 'do not let them happen')
  .option('--reason <text>', 'told to the model')
  .action((questions: readonly string[], options: RejectOptions) =>
    act(async (...here) => (await import('./commands/answer.ts')).reject(...here, questions, options)),
  )
command('answer <question> <json>', 'answer a question; what is no JSON is text')
  .option('--by <who>', 'who answered')
  .option('--as-result', 'of an approval: yes or no is the result, too; the tool does not run')
  .action((question: string, value: string, options: AnswerOptions) =>
    act(async (...here) =>
      (await import('./commands/answer.ts')).answer(...here, { question, value }, options),
    ),
  )

command('decisions', 'what was decided for later calls too (--remember)').action(() =>
  act(async (...here) => (await import('./commands/decisions.ts')).decisions(...here)),
)
command('withdraw <question>', 'such a decision counts no more').action((question: string) =>
  act(async (...here) => (await import('./commands/decisions.ts')).withdraw(...here, question)),
)
command('audit <run>', 'what was proposed, decided, sent and returned, call by call').action((run: string) =>
  act(async (...here) => (await import('./commands/audit.ts')).audit(...here, run)),
)

pca.commandsGroup('Halt:')

command('pause <run>', 'rest at the next safe point').action((run: string) =>
  act(async (...here) => (await import('./commands/halt.ts')).pause(...here, run)),
)
command('stop <run>', 'end it for good')
  .option('--reason <text>', 'why')
  .action((run: string, options: { readonly reason?: string }) =>
    act(async (...here) => (await import('./commands/halt.ts')).stop(...here, run, options.reason)),
  )

pca.commandsGroup('Steer:')

command('say <run> <message>', 'tell the model something; it stands in the next prompt')
  .option('--interrupt', 'end the step or the request that is under way')
  .option('--by <who>', 'who says it')
  .action((run: string, message: string, options: SayOptions) =>
    act(async (...here) => (await import('./commands/say.ts')).say(...here, { run, message }, options)),
  )

pca.commandsGroup('Keep:')

command('verify [run]', 'is all that is stored what was written?').action((run: string | undefined) =>
  act(async (...here) => (await import('./commands/verify.ts')).verify(...here, run)),
)
command('export <run> [file]', 'a state file of its own (default: <run>.db)')
  .option('--force', 'replace a file that is there')
  .action((given: string, file: string | undefined, options: CopyOptions) =>
    act(async (...here) => (await import('./commands/copy.ts')).exportOne(...here, { given, file }, options)),
  )
command('import <file>', 'take over the runs of another state file').action((file: string) =>
  act(async (...here) => (await import('./commands/copy.ts')).importFile(...here, file)),
)
command('backup <file>', 'a verified copy of the whole state file')
  .option('--force', 'replace a file that is there')
  .action((file: string, options: CopyOptions) =>
    act(async (...here) => (await import('./commands/copy.ts')).backup(...here, file, options)),
  )
command('rm <run>', 'remove a run that rests, for good')
  .option('--yes', 'do not ask')
  .action((run: string, options: RemoveOptions) =>
    act(async (...here) => (await import('./commands/clear.ts')).rm(...here, run, options)),
  )
command('prune', 'remove finished runs that are old, for good')
  .requiredOption('--older-than <duration>', "since they were last touched: '30d', '12h'")
  .option('--dry-run', 'only list them')
  .option('--yes', 'do not ask')
  .action((options: PruneOptions) =>
    act(async (...here) => (await import('./commands/clear.ts')).prune(...here, options)),
  )
command('rekey', 'wrap all keys under PCA_NEW_STATE_KEY').action(() =>
  act(async (...here) => (await import('./commands/rekey.ts')).rekey(...here)),
)

try {
  await pca.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  if (error.exitCode === 0) await leave(EXIT.done)
  // What was typed was no command; options that came before the mistake may not have been read.
  const screen = screenOf(settingsOf({ json: process.argv.includes('--json') }, process.env))
  if (error.code === 'commander.help') await leave(EXIT.usage)
  await leave(tellFailure(screen, new UsageError(error.message.replace(/^error: /, ''))))
}

function command(usage: string, description: string): Command {
  return pca.command(usage).description(description)
}

/** A command that decides about calls. */
function deciding(usage: string, description: string): Command {
  return command(usage, description)
    .option('--all [run]', 'every open approval, of this run or of all')
    .option('--tool <name>', 'with --all: only calls of this tool')
    .option('--remember <scope>', 'for later calls of the tool too: run or agent')
    .option('--same-args', 'with --remember: only with the same arguments')
    .option('--by <who>', 'who decided')
}

/** Runs a command's function and leaves with its exit code. */
async function act(action: Action): Promise<void> {
  const options = pca.opts<GlobalOptions>()
  const screen = screenOf(settingsOf(options, process.env))
  let code: number
  try {
    code = await action(screen, settingsOf(options, process.env, await readConfig()))
  } catch (error) {
    code = tellFailure(screen, error)
  }
  await leave(code)
}

function gathered(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

function versionOf(): string {
  const manifest = parseJson(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    'package.json',
  )
  return String(Reflect.get(Object(manifest), 'version'))
}
