/** The story of the run that is being driven: read once, told on with every entry, shown as chapters or as memory. */
import {
  actionStep,
  memoryOf,
  planningStep,
  type ActionStep,
  type Memory,
  type PlanningStep,
} from '../agent/memory.ts'
import { messagesBefore } from '../agent/messages.ts'
import { NARRATIVE, type Entry } from '../journal/entry.ts'
import type { Store } from '../journal/store.ts'
import { storedIn, tell, type ActionChapter, type Chapter, type Story } from '../journal/story.ts'
import { CallBook } from './call-book.ts'
import type { RunLog } from './log.ts'
import { sendEdit } from './edit.ts'
import { checkWhole, readStory } from './recover.ts'

export class Teller {
  readonly #store: Store
  readonly #log: RunLog
  readonly #calls: CallBook
  /** Narrative entries that were recorded before the story was first asked for. */
  #heard: Entry[] = []
  #story: Story | undefined
  #reading: Promise<Story> | undefined

  constructor(store: Store, log: RunLog) {
    this.#store = store
    this.#log = log
    this.#calls = new CallBook(store, log.state.runId)
  }

  feed(entry: Entry): void {
    if (!NARRATIVE.has(entry.kind)) return
    if (this.#story === undefined) this.#heard.push(entry)
    else this.#story = tell(this.#story, entry)
  }

  /** The story up to now, with every blob that it needs read. Everything recorded must be durable. */
  async chapters(): Promise<readonly Chapter[]> {
    const { chapters } = this.#story ?? (await (this.#reading ??= this.#read()))
    for (const chapter of chapters)
      for (const stored of storedIn(chapter)) if (typeof stored !== 'string') await this.#log.text(stored)
    return chapters
  }

  async #read(): Promise<Story> {
    const read = await readStory(this.#store, this.#log.state.runId, this.#log.durableSeq)
    const story = this.#heard.reduce(tell, read)
    this.#heard = []
    checkWhole(story, this.#log.state)
    this.#story = story
    return story
  }

  /** One action with its calls; undefined for a step that was never begun. */
  async action(step: number): Promise<ActionStep | undefined> {
    const chapters = await this.chapters()
    const action = chapters.findLast((chapter) => chapter.kind === 'action' && chapter.number === step)
    return action?.kind === 'action' ? actionStep(action, await this.#calls.of(action)) : undefined
  }

  /** The newest plan. */
  async plan(): Promise<PlanningStep | undefined> {
    const plan = (await this.chapters()).findLast((chapter) => chapter.kind === 'planning')
    return plan?.kind === 'planning' ? planningStep(plan) : undefined
  }

  async memory(): Promise<Memory> {
    const chapters = await this.chapters()
    const closed = chapters.filter(
      (chapter): chapter is ActionChapter => chapter.kind === 'action' && chapter.endedAt !== undefined,
    )
    await this.#calls.all(closed)
    return memoryOf(
      chapters,
      (stored) => this.#log.textNow(stored),
      (action) => this.#calls.known(action),
      {
        // The driver reads it before the model is asked again.
        edit: async (edit) => sendEdit(this.#store, this.#log.state.runId, edit),
        messagesOf: async (step) =>
          messagesBefore(step, {
            system: await this.#log.text(this.#log.state.run.system),
            chapters: await this.chapters(),
            text: (stored) => this.#log.textNow(stored),
          }),
      },
    )
  }
}
