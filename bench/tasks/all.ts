/** The set. A task's id is its name for ever: figures of different days are compared by it. */
import { data } from './data.ts'
import { large } from './large.ts'
import { people } from './people.ts'
import { sources } from './sources.ts'
import type { Task } from './task.ts'
import { time } from './time.ts'
import { trouble } from './trouble.ts'

export const tasks: readonly Task[] = [...data, ...time, ...sources, ...trouble, ...people, ...large]
